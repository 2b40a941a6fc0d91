"""What clients for a platform get from an index, as far as its entries tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger_tool.core.ledger.names import Digest, Platform, parse_platform
from ledger_tool.core.registry.image import Child, Manifest, digest_of
from ledger_tool.core.registry.platforms import StatedPlatform, stated_by
from ledger_tool.core.registry.selection import flattened, leads_to, listed_images
from tests.support.values.make import digest

OURS, EVIL = Digest(digest("ours")), Digest(digest("evil"))


def _entry(made: Digest, platform: str) -> Child:
    stated = stated_by(Platform(platform)) if platform else StatedPlatform()
    return Child(made, parse_platform(platform) if platform else None, stated, "image")


def _index(*entries: Child) -> Manifest:
    return Manifest(digest=digest_of(b"index"), is_index=True, children=entries)


@pytest.mark.parametrize(
    ("platform", "entries", "is_ours"),
    [
        ("linux/amd64", [(OURS, "linux/amd64"), (EVIL, "linux/arm64")], True),
        ("linux/amd64", [(OURS, "linux/amd64"), (EVIL, "linux/amd64")], True),
        ("linux/amd64", [(EVIL, "linux/amd64"), (OURS, "linux/amd64")], False),
        ("linux/amd64", [(EVIL, "linux/amd64"), (OURS, "linux/arm64")], False),
        ("linux/amd64", [(OURS, ""), (EVIL, "linux/amd64")], False),
        ("linux/amd64", [(OURS, ""), (EVIL, "linux/arm64")], True),
        ("linux/amd64", [(EVIL, "linux/amd64/v3"), (OURS, "linux/amd64")], True),
        ("linux/arm/v6", [(OURS, "linux/arm/v6"), (EVIL, "linux/arm/v7")], True),
        ("linux/arm/v6", [(EVIL, "linux/arm/v7"), (OURS, "linux/arm/v6")], True),
        ("linux/amd64", [(EVIL, "linux(5.10)/amd64"), (OURS, "linux/amd64")], False),
        ("windows(10.0.2)/amd64", [(EVIL, "windows(10.0.1)/amd64"), (OURS, "windows(10.0.2)/amd64")], True),
        ("linux/amd64", [], False),
        (None, [(EVIL, "linux/amd64"), (OURS, "linux/arm64")], True),
        (None, [(EVIL, "linux/amd64")], False),
    ],
)
def test_the_first_entry_for_a_platform_is_what_clients_get(
    platform: str | None, entries: list[tuple[Digest, str]], *, is_ours: bool
) -> None:
    index = _index(*(_entry(*entry) for entry in entries))
    assert leads_to(index, Platform(platform) if platform else None, OURS) is is_ours


@pytest.mark.parametrize(
    ("platform", "entries", "tell"),
    [
        ("linux/amd64", [(EVIL, ""), (OURS, "")], None),
        ("linux/amd64", [(OURS, ""), (EVIL, "")], None),
        ("linux/amd64", [(OURS, ""), (OURS, "")], True),
        ("linux/amd64", [(EVIL, ""), (OURS, "linux/amd64")], True),
        ("linux/amd64", [(EVIL, ""), (OURS, "linux/arm64")], False),
        ("linux/amd64", [(OURS, ""), (EVIL, "linux/amd64/v3")], None),
        (None, [(EVIL, "linux/amd64"), (OURS, "linux/amd64")], False),
        (None, [(EVIL, "linux/amd64"), (OURS, "")], None),
        (None, [(OURS, "")], True),
    ],
)
def test_the_entries_alone_do_not_tell_where_configs_decide(
    platform: str | None, entries: list[tuple[Digest, str]], *, tell: bool | None
) -> None:
    index = _index(*(_entry(*entry) for entry in entries))
    assert leads_to(index, Platform(platform) if platform else None, OURS) is tell


def test_a_variant_that_an_entry_leaves_open_is_for_its_config_to_say() -> None:
    arm, of_v6 = (Child(made, None, StatedPlatform(system="linux", architecture="arm", variant=variant), "image")
                  for made, variant in ((EVIL, ""), (OURS, "v6")))  # fmt: skip
    for platform in ("linux/arm/v6", None):
        assert leads_to(_index(arm, of_v6), Platform(platform) if platform else None, OURS) is None


def test_an_open_variant_may_be_the_one_that_is_recorded() -> None:
    arm = Child(OURS, Platform("linux/arm/v7"), StatedPlatform(system="linux", architecture="arm"), "image")
    assert leads_to(_index(arm), Platform("linux/arm/v6"), OURS)


def test_the_entries_of_an_index_below_stand_in_its_place_limited_to_its_platform() -> None:
    inner = replace(_index(_entry(OURS, "linux/arm64"), _entry(EVIL, "")), digest=Digest(digest("inner")))
    for listed, expected in (
        ("", [(OURS, "linux/arm64"), (EVIL, None), (EVIL, "linux/s390x")]),
        ("linux/arm64", [(OURS, "linux/arm64"), (EVIL, "linux/arm64"), (EVIL, "linux/s390x")]),
        ("linux/amd64", [(EVIL, "linux/amd64"), (EVIL, "linux/s390x")]),
    ):
        below = replace(_entry(inner.digest, listed), kind="index")
        outer = _index(below, below, _entry(EVIL, "linux/s390x"))
        children = flattened(outer, {inner.digest: inner, outer.digest: outer}).children
        assert sorted((child.digest, child.platform or "") for child in children) == sorted(
            (made, platform or "") for made, platform in expected
        )
        assert [child.digest for child in flattened(outer, {}).children].count(inner.digest) == 2


def test_the_entries_alone_tell_all_images_only_if_each_states_what_it_is() -> None:
    both = [_entry(OURS, "linux/amd64"), _entry(EVIL, "linux/arm64")]
    all_images = frozenset({(Platform("linux/amd64"), OURS), (Platform("linux/arm64"), EVIL)})
    assert listed_images(_index(*both)) == all_images
    assert listed_images(_index(*both, _entry(EVIL, "linux/amd64"))) == all_images
    assert listed_images(_index(*both, _entry(EVIL, ""))) is None
    assert listed_images(_index(*both, Child(EVIL, Platform("linux/s390x"), both[0].stated, "index"))) is None

"""Looking at a registry costs one HEAD for a tag in sync, and more only where a difference must be explained."""

from __future__ import annotations

from typing import Any

import pytest

from ledger_tool.commands.observe import observe
from ledger_tool.core.ledger.names import Platform
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.drift import ABSENT, Unknown
from ledger_tool.core.registry.image import Child
from ledger_tool.errors import Denied, Unreachable
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.values.make import digest, record

APP = "myorg/app"


@pytest.fixture
def fake() -> FakeRegistry:
    return FakeRegistry()


def _record(made: str, platform: str = "linux/amd64", **more: Any) -> Record:
    return record(digest=made, platform=platform, **more)


def _index(fake: FakeRegistry, seed: str, *seeds: str) -> tuple[str, list[str]]:
    platforms = ("linux/amd64", "linux/arm64")
    children = [Child(fake.push(APP, f"only-{one}", one), Platform(platforms[at])) for at, one in enumerate(seeds)]
    return fake.push_index(APP, "v1", seed, children), [child.digest for child in children]


def test_a_tag_in_sync_is_one_head_and_nothing_else(fake: FakeRegistry) -> None:
    made = fake.push(APP, "v1")
    assert observe(fake, [_record(made)]).served == made
    assert fake.calls == [("look", "v1")]


def test_all_platforms_of_a_tag_in_sync_are_one_head_together(fake: FakeRegistry) -> None:
    index, images = _index(fake, "index", "a", "b")
    observe(fake, [_record(images[0], index=index), _record(images[1], "linux/arm64", index=index)])
    assert fake.calls == [("look", "v1")]


def test_a_tag_that_moved_costs_a_get_and_a_head_for_what_it_no_longer_leads_to(fake: FakeRegistry) -> None:
    old = fake.push(APP, "v1", "old")
    new = fake.push(APP, "v1", "new")
    seen = observe(fake, [_record(old)])
    assert fake.calls == [("look", "v1"), ("manifest", new), ("look", old)]
    assert (seen.served, seen.digests) == (new, {old: True})


def test_an_index_that_moved_costs_no_head_for_the_images_still_in_it(fake: FakeRegistry) -> None:
    _, images = _index(fake, "new", "a", "b")
    observe(fake, [_record(images[0], index=digest("old")), _record(images[1], "linux/arm64", index=digest("old"))])
    assert [name for name, _ in fake.calls] == ["look", "manifest"]


def test_a_tag_that_is_gone_costs_a_head_for_its_digest(fake: FakeRegistry) -> None:
    seen = observe(fake, [_record(digest("x"))])
    assert fake.calls == [("look", "v1"), ("look", digest("x"))]
    assert (seen.served, seen.digests) == (ABSENT, {digest("x"): False})


def test_a_failure_is_unknown_with_its_reason_and_costs_nothing_more(fake: FakeRegistry) -> None:
    fake.failing["v1"] = Denied("no entry")
    assert observe(fake, [_record(digest("x"))], deep=True).served == Unknown("no entry")
    assert len(fake.calls) == 1


def test_a_failure_on_the_way_is_unknown_where_it_happened(fake: FakeRegistry) -> None:
    new = fake.push(APP, "v1", "new")
    fake.failing[new] = Unreachable("gone fishing")
    seen = observe(fake, [_record(digest("old"))])
    assert seen.manifest == Unknown("gone fishing")
    assert fake.count("look") == 1


def test_a_tag_that_moves_while_it_is_looked_at_is_unknown(fake: FakeRegistry) -> None:
    new = fake.push(APP, "v1", "new")

    def move(what: str, _reference: str) -> None:
        if what == "manifest":
            del fake.manifests[new]

    fake.hook = move
    assert observe(fake, [_record(digest("old"))]).manifest == Unknown(
        f"{APP}:v1 moved at {fake.name} while it was being checked"
    )


def test_deep_looks_at_every_blob_once(fake: FakeRegistry) -> None:
    made = fake.push(APP, "v1")
    lost = digest("layer of a")
    fake.lost.add(lost)
    assert observe(fake, [_record(made)], deep=True).missing == {made: [lost]}
    assert fake.calls == [("look", "v1"), ("manifest", made), ("has_blob", digest("config of a")), ("has_blob", lost)]


def test_deep_finds_an_image_that_its_index_still_names(fake: FakeRegistry) -> None:
    index, images = _index(fake, "index", "a", "b")
    del fake.manifests[images[1]]  # type: ignore[arg-type]
    records = [_record(images[0], index=index), _record(images[1], "linux/arm64", index=index)]
    assert observe(fake, records, deep=True).missing == {images[0]: [], images[1]: [images[1]]}


def test_deep_does_not_look_into_what_is_gone(fake: FakeRegistry) -> None:
    observe(fake, [_record(digest("x"))], deep=True)
    assert fake.count("manifest") == 0

"""`check --registry`: what proves that a changed pull digest is right."""

from __future__ import annotations

import pytest

from ledger_tool.commands.check_registry import new_records, proven_claims
from ledger_tool.commands.once import OncePerRun
from ledger_tool.core.judging.oneness import UnprovenPull
from ledger_tool.core.ledger.names import Digest, Platform
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.image import Child
from ledger_tool.core.registry.platforms import stated_by
from ledger_tool.errors import Unreachable
from tests.support.registries.fake_registry import FakeRegistries, FakeRegistry
from tests.support.values.make import digest, ledger_of, record

APP = "myorg/app"
AMD64, ARM64 = Platform("linux/amd64"), Platform("linux/arm64")


def _entry(made: Digest, platform: Platform | None) -> Child:
    return Child(made, platform, stated_by(platform), "image") if platform else Child(made, None)


def _proven(
    fake: FakeRegistry, new: Digest, *recorded: tuple[Platform | None, Digest], is_relabelled: bool = False
) -> bool:
    records = tuple(
        record(image=APP, tag="v1", digest=made, **({"platform": platform} if platform else {}))
        for platform, made in recorded
    )
    claim = UnprovenPull(Name(APP, "v1"), Digest(digest("old")), new, records, is_relabelled)
    return claim in proven_claims([claim], OncePerRun(), Policy(), FakeRegistries([fake]), 1)


@pytest.fixture
def fake() -> FakeRegistry:
    return FakeRegistry()


@pytest.mark.parametrize(
    ("said", "is_new"),
    [
        ({"platform": "linux/arm64"}, True),
        ({"index": digest("index")}, True),
        ({"config": digest("config")}, True),
        ({"ttl": "1d"}, False),
    ],
)
def test_an_update_is_looked_at_if_it_says_something_of_the_image(said: dict[str, str], *, is_new: bool) -> None:
    before, after = record(), record(**said)
    assert list(new_records(ledger_of(before), ledger_of(after))) == ([after] if is_new else [])


def test_an_index_proves_what_clients_get_from_it_for_each_platform(fake: FakeRegistry) -> None:
    amd64, arm64 = fake.push(APP, "a", "amd64"), fake.push(APP, "b", "arm64", architecture="arm64")
    evil = fake.push(APP, "c", "evil")
    good = fake.push_index(APP, "v1", "good", [_entry(amd64, AMD64), _entry(arm64, ARM64)])
    assert _proven(fake, good, (AMD64, amd64), (ARM64, arm64))
    assert _proven(fake, good, (None, amd64))
    assert not _proven(fake, good, (ARM64, amd64))
    behind = fake.push_index(APP, "v1", "behind", [_entry(evil, AMD64), _entry(amd64, AMD64)])
    assert not _proven(fake, behind, (AMD64, amd64))
    elsewhere = fake.push_index(APP, "v1", "elsewhere", [_entry(evil, AMD64), _entry(amd64, ARM64)])
    assert not _proven(fake, elsewhere, (AMD64, amd64))


def test_a_single_image_proves_itself_alone(fake: FakeRegistry) -> None:
    made = fake.push(APP, "v1", "amd64")
    assert _proven(fake, made, (AMD64, made))
    assert not _proven(fake, made, (AMD64, made), (ARM64, Digest(digest("arm64"))))


def test_another_platform_is_proved_by_what_leads_to_the_image_or_by_what_it_says_itself(fake: FakeRegistry) -> None:
    arm64 = fake.push(APP, "v1", "arm64", architecture="arm64")
    index = fake.push_index(APP, "v2", "index", [_entry(arm64, ARM64)])
    for new in (arm64, index):
        assert _proven(fake, new, (ARM64, arm64), is_relabelled=True)
        assert not _proven(fake, new, (AMD64, arm64), is_relabelled=True)


def test_an_image_that_does_not_say_its_platform_proves_none(fake: FakeRegistry) -> None:
    silent = fake.push(APP, "v1", "silent", os="", architecture="")
    hidden = fake.push_index(APP, "v2", "hidden", [_entry(silent, None)])
    for new in (silent, hidden):
        assert _proven(fake, new, (ARM64, silent))
        assert not _proven(fake, new, (ARM64, silent), is_relabelled=True)
    told = fake.push_index(APP, "v3", "told", [_entry(silent, ARM64)])
    assert _proven(fake, told, (ARM64, silent), is_relabelled=True)
    open_variant = fake.push(APP, "v4", "arm", architecture="arm")
    assert not _proven(fake, open_variant, (Platform("linux/arm/v6"), open_variant), is_relabelled=True)


def test_a_registry_that_does_not_answer_or_has_not_all_of_it_proves_nothing(fake: FakeRegistry) -> None:
    amd64, arm64 = fake.push(APP, "a", "amd64"), fake.push(APP, "b", "arm64", architecture="arm64")
    index = fake.push_index(APP, "v1", "index", [_entry(amd64, AMD64), _entry(arm64, ARM64)])
    fake.failing[amd64] = Unreachable("it rains")
    assert not _proven(fake, index, (AMD64, amd64))
    fake.failing.clear()
    del fake.manifests[amd64]
    assert not _proven(fake, index, (AMD64, amd64))
    assert not _proven(fake, Digest(digest("gone")), (AMD64, amd64))

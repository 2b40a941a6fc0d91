"""Walking through indexes, against a registry in memory: all that is below, each once, within limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from ledger_tool.commands.walk import MOST, RegistryDigest, WalkAnswer, missing_below, walk_indexes
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.registry.image import Child
from ledger_tool.errors import RuleRefused, Unreachable, UnreadableManifest
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.values.make import digest

APP = "myorg/app"
Place = RegistryDigest[FakeRegistry]


@pytest.fixture
def fake() -> FakeRegistry:
    return FakeRegistry()


def _look(level: Sequence[Place]) -> Iterator[tuple[Place, WalkAnswer]]:
    for place in level:
        yield place, place.registry.manifest(place.image, place.digest)


def _walked(fake: FakeRegistry, *starts: str) -> list[tuple[str, WalkAnswer]]:
    places = [Place(fake, APP, start) for start in starts]
    return [(place.digest, answer) for place, answer in walk_indexes(places, _look)]


def test_everything_below_an_index_is_missed_if_it_is_not_there(fake: FakeRegistry) -> None:
    image, other, note = (fake.push(APP, name, name) for name in ("image", "other", "note"))
    inner = fake.push_index(APP, "inner", "inner", [Child(other, None)], attestations=[note])
    outer = fake.push_index(APP, "outer", "outer", [Child(image, None)], nested=[inner])
    assert missing_below(fake, APP, outer) == []
    fake.lost.add(digest("layer of other"))
    assert missing_below(fake, APP, outer) == [digest("layer of other")]
    assert missing_below(fake, APP, image) == []
    del fake.manifests[note]
    assert missing_below(fake, APP, outer) == [note, digest("layer of other")]
    del fake.manifests[inner]
    assert missing_below(fake, APP, outer) == [inner]
    del fake.manifests[outer]
    assert missing_below(fake, APP, outer) == [outer]


def test_what_is_there_and_cannot_be_read_is_not_missing_and_what_cannot_be_observed_is_not_known(
    fake: FakeRegistry,
) -> None:
    image = fake.push(APP, "image", "image")
    index = fake.push_index(APP, "index", "index", [Child(image, None)])
    fake.failing[image] = UnreadableManifest("odd", "", digest=image)
    assert missing_below(fake, APP, index) == []
    fake.failing[image] = Unreachable("it rains")
    with pytest.raises(Unreachable):
        missing_below(fake, APP, index)


def test_each_index_is_asked_for_once_however_many_lead_to_it(fake: FakeRegistry) -> None:
    inner = fake.push_index(APP, "inner", "inner", [])
    outers = [fake.push_index(APP, "outer", f"outer {at}", [], nested=[inner]) for at in range(3)]
    assert [made for made, _ in _walked(fake, *outers, outers[0])] == [*outers, inner]
    assert fake.count("manifest") == 4


def test_too_many_nested_indexes_are_refused_and_not_asked_for(fake: FakeRegistry) -> None:
    nested = [Digest(digest(str(at))) for at in range(MOST + 1)]
    wide = fake.push_index(APP, "wide", "wide", [], nested=nested)
    narrow = fake.push_index(APP, "narrow", "narrow", [], nested=nested[:1])
    walked = _walked(fake, wide, narrow)
    (refused,) = [answer for made, answer in walked if made == wide and isinstance(answer, RuleRefused)]
    assert f"more than {MOST}" in refused.message
    assert fake.count("manifest") == 3


def test_indexes_that_are_nested_without_end_are_refused(fake: FakeRegistry) -> None:
    made = fake.push_index(APP, "v1", "deepest", [])
    for at in range(9):
        made = fake.push_index(APP, "v1", f"level {at}", [], nested=[made])
    assert [answer.message for _, answer in _walked(fake, made) if isinstance(answer, RuleRefused)] == [
        f"{APP}@{made} nests indexes more than 8 deep"
    ]
    below = fake.manifests[made].nested[0]
    assert not [answer for _, answer in _walked(fake, below) if isinstance(answer, RuleRefused)]

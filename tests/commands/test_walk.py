"""Walking through indexes, against a registry in memory: all that is below, each once, within limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from ledger_tool.commands.once import OncePerRun
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


def _missing(fake: FakeRegistry, digest: str) -> list[str]:
    return missing_below(OncePerRun(), fake, APP, digest)


def test_everything_below_an_index_is_missed_if_it_is_not_there(fake: FakeRegistry) -> None:
    image, other, note = (fake.push(APP, name, name) for name in ("image", "other", "note"))
    inner = fake.push_index(APP, "inner", "inner", [Child(other, None)], attestations=[note])
    outer = fake.push_index(APP, "outer", "outer", [Child(image, None)], nested=[inner])
    assert _missing(fake, outer) == []
    fake.lost.add(digest("layer of other"))
    assert _missing(fake, outer) == [digest("layer of other")]
    assert _missing(fake, image) == []
    del fake.manifests[note]
    assert _missing(fake, outer) == [note, digest("layer of other")]
    del fake.manifests[inner]
    assert _missing(fake, outer) == [inner]
    del fake.manifests[outer]
    assert _missing(fake, outer) == [outer]


def test_what_cannot_be_observed_is_not_known_nor_an_image_that_makes_no_sense_but_an_attestation_need_not_make_any(
    fake: FakeRegistry,
) -> None:
    image, note = fake.push(APP, "image", "image"), fake.push(APP, "note", "note")
    index = fake.push_index(APP, "index", "index", [Child(image, None)], attestations=[note])
    fake.failing[note] = UnreadableManifest("odd", "", digest=note)
    assert _missing(fake, index) == []
    for error in (UnreadableManifest("odd", "", digest=image), Unreachable("it rains")):
        fake.failing[image] = error
        with pytest.raises(type(error)):
            _missing(fake, index)


def test_what_is_missing_is_missing_whatever_else_could_not_be_observed(fake: FakeRegistry) -> None:
    image, other = fake.push(APP, "image", "image"), fake.push(APP, "other", "other")
    index = fake.push_index(APP, "index", "index", [Child(image, None), Child(other, None)])
    fake.failing |= {image: Unreachable("it rains"), digest("config of other"): Unreachable("it pours")}
    fake.lost.add(digest("layer of other"))
    assert _missing(fake, index) == [digest("layer of other")]


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

"""Ledger against registry: one example for each class, and what must hold for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Digest, Platform, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry import drift
from ledger_tool.core.registry.drift import ABSENT, CLASSES, DriftFinding, Observation, Unknown, classify, report
from ledger_tool.core.registry.image import Child, Manifest
from tests.support.values.make import digest, record

NOW = Timestamp("2026-11-25T00:00:00Z")
A, B, INDEX, OTHER = (digest(seed) for seed in ("a", "b", "index", "other"))


def _index(*children: str, at: str = OTHER) -> Manifest:
    images = tuple(Child(Digest(child), Platform("linux/amd64")) for child in children)
    return Manifest(digest=Digest(at), is_index=True, children=images)


SINGLE = record(digest=A)
PART = record(digest=A, index=INDEX, platform="linux/amd64")
OLD = record(digest=A, ttl="1h")
IMAGE = Manifest(digest=Digest(OTHER), is_index=False)
NO_IDEA = Unknown("no idea")

EXAMPLES: list[tuple[str, Record, Observation]] = [
    ("in-sync", SINGLE, Observation(served=A)),
    ("in-sync", PART, Observation(served=INDEX)),
    ("in-sync", SINGLE, Observation(served=OTHER, manifest=_index(A, B))),  # it is recorded without its index
    ("expired", OLD, Observation(served=A)),
    ("expired", OLD, Observation(served=OTHER, manifest=_index(A))),
    ("tag-moved", SINGLE, Observation(served=OTHER, manifest=IMAGE, digests={A: True})),
    ("tag-moved", PART, Observation(served=OTHER, manifest=_index(B), digests={A: True})),
    ("tag-moved", OLD, Observation(served=OTHER, manifest=IMAGE, digests={A: True})),
    ("index-moved", PART, Observation(served=OTHER, manifest=_index(A))),
    ("index-moved", PART, Observation(served=A, manifest=Manifest(digest=Digest(A), is_index=False))),
    ("tag-missing", SINGLE, Observation(served=ABSENT, digests={A: True})),
    ("gone", SINGLE, Observation(served=ABSENT, digests={A: False})),
    ("gone", SINGLE, Observation(served=OTHER, manifest=IMAGE, digests={A: False})),
    ("children-missing", SINGLE, Observation(served=A, missing={A: [B]})),
    ("children-missing", OLD, Observation(served=A, missing={A: [B]})),
    ("children-missing", SINGLE, Observation(served=ABSENT, digests={A: True}, missing={A: [B, OTHER]})),
    ("unknown", SINGLE, Observation(served=NO_IDEA)),
    ("unknown", SINGLE, Observation(served=OTHER, manifest=NO_IDEA)),
    ("unknown", SINGLE, Observation(served=OTHER, manifest=IMAGE, digests={A: NO_IDEA})),
    ("unknown", SINGLE, Observation(served=ABSENT, digests={A: NO_IDEA})),
    ("unknown", SINGLE, Observation(served=ABSENT)),
    ("unknown", SINGLE, Observation(served=A, missing={A: NO_IDEA})),
    ("tag-moved", SINGLE, Observation(served=OTHER, manifest=IMAGE, digests={A: True}, missing={A: NO_IDEA})),
]


@pytest.mark.parametrize(("expected", "one", "seen"), EXAMPLES)
def test_each_observation_has_its_class(expected: str, one: Record, seen: Observation) -> None:
    (finding,) = classify([one], "registry.example.com", seen, NOW)
    assert finding.drift == expected
    assert finding.ledger == (one.index or one.digest)
    assert finding.served == (seen.served if isinstance(seen.served, str) else None)
    assert bool(finding.reason) == (expected != "in-sync")


def test_an_unknown_says_why() -> None:
    (finding,) = classify([SINGLE], "r", Observation(served=NO_IDEA), NOW)
    assert finding.reason == "no idea"


DIGESTS = [A, B, INDEX, OTHER]
_digests = st.sampled_from(DIGESTS)
_unknown = st.just(NO_IDEA)
_manifests: Any = st.lists(_digests, max_size=3).map(lambda found: _index(*found)) | st.just(IMAGE)
_observations = st.builds(
    Observation,
    served=_digests | st.just(ABSENT) | _unknown,
    manifest=st.none() | _unknown | _manifests,
    digests=st.dictionaries(_digests, st.booleans() | _unknown, max_size=4),
    missing=st.dictionaries(_digests, st.lists(_digests, max_size=2) | _unknown, max_size=4),
)
_platforms = ["linux/amd64", "linux/arm64", "linux/s390x"]
_records = st.lists(
    st.tuples(_digests, st.none() | _digests, st.sampled_from([None, "1h", "99999w"])), min_size=1, max_size=3
).map(
    lambda rows: [
        record(platform=_platforms[at], digest=image, index=index, ttl=ttl)
        for at, (image, index, ttl) in enumerate(rows)
    ]
)


@given(_records, _observations)
def test_every_record_gets_exactly_one_class_and_always_the_same(records: list[Record], seen: Observation) -> None:
    found = classify(records, "r", seen, NOW)
    assert [one.platform for one in found] == [one.platform for one in records]
    assert all(one.drift in CLASSES and one.drift != "untracked" for one in found)
    assert classify(records, "r", seen, NOW) == found


@given(_records, _observations)
def test_what_is_unknown_never_counts_as_drift(records: list[Record], seen: Observation) -> None:
    """Each class stands on what was seen: without that observation it may not be there."""
    for one, finding in zip(records, classify(records, "r", seen, NOW), strict=True):
        looked = seen.digests.get(one.digest)
        if isinstance(seen.served, Unknown):
            assert finding.drift == "unknown"
        if finding.drift == "gone":
            assert looked is False
        if finding.drift == "tag-missing":
            assert (seen.served, looked) == (ABSENT, True)
        if finding.drift == "tag-moved":
            assert looked is True
            assert finding.served not in (None, one.digest, one.index)
        if finding.drift == "index-moved":
            assert isinstance(seen.manifest, Manifest) or seen.served == one.digest
        if finding.drift == "children-missing":
            assert seen.missing[one.digest]
            assert not isinstance(seen.missing[one.digest], Unknown)
        if finding.drift in ("in-sync", "expired"):
            assert isinstance(seen.served, str)


@given(_records, st.data())
def test_what_the_functions_ask_for_is_enough_to_tell(records: list[Record], data: st.DataObject) -> None:
    """A registry that answers all that is asked leaves nothing unknown, and no digest is asked for in vain."""
    served = data.draw(_digests | st.just(ABSENT))
    manifest = data.draw(_manifests) if drift.needs_manifest(records, served) else None
    asked = drift.needs_digests(records, served, manifest)
    digests = {one: data.draw(st.booleans()) for one in asked}
    seen = Observation(served=served, manifest=manifest, digests=digests)
    assert all(one.drift != "unknown" for one in classify(records, "r", seen, NOW))
    assert set(asked) <= {one.digest for one in records}


@given(_records)
def test_a_tag_in_sync_needs_no_second_look(records: list[Record]) -> None:
    same = [one for one in records if (one.index or one.digest) == (records[0].index or records[0].digest)]
    served = same[0].index or same[0].digest
    assert not drift.needs_manifest(same, served)
    assert drift.needs_digests(same, served, None) == []


def test_what_could_not_be_seen_needs_no_further_look() -> None:
    assert not drift.needs_manifest([SINGLE], NO_IDEA)
    assert drift.needs_digests([SINGLE], NO_IDEA, None) == []
    assert drift.needs_digests([SINGLE], OTHER, NO_IDEA) == []


def _findings(*counts: tuple[drift.DriftClass, int], registry: str = "r") -> Sequence[DriftFinding]:
    return [
        DriftFinding(drift=kind, registry=registry, image="a", tag=f"{kind}-{at}")
        for kind, count in counts
        for at in range(count)
    ]


def test_a_report_counts_and_puts_the_most_serious_first() -> None:
    found = report(_findings(("in-sync", 10), ("unknown", 1), ("untracked", 1), ("gone", 2)))
    assert list(found.summary.items()) == [("gone", 2), ("untracked", 1), ("unknown", 1), ("in-sync", 10)]
    assert [one.drift for one in found.findings][:3] == ["gone", "gone", "untracked"]
    assert found.drifted
    assert not found.complete


@pytest.mark.parametrize(
    ("counts", "down"),
    [
        ((("unknown", 1),), True),
        ((("unknown", 1), ("untracked", 3)), True),
        ((("unknown", 9), ("in-sync", 1)), False),
        ((("gone", 5),), False),
        ((("gone", 6), ("in-sync", 24)), False),
        ((("gone", 6), ("in-sync", 23)), True),
        ((("gone", 6), ("in-sync", 23), ("untracked", 100)), True),
        ((), False),
        ((("untracked", 3),), False),
    ],
)
def test_a_registry_looks_down_when_nothing_is_known_or_over_a_fifth_is_gone(
    counts: tuple[tuple[drift.DriftClass, int], ...], down: bool
) -> None:
    found = report([*_findings(*counts), *_findings(("in-sync", 1000), registry="healthy")])
    assert list(found.looks_down) == (["r"] if down else [])
    assert not (down and found.complete)


def test_an_interrupted_run_is_not_complete() -> None:
    assert report(_findings(("in-sync", 1))).complete
    assert not report(_findings(("in-sync", 1)), interrupted=True).complete
    assert not report(_findings(("in-sync", 1)), interrupted=True).drifted


def test_untracked_tags_are_those_missing_from_the_ledger_each_listed_once() -> None:
    found = drift.untracked("r", "a", ["v2", "v1", "v3", "v2"], ["v1"])
    assert [(one.tag, one.drift) for one in found] == [("v2", "untracked"), ("v3", "untracked")]

"""Ledger against registry: one example for each class, and an independent oracle for all combinations of answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Digest, Platform, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry import drift, looks
from ledger_tool.core.registry.drift import (
    ABSENT,
    Absent,
    DriftFinding,
    Observation,
    Unknown,
    Unreadable,
    classify,
)
from ledger_tool.core.registry.driftreport import FAILABLE, report
from ledger_tool.core.registry.failon import FindingKind, parse_fail_on
from ledger_tool.core.registry.image import Child, Manifest
from ledger_tool.errors import UsageError
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
ODD = Unreadable("it is odd")

EXAMPLES: list[tuple[str, Record, Observation]] = [
    ("in-sync", SINGLE, Observation(served=A)),
    ("in-sync", PART, Observation(served=INDEX, exists={A: True})),
    ("in-sync", PART, Observation(served=INDEX, is_quick=True)),
    ("expired", OLD, Observation(served=A)),
    ("tag-moved", SINGLE, Observation(served=OTHER, contents=IMAGE, exists={A: True})),
    ("tag-moved", PART, Observation(served=OTHER, contents=_index(B), exists={A: True, INDEX: True})),
    ("tag-moved", OLD, Observation(served=OTHER, contents=IMAGE, exists={A: True})),
    ("tag-moved", SINGLE, Observation(served=OTHER, contents=ODD, exists={A: True})),
    ("tag-moved", SINGLE, Observation(served=OTHER, exists={A: True})),  # nobody looked into it
    ("tag-moved", SINGLE, Observation(served=OTHER, contents=IMAGE, exists={A: NO_IDEA})),
    ("tag-moved", PART, Observation(served=OTHER, contents=_index(A), exists={A: True, INDEX: NO_IDEA})),
    ("index-moved", PART, Observation(served=OTHER, contents=_index(A), exists={A: True, INDEX: True})),
    ("index-moved", PART, Observation(served=A, exists={INDEX: True})),
    ("index-moved", SINGLE, Observation(served=OTHER, contents=_index(A, B), exists={A: True})),
    ("tag-missing", SINGLE, Observation(served=ABSENT, exists={A: True})),
    ("tag-missing", PART, Observation(served=ABSENT, exists={A: NO_IDEA, INDEX: True})),
    ("gone", SINGLE, Observation(served=ABSENT, exists={A: False})),
    ("gone", SINGLE, Observation(served=OTHER, contents=IMAGE, exists={A: False})),
    ("gone", PART, Observation(served=ABSENT, exists={A: True, INDEX: False})),
    ("gone", PART, Observation(served=INDEX, exists={A: False})),
    ("gone", PART, Observation(served=OTHER, contents=_index(A), exists={A: True, INDEX: False})),
    ("gone", PART, Observation(served=NO_IDEA, exists={A: NO_IDEA, INDEX: False})),
    ("children-missing", SINGLE, Observation(served=A, missing={A: [B]})),
    ("children-missing", PART, Observation(served=INDEX, exists={A: True}, missing={INDEX: [B]})),
    ("children-missing", OLD, Observation(served=A, missing={A: [B]})),
    ("children-missing", SINGLE, Observation(served=ABSENT, exists={A: True}, missing={A: [B, OTHER]})),
    ("unknown", SINGLE, Observation(served=NO_IDEA)),
    ("unknown", SINGLE, Observation(served=NO_IDEA, exists={A: True})),
    ("unknown", PART, Observation(served=INDEX, exists={A: NO_IDEA})),
    ("unknown", PART, Observation(served=INDEX)),
    ("unknown", SINGLE, Observation(served=ABSENT, exists={A: NO_IDEA})),
    ("unknown", SINGLE, Observation(served=ABSENT)),
    ("unknown", SINGLE, Observation(served=A, missing={A: NO_IDEA})),
    ("tag-moved", SINGLE, Observation(served=OTHER, contents=IMAGE, exists={A: True}, missing={A: NO_IDEA})),
]


@pytest.mark.parametrize(("expected", "one", "seen"), EXAMPLES)
def test_each_observation_has_its_class(expected: str, one: Record, seen: Observation) -> None:
    (finding,) = classify([one], "registry.example.com", seen, NOW)
    assert finding.drift == expected
    assert finding.ledger == (one.index or one.digest)
    assert finding.served == (seen.served if isinstance(seen.served, str) else None)
    assert bool(finding.reason) == (expected != "in-sync")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Observation(served=NO_IDEA), "no idea"),
        (Observation(served=OTHER, contents=ODD, exists={A: True, INDEX: True}), "can't be read: it is odd"),
        (Observation(served=OTHER, exists={A: True, INDEX: NO_IDEA}), "is not known: no idea"),
        (Observation(served=OTHER, contents=_index(A), exists={A: True, INDEX: False}), "does not pull any more"),
        (Observation(served=OTHER, contents=_index(A), exists={A: True, INDEX: False}), "the same image for this"),
        (Observation(served=INDEX, exists={A: False}), "although its index is"),
        (Observation(served=ABSENT, exists={A: True, INDEX: True}), "the tag is gone; the recorded digest still pulls"),
    ],
)
def test_a_reason_says_what_was_seen(seen: Observation, words: str) -> None:
    (finding,) = classify([PART], "r", seen, NOW)
    assert words in finding.reason


# ---- the oracle: the class by the words of the documentation, in another order and without the code's own questions

ANSWERS: list[bool | Unknown] = [True, False, NO_IDEA]


def _oracle(
    one: Record, tag: str | Absent | Unknown, pull: Any, image: Any, contents: Any, below: Any, now: str
) -> str:
    handed_out = one.index or one.digest
    is_served = tag == handed_out
    pull = True if is_served else pull
    image = True if tag == one.digest else pull if one.index is None else image
    leads_to_image = tag == one.digest or (isinstance(contents, Manifest) and one.digest in contents.reached)
    rules = [
        ("gone", pull is False or image is False),
        ("children-missing", isinstance(below, list) and below != []),
        ("index-moved", isinstance(tag, str) and not is_served and leads_to_image and pull is True),
        ("tag-moved", isinstance(tag, str) and not is_served),
        ("tag-missing", tag == ABSENT and pull is True),
        ("unknown", not is_served or image is not True or below == NO_IDEA),
        ("expired", one.ttl == "1h"),
        ("in-sync", True),
    ]
    return next(name for name, applies in rules if applies)


def _may_be_worse(one: Record, expected: str, pull: Any, image: Any, below: Any) -> bool:
    """Return whether an answer that did not come could have been a worse one than the class that was found."""
    if expected == "gone":
        return False
    is_image_open = NO_IDEA in (pull, image if one.index else pull)
    return is_image_open or (below == NO_IDEA and expected != "children-missing")


def _combinations() -> Iterator[tuple[Any, ...]]:
    records = [SINGLE, PART, OLD, record(digest=A, index=INDEX, ttl="1h"), record(digest=A, index=INDEX, ttl="9999w")]
    tags = [A, INDEX, OTHER, B, ABSENT, NO_IDEA]
    contents = [None, ODD, Unreadable("later", is_seen=False), IMAGE, _index(A), _index(B), _index()]
    yield from product(records, tags, ANSWERS, ANSWERS, contents, [None, [], [B], NO_IDEA])


def test_every_combination_of_answers_has_the_class_of_the_oracle_and_none_invents_what_was_not_seen() -> None:
    for one, tag, pull, image, contents, below in _combinations():
        exists = {one.index or one.digest: pull, one.digest: image if one.index else pull}
        missing = {} if below is None else {one.index or one.digest: below}
        seen = Observation(served=tag, exists=exists, contents=contents, missing=missing)
        ((finding),) = classify([one], "r", seen, NOW)
        expected = _oracle(one, tag, pull, image, contents, below, NOW)
        assert finding.drift == expected, (one, seen)
        pull, image = (True if tag == own else answer for own, answer in ((one.pull_digest, pull), (one.digest, image)))
        is_open = (tag == NO_IDEA and expected == "unknown") or _may_be_worse(one, expected, pull, image, below)
        assert report([finding]).complete == (not is_open), (one, seen)
        assert not is_open or "no idea" in finding.reason
        looked_at = [exists[digest] for digest in looks.to_look_for([one], tag)]
        if finding.drift in ("in-sync", "expired"):
            assert tag == finding.ledger
            assert all(answer is True for answer in looked_at)
            assert not isinstance(below, Unknown)
        if finding.drift == "gone":
            assert False in looked_at
        if finding.drift == "children-missing":
            assert below == [B]
        if finding.drift in ("tag-moved", "index-moved"):
            assert isinstance(tag, str)
            assert tag != finding.ledger
        if finding.drift == "tag-missing":
            assert isinstance(tag, Absent)
        assert (finding.drift == "unknown") == (finding.kind == "unknown")


def test_what_is_unknown_alone_is_never_drift_and_never_absence() -> None:
    """With nothing but answers that agree or are missing, nothing is worse than unknown."""
    tags: list[str | Absent | Unknown] = [NO_IDEA, INDEX, A]
    belows: list[Sequence[str] | Unknown] = [[], NO_IDEA]
    for one, tag, pull, image, below in product([SINGLE, PART, OLD], tags, ANSWERS[::2], ANSWERS[::2], belows):
        handed_out: str = one.index or one.digest
        if isinstance(tag, Unknown) or tag == handed_out:
            exists: dict[str, bool | Unknown] = {one.digest: image, handed_out: pull}
            seen = Observation(served=tag, exists=exists, missing={handed_out: below})
            (finding,) = classify([one], "r", seen, NOW)
            assert finding.drift in ("unknown", "in-sync", "expired")


DIGESTS = [A, B, INDEX, OTHER]
_digests = st.sampled_from(DIGESTS)
_manifests: Any = st.lists(_digests, max_size=3).map(lambda children: _index(*children)) | st.just(IMAGE)
_platforms = ["linux/amd64", "linux/arm64", "linux/s390x"]
_records = st.lists(
    st.tuples(_digests, st.none() | _digests, st.sampled_from([None, "1h", "9999w"])), min_size=1, max_size=3
).map(
    lambda rows: [
        record(platform=_platforms[at], digest=image, index=index, ttl=ttl)
        for at, (image, index, ttl) in enumerate(rows)
    ]
)


@given(_records, st.data())
def test_what_the_functions_ask_for_is_enough_to_tell(records: list[Record], data: st.DataObject) -> None:
    """A registry that answers all that is asked leaves nothing unknown, and nothing is asked for twice or in vain."""
    served = data.draw(_digests | st.just(ABSENT))
    contents = data.draw(_manifests) if looks.is_different(records, served) else None
    asked = looks.to_look_for(records, served)
    exists = {one: data.draw(st.booleans()) for one in asked}
    seen = Observation(served=served, contents=contents, exists=exists)
    assert all(one.drift != "unknown" for one in classify(records, "r", seen, NOW))
    assert len(set(asked)) == len(asked)
    assert {*asked, served} >= {digest for one in records for digest in (one.digest, one.index or one.digest)}


def test_one_platform_in_sync_needs_no_second_look_and_several_one_more_each() -> None:
    assert looks.to_look_for([SINGLE], A) == []
    both = [PART, record(digest=B, index=INDEX, platform="linux/arm64")]
    assert looks.to_look_for(both, INDEX) == [A, B]
    assert looks.to_look_for(both, INDEX, quick=True) == []
    assert looks.to_look_for(both, OTHER, quick=True) == [INDEX, A, B]


@pytest.mark.parametrize(
    ("drift_class", "one", "is_mutable", "kind"),
    [
        ("tag-moved", SINGLE, False, "drift"),
        ("tag-moved", SINGLE, True, "housekeeping"),
        ("expired", OLD, False, "housekeeping"),
        ("gone", SINGLE, True, "drift"),
        ("gone", OLD, False, "housekeeping"),
        ("tag-missing", SINGLE, True, "drift"),
        ("tag-missing", OLD, True, "housekeeping"),
        ("children-missing", OLD, True, "drift"),
        ("tag-moved", OLD, False, "drift"),
        ("unknown", OLD, True, "unknown"),
        ("in-sync", SINGLE, True, "none"),
    ],
)
def test_housekeeping_is_what_may_move_and_what_may_go(
    drift_class: str, one: Record, is_mutable: bool, kind: str
) -> None:
    seen = (
        next(seen for name, example, seen in EXAMPLES if (name, example) == (drift_class, one))
        if (any((name, example) == (drift_class, one) for name, example, _ in EXAMPLES))
        else {
            "gone": Observation(served=ABSENT, exists={A: False}),
            "tag-missing": Observation(served=ABSENT, exists={A: True}),
            "unknown": Observation(served=NO_IDEA),
        }[drift_class]
    )
    (finding,) = classify([one], "r", seen, NOW, is_mutable=is_mutable)
    assert (finding.drift, finding.kind) == (drift_class, kind)


KINDS: dict[str, FindingKind] = {
    "expired": "housekeeping", "untracked": "housekeeping", "unknown": "unknown", "in-sync": "none"
}  # fmt: skip


def _findings(*counts: tuple[drift.DriftClass, int], registry: str = "r") -> Sequence[DriftFinding]:
    return [
        DriftFinding(drift=kind, registry=registry, image="a", tag=f"{kind}-{at}", kind=KINDS.get(kind, "drift"))
        for kind, count in counts
        for at in range(count)
    ]


def test_a_report_counts_and_puts_the_most_serious_first() -> None:
    found = report(_findings(("in-sync", 10), ("unknown", 1), ("untracked", 1), ("gone", 2)))
    assert list(found.summary.items()) == [("gone", 2), ("untracked", 1), ("unknown", 1), ("in-sync", 10)]
    assert [one.drift for one in found.findings][:3] == ["gone", "gone", "untracked"]
    assert found.kinds == {"drift": 2, "housekeeping": 1, "unknown": 1}
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
    assert not report(_findings(("in-sync", 1)), interrupted=True).fails(FAILABLE)


@pytest.mark.parametrize(
    ("fail_on", "fails"),
    [
        ("drift", ["gone", "tag-moved"]),
        ("housekeeping", ["expired", "untracked"]),
        ("drift,untracked", ["gone", "tag-moved", "untracked"]),
        ("gone, expired", ["gone", "expired"]),
        ("none", []),
    ],
)
def test_a_run_fails_on_the_classes_and_kinds_that_were_asked_for(fail_on: str, fails: list[str]) -> None:
    classes: list[drift.DriftClass] = ["gone", "tag-moved", "expired", "untracked", "unknown", "in-sync"]
    words = parse_fail_on(fail_on, FAILABLE)
    assert [name for name in classes if report(_findings((name, 1))).fails(words)] == fails


def test_a_tag_that_may_move_fails_a_run_only_by_its_class() -> None:
    moved = report([DriftFinding(drift="tag-moved", kind="housekeeping", registry="r", image="a", tag="latest")])
    assert not moved.fails(parse_fail_on("drift", FAILABLE))
    assert moved.fails(parse_fail_on("tag-moved", FAILABLE))


@pytest.mark.parametrize("words", ["", "unknown", "in-sync", "drift,", "drift,none", "Gone"])
def test_what_cannot_fail_a_run_is_a_usage_error(words: str) -> None:
    with pytest.raises(UsageError, match="--fail-on"):
        parse_fail_on(words, FAILABLE)


def test_records_that_have_expired_do_not_make_a_registry_look_down() -> None:
    gone = [replace(finding, kind="housekeeping") for finding in _findings(("gone", 20))]
    assert report([*gone, *_findings(("in-sync", 1))]).complete

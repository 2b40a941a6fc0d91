"""Where digests are and were: as all versions of a small ledger show it, of which the log tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import compose, parse_message
from ledger_tool.core.history.commit import Commit, File, Touch
from ledger_tool.core.history.log import LogEntry, claimed, seen
from ledger_tool.core.history.whence import parse_digest_prefix, spans
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Key, Name
from ledger_tool.core.ledger.yanks import yanks_of
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.site import evidence
from ledger_tool.core.site.digests import digest_places
from ledger_tool.core.site.evidence import NOT_READ, PastLedgers
from ledger_tool.core.site.facts import DigestPlace
from ledger_tool.errors import LedgerError
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.operations import OPERATIONS, Operation

AMD = "linux/amd64"
Held = set[tuple[str, Key, str]]


def held(ledger: Ledger) -> Held:
    """Return every digest of a ledger's records, and in which role."""
    return {
        (kind, one.key, found)
        for one in ledger.records()
        for kind, found in (("image", one.digest), ("index", one.index), ("config", one.config))
        if found
    }


def told(number: int, before: Ledger, change: Change, says: Change | None) -> list[LogEntry]:
    """Return what the log tells of a change: from what its message says, or from its diff where that says nothing."""
    message = parse_message(compose(says, str(number)) if says else "update\n")
    commit = Commit(f"{number:040}", ("",), "A", "a@example.com", Timestamp(f"2026-01-{number + 1:02}T00:00:00Z"), "")
    claims = claimed(commit, message)
    return seen(commit, message, effects_of(compare(before, change.ledger))) if claims is None else claims


Step = tuple[Operation, bool | None]


def history(steps: Sequence[Step], policy: Policy) -> tuple[list[Ledger], list[LogEntry]]:
    """Return the ledgers of a history, from the empty one on, and its log, the newest entry first.

    Each message says what its commit did or, for True, nothing, or, for None, what the commit before did.
    """
    ledgers, log = [Ledger()], list[list[LogEntry]]()
    last: Change | None = None
    for operation, is_silent in steps:
        try:
            change = operation(Snapshot("", ledgers[-1], policy))
        except LedgerError:
            continue
        if change.changed:
            says = {True: None, False: change, None: last or change}[is_silent]
            log.insert(0, told(len(ledgers), ledgers[-1], change, says))
            ledgers.append(change.ledger)
            last = change
    return ledgers, list(chain(*log))


def past_of(ledgers: Sequence[Ledger]) -> PastLedgers:
    """Return the versions of a history, whose commits are named by their numbers."""
    files = [File("100644", str(number)) for number in range(len(ledgers))]
    touches = {f"{number:040}": Touch((before,), after) for number, (before, after) in enumerate(pairwise(files), 1)}

    def contents(ids: Sequence[str]) -> Iterator[bytes]:
        return (codec.dumps(ledgers[int(each)]) for each in ids)

    return PastLedgers(touches, contents, len(codec.dumps(ledgers[-1])))


def places_of(ledgers: Sequence[Ledger], log: Sequence[LogEntry], past: PastLedgers = NOT_READ) -> list[DigestPlace]:
    """Return all places, as the site has them."""
    by_digest = digest_places(list(ledgers[-1].records()), yanks_of(ledgers[-1]), log, past)
    assert list(by_digest) == sorted(by_digest)
    assert all(place.digest == name for name, places in by_digest.items() for place in places)
    return list(chain(*by_digest.values()))


def has(version: Held, place: DigestPlace) -> bool:
    """Return whether a version has what a place tells, perhaps before its platform was filled in."""
    kind = "image" if place.kind == "replaced" else place.kind
    return any((kind, key, place.digest) in version for key in (place.key, Key(*place.key[:2], "")))


@given(
    st.lists(st.tuples(OPERATIONS, st.booleans()), max_size=8), st.sampled_from([(), ("latest",), ("*",)]),
    st.booleans(),
)  # fmt: skip
def test_what_is_told_of_a_digest_is_what_the_versions_show(
    steps: list[Step], mutable: tuple[str, ...], are_read: bool
) -> None:
    ledgers, log = history(steps, Policy(mutable=mutable))
    versions = [held(ledger) for ledger in ledgers]
    places = places_of(ledgers, log, past_of(ledgers) if are_read else NOT_READ)
    assert {(place.kind, place.key, place.digest) for place in places if not place.until} == versions[-1]
    ever = {found for version in versions for kind, _, found in version if kind == "image"}
    assert ever <= {place.digest for place in places}
    for place in places:
        assert place.since or (place.kind != "image" and not are_read), "every commit tells the images' own digests"
        first = int(place.since.commit) if place.since else len(versions) - 1
        end = int(place.until.commit) if place.until else len(versions)
        assert all(has(version, place) for version in versions[first:end]), place
        if place.since:
            assert not has(versions[first - 1], place), place
        if place.until:
            assert place.kind in ("replaced", "index")
            assert not has(versions[end], place), place


@given(st.lists(st.tuples(OPERATIONS, st.none() | st.booleans()), max_size=8), st.sampled_from([(), ("*",)]))
def test_nothing_is_told_of_a_digest_that_the_versions_refute(steps: list[Step], mutable: tuple[str, ...]) -> None:
    """Whatever the messages claim."""
    ledgers, log = history(steps, Policy(mutable=mutable))
    versions = [held(ledger) for ledger in ledgers]
    places = places_of(ledgers, log, past_of(ledgers))
    assert {(place.kind, place.key, place.digest) for place in places if not place.until} == versions[-1]
    for place in places:
        for point, other, is_there in ((place.since, -1, True), (place.until, -1, False)):
            if point:
                number = int(point.commit)
                assert has(versions[number], place) == is_there, place
                assert has(versions[number + other], place) != is_there, place


@given(st.lists(st.tuples(OPERATIONS, st.booleans()), max_size=8))
def test_the_spans_of_all_digests_are_those_of_each(steps: list[Step]) -> None:
    _, log = history(steps, Policy(mutable=("latest",)))
    every = list(spans(log[::-1]))
    for name in {entry.digest for entry in log}:
        own = [span for span in every if span.start.digest == name]
        assert own == list(spans(log[::-1], parse_digest_prefix(name)))


def entry(number: int, name: str, platform: str, has: str, action: str = "publish", index: str = "") -> LogEntry:
    image, _, tag = name.partition(":")
    at = Timestamp(f"2026-01-{number:02}T00:00:00Z")
    return LogEntry(str(number), at, "A <a>", action, Name(image, tag), platform, digest(has), index=index)


def test_since_when_a_record_has_its_config_is_told_by_the_versions_alone() -> None:
    """A commit may add one and say that it did something else; which one did is open where that was not read."""
    plain, filled = record("app", "v1", platform=AMD), record("app", "v1", platform=AMD, config=digest("c"))
    other = record("app", "v2", digest=digest("b"), platform=AMD)
    ledgers = [Ledger(), ledger_of(plain), ledger_of(filled), ledger_of(filled, other)]
    log = [replace(entry(1, "app:v1", AMD, ""), commit=f"{1:040}", digest=plain.digest)]
    added = replace(entry(3, "app:v2", AMD, "b"), commit=f"{3:040}")
    false = replace(added, commit=f"{2:040}")

    def since(log: list[LogEntry], past: PastLedgers) -> list[str]:
        return [
            place.since.commit if place.since else ""
            for place in places_of(ledgers, log, past)
            if place.kind == "config"
        ]

    assert since([added, false, *log], past_of(ledgers)) == [""]
    honest = replace(log[0], action="set", commit=f"{2:040}")
    assert since([added, honest, *log], past_of(ledgers)) == [f"{2:040}"]
    assert since([added, honest, *log], NOT_READ) == [""]


def test_no_more_versions_are_read_than_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are, so what is older is told as the messages claim it."""
    configs = [record("app", f"v{number}", platform=AMD, config=digest(f"c{number}")) for number in range(4)]
    ledgers = [ledger_of(*configs[:number]) for number in range(5)]
    log = [replace(entry(number, f"app:v{number - 1}", AMD, ""), commit=f"{number:040}") for number in (4, 3, 2, 1)]
    log = [replace(each, digest=digest()) for each in log]
    monkeypatch.setattr(evidence, "MOST_BYTES", 2 * len(codec.dumps(ledgers[-1])))
    places = places_of(ledgers, log, past_of(ledgers))
    told = {place.key.tag: place.since for place in places if place.kind == "config"}
    assert [bool(told[f"v{number}"]) for number in range(4)] == [False, False, False, True]
    assert all(place.since for place in places if place.kind == "image")


def test_what_a_message_claims_and_no_record_has_is_not_a_place_that_still_is() -> None:
    log = [entry(1, "app:v1", AMD, "never")]
    assert digest_places([], yanks_of(ledger_of()), log) == {}


def test_a_yanked_digest_is_told_with_its_reason_under_all_its_tags() -> None:
    mark = {"at": "2026-01-01T00:00:00Z", "reason": "broken"}
    yanked, also = record("app", "v1", yanked=mark), record("app", "v1.0")
    places = digest_places([yanked, also], yanks_of(ledger_of(yanked, also)), [])
    assert [place.yanked for place in places[digest()]] == [
        "broken",
        "has the digest of app:v1, which is yanked: broken",
    ]


def test_those_that_still_have_a_digest_come_first_and_then_the_last() -> None:
    records = [record("app", "a", digest=digest("x")), record("app", "b", digest=digest("x"))]
    log = [
        entry(4, "app:c", "", "y"), entry(3, "app:b", "", "x"), entry(2, "app:c", "", "x"), entry(1, "app:a", "", "x"),
    ]  # fmt: skip
    places = digest_places(records, yanks_of(ledger_of()), log)[digest("x")]
    assert [(place.kind, place.key.tag) for place in places] == [("image", "b"), ("image", "a"), ("replaced", "c")]
    assert [place.until and place.until.commit for place in places] == [None, None, "4"]


def test_a_record_that_is_pulled_by_another_index_than_its_siblings_has_had_its_own() -> None:
    def version(*indexes: str) -> Ledger:
        platforms = zip(("amd64", "arm64"), indexes, strict=True)
        return ledger_of(
            *(record(platform=f"linux/{name}", digest=digest(name), index=digest(index)) for name, index in platforms)
        )

    ledgers = [Ledger(), version("both", "both"), version("one", "other"), version("last", "last")]
    log: list[LogEntry] = []
    for number, (before, after) in enumerate(pairwise(ledgers)):
        commit = Commit(str(number), ("",), "A", "a@example.com", Timestamp(f"2026-01-0{number + 1}T00:00:00Z"), "")
        log = [*seen(commit, parse_message("by hand\n"), effects_of(compare(before, after))), *log]
    former = [place for place in places_of(ledgers, log) if place.until]
    assert sorted(place.until.commit for place in former if place.until) == ["1", "1", "2", "2"]
    assert {(place.kind, place.key, place.digest) for place in former} == {
        ("index", key, found)
        for one in ledgers[1:3]
        for kind, key, found in held(one)
        if kind == "index"
    }  # fmt: skip


def test_an_index_that_one_platform_loses_is_still_that_of_the_others() -> None:
    ledgers = [
        ledger_of(
            record(platform="linux/amd64", digest=digest("amd64"), index=digest("both")),
            record(platform="linux/arm64", digest=digest("arm64"), index=index),
        )
        for index in (digest("both"), digest("own"))
    ]
    log: list[LogEntry] = []
    for number, (before, after) in enumerate(pairwise([Ledger(), *ledgers])):
        commit = Commit(str(number), ("",), "A", "a@example.com", Timestamp(f"2026-01-0{number + 1}T00:00:00Z"), "")
        log = [*seen(commit, parse_message("by hand\n"), effects_of(compare(before, after))), *log]
    former = [place for place in places_of([Ledger(), *ledgers], log) if place.until]
    assert [(place.key.platform, place.digest) for place in former] == [("linux/arm64", digest("both"))]

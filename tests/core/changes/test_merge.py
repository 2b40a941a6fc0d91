"""The merge of two ledgers: different keys never collide, one key with two digests always does."""

from __future__ import annotations

import pytest
from hypothesis import given

from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Key, Name, Record
from ledger_tool.core.writes.draft import Draft
from tests.support.values.make import but, digest, ledger_of, record, source
from tests.support.values.oracle import is_valid
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import CHANGES, changed, ledgers

AMD, ARM = "linux/amd64", "linux/arm64"
BASE = record(platform=AMD)
YANKED = {"at": "2026-11-25T08:00:00Z", "reason": "crashes"}


def keys(base: Ledger, other: Ledger) -> set[Key]:
    return {one.key for one in compare(base, other)}


@example_count(400)
@given(ledgers(), CHANGES, CHANGES)
def test_a_merge_equals_both_changes_or_collides_by_the_rule(
    base: Ledger, one: tuple[list[list[Draft]], set[str]], other: tuple[list[list[Draft]], set[str]]
) -> None:
    ours, theirs = changed(base, *one), changed(base, *other)
    merged = merge(base, ours, theirs)
    assert is_valid(codec.dumps(merged.ledger))
    collided = {collision.name for collision in merged.collisions}
    for name in {one.name for ledger in (base, ours, theirs) for one in ledger.records()}:
        before, here, there, after = (by_platform(one, name) for one in (base, ours, theirs, merged.ledger))
        assert (name in collided) == must_collide(before, here, there), name
        if name in collided:
            assert after == here
            continue
        for platform in before.keys() | here.keys() | there.keys():
            if here.get(platform) == before.get(platform) and after.keys() >= {platform}:
                assert after[platform] == there.get(platform) or platform in fills_in(here, there)


def by_platform(ledger: Ledger, name: Name) -> dict[str | None, Record]:
    return {one.platform: one for one in ledger.find(name)}


def fills_in(here: dict[str | None, Record], there: dict[str | None, Record]) -> set[str | None]:
    """Return the platforms that one side tells of a digest that the other has without one."""
    whole = {side[None].digest for side in (here, there) if None in side}
    return {at for side in (here, there) for at, one in side.items() if at and one.digest in whole}


def must_collide(
    before: dict[str | None, Record], here: dict[str | None, Record], there: dict[str | None, Record]
) -> bool:
    """Say the rule in other words than the program's."""
    if before in (here, there) or here == there:
        return False
    if before and not (here and there):
        return True  # one side removed what the other changed
    moved = {pulled_by(side) for side in (here, there) if side and pulled_by(side) != pulled_by(before)}
    if len(moved) > 1:
        return True
    before, here, there = filled_in(before, here, there)
    result: dict[str | None, str] = {}
    pulled: set[str] = set()
    for platform in before.keys() | here.keys() | there.keys():
        b, o, t = (side.get(platform) for side in (before, here, there))
        if o is not None and t is not None and o != b and t != b and o != t:
            if o.digest != t.digest or facts_collide(b, o, t):
                return True
        elif o != b and t != b and o != t:
            return True
        chosen = t if o == b else o
        if chosen is not None:
            result[platform] = chosen.digest
            both = o is not None and t is not None and o.digest == t.digest
            known = b.index if both and b and o and b.digest == o.digest else None
            index = t.index if both and o and t and o.index == known else chosen.index
            pulled.add(index or chosen.digest)
    platforms = result.keys()
    if None not in platforms and (len(pulled) > 1 or (moved and frozenset(pulled) not in moved)):
        return True
    if None not in result or len(result) == 1:
        return False
    if len(result) > 2 or len(set(result.values())) > 1:
        return True
    platform = next(at for at in result if at)
    whole, filled = (side.get(at) for at in (None, platform) for side in (here, there) if side.get(at) is not None)
    return facts_collide(before.get(None), whole, filled)  # type: ignore[arg-type]


def pulled_by(side: dict[str | None, Record]) -> frozenset[str]:
    return frozenset(one.index or one.digest for one in side.values())


def filled_in(*sides: dict[str | None, Record]) -> list[dict[str | None, Record]]:
    """Return the sides with the base's record of no platform under the platform that a side says it is for."""
    whole = sides[0].get(None)
    told = [
        at
        for side in sides[1:]
        if None not in side
        for at, one in side.items()
        if whole and whole.digest in (one.digest, one.index)
    ]
    platform = min(filter(None, told), default=None)
    return [
        {platform if at is None and platform not in side else at: one for at, one in side.items()} for side in sides
    ]


def facts_collide(before: Record | None, here: Record, there: Record) -> bool:
    def told(one: Record | None) -> dict[str, object]:
        if one is None:
            return {}
        fields: dict[str, object] = {f"label {key}": value for key, value in one.labels.items()}
        if before is not None:  # else both published it, and the first publication counts
            fields |= {"publishedAt": one.published_at, "sourceRef": one.source_ref}
        return fields | {"index": one.index, "ttl": one.ttl, "forced": one.forced}

    if before is not None and before.digest != here.digest:
        before = None
    sides = [told(one) for one in (before, here, there)]
    return any(
        len({str(side.get(fact)) for side in sides[1:]}) == 2
        and all(side.get(fact) != sides[0].get(fact) for side in sides[1:])
        for fact in sides[1].keys() | sides[2].keys()
    )


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ([], [record("a")], [record("b")], [record("a"), record("b")]),
        (
            [BASE],
            [but(BASE, labels={"x": "1"})],
            [but(BASE, labels={"y": "2"})],
            [but(BASE, labels={"x": "1", "y": "2"})],
        ),
        ([BASE], [but(BASE, ttl="7d")], [but(BASE, labels={"y": "2"})], [but(BASE, ttl="7d", labels={"y": "2"})]),
        ([BASE], [], [], []),
        ([BASE], [but(BASE, digest=digest("b"))], [but(BASE, digest=digest("b"))], [but(BASE, digest=digest("b"))]),
        (
            [BASE],
            [BASE, but(BASE, platform=ARM)],
            [but(BASE, ttl="1d")],
            [but(BASE, ttl="1d"), but(BASE, platform=ARM)],
        ),
        ([], [but(BASE, platform=None)], [BASE], [BASE]),
    ],
)
def test_what_both_sides_want_comes_together(
    base: list[Record], ours: list[Record], theirs: list[Record], merged: list[Record]
) -> None:
    for one, other in ((ours, theirs), (theirs, ours)):
        done = merge(ledger_of(*base), ledger_of(*one), ledger_of(*other))
        assert done.collisions == ()
        assert done.ledger == ledger_of(*merged)


def test_of_two_publications_of_one_digest_ours_is_the_first() -> None:
    other = but(BASE, publishedAt="2020-01-01T00:00:00Z", labels={"x": "1"})
    assert merge(Ledger(), ledger_of(BASE), ledger_of(other)).ledger == ledger_of(but(BASE, labels={"x": "1"}))


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        ([], [BASE], [but(BASE, digest=digest("b"))]),
        ([BASE], [but(BASE, digest=digest("b"))], [but(BASE, digest=digest("c"))]),
        ([BASE], [], [but(BASE, ttl="7d")]),
        ([BASE], [but(BASE, labels={"x": "1"})], [but(BASE, labels={"x": "2"})]),
        ([], [but(BASE, platform=None)], [but(BASE, digest=digest("b"))]),
        ([but(BASE, platform=None)], [BASE], []),  # filled in, and removed
        ([], [BASE], [but(BASE, platform=ARM, digest=digest("b"))]),  # two digests to pull by
        ([], [but(BASE, index=digest("i"))], [but(BASE, platform=ARM, index=digest("j"))]),
        ([BASE], [but(BASE, index=digest("i"))], [BASE, but(BASE, platform=ARM, digest=digest("b"))]),
        ([], [BASE], [but(BASE, index=digest("i"))]),  # the same image, alone and in an index
        ([but(BASE, platform=None)], [], [but(BASE, digest=digest("b"))]),  # removed, and moved
        ([BASE], [but(BASE, yanked=YANKED)], [BASE, but(BASE, platform=ARM)]),  # one image, good for one platform only
        ([], [BASE], [but(BASE, platform=ARM, publishedAt="2020-01-01T00:00:00Z")]),
    ],
)
def test_what_excludes_each_other_collides(base: list[Record], ours: list[Record], theirs: list[Record]) -> None:
    for one, other in ((ours, theirs), (theirs, ours)):
        done = merge(ledger_of(*base), ledger_of(*one), ledger_of(*other))
        assert [collision.name for collision in done.collisions] == [BASE.name]
        assert done.ledger == ledger_of(*one)


def test_a_statement_that_was_checked_for_another_index_collides() -> None:
    signed = {"digest": digest("statement"), "signer": "key:release.pub"}
    alone = record(platform="linux/amd64")
    base = but(alone, index=digest("index"))
    moved, checked = but(base, index=digest("other")), but(base, provenance=signed)
    for ours, theirs in ((moved, checked), (checked, moved)):
        assert merge(ledger_of(base), ledger_of(ours), ledger_of(theirs)).collisions
    for ours, theirs in ((base, but(alone, provenance=signed)), (but(alone, provenance=signed), base)):
        assert not merge(ledger_of(alone), ledger_of(ours), ledger_of(theirs)).collisions


def test_a_statement_that_was_checked_for_another_source_collides() -> None:
    signed = {"digest": digest("statement"), "signer": "key:release.pub"}
    base = record(sourceRef=source("a"))
    corrected, checked = but(base, sourceRef=source("b")), but(base, provenance=signed)
    unsigned = but(base, provenance={"digest": digest("statement")})
    for ours, theirs in ((corrected, checked), (checked, corrected)):
        assert merge(ledger_of(base), ledger_of(ours), ledger_of(theirs)).collisions
    for ours, theirs in ((corrected, unsigned), (unsigned, corrected), (checked, but(base, labels={"a": "b"}))):
        assert not merge(ledger_of(base), ledger_of(ours), ledger_of(theirs)).collisions

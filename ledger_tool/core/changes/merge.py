"""The three-way merge of two ledgers with a common base: by record, not by line.

| for one key, both sides                       | outcome                                                |
|-----------------------------------------------|--------------------------------------------------------|
| only one changed it, or both in the same way  | that change                                            |
| have the same digest                          | each fact from the side that changed it; a fact that   |
|                                               | both changed in different ways collides; of two        |
|                                               | publications of one digest, ours is the first          |
| have different digests, or one removed it     | they collide                                           |

Changes of different keys collide only by the rules about an image:tag as a whole. A record without a platform stands
for all of them: it collides with another digest, and the same digest fills it in. An image:tag has one pull digest:
what would have two collides. And an image is published once, and good for all its platforms or for none: what would say
otherwise collides. So does a signed statement with a source that it was not checked for, and a promotion with what
took its version away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ledger_tool.core.changes.difference import by_name, compare
from ledger_tool.core.changes.promotion import are_same_images, version_of
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import SHARED, Name, Record, from_json, pull_digests, to_json
from ledger_tool.core.ledger.yanks import yanks_of

Records = Mapping[str, Record]  # of one image:tag, by platform

_PUBLICATION = ("publishedAt", "sourceRef")


@dataclass(frozen=True, slots=True)
class Collision:
    """An image:tag that both sides changed in incompatible ways.

    `withdrawn` is the version that one side promoted to it, where the other side took that one away; `promoted` are the
    records that it gets by that promotion.
    """

    name: Name
    base: tuple[Record, ...]
    ours: tuple[Record, ...]
    theirs: tuple[Record, ...]
    withdrawn: str = ""
    promoted: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Merged:
    """The merge. If two changes collide, the ledger has ours."""

    ledger: Ledger
    collisions: tuple[Collision, ...]


class _CollisionError(Exception):
    """Two changes are incompatible."""


def merge(base: Ledger, ours: Ledger, theirs: Ledger) -> Merged:
    """Return `ours` with what `theirs` changed since `base`, and what collides."""
    result: dict[Name, tuple[Record, ...]] = {}
    collisions = []
    for name in by_name(compare(base, theirs)):
        sides = base.find(name), ours.find(name), theirs.find(name)
        try:
            result[name] = tuple(_merged(*map(_by_platform, sides)).values())
        except _CollisionError:
            collisions.append(Collision(name, *sides))
    merged = ours.replaced(result)
    unmerged = list(_unbacked(merged, (ours, theirs), result))
    collisions += [
        Collision(name, base.find(name), ours.find(name), theirs.find(name), version_of(both), both)
        for name in unmerged
        if (both := merged.find(name))
    ]
    merged = merged.replaced({name: ours.find(name) for name in unmerged})
    return Merged(merged, tuple(sorted(collisions, key=lambda collision: collision.name)))


def _unbacked(merged: Ledger, sides: Sequence[Ledger], changed: Iterable[Name]) -> Iterator[Name]:
    """Yield what an environment has of a version that one side promoted, and that the other one took away.

    Which environment takes from which is for the judge: a merge has no settings.
    """
    for image in sorted({name.image for name in changed}):
        for name in dict.fromkeys(record.name for record in merged.having("version", image)):
            if _is_unbacked(merged, name) and not any(_is_unbacked(side, name) for side in sides):
                yield name


def _is_unbacked(ledger: Ledger, name: Name) -> bool:
    records = ledger.find(name)
    if not (version := version_of(records)):
        return False
    source = ledger.find(Name(name.image, version))
    yanks = yanks_of(ledger, name.image)
    return not are_same_images(source, records) or any(map(yanks.of, source))


def merge_records(
    base: tuple[Record, ...], ours: tuple[Record, ...], theirs: tuple[Record, ...]
) -> tuple[Record, ...] | None:
    """Return the records of one image:tag with what two sides changed in them, or None if that collides."""
    if base in (ours, theirs):
        return theirs if base == ours else ours
    try:
        merged = _merged(*map(_by_platform, (base, ours, theirs)))
    except _CollisionError:
        return None
    return tuple(merged[platform] for platform in sorted(merged))


def _by_platform(records: tuple[Record, ...]) -> Records:
    return {record.platform or "": record for record in records}


def _merged(base: Records, ours: Records, theirs: Records) -> Records:
    base, ours, theirs = _filled_in(base, ours, theirs)
    merged: dict[str, Record] = {}
    for platform in sorted(base.keys() | ours.keys() | theirs.keys()):
        record = _chosen(base.get(platform), ours.get(platform), theirs.get(platform))
        if record:
            merged[platform] = record
    whole = merged.get("")
    if whole and len(merged) > 1:
        twin = next((key for key, record in merged.items() if key and record.digest == whole.digest), None)
        if twin is None or len(merged) > 2:
            raise _CollisionError
        sides = (whole, merged[twin]) if "" in ours else (merged[twin], whole)
        merged = {twin: _with_facts(base.get(""), *sides, platform=twin)}
    if _is_undone(base, ours, theirs) or _pulled(merged) != _expected_pull(base, ours, theirs, merged):
        raise _CollisionError
    if not _unlike(merged) <= _unlike(ours) | _unlike(theirs):
        raise _CollisionError
    return merged


def _unlike(records: Records) -> set[tuple[str, str]]:
    """Return the pairs of platforms for which one image is recorded with different facts that it has once."""
    facts = {key: [to_json(record).get(name) for name in SHARED] for key, record in records.items()}
    pairs = combinations(sorted(records), 2)
    return {(one, two) for one, two in pairs if records[one].digest == records[two].digest and facts[one] != facts[two]}


def _pulled(records: Records) -> frozenset[str]:
    return frozenset(pull_digests(records.values()))


def _is_undone(base: Records, ours: Records, theirs: Records) -> bool:
    """Return whether one side removed what the other one changed."""
    return bool(base) and bool(ours) != bool(theirs) and (ours or theirs) != base


def _expected_pull(base: Records, ours: Records, theirs: Records, merged: Records) -> frozenset[str]:
    """Return what the image:tag is pulled by, as the side says that changed it. Raises _CollisionError for two."""
    changed = {_pulled(side) for side in (ours, theirs) if side and _pulled(side) != _pulled(base)}
    if len(changed) > 1:
        raise _CollisionError
    return changed.pop() if changed else _pulled(merged)


def _filled_in(base: Records, ours: Records, theirs: Records) -> tuple[Records, Records, Records]:
    """Return the three sides with a record without a platform under the one that a side has filled in for it."""
    whole = base.get("")
    if whole is None:
        return base, ours, theirs
    filled = {
        platform: record
        for side in (ours, theirs)
        if "" not in side
        for platform, record in side.items()
        if whole.digest in (record.digest, record.index)
    }
    if not filled:
        return base, ours, theirs
    platform = min(filled)
    base, ours, theirs = (
        {platform if key == "" and platform not in side else key: record for key, record in side.items()}
        for side in (base, ours, theirs)
    )
    return base, ours, theirs


def _chosen(base: Record | None, ours: Record | None, theirs: Record | None) -> Record | None:
    """Return the merged record of one key. Raises _CollisionError."""
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    if ours is None or theirs is None or ours.digest != theirs.digest:
        raise _CollisionError
    return _with_facts(base, ours, theirs)


def _with_facts(base: Record | None, ours: Record, theirs: Record, *, platform: str = "") -> Record:
    """Return the record of a digest that both sides have, each fact from the side that changed it."""
    if base and (base.digest != ours.digest or (ours.version == theirs.version != base.version)):
        base = None
    before, our_fields, their_fields = (to_json(record) if record else {} for record in (base, ours, theirs))
    if base is None:  # both published the digest: as in a publish, time and source are those of the first
        their_fields |= {name: our_fields[name] for name in _PUBLICATION}
    if platform:
        our_fields, their_fields = our_fields | {"platform": platform}, their_fields | {"platform": platform}
    labels = _fields(*(fields.pop("labels", {}) for fields in (before, our_fields, their_fields)))
    fields = _fields(before, our_fields, their_fields)
    merged = from_json(fields | {"labels": labels})
    if merged.signer and not any(_is_checked(merged, side) for side in (ours, theirs)):
        raise _CollisionError
    return merged


def _is_checked(merged: Record, side: Record) -> bool:
    """Return whether a side has the statement for a merged record's source and index: that is what was checked."""
    is_same = (merged.provenance, merged.source_ref) == (side.provenance, side.source_ref)
    return is_same and side.index in (None, merged.index)


def _fields(base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    fields = {}
    for name in {**ours, **theirs}:
        old, our_value, their_value = base.get(name), ours.get(name), theirs.get(name)
        value = our_value if their_value in (our_value, old) else their_value if our_value == old else _collide()
        if value is not None:
            fields[name] = value
    return fields


def _collide() -> Any:
    raise _CollisionError

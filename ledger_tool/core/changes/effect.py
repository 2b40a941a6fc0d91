"""What a change did to each record, derived from the two ledgers alone: added, moved, updated or removed.

A record without a platform stands for its whole image:tag, so a key may replace others: the platform
that fills in an unknown one is an update, and a move from or to no platform replaces all of them. It is also an update
if the record of an index gives way to those of its images, or an image gets another platform.

A record that goes is removed, whatever else happens to its image:tag, unless another record takes its place: for its
platform or with its image; because the image:tag is pulled by something else from then on; or because a `forced` mark
that is made says so. Only then has a record been moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal

from ledger_tool.core.changes.difference import Difference
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.ledger.record import Forced, Key, Name, Record, changed_fields, lost_fields

EffectKind = Literal["added", "moved", "updated", "removed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What happened to one record. `new` is the record, `old` are the records that it replaces, usually one.

    A removed record has no `new`, an added one no `old`. `unchanged` is a requested change that was already in place.
    `elsewhere` is the record of the same image under a platform that does not have it any more, if `old` has none.
    `copies` are the records, as they are afterwards, of platforms that had the same image, and still do.
    """

    kind: EffectKind
    old: tuple[Record, ...]
    new: Record | None
    elsewhere: Record | None = None
    copies: tuple[Record, ...] = field(default=(), compare=False)

    @property
    def record(self) -> Record:
        """The record afterwards, or the one that was removed."""
        return self.new or self.old[0]

    @property
    def key(self) -> Key:
        """The key of `record`."""
        return self.record.key

    @property
    def name(self) -> Name:
        """The image:tag."""
        record = self.new or self.old[0]
        return Name(record.image, record.tag)

    @property
    def replaces(self) -> tuple[Digest, ...]:
        """The other digests that a moved record replaces."""
        digests = dict.fromkeys(record.digest for record in self.old) if self.kind == "moved" and self.new else {}
        return tuple(digest for digest in digests if self.new and digest != self.new.digest)

    @property
    def mark(self) -> Forced | None:
        """The mark that this change makes: of a forced move, or of a corrected sourceRef; an older one is kept."""
        new = self.new
        if new is None or new.forced is None:
            return None
        same = self.of_same_image
        if same.kind != "updated":
            return new.forced
        old = same.old[0]
        is_kept = old.forced == new.forced and old.source_ref == new.source_ref
        return None if is_kept and not self.would_tell(new.forced) else new.forced

    def would_tell(self, mark: Forced) -> bool:
        """Return whether a mark names what this change replaces: then it would tell of this change, if it is kept."""
        same, new = self.of_same_image, self.new
        if new is None or same.kind != "updated":
            return True
        old = same.old[0]
        is_moved = mark.replaces == old.pull_digest != new.pull_digest
        is_relabelled = old.platform not in (None, new.platform)
        return is_moved or (is_relabelled and mark.replaces in {new.digest, *(other.digest for other in self.old)})

    @property
    def of_same_image(self) -> Effect:
        """The effect itself or, of an image that stays while others go or take its place, the update of its record.

        An image that comes to one more platform has the facts of its record there.
        """
        if self.new is None or self.kind not in ("added", "moved"):
            return self
        for old in self.old:
            if old.digest == self.new.digest:
                return Effect("updated", (old,), self.new)
        same = self.elsewhere or (self.copies[0] if self.copies else None)
        return Effect("updated", (same,), self.new) if same else self

    def fields(self) -> set[str]:
        """Return the names of the fields, as in `ledger.json`, that an update changed."""
        if self.kind != "updated" or self.new is None:
            return set()
        names = changed_fields(self.old[0], self.new)
        return names - {"digest"} if self.old[0].is_index_of(self.new) else names

    def lost(self) -> set[str]:
        """Return the names of the fields that an update removed; `labels` counts if any label is gone."""
        if self.kind != "updated" or self.new is None:
            return set()
        old, new = self.old[0], self.new
        gone = lost_fields(old, new) - ({"config"} if old.is_index_of(new) else set())
        return gone | ({"labels"} if old.labels.keys() - new.labels.keys() else set())


def effects_of(
    differences: Iterable[Difference], find: Callable[[Name], Iterable[Record]] = lambda _: ()
) -> list[Effect]:
    """Return what happened to each record that differs, in the order of image:tags.

    `find` gives the records of an image:tag, before or afterwards. Without it, the copies that did not change are not
    seen: enough to tell what was done, not to judge it.
    """
    groups = groupby(differences, key=lambda difference: Name(*difference.key[:2]))
    return [effect for name, group in groups for effect in _of_name(list(group), find(name))]


@dataclass(frozen=True, slots=True)
class PullMove:
    """A changed pull digest of an image:tag: what its changed records had, and have now; nearly always one each.

    `has_index` says that one of them is that of an index; otherwise the images' own digests say it all.
    """

    name: Name
    old: tuple[Digest, ...]
    new: tuple[Digest, ...]
    has_index: bool


def pull_moves(effects: Iterable[Effect]) -> list[PullMove]:
    """Return the image:tags that are pulled by another digest, of those that have records before and afterwards."""
    moves = []
    for name, group in groupby(effects, key=lambda effect: effect.name):
        same_name = list(group)
        if not any(effect.old for effect in same_name):
            continue
        old = tuple(dict.fromkeys(record.pull_digest for effect in same_name for record in effect.old))
        new = tuple(dict.fromkeys(effect.new.pull_digest for effect in same_name if effect.new))
        if old and new and set(old) != set(new):
            records = [record for effect in same_name for record in (*effect.old, effect.new) if record]
            moves.append(PullMove(name, old, new, any(record.index for record in records)))
    return moves


def _of_name(differences: Sequence[Difference], siblings: Iterable[Record]) -> Iterator[Effect]:
    changed = {difference.key for difference in differences}
    stayed = [record for record in siblings if record.key not in changed]
    stayed += [one.new for one in differences if one.old and one.new and one.old.digest == one.new.digest]
    stayed.sort(key=lambda record: record.yanked is None)  # one that is not to be used says more than the others
    if kind := _kind_of_all(differences):
        yield from (_by_itself(kind, difference, stayed) for difference in differences)
        return
    remaining = {difference.key.platform: difference.old for difference in differences if difference.old}
    came = sorted(
        (difference.new for difference in differences if difference.new), key=lambda new: _distance(new, remaining)
    )
    platforms = {new.platform or "" for new in came}
    effects = []
    for new in came:
        old = tuple(remaining.pop(platform) for platform in _replaced(new, remaining, platforms))
        is_same = len(old) == 1 and (old[0].digest == new.digest or old[0].is_index_of(new))
        elsewhere = None if is_same else _elsewhere(new, differences)
        copies = _copies(new, stayed)
        effects.append(Effect("updated" if is_same else "moved" if old else "added", old, new, elsewhere, copies))
    removed = []
    for gone, mover in _with_movers(list(remaining.values()), effects, differences):
        if mover is None:
            removed.append(Effect("removed", (gone,), None))
        else:
            effects[mover] = replace(effects[mover], kind="moved", old=(*effects[mover].old, gone))
    yield from sorted(effects, key=lambda effect: effect.key)
    yield from removed


def _kind_of_all(differences: Sequence[Difference]) -> EffectKind | None:
    """Return what happened to all of these records, if none of them can take the place of another one."""
    if all(one.old is None for one in differences):
        return "added"
    if all(one.new is None for one in differences):
        return "removed"
    is_same = all(one.old and one.new and one.old.digest == one.new.digest for one in differences)
    return "updated" if is_same and (len(differences) == 1 or all(one.key.platform for one in differences)) else None


def _by_itself(kind: EffectKind, difference: Difference, stayed: Sequence[Record]) -> Effect:
    old, new = difference.old, difference.new
    return Effect(kind, (old,) if old else (), new, None, _copies(new, stayed) if new else ())


def _copies(new: Record, stayed: Sequence[Record]) -> tuple[Record, ...]:
    return tuple([other for other in stayed if other.digest == new.digest and other.key != new.key])


def _with_movers(
    gone: Sequence[Record], effects: Sequence[Effect], differences: Sequence[Difference]
) -> list[tuple[Record, int | None]]:
    """Return the records that go, each with the number of the effect that replaces it; None if it is removed."""
    first = next((number for number, effect in enumerate(effects) if effect.kind != "updated"), 0)
    now = {effect.record.pull_digest for effect in effects}
    is_pulled_anew = bool(now - {one.old.pull_digest for one in differences if one.old})
    made = {effect.new.forced.replaces for effect in effects if effect.new and effect.new.forced and _is_made(effect)}
    is_promoted = any(effect.new and effect.new.version for effect in effects)  # with all that its version has
    is_told = any(old.digest in made or old.pull_digest in made - now for old in gone)  # one mark may tell of several
    found: list[tuple[Record, int | None]] = []
    for old in gone:
        heir = next((number for number, effect in enumerate(effects) if _is_heir(effect, old)), None)
        is_left = is_pulled_anew and old.pull_digest not in now
        found.append((old, heir if heir is not None else first if is_left or is_told or is_promoted else None))
    return found


def _is_heir(effect: Effect, old: Record) -> bool:
    """Return whether an effect's record has the image of one that goes, or is below what was recorded as an image."""
    new = effect.new
    return effect.elsewhere == old or (new is not None and (old.digest == new.index or old.index == new.digest))


def _is_made(effect: Effect) -> bool:
    """Return whether the mark of a record is not one that its image had before."""
    same = effect.of_same_image
    return same.kind != "updated" or not same.new or same.old[0].forced != same.new.forced


def _distance(new: Record, remaining: Mapping[str, Record]) -> int:
    """Return how far a record is from an old one: the closest come first, as in a publish."""
    own, whole = remaining.get(new.platform or ""), remaining.get("")
    if own and own.digest == new.digest:
        return 0
    if whole and whole.digest == new.digest:
        return 1
    return 2 if any(old.digest == new.digest for old in remaining.values()) else 3


def _replaced(new: Record, remaining: Mapping[str, Record], platforms: Set[str]) -> list[str]:
    """Return the platforms among the `remaining` old records that a record replaces."""
    if not new.platform:
        return sorted(remaining)
    own = [candidate for candidate in (new.platform, "") if candidate in remaining][:1]
    # Another record of the same image gives way to this one, unless its platform goes on with another image.
    renamed = [key for key, old in remaining.items() if old.digest == new.digest and key not in platforms]
    return own or renamed[:1]


def _elsewhere(new: Record, differences: Sequence[Difference]) -> Record | None:
    """Return the old record of the same image under a platform that does not have that image any more."""
    of_same_image = (one for one in differences if one.old and one.old.digest == new.digest)
    return next((one.old for one in of_same_image if one.new is None or one.new.digest != new.digest), None)

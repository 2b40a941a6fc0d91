"""What a range of commits does, for a reviewer: one change per image:tag, forced moves first.

What an environment gets is one change an image, too, and what it gets for a reason comes first. It is `promoted` if it
is what is recorded of a version. Anything else is told as of any tag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import groupby
from types import MappingProxyType
from typing import Literal

from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import Effect, effects_of, pull_moves
from ledger_tool.core.changes.promotion import are_same_images, differing, has_same, version_of
from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.judging.facts import ChangedFact, facts_of, newly_yanked
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Forced, Name, Record, Yanked
from ledger_tool.core.ledger.version import VersionTag, most_exact, parse_version_tag
from ledger_tool.core.ledger.yanks import yanks_of
from ledger_tool.core.policy.comparepage import compare_url
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.versionorder import version_order

TagChangeKind = Literal["added", "moved", "updated", "removed", "yanked", "promoted"]
Direction = Literal["upgrade", "downgrade", "same", "unknown"]

_GRAVEST_FIRST: Sequence[TagChangeKind] = ("moved", "removed", "yanked", "promoted", "added", "updated")
_DIRECTIONS: Mapping[int, Direction] = {1: "upgrade", 0: "same", -1: "downgrade"}
_VERSION_LABELS = ("org.opencontainers.image.version", "version")


@dataclass(frozen=True, kw_only=True)
class TagChange:
    """What happens to one image:tag: its records before and after, by platform, and what a reviewer should see.

    `previous` is, for a new version, the next lower one of the image. `versions` are the ones before and after,
    `""` if unknown. `immutable` says that the tag may move only by force. `reverts` is the commit that is undone with
    it (or its subject), if nothing else is done to the tag. `runs` are those that did it, as commit messages claim.
    `environment` is the tag where it is one, and `is_step` says that it gets a recorded version, or gives one up, so
    that versions tell it all. `unfounded` says that it has another image than what is recorded of its version, and
    `reason` is the one that the messages give for what it has now.
    """

    kind: TagChangeKind
    name: Name
    effects: tuple[Effect, ...]
    old: tuple[Record, ...]
    new: tuple[Record, ...]
    previous: Record | None = None
    versions: tuple[str, str] = ("", "")
    direction: Direction = "unknown"
    compare: str = ""
    immutable: bool = True
    environment: str = ""
    is_step: bool = False
    unfounded: bool = False
    reason: str = ""
    reverts: str = ""
    runs: Sequence[RunClaim] = ()
    facts: Sequence[ChangedFact] = field(default_factory=tuple)

    @property
    def platforms(self) -> list[str]:
        """The platforms that the change concerns, if known."""
        return sorted({effect.record.platform for effect in self.effects if effect.record.platform})

    @cached_property
    def marks(self) -> list[Forced]:
        """The distinct marks of forced moves that the change makes."""
        return list(dict.fromkeys(effect.mark for effect in self.effects if effect.mark))

    @property
    def yanked(self) -> Yanked | None:
        """The mark that the change sets on an image that must not be used, or that comes with one."""
        return next((mark for _, mark in newly_yanked(self.effects)), None)

    @property
    def titled_platforms(self) -> list[str]:
        """The platforms that the kind of the change is about: where some records stay, those that are removed."""
        removed = [effect.record.platform for effect in self.effects if effect.kind == "removed"]
        return sorted(filter(None, removed)) if self.kind == "removed" else self.platforms

    @cached_property
    def unexplained_move(self) -> bool:
        """Whether an immutable tag moves without a mark that says why; `check` says whether it is the right one."""

        def has_mark(effect: Effect) -> bool:
            gives_way = any(old.platform is None for old in effect.old)  # to several records, one of which has the mark
            return bool(effect.new and effect.new.forced) or (gives_way and bool(self.marks))

        is_explained = bool(self.reverts) or not self.immutable
        return not is_explained and any(effect.kind == "moved" and not has_mark(effect) for effect in self.effects)

    @cached_property
    def unproved_move(self) -> bool:
        """Whether an immutable tag is pulled by another digest, and only a registry can show that its images stay."""
        is_known = self.marks or self.unexplained_move or self.reverts
        return self.immutable and bool(pull_moves(self.effects)) and not is_known

    @property
    def group(self) -> str:
        """What it is told below: the environment, or else the image."""
        return self.environment or self.name.image

    @property
    def moves_back(self) -> bool:
        """Whether an immutable tag moves because a commit is undone."""
        return bool(self.reverts) and self.immutable and self.kind == "moved"

    @cached_property
    def gravity(self) -> int:
        """How early a reviewer should see it; 0 is a move that is forced, unexplained or unproved, or has a reason."""
        is_move = self.marks or self.unexplained_move or self.unproved_move or self.moves_back
        is_urgent = is_move or self.unfounded or (self.environment and (self.reason or self.reverts))
        return 0 if is_urgent else 1 + _GRAVEST_FIRST.index(self.kind)


@dataclass(frozen=True, slots=True)
class Claims:
    """What commit messages claim of what can be seen of a record: the runs that did it, and the last reason given."""

    runs_of: Callable[[Effect], Sequence[RunClaim]] = lambda _: ()
    reason_of: Callable[[Effect], str] = lambda _: ""


NO_CLAIMS = Claims()


def tag_changes(
    before: Ledger,
    after: Ledger,
    policy: Policy,
    reverted: Mapping[Name, str] = MappingProxyType({}),
    claims: Claims = NO_CLAIMS,
) -> list[TagChange]:
    """Return the changes from one ledger to another; `policy` is the one that applies to them.

    `reverted` is the commit that is undone with each image:tag to which nothing else is done.
    """
    all_effects = effects_of(compare(before, after), after.find)
    images = {effect.name.image for effect in all_effects}
    was, now = VersionsOfImages(before, images), VersionsOfImages(after, images)
    changes = []
    for name, group in groupby(all_effects, lambda effect: effect.name):
        effects, old, new = tuple(group), before.find(name), after.find(name)
        is_environment = any(record.is_environment for record in (*old, *new))
        previous = None if old or is_environment else was.lower_than(name)
        start = old or ((previous,) if previous else ())
        versions = (previous.tag, name.tag) if previous else (was.of(old, now), now.of(new, was))
        source = after.find(Name(name.image, version_of(new))) if is_environment else ()
        is_promoted = is_environment and _is_promoted(source, old, new)
        is_step = is_promoted or (is_environment and not new and _is_as_recorded(before, old))
        change = TagChange(
            kind="promoted" if is_promoted else _kind(effects, old),
            name=name,
            effects=effects,
            old=old,
            new=new,
            previous=previous,
            versions=versions,
            direction=promotion_direction(old, new, was, now, policy) if is_promoted else _direction(*versions),
            compare=source_comparison(start, new),
            immutable=not (is_environment or policy.is_mutable(name.tag)),
            environment=name.tag if is_environment else "",
            is_step=is_step,
            unfounded=bool(is_environment and new) and not are_same_images(source, new),
            reason=next(filter(None, map(claims.reason_of, effects)), "") if is_environment else "",
            reverts=reverted.get(name, ""),
            runs=tuple(dict.fromkeys(run for effect in effects for run in claims.runs_of(effect))),
            facts=() if is_step else tuple(facts_of(effects, old, new, start)),
        )
        changes.append(change)
    order = {environment: number for number, environment in enumerate(policy.environments)}

    def place(change: TagChange) -> tuple[object, ...]:
        number = order.get(change.environment, len(order) + (change.environment == ""))
        return change.gravity > 0, number, change.group, change.gravity, change.name

    return sorted(changes, key=place)


def _is_promoted(source: Sequence[Record], old: Sequence[Record], new: Sequence[Record]) -> bool:
    """Return whether an environment gets another version, or other images, as is recorded of it in `source`."""
    return bool(new) and not has_same(old, new) and _is_version(source) and not differing(new, source)


def _is_as_recorded(ledger: Ledger, records: Sequence[Record]) -> bool:
    source = ledger.find(Name(records[0].image, version_of(records)))
    return _is_version(source) and not differing(records, source)


def _is_version(source: Sequence[Record]) -> bool:
    return bool(source) and not any(record.is_environment for record in source)


def _kind(effects: Sequence[Effect], old: Sequence[Record]) -> TagChangeKind:
    kinds = {effect.kind for effect in effects}
    if not old:
        return "added"
    if "moved" in kinds or pull_moves(effects):
        return "moved"
    if "removed" in kinds:
        return "removed"
    if newly_yanked(effects):
        return "yanked"
    return "updated"


def _direction(old: str, new: str) -> Direction:
    before, after = parse_version_tag(old), parse_version_tag(new)
    if before is None or after is None:
        return "unknown"
    order = after.compare(before)
    return "unknown" if order is None else _DIRECTIONS[order]


def promotion_direction(
    old: Sequence[Record], new: Sequence[Record], was: VersionsOfImages, now: VersionsOfImages, policy: Policy
) -> Direction:
    """Return the direction of what an environment has after something else; `unknown` if nobody can tell.

    That is so if its version is a tag that names one version after the other, and none is known to have its digest.
    """
    before, after = was.promoted(old, now, policy), now.promoted(new, was, policy)
    order = version_order(after, before, policy)
    return "unknown" if order is None else _DIRECTIONS[order]


def source_comparison(old: Iterable[Record], new: Iterable[Record]) -> str:
    """Return the page that compares the sources of two image:tags, `""` if there is none, or no single one."""
    before, after = {one.source_ref for one in old}, {one.source_ref for one in new}
    return compare_url(before.pop(), after.pop()) if len(before) == len(after) == 1 else ""


class VersionsOfImages:
    """The versions of some images in a ledger: what a tag says itself, what other tags of its digest or a label say."""

    def __init__(self, ledger: Ledger, images: Set[str]) -> None:
        self._ledger, self._images = ledger, images
        self._yanks = yanks_of(ledger)
        self._versions_of = cache(self._read)

    def _read(self, image: str) -> tuple[Sequence[tuple[VersionTag, Record]], Mapping[str, Set[VersionTag]]]:
        """Return the records of an image whose tags are versions, and the versions of each digest."""
        versions: list[tuple[VersionTag, Record]] = []
        by_digest: dict[str, set[VersionTag]] = {}
        for record in self._ledger.of_image(image) if image in self._images else ():
            if record.is_environment or (parsed := parse_version_tag(record.tag)) is None:
                continue
            versions.append((parsed, record))
            for digest in filter(None, (record.digest, record.index)):
                by_digest.setdefault(digest, set()).add(parsed)
        return versions, by_digest

    def of(self, records: Sequence[Record], other: VersionsOfImages) -> str:
        """Return the version of the records of one image:tag, `""` if unknown; `other` may know their digests as well.

        A tag such as `1.5` or `latest` names one version after the other, so it does not tell which.
        """
        for record in records:
            if record.version:
                return record.version
            own = parse_version_tag(record.tag)
            if own and not own.is_floating:
                return record.tag
            for versions in (self, other):
                _, by_digest = versions._versions_of(record.image)
                for digest in filter(None, (record.index, record.digest)):
                    if exact := most_exact(by_digest.get(digest, ()), record.tag):
                        return str(exact)
            for label in _VERSION_LABELS:
                if record.labels.get(label):
                    return record.labels[label]
        return ""

    def promoted(self, records: Sequence[Record], other: VersionsOfImages, policy: Policy) -> str:
        """Return the exact version that an environment's records are of, `""` if unknown."""
        as_tags = [replace(record, tag=record.version or record.tag, version=None) for record in records]
        return self.of(as_tags, other) or next((one.tag for one in as_tags if not policy.is_mutable(one.tag)), "")

    def lower_than(self, name: Name) -> Record | None:
        """Return a record of the highest version that is lower than a tag: of its own variant, or else of the next one.

        Never a yanked record.
        """
        this = parse_version_tag(name.tag)
        if this is None:
            return None
        lower = [
            (tag, record)
            for tag, record in self._versions_of(name.image)[0]
            if tag.compare(this) == -1 and not self._yanks.of(record)
        ]

        def rank(pair: tuple[VersionTag, Record]) -> tuple[object, ...]:
            tag = pair[0]
            return (*this.kinship(tag), tag.precedence, tag.exactness)

        return max(lower, key=rank)[1] if lower else None

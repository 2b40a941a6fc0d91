"""What one environment has and another one has not, image by image; or one environment, now and at another time.

It is read from the first to the second: an upgrade is a version that is higher in the second. The other way round, all
is the mirror image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.promotion import has_same, misfits, version_of
from ledger_tool.core.judging.diff import Direction, VersionsOfImages, promotion_direction, source_comparison
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Tag, Timestamp, parse_tag, shown
from ledger_tool.core.ledger.query import matches, meant
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.policy.policy import Policy, check_environment
from ledger_tool.core.registry.shellcommands import ANY_REASON, shell
from ledger_tool.core.writes.promote import Promotion, promote, taken
from ledger_tool.errors import Contended, RuleRefused, UnknownImage, UsageError

State = Literal["other-digest", "other-version", "only-first", "only-second", "same"]
STATES: Sequence[State] = ("other-digest", "other-version", "only-first", "only-second", "same")  # gravest first


@dataclass(frozen=True, slots=True)
class EnvironmentSet:
    """What an environment has: `ledger` is the ledger at the time `at`, which was given as `moment`, `""` for now."""

    environment: Tag
    ledger: Ledger
    at: Timestamp
    moment: str = ""

    def __str__(self) -> str:
        return f"{self.environment}@{self.moment}" if self.moment else self.environment

    def has(self, image: str) -> tuple[Record, ...]:
        """Return the records of an image that the environment has."""
        return self.ledger.find(Name(image, self.environment))

    @property
    def images(self) -> set[str]:
        """The images that it has."""
        return {image for image, tag in self.ledger.names() if tag == self.environment}


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """The version of an image that an environment has: its records there, since when, and what became of it since."""

    records: tuple[Record, ...]
    remarks: tuple[str, ...] = ()

    @property
    def version(self) -> Tag:
        """The tag that was promoted."""
        return Tag(version_of(self.records))

    @property
    def digest(self) -> str | None:
        """What it is pulled by; None for the several images without an index of an old ledger."""
        return pull_digest(self.records)

    @property
    def since(self) -> Timestamp:
        """When it was promoted."""
        return max(record.published_at for record in self.records)


@dataclass(frozen=True, slots=True)
class ComparedImage:
    """An image in two environments. `direction` is `unknown`, and `compare` empty, unless both have a version of it."""

    image: str
    state: State
    first: HeldVersion | None
    second: HeldVersion | None
    direction: Direction = "unknown"
    compare: str = ""

    @property
    def remarks(self) -> list[str]:
        """What became of the versions since they were promoted."""
        return list(dict.fromkeys(chain(*(held.remarks for held in (self.first, self.second) if held))))


@dataclass(frozen=True)
class Comparison:
    """Two sets, and every image that one of them has, by name."""

    first: EnvironmentSet
    second: EnvironmentSet
    images: Sequence[ComparedImage]

    @cached_property
    def differing(self) -> Sequence[ComparedImage]:
        """The images of which the two have not the same."""
        return [image for image in self.images if image.state != "same"]


def parse_side(text: str) -> tuple[Tag, str]:
    """Return the environment and the time or revision (`""`: now) of `ENV[@TIME|REV]`. Raises UsageError."""
    environment, at, moment = text.partition("@")
    if at and not moment:
        raise UsageError(
            f"`{shown(text)}` names no time or revision", f"write `{shown(environment)}@7d`, or leave the `@` out"
        )
    if not environment or ":" in environment or "/" in environment:
        raise UsageError(
            f"`{shown(text)}` is not an environment",
            "name two environments, then the images: `ledger compare prod staging 'myorg/*'`",
        )
    return parse_tag(environment), moment


def compared(
    first: EnvironmentSet, second: EnvironmentSet, snapshot: Snapshot, now: Timestamp, patterns: Sequence[str] = ()
) -> Comparison:
    """Return the comparison of two sets by the ledger as it is now; patterns restrict it to the images that they name.

    Raises UsageError for what is no environment, and for the same side twice; UnknownImage for a pattern that names
    nothing in either; RuleRefused for an image of which an environment has a record without a version.
    """
    for side in (first, second):
        check_environment(side.environment, snapshot.policy)
    if (first.environment, first.moment) == (second.environment, second.moment):
        raise UsageError(f"{first} is given twice", f"name two environments, or another time: `{first.environment}@7d`")
    images = _chosen(first, second, snapshot, patterns)
    sides = [_held(side, images, snapshot, now) for side in (first, second)]
    unlike = {image for image in images if _state(*(side.get(image) for side in sides)) == "other-version"}
    versions = VersionsOfImages(first.ledger, unlike), VersionsOfImages(second.ledger, unlike)

    def image(name: str) -> ComparedImage:
        one, other = (side.get(name) for side in sides)
        state = _state(one, other)
        if not (one and other):
            return ComparedImage(name, state, one, other)
        page = source_comparison(one.records, other.records)
        if state != "other-version":
            return ComparedImage(name, state, one, other, compare=page)
        return ComparedImage(
            name, state, one, other, promotion_direction(one.records, other.records, *versions, snapshot.policy), page
        )

    return Comparison(first, second, [image(name) for name in images])


def _chosen(first: EnvironmentSet, second: EnvironmentSet, snapshot: Snapshot, patterns: Sequence[str]) -> list[str]:
    images = sorted(first.images | second.images)
    asked = [snapshot.resolver.pattern(pattern) for pattern in patterns]

    def is_named(pattern: str, image: str) -> bool:
        return any(matches(pattern, image, side.environment) for side in (first, second))

    for pattern in asked:
        if not any(is_named(pattern, image) for image in images):
            known = [(image, first.environment) for image in images]
            raise UnknownImage(f"neither {first} nor {second} has {shown(pattern, 200)}", meant(pattern, known))
    return [image for image in images if not asked or any(is_named(pattern, image) for pattern in asked)]


def _held(side: EnvironmentSet, images: Sequence[str], snapshot: Snapshot, now: Timestamp) -> Mapping[str, HeldVersion]:
    """Return what a side has of each image, with what the ledger says of the version now."""
    has = {image: records for image in images if (records := side.has(image))}
    if odd := next((image for image, records in has.items() if not all(one.version for one in records)), ""):
        raise RuleRefused(
            f"{odd}:{side.environment} is the record of a tag in {side}, and not what an environment has",
            "name a later time or revision" if side.moment else "`ledger check` names all such records",
        )
    ledger = snapshot.ledger
    if side.moment:
        ledger = ledger.replaced({Name(image, side.environment): records for image, records in has.items()})
    remarks = {
        image: tuple(misfits(Name(image, side.environment), ledger, snapshot.policy, now, later=True)) for image in has
    }
    return {image: HeldVersion(records, remarks[image]) for image, records in has.items()}


def _state(first: HeldVersion | None, second: HeldVersion | None) -> State:
    if not (first and second):
        return "only-first" if first else "only-second"
    if has_same(first.records, second.records):
        return "same"
    return "other-digest" if first.version == second.version else "other-version"


@dataclass(frozen=True, slots=True)
class EqualizingPromotion:
    """The command that takes to one environment what another has, or the first one back; `why_not` if it is refused.

    `is_whole` says that the two have the same afterwards: nothing stays there that the other does not have.
    """

    environment: Tag
    command: str
    is_whole: bool = True
    why_not: str = ""


def equalizing_promotion(
    comparison: Comparison, snapshot: Snapshot, now: Timestamp, patterns: Sequence[str] = ()
) -> EqualizingPromotion | None:
    """Return the promotion between two environments that makes them the same, in the direction of their `from`.

    None if there is nothing to promote, or if one of the sets is of another time.
    """
    first, second = comparison.first, comparison.second
    if first.moment or second.moment or not comparison.differing:
        return None
    source, target = (first.environment, second.environment)
    if target in _sources(source, snapshot.policy):
        source, target = target, source
    images = list(patterns) or ["--all"]
    command = shell("ledger", "promote", "--from", source, *images, "--to", target)
    is_left: State = "only-second" if target == second.environment else "only-first"
    is_whole = not any(image.state == is_left for image in comparison.images)
    try:
        promotion = taken(snapshot, source, target, patterns)
    except UnknownImage:  # a pattern names only what the target has
        return None
    try:
        change = promote(snapshot, promotion, now=now)
    except RuleRefused as error:
        return EqualizingPromotion(target, command, is_whole, error.message)
    return EqualizingPromotion(target, command, is_whole) if change.changed else None


def way_back(
    comparison: Comparison, promotion: Promotion, snapshot: Snapshot, now: Timestamp, patterns: Sequence[str] = ()
) -> EqualizingPromotion | None:
    """Return the promotion that takes an environment back to what it had at the other time."""
    past = comparison.first if comparison.first.moment else comparison.second
    words = ["--at", past.moment, *patterns, "--to", past.environment, "--reason", ANY_REASON]
    command = shell("ledger", "promote", *words)
    try:
        change = promote(snapshot, promotion, now=now, reason=ANY_REASON)
    except (RuleRefused, Contended) as error:
        return EqualizingPromotion(past.environment, command, why_not=error.message)
    return EqualizingPromotion(past.environment, command) if change.changed else None


def _sources(environment: str, policy: Policy) -> Iterator[str]:
    """Yield the environments that one takes its versions from, directly or not, the nearest first."""
    seen = {environment}
    while settings := policy.environments.get(environment):
        environment = settings.source
        if not environment or environment in seen:
            return
        seen.add(environment)
        yield environment

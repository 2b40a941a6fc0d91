"""Tags as versions: a prefix, a version and a suffix, as in `release-1.5.0-rc.1-alpine3.20`.

The version is what is ordered: its number (`1.5.0`), its stage (`-rc.1`), and how often it was rebuilt (`-r7`). Prefix
and suffix are the variant (`release-`, `-alpine3.20`): what the image is besides its version. Nothing else is compared.

==========================  ==========================================================================================
number                      `[v]MAJOR[.MINOR[.PATCH[.…]]]`, also `V`; MAJOR has at most four digits and no leading zero.
                            What is left out counts as 0. Or a date: `20240101`, `2024-01-15T10-00-00Z`, `20240101.2`
stage, before the release   a word such as `rc`, `beta` or `preview` with a number (`-rc.1`, `rc1`, `.dev3`), or the
                            number, date or commit of a build (`-42`, `-20240101`, `-4ef5a30`); ordered by section 11
                            of SemVer 2.0.0, but `rc10` is `rc.10`, and nobody can tell which of two commits is later
rebuild, after the release  `-r7`, `-ls45`, `_9`, `-p1`, `-sp2`, `-hotfix`, `-security-01`, `u392-b08`, git's
                            `-5-g4ef5a30`; at the tag's end, the date or the commit of one, and the number in `-k3s1`
                            and `-ce.0`, too
==========================  ==========================================================================================

Text that merely looks like a number is not a version, so it cannot outrank one: `1234567` and `4ef5a30` are commits or
builds; `pr-42` and `12-34` are names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from ledger_tool.core.ledger import versiongrammar as grammar
from ledger_tool.core.ledger.semver import Identifier, SemVerKey, identifiers

Scheme = Literal["number", "long number", "year", "date", "dashed date"]
Precedence = tuple[bool, tuple[int, ...], bool, tuple[Identifier, ...], tuple[int, ...]]

_LONGEST = 128  # characters of a tag


@dataclass(frozen=True, slots=True)
class Variant:
    """What a tag says besides its version: `release-` in `release-1.5`, `-alpine3.20` in `1.5-alpine3.20`.

    `scheme` is the way of counting, because a date and a number are not versions of one another.
    """

    prefix: str = ""
    suffix: str = ""
    scheme: Scheme = "number"

    @property
    def family(self) -> tuple[str, ...]:
        """The variant without versions of its own: `-alpine3.20` and `-alpine3.21` are kin, two architectures not."""
        words = (self.scheme, *re.split("[-_]", f"{self.prefix}_{self.suffix}"))
        return tuple(
            word if grammar.ARCHITECTURE.fullmatch(word) else re.sub(r"[0-9]+(?:\.[0-9]+)*", "", word) for word in words
        )


@dataclass(frozen=True, slots=True)
class VersionTag:
    """A tag as a version of a variant. The parts are as written: joined, with prefix and suffix, they are the tag.

    `numbers` are those given, for a date first the day as YYYYMMDD.
    """

    variant: Variant
    number: str
    stage: str
    rebuild: str
    tail: str
    numbers: tuple[int, ...]
    precedence: Precedence = field(repr=False)

    def __str__(self) -> str:
        return "".join((self.variant.prefix, self.version, self.variant.suffix, self.tail))

    @property
    def version(self) -> str:
        """The version as it is written, without what follows the suffix."""
        return self.number + self.stage + self.rebuild

    @property
    def release(self) -> tuple[int, int, int]:
        """MAJOR, MINOR and PATCH; an omitted part is 0."""
        major, minor, patch = (*self.numbers, 0, 0)[:3]
        return major, minor, patch

    @property
    def semver(self) -> SemVerKey:
        """What a range compares: the precedence without a fourth number and rebuilds."""
        return self.release, not self.stage, self.precedence[3]

    @property
    def is_build(self) -> bool:
        """Whether the stage is the number, date or commit of a build, not a prerelease."""
        return bool(self.stage) and not any(word for _, word, _ in self.precedence[3])

    @property
    def is_doubtful(self) -> bool:
        """Whether nobody can tell if the stage is one: `1.5.0-dev` comes before 1.5.0, or is 1.5.0 with tools."""
        return self.stage.lower() == "-dev"

    @property
    def stageless(self) -> str:
        """The tag of the version that the stage leads to: itself if there is none."""
        return "".join((self.variant.prefix, self.number, self.rebuild, self.variant.suffix, self.tail))

    @property
    def is_dated(self) -> bool:
        """Whether the number is a day."""
        return "date" in self.variant.scheme

    @property
    def exactness(self) -> tuple[int, bool]:
        """How many numbers the tag has, and whether it names a build or a rebuild."""
        return (3 if self.is_dated else len(self.numbers)), bool(self.rebuild or self.tail or self.is_build)

    @property
    def is_floating(self) -> bool:
        """Whether the tag leaves parts of the version out, and so may name one after the other."""
        numbers, is_built = self.exactness
        return numbers < 3 and not is_built

    def covers(self, other: VersionTag) -> bool:
        """Return whether another tag may be the exact version of this one: `1.5` covers `1.5.2`, not `1.6.0`."""
        given = len(self.numbers)
        return (
            other.exactness > self.exactness
            and (*other.numbers, *[0] * given)[:given] == self.numbers
            and other.is_dated == self.is_dated
            and other.stage.startswith(self.stage)
            and not self.exactness[1]
        )

    def is_compatible(self, other: VersionTag) -> bool:
        """Return whether another tag is of the same variant; that it is a rebuild may be said by one of them only.

        So may what follows a day: `20240101-2` and `20240101.2` are counted in two ways.
        """
        return (
            self.variant == other.variant
            and _is_counted_alike(self.rebuild + self.tail, other.rebuild + other.tail)
            and (not self.is_dated or _is_counted_alike(_behind_day(self.number), _behind_day(other.number)))
        )

    def kinship(self, other: VersionTag) -> tuple[bool, bool, bool]:
        """Return how near another tag's variant is: the same, a kindred one, the plain image; larger is nearer."""
        is_kindred = self.variant.family == other.variant.family
        return self.is_compatible(other), is_kindred, not other.variant.suffix

    def compare(self, other: VersionTag) -> int | None:
        """Return -1, 0 or 1 for a lower, an equal and a higher version than another; None if nobody can tell.

        That is so for a date and a number, and for two commits of one version.
        """
        if self.is_dated != other.is_dated:
            return None
        if self.precedence == other.precedence:
            return 0 if self.commits == other.commits else None
        return 1 if self.precedence > other.precedence else -1

    def is_stage_like(self, other: VersionTag) -> bool:
        """Return whether both are builds named alike, prereleases of one release, or a doubtful `-dev`."""
        if self.is_doubtful or other.is_doubtful:
            return self.is_doubtful and other.is_doubtful
        if self.is_build or other.is_build:
            return self.is_build and _unnumbered(self.stage) == _unnumbered(other.stage)
        return bool(self.stage and other.stage) and self.release == other.release

    def is_stage_of_one(self, other: VersionTag) -> bool:
        """Return whether both come before one version."""
        return bool(self.stage and other.stage) and self.precedence[:2] == other.precedence[:2]

    @property
    def commits(self) -> list[str]:
        """The commits in the version; they do not order it."""
        return grammar.COMMIT.findall(self.stage + self.rebuild + self.tail)


@lru_cache(1 << 14)  # a reference is compared with all tags of its image
def parse_version_tag(tag: str) -> VersionTag | None:
    """Return the version and the variant that a tag is, or None if it is not a version."""
    named = grammar.PREFIX.match(tag) if len(tag) <= _LONGEST else None
    prefix = named[0] if named else ""
    date = grammar.DATE.match(tag, len(prefix))
    number = date or grammar.NUMBER.match(tag, len(prefix))
    if number is None or len(tag) > _LONGEST:
        return None
    rest = tag[number.end() :]
    numbers = tuple(map(int, re.findall("[0-9]+", number[0])))
    if date:
        numbers = int(date["day"].replace("-", "")), *map(int, re.findall("[0-9]+", tag[date.end("day") : date.end()]))
    elif _is_unclear(len(numbers), rest):
        return None
    stage = "" if grammar.DESCRIBED.match(rest) else _matched(grammar.STAGE, rest)
    rest = rest.removeprefix(stage)
    rebuild = _matched(grammar.DESCRIBED, rest) or _matched(grammar.REBUILD, rest)
    rest = rest.removeprefix(rebuild)
    tail = grammar.TAIL.search(rest)
    cut = max(tail.start(), tail.end("counted")) if tail else len(rest)
    variant = Variant(prefix, rest[:cut], _scheme(numbers, date["dash"] if date else None))
    if not grammar.SUFFIX.fullmatch(rest):
        return None
    return VersionTag(
        variant=variant, number=number[0], stage=stage, rebuild=rebuild, tail=rest[cut:],
        numbers=numbers, precedence=_precedence(numbers, stage, rebuild + rest[cut:], is_dated=bool(date)),
    )  # fmt: skip


def _is_unclear(count: int, rest: str) -> bool:
    """Return whether nobody can tell what few numbers and the rest of a tag mean: `12-34`, `7b2`, `1.x`, `1.2.x`."""
    is_lone = count == 1 and re.match("-[0-9]|[abmp][0-9]", rest, re.IGNORECASE)
    return bool(is_lone) or (
        count < 3 and rest.startswith(".") and not grammar.STAGE.match(rest) and not grammar.REBUILD.match(rest)
    )


def _matched(pattern: re.Pattern[str], text: str) -> str:
    return match[0] if (match := pattern.match(text)) else ""


def _scheme(numbers: tuple[int, ...], dash: str | None) -> Scheme:
    if dash is not None:
        return "dashed date" if dash else "date"
    is_long = len(numbers) == 1 and numbers[0] > 999  # `2404` is not `24.04`
    return "year" if 1990 <= numbers[0] <= 2099 else "long number" if is_long else "number"


def _precedence(numbers: tuple[int, ...], stage: str, rebuilds: str, *, is_dated: bool) -> Precedence:
    given = list(numbers)
    while given and not given[-1]:
        given.pop()
    rebuilds = grammar.COMMIT.sub("", rebuilds)
    counters = tuple(map(int, re.findall("[0-9]+", rebuilds))) or (0,) * (
        rebuilds[1:].lower() in grammar.FIRST.split("|")
    )
    return not is_dated, tuple(given), not stage, _stage_identifiers(stage), counters


def _stage_identifiers(stage: str) -> tuple[Identifier, ...]:
    """Return what orders a stage: its identifiers; nothing of a commit."""
    if not stage.startswith("-"):
        stage = "".join(f".{part}" for part in re.findall("[0-9]+|[A-Za-z]+", stage))
    if grammar.COMMIT.fullmatch(stage[1:]):
        return ((1, "", 0),)
    if day := grammar.DATE.fullmatch(stage[1:]):
        return identifiers(day["day"].replace("-", "") + re.sub("[^0-9]+", ".", stage[1 + day.end("day") :]))
    return identifiers(stage[1:])


def _is_counted_alike(one: str, other: str) -> bool:
    mine, theirs = _unnumbered(one), _unnumbered(other)
    return mine == theirs or not (mine and theirs)


def _behind_day(number: str) -> str:
    found = grammar.DATE.match(number)
    return number[found.end("day") :] if found else ""


def _unnumbered(text: str) -> str:
    return re.sub("[0-9]+", "", grammar.COMMIT.sub("#", text)) if text else ""


def most_exact(same: Iterable[VersionTag], tag: str) -> VersionTag | None:
    """Return the one of some tags of the same digest that says most exactly which version a tag is; never itself.

    One of the same variant comes first. A tag without a version, such as `latest` or `stable-alpine`, may be any.
    """
    own = parse_version_tag(tag)

    def rank(other: VersionTag) -> tuple[object, ...]:
        suffix = other.variant.suffix
        is_same = other.variant == own.variant if own else bool(suffix) and f"-{tag}".endswith(suffix)
        # Of `1`, `1.5` and `1.5.0`, the last is the most exact.
        nearness = len(suffix) if is_same else -len(suffix)
        return (is_same, other.exactness, nearness, other.precedence, str(other))

    candidates = [other for other in same if str(other) != tag and (own is None or own.covers(other))]
    return max(candidates, key=rank, default=None)


def version_of(tag: str) -> object:
    """Return what the tags of all variants of one version have in common; of a tag without a version, itself."""
    parsed = parse_version_tag(tag)
    return (parsed.precedence, parsed.exactness, *parsed.commits) if parsed else tag


def rank(tag: str) -> tuple[object, ...]:
    """Return the key of the one order of all tags: versions after all others, by precedence, a plain one last.

    It is total: two tags are equal only if they are the same.
    """
    parsed = parse_version_tag(tag)
    if parsed is None:
        return (), tag
    prefix, suffix = parsed.variant.prefix, parsed.variant.suffix
    return parsed.precedence, not suffix, not prefix, suffix, prefix, parsed.exactness, tag

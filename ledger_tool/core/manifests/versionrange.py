"""Ranges of versions, as npm's semver writes them: `^1.5`, `~2`, `1.x`, `>=1.2 <2`, `1.2 - 1.4`, `^1 || ^3`.

Each form is shorthand for bounds; a range is a union of sets of them. The upper bound of a shorthand is below
that version's own prereleases: `^1.5` is `>=1.5.0 <2.0.0-0`, which leaves 2.0.0-rc.1 out. Without
`prereleases`, a prerelease is only in a set that names a prerelease of the same MAJOR.MINOR.PATCH.

Source: the documentation of the npm package `semver`, "Ranges". A comma between two bounds counts as a space.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import NoReturn

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.semver import PRERELEASE, SemVerKey, semver_key
from ledger_tool.core.ledger.version import VersionTag
from ledger_tool.errors import InvalidValue

_PART = r"(?:0|[1-9][0-9]{0,8}|[xX*])"
_WORD = re.compile(
    rf"(?P<operator>\^|~>?|[<>]=?|=)?v?(?P<major>{_PART})(?:\.(?P<minor>{_PART})(?:\.(?P<patch>{_PART})"
    rf"(?:-(?P<prerelease>{PRERELEASE}))?)?)?",
    re.ASCII,
)
_COMPARE: dict[str, Callable[[SemVerKey, SemVerKey], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
_LONGEST = 256
_OF_RANGES = re.compile(r"[\^~<>=*|]|\A[xX]\Z|\.[xX](?:\.|\Z)|\s-\s")
_MOST_SETS = 16
Triple = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Bound:
    """One comparison. `prerelease` is the one given; `filled` says that omitted parts were taken as 0."""

    operator: str
    release: Triple
    prerelease: str = ""
    filled: bool = False

    def admits(self, version: VersionTag, *, prereleases: bool) -> bool:
        """Return whether a version is on the right side; a filled lower bound includes prereleases on request."""
        lowest = "0" if prereleases and self.filled and self.operator == ">=" else ""
        return _COMPARE[self.operator](version.semver, semver_key(self.release, self.prerelease or lowest))


@dataclass(frozen=True, slots=True)
class Range:
    """A union of sets of bounds; a version is in it if all bounds of one set admit it."""

    sets: tuple[tuple[Bound, ...], ...]

    def admits(self, version: VersionTag, *, prereleases: bool = False) -> bool:
        """Return whether a version is in the range."""
        any_goes = prereleases or not version.stage
        return any(
            all(bound.admits(version, prereleases=prereleases) for bound in bounds)
            and (any_goes or any(bound.prerelease and bound.release == version.release for bound in bounds))
            for bounds in self.sets
        )


def parse_range(text: str) -> Range:
    """Return the range that a text means, or raise InvalidValue."""
    if len(text) > _LONGEST or text.count("||") >= _MOST_SETS:
        _refuse(text)
    return Range(tuple(_bounds(part.strip(), text) for part in text.split("||")))


def is_range(text: str) -> bool:
    """Return whether a text is a range of versions, and not the tag of one: `^1.5`, `1.x`, `*`."""
    if not _OF_RANGES.search(text):
        return False
    try:
        parse_range(text)
    except InvalidValue:
        return False
    return True


def _refuse(text: str) -> NoReturn:
    raise InvalidValue(
        "range",
        f"range `{shown(text)}` is malformed",
        "write `^1.5`, `~2`, `1.x`, `>=1.2 <2`, `1.2 - 1.4`, or several with `||` between them",
    )


@dataclass(frozen=True, slots=True)
class _Comparator:
    """One word of a range, such as `^1.5`: the numbers before the first part that is omitted or `x`."""

    operator: str
    numbers: list[int]
    prerelease: str


def _bounds(part: str, text: str) -> tuple[Bound, ...]:
    if hyphen := re.fullmatch(r"(\S+)\s+-\s+(\S+)", part):
        low, high = _comparator(hyphen[1], text), _comparator(hyphen[2], text)
        if low.operator or high.operator:
            _refuse(text)
        return (*_at_least(low), *_compared("<=", high))
    words = re.sub(r"(?<=[<>=~^])\s+", "", part.replace(",", " ")).split()
    return tuple(bound for word in words for bound in _desugared(_comparator(word, text)))


def _comparator(word: str, text: str) -> _Comparator:
    match = _WORD.fullmatch(word)
    if not match:
        _refuse(text)
    numbers = [match[name] for name in ("major", "minor", "patch")]
    given = takewhile(lambda number: number is not None and number not in "xX*", numbers)
    return _Comparator(match["operator"] or "", [int(number) for number in given], match["prerelease"] or "")


def _triple(numbers: list[int]) -> Triple:
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return major, minor, patch


def _desugared(comparator: _Comparator) -> tuple[Bound, ...]:
    numbers = comparator.numbers
    match comparator.operator:
        case "^":
            # Up to the next change of the leftmost nonzero part, or of the last one given.
            fixed = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
            return (*_at_least(comparator), *_below(numbers, fixed))
        case "~" | "~>":
            return (*_at_least(comparator), *_below(numbers, min(1, len(numbers) - 1)))
        case "" | "=" if len(numbers) == 3:
            return (Bound("=", _triple(numbers), comparator.prerelease),)
        case "" | "=":
            return (*_at_least(comparator), *_below(numbers, len(numbers) - 1))
        case operator_:
            return _compared(operator_, comparator)


def _at_least(comparator: _Comparator) -> tuple[Bound, ...]:
    numbers = comparator.numbers
    return (Bound(">=", _triple(numbers), comparator.prerelease, filled=len(numbers) < 3),)


def _below(numbers: list[int], place: int) -> tuple[Bound, ...]:
    """Return the bound below the next change of one part; none if no part is given, as in `*`."""
    if place < 0:
        return ()
    # `0` is the lowest prerelease. That it counts as a named one in `Range` has no effect: none passes the bound.
    return (Bound("<", _triple([*numbers[:place], numbers[place] + 1]), "0"),)


def _compared(operator_: str, comparator: _Comparator) -> tuple[Bound, ...]:
    """Return the bounds of `<`, `<=`, `>` or `>=`: `>` and `<=` cover all values of omitted parts."""
    numbers = comparator.numbers
    if len(numbers) == 3:
        return (Bound(operator_, _triple(numbers), comparator.prerelease),)
    if not numbers:
        nothing = (Bound("<", (0, 0, 0), "0"),)
        return nothing if operator_ in "<>" else _at_least(comparator)
    if operator_ == "<=":
        return _below(numbers, len(numbers) - 1)
    if operator_ == ">":
        return (Bound(">=", _triple([*numbers[:-1], numbers[-1] + 1]), filled=True),)
    return (Bound("<", _triple(numbers), "0"),) if operator_ == "<" else _at_least(comparator)

"""Ranges of versions, as npm's semver writes them: `^1.5`, `~2`, `1.x`, `>=1.2 <2`, `1.2 - 1.4`, `^1 || ^3`.

Each form is shorthand for bounds; a range is a union of sets of them. The upper bound of a shorthand lies below
that version's own prereleases: `^1.5` is `>=1.5.0 <2.0.0-0`, so that 2.0.0-rc.1 is not in it. Without
`prereleases`, a prerelease is only in a set that names a prerelease of the same MAJOR.MINOR.PATCH.

Source: the documentation of the npm package `semver`, "Ranges". A comma between two bounds is taken for a space.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.version import PRERELEASE, Precedence, Version, precedence
from ledger_tool.errors import InvalidValue

_PART = r"(?:0|[1-9][0-9]{0,8}|[xX*])"
_comparator = re.compile(
    rf"(?P<operator>\^|~>?|[<>]=?|=)?v?(?P<major>{_PART})(?:\.(?P<minor>{_PART})(?:\.(?P<patch>{_PART})"
    rf"(?:-(?P<prerelease>{PRERELEASE}))?)?)?",
    re.ASCII,
)
_COMPARE: dict[str, Callable[[Precedence, Precedence], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
_LONGEST = 256
_MOST_SETS = 16
Release = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Bound:
    """One comparison. `prerelease` says that a person named one; `filled` that parts were left out and are 0."""

    operator: str
    release: Release
    prerelease: str = ""
    filled: bool = False

    def admits(self, version: Version, *, prereleases: bool) -> bool:
        """Return whether a version is on the right side; a filled lower bound includes prereleases on request."""
        lowest = "0" if prereleases and self.filled and self.operator == ">=" else ""
        return _COMPARE[self.operator](version.precedence, precedence(self.release, self.prerelease or lowest))


@dataclass(frozen=True, slots=True)
class Range:
    """A union of sets of bounds; a version is in it if all bounds of one set admit it."""

    text: str
    sets: tuple[tuple[Bound, ...], ...]

    def admits(self, version: Version, *, prereleases: bool = False) -> bool:
        """Return whether a version is in the range."""
        return any(self._in_set(bounds, version, prereleases=prereleases) for bounds in self.sets)

    def _in_set(self, bounds: tuple[Bound, ...], version: Version, *, prereleases: bool) -> bool:
        if not all(bound.admits(version, prereleases=prereleases) for bound in bounds):
            return False
        if prereleases or not version.prerelease:
            return True
        return any(bound.prerelease and bound.release == version.release for bound in bounds)

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Range:
    """Return the range that a text means, or raise InvalidValue."""
    if len(text) > _LONGEST or text.count("||") >= _MOST_SETS:
        _refuse(text)
    return Range(text, tuple(_bounds(one.strip(), text) for one in text.split("||")))


def _refuse(text: str) -> NoReturn:
    raise InvalidValue(
        "range",
        f"range `{shown(text)}` is malformed",
        "write `^1.5`, `~2`, `1.x`, `>=1.2 <2`, `1.2 - 1.4`, or several with `||` between them",
    )


def _bounds(one: str, text: str) -> tuple[Bound, ...]:
    if hyphen := re.fullmatch(r"(\S+)\s+-\s+(\S+)", one):
        low, high = _parsed(hyphen[1], text), _parsed(hyphen[2], text)
        if low["operator"] or high["operator"]:
            _refuse(text)
        return (*_at_least(low), *_compared("<=", high))
    words = re.sub(r"(?<=[<>=~^])\s+", "", one.replace(",", " ")).split()
    return tuple(bound for word in words for bound in _desugared(_parsed(word, text)))


def _parsed(word: str, text: str) -> re.Match[str]:
    found = _comparator.fullmatch(word)
    if not found:
        _refuse(text)
    return found


def _numbers(found: re.Match[str]) -> list[int]:
    """Return the numbers before the first part that is left out or `x`."""
    numbers: list[int] = []
    for name in ("major", "minor", "patch"):
        if found[name] is None or found[name] in "xX*":
            break
        numbers.append(int(found[name]))
    return numbers


def _release(numbers: list[int]) -> Release:
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return major, minor, patch


def _desugared(found: re.Match[str]) -> tuple[Bound, ...]:
    numbers = _numbers(found)
    match found["operator"]:
        case "^":
            # Up to the next change of the leftmost part that is not 0, or of the last one given.
            fixed = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
            return (*_at_least(found), *_below(numbers, fixed))
        case "~" | "~>":
            return (*_at_least(found), *_below(numbers, min(1, len(numbers) - 1)))
        case None | "=" if len(numbers) == 3:
            return (Bound("=", _release(numbers), found["prerelease"] or ""),)
        case None | "=":
            return (*_at_least(found), *_below(numbers, len(numbers) - 1))
        case operator_:
            return _compared(operator_, found)


def _at_least(found: re.Match[str]) -> tuple[Bound, ...]:
    numbers = _numbers(found)
    return (Bound(">=", _release(numbers), found["prerelease"] or "", filled=len(numbers) < 3),)


def _below(numbers: list[int], at: int) -> tuple[Bound, ...]:
    """Return the bound below the next change of one part; none where no part is given, as in `*`."""
    if at < 0:
        return ()
    # `0` is the lowest prerelease there is. That `Range` sees one named here changes nothing: none passes the bound.
    return (Bound("<", _release([*numbers[:at], numbers[at] + 1]), "0"),)


def _compared(operator_: str, found: re.Match[str]) -> tuple[Bound, ...]:
    """Return the bounds of `<`, `<=`, `>` or `>=`: of what is left out, `>` and `<=` mean all of it."""
    numbers = _numbers(found)
    if len(numbers) == 3:
        return (Bound(operator_, _release(numbers), found["prerelease"] or ""),)
    if not numbers:
        nothing = (Bound("<", (0, 0, 0), "0"),)
        return nothing if operator_ in "<>" else _at_least(found)
    if operator_ == "<=":
        return _below(numbers, len(numbers) - 1)
    if operator_ == ">":
        return (Bound(">=", _release([*numbers[:-1], numbers[-1] + 1]), filled=True),)
    return (Bound("<", _release(numbers), "0"),) if operator_ == "<" else _at_least(found)

"""The order of pre-releases by SemVer 2.0.0, section 11, and by the numbers that people write right behind a word.

SemVer compares `rc9` and `rc10` letter by letter, so `rc10` would come before `rc9`; whoever numbers like this means
the number. So `rc10`, `rc-10` and `rc.10` are one version in three spellings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# A number comes before letters: either (0, "", number) or (1, letters, 0).
Identifier = tuple[int, str, int]
SemVerKey = tuple[tuple[int, int, int], bool, tuple[Identifier, ...]]

_NUMBER = r"(?:0|[1-9][0-9]*)"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
PRERELEASE = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*"
_numbered = re.compile(r"(?P<word>[A-Za-z](?:[A-Za-z-]*[A-Za-z])?)-?(?P<number>[0-9]+)")


def semver_key(release: tuple[int, int, int], prerelease: str) -> SemVerKey:
    """Return the key that orders versions; a pre-release comes before its release."""
    return release, not prerelease, identifiers(prerelease)


def identifiers(prerelease: str) -> tuple[Identifier, ...]:
    """Return what orders a pre-release, those of `rc10` being `rc` and 10; `""` has none."""
    return tuple((0, "", int(part)) if part.isdigit() else (1, part, 0) for part in _parts(prerelease))


def _parts(prerelease: str) -> Iterator[str]:
    for part in filter(None, prerelease.split(".")):
        numbered = _numbered.fullmatch(part)
        yield from numbered.groups() if numbered else (part,)

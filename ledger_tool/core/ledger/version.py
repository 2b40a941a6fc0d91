"""Versions in tags: `1.5.0`, `v1.5`, `2.0.0-rc.1`, ordered as SemVer 2.0.0 section 11 says.

A tag is a version if it is `[v]MAJOR[.MINOR[.PATCH]][-PRERELEASE]`, numbers without leading zeros. Omitted parts
count as 0; a tag cannot have build metadata, because `+` is not allowed in one. Text that merely looks like a
number is not a version, so it cannot outrank one: MAJOR has at most four digits, and after MAJOR alone a
prerelease does not start with a digit. So `1234567` (a commit id), `20240101`, `2024-01-15` and `20240101.3` (dates,
builds) are not versions, nor are `2024.01` (a leading zero), `1.2.3.4` and `1.2.3_4`; `7`, `2022` and `7-alpine` are.

SemVer has no word for variants: to it, `1.27-alpine` is a prerelease. `parse_version_tag` knows them: such a tag is a
prefix, a version and a suffix, as in `release-1.5.0-rc.1-alpine3.20`. Prefix and suffix are its variant, here `release`
and `alpine3.20`; only what looks like a prerelease belongs to the version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NUMBER = r"(?:0|[1-9][0-9]*)"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
PRERELEASE = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*"
_MAJOR = r"(?P<major>0|[1-9][0-9]{0,3})"
_version = re.compile(
    rf"(?P<v>v?){_MAJOR}(?:\.(?P<minor>{_NUMBER})(?:\.(?P<patch>{_NUMBER}))?)?(?:-(?P<prerelease>{PRERELEASE}))?",
    re.ASCII,
)
_LONGEST = 128  # characters of a tag
_prefix = re.compile(
    r"[A-Za-z][A-Za-z0-9]*(?:[._-][A-Za-z][A-Za-z0-9]*)*[-_](?=v?[0-9]+\.)"
)  # a lone number may be any
_PRE_WORD = "alpha|beta|rc|cr|pre|preview|dev|snapshot|nightly|canary|next|ea|milestone|(?:a|b|m)(?=[0-9])"
_prerelease = re.compile(
    rf"(?:(?:{_PRE_WORD})[.-]?[0-9]*(?:\.[0-9A-Za-z]+)*|{_NUMBER}(?:\.[0-9A-Za-z]+)*)(?=-|$)", re.ASCII | re.IGNORECASE
)
_architecture = re.compile(
    r"amd64|x86_64|x64|i?386|arm(?:32|64)?(?:v[5-9])?|aarch64|ppc64le|s390x|riscv64|mips64le|loong64"
)

# Identifiers are compared by number, or by letters; a number comes before letters.
Identifier = tuple[int, int, str]
Precedence = tuple[int, int, int, int, tuple[Identifier, ...]]


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version, compared only by its precedence: `1.5`, `v1.5.0` and `1.5.0` are equal.

    `parts` says how many of MAJOR, MINOR and PATCH were given, 1 to 3; `prerelease` is `""` for a release;
    `text` is what was parsed, with the `v` if it had one.
    """

    precedence: Precedence = field(repr=False)
    text: str = field(compare=False)
    parts: int = field(compare=False)
    prerelease: str = field(compare=False)

    @property
    def release(self) -> tuple[int, int, int]:
        """MAJOR, MINOR and PATCH; an omitted part is 0."""
        return self.precedence[:3]

    def __str__(self) -> str:
        return self.text


def parse_version(text: str) -> Version | None:
    """Return the version that a tag is, or None."""
    parsed = _version.fullmatch(text) if len(text) <= _LONGEST else None
    if parsed is None:
        return None
    parts = 1 + (parsed["minor"] is not None) + (parsed["patch"] is not None)
    prerelease = parsed["prerelease"] or ""
    if parts == 1 and prerelease[:1].isdigit():
        return None
    release = int(parsed["major"]), int(parsed["minor"] or 0), int(parsed["patch"] or 0)
    return Version(precedence(release, prerelease), text, parts, prerelease)


def precedence(release: tuple[int, int, int], prerelease: str) -> Precedence:
    """Return the key that orders versions; a prerelease comes before its release."""
    identifiers = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in prerelease.split(".") if part
    )
    return (*release, 0 if prerelease else 1, identifiers)


@dataclass(frozen=True, slots=True)
class Variant:
    """What a tag says besides its version: `release` in `release-1.5`, `alpine3.20` in `1.5-alpine3.20`."""

    prefix: str = ""
    suffix: str = ""

    @property
    def family(self) -> tuple[str, ...]:
        """The variant without versions of its own: `alpine3.20` and `alpine3.21` are one family, architectures not."""
        words = (self.prefix, *self.suffix.split("-"))
        return tuple(
            word if _architecture.fullmatch(word) else re.sub(r"[0-9]+(?:\.[0-9]+)*", "", word) for word in words
        )


@dataclass(frozen=True, slots=True)
class VersionTag:
    """A tag as a version of a variant; the version has no suffix, but may be a prerelease."""

    version: Version
    variant: Variant

    @property
    def is_floating(self) -> bool:
        """Whether the tag leaves parts of the version out, and so may name one after the other."""
        return self.version.parts < 3

    def covers(self, other: VersionTag) -> bool:
        """Return whether another tag may be the exact version of this one: `1.5` covers `1.5.2`, not `1.6.0`."""
        given = self.version.parts
        return (
            other.version.parts > given
            and other.version.release[:given] == self.version.release[:given]
            and other.version.prerelease.startswith(self.version.prerelease)
        )


def parse_version_tag(tag: str) -> VersionTag | None:
    """Return the version and the variant that a tag is, or None if it is not a version."""
    if len(tag) > _LONGEST:
        return None
    named = _prefix.match(tag)
    rest = tag[named.end() :] if named else tag
    numbers, dash, suffix = rest.partition("-")
    early = _prerelease.match(suffix)
    prerelease = early[0] if early else ""
    version = parse_version(numbers + (f"-{prerelease}" if prerelease else ""))
    if version is None or (dash and not suffix) or (version.parts == 1 and suffix[:1].isdigit()):
        return None
    return VersionTag(version, Variant(named[0][:-1] if named else "", suffix[len(prerelease) :].removeprefix("-")))


def rank(tag: str) -> tuple[tuple[object, ...], str]:
    """Return the key that orders any tags: versions after all others, by precedence; equal ones by their text."""
    version = parse_version(tag)
    return (version.precedence if version else (), tag)

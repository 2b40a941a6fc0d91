"""Which version of an image a reference should move to: a policy's text, and the choice that it makes.

========================  =====================================================================
`semver:^1.5`             the highest version in a range, of the same variant, without pre-releases
`prerelease:^1.5`         the same, with pre-releases
`newest`, `newest:GLOB`   what was published last: of the immutable tags of the same variant, or those that GLOB matches
`tag:stable`              that tag
`regex:v(?P<NAME>…)`      the highest of the tags that match as a whole, by the one named group: `version`
                          as a version, `number` as numbers, any other name as text
`ignore`                  none: the reference stays
========================  =====================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.nearest import did_you_mean, nearest
from ledger_tool.core.ledger.version import VersionTag, parse_version_tag
from ledger_tool.core.ledger.words import parse_words
from ledger_tool.core.manifests.catalogue import Release
from ledger_tool.core.manifests.versionrange import Range, parse_range
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import InvalidValue

SCHEMES = ("semver", "prerelease", "newest", "tag", "regex", "ignore")
RANGED = ("semver", "prerelease")  # the schemes that choose by version
_LONGEST = 256
_MOST_REPEATS = 3
_MOST_CHOICES = 4  # `?` and `|`: each may double the ways to match a text
HINT = "write `semver:^1.5`, `prerelease:^1.5`, `newest`, `newest:main-*`, `tag:stable`, `regex:…` or `ignore`"


@dataclass(frozen=True, slots=True)
class VersionPolicy:
    """A parsed policy: its text, its scheme, and the scheme's argument."""

    text: str
    scheme: str
    range: Range | None = None
    pattern: re.Pattern[str] | None = None
    argument: str = ""

    def __str__(self) -> str:
        return self.text


def parse_policy(text: str) -> VersionPolicy:
    """Return the policy that a text means, or raise InvalidValue."""
    scheme, colon, argument = text.partition(":")
    if len(text) > _LONGEST:
        raise InvalidValue("policy", f"policy is longer than {_LONGEST} characters", "shorten it")
    match scheme:
        case "semver" | "prerelease" if argument.strip():
            return VersionPolicy(text, scheme, range=parse_range(argument))
        case "newest" if argument or not colon:
            return VersionPolicy(text, scheme, argument=argument)
        case "tag" if argument:
            return VersionPolicy(text, scheme, argument=names.parse_tag(argument))
        case "regex" if argument:
            return VersionPolicy(text, scheme, pattern=_pattern(argument))
        case "ignore" if not colon:
            return VersionPolicy(text, scheme)
    meant = nearest(scheme.strip().lower(), SCHEMES) if scheme not in SCHEMES else []
    question = f"; {did_you_mean(meant)}" if meant else ""
    raise InvalidValue("policy", f"policy `{shown(text)}` is malformed{question}", HINT)


def _pattern(text: str) -> re.Pattern[str]:
    """Return a regular expression that no tag can keep busy: few repeats and choices, and no repeat of a group."""
    try:
        pattern = re.compile(text, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidValue("policy", f"`{shown(text)}` is not a regular expression: {error}", HINT) from None
    literal = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "x", text, flags=re.DOTALL)
    repeats = len(re.findall(r"[*+]|\{[^}]*\}", literal))
    choices = len(re.findall(r"(?<![(*+}?])\?|\|", literal))
    if re.search(r"\)\s*[*+{]|\(\?[a-z]*x", literal) or repeats > _MOST_REPEATS or choices > _MOST_CHOICES:
        limits = f"repeats more than {_MOST_REPEATS} times, or has more than {_MOST_CHOICES} choices"
        hint = "repeat single characters only, such as `[0-9.]+`"
        raise InvalidValue("policy", f"`{shown(text)}` repeats a group, {limits}", hint)
    if len(pattern.groupindex) != 1:
        hint = r"name the part to order by, such as `v(?P<version>[0-9.]+)` or `main-(?P<number>[0-9]+)`"
        raise InvalidValue("policy", f"`{shown(text)}` does not have exactly one named group", hint)
    return pattern


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reference is: its `tag`, the version that the tag says (`own`), and the version that it is (`at`).

    Either is None if unknown. They differ for a tag that names one version after the other, such as `1.27` or `latest`.
    """

    tag: str = ""
    own: VersionTag | None = None
    at: VersionTag | None = None


def choose(
    policy: VersionPolicy, releases: Mapping[str, Release], place: Place, ledger: Policy, *, prereleases: bool = False
) -> Release | None:
    """Return the release that a policy chooses for a reference, or None where none matches it.

    The choice depends on the reference only as far as the policy keeps its variant, and as a tag of as many numbers is
    taken where one covers the version: `1.28` instead of `1.28.3` for `1.27`. So it is the same after the move.
    """
    like = _like(policy, place)
    ranked: dict[VersionTag | str, Any] = {}
    for tag, release in releases.items():
        parsed = parse_version_tag(tag)
        if not _is_kin(policy, tag, parsed, place, like):
            continue
        rank = _rank(policy, tag, parsed, release, place, ledger, prereleases=prereleases)
        if rank is not None:
            ranked[parsed or tag] = (rank, *_preference(tag, parsed, place, ledger))
    best = max(ranked, key=ranked.__getitem__, default=None)
    if like and place.own and isinstance(best, VersionTag):
        short = [tag for tag in ranked if isinstance(tag, VersionTag) and tag.covers(best)]
        alike = [tag for tag in short if tag.exactness == place.own.exactness and _names(tag, best, releases, ledger)]
        best = max(alike, key=ranked.__getitem__, default=best)
    return None if best is None else releases[str(best)]


def _is_kin(
    policy: VersionPolicy, tag: str, parsed: VersionTag | None, place: Place, like: VersionTag | str | None
) -> bool:
    """Return whether a tag is of the variant that a policy keeps; of the plain one, if there is none to be kept."""
    if isinstance(like, str):
        return parsed is None and parse_words(tag).shape == like
    if like is None:
        return is_described(policy, place) or (parsed is not None and _is_plain(parsed))
    if tag == place.tag:
        return bool(place.own or policy.argument)
    return parsed is not None and parsed.is_compatible(like) and parsed.is_doubtful == like.is_doubtful


def _names(tag: VersionTag, exact: VersionTag, releases: Mapping[str, Release], ledger: Policy) -> bool:
    """Return whether a tag that covers a version is a name for it: by its form, by `ledger.yaml`, or by its digest."""
    is_same = releases[str(tag)].digest == releases[str(exact)].digest
    return tag.is_floating or ledger.is_mutable(str(tag)) or is_same


def elsewhere(
    policy: VersionPolicy, releases: Mapping[str, Release], place: Place, ledger: Policy, *, prereleases: bool = False
) -> str:
    """Return the tag of the next variant that has a newer version than a reference under a policy, or `""`.

    A kindred one comes first: for `1.27-alpine3.20` one of `-alpine3.21`.
    """
    like = _like(policy, place)
    if not (isinstance(like, VersionTag) and place.at):
        return ""
    others: dict[str, Any] = {}
    current = releases.get(place.tag)
    for tag, release in releases.items():
        parsed = parse_version_tag(tag)
        if parsed is None or _is_kin(policy, tag, parsed, place, like) or parsed.compare(place.at) != 1:
            continue
        if policy.scheme == "newest" and current and release.published_at < current.published_at:
            continue  # one of its own variant would not be newer either
        is_same = place.own is not None and place.own.covers(parsed)
        if not is_same and _rank(policy, tag, parsed, release, place, ledger, prereleases=prereleases) is not None:
            others[tag] = (*like.kinship(parsed), *_preference(tag, parsed, place, ledger))
    return max(others, key=others.__getitem__, default="")


def is_described(policy: VersionPolicy, place: Place) -> bool:
    """Return whether a policy says itself which tags it means, whatever the variant of the reference.

    A glob that does not match the reference's own tag says so: it leads there from elsewhere.
    """
    return policy.scheme in ("tag", "regex") or bool(policy.argument and not fnmatchcase(place.tag, policy.argument))


def does_not_tell(policy: VersionPolicy, place: Place) -> bool:
    """Return whether a reference's own tag does not tell what would be newer: it has no version, and is no series."""
    if policy.scheme in RANGED:
        return place.own is None
    return policy.text == "newest" and place.own is None and not parse_words(place.tag).moves


def _like(policy: VersionPolicy, place: Place) -> VersionTag | str | None:
    """Return what a policy keeps: the variant of a version, or the shape of a tag without one; None for nothing."""
    if is_described(policy, place):
        return None
    if policy.scheme in RANGED or place.own:
        return place.own or place.at
    words = parse_words(place.tag)
    if words.moves or (policy.argument and place.at is None):
        return words.shape
    return place.at


def _is_plain(parsed: VersionTag) -> bool:
    return not (parsed.variant.prefix or parsed.variant.suffix or parsed.is_doubtful)


def _preference(tag: str, parsed: VersionTag | None, place: Place, ledger: Policy) -> tuple[object, ...]:
    """Return what decides between tags that a policy ranks alike.

    The higher version, the current tag, one with as many numbers, the more exact one, an immutable one, one written
    like the current one.
    """
    is_as_exact = bool(parsed and place.own and parsed.exactness == place.own.exactness)
    precedence, exactness = (parsed.precedence, parsed.exactness) if parsed else ((), ())
    looks_alike = _spelling(tag) == _spelling(place.tag)
    return precedence, tag == place.tag, is_as_exact, exactness, not ledger.is_mutable(tag), looks_alike, tag


def _spelling(tag: str) -> str:
    return tag[:1] if tag[:1] in "vV" else ""


def _rank(
    policy: VersionPolicy,
    tag: str,
    parsed: VersionTag | None,
    release: Release,
    place: Place,
    ledger: Policy,
    *,
    prereleases: bool,
) -> Any:
    """Return the sort key of a tag under a policy, or None if it does not match it."""
    match policy.scheme:
        case "tag":
            return () if tag == policy.argument else None
        case "semver" | "prerelease" if parsed and policy.range:
            is_early = prereleases or policy.scheme == "prerelease" or _is_stage_of(parsed, place)
            is_meant = policy.range.admits(parsed, prereleases=is_early) and not _floats(parsed, place, ledger)
            return parsed.precedence if is_meant else None
        case "newest":
            glob = policy.argument
            is_meant = fnmatchcase(tag, glob) if glob else not ledger.is_mutable(tag)
            is_late = prereleases or parsed is None or not _is_early(policy, parsed, place)
            return release.published_at if is_meant and is_late else None
        case "regex" if policy.pattern and (matched := policy.pattern.fullmatch(tag)):
            ((group, text),) = matched.groupdict().items()
            return _ordered_by(group, text or "")
    return None


def _is_early(policy: VersionPolicy, parsed: VersionTag, place: Place) -> bool:
    """Return whether a tag is a pre-release or a build that neither the reference nor a glob asks for.

    A glob asks for pre-releases if it does not match the release: `*-rc.*`.
    """
    is_described_build = parsed.is_build and is_described(policy, place)
    is_asked = bool(policy.argument) and not fnmatchcase(parsed.stageless, policy.argument)
    return bool(parsed.stage) and not (is_described_build or is_asked or _is_stage_of(parsed, place))


def _is_stage_of(parsed: VersionTag, place: Place) -> bool:
    """Return whether a reference is at such a stage already: at a prerelease of this release, or at such a build."""
    at = place.at or place.own
    return at is not None and parsed.is_stage_like(at)


def _floats(parsed: VersionTag, place: Place, ledger: Policy) -> bool:
    """Return whether a tag may move although the reference's own may not, or says less than that one does."""
    if not ledger.is_mutable(str(parsed)):
        return False
    if place.own is None:
        return parsed.is_floating
    return not ledger.is_mutable(place.tag) or parsed.exactness < place.own.exactness


def _ordered_by(group: str, text: str) -> Any:
    if group == "version":
        parsed = parse_version_tag(text)
        return parsed.precedence if parsed else None
    if group == "number":
        return [int(digits) for digits in re.findall(r"[0-9]+", text)] or None
    return text

"""Which version of an image a reference should move to: a policy's text, and the choice that it makes.

========================  =====================================================================
`semver:^1.5`             the highest version in a range, without pre-releases
`prerelease:^1.5`         the same, with pre-releases
`newest`, `newest:GLOB`   what was published last: of the immutable tags, or those that GLOB matches
`tag:stable`              that tag
`regex:v(?P<NAME>…)`      the highest of the tags that match as a whole, by the one named group: `version`
                          as a version, `number` as numbers, any other name as text
`ignore`                  none: the reference stays
========================  =====================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.version import Version, parse_version
from ledger_tool.core.manifests.catalogue import Release
from ledger_tool.core.manifests.versionrange import Range, parse_range
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import InvalidValue

_SCHEMES = ("semver", "prerelease", "newest", "tag", "regex", "ignore")
_LONGEST = 256
_MOST_REPEATS = 3
_MOST_CHOICES = 4  # `?` and `|`: each may double the ways to match a text
_HINT = "write `semver:^1.5`, `prerelease:^1.5`, `newest`, `newest:main-*`, `tag:stable`, `regex:…` or `ignore`"


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


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A policy for the images that a glob matches."""

    images: str
    policy: VersionPolicy


def parse_rule(text: str) -> PolicyRule:
    """Return the rule of `[GLOB=]POLICY`, or raise InvalidValue."""
    scheme = re.match(r"[a-z]*", text)
    if scheme and scheme[0] in _SCHEMES and text[scheme.end() : scheme.end() + 1] in ("", ":"):
        return PolicyRule("*", parse_policy(text))
    images, equals, policy = text.partition("=")
    if not equals or not images:
        raise InvalidValue("policy", f"policy `{shown(text)}` is malformed", _HINT)
    return PolicyRule(images, parse_policy(policy))


def policy_for(rules: Sequence[PolicyRule], image: str) -> VersionPolicy | None:
    """Return the policy of an image: that of the first matching glob, with `*` last."""
    ordered = [rule for rule in rules if rule.images != "*"] + [rule for rule in rules if rule.images == "*"]
    return next((rule.policy for rule in ordered if fnmatchcase(image, rule.images)), None)


def parse_policy(text: str) -> VersionPolicy:
    """Return the policy that a text means, or raise InvalidValue."""
    scheme, colon, argument = text.partition(":")
    if len(text) > _LONGEST:
        raise InvalidValue("policy", f"policy is longer than {_LONGEST} characters", "shorten it")
    match scheme:
        case "semver" | "prerelease" if colon:
            return VersionPolicy(text, scheme, range=parse_range(argument))
        case "newest" if argument or not colon:
            return VersionPolicy(text, scheme, argument=argument)
        case "tag" if argument:
            return VersionPolicy(text, scheme, argument=names.parse_tag(argument))
        case "regex" if argument:
            return VersionPolicy(text, scheme, pattern=_pattern(argument))
        case "ignore" if not colon:
            return VersionPolicy(text, scheme)
    raise InvalidValue("policy", f"policy `{shown(text)}` is malformed", _HINT)


def _pattern(text: str) -> re.Pattern[str]:
    """Return a regular expression that no tag can keep busy: few repeats and choices, and no repeat of a group."""
    try:
        pattern = re.compile(text, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidValue("policy", f"`{shown(text)}` is not a regular expression: {error}", _HINT) from None
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


def choose(
    policy: VersionPolicy, releases: Mapping[str, Release], current: str, ledger: Policy, *, prereleases: bool = False
) -> Release | None:
    """Return the release that a policy chooses, or None where none matches it.

    Of equal ones the higher version comes first, then the `current` tag, the more exact version, an immutable tag, and
    one that is written like the current one.
    """
    if policy.scheme == "tag":
        return releases.get(policy.argument)
    ranked: dict[str, Any] = {}
    for tag, release in releases.items():
        parsed = parse_version(tag)
        rank = _rank(policy, tag, parsed, release, ledger, prereleases=prereleases)
        if rank is not None:
            exactness = (parsed.precedence, tag == current, parsed.parts) if parsed else ((), tag == current, 0)
            looks_alike = tag.startswith("v") == current.startswith("v")
            ranked[tag] = (rank, *exactness, not ledger.is_mutable(tag), looks_alike, tag)
    return releases[max(ranked, key=ranked.__getitem__)] if ranked else None


def _rank(
    policy: VersionPolicy, tag: str, parsed: Version | None, release: Release, ledger: Policy, *, prereleases: bool
) -> Any:
    """Return the sort key of a tag under a policy, or None if it does not match it."""
    match policy.scheme:
        case "semver" | "prerelease" if parsed and policy.range:
            with_prereleases = prereleases or policy.scheme == "prerelease"
            return parsed.precedence if policy.range.admits(parsed, prereleases=with_prereleases) else None
        case "newest":
            glob = policy.argument
            is_meant = fnmatchcase(tag, glob) if glob else not ledger.is_mutable(tag)
            return release.published_at if is_meant else None
        case "regex" if policy.pattern and (matched := policy.pattern.fullmatch(tag)):
            ((group, text),) = matched.groupdict().items()
            return _ordered_by(group, text or "")
    return None


def _ordered_by(group: str, text: str) -> Any:
    if group == "version":
        parsed = parse_version(text)
        return parsed.precedence if parsed else None
    if group == "number":
        return [int(digits) for digits in re.findall(r"[0-9]+", text)] or None
    return text

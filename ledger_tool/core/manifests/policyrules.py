"""The policies that a person gives for images: `[GLOB=]POLICY`, and which of them an image has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests.policy import HINT, SCHEMES, VersionPolicy, parse_policy
from ledger_tool.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A policy for the images that a glob matches."""

    images: str
    policy: VersionPolicy


def parse_rule(text: str) -> PolicyRule:
    """Return the rule of `[GLOB=]POLICY`, or raise InvalidValue."""
    scheme = re.match(r"[a-z]*", text)
    if scheme and scheme[0] in SCHEMES and text[scheme.end() : scheme.end() + 1] in ("", ":"):
        return PolicyRule("*", parse_policy(text))
    images, equals, policy = text.partition("=")
    if not equals or not images:
        raise InvalidValue("policy", f"policy `{shown(text)}` is malformed", HINT)
    return PolicyRule(images, parse_policy(policy))


def parse_rules(texts: Sequence[str]) -> list[PolicyRule]:
    """Return the rules of `[GLOB=]POLICY` texts, or raise InvalidValue; only one may be for all images."""
    rules = [parse_rule(text) for text in texts]
    general = [str(rule.policy) for rule in rules if rule.images == "*"]
    if len(general) > 1:
        named = " and ".join(f"`{shown(one)}`" for one in general[:2])
        hint = "keep one of them, or say which images the other is for: `--policy 'myorg/*=newest'`"
        raise InvalidValue("policy", f"{named} are both for all images", hint)
    return rules


def idle_globs(rules: Sequence[PolicyRule], names: Callable[[], Iterable[tuple[str, str]]]) -> list[str]:
    """Return the globs that match none of the ledger's images, which `names` returns with their tags."""
    globs = [rule.images for rule in rules if rule.images != "*"]
    images = {image for image, _ in names()} if globs else set()
    return [glob for glob in globs if not any(fnmatchcase(image, glob) for image in images)]


def policy_for(rules: Sequence[PolicyRule], image: str) -> VersionPolicy | None:
    """Return the policy of an image: that of the first matching glob, with `*` last."""
    ordered = [rule for rule in rules if rule.images != "*"] + [rule for rule in rules if rule.images == "*"]
    return next((rule.policy for rule in ordered if fnmatchcase(image, rule.images)), None)

"""The effect of a version policy on a reference: it stays, or it moves to a newer version, tag and digest together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger_tool.core.ledger.version import parse_version
from ledger_tool.core.manifests.catalogue import Catalogue, Release
from ledger_tool.core.manifests.find import Site
from ledger_tool.core.manifests.pin import IGNORE, Judgement, is_left_alone, name, pin_to, unfitness
from ledger_tool.core.manifests.policy import PolicyRule, VersionPolicy, choose, parse_policy, policy_for
from ledger_tool.core.manifests.splice import WantedVersion
from ledger_tool.errors import InvalidValue


@dataclass(frozen=True, slots=True, kw_only=True)
class BumpRules:
    """The policies by image glob, whether pre-releases count, and which exceptions are allowed."""

    rules: Sequence[PolicyRule] = ()
    prereleases: bool = False
    allowed: frozenset[str] = frozenset()


def judge_bump(site: Site, catalogue: Catalogue, rules: BumpRules) -> Judgement | None:
    """Return the outcome of moving a site by its policy, or None if it has none. Raises InvalidValue for a bad mark."""
    if is_left_alone(site):
        return None
    if len(site.marks) > 1:
        raise InvalidValue("policy", f"the reference has several marks: {', '.join(site.marks)}", "keep one of them")
    marked = parse_policy(site.marks[0]) if site.marks else None
    named = name(site, catalogue)
    if isinstance(named, Judgement):
        return (
            named if marked and marked.scheme != IGNORE else None
        )  # a general policy applies only to images of the ledger
    policy = marked or policy_for(rules.rules, named[0])
    return None if policy is None or policy.scheme == IGNORE else _moved(site, *named, policy, catalogue, rules)


def _moved(
    site: Site, image: str, tag: str, policy: VersionPolicy, catalogue: Catalogue, rules: BumpRules
) -> Judgement:
    if not tag and site.digest:  # then its tag is one under which the ledger has its digest
        tag = next(iter(catalogue.tags_of(image, site.digest)), "")
    releases = catalogue.releases(image)
    current = releases.get(tag)
    usable = {tag: release for tag, release in releases.items() if _may_use(release, rules)}
    chosen = choose(policy, usable, tag, catalogue.snapshot.policy, prereleases=rules.prereleases)
    if chosen is None or (_is_older(chosen, tag, current) and "older" not in rules.allowed):
        if current and not _may_use(current, rules) and (unfit := unfitness(image, current)):
            return replace(unfit, message=f"{unfit.message}; {policy} allows nothing newer")
        note = f"no version of {image} matches {policy}" if chosen is None else ""
        return Judgement(image, note=note, old=current)
    if chosen.tag == tag and site.tag == tag:
        return pin_to(site, image, tag, catalogue, may_be_unfit=True)
    if chosen.digest is None:
        return Judgement(image, "behind", f"{image}:{chosen.tag} cannot be pinned: {chosen.why}", old=current)
    if not site.tag and site.digest in chosen.digests:
        return Judgement(image, old=chosen)
    message = f"{image} is at {tag or site.digest}, and {policy} chooses {chosen.tag} ({chosen.digest})"
    return Judgement(image, "behind", message, WantedVersion(chosen.tag, chosen.digest), old=current, new=chosen)


def _may_use(release: Release, rules: BumpRules) -> bool:
    unfit = {"yanked": release.yanked is not None, "expired": release.is_expired}
    return all(reason in rules.allowed for reason, applies in unfit.items() if applies)


def _is_older(chosen: Release, tag: str, current: Release | None) -> bool:
    """Return whether a move would go back: by version if both are versions, else by publication time."""
    if chosen.tag == tag or (current and chosen.digest == current.digest):
        return False
    new, old = parse_version(chosen.tag), parse_version(tag)
    if new and old:
        return new < old
    return current is not None and chosen.published_at < current.published_at

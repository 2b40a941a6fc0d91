"""What a version policy makes of one reference: it stays, or it moves to a newer version, tag and digest together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger_tool.core.ledger.version import parse_version
from ledger_tool.core.manifests import policy as versionpolicy
from ledger_tool.core.manifests.catalogue import Catalogue, Release
from ledger_tool.core.manifests.find import Site
from ledger_tool.core.manifests.pin import IGNORE, Judgement, Named, is_left_alone, name, pin_to, unfitness
from ledger_tool.core.manifests.policy import Rule, VersionPolicy
from ledger_tool.core.manifests.splice import Wanted
from ledger_tool.errors import InvalidValue

ALLOWABLE = ("yanked", "expired", "older")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The policies by glob of images, whether pre-releases count, and what is allowed that otherwise is not."""

    rules: Sequence[Rule] = ()
    prereleases: bool = False
    allowed: frozenset[str] = frozenset()


def judge_bump(site: Site, catalogue: Catalogue, rules: Rules) -> Judgement | None:
    """Return the outcome of moving a site by its policy, or None where it has none or is not to be looked at.

    Raises InvalidValue for a mark that is no policy.
    """
    if is_left_alone(site):
        return None
    marked = mark_of(site)
    named = name(site, catalogue)
    if isinstance(named, Judgement):
        return named if marked and marked.scheme != IGNORE else None  # a policy for all means what the ledger has
    policy = marked or versionpolicy.rule_for(rules.rules, named.image)
    if policy is None or policy.scheme == IGNORE:
        return None
    return _moved(site, named, policy, catalogue, rules)


def mark_of(site: Site) -> VersionPolicy | None:
    """Return the policy of a site's marker comment, or None. Raises InvalidValue for one that is none, or several."""
    if len(site.marks) > 1:
        raise InvalidValue("policy", f"the reference has several marks: {', '.join(site.marks)}", "keep one of them")
    return versionpolicy.parse(site.marks[0]) if site.marks else None


def _moved(site: Site, named: Named, policy: VersionPolicy, catalogue: Catalogue, rules: Rules) -> Judgement:
    image = named.image
    releases = catalogue.releases(image)
    current = _current(site, named, catalogue)
    usable = {tag: release for tag, release in releases.items() if _may_use(image, release, rules)}
    chosen = versionpolicy.choose(policy, usable, current, catalogue.snapshot.policy, prereleases=rules.prereleases)
    at = releases.get(current)
    if chosen is None or (_is_older(chosen, current, at) and "older" not in rules.allowed):
        if at and not _may_use(image, at, rules) and (unfit := unfitness(image, at)):
            return replace(unfit, message=f"{unfit.message}; {policy} allows nothing newer")
        which = f"no version of {image} answers to {policy}" if chosen is None else ""
        return Judgement(image, note=which, old=at)
    if chosen.tag == current and site.tag == current:
        return pin_to(site, named, current, catalogue, may_be_unfit=True)
    if chosen.digest is None:
        return Judgement(image, "behind", f"{image}:{chosen.tag} can't be pinned: {chosen.why}", old=at)
    if not site.tag and site.digest in chosen.digests:
        return Judgement(image, old=chosen)
    was = current or site.digest
    message = f"{image} is at {was}, and {policy} chooses {chosen.tag} ({chosen.digest})"
    return Judgement(image, "behind", message, Wanted(chosen.tag, chosen.digest), old=at, new=chosen)


def _current(site: Site, named: Named, catalogue: Catalogue) -> str:
    """Return the tag that a site is at: its own, or one that the ledger has its digest under, or `""`."""
    own = named.reference.effective_tag if site.whole else site.tag
    if own or not site.digest:
        return own
    return next(iter(catalogue.tags_of(named.image, site.digest)), "")


def _may_use(image: str, release: Release, rules: Rules) -> bool:
    unfit = unfitness(image, release)
    return unfit is None or (
        not (release.is_yanked and "yanked" not in rules.allowed)
        and not (release.is_expired and "expired" not in rules.allowed)
    )


def _is_older(chosen: Release, current: str, at: Release | None) -> bool:
    """Return whether a move would go back: by version where both are versions, else by the time of publishing."""
    if chosen.tag == current or (at and chosen.digest == at.digest):
        return False
    new, old = parse_version(chosen.tag), parse_version(current)
    if new and old:
        return new < old
    return at is not None and chosen.published_at < at.published_at

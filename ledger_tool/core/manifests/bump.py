"""The effect of a version policy on a reference: it stays, or it moves to a newer version, tag and digest together.

Or it moves to the version that an environment has, up or down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ledger_tool.core.ledger.version import most_exact, parse_version_tag
from ledger_tool.core.ledger.words import compare_words
from ledger_tool.core.manifests.catalogue import Catalogue, Release
from ledger_tool.core.manifests.marks import IGNORE
from ledger_tool.core.manifests.pin import (
    Judgement,
    is_left_alone,
    is_right,
    is_up_to_the_chart,
    left_to_the_chart,
    marked_policy,
    name,
    owned,
    pin_to,
    unfitness,
    unsettled,
)
from ledger_tool.core.manifests.policy import (
    RANGED,
    Place,
    VersionPolicy,
    choose,
    does_not_tell,
    elsewhere,
    is_described,
)
from ledger_tool.core.manifests.policyrules import PolicyRule, policy_for
from ledger_tool.core.manifests.remark import Remark
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.splice import WantedVersion

_DEFAULT = "latest"  # the tag of a reference without one


@dataclass(frozen=True, slots=True, kw_only=True)
class BumpRules:
    """The policies by image glob, or the environment; whether pre-releases count, and which exceptions are allowed."""

    environment: str = ""
    rules: Sequence[PolicyRule] = ()
    prereleases: bool = False
    allowed: frozenset[str] = frozenset()


def judge_bump(site: Site, catalogue: Catalogue, rules: BumpRules) -> Judgement | None:
    """Return the outcome of moving a site by its policy, or None if it has none. Raises InvalidValue for a bad mark."""
    if is_left_alone(site):
        return None
    marked = marked_policy(site)
    named = name(site, catalogue)
    if isinstance(named, Judgement):  # a general policy applies only to images of the ledger
        is_asked = marked and marked.scheme != IGNORE
        return named if is_asked or not named.is_reference else replace(named, is_left=True)
    policy = marked or policy_for(rules.rules, named[0])
    if policy is None and not rules.environment:
        return None
    if policy and policy.scheme == IGNORE:
        return None
    if site.owner:
        return owned(site)
    if site.unsettled:
        return unsettled(site, named[0])
    if is_up_to_the_chart(site) and not marked:  # a mark says that this very reference is to move
        return left_to_the_chart(named[0])
    if rules.environment:
        return _as_in_environment(site, *named, marked, catalogue, rules)
    return _moved(site, *named, policy, catalogue, rules) if policy else None


def _as_in_environment(
    site: Site, image: str, tag: str, marked: VersionPolicy | None, catalogue: Catalogue, rules: BumpRules
) -> Judgement:
    """Return the outcome of giving a site what the environment has. A mark that asks for something else is told."""
    environment, versions = rules.environment, catalogue.versions(image)
    has = catalogue.releases(image).get(environment)
    if has is None or not has.version:
        return Judgement(image, note=Remark("not-in-environment", f"{environment} has no {image}, so it stays"))
    version = versions.get(has.version)
    if version is None:
        message = f"{environment} has {has.version} of {image}, which the ledger no longer has: promote another version"
        return Judgement(image, "stale", message, old=has)
    release = version if version.digest == has.digest else has  # a tag that moves may be another one now
    if not _may_use(release, rules) and (unfit := unfitness(image, release)):
        return replace(unfit, message=f"{unfit.message}; {environment} has it")
    if has.digest is None:
        return Judgement(image, "behind", f"{image}:{has.version} cannot be pinned: {has.why}", old=release)
    is_so = all(is_right(digest, has, catalogue) for digest in (site.digest, site.second or site.digest))
    if is_so and (site.read_as or site.tag) in ("", has.version):
        return Judgement(image, old=release)
    was = (
        tag if tag in versions else next((one for one in catalogue.tags_of(image, site.digest) if one in versions), "")
    )
    at = ", ".join(filter(None, (tag, site.digest))) or "no version"
    message = f"{image} is at {at}, and {environment} has {has.version} ({has.digest})"
    if marked:
        message += f", but its mark asks for {marked}: remove the mark, or leave the file out with `--exclude`"
        return Judgement(image, "behind", message, old=versions.get(was))
    return Judgement(
        image, "behind", message, WantedVersion(has.version, has.digest), old=versions.get(was), new=release
    )


def _moved(
    site: Site, image: str, tag: str, policy: VersionPolicy, catalogue: Catalogue, rules: BumpRules
) -> Judgement:
    if not tag and site.digest:  # then its tag is one under which the ledger has its digest
        tag = next((one for one in catalogue.tags_of(image, site.digest) if one in catalogue.versions(image)), "")
    current = catalogue.releases(image).get(tag)
    if current and current.is_environment and policy.scheme != "tag":  # only a promotion moves it
        return pin_to(site, image, tag, catalogue, may_be_unfit=_may_use(current, rules))
    releases = _candidates(policy, image, catalogue)
    place = _place(tag, site.digest, releases)
    usable = {tag: release for tag, release in releases.items() if _may_use(release, rules)}
    settings = catalogue.snapshot.policy
    chosen, is_older = _chosen(policy, usable, place, image, catalogue, rules)
    is_named = bool(site.digest or current or tag not in ("", _DEFAULT))
    is_lost = is_named and does_not_tell(policy, place)
    if chosen and not is_older and not (is_lost and place.at is None) and not chosen.tag == site.tag == tag:
        if _is_doubtful(chosen, policy, place, releases):
            return Judgement(image, "behind", _doubt(image, tag, policy, chosen), old=current)
        return _moved_to(chosen, site, image, tag, policy, current)
    other = elsewhere(policy, usable, place, settings, prereleases=rules.prereleases)
    note = None
    if other:
        message = f"{image} stays at {tag}: {policy} has nothing newer of its variant; {other} is newer"
        note = Remark("other-variant", message)
    if chosen and chosen.tag == site.tag == tag:
        return replace(pin_to(site, image, tag, catalogue, may_be_unfit=True), note=note)
    if current and not _may_use(current, rules) and (unfit := unfitness(image, current)):
        return replace(unfit, message=f"{unfit.message}; {policy} allows nothing newer", note=note)
    if is_lost and (chosen or tag == _DEFAULT or settings.is_mutable(tag) or policy.scheme not in RANGED):
        return Judgement(
            image, "behind", _lost(image, tag or site.digest, policy, place, chosen), note=note, old=current
        )
    if not chosen:
        refused, _ = _chosen(policy, releases, place, image, catalogue, rules)
        note = note or Remark("no-version", _nothing(image, policy, refused))
    elif is_older and chosen.tag != tag and (current or is_described(policy, place)):
        why = f"{image} stays at {tag or site.digest}: {policy} chooses {chosen.tag}, which is older"
        note = note or Remark("no-version", f"{why} (`--allow older` permits it)")
    return _staying(site, image, tag, catalogue, current, note)


def _staying(
    site: Site, image: str, tag: str, catalogue: Catalogue, current: Release | None, note: Remark | None
) -> Judgement:
    """Return the outcome for a reference that stays: what it names has to be in the ledger, and its digest right.

    One without a digest keeps to its tag: only `pin` adds one where nothing moves.
    """
    judgement = pin_to(site, image, tag, catalogue, may_be_unfit=True)
    if judgement.kind in ("unknown", "stale"):
        return replace(judgement, note=note)
    return Judgement(image, note=note, old=current)


def _chosen(
    policy: VersionPolicy,
    usable: Mapping[str, Release],
    place: Place,
    image: str,
    catalogue: Catalogue,
    rules: BumpRules,
) -> tuple[Release | None, bool]:
    """Return the choice for a reference, and whether it would go back; one that does not comes first."""
    settings, releases = catalogue.snapshot.policy, _candidates(policy, image, catalogue)

    def choice(among: Mapping[str, Release]) -> Release | None:
        return choose(policy, among, place, settings, prereleases=rules.prereleases)

    def is_older(release: Release) -> bool:
        return _is_older(release, place, releases)

    first = choice(usable)
    if first is None or "older" in rules.allowed or not is_older(first):
        return first, False
    if is_described(policy, place):
        return first, True
    is_version = bool(place.own or place.at)
    newer = {
        tag: release
        for tag, release in usable.items()
        if (is_version and parse_version_tag(tag) is None) or not is_older(release)
    }
    chosen = choice(newer)
    return chosen or first, chosen is None


def _candidates(policy: VersionPolicy, image: str, catalogue: Catalogue) -> Mapping[str, Release]:
    """Return what a policy may choose from: versions, and what an environment has if the policy names it."""
    versions, releases = catalogue.versions(image), catalogue.releases(image)
    is_named = policy.scheme == "tag" and policy.argument in releases
    return versions | {policy.argument: releases[policy.argument]} if is_named else versions


def _moved_to(
    chosen: Release, site: Site, image: str, tag: str, policy: VersionPolicy, current: Release | None
) -> Judgement:
    if chosen.digest is None:
        return Judgement(image, "behind", f"{image}:{chosen.tag} cannot be pinned: {chosen.why}", old=current)
    if not site.tag and site.digest in chosen.digests:
        return Judgement(image, old=chosen)
    message = f"{image} is at {tag or site.digest}, and {policy} chooses {chosen.tag} ({chosen.digest})"
    return Judgement(image, "behind", message, WantedVersion(chosen.tag, chosen.digest), old=current, new=chosen)


def _place(tag: str, digest: str, releases: Mapping[str, Release]) -> Place:
    """Return where a reference is: what a tag names only for now is the version that has its digest, if one has."""
    own = parse_version_tag(tag)
    if own and not own.is_floating:
        return Place(tag, own, own)
    pulled = digest or (releases[tag].digest if tag in releases else None)
    same = [name for name, release in releases.items() if pulled and release.digest == pulled]
    same = same or [name for name, release in releases.items() if pulled in release.digests]
    return Place(tag, own, most_exact(filter(None, map(parse_version_tag, same)), tag) or own)


def _is_doubtful(chosen: Release, policy: VersionPolicy, place: Place, releases: Mapping[str, Release]) -> bool:
    """Return whether nobody can tell a choice such as `1.6.0-dev` from a pre-release.

    One that was published after its release is none.
    """
    parsed = parse_version_tag(chosen.tag)
    if parsed is None or not parsed.is_doubtful or chosen.tag == place.tag or is_described(policy, place):
        return False
    release = releases.get(parsed.stageless)
    return release is None or release.published_at >= chosen.published_at


def _doubt(image: str, tag: str, policy: VersionPolicy, chosen: Release) -> str:
    return (
        f"{image} is at {tag}, and {policy} finds {chosen.tag}, of which nobody can tell whether it is a pre-release "
        "or a variant: write the tag that is meant, or choose the variant by `regex:`"
    )


def _nothing(image: str, policy: VersionPolicy, refused: Release | None) -> str:
    """Return why a policy chooses nothing: what it would choose may not be used, or there is nothing."""
    found = unfitness(image, refused) if refused else None
    return f"{found.message}; {policy} allows nothing else" if found else f"no version of {image} matches {policy}"


def _lost(image: str, what: str, policy: VersionPolicy, place: Place, chosen: Release | None) -> str:
    """Return why a policy cannot move a reference that is not at a version, and what to do."""
    if chosen is None:
        why = f"no version of it matches {policy}"
    elif place.at:
        why = f"which is {place.at} for now, and {policy} chooses {chosen.tag}, which is older"
    else:
        why = f"which has the digest of no version, so {policy} cannot tell what is newer"
    follow = f", or follow the tag with `tag:{what}`" if policy.scheme == "newest" and ":" not in what else ""
    return f"{image} is at {what}, {why}: write the version that is meant{follow}"


def _may_use(release: Release, rules: BumpRules) -> bool:
    unfit = {"yanked": release.yanked is not None, "expired": release.is_expired}
    return all(reason in rules.allowed for reason, applies in unfit.items() if applies)


def _is_older(chosen: Release, place: Place, releases: Mapping[str, Release]) -> bool:
    """Return whether a move would go back: by version, or where that does not tell, by publication time.

    Of pre-releases of one version, both have to tell that it does not.
    """
    if chosen.tag == place.tag:
        return False
    current = releases.get(place.tag)
    if place.own is None and (order := compare_words(chosen.tag, place.tag)) is not None:
        return order < 0 or (order == 0 and _is_earlier(chosen, current))
    new = _place(chosen.tag, "", releases).at
    order = new.compare(place.at) if new and place.at else None
    if new and place.at and order is not None and not new.covers(place.at):
        is_stage = new.is_stage_of_one(place.at)
        return order < 0 or (is_stage and _is_earlier(chosen, releases.get(str(place.at), current)))
    # of two commits, or a date and a number, nobody can tell; a reference without a version has none
    return bool(new and place.at) if current is None else _is_earlier(chosen, current)


def _is_earlier(chosen: Release, current: Release | None) -> bool:
    if current is None or chosen.digest == current.digest:
        return False
    return chosen.published_at < current.published_at

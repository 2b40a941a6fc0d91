"""The ledger's verdict on one reference: correctly pinned, what it should be, or what is wrong.

| the manifest names                               | the ledger has                    | outcome            |
|--------------------------------------------------|-----------------------------------|--------------------|
| a tag alone                                      | it                                | unpinned: edited   |
| a tag and one of its digests                     | it                                | as it should be    |
| a tag and another digest                         | it, and that digest nowhere       | stale: edited      |
| a tag and the digest of another tag              | both                              | stale: reported    |
| a digest alone                                   | it, under some tag                | as it should be    |
| an empty tag                                     | the image                         | left: the chart's  |
| what is yanked under any tag, or past its TTL    | it                                | reported           |
| anything else                                    | nothing                           | unknown: reported  |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.secrets import redacted
from ledger_tool.core.manifests.catalogue import Catalogue, Release
from ledger_tool.core.manifests.marks import IGNORE, policies_in
from ledger_tool.core.manifests.policy import VersionPolicy, parse_policy
from ledger_tool.core.manifests.remark import Remark
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.splice import WantedVersion
from ledger_tool.core.manifests.versionrange import is_range
from ledger_tool.core.manifests.yamltree import plain_type
from ledger_tool.core.policy.reference import (
    Reference,
    are_words,
    has_placeholder,
    is_no_reference,
    is_unlikely,
    is_word,
    parse_in_manifest,
    written,
)
from ledger_tool.core.policy.resolve import HUB
from ledger_tool.errors import InvalidValue

FindingKind = Literal["yanked", "stale", "expired", "unpinned", "behind", "unknown"]
GRAVEST: tuple[FindingKind, ...] = ("yanked", "stale", "expired", "unpinned", "behind", "unknown")  # first
_UNLIKELY = "looks like a file, a path or a machine's image, and the ledger does not have it"
_OF_CODE = "is beside words about code, and the ledger does not have it"
_ANYTHING = "may be anything: nothing around it shows an image, and the ledger does not have it"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome for one site. `kind` is `""` if nothing is wrong; with `wanted`, an edit would fix it.

    `image` is the ledger's name of it, or the manifest's if the ledger has none. `note` is for people.
    `old` and `new` are the releases on both sides of an edit, if the ledger has them. `is_elsewhere` says that no
    registry of ledger.yaml serves the image. `is_left` says that something else decides or that nobody asked, so that
    it is only counted. Without `is_reference`, the site names no image after all; `note` says so.
    """

    image: str
    kind: FindingKind | Literal[""] = ""
    message: str = ""
    wanted: WantedVersion | None = None
    note: Remark | None = None
    old: Release | None = None
    new: Release | None = None
    is_elsewhere: bool = False
    is_left: bool = False
    is_reference: bool = True


def judge_pin(site: Site, catalogue: Catalogue) -> Judgement | None:
    """Return the outcome of pinning a site to its own tag, or None for one to be ignored.

    Raises InvalidValue for a bad mark: what it asks for may be to leave the site alone.
    """
    if is_left_alone(site):
        return None
    if site.owner:
        return owned(site)
    if site.read_as:  # a digest belongs to the tag that is really pulled
        site = replace(site, tag=site.read_as, text=written(site.name, site.read_as, site.digest))
    named = name(site, catalogue)
    if isinstance(named, Judgement):
        return named
    if site.unsettled:
        return unsettled(site, named[0])
    judgement = pin_to(site, *named, catalogue)
    if site.misprint and not judgement.kind and not judgement.is_left:
        message = f"{judgement.image} has the digest of its tag, but {site.misprint}"
        return replace(judgement, kind="unpinned", message=message, note=None)
    return _doubted(site, judgement) if site.doubt and judgement.kind in ("", "stale") else judgement


def _doubted(site: Site, judgement: Judgement) -> Judgement:
    """Return the finding for a digest that may not count: it would be no pin, and only its owner can tell."""
    message = (
        f"{judgement.image} has its digest in a field, and nobody can tell whether the chart reads it: {site.doubt}; "
        "write `# ledger: style:digest` behind it if the chart does, `# ledger: style:tag` if not"
    )
    return replace(judgement, kind=judgement.kind or "unpinned", message=message, wanted=None, note=None)


def is_left_alone(site: Site) -> bool:
    """Return whether a site is to be ignored, or part of a chart's template, where the chart's values decide.

    Raises InvalidValue for a bad mark.
    """
    marked = marked_policy(site)
    return (marked is not None and marked.scheme == IGNORE) or (site.in_chart and has_placeholder(site.text))


def marked_policy(site: Site) -> VersionPolicy | None:
    """Return the policy that a site's mark names, or None without a mark. Raises InvalidValue for a bad mark."""
    policies = policies_in(site.marks)
    if len(policies) > 1:
        raise InvalidValue("policy", f"the reference has several marks: {', '.join(policies)}", "keep one of them")
    return parse_policy(policies[0]) if policies else None


def owned(site: Site) -> Judgement:
    """Return the outcome for a site that another tool sets: that tool would move the tag and leave our digest."""
    message = f"{shown(site.text)} is set by {site.owner}: left as it is"
    return Judgement(shown(site.name), note=Remark("other-tool", message), is_left=True)


def unsettled(site: Site, image: str) -> Judgement:
    """Return the finding for a site of whose version nobody knows which one runs."""
    return Judgement(image, "unpinned", f"{image} stays as it is: {site.unsettled}")


def is_up_to_the_chart(site: Site) -> bool:
    """Return whether a site has fields for its version and leaves them empty: then its chart has a default."""
    return not (site.whole or site.tag or site.digest or site.unread)


def left_to_the_chart(image: str) -> Judgement:
    """Return the outcome for a site whose version is a chart's default."""
    remark = Remark("chart-default", f"{image} has no tag here: its chart chooses the version")
    return Judgement(image, note=remark, is_left=True)


def name(site: Site, catalogue: Catalogue) -> tuple[str, str] | Judgement:
    """Return the ledger's image and the tag (by Docker's default, or `""`) that a site names; or why there is none."""
    if not site.name and not site.whole:
        return _nameless(site)
    if has_placeholder(site.text):
        if site.is_certain or catalogue.ours.may_be_meant(site.text):
            return _unwritten(site, "placeholder")
        if "{{" in site.text and "${{" not in site.text:
            return Judgement(shown(site.text), is_left=True)
    if ranged := _ranged(site, catalogue):
        return ranged
    if not site.is_certain and _is_no_reference(site):
        return _no_reference(site, catalogue)
    try:
        reference = parse_in_manifest(site.text)
    except InvalidValue as error:
        return _unparsed(site, catalogue, error)
    named = catalogue.snapshot.resolver.resolve_in_manifest(reference)
    is_known = named.ours and catalogue.releases(named.name)
    is_ours = is_known or (named.ours and reference.registry)
    if not is_ours and not site.is_certain and (why := _why_unlikely(site, reference)):
        return _something_else(site, why)
    if not named.ours and catalogue.snapshot.policy.registries:
        where = f"ledger.yaml names no registry `{shown(reference.registry or HUB)}` that serves it"
        message = f"the ledger does not have {reference.name}: {where}"
        return Judgement(reference.name, "unknown", message, is_elsewhere=True)
    if not is_known:
        image = named.name if named.ours else reference.name
        return Judgement(image, "unknown", f"the ledger has no record of {image}")
    return named.name, (reference.effective_tag if site.whole else site.tag)


def _no_reference(site: Site, catalogue: Catalogue) -> Judgement:
    if not catalogue.ours.is_mistyped(site.text):
        return _something_else(site, "is not an image reference")
    if site.is_stray and _are_words(site) and not catalogue.ours.has_name(site.name):
        return _something_else(site, _ANYTHING)
    text = redacted(shown(site.text))
    return Judgement(text, "unknown", f"`{text}` is not an image reference, but contains one: correct it")


def _nameless(site: Site) -> Judgement:
    message = f"nobody can tell of which image {shown(site.tag)} is the tag: no values that are here name it"
    return Judgement(shown(site.tag), note=Remark("tag-alone", message), is_left=True)


def _is_no_reference(site: Site) -> bool:
    """Return whether a site has something else than a reference; of fields, `Ablage` and `Marke` are words."""
    return is_no_reference(site.text) or (not site.whole and site.tag.isalpha() and is_no_reference(site.name))


def _are_words(site: Site) -> bool:
    return not site.whole and are_words(site.name, site.tag)


def _why_unlikely(site: Site, reference: Reference) -> str:
    """Return why what the ledger does not know is more likely to be something else than an image, or `""`."""
    if plain_type(site.text):
        return "is a number, a date or a boolean, and the ledger does not have it"
    if is_unlikely(reference, has_fields=not site.whole):
        return _UNLIKELY
    if site.is_stray and (is_word(site.text) or _are_words(site)):
        return _ANYTHING
    return _OF_CODE if site.is_stray and not site.whole else ""


def _unparsed(site: Site, catalogue: Catalogue, error: InvalidValue) -> Judgement:
    if site.is_stray and is_word(site.text) and not catalogue.ours.may_be_meant(site.text):
        return _something_else(site, _ANYTHING)
    return _unwritten(site, "variable") if "$" in site.text else Judgement(shown(site.text), "unknown", error.message)


def _ranged(site: Site, catalogue: Catalogue) -> Judgement | None:
    """Return the finding for an image of ours with a range for its tag, which its reader resolves, if it has one."""
    if site.digest or not is_range(site.tag) or not catalogue.ours.has_name(site.name):
        return None
    image = catalogue.snapshot.resolver.resolve_in_manifest(parse_in_manifest(site.name)).name
    if site.tag in catalogue.releases(image):
        return None
    message = (
        f"`{shown(site.tag)}` is a range for the tag of {image}: write the tag, since nobody can see here what runs"
    )
    return Judgement(image, "unpinned", message)


def _unwritten(site: Site, what: str) -> Judgement:
    message = f"`{shown(site.text)}` contains a {what}; only an image that is written in full can be pinned"
    return Judgement(shown(site.text), "unpinned", message)


def _something_else(site: Site, what: str) -> Judgement:
    remark = Remark("not-a-reference", f"`{redacted(shown(site.text))}` {what}")
    return Judgement(shown(site.text), note=remark, is_reference=False)


def pin_to(site: Site, image: str, tag: str, catalogue: Catalogue, *, may_be_unfit: bool = False) -> Judgement:
    """Return the outcome of making a site name its own tag by digest; `may_be_unfit` allows a yanked or expired one."""
    digest = site.digest
    if is_up_to_the_chart(site):
        return left_to_the_chart(image)
    if not tag and site.unread:
        message = f"{image} has no tag, and its digest does not count: {site.unread}"
        return Judgement(image, "unpinned", message)
    if not tag:
        return _by_digest_alone(image, digest, catalogue)
    release = catalogue.releases(image).get(tag)
    for found in filter(None, (digest, site.second)):
        elsewhere = catalogue.tags_of(image, found)
        if elsewhere and tag not in elsewhere and not (release and release.is_environment):  # it has another one now
            message = f"{image}:{tag} has the digest of {image}:{elsewhere[0]}: decide which of the two is meant"
            return Judgement(image, "stale", message)
    if release is None:
        return Judgement(image, "unknown", f"the ledger has no record of {image}:{tag}")
    if not may_be_unfit and (unfit := unfitness(image, release)):
        return unfit
    if all(is_right(found, release, catalogue) for found in (digest, site.second or digest)):
        return Judgement(image, old=release)
    if release.digest is None:
        return Judgement(image, "unpinned", f"{image}:{tag} cannot be pinned: {release.why}")
    has = digest or "no digest"
    if site.second not in ("", digest):
        has = f"two digests, {digest} and {site.second}"
    elif site.unread:
        has = f"no digest that counts ({site.unread})"
    message = f"{image}:{tag} has {has}, and is {release.digest} in the ledger"
    wanted = WantedVersion(tag, release.digest)
    return Judgement(image, "stale" if digest else "unpinned", message, wanted, old=release, new=release)


def is_right(digest: str, release: Release, catalogue: Catalogue) -> bool:
    """Return whether a release is pulled by a digest: that of its index, or of an image in it."""
    return digest in release.digests and (catalogue.platform is None or digest == release.digest)


def unfitness(image: str, release: Release) -> Judgement | None:
    """Return the finding for a release that is not to be used, or None for one that may be."""
    if release.yanked is not None:
        is_own = release.yanked_as == release.tag
        what = "is yanked" if is_own else f"has the digest of {image}:{release.yanked_as}, which is yanked"
        return Judgement(image, "yanked", f"{image}:{release.tag} {what}: {release.yanked}", old=release)
    if release.is_expired:
        return Judgement(image, "expired", f"{image}:{release.tag} is past its TTL", old=release)
    return None


def _by_digest_alone(image: str, digest: str, catalogue: Catalogue) -> Judgement:
    judgements = []
    for tag in catalogue.tags_of(image, digest):
        release = catalogue.releases(image)[tag]
        unfit = unfitness(image, release)
        if unfit is None:
            remark = Remark("digest-alone", f"{image}@{digest} is {image}:{tag} in the ledger")
            return Judgement(image, note=remark, old=release)
        judgements.append(unfit)
    return judgements[0] if judgements else Judgement(image, "unknown", f"the ledger has no record of {image}@{digest}")

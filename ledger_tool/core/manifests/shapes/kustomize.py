"""Images that Kustomize puts in the place of others, whose tag and digest they have where they do not say their own.

| shape                                       | in                                                                |
|---------------------------------------------|-------------------------------------------------------------------|
| `images: [{name, newName, newTag, digest}]` | Kustomize; `newName: REF` has it in one string                    |
| `imageTag: {name, newName, newTag, digest}` | its ImageTagTransformer                                           |
| `kustomize: {images: [NAME=REF, REF]}`      | Argo CD, which gives them to `kustomize edit set image`           |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ledger_tool.core.manifests.shapes.fields import of_fields
from ledger_tool.core.manifests.shapes.visit import FoundSite, Visit, is_written, key_token, text_at, value
from ledger_tool.core.manifests.shapes.whole import has_tag, whole
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import YamlPlace, look_up
from ledger_tool.core.policy.reference import split

_OVERRIDE = re.compile(r"([^=*]*=)?([^=*]*[:@][^=*/]+)")


def in_images(visit: Visit) -> Iterator[FoundSite]:
    """Yield the image of an item of Kustomize's `images`, or of the `imageTag` of its ImageTagTransformer."""
    node, is_transformer = visit.node, visit.keys == ("imageTag",)
    if is_transformer and value(visit.file.root, "kind") != "ImageTagTransformer":
        return
    if not (is_transformer or visit.keys[:2] == ("", "images")) or not look_up(node, "name"):
        return
    tag, digest = look_up(node, "newTag"), look_up(node, "digest")
    renamed = look_up(node, "newName")
    if renamed and has_tag(text_at(renamed)) and not tag:
        if not digest:  # Kustomize puts it in the place of the whole name
            yield FoundSite(whole(visit, renamed, key_token(node, "newName") or renamed.token), ("newName", "name"))
        return
    if (tag and is_written(tag)) or (digest and is_written(digest)):
        name = value(node, "newName") or value(node, "name")
        yield from of_fields(visit, name, ("newTag", "digest"), ("name", "newName"))
        return
    suffix = look_up(node, "tagSuffix")
    site = _suffixed(visit, suffix) if suffix and is_written(suffix) else None
    if not site and renamed:
        beside = key_token(node, "newName") or renamed.token
        site = _renamed(visit, value(node, "name"), text_at(renamed), renamed, beside, "newName")
    if site:
        yield FoundSite(site, ("newName", "name", "tagSuffix"))


def in_overrides(visit: Visit) -> Iterator[FoundSite]:
    """Yield the images of Argo CD's `kustomize.images`.

    Kustomize 4 takes all in front of `@` for the name. `NAME=NEW:TAG@DIGEST` means the same to it nevertheless, while
    `NAME:TAG@DIGEST` would match no image, and say nothing. So a digest is only added behind a `NAME=`.
    """
    if visit.keys[:2] != ("images", "kustomize"):
        return
    for place in visit.node.items:
        text = text_at(place)
        if override := _OVERRIDE.fullmatch(text):
            opening = override[1] or f"{split(override[2]).name}="
            yield FoundSite(whole(visit, place, place.token, opening=opening))
            continue
        name, _, new = text.partition("=")
        if site := _renamed(visit, name, new, place, place.token, f"{name}="):
            yield FoundSite(site)


def _renamed(visit: Visit, name: str, new: str, place: YamlPlace, beside: TextToken, how: str) -> Site | None:
    """Return the site of an image of ours that gets the name of another one, and keeps its tag and digest, or None."""
    ours = visit.file.ours
    if not new or not ours.has_name(name) or ours.is_mirror(new, name):
        return None
    remedy = "write the tag behind it" if how.endswith("=") else "write `newTag` beside it"
    why = f"`{how}` gives {new} the tag and digest of {name}: {remedy}"
    return replace(whole(visit, place, beside), name=name, text=name, unsettled=why)


def _suffixed(visit: Visit, suffix: YamlPlace) -> Site | None:
    """Return the site of an image of ours that loses its digest, and gets another tag, or None."""
    node, ours = visit.node, visit.file.ours
    names = (value(node, "newName"), value(node, "name"))
    name = next((one for one in names if one and ours.has_name(one)), "")
    if not name:
        return None
    why = "`tagSuffix` makes another tag of the one it has, and takes its digest away: write `newTag` in its place"
    site = whole(visit, suffix, key_token(node, "tagSuffix") or suffix.token)
    return replace(site, name=name, text=name, tag="", digest="", unsettled=why)

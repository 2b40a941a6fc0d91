"""References in several fields of a mapping.

======================================  ==========================================================
`{repository, tag, digest}`, also with  Helm values; `sha` in the place of `digest`, without `sha256:`;
`registry`, and `image` or, below       `image` + `tag` and `image` + `imageTag` of older charts
`image`, `name` for `repository`
`images: [{name, newName, newTag,       Kustomize
digest}]`
======================================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.core.manifests.shapes.visit import (
    FoundSite,
    Visit,
    is_written,
    key_token,
    marks_at,
    owner_at,
    text_at,
    value,
)
from ledger_tool.core.manifests.shapes.whole import HAS_TAG
from ledger_tool.core.manifests.site import MissingDigest, Site, SiteField
from ledger_tool.core.manifests.yamltree import YamlNode, YamlPlace, is_scalar, look_up

_TAGS = ("tag", "imageTag")
_DIGESTS = ("digest", "sha", "imageDigest")


def of_kustomize(visit: Visit) -> Iterator[FoundSite]:
    """Yield the image of an item of Kustomize's `images`."""
    if visit.keys[:2] != ("", "images") or not look_up(visit.node, "name"):
        return
    tag, digest = look_up(visit.node, "newTag"), look_up(visit.node, "digest")
    if not (tag and is_written(tag)) and not (digest and is_written(digest)):
        return  # it is only renamed: tag and digest are given where it is used
    name = value(visit.node, "newName") or value(visit.node, "name")
    yield from _split(visit, name, ("newTag", "digest"), ("name", "newName"))


def of_helm(visit: Visit) -> Iterator[FoundSite]:
    """Yield the image of a mapping with the fields of Helm values."""
    node = visit.node
    is_named = visit.keys[:1] == ("image",) and value(node, "name")
    key = "repository" if value(node, "repository") else "image" if value(node, "image") else "name" * bool(is_named)
    if not key:
        return
    tag_key = next((key for key in _TAGS if look_up(node, key)), "")
    digest_key = next((key for key in _DIGESTS if look_up(node, key)), "")
    if not tag_key and (not digest_key or key == "name"):
        return
    name = value(node, key)
    if key == "image" and HAS_TAG.search(name):
        return  # it has its own tag: the fields next to it mean something else
    if "://" in name or name.endswith(".git"):
        return  # a chart's or a source's repository
    if registry := (visit.file.registry if look_up(node, "registry") else "") or value(node, "registry"):
        name = f"{registry.rstrip('/')}/{name}"
    digest_key = digest_key or ("imageDigest" if tag_key == "imageTag" else "digest")
    yield from _split(visit, name, (tag_key, digest_key), ("registry", key))


def _split(visit: Visit, name: str, keys: tuple[str, str], names: tuple[str, str]) -> Iterator[FoundSite]:
    """Yield the site of a mapping with its tag and digest at `keys` and the parts of its name at `names`."""
    node = visit.node
    tag_key, digest_key = keys
    tag_place = look_up(node, tag_key) if tag_key else None
    digest_place = look_up(node, digest_key)
    tag, _, digest = text_at(tag_place).partition("@")
    fields = []
    missing = None
    if tag_place and is_scalar(tag_place.node):
        fields.append(_field("tagged" if digest else "tag", node, tag_key, tag_place))
    if not digest and digest_place and is_scalar(digest_place.node):
        digest = text_at(digest_place)
        is_hex = digest_key == "sha" and not digest.startswith("sha256:")
        digest = f"sha256:{digest}" if digest and is_hex else digest
        fields.append(_field("hex" if is_hex else "digest", node, digest_key, digest_place))
    elif not digest and tag_place and (beside := key_token(node, tag_key)):
        missing = MissingDigest(digest_key, beside, tag_place.token, bool(node.token.style))
    if not fields:
        return
    tokens = [token for key in keys if (token := key_token(node, key))]
    places = [place.token for place in (tag_place, digest_place) if place]
    parts = [place.token for key in names if (place := look_up(node, key))]
    around = (*parts, *tokens, *places, *(field.token for field in fields))
    site = Site(
        line=places[0].line,
        text=name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else ""),
        name=name,
        tag=tag,
        digest=digest,
        fields=tuple(fields),
        missing=missing,
        marks=marks_at(visit.file.text, *around),
        owner=owner_at(visit.file.text, *around),
    )
    yield FoundSite(site, (*keys, *names, "name", "reference"))


def _field(part: str, node: YamlNode, key: str, place: YamlPlace) -> SiteField:
    own_key = key_token(node, key) if place.token is place.node.token else None
    return SiteField(part, place.node.token, own_key)

"""References in several fields of a mapping.

| shape                                              | in                                                         |
|----------------------------------------------------|------------------------------------------------------------|
| `{repository, tag, digest}`, also with `registry`, | Helm values; `sha` in the place of `digest`, without       |
| and `image` or, below `image`, `name` for          | `sha256:`; `image` with `tag` or `imageTag` of older       |
| `repository`                                       | charts                                                     |
| `{imageRepository, imageTag}`, `{repo, tag}`,      | older charts, operators' objects, settings of our own, if  |
| `{image, version}`, `{repository, version}`,       | it is an image of ours: the last word of a key says what   |
| `{operatorImage, operatorTag}`, …                  | it is, and the others, but for `image`, of which image     |
| `helm: {parameters: [{name: image.tag, value}]}`   | Argo CD: the same, in names for keys                       |

What reads the last two kinds is unknown, and a field that it does not know would be a digest that nothing reads. So
the digest goes into the tag, as `TAG@DIGEST`, unless there is a field for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ledger_tool.core.ledger import names
from ledger_tool.core.manifests.plainnumber import read_as
from ledger_tool.core.manifests.shapes.keys import OUTPUTS, KeyRole, role, says_image, words
from ledger_tool.core.manifests.shapes.overlaid import nameless, of_another_name
from ledger_tool.core.manifests.shapes.purpose import (
    is_built,
    is_of_code,
    is_of_helm,
    is_of_plugin,
    is_plain_name,
    is_stray,
)
from ledger_tool.core.manifests.shapes.visit import (
    FoundSite,
    Visit,
    key_token,
    laid_over,
    marks_at,
    owner_at,
    text_at,
    value,
)
from ledger_tool.core.manifests.shapes.whole import has_tag, whole
from ledger_tool.core.manifests.site import ImageFields, MissingDigest, Site, SiteField
from ledger_tool.core.manifests.yamltree import YamlNode, YamlPlace, is_scalar, keys, look_up
from ledger_tool.core.policy.reference import are_words

_PLUGIN = "they are settings of a plugin, which may push this image"
_LENT = "only their reader knows whether `{}` is its tag: write the tag behind the image"
_CHARTS = "its tag is that of the chart's own values"
_NO_TAG = "it has no `{}` where the tag could go: write the present one there"
_TAGS = ("tag", "imageTag")
_DIGESTS = ("digest", "sha", "imageDigest")
_TAG = re.compile(names.TAG)
_SHA = re.compile(r"|(?:sha256:)?[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9a-f]{64}")


def of_helm(visit: Visit, *, may_add: bool = True) -> Iterator[FoundSite]:
    """Yield the image of a mapping with the fields of Helm values; one for the digest is only added if it `may_add`."""
    node = laid_over(visit.node, visit.defaults)
    is_named = visit.keys[:1] == ("image",) and value(node, "name")
    key = "repository" if value(node, "repository") else "image" if value(node, "image") else "name" * bool(is_named)
    if _is_below(visit, node, key):
        return  # see `of_words`
    if not key:
        yield from nameless(visit, node)
        return
    tag_key = next((key for key in _TAGS if look_up(node, key)), "")
    digest_key = next((key for key in _DIGESTS if look_up(node, key)), "")
    if not tag_key and (not digest_key or key == "name"):
        return
    name = value(node, key)
    if key == "image" and has_tag(name):
        return  # it has its own tag: the fields next to it mean something else
    if "://" in name or name.endswith(".git"):
        return  # a chart's or a source's repository
    if registry := (visit.registry if look_up(node, "registry") else "") or value(node, "registry"):
        name = f"{registry.rstrip('/')}/{name}"
    if is_built(visit):
        yield FoundSite(None, (tag_key, digest_key, "registry", key))
        return
    digest_key = digest_key or ("imageDigest" if tag_key == "imageTag" else "digest")
    values = _values(visit, key, tag_key, digest_key)
    for found in of_fields(visit, name, (tag_key, digest_key), ("registry", key), values, may_add=may_add):
        if site := found.site:
            found = found._replace(site=replace(site, is_stray=is_of_code(visit) or _are_words(visit, site)))
        yield found


def _are_words(visit: Visit, site: Site) -> bool:
    """Return whether a name and a tag may be two words of any text, since nothing around them shows an image."""
    return are_words(site.name, site.tag) and not (visit.keys and says_image(visit.keys[0])) and is_stray(visit)


def of_words(visit: Visit) -> Iterator[FoundSite]:
    """Yield the images of ours that the words of a mapping's keys tell of: `{operatorRepository, operatorTag}`."""
    defaults = visit.defaults
    node = laid_over(visit.node, defaults)
    text_of = partial(value, node)
    for parts in _by_image(visit, node):
        name_key, tag_key, digest_key = (parts.get(role, "") for role in ("name", "tag", "digest"))
        name, registry = text_of(name_key), text_of(parts.get("registry", ""))
        full = f"{registry.rstrip('/')}/{name}" if registry else name
        if not name or not (tag_key or digest_key) or not _is_ours(visit, full, (name_key, tag_key)):
            continue
        if is_plain_name(name_key) and is_built(visit):
            yield FoundSite(None, (tag_key, digest_key, name_key))
            continue
        if words(tag_key)[-1:] == ("version",) and not _TAG.fullmatch(text_of(tag_key).partition("@")[0]):
            place = look_up(node, name_key)
            if text_of(tag_key) and place and not is_plain_name(name_key):  # a range
                why = f"its tag may be what `{tag_key}` says, which is a range: write the tag behind the image"
                site = whole(visit, place, key_token(node, name_key) or place.token)
                yield FoundSite(replace(site, unsettled=why), (name_key, tag_key))
            continue  # an object, nothing
        if words(digest_key)[-1:] == ("sha",) and not _SHA.fullmatch(text_of(digest_key)):
            continue  # a commit
        values = _values(visit, name_key, tag_key, digest_key)
        names = (parts.get("registry", ""), name_key)
        # One that is only in the chart's own values would be that of another tag.
        may_add = bool(digest_key and defaults and look_up(defaults, digest_key))
        for found in of_fields(visit, full, (tag_key, digest_key), names, values, may_add=may_add):
            why = _PLUGIN if is_of_plugin(visit.keys) else _LENT.format(tag_key) if "lent" in parts else ""
            locked = _locked(found, why) if why else found
            yield locked._replace(keys=(name_key,)) if "lent" in parts else locked  # the tag may be another's too


def _is_ours(visit: Visit, name: str, keys: tuple[str, str]) -> bool:
    """Return whether an image is ours, whose name and tag are at these keys.

    A name with a variable or a placeholder for its registry may be that of code, unless the keys say otherwise.
    """
    ours = visit.file.ours
    if ours.has_name(name):
        return True
    is_image = says_image(keys[0]) or words(keys[1])[-1:] == ("tag",)
    is_of_others = "://" in name or name.endswith(".git") or is_of_code(visit)
    return is_image and not is_of_others and ours.may_be_name(name)


def _locked(found: FoundSite, why: str) -> FoundSite:
    return found._replace(site=replace(found.site, locked=why) if found.site else None)


def _by_image(visit: Visit, node: YamlNode) -> list[dict[str, str]]:
    """Return the keys of a mapping by image, and by what they are of it: of several, the most usual."""
    images: dict[tuple[str, ...], dict[str, str]] = {}
    found = [(what, key) for key in keys(node) if (what := role(key))]
    if visit.keys and says_image(visit.keys[0]):
        found += [(KeyRole((), "name", rank), key) for rank, key in ((9, "name"), (10, "path")) if look_up(node, key)]
    for what, key in sorted(found, key=lambda one: one[0].rank):
        images.setdefault(what.image, {}).setdefault(what.part, key)
    above = images.get((), {}).get("name", "")
    if _is_below(visit, node, above):
        images[()] |= {"registry": above, "name": "image"}
    return [*images.values(), *_lent(images)]


def _is_below(visit: Visit, node: YamlNode, key: str) -> bool:
    """Return whether a mapping has an image of ours at `image`, below what it has at another key for names."""
    above, name = value(node, key) if key not in ("", "image") else "", value(node, "image")
    return bool(above and name) and not has_tag(name) and visit.file.ours.has_name(f"{above.rstrip('/')}/{name}")


def _lent(images: dict[tuple[str, ...], dict[str, str]]) -> Iterator[dict[str, str]]:
    """Yield the images without a tag, with one that has no name: `{baseImage, tag}`, `{apiImage, uiImage, tag}`."""
    tag = images.get((), {}).get("tag", "")
    if not tag or "name" in images[()]:
        return
    for parts in images.values():
        is_bare = "name" in parts and parts.keys().isdisjoint(("tag", "digest"))
        if is_bare and OUTPUTS.isdisjoint(words(parts["name"])):
            yield {**parts, "tag": tag, "lent": "yes"}


def of_fields(
    visit: Visit,
    name: str,
    keys: tuple[str, str],
    names: tuple[str, str],
    values: ImageFields | None = None,
    *,
    may_add: bool = True,
) -> Iterator[FoundSite]:
    """Yield the site of a mapping with its tag and digest at `keys` and the parts of its name at `names`.

    Where a digest may not be added in a field of its own, it goes into the tag. What the node does not set has the
    chart's own values, and is edited there.
    """
    node, defaults = visit.node, visit.defaults
    tag_key, digest_key = keys
    tag_place = look_up(node, tag_key) if tag_key else None
    digest_place = look_up(node, digest_key) if digest_key else None
    if not (tag_place or digest_place):
        yield from of_another_name(visit, name, keys, names, values)
        return
    is_elsewhere = not tag_place and bool(tag_key)  # its tag is the chart's
    tag, _, digest = (value(defaults, tag_key) if is_elsewhere and defaults else text_at(tag_place)).partition("@")
    digest = "" if is_elsewhere else digest
    fields = []
    missing = None
    if tag_place and is_scalar(tag_place.node):
        is_both = digest or not (may_add or digest_place)
        fields.append(_field("tagged" if is_both else "tag", node, tag_key, tag_place))
    alone = text_at(digest_place)
    if digest_place and is_scalar(digest_place.node) and (alone or not digest):
        is_hex = words(digest_key)[-1] == "sha" and not alone.startswith("sha256:")
        is_hex = is_hex or bool(values and _DIGITS.fullmatch(alone))
        alone = f"sha256:{alone}" if alone and is_hex else alone
        fields.append(_field("hex" if is_hex else "digest", node, digest_key, digest_place))
    elif not digest and tag_place and may_add and (beside := key_token(node, tag_key)):
        is_hex = words(digest_key)[-1] == "sha"
        missing = MissingDigest(digest_key, beside, tag_place.token, bool(node.token.style), is_hex)
    if not fields:
        return
    tokens = [token for key in keys if (token := key_token(node, key))]
    places = [place.token for place in (tag_place, digest_place) if place]
    parts = [place.token for key in names if key and (place := look_up(node, key))]
    around = (*parts, *tokens, *places, *(field.token for field in fields))
    site = Site(
        line=places[0].line,
        text=name + (f":{tag}" if tag else "") + (f"@{digest or alone}" if digest or alone else ""),
        name=name,
        tag=tag,
        digest=digest or alone,
        second=alone if digest else "",
        fields=tuple(fields),
        missing=missing,
        values=values,
        locked=(_CHARTS if values else _NO_TAG.format(tag_key))
        if is_elsewhere
        else visit.around.elsewhere
        if visit.around
        else "",
        unread=_switched_off(laid_over(node, defaults)) if values and alone else "",
        marks=marks_at(visit.file, *around),
        read_as=read_as(tag_place.node.token.text) if tag_place and not tag_place.node.token.style else "",
        owner=owner_at(visit.file.text, *around),
    )
    other_names = ("name", "reference") if visit.keys[:1] == ("image",) else ()
    yield FoundSite(site, tuple(filter(None, (*keys, *names, *other_names))))


def _values(visit: Visit, name: str, tag: str, digest: str) -> ImageFields:
    """Return the place of an image, whose parts have these keys, in Helm values."""
    is_strange = not is_of_helm(visit)
    charts = (visit.around,) if visit.around else ()
    return ImageFields(visit.above, name, tag or _TAGS[0], digest or _DIGESTS[0], charts, is_strange=is_strange)


def _switched_off(node: YamlNode) -> str:
    """Return why a digest does not count whatever the chart reads, as for Cilium's images, or `""`."""
    switch = look_up(node, "useDigest")
    is_off = switch and is_scalar(switch.node) and switch.node.token.text.lower() == "false"
    return "`useDigest` is false" if is_off else ""


def _field(part: str, node: YamlNode, key: str, place: YamlPlace) -> SiteField:
    own_key = key_token(node, key) if place.token is place.node.token else None
    return SiteField(part, place.node.token, own_key, place=place.token.number)

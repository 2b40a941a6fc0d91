"""Parts of an image in values that are laid over others: a tag without a name, or a name without a tag."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ledger_tool.core.manifests.charts.around import ChartAround, Keys
from ledger_tool.core.manifests.shapes.keys import role, says_image, words
from ledger_tool.core.manifests.shapes.purpose import is_in_values
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
from ledger_tool.core.manifests.site import ImageFields, Site, SiteField
from ledger_tool.core.manifests.yamltree import YamlNode, keys, look_up

_DIGITS = re.compile(r"[0-9a-f]{64}")
_REGISTRY = "imageRegistry"
_DIGESTS = ("digest", "sha")
_PARTS = ("registry", "repository")
_MOST = 2_000  # mappings of a chart's values
_MOST_LEVELS = 20


def nameless(visit: Visit, node: YamlNode) -> Iterator[FoundSite]:
    """Yield the tag of an image whose name is in the values of a chart that is not here."""
    is_known = any(one and one.part == "name" for one in map(role, keys(node)))
    if is_known or not (visit.scope.is_values or is_in_values(visit.keys)):
        return
    for key in visit.node.named:
        found = role(key)
        is_tag = found and found.part == "tag" and words(key)[-1] == "tag"
        place = look_up(visit.node, key)
        if is_tag and place and text_at(place) and (says_image(key) or any(map(says_image, visit.keys[:1]))):
            tag, _, digest = text_at(place).partition("@")
            beside = (key_token(visit.node, key) or place.token, place.token)
            alone_key = next((one for one in _DIGESTS if text_at(look_up(visit.node, one))), "")
            alone = look_up(visit.node, alone_key)
            charts = (visit.around,) if visit.around else ()
            site = Site(
                line=place.token.line,
                text=f":{text_at(place)}",
                name="",
                tag=tag,
                digest=digest or text_at(alone),
                fields=(
                    SiteField("tagged" if digest else "tag", place.node.token, place=place.token.number),
                    *([SiteField("digest", alone.node.token)] if alone else ()),
                ),
                values=ImageFields(visit.above, "repository", key, alone_key or _DIGESTS[0], charts)
                if charts
                else None,
                marks=marks_at(visit.file, *beside),
                owner=owner_at(visit.file.text, *beside),
            )
            yield FoundSite(site)


def of_another_name(
    visit: Visit, name: str, versions: tuple[str, str], names: tuple[str, str], values: ImageFields | None
) -> Iterator[FoundSite]:
    """Yield the image that a chart's values become where only a name is laid over them: tag and digest stay.

    `versions` are the keys of tag and digest, `names` those of the name's parts. One that is the same in another
    registry is judged where its tag is.
    """
    key = next((key for key in reversed(names) if key and look_up(visit.node, key)), "")
    place, around = look_up(visit.node, key) if key else None, visit.around
    defaults = visit.defaults
    if around and defaults and place and is_written(place) and values:
        before = _name(around, defaults, names)
        if before and not visit.file.ours.is_same(before, name):
            site = _renamed(visit, defaults, name, versions, values, key)
            yield FoundSite(site, tuple(filter(None, names)))


def of_another_registry(visit: Visit) -> Iterator[FoundSite]:
    """Yield the images that get another registry from a `global.imageRegistry` that is laid over a chart's values."""
    place, around = look_up(visit.node, _REGISTRY), visit.around
    if visit.above != ("global",) or not around or not place or not is_written(place):
        return
    for above in _with_registry(around):
        defaults = around.defaults(above)
        before = _name(around, defaults, _PARTS) if defaults else ""
        name = f"{text_at(place).rstrip('/')}/{value(defaults, _PARTS[1])}" if defaults else ""
        if defaults and before and not visit.file.ours.is_same(before, name):
            values = ImageFields(above, _PARTS[1], "tag", "digest", (around,))
            yield FoundSite(_renamed(visit, defaults, name, ("tag", "digest"), values, _REGISTRY))


def _name(around: ChartAround, defaults: YamlNode, names: tuple[str, str]) -> str:
    """Return the name of an image in the values that are laid over, or `""`."""
    shared = around.defaults(("global",)) if look_up(defaults, names[0]) else None
    registry = (value(shared, _REGISTRY) if shared else "") or value(defaults, names[0])
    name = value(defaults, names[1])
    return f"{registry.rstrip('/')}/{name}" if registry and name else name


def _with_registry(around: ChartAround) -> Iterator[Keys]:
    """Yield the keys of the mappings in a chart's values that name a registry and a repository."""
    ahead: list[Keys] = [()]
    for _ in range(_MOST):
        if not ahead:
            return
        above = ahead.pop()
        node = around.defaults(above)
        if node and all(look_up(node, key) for key in _PARTS):
            yield above
        inner = [key for key in keys(node) if (place := look_up(node, key)) and place.node.named] if node else []
        ahead += [(*above, key) for key in inner if len(above) < _MOST_LEVELS]


def _renamed(
    visit: Visit, defaults: YamlNode, name: str, versions: tuple[str, str], values: ImageFields, key: str
) -> Site:
    """Return the site of a name or a registry at a key, with the version that is in the values below."""
    tag, _, behind = value(defaults, versions[0]).partition("@")
    alone = value(defaults, versions[1])
    digest = behind or (f"sha256:{alone}" if _DIGITS.fullmatch(alone) else alone)
    place = visit.node.named[key][1]
    beside = (key_token(visit.node, key) or place.token, place.token, place.node.token)
    parts = ["name", *(["tagged"] if behind else ["digest"] if digest else [])]
    return Site(
        line=place.token.line,
        text=name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else ""),
        name=name,
        tag=tag,
        digest=digest,
        fields=tuple(SiteField(part, place.node.token) for part in parts),
        values=values,
        locked="only its registry is set here" if key == _REGISTRY else "only its name is set here: write its tag too",
        marks=marks_at(visit.file, *beside),
        owner=owner_at(visit.file.text, *beside),
    )

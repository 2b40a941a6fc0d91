"""What Argo CD, Helmfile or Terraform sets for Helm one by one: names are paths of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ledger_tool.core.manifests.shapes.fields import of_helm, of_words
from ledger_tool.core.manifests.shapes.keys import says_image
from ledger_tool.core.manifests.shapes.overlaid import nameless
from ledger_tool.core.manifests.shapes.visit import FoundSite, Visit, is_in_line, key_token, text_at
from ledger_tool.core.manifests.shapes.whole import whole
from ledger_tool.core.manifests.site import ImageFields
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import ComposedNode, YamlPlace, look_up

_LOCKED = "its name is that of an item of a list: write the digest behind its tag"


def in_parameters(visit: Visit) -> Iterator[FoundSite]:
    """Yield the images of ours among the parameters in a list."""
    is_inside = visit.scope.root is visit.node
    if not is_inside and visit.keys[:2] != ("parameters", "helm") and visit.keys[:1] != ("set",):
        return
    named = {}
    for place in visit.node.items:
        name, content = look_up(place.node, "name"), look_up(place.node, "value")
        if name and content and is_in_line(visit.file.text, place.node, "name"):
            named[text_at(name)] = (key_token(place.node, "value") or content.token, content)
            if says_image(text_at(name)) and visit.file.ours.has_reference(text_at(content)):
                site = whole(visit, content, key_token(place.node, "value") or content.token)
                yield FoundSite(replace(site, values=_in_values(visit, text_at(name))))
    if visit.around or is_inside:
        yield from _in_groups(visit, named, visit.node.token)
    if not _is_laid(visit):
        yield from of_words(visit._replace(node=ComposedNode(visit.node.token, named=named)))


def _in_values(visit: Visit, path: str) -> ImageFields | None:
    """Return where the values of a chart have an image that one parameter sets."""
    *above, key = path.split(".")
    return ImageFields(tuple(above), key, key, key, (visit.around,)) if visit.around else None


def _in_groups(visit: Visit, named: Mapping[str, tuple[TextToken, YamlPlace]], token: TextToken) -> Iterator[FoundSite]:
    """Yield the images of parameters as those of the mappings that Helm makes of them."""
    groups: dict[tuple[str, ...], dict[str, tuple[TextToken, YamlPlace]]] = {}
    for path, pair in named.items():
        *above, key = path.split(".")
        groups.setdefault((*reversed(above), *visit.keys), {})[key] = pair
    for keys_above, fields in groups.items():
        inner = visit._replace(node=ComposedNode(token, named=fields), keys=keys_above)
        if not _is_laid(visit):
            yield from nameless(inner, inner.node)
            continue
        found = [*of_helm(inner, may_add=False)] or [*of_words(inner)]
        is_of_item = any("[" in key for key in keys_above)
        yield from (_of_item(one) if is_of_item else one._replace(keys=()) for one in found)


def _of_item(found: FoundSite) -> FoundSite:
    """Return what is found for an item of a list, of which it is not followed what the chart makes of it."""
    site = found.site and replace(found.site, values=None, locked=_LOCKED)
    return found._replace(site=site, keys=())


def _is_laid(visit: Visit) -> bool:
    """Return whether these are laid over values that are here."""
    return visit.around is not None and bool(visit.around.chart.is_here or visit.around.below)

"""Where a YAML document names images: one walk, which tries the shapes of `shapes` on each mapping and list.

A tree is walked once, whatever its aliases; an aliased value is edited at its anchor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from ledger_tool.core.manifests.charts.around import ChartAround, no_chart
from ledger_tool.core.manifests.environment import Environment, nothing_set
from ledger_tool.core.manifests.marks import NO_MARKS, Marks
from ledger_tool.core.manifests.ours import NOBODYS, OurImages
from ledger_tool.core.manifests.shapes import fields, whole
from ledger_tool.core.manifests.shapes.keys import names_image, says_image, says_version
from ledger_tool.core.manifests.shapes.purpose import is_only_matched, only_matches
from ledger_tool.core.manifests.shapes.visit import FileView, FoundSite, Visit, view_of
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import YamlNode, repeated

_Found = tuple[Site | None, TextToken | None]
Shape = Callable[[Visit], Iterator[FoundSite]]

# In this order: what one shape reads at a key of a mapping is not read again by the next.
_IN_MAPS: tuple[Shape, ...] = (
    fields.of_kustomize, fields.of_helm, fields.of_words, whole.named_below, whole.at_keys, whole.in_pair,
    whole.in_patch, whole.of_kind, whole.marked,
)  # fmt: skip
# Of references, or of mappings in which `name` is special.
_LISTS = frozenset({"images", "parameters", "params", "services", "set", "steps"})
_IN_LISTS: tuple[Shape, ...] = (fields.in_parameters, whole.in_list, whole.marked)
_IF_ASKED: tuple[Shape, ...] = (whole.marked,)


class FoundSites(NamedTuple):
    """The sites of a document, in order, and the numbers of all tokens that are theirs, or name what is built."""

    sites: list[Site]
    tokens: frozenset[int]


def find_sites(
    path: str,
    text: str,
    roots: list[YamlNode],
    ours: OurImages = NOBODYS,
    environment: Callable[[], Environment] = nothing_set,
    around: Callable[[], ChartAround | None] = no_chart,
    marks: Marks = NO_MARKS,
) -> FoundSites:
    """Return what is found in a document with these marks; `path` is the file's, `text` its complete text."""
    by_place: dict[tuple[str, tuple[int, ...], int], Site] = {}
    numbers: set[int] = set()
    for root in roots:
        for site, passed in _walk(root, view_of(path, text, root, ours, environment, around, marks)):
            if not site:
                numbers.update({passed.number} if passed else ())
                continue
            numbers.update(field.token.number for field in site.fields)
            beside = site.missing.beside.number if site.missing else -1
            by_place.setdefault((site.name, tuple(field.token.number for field in site.fields), beside), site)
    # A mapping with the same fields through a merge or an alias gets its digest where they are written.
    fixed = {place[:2] for place in by_place if place[2] >= 0}
    sites = [site for place, site in by_place.items() if place[2] >= 0 or place[:2] not in fixed]
    return FoundSites(sorted(sites, key=lambda site: (site.fields[0].token.start, site.line)), frozenset(numbers))


def _walk(root: YamlNode, view: FileView) -> Iterator[_Found]:
    is_matching = only_matches(root)
    seen: set[int] = set()
    ahead: list[tuple[YamlNode, tuple[str, ...]]] = [(root, ())]
    while ahead:
        node, keys = ahead.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.token.kind == "list":
            if _may_list_images(view, keys):
                yield from _found(
                    Visit(node, view, keys), _IF_ASKED if is_only_matched(keys, within=is_matching) else _IN_LISTS
                )
            below = ("", *keys)
            ahead += [(place.node, below) for place in node.items if place.node.token.kind != "scalar"]
        elif node.token.kind == "map":
            if _may_name_image(view, keys, node):
                yield from _found(
                    Visit(node, view, keys), _IF_ASKED if is_only_matched(keys, within=is_matching) else _IN_MAPS
                )
            children = [(key.token.text, place.node) for key, place in node.pairs]
            ahead += [(child, (key, *keys)) for key, child in children if child.token.kind != "scalar"]


def _may_name_image(view: FileView, keys: tuple[str, ...], node: YamlNode) -> bool:
    """Return whether a shape may fit a mapping below these keys; few of a document are worth a closer look."""
    own = view.ours.keys
    if view.is_marked or node.merged or any(map(names_image, node.named)) or not own.isdisjoint(node.named):
        return True
    if keys and (says_image(keys[0]) or (keys[0] == "" and "path" in node.named) or "kind" in node.named):
        return True
    if view.has_contexts and any(place.node.token.text.startswith(whole.CONTEXT) for _, place in node.pairs):
        return True
    if view.around and any(map(says_version, node.named)):  # its name is that of the chart's own values
        return True
    return keys[:1] == ("image",) or (keys[:1] == ("",) and bool(own or (keys[1:] and keys[1] in _LISTS)))


def _may_list_images(view: FileView, keys: tuple[str, ...]) -> bool:
    """Return whether a shape may fit a list below these keys."""
    return view.is_marked or (bool(keys) and (keys[0] in _LISTS or keys[0] in view.ours.keys or names_image(keys[0])))


def _found(visit: Visit, shapes: tuple[Shape, ...]) -> Iterator[_Found]:
    taken: set[str] = set()
    twice = repeated(visit.node)
    for shape in shapes:
        own: set[str] = set()
        for found in shape(visit):
            again = twice.intersection(found.keys)
            if taken.isdisjoint(found.keys) and (again or own.isdisjoint(found.keys)):
                own.update(found.keys)
                site = _ambiguous(found.site, min(again)) if found.site and again else found.site
                yield site, found.passed
        taken |= own


def _ambiguous(site: Site, key: str) -> Site:
    return replace(site, unsettled=f"`{key}` is twice in one mapping, and readers differ in which they take: keep one")

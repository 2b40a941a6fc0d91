"""Where a YAML document names images: one walk, which tries the shapes of `shapes` on each mapping and list.

A tree is walked once, whatever its aliases; an aliased value is edited at its anchor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ledger_tool.core.manifests.ours import NOBODYS, OurImages
from ledger_tool.core.manifests.shapes import fields, whole
from ledger_tool.core.manifests.shapes.keys import tells
from ledger_tool.core.manifests.shapes.visit import FoundSite, Visit, value, view_of
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import YamlNode, is_scalar

_Found = tuple[Site | None, TextToken | None]
Shape = Callable[[Visit], Iterator[FoundSite]]

# In this order: what one shape reads at a key of a mapping is not read again by the next.
_IN_MAPS: tuple[Shape, ...] = (
    fields.of_kustomize, fields.of_helm, fields.of_words, whole.named_below, whole.at_keys, whole.in_pair, whole.marked,
)  # fmt: skip
_IN_LISTS: tuple[Shape, ...] = (fields.in_parameters, whole.in_list, whole.marked)


_PLACES = (("images",), ("services",), ("steps",))  # of lists whose items are told of by other keys


class FoundSites(NamedTuple):
    """The sites of a document, in order, and the numbers of all tokens that are theirs, or name what is built."""

    sites: list[Site]
    tokens: frozenset[int]


def find_sites(path: str, text: str, roots: list[YamlNode], ours: OurImages = NOBODYS) -> FoundSites:
    """Return what is found in a document; `path` is the file's, `text` its complete text."""
    by_place: dict[tuple[str, tuple[int, ...], int], Site] = {}
    numbers: set[int] = set()
    for root in roots:
        for site, passed in _walk(path, text, root, ours):
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


def _walk(path: str, text: str, root: YamlNode, ours: OurImages) -> Iterator[_Found]:
    if value(root, "kind") == "ImageRepository":  # Flux: a repository to scan, not an image to run
        return
    seen: set[int] = set()
    ahead = [Visit(root, view_of(path, text, root, ours))]
    while ahead:
        visit = ahead.pop()
        node = visit.node
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.token.kind == "list":
            yield from _found(visit, _IN_LISTS)
            ahead += [visit.below("", place.node) for place in node.items if not is_scalar(place.node)]
        elif node.token.kind == "map":
            if _may_tell(visit):
                yield from _found(visit, _IN_MAPS)
            ahead += [visit.below(key.token.text, place.node) for key, place in node.pairs if not is_scalar(place.node)]


def _may_tell(visit: Visit) -> bool:
    """Return whether a mapping may tell of an image: quickly, since nearly none does."""
    node, file = visit.node, visit.file
    is_place = visit.keys[:1] == ("image",) or visit.keys[1:2] in _PLACES
    is_pair = "value" in node.named
    is_odd = file.is_marked or bool(node.merged)
    return is_place or is_pair or is_odd or any(map(tells, node.named)) or not file.ours.keys.isdisjoint(node.named)


def _found(visit: Visit, shapes: tuple[Shape, ...]) -> Iterator[_Found]:
    taken: set[str] = set()
    for shape in shapes:
        for found in shape(visit):
            if taken.isdisjoint(found.keys):
                taken.update(found.keys)
                yield found.site, found.passed

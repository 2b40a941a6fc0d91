"""Where a YAML document names images: one walk, which tries the shapes of `shapes` on each mapping and list.

An aliased value is walked in each of its places, within bounds, and edited at its anchor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from ledger_tool.core.manifests.aliases import with_other_uses
from ledger_tool.core.manifests.charts.around import ChartAround, FileCharts, no_chart, no_charts
from ledger_tool.core.manifests.environment import Environment, nothing_set
from ledger_tool.core.manifests.marks import IGNORE, NO_MARKS, Marks
from ledger_tool.core.manifests.ours import NOBODYS, OurImages
from ledger_tool.core.manifests.settled import of_both, settled
from ledger_tool.core.manifests.shapes import fields, kustomize, whole
from ledger_tool.core.manifests.shapes.keys import is_partial, names_image, role, says_image
from ledger_tool.core.manifests.shapes.overlaid import of_another_registry
from ledger_tool.core.manifests.shapes.parameters import in_parameters
from ledger_tool.core.manifests.shapes.printed import of_templates
from ledger_tool.core.manifests.shapes.purpose import is_only_matched, only_matches
from ledger_tool.core.manifests.shapes.visit import FileView, FoundSite, ValuesScope, Visit, view_of
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import YamlBranch, YamlNode, repeated

_Found = tuple[Site | None, TextToken | None]
# The name, the numbers of its tokens, of the one to write beside, and whether a mark says to ignore it.
_Place = tuple[str, tuple[int, ...], int, bool]
Shape = Callable[[Visit], Iterator[FoundSite]]

# In this order: what one shape reads at a key of a mapping is not read again by the next.
_IN_MAPS: tuple[Shape, ...] = (
    kustomize.in_images, fields.of_helm, fields.of_words, of_another_registry, whole.named_below, whole.at_keys,
    whole.in_pair, whole.in_volume, whole.in_patch, whole.of_kind, whole.marked,
)  # fmt: skip
# Of references, or of mappings in which `name` is special.
_LISTS = frozenset({"images", "parameters", "params", "services", "set", "steps", "volumes"})
_IN_LISTS: tuple[Shape, ...] = (in_parameters, kustomize.in_overrides, whole.in_list, whole.marked)
_IF_ASKED: tuple[Shape, ...] = (whole.marked,)


_IGNORED = "through an alias, it is also where a mark says `ignore`"
_MEANING = 3  # keys above a node that say what it is for
_MOST_AGAIN = 10_000  # nodes of a document that are walked again


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
    charts: Callable[[], FileCharts] = no_charts,
    marks: Marks = NO_MARKS,
) -> FoundSites:
    """Return what is found in a document with these marks; `path` is the file's, `text` its complete text."""
    by_place: dict[_Place, Site] = {}
    numbers: set[int] = set()
    built: set[int] = set()
    places: set[int] = set()
    for root in roots:
        for site, passed in _walk(root, view_of(path, text, root, ours, environment, charts, marks)):
            if not site:
                built.update({passed.number} if passed else ())
                continue
            numbers.update(field.token.number for field in site.fields)
            places.update(field.place for field in site.fields)
            beside = site.missing.beside.number if site.missing else -1
            is_ignored = any(mark.policy == IGNORE and not mark.fault for mark in site.marks)
            place = (site.name, tuple(field.token.number for field in site.fields), beside, is_ignored)
            by_place[place] = of_both(by_place[place], site) if place in by_place else site
    # A mapping with the same fields through a merge or an alias gets its digest where they are written.
    fixed = {place[:2] for place in by_place if place[2] >= 0}
    ignored = {number for place in by_place if place[3] for number in place[1]}
    sites = [
        site if place[3] or ignored.isdisjoint(place[1]) else replace(site, locked=site.locked or _IGNORED)
        for place, site in by_place.items()
        if place[2] >= 0 or place[:2] not in fixed
    ]
    sites = [_shared(site) if any(one.token.number in built for one in site.fields) else site for site in sites]
    for root in roots:
        if isinstance(root, YamlBranch) and not root.whole.is_plain:
            sites = with_other_uses(root, sites, places)
    sites = sorted(settled(sites, ours), key=lambda site: (site.fields[0].token.start, site.line))
    return FoundSites(sites, frozenset(numbers | built))


def _shared(site: Site) -> Site:
    return replace(site, locked=site.locked or "through an alias, it is also the name of what is built")


def _walk(root: YamlNode, view: FileView) -> Iterator[_Found]:
    if not isinstance(root, YamlBranch):
        return
    is_matching, telling = only_matches(root), _telling(root, view)
    seen: set[YamlNode] = set()
    again: set[tuple[YamlNode, tuple[str, ...]]] = set()
    ahead: list[tuple[YamlBranch, tuple[str, ...], ValuesScope]] = [(root, (), view.scope)]
    while ahead:
        node, keys, scope = ahead.pop()
        if node in seen:  # through an alias, where the keys above may say more
            place = (node, keys[:_MEANING])
            if place in again or len(again) == _MOST_AGAIN:
                continue
            again.add(place)
        seen.add(node)
        if view.inside and (charts := view.inside.get(node.number)) is not None:
            scope = ValuesScope(node, charts, len(keys), is_values=True)
        is_list = node.kind == "list"
        if not is_list and node is scope.root and scope.may_be_values:
            yield from _of_templates(Visit(node, view, keys, scope))
        if _may_list_images(view, keys) if is_list else _may_name_image(view, keys, node, scope):
            is_asked = is_only_matched(keys, within=is_matching)
            shapes = _IF_ASKED if is_asked else _IN_LISTS if is_list else _IN_MAPS
            yield from _of_each_chart(Visit(node, view, keys, scope), shapes)
        ahead += [(branch, (key, *keys), scope) for key, branch in node.branches(telling)]


def _of_templates(visit: Visit) -> Iterator[_Found]:
    charts = [*visit.scope.charts, *visit.scope.possible()]
    yield from ((found.site, found.passed) for found in of_templates(visit, charts))


def _of_each_chart(visit: Visit, shapes: tuple[Shape, ...]) -> Iterator[_Found]:
    """Yield what is found in a node with each of the charts whose values it may have."""
    charts: Sequence[ChartAround] = visit.scope.charts
    if visit.scope.possible is not no_chart and is_partial(visit.node):
        above = visit.above
        charts = [*charts, *(one for one in visit.scope.possible() if one.defaults(above))]
    for around in charts or (None,):
        yield from _found(visit._replace(around=around), shapes)


def _telling(root: YamlBranch, view: FileView) -> list[int] | None:
    """Return the numbers of the keys of a document that let shapes look closer, or None if others may."""
    document = root.whole
    if view.is_wide or not document.is_plain:
        return None
    names = document.tokens.texts(document.keys)
    return sorted([number for number, name in zip(document.keys, names, strict=True) if _is_telling(name)])


@lru_cache(4096)
def _is_telling(key: str) -> bool:
    """Return whether a key may let a shape look closer, at its mapping or at what is below it, in whatever file."""
    return key in ("<<", "kind", "path") or key in _LISTS or names_image(key)


def _may_name_image(view: FileView, keys: tuple[str, ...], node: YamlBranch, scope: ValuesScope) -> bool:
    """Return whether a shape may fit a mapping below these keys; few of a document are worth a closer look."""
    names = node.names()
    if any(map(_is_telling, names)):
        if any(map(names_image, names)) or ("<<" in names and node.merged):
            return True
        if keys and ((keys[0] == "" and "path" in names) or "kind" in names):
            return True
    if keys and (says_image(keys[0]) or (keys[0] == "" and keys[1:] and _may_be_item(keys[1], names))):
        return True
    if not view.is_wide:
        return False
    own = view.ours.keys
    if view.is_marked or not own.isdisjoint(names) or (own and keys[:1] == ("",)):
        return True
    if view.has_contexts and any(place.node.token.text.startswith(whole.CONTEXT) for _, place in node.pairs):
        return True
    return scope.may_be_values and any(map(role, names))


def _may_be_item(above: str, names: Sequence[str]) -> bool:
    """Return whether a shape may fit an item of a list below this key; most volumes are of no image."""
    return above in _LISTS and (above != "volumes" or "source" in names)


def _may_list_images(view: FileView, keys: tuple[str, ...]) -> bool:
    """Return whether a shape may fit a list below these keys."""
    return (
        view.is_marked
        or bool(view.inside)
        or (bool(keys) and (keys[0] in _LISTS or keys[0] in view.ours.keys or names_image(keys[0])))
    )


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

"""Where a document gives values to a chart: Argo CD, Flux, Helmfile, Skaffold, Fleet and Kustomize.

| shape                                                          | the chart, and its values from the lowest layer on  |
|----------------------------------------------------------------|-----------------------------------------------------|
| `{path, helm: {valueFiles, values, valuesObject, parameters}}` | a source of Argo CD: from the repository's top      |
| `{helm: {chart, valuesFiles, values}}`                         | Fleet: from the document's folder                   |
| `{kind: HelmRelease, spec: {chart: {spec: …}, values}}`        | Flux: from the repository's top; `valuesFiles` take |
|                                                                | the place of the chart's own `values.yaml`          |
| `releases: [{chart, values: […], set: […]}]`                   | Helmfile; Skaffold: `chartPath` and `valuesFiles`   |
| `helmCharts: [{name, valuesFile, valuesInline}]`               | Kustomize: below `helmGlobals.chartHome`            |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from ledger_tool.core.manifests.shapes.visit import text_at, value
from ledger_tool.core.manifests.yamltree import ComposedNode, YamlNode, YamlPlace, is_scalar, look_up

_MOST = 20_000  # nodes of a document
_MOST_LEVELS = 30
_PLACEHOLDER = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}|\$\{(.*?)\}")
_REFERENCE = re.compile(r"\$[\w.-]+/")  # of Argo CD: another source, which is a repository

Base = Literal["top", "here", "chart"]


class ValuesPath(NamedTuple):
    """The path of a file with values, and from where it starts."""

    path: str
    base: Base


class InlineValues(NamedTuple):
    """Values in the document: a mapping, a text with one, or a list of names and values."""

    node: YamlNode


ValuesLayer = ValuesPath | InlineValues


class ChartUse(NamedTuple):
    """A chart that gets values: the paths of the folder where it may be, none for one that is nowhere in a tree.

    `layers` are laid one over the other, in this order, and over the chart's own values if `has_own`.
    """

    charts: tuple[str, ...]
    base: Base
    layers: tuple[ValuesLayer, ...]
    has_own: bool = True


def uses_in(root: YamlNode) -> Iterator[ChartUse]:
    """Yield the uses of charts in a document."""
    seen: set[int] = set()
    ahead = [root]
    while ahead and len(seen) < _MOST:
        node = ahead.pop()
        if id(node) in seen or is_scalar(node):
            continue
        seen.add(id(node))
        if node.token.kind == "map":
            yield from _uses_at(node)
        ahead += [place.node for place in node.items]
        ahead += [place.node for _, place in node.pairs]


def _uses_at(node: YamlNode) -> Iterator[ChartUse]:
    helm = _map(node, "helm")
    if helm and value(helm, "chart"):
        files = _files(helm, "here", "valuesFiles")
        yield ChartUse((value(helm, "chart"),), "here", (*files, *_inline(helm, "values")))
    elif helm and (value(node, "repoURL") or value(node, "path")):
        yield _of_argo(node, helm)
    spec = _map(node, "spec")
    if spec and value(node, "kind") in ("HelmRelease", "HelmChart"):
        yield from _of_flux(spec)
    for release in _items(node, "releases"):
        yield _of_release(release)
    for key in ("helmCharts", "helmChartInflationGenerator"):
        home = value(_map(node, "helmGlobals") or node, "chartHome")
        yield from (_of_kustomize(item, home) for item in _items(node, key))


def _of_argo(source: YamlNode, helm: YamlNode) -> ChartUse:
    files = []
    for file in _files(helm, "chart", "valueFiles"):
        path = _REFERENCE.sub("/", file.path, count=1) if _REFERENCE.match(file.path) else file.path
        files.append(ValuesPath(path.lstrip("/"), "top") if path.startswith("/") else file)
    path = "" if value(source, "chart") else value(source, "path")
    return ChartUse((path,) if path else (), "top", (*files, *_inline(helm, "values", "valuesObject", "parameters")))


def _of_flux(spec: YamlNode) -> Iterator[ChartUse]:
    template = _map(_map(spec, "chart") or spec, "spec") or spec
    chart, source = value(template, "chart"), _map(template, "sourceRef")
    if not (chart or look_up(spec, "chartRef")):
        return
    is_here = bool(source) and value(source or spec, "kind") in ("GitRepository", "Bucket")
    files = _files(template, "top", "valuesFiles", "valuesFile")
    inline = _inline(spec, "values", "valuesContent")
    yield ChartUse((chart,) if is_here and chart else (), "top", (*files, *inline), has_own=not files)


def _of_release(release: YamlNode) -> ChartUse:
    chart = value(release, "chart") or value(release, "chartPath")
    items = _items(release, "values", scalars=True)
    listed = [ValuesPath(one.token.text, "here") if is_scalar(one) else InlineValues(one) for one in items]
    layers = (*_files(release, "here", "valuesFiles"), *listed, *_inline(release, "overrides", "set"))
    return ChartUse((chart,) if chart else (), "here", layers)


def _of_kustomize(item: YamlNode, home: str) -> ChartUse:
    name, version = value(item, "name") or value(item, "chartName"), value(item, "version")
    home = value(item, "chartHome") or home or "charts"
    charts = (f"{home}/{name}", f"{home}/{name}-{version}/{name}") if name else ()
    files = _files(item, "here", "valuesFile", "values", "additionalValuesFiles")
    inline = _inline(item, "valuesInline")
    how = value(item, "valuesMerge")
    is_below = how == "merge"  # the file is laid over what is written here
    layers: list[ValuesLayer] = [*inline, *files] if is_below else [*files, *inline]
    return ChartUse(charts, "here", tuple(inline if how == "replace" else layers))


def _map(node: YamlNode, key: str) -> YamlNode | None:
    place = look_up(node, key)
    return place.node if place and place.node.token.kind == "map" else None


def _items(node: YamlNode, key: str, *, scalars: bool = False) -> list[YamlNode]:
    place = look_up(node, key)
    items: Sequence[YamlPlace] = place.node.items if place else ()
    return [one.node for one in items if one.node.token.kind == "map" or (scalars and text_at(one))]


def _files(node: YamlNode, base: Base, *keys: str) -> list[ValuesPath]:
    found = []
    for key in keys:
        place = look_up(node, key)
        if place:
            found += [text_at(one) for one in (place.node.items or [place])]
    return [ValuesPath(path, base) for path in found if path]


def _inline(node: YamlNode, *keys: str) -> list[InlineValues]:
    places = [place for key in keys if (place := look_up(node, key))]
    return [InlineValues(place.node) for place in places if not is_scalar(place.node) or "\n" in place.node.token.text]


def parameters(node: YamlNode) -> YamlNode:
    """Return what a list of names and values sets, as the mapping that Helm makes of it."""
    root = _mapping(node)
    for place in node.items:
        path, content = text_at(look_up(place.node, "name")), look_up(place.node, "value")
        if not path or not content or "[" in path or "\\" in path:
            continue
        *above, last = path.split(".")
        inner = root
        for key in above[:_MOST_LEVELS]:
            found = inner.named.get(key)
            child = _composed(found[1].node if found else None) or _mapping(node)
            _add(inner, key, YamlPlace(node.token, child))
            inner = child
        _add(inner, last, content)
    return root


def _mapping(node: YamlNode) -> ComposedNode:
    return ComposedNode(node.token._replace(kind="map"))


def _composed(node: YamlNode | None) -> ComposedNode | None:
    """Return a mapping that can be added to, or None if the node is not a mapping."""
    if node is None or isinstance(node, ComposedNode):
        return node
    is_map = node.token.kind == "map"
    return ComposedNode(node.token, pairs=node.pairs, named=node.named, merged=node.merged) if is_map else None


def _add(mapping: ComposedNode, key: str, place: YamlPlace) -> None:
    token = mapping.token._replace(kind="scalar", text=key)
    if key not in mapping.named:
        mapping.pairs = [*mapping.pairs, (YamlNode(token), place)]
    mapping.named = {**mapping.named, key: (token, place)}


def has_placeholders(path: str) -> bool:
    """Return whether a part of a path is only known when it is rendered."""
    return bool(_PLACEHOLDER.search(path))


def matcher(path: str, known: Mapping[str, str]) -> re.Pattern[str]:
    """Return what matches a path whose placeholders stand for any names, or for those that are `known`.

    The groups `p0`, `p1`, … have what the placeholders stand for; see `bound`.
    """
    parts, end, names = [], 0, _names(path)
    for found in _PLACEHOLDER.finditer(path):
        parts.append(re.escape(path[end : found.start()]))
        name = found[1] or found[2] or ""
        number, end = names.index(name), found.end()
        some = ".+" if name.endswith("path") else "[^/]+"  # Argo CD's `path` may have several parts
        first = f"(?P<p{number}>{some})" if f"(?P<p{number}>" not in "".join(parts) else f"(?P=p{number})"
        parts.append(re.escape(known[name]) if name in known else first)
    return re.compile("".join([*parts, re.escape(path[end:])]))


def bound(path: str, match: re.Match[str]) -> dict[str, str]:
    """Return what the placeholders of a path stand for in a match."""
    groups = match.groupdict()
    return {name: groups[f"p{number}"] for number, name in enumerate(_names(path)) if f"p{number}" in groups}


def _names(path: str) -> list[str]:
    return list(dict.fromkeys(found[1] or found[2] or "" for found in _PLACEHOLDER.finditer(path)))

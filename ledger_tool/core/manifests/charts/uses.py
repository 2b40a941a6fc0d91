"""Where a document gives values to a chart: Argo CD, Flux, Helmfile, Skaffold, Fleet, Terraform and Kustomize.

| shape                                                          | the chart, and its values from the lowest layer on  |
|----------------------------------------------------------------|-----------------------------------------------------|
| `{path, helm: {valueFiles, values, valuesObject, parameters}}` | a source of Argo CD: from the repository's top      |
| `{helm: {chart, valuesFiles, values}}`                         | Fleet: from the document's folder                   |
| `{kind: HelmRelease, spec: {chart: {spec: …}, values}}`        | Flux: from the repository's top; `valuesFiles` take |
|                                                                | the place of the chart's own `values.yaml`          |
| `releases: [{chart, values: […], set: […]}]`                   | Helmfile; Skaffold: `chartPath` and `valuesFiles`   |
| `helmCharts: [{name, valuesFile, valuesInline}]`               | Kustomize: below `helmGlobals.chartHome`            |
| `helm_release: {NAME: {chart, values, set}}`                   | Terraform in JSON: from the document's folder       |
| `{kind: Release, spec: {forProvider: {chart, values, set}}}`   | Crossplane: one that is not in a tree               |
| `{chart_ref, release_values, values_files, set_values}`        | Ansible: from the document's folder                 |

An object of the same kind and name without a chart is a patch: its values are laid over those of the object. What is
not here, as `valuesFrom`, or not a text that can be followed, is a layer too: an unknown one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests.charts.layers import (
    SAYS_VERSION,
    ChartUse,
    InlineValues,
    UnknownValues,
    ValuesLayer,
    ValuesPath,
    dotted,
    files_at,
    inline_at,
    items_at,
    map_at,
    set_at,
    unknown,
)
from ledger_tool.core.manifests.charts.patches import KINDS, of_operations, of_patch, template_patch
from ledger_tool.core.manifests.shapes.visit import text_at, value
from ledger_tool.core.manifests.yamltree import YamlNode, is_scalar, keys, look_up

_MOST = 20_000  # nodes of a document
_REFERENCE = re.compile(r"\$[\w.-]+/")  # of Argo CD: another source, which is a repository
_HERE = "."


def uses_in(root: YamlNode, file: str = "") -> Iterator[ChartUse]:
    """Yield the uses of charts in a document of a file with this name."""
    yield from _beside_chart(root, file)
    seen: set[int] = set()
    ahead: list[tuple[YamlNode, tuple[str, str], UnknownValues | None]] = [(root, ("", ""), None)]
    while ahead and len(seen) < _MOST:
        node, owner, above = ahead.pop()
        if id(node) in seen or is_scalar(node):
            continue
        seen.add(id(node))
        if node.token.kind == "map":
            owner, above = _owner(node) or owner, template_patch(node) or above
            for use in _uses_at(node, owner):
                layers = (*use.layers, above) if above else use.layers
                yield use._replace(layers=layers, owner=use.owner if use.owner[0] else owner)
        elif node is root and node.items:
            yield from of_operations(node)
        ahead += [(place.node, owner, above) for place in node.items]
        ahead += [(place.node, owner, above) for _, place in node.pairs]


def _owner(node: YamlNode) -> tuple[str, str] | None:
    kind, metadata = value(node, "kind"), map_at(node, "metadata")
    if kind not in KINDS:
        return None
    return kind.removesuffix("Config"), value(metadata, "name") if metadata else ""


def _beside_chart(root: YamlNode, file: str) -> Iterator[ChartUse]:
    """Yield what a file gives to the chart in its own folder."""
    helm = map_at(root, "helm") if root.token.kind == "map" else None
    if helm and file.startswith(".argocd-source") and file.endswith(".yaml"):
        yield ChartUse((_HERE,), "here", (*files_at(helm, "chart", "valueFiles"), *_of_helm(helm)))
    elif helm and file in ("fleet.yaml", "fleet.yml") and not value(helm, "chart"):
        yield from _of_fleet(root, helm, _HERE)


def _uses_at(node: YamlNode, owner: tuple[str, str]) -> Iterator[ChartUse]:
    helm = map_at(node, "helm")
    if helm and value(helm, "chart"):
        yield from _of_fleet(node, helm, value(helm, "chart"))
    elif look_up(node, "helm") and (value(node, "repoURL") or value(node, "path")):
        yield _of_argo(node, helm)
    elif helm and owner[0].startswith("Application"):
        yield _of_argo(node, helm)._replace(is_patch=True)
    yield from _of_object(node)
    if chart := value(node, "chart_ref"):
        yield _of_ansible(node, chart)
    for release in items_at(node, "releases"):
        yield from _of_release(release, map_at(node, "templates"))
    if released := map_at(node, "helm_release"):
        yield from _of_terraform(released)
    for key in ("helmCharts", "helmChartInflationGenerator"):
        home = value(map_at(node, "helmGlobals") or node, "chartHome")
        yield from (_of_kustomize(item, home) for item in items_at(node, key))
    for key in ("patches", "patchesJson6902", "patchesStrategicMerge"):
        place = look_up(node, key)
        for one in place.node.items if place else ():
            yield from of_patch(one)


def _of_object(node: YamlNode) -> Iterator[ChartUse]:
    spec = map_at(node, "spec")
    if spec and value(node, "kind") in ("HelmRelease", "HelmChart", "HelmChartConfig"):
        yield from _of_flux(spec)
    if value(node, "kind") == "HelmChartInflationGenerator":
        yield _of_kustomize(node, "")
    if spec and value(node, "kind") == "Release" and (given := map_at(spec, "forProvider")):
        yield _of_crossplane(given)


def _of_fleet(node: YamlNode, helm: YamlNode, chart: str) -> Iterator[ChartUse]:
    from_elsewhere = unknown(helm, "valuesFrom", "they are in a ConfigMap or a Secret")
    layers = (*files_at(helm, "here", "valuesFiles"), *inline_at(helm, "values"), *from_elsewhere)
    start = helm.token.start
    yield ChartUse((chart,), "here", layers, name=chart, start=start)
    for target in items_at(node, "targetCustomizations"):
        own = map_at(target, "helm")
        if own:
            others = (*files_at(own, "here", "valuesFiles"), *inline_at(own, "values"))
            yield ChartUse((value(own, "chart") or chart,), "here", (*layers, *others), name=chart, start=start)


def _of_argo(source: YamlNode, helm: YamlNode | None) -> ChartUse:
    files = []
    for file in files_at(helm, "chart", "valueFiles") if helm else ():
        path = _REFERENCE.sub("/", file.path, count=1) if _REFERENCE.match(file.path) else file.path
        files.append(ValuesPath(path.lstrip("/"), "top") if path.startswith("/") else file)
    path = "" if value(source, "chart") else value(source, "path")
    layers = (*files, *(_of_helm(helm) if helm else ()))
    place = look_up(source, "helm")
    start = source.named["helm"][0].start + 1 if "helm" in source.named else place.token.start if place else 0
    name, repository = value(source, "chart") or path, value(source, "repoURL")
    return ChartUse((path,) if path else (), "top", layers, name=name, start=start, repository=repository)


def _of_helm(helm: YamlNode) -> Iterator[ValuesLayer]:
    """Yield the layers in the `helm` of Argo CD that are not in files of their own."""
    yield from inline_at(helm, "values", "valuesObject", "parameters")
    for key in ("parameters", "fileParameters"):
        for item in items_at(helm, key):
            name = value(item, "name")
            if ("[" in name or key == "fileParameters") and SAYS_VERSION.search(name):
                yield UnknownValues(item.token.line, f"`{name}` is not followed")


def _of_flux(spec: YamlNode) -> Iterator[ChartUse]:
    template = map_at(map_at(spec, "chart") or spec, "spec") or spec
    reference = map_at(spec, "chartRef")
    chart, source = value(template, "chart"), map_at(template, "sourceRef")
    is_here = bool(source) and value(source or spec, "kind") in ("GitRepository", "Bucket")
    if older := None if chart else map_at(spec, "chart"):  # of Flux 1
        chart, is_here = value(older, "path") or value(older, "name"), bool(value(older, "path"))
    files = files_at(template, "top", "valuesFiles", "valuesFile")
    from_elsewhere = unknown(spec, "valuesFrom", "they are in a ConfigMap or a Secret")
    layers = (*files, *from_elsewhere, *inline_at(spec, "values", "valuesContent"), *dotted(spec, "set"))
    yield ChartUse(
        (chart,) if is_here and chart else (),
        "top",
        layers,
        has_own=not files,
        name=chart or (value(reference, "name") if reference else ""),
        is_patch=not (chart or reference),
        start=spec.token.start,
    )


def _of_release(release: YamlNode, templates: YamlNode | None) -> Iterator[ChartUse]:
    above: list[YamlNode] = []
    elsewhere: list[ValuesLayer] = []
    for item in items_at(release, "inherit"):
        name = value(item, "template")
        node = map_at(templates, name) if templates else None
        above += [node] if node else []
        why = f"it inherits from `{shown(name)}`, which is not in its document"
        elsewhere += [] if node else [UnknownValues(item.token.line, why)]
    nodes = [*above, release]
    charts = [chart for node in nodes if (chart := value(node, "chart") or value(node, "chartPath"))]
    layers = elsewhere
    for node in nodes:
        items = [one for key in ("values", "valuesTemplate") for one in items_at(node, key, scalars=True)]
        layers += files_at(node, "here", "valuesFiles", "secrets")
        layers += [
            ValuesPath(one.token.text, "here", one.token.line) if is_scalar(one) else InlineValues(one) for one in items
        ]
        layers += inline_at(node, "overrides", "set", "setString", "setTemplate")
        layers += [*dotted(node, "setValues"), *dotted(node, "setValueTemplates")]
    chart = charts[-1] if charts else ""
    yield ChartUse((chart,) if chart else (), "here", tuple(layers), name=chart, start=release.token.start)


def _of_terraform(released: YamlNode) -> Iterator[ChartUse]:
    for key in keys(released):
        place = look_up(released, key)
        for node in [one.node for one in place.node.items] or [place.node] if place else []:
            chart = value(node, "chart").removeprefix("${path.module}/")
            texts = look_up(node, "values")
            says = bool(texts) and any(SAYS_VERSION.search(text_at(one)) for one in (texts.node.items if texts else ()))
            layers = (*(unknown(node, "values", "they are expressions") if says else ()), *inline_at(node, "set"))
            yield ChartUse((chart,) if chart else (), "here", layers, name=chart, start=node.token.start)


def _of_crossplane(given: YamlNode) -> ChartUse:
    from_elsewhere = unknown(given, "valuesFrom", "they are in a ConfigMap or a Secret")
    layers = (*from_elsewhere, *inline_at(given, "values"), *set_at(given, "set", "name"))
    name = value(map_at(given, "chart") or given, "name")
    return ChartUse((), "here", layers, name=name, start=given.token.start)


def _of_ansible(task: YamlNode, chart: str) -> ChartUse:
    layers = (
        *inline_at(task, "release_values", "values"),
        *files_at(task, "here", "values_files"),
        *set_at(task, "set_values", "value"),
    )
    return ChartUse((chart,), "here", layers, name=chart, start=task.token.start)


def _of_kustomize(item: YamlNode, home: str) -> ChartUse:
    name, version = value(item, "name") or value(item, "chartName"), value(item, "version")
    home = value(item, "chartHome") or home or "charts"
    charts = (f"{home}/{name}", f"{home}/{name}-{version}/{name}") if name else ()
    files = files_at(item, "here", "valuesFile", "values", "additionalValuesFiles")
    inline = inline_at(item, "valuesInline")
    how = value(item, "valuesMerge")
    is_below = how == "merge"  # the file is laid over what is written here
    layers: list[ValuesLayer] = [*inline, *files] if is_below else [*files, *inline]
    return ChartUse(charts, "here", tuple(inline if how == "replace" else layers), name=name)

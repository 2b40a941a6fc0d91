"""Patches that lay values over those of objects that give values to charts: those of Kustomize and Argo CD in texts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ledger_tool.core.manifests.charts.layers import SAYS_VERSION, ChartUse, UnknownValues, map_at
from ledger_tool.core.manifests.events import may_have_structure
from ledger_tool.core.manifests.shapes.visit import text_at, value
from ledger_tool.core.manifests.yamltree import YamlNode, YamlPlace, look_up

KINDS = ("HelmRelease", "HelmChart", "HelmChartConfig", "Application", "ApplicationSet")
_HELM_PATH = re.compile(
    r"/(?:values|valuesObject|valuesFrom|valuesFiles|valueFiles|parameters|helm)(?:/|$)", re.MULTILINE
)
_PATCHED_KIND = re.compile(r"^\s*\"?kind\"?:\s*[\"']?(HelmRelease|Application|ApplicationSet)\b", re.MULTILINE)


def template_patch(node: YamlNode) -> UnknownValues | None:
    """Return the layer that the patch of an ApplicationSet is, over all that its template gives, or None."""
    place = look_up(node, "templatePatch") if look_up(node, "template") else None
    if not place or not SAYS_VERSION.search(place.node.token.text):
        return None
    return UnknownValues(place.token.line, "a `templatePatch` is a template of its own")


def of_patch(place: YamlPlace) -> Iterator[ChartUse]:
    """Yield what a patch of Kustomize in a block of text lays over objects that give values."""
    node = place.node
    text = value(node, "patch") if node.token.kind == "map" else text_at(place)
    if not may_have_structure(text) or not SAYS_VERSION.search(text):
        return
    target = map_at(node, "target") if node.token.kind == "map" else None
    kind = value(target, "kind") if target else ""
    if not kind and (said := _PATCHED_KIND.search(text)):
        kind = said[1]
    is_list = text.lstrip().startswith(("-", "["))
    if kind in KINDS and (not is_list or _HELM_PATH.search(text)):
        line = look_up(node, "patch")
        unknown = UnknownValues(line.token.line if line else node.token.line, f"a patch changes the {kind}")
        name = value(target, "name") if target else ""
        yield ChartUse((), "top", (unknown,), owner=(kind, name), is_patch=True)


def of_operations(root: YamlNode) -> Iterator[ChartUse]:
    """Yield what a file with a JSON patch lays over objects that give values: which, only its target would tell."""
    for place in root.items:
        path = value(place.node, "path") if place.node.token.kind == "map" else ""
        if path.startswith("/spec/") and value(place.node, "op") and _HELM_PATH.search(path):
            kind = "HelmRelease" if path.startswith("/spec/values") else "Application"
            unknown = UnknownValues(place.node.token.line, f"a patch changes the {kind}")
            yield ChartUse((), "top", (unknown,), owner=(kind, ""), is_patch=True)

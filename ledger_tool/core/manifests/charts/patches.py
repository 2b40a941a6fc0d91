"""Patches that lay values over those of objects that give values to charts: those of Kustomize and Argo CD in texts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator

from ledger_tool.core.manifests.charts.layers import SAYS_VERSION, ChartUse, UnknownValues, map_at
from ledger_tool.core.manifests.events import may_have_structure
from ledger_tool.core.manifests.shapes.visit import text_at, value
from ledger_tool.core.manifests.yamltree import YamlNode, YamlPlace, look_up

KINDS = ("HelmRelease", "HelmChart", "HelmChartConfig", "Application", "ApplicationSet")
_HELM_PATH = re.compile(
    r"/(?:values|valuesObject|valuesFrom|valuesFiles|valueFiles|parameters|helm)(?:[/\"',\s]|$)", re.MULTILINE
)
_PATCHED_KIND = re.compile(r"(?:^|[{,])\s*\"?kind\"?:\s*[\"']?(HelmRelease|Application|ApplicationSet)\b", re.MULTILINE)


def template_patch(node: YamlNode) -> UnknownValues | None:
    """Return the layer that the patch of an ApplicationSet is, over all that its template gives, or None."""
    place = look_up(node, "templatePatch") if look_up(node, "template") else None
    if not place or not SAYS_VERSION.search(place.node.token.text):
        return None
    return UnknownValues(place.token.line, "a `templatePatch` is a template of its own")


def of_patch(place: YamlPlace) -> Iterator[ChartUse]:
    """Yield what a patch of Kustomize in a text lays over objects that give values, and which those of a file are."""
    node = place.node
    if node.token.kind == "map" and value(node, "path") and (meant := map_at(node, "target")):
        owner = (value(meant, "kind"), value(meant, "name"))
        yield ChartUse((), "here", (), owner=owner, is_patch=True, patch_file=value(node, "path"))
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


Owner = tuple[str, str]  # the kind and the name of an object


class Patches:
    """The patches of a tree, and the objects for which those in files are."""

    def __init__(self) -> None:
        self._by_kind: dict[str, list[tuple[str, ChartUse]]] = {}
        self._targets: dict[str, list[Owner]] = {}

    def add(self, path: str, patch: ChartUse) -> None:
        """Add a patch in a file, or what a file says of one in another."""
        if patch.patch_file:
            place = posixpath.normpath(posixpath.join(posixpath.dirname(path), patch.patch_file))
            self._targets.setdefault(place, []).append(patch.owner)
        else:
            self._by_kind.setdefault(patch.owner[0], []).append((path, patch))

    def over(self, owner: Owner, names: Collection[str]) -> Iterator[tuple[str, ChartUse]]:
        """Yield the patches that may be for an object, with their files; `names` are those of all of its kind."""
        for path, patch in self._by_kind.get(owner[0], ()) if owner[0] else ():
            if self.is_over(path, patch, owner, names):
                yield path, patch

    def is_over(self, path: str, patch: ChartUse, owner: Owner, names: Collection[str]) -> bool:
        """Return whether a patch in a file may be for an object: what says where the patch is used decides, if it does.

        Kustomize does not look at the name in a patch beside a target.
        """
        kind, name = patch.owner
        named = [one for of, one in self._targets.get(path, ()) if of in ("", kind)] or [name]
        return owner[0] == kind and any(_may_be_meant(one, owner[1], names) for one in named)


def _may_be_meant(named: str, name: str, names: Collection[str]) -> bool:
    """Return whether an object with a name may be meant: also by its name with a prefix, or by an expression."""
    if named in ("", name):
        return True
    if named in names or not name:
        return False
    try:
        return name in named or bool(re.fullmatch(named, name))
    except re.error:
        return True


def of_operations(root: YamlNode) -> Iterator[ChartUse]:
    """Yield what a file with a JSON patch lays over objects that give values: which, only its target would tell."""
    for place in root.items:
        path = value(place.node, "path") if place.node.token.kind == "map" else ""
        if path.startswith("/spec/") and value(place.node, "op") and _HELM_PATH.search(path):
            kind = "HelmRelease" if path.startswith("/spec/values") else "Application"
            unknown = UnknownValues(place.node.token.line, f"a patch changes the {kind}")
            yield ChartUse((), "top", (unknown,), owner=(kind, ""), is_patch=True)

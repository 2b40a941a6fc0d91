"""What a `Chart.yaml` says of where its templates are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_tool.core.manifests.yamltree import YamlNode, is_scalar, look_up

_MOST = 200


@dataclass(frozen=True, slots=True)
class Dependency:
    """A chart that another one uses: its name, the key that its values have, and a folder or URL, or `""`."""

    name: str
    key: str
    repository: str = ""


@dataclass(frozen=True, slots=True)
class ChartMetadata:
    """The name of a chart, its kind and its dependencies. A library prints nothing by itself."""

    name: str = ""
    is_library: bool = False
    dependencies: tuple[Dependency, ...] = ()
    app_version: str = ""


def metadata_of(roots: Sequence[YamlNode]) -> ChartMetadata:
    """Return what the documents of a `Chart.yaml` say, or of a `requirements.yaml`, where Helm 2 has dependencies."""
    root = next(iter(roots), None)
    if root is None or root.token.kind != "map":
        return ChartMetadata()
    listed = look_up(root, "dependencies")
    items = listed.node.items[:_MOST] if listed else ()
    found = [_dependency(place.node) for place in items if place.node.token.kind == "map"]
    dependencies = tuple(one for one in found if one.name)
    is_library = _text(root, "type") == "library"
    return ChartMetadata(_text(root, "name"), is_library, dependencies, _text(root, "appVersion"))


def _dependency(node: YamlNode) -> Dependency:
    name = _text(node, "name")
    return Dependency(name, _text(node, "alias") or name, _text(node, "repository"))


def _text(node: YamlNode, key: str) -> str:
    place = look_up(node, key)
    return place.node.token.text.strip() if place and is_scalar(place.node) else ""

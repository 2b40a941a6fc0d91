"""What sets values of a chart one by one: the names are their paths."""

from __future__ import annotations

from ledger_tool.core.manifests.shapes.visit import text_at
from ledger_tool.core.manifests.yamltree import ComposedNode, YamlNode, YamlPlace, look_up

_MOST_LEVELS = 30


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

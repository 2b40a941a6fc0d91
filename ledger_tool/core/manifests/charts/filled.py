"""Which of a chart's values are set in its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ledger_tool.core.manifests.charts.paths import GLOBAL, VALUES, Path, merged_globals
from ledger_tool.core.manifests.tokens import TextFault
from ledger_tool.core.manifests.yamltree import YamlNode, keys, look_up

_MOST = 20_000
_MOST_LEVELS = 30
_MOST_FILES = 1_000
_EMPTY = ("", "~", "null", "Null", "NULL", "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "0", "0.0")


def filled_places(files: Iterable[Sequence[YamlNode]]) -> frozenset[Path] | None:
    """Return the places of values that any file sets, those around them too, or None if these are not known.

    `files` are the roots of each, and may raise TextFault.
    """
    found: set[Path] = set()
    try:
        for number, roots in enumerate(files):
            for path in (path for root in roots for path in _filled(root, VALUES)):
                found.add(merged_globals(path))
                if number >= _MOST_FILES or len(found) > _MOST or len(path) > _MOST_LEVELS:
                    return None
    except TextFault:
        return None
    return frozenset(found)


def handed_down(places: frozenset[Path], key: str) -> frozenset[Path]:
    """Return which values a chart's places are for the subchart that has its values at a key."""
    own = {(*VALUES, *path[2:]) for path in places if path[1:2] == (key,)}
    return frozenset(own | {path for path in places if path[1:2] == (GLOBAL,)})


def _filled(node: YamlNode, path: Path) -> Iterator[Path]:
    kind = node.token.kind
    if kind == "scalar":
        is_empty = node.token.text == "" if node.token.style else node.token.text in _EMPTY
        if not is_empty:
            yield path
    elif kind == "list":
        if node.items:
            yield path
    elif node.pairs:
        yield path
        for key in keys(node):
            if place := look_up(node, key):
                yield from _filled(place.node, (*path, key))

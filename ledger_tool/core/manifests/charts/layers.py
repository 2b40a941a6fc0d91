"""Values that a document gives to a chart: in files, in the document, or where they are not known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ledger_tool.core.manifests.shapes.visit import text_at, value
from ledger_tool.core.manifests.yamltree import YamlNode, YamlPlace, is_scalar, keys, look_up

SAYS_VERSION = re.compile(r"(?i)tag|digest|\bsha|image|repository|registry|version")  # a part of an image
_URL = re.compile(r"[a-z][a-z0-9+.-]*://")

Base = Literal["top", "here", "chart"]


class ValuesPath(NamedTuple):
    """The path of a file with values, and from where it starts.

    `line` names it where a path that no file here fits may still be that of one: it has placeholders, or is a URL.
    """

    path: str
    base: Base
    line: int = 0


class InlineValues(NamedTuple):
    """Values in the document: a mapping, a text with one, or a list of names and values."""

    node: YamlNode


class UnknownValues(NamedTuple):
    """Values that are not here, or that cannot be followed: the line that gives them, why, and what can be read."""

    line: int
    why: str
    node: YamlNode | None = None


ValuesLayer = ValuesPath | InlineValues | UnknownValues


class ChartUse(NamedTuple):
    """A chart that gets values: the paths of the folder where it may be, none for one that is nowhere in a tree.

    `layers` are laid one over the other, in this order, and over the chart's own values if `has_own`. `name` is what
    the chart is called where it comes from. `owner` is the object that gives them, by kind and name; with `is_patch`,
    they are laid over all that it gives. `start` is in the text where the use begins: what is indented less is not
    a part of it. `repository` is the URL of the one with the chart, if that is said. `patch_file` is the path of a file
    whose patch is for the owner, whatever it names itself.
    """

    charts: tuple[str, ...]
    base: Base
    layers: tuple[ValuesLayer, ...]
    has_own: bool = True
    name: str = ""
    owner: tuple[str, str] = ("", "")
    is_patch: bool = False
    start: int = 0
    repository: str = ""
    patch_file: str = ""


def unknown(node: YamlNode, key: str, why: str) -> list[UnknownValues]:
    """Return the layer of what a key gives, if it is there."""
    place = look_up(node, key)
    is_there = place and (place.node.items or place.node.pairs or place.node.token.text)
    return [UnknownValues(place.token.line, f"`{key}` gives it values, and {why}")] if place and is_there else []


def dotted(node: YamlNode, key: str) -> list[UnknownValues]:
    """Return what a mapping from paths to values sets, if it may set a part of an image."""
    found = map_at(node, key)
    names = [name for name in keys(found) if SAYS_VERSION.search(name)] if found else []
    return (
        [UnknownValues(found.token.line, f"`{key}` sets `{names[0]}`, and is not followed")] if found and names else []
    )


def set_at(node: YamlNode, key: str, named: str) -> list[UnknownValues]:
    """Return what a list sets, of which each item has the path of a value at `named`, if it may be of an image."""
    items = [item for item in items_at(node, key) if SAYS_VERSION.search(value(item, named))]
    return [UnknownValues(one.token.line, f"`{key}` sets `{value(one, named)}`, and is not followed") for one in items]


def map_at(node: YamlNode, key: str) -> YamlNode | None:
    """Return the mapping at a key, or None."""
    place = look_up(node, key)
    return place.node if place and place.node.token.kind == "map" else None


def items_at(node: YamlNode, key: str, *, scalars: bool = False) -> list[YamlNode]:
    """Return the mappings in the list at a key, and with `scalars`, the texts."""
    place = look_up(node, key)
    items: Sequence[YamlPlace] = place.node.items if place else ()
    return [one.node for one in items if one.node.token.kind == "map" or (scalars and text_at(one))]


def files_at(node: YamlNode, base: Base, *keys: str) -> list[ValuesPath]:
    """Return the files that keys name, in one text or a list."""
    places = [place for key in keys if (place := look_up(node, key))]
    found = [one for place in places for one in (place.node.items or [place]) if text_at(one)]
    return [ValuesPath(path := text_at(one), base, one.token.line if _URL.match(path) else 0) for one in found]


def inline_at(node: YamlNode, *keys: str) -> list[ValuesLayer]:
    """Return the values at keys; a text of one line with a mapping is not followed."""
    found: list[ValuesLayer] = []
    for place in [place for key in keys if (place := look_up(node, key))]:
        text = place.node.token.text
        if not is_scalar(place.node) or "\n" in text:
            found.append(InlineValues(place.node))
        elif ":" in text and SAYS_VERSION.search(text):
            found.append(UnknownValues(place.token.line, "it is a text in one line"))
    return found

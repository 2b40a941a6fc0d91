"""Where else a text goes that an image shares through an anchor and its aliases."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace

from ledger_tool.core.manifests.shapes.keys import VARIABLES, role, says_image, words
from ledger_tool.core.manifests.site import Site, SiteField
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import YamlBranch

_EXTENDED = ("whole", "tag", "tagged")  # what can get a digest behind it
_TEXTS = VARIABLES | {"labels", "annotations"}  # of an object, for anything
_STORES = frozenset({"anchors", "aliases", "definitions"})


def with_other_uses(root: YamlBranch, sites: Sequence[Site], used: Container[int]) -> list[Site]:
    """Return the sites of a document, which know in which line their text is used for something else.

    `used` are the numbers of the tokens, aliases too, at which an image is read.
    """
    shared = {field.token.number: field.token for site in sites for field in site.fields if _may_be_shared(field)}
    lines = _other_lines(root, shared, used) if shared else {}
    return [replace(site, shared_at=line) if (line := _line_of(site, lines)) else site for site in sites]


def _may_be_shared(field: SiteField) -> bool:
    return bool(field.token.anchor) and field.part in _EXTENDED


def _line_of(site: Site, lines: Mapping[int, int]) -> int:
    return next((lines[field.token.number] for field in site.fields if field.token.number in lines), 0)


def _other_lines(root: YamlBranch, shared: Mapping[int, TextToken], used: Container[int]) -> dict[int, int]:
    """Return the line of the first other use of each of these scalars that has one, by their numbers."""
    tokens = root.whole.tokens
    anchors = tokens.anchors()
    last: dict[str, int] = {}  # by their names, which may be given again
    aliased: set[int] = set()
    lines: dict[int, int] = {}
    for number, kind in enumerate(tokens.kinds):
        if kind == "alias" and (anchored := last.get(tokens.token(number).text, -1)) in shared:
            aliased.add(anchored)
            if number not in used:
                lines.setdefault(anchored, tokens.token(number).line)
        elif number in anchors:
            last[anchors[number]] = number
    unread = {number for number in aliased if number not in used and number not in lines}
    return lines | {number: shared[number].line for number, keys in _keys(root, unread) if not _is_store(keys)}


def _keys(root: YamlBranch, numbers: set[int]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the numbers of scalars with the keys above each, the nearest first; `""` for a list item."""
    ahead: list[tuple[YamlBranch, tuple[str, ...]]] = [(root, ())] if numbers else []
    while ahead:
        node, keys = ahead.pop()
        inside = [(key.token.text, place) for key, place in node.pairs] + [("", place) for place in node.items]
        for key, place in inside:
            if place.token.number in numbers:
                yield place.token.number, (key, *keys)
            elif place.token.kind != "alias" and isinstance(place.node, YamlBranch):
                ahead.append((place.node, (key, *keys)))


def _is_store(keys: tuple[str, ...]) -> bool:
    """Return whether a value below these keys is there for its aliases alone, or may be part of an image as well."""
    key, top = keys[0], keys[-1]
    if len(keys) == 1 or top in _STORES or top.startswith(("x-", ".", "_")):
        return True
    is_text = not _TEXTS.isdisjoint(keys)
    what = role(key)
    return not is_text and (says_image(key) or (what is not None and words(key)[-1:] != ("version",)))

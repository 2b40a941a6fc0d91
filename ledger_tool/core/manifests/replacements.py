"""Kustomize's `replacements` that take an image apart at a sign: a digest behind its tag would have this sign too.

`options: {delimiter: ":", index: 1}` replaces the tag of `app:v1`. Of `app:v1@sha256:…` it would replace all up to the
next colon. A source is taken apart in the same way.

Without a delimiter, a value is replaced as a whole. Where an image has fields of its own for name, tag and digest, the
others stay: a digest would be that of another tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests.events import EventTokens
from ledger_tool.core.manifests.shapes.keys import role
from ledger_tool.core.manifests.shapes.visit import text_at, value
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import YamlNode, is_scalar, look_up, tree
from ledger_tool.core.policy.reference import split

_PART = re.compile(r"(?:\\.|\[[^\]]*\]|[^.\[\\])+")
_MATCH = re.compile(r"\[([^=\]]+)=([^\]]*)\]")
_PATTERN = re.compile(r"[^\w.-]")
_MOST = 1_000  # places
_MOST_NODES = 20_000


class TakenApart(NamedTuple):
    """An object's field that a replacement takes apart at `delimiter`; `where` it says so. `""` is any kind or name.

    Without a delimiter, it is replaced as a whole.
    """

    kind: str
    name: str
    path: tuple[str, ...]
    delimiter: str
    where: str

    @property
    def why(self) -> str:
        """Why no digest may be there."""
        if not self.delimiter:
            return f"{self.setter} sets a part of it, so its digest would be that of another image: set all of it there"
        return (
            f"a replacement in {self.where} takes it apart at `{shown(self.delimiter, 20)}`, and a digest would be in "
            "one of the parts: set the tag by `images` in its place"
        )

    @property
    def setter(self) -> str:
        """What replaces the value, for messages."""
        return f"a replacement in {self.where}"


def taken_apart(root: YamlNode, file: str) -> Iterator[TakenApart]:
    """Yield what the replacements in a document take apart: a kustomization, a transformer, or a file of them."""
    place = look_up(root, "replacements")
    for item in [*(one.node for one in place.node.items)] if place else [*(one.node for one in root.items), root]:
        yield from _of_replacement(item, file)


def named_files(root: YamlNode) -> Iterator[str]:
    """Yield the paths of the files that have replacements of a kustomization."""
    for key in ("replacements", "transformers"):
        place = look_up(root, key)
        for item in place.node.items if place else ():
            if path := text_at(item) if is_scalar(item.node) else value(item.node, "path"):
                yield path


def resources(root: YamlNode) -> Iterator[str]:
    """Yield the paths of what a kustomization is made of."""
    for key in ("resources", "bases", "components"):
        place = look_up(root, key)
        yield from (text_at(item) for item in (place.node.items if place else ()) if is_scalar(item.node))


def judged_whole(
    sites: Sequence[Site], tokens: Sequence[TextToken], rules: Callable[[], Sequence[TakenApart]]
) -> Sequence[Site]:
    """Return the sites of a document with these tokens; those that are taken apart know that they get no digest."""
    found = rules() if sites and isinstance(tokens, EventTokens) else ()
    if not found or not isinstance(tokens, EventTokens):
        return sites
    rules_at = {number: rule for root in tree(tokens) for number, rule in _tokens_taken_apart(root, found).items()}
    return [_replaced(site, rules_at) for site in sites]


def _replaced(site: Site, rules: Mapping[int, TakenApart]) -> Site:
    """Return a site that knows what a replacement does to it: one that is replaced as a whole is set elsewhere."""
    rule = next((rules[field.token.number] for field in site.fields if field.token.number in rules), None)
    if not rule:
        return site
    if not rule.delimiter and site.whole:
        return replace(site, replaced=rule.setter)
    return replace(site, misprint=site.misprint or rule.why)


def names_taken_apart(root: YamlNode, rules: Sequence[TakenApart]) -> Iterator[str]:
    """Yield the names of the images in a document that rules take apart."""
    numbers = _tokens_taken_apart(root, rules)
    ahead = [root] if numbers else []
    for _ in range(_MOST_NODES):
        if not ahead:
            return
        node = ahead.pop()
        if node.token.number in numbers and is_scalar(node):
            yield split(node.token.text).name
        ahead += [*(one.node for one in node.items), *(one.node for _, one in node.pairs)]


def in_images(names: Iterable[str], rule: TakenApart) -> Iterator[TakenApart]:
    """Yield what is taken apart of the `images` of a kustomization, which are set before: those of these names."""
    for name in sorted(names):
        for key in ("newTag", "newName", "digest"):
            yield rule._replace(kind="", name="", path=("images", f"[name={name}]", key))


def _tokens_taken_apart(root: YamlNode, rules: Sequence[TakenApart]) -> Mapping[int, TakenApart]:
    """Return the numbers of the tokens of a document that rules take apart, and the rules.

    Where a field of an image is replaced as a whole, its other fields count too.
    """
    items = look_up(root, "items") if value(root, "kind").endswith("List") else None
    if items:
        return {at: rule for one in items.node.items for at, rule in _tokens_taken_apart(one.node, rules).items()}
    metadata = look_up(root, "metadata")
    kind, name = value(root, "kind"), value(metadata.node, "name") if metadata else ""
    found: dict[int, TakenApart] = {}
    for rule in rules:
        if _fits(rule.kind, kind) and _fits(rule.name, name):
            for node in _at(root, rule.path) if rule.delimiter else _fields_at(root, rule.path):
                found.setdefault(node.token.number, rule)
    return found


def _of_replacement(node: YamlNode, file: str) -> Iterator[TakenApart]:
    source = look_up(node, "source")
    if source:
        delimiter, index = _options(source.node)
        if delimiter not in ("", "/", "@") and not (delimiter == ":" and index in ("", "0")):
            path = _parts(value(source.node, "fieldPath"))
            yield TakenApart(*_selected(source.node), path, delimiter, f"{file}:{source.token.line}")
    targets = look_up(node, "targets")
    for target in (one.node for one in targets.node.items) if targets else ():
        select, paths = look_up(target, "select"), look_up(target, "fieldPaths")
        delimiter, _ = _options(target)
        if delimiter == "/" or not select or not paths:  # no digest has a slash
            continue
        for one in paths.node.items:
            where = f"{file}:{one.token.line}"
            yield TakenApart(*_selected(select.node), _parts(text_at(one)), delimiter, where)


def _options(node: YamlNode) -> tuple[str, str]:
    options = look_up(node, "options")
    return (value(options.node, "delimiter"), value(options.node, "index")) if options else ("", "")


def _selected(node: YamlNode) -> tuple[str, str]:
    return value(node, "kind"), value(node, "name")


def _parts(path: str) -> tuple[str, ...]:
    return tuple(re.sub(r"\\(.)", r"\1", part) for part in _PART.findall(path))


def _fits(wanted: str, name: str) -> bool:
    """Return whether an object may be meant: by an expression, or by its name with a prefix or a suffix."""
    return not wanted or bool(_PATTERN.search(wanted)) or (bool(name) and name in wanted)


def _fields_at(root: YamlNode, path: tuple[str, ...]) -> Iterator[YamlNode]:
    """Yield the scalars at a path and below it, and those beside it, if it is that of a part of an image."""
    for node in _nodes_at(root, path):
        yield node
        yield from (place.node for _, place in node.pairs)
    if path and role(path[-1]):
        for node in _nodes_at(root, path[:-1]):
            yield from (place.node for key in node.named if role(key) and (place := look_up(node, key)))


def _at(node: YamlNode, path: tuple[str, ...]) -> Iterator[YamlNode]:
    """Yield the scalars at a path."""
    return filter(is_scalar, _nodes_at(node, path))


def _nodes_at(node: YamlNode, path: tuple[str, ...]) -> Iterator[YamlNode]:
    """Yield the nodes at a path."""
    ahead = [(node, path)]
    for _ in range(_MOST):
        if not ahead:
            return
        node, path = ahead.pop()
        if not path:
            yield node
            continue
        part, rest = path[0], path[1:]
        if node.token.kind == "list":
            items = [one.node for one in node.items]
            ahead += [(item, rest) for number, item in enumerate(items) if _is_meant(item, number, part)]
        elif node.token.kind == "map":
            names = list(node.named) if part == "*" else [part]
            ahead += [(place.node, rest) for name in names if (place := look_up(node, name))]


def _is_meant(item: YamlNode, number: int, part: str) -> bool:
    if matched := _MATCH.fullmatch(part):
        place = look_up(item, matched[1])
        return not place or text_at(place) == matched[2]
    return part == "*" or part in (str(number), "-")

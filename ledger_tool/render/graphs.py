"""A part of the dependency graph for people (a tree) and for drawing tools (DOT, Mermaid)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ledger_tool.core.dependencies.subgraph import GraphNode, Link, Subgraph
from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import escaped, some_of
from ledger_tool.render.view import short_digest

Drawn = tuple[Sequence[GraphNode], list[tuple[int, int, bool]]]
DEEPEST = 100  # levels of the tree; every line starts with all of its levels


def as_tree(outline: Subgraph, *, names_base: bool = True) -> Iterator[str]:
    """Yield the lines of a tree. Nothing is shown twice, so cycles are not followed.

    `names_base` says how a link is read: from an image to its base, or from a base to what is built on it.
    """
    in_cycle = {node_number: number for number, cycle in enumerate(outline.cycles) for node_number in cycle}
    shown: set[int] = set()
    # For each node: its parent, the link from there, its number, the indentation, whether siblings follow, the depth.
    pending: list[tuple[int | None, Link | None, int, str, bool, int]] = [
        (None, None, root, "", False, 0) for root in reversed(outline.roots)
    ]
    while pending:
        parent, link, node_number, indent, more, depth = pending.pop()
        branch = "" if link is None else "├── " if more else "└── "
        below = outline.links[node_number]
        marks = _marks(outline.nodes[node_number], link, names_base=names_base)
        repeated = node_number in shown and bool(below)
        if repeated:
            cycle = parent is not None and node_number in in_cycle and in_cycle.get(parent) == in_cycle[node_number]
            marks.append("a cycle: not followed" if cycle else "shown above")
        shown.add(node_number)
        yield indent + branch + _title(outline.nodes[node_number]) + (f"  ({'; '.join(marks)})" if marks else "")
        if repeated or not below:
            continue
        indent += "" if link is None else "│   " if more else "    "
        if depth >= DEEPEST:
            yield f"{indent}└── …  (deeper than {DEEPEST} levels; `--format json` shows everything)"
            continue
        for number, link in reversed(list(enumerate(below))):
            pending.append((node_number, link, link.to, indent, number < len(below) - 1, depth + 1))


def _title(node: GraphNode) -> str:
    if node.record is None:
        return escaped(_short_reference(node.text))
    return f"{node.text}  {short_digest(node.record.digest)}"


def _marks(node: GraphNode, link: Link | None, *, names_base: bool) -> list[str]:
    """Return remarks on a node, and on the link that leads to it."""
    marks = []
    if node.record is not None and node.record.yanked:
        marks.append("yanked")
    if link is None:
        return marks
    if names_base and node.record is None:
        marks.append("not in the ledger")
    if not names_base and link.base.now:
        marks.append(f"on {_short_reference(link.base.text)}")
    if link.base.now:
        tag = f"{link.base.named.name}:{link.base.reference.tag}"
        marks.append(f"{tag} is now {short_digest(link.base.now)}")
    return marks


def _short_reference(text: str) -> str:
    """Return a reference or digest with the digest shortened."""
    name, digest = _parts(text)
    return f"{name}@{digest}" if name and digest else name or digest


def _parts(text: str) -> tuple[str, str]:
    name, separator, digest = text.rpartition("@")
    if separator:
        return name, short_digest(digest)
    return ("", short_digest(text)) if re.fullmatch(names.DIGEST, text) else (text, "")


def cycle_notes(outline: Subgraph) -> Iterator[str]:
    """Yield a warning for each cycle."""
    for cycle in outline.cycles:
        images = some_of([outline.nodes[number].text for number in cycle], 5)
        yield f"warning: built on itself, in a cycle: {images}"


def as_dot(nodes: Sequence[GraphNode], links: Sequence[tuple[int, int, bool]]) -> Iterator[str]:
    """Yield Graphviz's DOT. A link is a node, its base, and whether that base has moved on.

    Source: graphviz.org "DOT Language". In a quoted string, a backslash escapes and a quotation mark ends the string.
    """
    yield "digraph ledger {"
    yield "  rankdir=LR;"
    yield '  node [shape=box, fontname="monospace"];'
    for number, node in enumerate(nodes):
        label = "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in _label(node))
        yield f'  n{number} [label="{label}"{"" if node.record else ", style=dashed"}];'
    for number, to, old in links:
        yield f"  n{number} -> n{to}{' [style=dashed, label=old]' if old else ''};"
    yield "}"


def as_mermaid(nodes: Sequence[GraphNode], links: Sequence[tuple[int, int, bool]]) -> Iterator[str]:
    """Yield a Mermaid flowchart; see `as_dot`.

    Source: mermaid.js.org "Flowcharts", entity codes: `#35;`. They replace all that might be Mermaid, Markdown or HTML.
    """
    yield "flowchart LR"
    for number, node in enumerate(nodes):
        label = "<br/>".join(
            re.sub(r"[^A-Za-z0-9 ./:@-]", lambda match: f"#{ord(match[0])};", line) for line in _label(node)
        )
        yield f'  n{number}["{label}"]'
    for number, to, old in links:
        yield f"  n{number} {'-. old .->' if old else '-->'} n{to}"


def _label(node: GraphNode) -> list[str]:
    if node.record is None:
        return [escaped(part) for part in _parts(node.text) if part]
    platform = [node.record.platform] if node.record.platform else []
    return [f"{node.record.image}:{node.record.tag}", *platform, short_digest(node.record.digest)]


def drawn(outline: Subgraph, *, names_base: bool = True) -> Drawn:
    """Return an outline as input of `as_dot` and `as_mermaid`: each link from an image to its base."""
    links = []
    for number, outgoing in enumerate(outline.links):
        for link in outgoing:
            ends = (number, link.to) if names_base else (link.to, number)
            links.append((*ends, bool(link.base.now)))
    return outline.nodes, links

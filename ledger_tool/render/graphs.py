"""A part of the dependency graph for people (a tree), and for what draws (DOT, Mermaid)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ledger_tool.core.dependencies.subgraph import GraphNode, Link, Subgraph
from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import escaped
from ledger_tool.render.records import short_digest

Drawn = tuple[Sequence[GraphNode], list[tuple[int, int, bool]]]
DEEPEST = 100  # levels of the tree; every line begins with all of its levels


def as_tree(outline: Subgraph, *, names_base: bool = True) -> Iterator[str]:
    """Yield the lines of a tree. What was shown before is not shown again, so that no cycle is followed.

    `names_base` says how a link is read: from an image to its base, or from a base to what is built on it.
    """
    in_cycle = {node_number: number for number, cycle in enumerate(outline.cycles) for node_number in cycle}
    shown: set[int] = set()
    # A root stands alone; of all else: from where, the link, what is drawn in front, and whether more follow.
    waiting: list[tuple[int | None, Link | None, int, str, bool, int]] = [
        (None, None, root, "", False, 0) for root in reversed(outline.roots)
    ]
    while waiting:
        above, link, node_number, drawn, more, depth = waiting.pop()
        branch = "" if link is None else "├── " if more else "└── "
        below = outline.links[node_number]
        marks = _marks(outline.nodes[node_number], link, names_base=names_base)
        again = node_number in shown and bool(below)
        if again:
            cycle = above is not None and node_number in in_cycle and in_cycle.get(above) == in_cycle[node_number]
            marks.append("a cycle: not followed" if cycle else "shown above")
        shown.add(node_number)
        yield drawn + branch + _title(outline.nodes[node_number]) + (f"  ({'; '.join(marks)})" if marks else "")
        if again or not below:
            continue
        drawn += "" if link is None else "│   " if more else "    "
        if depth >= DEEPEST:
            yield f"{drawn}└── …  (deeper than {DEEPEST} levels; `--format json` has it all)"
            continue
        for number, link in reversed(list(enumerate(below))):
            waiting.append((node_number, link, link.to, drawn, number < len(below) - 1, depth + 1))


def _title(node: GraphNode) -> str:
    if node.record is None:
        return escaped(_short_reference(node.text))
    return f"{node.text}  {short_digest(node.record.digest)}"


def _marks(node: GraphNode, link: Link | None, *, names_base: bool) -> list[str]:
    """Return what there is to say of a node, and of the way that leads to it."""
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
        marks.append(f"{tag} is {short_digest(link.base.now)} now")
    return marks


def _short_reference(text: str) -> str:
    """Return a reference, or a digest alone, with its digest shortened."""
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
        names = ", ".join(outline.nodes[number].text for number in cycle[:5]) + (", …" if len(cycle) > 5 else "")
        yield f"warning: built on itself, in a cycle: {names}"


def as_dot(nodes: Sequence[GraphNode], links: Sequence[tuple[int, int, bool]]) -> Iterator[str]:
    """Yield Graphviz's DOT. A link is from a node to its base, and whether that base has moved on.

    Source: graphviz.org "DOT Language". In a quoted string a quotation mark ends it, and a backslash escapes.
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

    Source: mermaid.js.org "Flowcharts", entity codes: `#35;`. All that might be Mermaid, Markdown or HTML is one.
    """
    yield "flowchart LR"
    for number, node in enumerate(nodes):
        label = "<br/>".join(
            re.sub(r"[^A-Za-z0-9 ./:@-]", lambda found: f"#{ord(found[0])};", line) for line in _label(node)
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
    """Return an outline as `as_dot` and `as_mermaid` take it: each link from an image to its base."""
    links = []
    for number, outgoing in enumerate(outline.links):
        for link in outgoing:
            ends = (number, link.to) if names_base else (link.to, number)
            links.append((*ends, bool(link.base.now)))
    return outline.nodes, links

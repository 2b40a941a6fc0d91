"""A part of the graph to show: what is under something, or above it. Shared parts are one node; cycles are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from ledger_tool.core.dependencies.components import components, cyclic
from ledger_tool.core.dependencies.graph import Base, Dependents, Graph, RecordGroup
from ledger_tool.core.ledger.record import Record


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A record, or what has none: a base that the ledger does not have, or what was asked of."""

    text: str
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One step from a node to the next; `base` is the reference through which it goes, as recorded."""

    to: int
    base: Base


@dataclass(frozen=True, slots=True)
class Subgraph:
    """Nodes, the links of each in order, where to begin, and the nodes of each cycle."""

    nodes: Sequence[GraphNode]
    links: Sequence[Sequence[Link]]
    roots: Sequence[int]
    cycles: Sequence[Sequence[int]]


class _Builder:
    def __init__(self) -> None:
        self.nodes: list[GraphNode] = []
        self.links: list[list[Link]] = []
        self._known: dict[int | str, int] = {}

    def node(self, key: int | str, node: GraphNode) -> tuple[int, bool]:
        """Return a node's number, and whether it is new."""
        if key in self._known:
            return self._known[key], False
        self._known[key] = len(self.nodes)
        self.nodes.append(node)
        self.links.append([])
        return self._known[key], True

    def outline(self, roots: Iterable[int]) -> Subgraph:
        def after(at: int) -> list[int]:
            return [link.to for link in self.links[at]]

        cycles = [found for found in components(range(len(self.nodes)), after) if cyclic(found, after)]
        return Subgraph(self.nodes, self.links, tuple(roots), sorted(cycles))


def beneath(graph: Graph, records: Iterable[Record]) -> Subgraph:
    """Return what these records are built on, down to the bases that the ledger does not have."""
    wanted = {record.key for record in records}
    start = [at for at, record in enumerate(graph.records) if record.key in wanted]
    made = _Builder()
    waiting = list(start)
    roots = [made.node(at, _node(graph, at))[0] for at in start]
    while waiting:
        at = waiting.pop()
        here = made.node(at, _node(graph, at))[0]
        for base in graph.bases[at]:
            for target in _shown(graph, base):
                to, fresh = made.node(target, _node(graph, target))
                made.links[here].append(Link(to, base))
                if fresh:
                    waiting.append(target)
            if not base.targets:
                made.links[here].append(Link(made.node(base.text, GraphNode(base.text))[0], base))
    return made.outline(roots)


def above(graph: Graph, found: Dependents, what: str) -> Subgraph:
    """Return what is built on `what`: from it to those that name it, and on to what is built on them."""

    @cache
    def inside_of(group: RecordGroup) -> list[int]:
        return [at for at in group if at in found.links]

    made = _Builder()
    root, _ = made.node("", GraphNode(what))
    for at in found.links:
        made.node(at, _node(graph, at))
    for at in found.links:
        here, _ = made.node(at, _node(graph, at))
        inside = False
        for base in found.links[at]:
            for target in (at for group in found.leads_to(base) for at in inside_of(group)):
                made.links[made.node(target, _node(graph, target))[0]].append(Link(here, base))
                inside = True
        if at in found.direct or not inside:
            made.links[root].append(Link(here, found.links[at][0]))
    return made.outline([root])


def _node(graph: Graph, at: int) -> GraphNode:
    record = graph.records[at]
    return GraphNode(str(record.key), record)


def _shown(graph: Graph, base: Base) -> list[int]:
    """Return the records to show for a base: those of the image:tag that it names, where any of them has its digest.

    Of several tags of one and the same image, one is shown: the first that can't move.
    """
    records, policy = graph.records, graph.resolver.policy
    named = [
        at
        for at in base.targets
        if base.named.name == records[at].image and base.reference.tag in (None, records[at].tag)
    ]
    chosen: dict[tuple[str, str, str | None], int] = {}
    for at in sorted(named or base.targets, key=lambda at: (policy.is_mutable(records[at].tag), at)):
        chosen.setdefault((records[at].image, records[at].digest, records[at].platform), at)
    return sorted(chosen.values())

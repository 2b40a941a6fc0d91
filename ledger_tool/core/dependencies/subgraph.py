"""A part of the graph to show: what is below something, or above it. Shared parts are one node; cycles are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from ledger_tool.core.dependencies.components import components, cyclic
from ledger_tool.core.dependencies.graph import Base, Dependents, Graph, RecordGroup
from ledger_tool.core.ledger.record import Record


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A record, or what has none: a base that the ledger does not have, or what was asked for."""

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
    """Numbers the nodes of a subgraph. A record's key is its number in `graph`, any other node's its text."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._numbers: dict[int | str, int] = {}
        self.nodes: list[GraphNode] = []
        self.links: list[list[Link]] = []

    def __contains__(self, key: int | str) -> bool:
        return key in self._numbers

    def node(self, key: int | str) -> int:
        """Return the number of a node, which is made where there is none yet."""
        if key not in self._numbers:
            self._numbers[key] = len(self.nodes)
            record = self._graph.records[key] if isinstance(key, int) else None
            self.nodes.append(GraphNode(str(record.key if record else key), record))
            self.links.append([])
        return self._numbers[key]

    def link(self, start: int | str, end: int | str, base: Base) -> None:
        """Add a link from one node to another."""
        self.links[self.node(start)].append(Link(self.node(end), base))

    def subgraph(self, roots: Iterable[int]) -> Subgraph:
        def after(node: int) -> list[int]:
            return [link.to for link in self.links[node]]

        cycles = [component for component in components(range(len(self.nodes)), after) if cyclic(component, after)]
        return Subgraph(self.nodes, self.links, tuple(roots), sorted(cycles))


def beneath(graph: Graph, records: Iterable[Record]) -> Subgraph:
    """Return what these records are built on, down to the bases that the ledger does not have."""
    keys = {record.key for record in records}
    waiting = [number for number, record in enumerate(graph.records) if record.key in keys]
    made = _Builder(graph)
    roots = [made.node(number) for number in waiting]
    while waiting:
        number = waiting.pop()
        for base in graph.bases[number]:
            for target in _shown(graph, base):
                if target not in made:
                    waiting.append(target)
                made.link(number, target, base)
            if not base.targets:
                made.link(number, base.text, base)
    return made.subgraph(roots)


def above(graph: Graph, dependents: Dependents, what: str) -> Subgraph:
    """Return what is built on `what`: from it to those that name it, and on to what is built on them."""

    @cache
    def inside_of(group: RecordGroup) -> list[int]:
        return [number for number in group if number in dependents.links]

    made = _Builder(graph)
    root = made.node(what)
    for number in dependents.links:
        made.node(number)
    for number, bases in dependents.links.items():
        below = [(base, lower) for base in bases for group in dependents.leads_to(base) for lower in inside_of(group)]
        for base, lower in below:
            made.link(lower, number, base)
        if number in dependents.direct or not below:
            made.link(what, number, bases[0])
    return made.subgraph([root])


def _shown(graph: Graph, base: Base) -> list[int]:
    """Return the records to show for a base: those of the image:tag that it names, where any of them has its digest.

    Of several tags of one and the same image, one is shown: the first that can't move.
    """
    records, policy = graph.records, graph.resolver.policy
    named = [
        number
        for number in base.targets
        if base.named.name == records[number].image and base.reference.tag in (None, records[number].tag)
    ]
    chosen: dict[tuple[str, str, str | None], int] = {}
    for number in sorted(named or base.targets, key=lambda at: (policy.is_mutable(records[at].tag), at)):
        chosen.setdefault((records[number].image, records[number].digest, records[number].platform), number)
    return sorted(chosen.values())

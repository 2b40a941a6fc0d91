"""A part of the graph to show: what is below something, or above it. Shared parts are one node; cycles are listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

from ledger_tool.core.dependencies.components import components, cyclic
from ledger_tool.core.dependencies.graph import Base, Dependents, Graph, RecordGroup
from ledger_tool.core.ledger.record import Record

_Key = int | str  # of a node: a record's number in the graph, any other node's text
_Step = tuple[_Key, _Key, Base]  # from one node to the next


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A record, or something without one: a base that is not in the ledger, or the starting point."""

    text: str
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A link from a node to the next; `base` is the reference that makes it, as recorded."""

    to: int
    base: Base


@dataclass(frozen=True, slots=True)
class Subgraph:
    """Nodes, the links of each in order, the roots, and the nodes of each cycle."""

    nodes: Sequence[GraphNode]
    links: Sequence[Sequence[Link]]
    roots: Sequence[int]
    cycles: Sequence[Sequence[int]]


def beneath(graph: Graph, records: Iterable[Record]) -> Subgraph:
    """Return what these records are built on, down to the bases that are not in the ledger."""
    keys = {record.key for record in records}
    roots = [number for number, record in enumerate(graph.records) if record.key in keys]
    links: list[_Step] = []
    waiting, seen = list(roots), set(roots)
    while waiting:
        number = waiting.pop()
        for base in graph.bases[number]:
            targets = _shown(graph, base)
            links += [(number, target, base) for target in targets]
            if not targets:
                links.append((number, base.text, base))
            fresh = [target for target in targets if target not in seen]
            seen.update(fresh)
            waiting += fresh
    return _numbered(graph, roots, (), links)


def _numbered(graph: Graph, roots: Iterable[_Key], others: Iterable[_Key], steps: Sequence[_Step]) -> Subgraph:
    """Return the subgraph of these steps, with its nodes numbered in order of first appearance."""
    numbers: dict[_Key, int] = {}
    for key in chain(roots, others, chain.from_iterable(step[:2] for step in steps)):
        numbers.setdefault(key, len(numbers))
    nodes = [
        GraphNode(key) if isinstance(key, str) else GraphNode(str(graph.records[key].key), graph.records[key])
        for key in numbers
    ]
    links: list[list[Link]] = [[] for _ in nodes]
    for start, end, base in steps:
        links[numbers[start]].append(Link(numbers[end], base))

    def after(node: int) -> list[int]:
        return [link.to for link in links[node]]

    cycles = [component for component in components(range(len(nodes)), after) if cyclic(component, after)]
    return Subgraph(nodes, links, tuple(numbers[key] for key in roots), sorted(cycles))


def above(graph: Graph, dependents: Dependents, what: str) -> Subgraph:
    """Return what is built on `what`: from it to the records that name it, and on to what is built on them."""

    @cache
    def inside_of(group: RecordGroup) -> list[int]:
        return [number for number in group if number in dependents.links]

    links: list[_Step] = []
    for number, bases in dependents.links.items():
        below = [(base, lower) for base in bases for group in dependents.leads_to(base) for lower in inside_of(group)]
        links += [(lower, number, base) for base, lower in below]
        if number in dependents.direct or not below:
            links.append((what, number, bases[0]))
    return _numbered(graph, [what], dependents.links, links)


def _shown(graph: Graph, base: Base) -> list[int]:
    """Return the records to show for a base: those of the image:tag that it names, if any of them has its digest.

    If one image has several tags, one is shown: the first that cannot move.
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

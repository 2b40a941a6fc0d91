"""What the images of a site are built on, and what is built on them: one step in each direction of a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger_tool.core.dependencies.graph import Base, Graph, RecordGroup
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.site.facts import BaseFacts


@dataclass(frozen=True, slots=True)
class BuiltOn:
    """The bases and the dependents of each record of a graph, by its number there.

    Groups are shared by all records of one digest, and so are their dependents.
    """

    graph: Graph
    groups: Mapping[int, Sequence[RecordGroup]]
    above: Mapping[RecordGroup, tuple[Name, ...]]

    def bases(self, numbers: Iterable[int]) -> tuple[BaseFacts, ...]:
        """Return what an image:tag with these records was built on, each base once, in the order recorded."""
        bases = (self._base(base) for number in numbers for base in self.graph.bases[number])
        return tuple(dict.fromkeys(bases))

    def dependents(self, numbers: Sequence[int]) -> tuple[Name, ...]:
        """Return the image:tags that were built on one with these records, by name; what environments have is not."""
        groups = dict.fromkeys(group for number in numbers for group in self.groups.get(number, ()))
        lists = [self.above[group] for group in groups]
        names = lists[0] if len(lists) == 1 else tuple(sorted({name for names in lists for name in names}))
        own = self.graph.records[numbers[0]].name
        return tuple(name for name in names if name != own) if own in names else names

    def _base(self, base: Base) -> BaseFacts:
        records = [self.graph.records[number] for number in base.targets or base.successors]
        named = (base.named.name, base.reference.tag)
        best = min(records, key=lambda record: (record.name != named, record.is_environment), default=None)
        return BaseFacts(base.text, best.name if best else None, base.now)


def built_on(graph: Graph) -> BuiltOn:
    """Return the bases and the dependents of each record of a graph."""
    above: dict[RecordGroup, dict[Name, None]] = {}
    for number, base in graph.all_bases():
        record = graph.records[number]
        if not record.is_environment:
            above.setdefault(base.targets, {})[record.name] = None
    groups: dict[int, list[RecordGroup]] = {}
    for group in above:
        for number in group:
            groups.setdefault(number, []).append(group)
    return BuiltOn(graph, groups, {group: tuple(names) for group, names in above.items()})

"""What the images of a site are built on, and what is built on them: one step in each direction of a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import NamedTuple

from ledger_tool.core.dependencies.graph import Base, Graph, RecordGroup, dependents_of, rebuild_order
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.site.facts import BaseFacts, DependentFacts

MOST_DEPENDENTS = 200  # of an image:tag: a digest may have thousands of tags, and thousands built on it


class ListedDependents(NamedTuple):
    """What was built on an image:tag, as much of it as is listed with that, and how many there are."""

    listed: tuple[DependentFacts, ...]
    total: int


@dataclass(frozen=True, slots=True)
class BuiltOn:
    """The bases and the dependents of each record of a graph, by its number there.

    `naming` are the image:tags whose records name another one as a base, and whether it has moved on since.

    A digest may have thousands of tags and thousands of images may be built on it: what is told of it is made once.
    """

    graph: Graph
    groups: Mapping[int, Sequence[RecordGroup]]
    above: Mapping[RecordGroup, tuple[Name, ...]]
    naming: Mapping[Name, Mapping[Name, bool]]
    steps: Mapping[Name, int]
    _bases: dict[Base, BaseFacts] = field(default_factory=dict)
    _dependents: dict[tuple[RecordGroup, ...], Mapping[Name, DependentFacts]] = field(default_factory=dict)

    def bases(self, numbers: Iterable[int]) -> tuple[BaseFacts, ...]:
        """Return what an image:tag with these records was built on, each base once, in the order recorded."""
        bases = (self._base(base) for number in numbers for base in self.graph.bases[number])
        return tuple(dict.fromkeys(bases))

    def dependents(self, name: Name, numbers: Sequence[int]) -> ListedDependents:
        """Return the image:tags that were built on one with these records, by name; what environments have is not.

        As `ledger dependents` tells it: also those that name it, and were built on a digest that it had before.
        """
        every = self.of_digest(numbers)
        more = {
            one: DependentFacts(one, stale)
            for one, stale in sorted(self.naming.get(name, {}).items())
            if stale or one not in every
        }
        others = (each for one, each in every.items() if one not in more)
        listed = islice(chain(more.values(), others), MOST_DEPENDENTS)
        total = len(every) + sum(one not in every for one in more)
        return ListedDependents(tuple(sorted(listed, key=lambda each: each.name)), total)

    def of_digest(self, numbers: Iterable[int]) -> Mapping[Name, DependentFacts]:
        """Return all image:tags that were built on what these records are pulled by, by name."""
        groups = tuple(dict.fromkeys(group for number in numbers for group in self.groups.get(number, ())))
        if groups not in self._dependents:
            above = {name for group in groups for name in self.above[group]}
            self._dependents[groups] = {one: DependentFacts(one) for one in sorted(above)}
        return self._dependents[groups]

    def by_digest(self) -> Mapping[str, Sequence[Name]]:
        """Return all image:tags that were built on each digest that something is pulled by."""
        numbers: dict[str, list[int]] = {}
        for number in self.groups:
            numbers.setdefault(self.graph.records[number].pull_digest, []).append(number)
        return {digest: tuple(self.of_digest(each)) for digest, each in numbers.items()}

    def rebuild_step(self, name: Name) -> int:
        """Return in which step an image:tag has to be rebuilt, from 1; 0 if neither its bases nor theirs moved on."""
        return self.steps.get(name, 0)

    def _base(self, base: Base) -> BaseFacts:
        if base not in self._bases:
            self._bases[base] = self._facts_of(base)
        return self._bases[base]

    def _facts_of(self, base: Base) -> BaseFacts:
        records = [self.graph.records[number] for number in base.targets or base.successors]
        named = (base.named.name, base.reference.tag)
        best = min(records, key=lambda record: (record.name != named, record.is_environment), default=None)
        follows = Name(base.named.name, base.reference.tag) if base.now and base.reference.tag else None
        return BaseFacts(base.text, best.name if best else None, base.now, follows)


def built_on(graph: Graph) -> BuiltOn:
    """Return the bases and the dependents of each record of a graph."""
    above: dict[RecordGroup, dict[Name, None]] = {}
    naming: dict[Name, dict[Name, bool]] = {}
    for number, base in graph.all_bases():
        record = graph.records[number]
        if not record.is_environment:
            above.setdefault(base.targets, {})[record.name] = None
            if base.named.ours and base.reference.tag:
                named = naming.setdefault(Name(base.named.name, base.reference.tag), {})
                named[record.name] = bool(base.successors) or named.get(record.name, False)
    groups: dict[int, list[RecordGroup]] = {}
    for group in above:
        for number in group:
            groups.setdefault(number, []).append(group)
    by_group = {group: tuple(names) for group, names in above.items()}
    return BuiltOn(graph, groups, by_group, naming, _rebuild_steps(graph))


def _rebuild_steps(graph: Graph) -> Mapping[Name, int]:
    """Return the step in which each image:tag has to be rebuilt, as `dependents --stale` tells it."""
    if not any(base.now for _, base in graph.all_bases()):
        return {}
    rebuilds = rebuild_order(graph, dependents_of(graph, None, by_name=True), lambda base: base.now)
    return {graph.records[each.number].name: each.step for each in rebuilds}  # of its platforms, the last one counts

"""What is built on what: the `dependsOn` references of a ledger, resolved against its own records.

A reference `[registry/]image[:tag]@digest` leads to the records that have its digest, as their own or as their
index's: a digest is the only identity that is trusted. Its image:tag says whether the base has moved on: the ledger
has records of that image:tag, and none of them has the digest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from ledger_tool.core.dependencies.components import components
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Platform
from ledger_tool.core.ledger.record import Record, pull_digest
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import Reference, split
from ledger_tool.core.policy.resolve import NamedImage, Resolver


class RecordGroup(tuple[int, ...]):
    """Numbers of records, which are their positions in `Graph.records`. Groups are compared by identity.

    If a digest has thousands of tags and thousands of images are built on it, they all share one group.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """One reference to a base image, shared by the records of one platform that have it.

    `targets` are the records with its digest; `successors` those that its image:tag means now, if none has
    the digest; `now` is the digest to pull these by, or `""`.
    """

    text: str
    reference: Reference
    named: NamedImage
    targets: RecordGroup
    successors: RecordGroup
    now: str = ""

    @property
    def digest(self) -> str:
        """The digest that the record was built on."""
        return self.reference.digest or ""


@dataclass(frozen=True, slots=True)
class Graph:
    """All records of a ledger in key order, and the bases of each."""

    records: Sequence[Record]
    bases: Sequence[Sequence[Base]]
    resolver: Resolver

    def all_bases(self) -> Iterator[tuple[int, Base]]:
        """Yield each record's number with each of its bases."""
        return ((number, base) for number, bases in enumerate(self.bases) for base in bases)


@dataclass(frozen=True, slots=True)
class BaseQuery:
    """The image, image:tag or digest whose dependents are requested. If a digest is given, only it counts."""

    named: NamedImage | None = None
    tag: str | None = None
    digest: Digest | None = None

    def matches(self, record: Record) -> bool:
        """Return whether the query matches a record."""
        if self.digest:
            return self.digest in (record.digest, record.index)
        return self.named == NamedImage(record.image, ours=True) and self.tag in (None, record.tag)


def build_graph(ledger: Ledger, policy: Policy) -> Graph:
    """Return the graph of a ledger. A record that names itself as its base leads to itself."""
    records = list(ledger.records())
    by_digest: dict[str, list[int]] = {}
    by_name: dict[tuple[str, str], list[int]] = {}
    for number, record in enumerate(records):
        for digest in {record.digest, record.index} - {None}:
            by_digest.setdefault(str(digest), []).append(number)
        by_name.setdefault(record.name, []).append(number)
    resolver = Resolver(policy, ledger.has_image)

    @cache
    def having(digest: str, platform: Platform | None) -> RecordGroup:
        numbers = by_digest.get(digest, [])
        exact = [number for number in numbers if records[number].digest == digest]
        return RecordGroup(exact or _of_platform(numbers, platform, records))

    @cache
    def base(text: str, platform: Platform | None) -> Base:
        reference = split(text)
        named = resolver.resolve(reference)
        namesakes = by_name.get((named.name, reference.tag or ""), []) if named.ours else []
        is_current = any(reference.digest in (records[number].digest, records[number].index) for number in namesakes)
        moved = [] if is_current else namesakes
        now = _now([records[number] for number in moved], platform) if moved else ""
        targets = having(str(reference.digest), platform)
        return Base(text, reference, named, targets, RecordGroup(_of_platform(moved, platform, records)), now)

    bases = [tuple(base(text, record.platform) for text in record.depends_on) for record in records]
    return Graph(records, bases, resolver)


def _of_platform(numbers: Sequence[int], platform: Platform | None, records: Sequence[Record]) -> Sequence[int]:
    """Return those of a platform, or all of them if there is none: an index stands for many."""
    same = [number for number in numbers if platform is not None and records[number].platform == platform]
    return same or numbers


def _now(named: Sequence[Record], platform: Platform | None) -> str:
    of_platform = next((record.digest for record in named if record.platform == platform), named[0].digest)
    return pull_digest(tuple(named)) or of_platform


def is_named_by(base: Base, query: BaseQuery) -> bool:
    """Return whether a reference itself names what the query is for."""
    if query.digest:
        return base.digest == query.digest
    return query.named == base.named and query.tag in (None, base.reference.tag)


@dataclass(frozen=True, slots=True)
class Dependents:
    """The records built on something, in key order; `direct` are those that name it themselves.

    `links` are the bases through which each of them depends on it. With `by_name`, a reference whose digest
    its image:tag no longer has leads to what that image:tag means now, too.
    """

    direct: frozenset[int]
    links: Mapping[int, Sequence[Base]]
    by_name: bool

    def leads_to(self, base: Base) -> Sequence[RecordGroup]:
        """Return the groups of records to which a base leads."""
        return (base.targets, base.successors) if self.by_name else (base.targets,)


def dependents_of(graph: Graph, query: BaseQuery | None, *, by_name: bool = False) -> Dependents:
    """Return everything built on what a query is for, or, for None, on anything; see `Dependents` for `by_name`."""
    matching = {number for number, record in enumerate(graph.records) if query and query.matches(record)}

    @cache
    def has_match(group: RecordGroup) -> bool:
        return not matching.isdisjoint(group)

    direct: dict[int, list[Base]] = {}
    for number, base in graph.all_bases():
        if query is None or is_named_by(base, query) or has_match(base.targets):
            direct.setdefault(number, []).append(base)
    all_links = {number: bases for number, bases in enumerate(graph.bases) if bases}
    every = Dependents(frozenset(direct), all_links, by_name)
    reached = _upwards(every, direct)

    @cache
    def is_reached(group: RecordGroup) -> bool:
        return not reached.isdisjoint(group)

    def is_link(number: int, base: Base) -> bool:
        return base in direct.get(number, ()) or any(map(is_reached, every.leads_to(base)))

    links = {number: [base for base in graph.bases[number] if is_link(number, base)] for number in sorted(reached)}
    return replace(every, links=links)


def _upwards(among: Dependents, start: Iterable[int]) -> set[int]:
    """Return these records and everything built on them."""
    above: dict[RecordGroup, list[int]] = {}
    for number, links in among.links.items():
        for base in links:
            for group in among.leads_to(base):
                above.setdefault(group, []).append(number)
    groups: dict[int, list[RecordGroup]] = {}
    for group in above:
        for below in group:
            groups.setdefault(below, []).append(group)
    reached, waiting = set(start), list(start)
    while waiting:
        for group in groups.get(waiting.pop(), ()):
            fresh = [number for number in above.pop(group, ()) if number not in reached]
            reached.update(fresh)
            waiting += fresh
    return reached


@dataclass(frozen=True, slots=True)
class Rebuild:
    """One record to rebuild. All records of one step may be rebuilt at once, after those of the steps before.

    `moved` are its own bases that have moved on, each with its digest now; it is empty if only something below
    the record has to be rebuilt first.
    """

    number: int
    step: int
    moved: Sequence[tuple[Base, str]]


def rebuild_order(graph: Graph, among: Dependents, moved: Callable[[Base], str]) -> list[Rebuild]:
    """Return what is built on an old digest, directly or not, in rebuild order: bases first.

    What an environment has is promoted, and not built. `moved` gives the digest that a base has moved on to,
    or `""`. Records of a cycle are in one step.
    """
    old = {number: [(base, now) for base in links if (now := moved(base))] for number, links in among.links.items()}
    reached = _upwards(among, [number for number, bases in old.items() if bases])
    stale = sorted(number for number in reached if not graph.records[number].is_environment)
    below, groups = _below(among, stale)
    step: dict[int, int] = {}
    for component in components([*stale, *groups], below.__getitem__):
        before = {lower for node in component for lower in below[node]}.difference(component)
        ended = max((step[node] for node in before), default=0)
        step.update(dict.fromkeys(component, ended + (0 if groups.issuperset(component) else 1)))
    return [
        Rebuild(number, step[number], old[number])
        for number in sorted(stale, key=lambda number: (step[number], number))
    ]


def _below(among: Dependents, stale: Sequence[int]) -> tuple[Mapping[int, Sequence[int]], frozenset[int]]:
    """Return the nodes right below each node, and the nodes of groups.

    A record's node is its number, and below it are groups, numbered from -1 downwards; below a group are its records.
    """
    nodes: dict[RecordGroup, int] = {}
    below: dict[int, Sequence[int]] = {}
    for number in stale:
        groups = [group for base in among.links[number] for group in among.leads_to(base) if group]
        below[number] = sorted({nodes.setdefault(group, -1 - len(nodes)) for group in groups})
    inside = frozenset(stale)
    below |= {node: [number for number in group if number in inside] for group, node in nodes.items()}
    return below, frozenset(nodes.values())

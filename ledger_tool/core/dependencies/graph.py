"""What is built on what: the `dependsOn` references of a ledger, resolved against its own records.

A reference `[registry/]image[:tag]@digest` leads to the records that have its digest, as their own or as their
index's: a digest is the only identity that is trusted. Beside it, its image:tag says whether the base has moved
on: the ledger has records of that image:tag, and none of them has the digest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
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
    """Numbers of records, their places in `Graph.records`; it is known by what it is, and not by what is in it.

    Where a digest has thousands of tags and thousands of images are built on it, all of these lead to one group.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """One reference, as records of one platform have it, who share it.

    `targets` are the records with its digest; `successors` those that its image:tag means now, where none has
    the digest; `now` is the digest of these to pull by, or `""`.
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

    def names(self, named: NamedImage, tag: str | None) -> bool:
        """Return whether the reference itself names an image, or an image:tag."""
        return self.named == named and tag in (None, self.reference.tag)


@dataclass(frozen=True, slots=True)
class Graph:
    """All records of a ledger in key order, and the bases of each."""

    records: Sequence[Record]
    bases: Sequence[Sequence[Base]]
    resolver: Resolver

    def all_bases(self) -> Iterator[tuple[int, Base]]:
        """Yield each record's number with each of its bases."""
        return ((at, base) for at, found in enumerate(self.bases) for base in found)


@dataclass(frozen=True, slots=True)
class BaseQuery:
    """What the dependents are asked of. Where a digest is given, it alone counts."""

    named: NamedImage | None = None
    tag: str | None = None
    digest: Digest | None = None

    def is_record(self, record: Record) -> bool:
        """Return whether a record is what is asked of."""
        if self.digest:
            return self.digest in (record.digest, record.index)
        return self.named == NamedImage(record.image, ours=True) and self.tag in (None, record.tag)


def build_graph(ledger: Ledger, policy: Policy) -> Graph:
    """Return the graph of a ledger. A record that names itself as its base leads to itself."""
    records = list(ledger.records())
    by_digest: dict[str, list[int]] = {}
    by_name: dict[tuple[str, str], list[int]] = {}
    for at, record in enumerate(records):
        for digest in {record.digest, record.index} - {None}:
            by_digest.setdefault(str(digest), []).append(at)
        by_name.setdefault(record.name, []).append(at)
    resolver = Resolver(policy, ledger.has_image)

    @cache
    def having(digest: str, platform: Platform | None) -> RecordGroup:
        found = by_digest.get(digest, [])
        exact = [at for at in found if records[at].digest == digest]
        return RecordGroup(exact or _of_platform(found, platform, records))

    @cache
    def base(text: str, platform: Platform | None) -> Base:
        reference = split(text)
        named = resolver.resolve(reference)
        namesakes = by_name.get((named.name, reference.tag or ""), []) if named.ours else []
        current = any(reference.digest in (records[at].digest, records[at].index) for at in namesakes)
        moved = [] if current else namesakes
        now = _now([records[at] for at in moved], platform) if moved else ""
        targets = having(str(reference.digest), platform)
        return Base(text, reference, named, targets, RecordGroup(_of_platform(moved, platform, records)), now)

    bases = [tuple(base(text, record.platform) for text in record.depends_on) for record in records]
    return Graph(records, bases, resolver)


def _of_platform(numbers: Sequence[int], platform: Platform | None, records: Sequence[Record]) -> Sequence[int]:
    """Return those of a platform, or all of them where there is none: an index stands for many."""
    same = [at for at in numbers if platform is not None and records[at].platform == platform]
    return same or numbers


def _now(named: Sequence[Record], platform: Platform | None) -> str:
    same = next((one.digest for one in named if one.platform == platform), named[0].digest)
    return pull_digest(tuple(named)) or same


def is_named_by(base: Base, wanted: BaseQuery) -> bool:
    """Return whether a base is what is asked of, by what it says itself."""
    if wanted.digest:
        return base.digest == wanted.digest
    return wanted.named is not None and base.names(wanted.named, wanted.tag)


@dataclass(frozen=True, slots=True)
class Dependents:
    """The records built on something, in key order; `direct` are those that name it themselves.

    `links` are, for each, the bases through which it is built on it. With `by_name`, a reference whose digest
    its image:tag has no more leads to what that image:tag means now, too.
    """

    direct: frozenset[int]
    links: Mapping[int, Sequence[Base]]
    by_name: bool

    def leads_to(self, base: Base) -> Sequence[RecordGroup]:
        """Return the groups of records to which a base leads."""
        return (base.targets, base.successors) if self.by_name else (base.targets,)


def dependents_of(graph: Graph, wanted: BaseQuery | None, *, by_name: bool = False) -> Dependents:
    """Return everything built on what is asked of, or all that has a base for None; see `Dependents` for `by_name`."""
    asked = set() if wanted is None else {at for at, one in enumerate(graph.records) if wanted.is_record(one)}

    @cache
    def is_asked(group: RecordGroup) -> bool:
        return not asked.isdisjoint(group)

    direct: dict[int, list[Base]] = {}
    for at, base in graph.all_bases():
        if wanted is None or is_named_by(base, wanted) or is_asked(base.targets):
            direct.setdefault(at, []).append(base)
    every = Dependents(frozenset(direct), {at: found for at, found in enumerate(graph.bases) if found}, by_name)
    reached = _upwards(every, direct)

    @cache
    def is_reached(group: RecordGroup) -> bool:
        return not reached.isdisjoint(group)

    links = {
        at: [
            base for base in graph.bases[at] if base in direct.get(at, ()) or any(map(is_reached, every.leads_to(base)))
        ]
        for at in sorted(reached)
    }
    return replace(every, links=links)


def _upwards(among: Dependents, start: Iterable[int]) -> set[int]:
    """Return these records and all that is built on them."""
    above: dict[RecordGroup, list[int]] = {}
    for at, links in among.links.items():
        for base in links:
            for group in among.leads_to(base):
                above.setdefault(group, []).append(at)
    groups: dict[int, list[RecordGroup]] = {}
    for group in above:
        for below in group:
            groups.setdefault(below, []).append(group)
    reached, waiting = set(start), list(start)
    while waiting:
        for group in groups.get(waiting.pop(), ()):
            fresh = [at for at in above.pop(group, ()) if at not in reached]
            reached.update(fresh)
            waiting += fresh
    return reached


@dataclass(frozen=True, slots=True)
class Rebuild:
    """One record to rebuild. All of one step may be rebuilt at once, after those of the steps before.

    `moved` are its own bases that have moved on, each with the digest of now; it is empty where only something
    below it is to be rebuilt first.
    """

    number: int
    step: int
    moved: Sequence[tuple[Base, str]]


def rebuilds(among: Dependents, moved: Callable[[Base], str]) -> list[Rebuild]:
    """Return what sits on an old digest, directly or not, in rebuild order: bases first.

    `moved` gives the digest that a base has moved on to, or `""`. Records of a cycle are in one step.
    """
    old = {at: [(base, now) for base in links if (now := moved(base))] for at, links in among.links.items()}
    stale = sorted(_upwards(among, [at for at, found in old.items() if found]))
    inside = frozenset(stale)
    below, groups = _below(among, stale, inside)
    step: dict[int, int] = {}
    for component in components([*stale, *groups], below.__getitem__):
        before = {to for at in component for to in below[at]}.difference(component)
        ended = max((step[to] for to in before), default=0)
        step.update(dict.fromkeys(component, ended + (0 if groups.issuperset(component) else 1)))
    return [Rebuild(at, step[at], tuple(old[at])) for at in sorted(stale, key=lambda at: (step[at], at))]


def _below(
    among: Dependents, stale: Iterable[int], inside: Set[int]
) -> tuple[Mapping[int, Sequence[int]], frozenset[int]]:
    """Return what is below each stale record: groups, whose numbers are negative and returned as well; and of these."""
    numbers: dict[RecordGroup, int] = {}
    below: dict[int, Sequence[int]] = {}
    for at in stale:
        found = [group for base in among.links[at] for group in among.leads_to(base) if group]
        below[at] = sorted({numbers.setdefault(group, -1 - len(numbers)) for group in found})
    below |= {number: [at for at in group if at in inside] for group, number in numbers.items()}
    return below, frozenset(numbers.values())

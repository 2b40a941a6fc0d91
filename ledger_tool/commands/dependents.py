"""`dependents`: what is built on something, and which of it has to be rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_tool.commands.live_bases import Newest, newest
from ledger_tool.commands.ports import Progress, Registries, Source
from ledger_tool.core.dependencies.graph import (
    Base,
    BaseQuery,
    Dependents,
    Graph,
    Rebuild,
    build_graph,
    dependents_of,
    is_named_by,
    rebuild_order,
)
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.policy.reference import Reference, written
from ledger_tool.core.registry.drift import Unknown
from ledger_tool.errors import UnknownImage


@dataclass(frozen=True, slots=True)
class FoundDependents:
    """What is built on `what`, a name of the ledger or a digest; `live` is None if no registry was target."""

    what: str
    graph: Graph
    dependents: Dependents
    rebuilds: Sequence[Rebuild] | None = None
    live: Newest | None = None

    @property
    def complete(self) -> bool:
        """Whether every registry that was target answered."""
        return self.live is None or not self.live.unknown


def dependents(source: Source, target: Reference | Digest) -> FoundDependents:
    """Return everything built on an image, an image:tag or a digest. Raises UnknownImage if nothing names it."""
    snapshot = source.read()
    graph = build_graph(snapshot.ledger, snapshot.policy)
    return FoundDependents(_what(graph, target), graph, dependents_of(graph, _query(graph, target)))


def stale(
    source: Source,
    registries: Registries | None,
    target: Reference | Digest | None,
    *,
    jobs: int,
    progress: Progress,
) -> FoundDependents:
    """Return what is still built on an old digest of a base whose tag has moved on, and everything built on that.

    Whether a tag has moved on follows from the ledger or, if `registries` are given, from what they serve. `target` is
    None for every base. Raises UnknownImage; UsageError if there is no registry to ask.
    """
    snapshot = source.read()
    graph = build_graph(snapshot.ledger, snapshot.policy)
    if registries is not None:
        snapshot.policy.check_registries("ask")
    affected = dependents_of(graph, _query(graph, target) if target else None, by_name=True)
    live = None
    if registries is not None:
        bases = [base for links in affected.links.values() for base in links]
        live = newest(graph.resolver, registries, bases, jobs=jobs, progress=progress)
    rebuilds = rebuild_order(graph, affected, lambda base: _now(base, live))
    what = _what(graph, target) if target else "every base"
    return FoundDependents(what, graph, affected, rebuilds, live)


def _what(graph: Graph, target: Reference | Digest) -> str:
    if isinstance(target, Reference):
        return written(graph.resolver.resolve(target).name, target.tag or "", target.digest or "")
    return target


def _now(base: Base, live: Newest | None) -> str:
    """Return the digest that a base has moved on to, or `""`. What was not observed has not moved."""
    if live is None or base.text in live.unasked:
        return base.now
    seen = live.now.get(base.text, "")
    return "" if isinstance(seen, Unknown) else seen


def _meant(graph: Graph, query: BaseQuery) -> str:
    """Return what a name may mean among the records and their bases, or how to look."""
    from ledger_tool.core.ledger.nearest import did_you_mean, near_names  # here, since few runs need it

    names: set[tuple[str, str]] = {(record.image, record.tag) for record in graph.records}
    names |= {(base.named.name, base.reference.tag or "") for _, base in graph.all_bases()}
    near = near_names(sorted(names), query.named.name, query.tag or "") if query.named else []
    what = "`ledger list` shows what it has; `ledger deps IMAGE:TAG` shows the recorded bases"
    return did_you_mean(near) if near else what


def _query(graph: Graph, target: Reference | Digest) -> BaseQuery:
    if isinstance(target, Reference):
        query = BaseQuery(graph.resolver.resolve(target), target.tag, target.digest)
    else:
        query = BaseQuery(digest=target)
    matches = any(query.matches(record) for record in graph.records)
    if not matches and not any(is_named_by(base, query) for _, base in graph.all_bases()):
        raise UnknownImage(
            f"the ledger has no record of {target}, and none that is built on it",
            _meant(graph, query),
        )
    return query

"""`dependents`: what is built on something, and what of that is to be rebuilt."""

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
    """What is built on `what`, a name of the ledger or a digest; `live` is None where no registry was asked."""

    what: str
    graph: Graph
    dependents: Dependents
    rebuilds: Sequence[Rebuild] | None = None
    live: Newest | None = None

    @property
    def complete(self) -> bool:
        """Whether every registry that was asked has answered."""
        return self.live is None or not self.live.unknown


def dependents(source: Source, asked: Reference | Digest) -> FoundDependents:
    """Return everything built on an image, an image:tag or a digest. Raises UnknownImage for what is never named."""
    snapshot = source.read()
    graph = build_graph(snapshot.ledger, snapshot.policy)
    return FoundDependents(_what(graph, asked), graph, dependents_of(graph, _query(graph, asked)))


def stale(
    source: Source,
    registries: Registries | None,
    asked: Reference | Digest | None,
    *,
    jobs: int,
    progress: Progress,
) -> FoundDependents:
    """Return what is still built on an old digest of a base whose tag has moved on, and all that is built on that.

    The ledger says whether a tag has moved on or, where `registries` are given, what they serve now. `asked` is None
    for every base. Raises UnknownImage; UsageError where there is no registry to ask.
    """
    snapshot = source.read()
    graph = build_graph(snapshot.ledger, snapshot.policy)
    if registries is not None:
        snapshot.policy.check_registries("ask")
    affected = dependents_of(graph, _query(graph, asked) if asked else None, by_name=True)
    live = None
    if registries is not None:
        bases = [base for links in affected.links.values() for base in links]
        live = newest(graph.resolver, registries, bases, jobs=jobs, progress=progress)
    rebuilds = rebuild_order(affected, lambda base: _now(base, live))
    what = _what(graph, asked) if asked else "every base"
    return FoundDependents(what, graph, affected, rebuilds, live)


def _what(graph: Graph, asked: Reference | Digest) -> str:
    if isinstance(asked, Reference):
        return written(graph.resolver.resolve(asked).name, asked.tag or "", asked.digest or "")
    return asked


def _now(base: Base, live: Newest | None) -> str:
    """Return the digest that a base has moved on to, or `""`. What was not observed has not moved."""
    if live is None or base.text in live.unasked:
        return base.now
    seen = live.now.get(base.text, "")
    return "" if isinstance(seen, Unknown) else seen


def _query(graph: Graph, asked: Reference | Digest) -> BaseQuery:
    if isinstance(asked, Reference):
        query = BaseQuery(graph.resolver.resolve(asked), asked.tag, asked.digest)
    else:
        query = BaseQuery(digest=asked)
    matches = any(query.matches(record) for record in graph.records)
    if not matches and not any(is_named_by(base, query) for _, base in graph.all_bases()):
        raise UnknownImage(
            f"the ledger has no record of {asked}, and none that is built on it",
            "`ledger list` shows what it has; `ledger deps IMAGE:TAG` shows the bases as they are recorded",
        )
    return query

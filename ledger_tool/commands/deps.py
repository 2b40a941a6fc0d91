"""`deps`: what an image is built on, and what that is built on."""

from __future__ import annotations

from dataclasses import dataclass

from ledger_tool.commands.ports import Source
from ledger_tool.core.dependencies import graph as graphs
from ledger_tool.core.dependencies import subgraph as outline
from ledger_tool.core.dependencies.subgraph import Subgraph
from ledger_tool.core.ledger.names import Platform
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.writes import publish as rules


@dataclass(frozen=True, slots=True)
class Deps:
    """What one image:tag is built on."""

    name: Name
    outline: Subgraph


def deps(source: Source, reference: Reference, *, platform: Platform | None = None) -> Deps:
    """Return what an image:tag, or one platform of it, is built on. Raises UnknownImage."""
    snapshot = source.read()
    records = rules.find(snapshot, reference, platform)
    return Deps(records[0].name, outline.beneath(graphs.build_graph(snapshot.ledger, snapshot.policy), records))

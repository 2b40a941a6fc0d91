"""`deps`: what an image is built on, and what that is built on."""

from __future__ import annotations

from dataclasses import dataclass

from ledger_tool.commands.ports import Source
from ledger_tool.core.dependencies.graph import build_graph
from ledger_tool.core.dependencies.subgraph import Subgraph, beneath
from ledger_tool.core.ledger.names import Platform
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.reference import Reference


@dataclass(frozen=True, slots=True)
class Deps:
    """What one image:tag is built on."""

    name: Name
    outline: Subgraph


def deps(source: Source, reference: Reference, *, platform: Platform | None = None) -> Deps:
    """Return what an image:tag, or one platform of it, is built on. Raises UnknownImage."""
    snapshot = source.read()
    records = snapshot.find(reference, platform)
    return Deps(records[0].name, beneath(build_graph(snapshot.ledger, snapshot.policy), records))

"""Ledgers of images that are built on one another."""

from __future__ import annotations

from ledger_tool.core.dependencies import graph as graphs
from ledger_tool.core.dependencies.graph import Graph
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from tests.support.values.make import digest, ledger_of, record

POLICY = Policy((Registry("registry.example.com", ("myorg/*",)),))


def built(image: str, *on: str, tag: str = "v1", **more: str) -> Record:
    """Return a record of an image that is built on others; its digest is that of its name."""
    given = {"digest": digest(f"{image}:{tag}")} | more
    return record(image, tag, dependsOn=list(on), **given)


def ref(name: str, seed: str = "") -> str:
    """Return a reference to an image:tag, by the digest of a seed: by default, by that of its name."""
    return f"{name}@{digest(seed or name)}"


def graph_of(*records: Record, policy: Policy = POLICY) -> Graph:
    return graphs.build_graph(ledger_of(*records), policy)

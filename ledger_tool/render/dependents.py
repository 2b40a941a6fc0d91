"""What is built on something, and which of it has to be rebuilt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ledger_tool.commands.dependents import FoundDependents
from ledger_tool.core.dependencies import subgraph as outline
from ledger_tool.core.dependencies.subgraph import GraphNode, Subgraph
from ledger_tool.core.ledger.names import counted, some_of
from ledger_tool.core.ledger.record import to_json
from ledger_tool.render import json
from ledger_tool.render.table import Column, table
from ledger_tool.render.view import View


def outlined(built: FoundDependents) -> Subgraph:
    """Return what is built on it, for drawing."""
    return outline.above(built.graph, built.dependents, built.what)


def as_json(built: FoundDependents, drawn: Subgraph) -> str:
    """Return the JSON object; `schema/dependents-v1.schema.json` describes it."""
    value: dict[str, Any] = {"of": built.what, "complete": built.complete}
    if built.rebuilds is None:
        value["dependents"] = [
            _entry(built, number, [(base.text, base.now) for base in bases if base.now])
            for number, bases in built.dependents.links.items()
        ]
    else:
        value["dependents"] = [
            _entry(built, rebuild.number, [(base.text, now) for base, now in rebuild.moved]) | {"step": rebuild.step}
            for rebuild in built.rebuilds
        ]
    if built.live is not None:
        value["unknown"] = [{"reference": text, "reason": why} for text, why in built.live.unknown.items()]
        value["gone"] = list(built.live.gone)
        value["unasked"] = list(built.live.unasked)
    value["cycles"] = [[drawn.nodes[number].text for number in cycle] for cycle in drawn.cycles]
    return json.document(value)


def _entry(built: FoundDependents, number: int, moved: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "record": to_json(built.graph.records[number]),
        "direct": number in built.dependents.direct,
        "on": [base.text for base in built.dependents.links[number]],
        "moved": [{"reference": text, "now": now} for text, now in moved],
    }


_COLUMNS = (
    Column("STEP"),
    Column("IMAGE", "name"),
    Column("PLATFORM", spare=2),
    Column("BASE", "name"),
    Column("BUILT ON", spare=1),
    Column("NOW"),
)


def rebuilds_table(built: FoundDependents, view: View) -> Iterator[str]:
    """Yield what has to be rebuilt, in order; one line for each base that has moved on."""
    rows = []
    for rebuild in built.rebuilds or ():
        record = built.graph.records[rebuild.number]
        start = (str(rebuild.step), str(record.name), record.platform or "-")
        for base, now in rebuild.moved:
            name = f"{base.named.name}:{base.reference.tag}"
            rows.append((*start, name, *view.apart((base.digest, now))))
        if not rebuild.moved:
            rows.append((*start, "from an earlier step", "", ""))
    return table(_COLUMNS, rows, view)


def rebuilds_drawn(built: FoundDependents) -> tuple[Sequence[GraphNode], list[tuple[int, int, bool]]]:
    """Return what has to be rebuilt and the bases that have moved on, as input of `graphs.as_dot`."""
    rebuilds = built.rebuilds or ()
    node_numbers = {rebuild.number: node_number for node_number, rebuild in enumerate(rebuilds)}
    records = [built.graph.records[rebuild.number] for rebuild in rebuilds]
    nodes = [GraphNode(str(record.key), record) for record in records]
    bases: dict[str, int] = {}
    links = []
    for rebuild in rebuilds:
        moved = {base.text for base, _ in rebuild.moved}
        for base in built.dependents.links[rebuild.number]:
            targets = [node_numbers[to] for to in (*base.targets, *base.successors) if to in node_numbers]
            if base.text in moved and not targets:
                if base.text not in bases:
                    bases[base.text] = len(nodes)
                    nodes.append(GraphNode(base.text))
                targets = [bases[base.text]]
            links += [(node_numbers[rebuild.number], to, base.text in moved) for to in targets]
    return nodes, links


def notes(built: FoundDependents) -> Iterator[str]:
    """Yield what a reader should know before acting on it."""
    if built.live is None:
        return
    for text, why in built.live.unknown.items():
        yield f"warning: {text} could not be observed: {why}"
    for text in built.live.gone:
        yield f"note: the tag of {text} no longer exists"
    if built.live.unasked:
        bases = counted(len(built.live.unasked), "base is an image", "bases are images")
        yield f"note: {bases} that no registry of ledger.yaml serves: {some_of(list(built.live.unasked), 3)}"


def nothing_notes(built: FoundDependents, *, stale: bool) -> Iterator[str]:
    """Yield a note if there is nothing to show."""
    if not stale and not built.dependents.links:
        yield f"nothing is built on {built.what}"
    if stale and not built.rebuilds:
        yield "nothing to rebuild" + ("" if built.complete else ", as far as could be observed")

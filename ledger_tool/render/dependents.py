"""What is built on something, and what of that is to be rebuilt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ledger_tool.commands.dependents import Found
from ledger_tool.core.dependencies import subgraph as outline
from ledger_tool.core.dependencies.subgraph import Node, Outline
from ledger_tool.core.ledger.names import counted
from ledger_tool.core.ledger.record import to_json
from ledger_tool.render import json
from ledger_tool.render.records import short_digest
from ledger_tool.render.table import table


def outlined(found: Found) -> Outline:
    """Return what is built on it, to be drawn."""
    return outline.above(found.graph, found.dependents, found.what)


def as_json(found: Found, drawn: Outline) -> str:
    """Return the JSON object; `schema/dependents-v1.schema.json` describes it."""
    value: dict[str, Any] = {"of": found.what, "complete": found.complete}
    if found.rebuilds is None:
        value["dependents"] = [
            _one(found, at, [(base.text, base.now) for base in found.dependents.links[at] if base.now])
            for at in found.dependents.links
        ]
    else:
        value["dependents"] = [
            _one(found, one.number, [(base.text, now) for base, now in one.moved]) | {"step": one.step}
            for one in found.rebuilds
        ]
    if found.live is not None:
        value["unknown"] = [{"reference": text, "reason": why} for text, why in found.live.unknown.items()]
        value["gone"] = list(found.live.gone)
        value["unasked"] = list(found.live.unasked)
    value["cycles"] = [[drawn.nodes[at].text for at in cycle] for cycle in drawn.cycles]
    return json.document(value)


def _one(found: Found, at: int, moved: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "record": to_json(found.graph.records[at]),
        "direct": at in found.dependents.direct,
        "on": [base.text for base in found.dependents.links[at]],
        "moved": [{"reference": text, "now": now} for text, now in moved],
    }


def rebuilds_table(found: Found, width: int | None) -> Iterator[str]:
    """Yield what is to be rebuilt, in order; a line for each base that has moved on."""
    header = ("STEP", "IMAGE", "PLATFORM", "BASE", "BUILT ON", "NOW")
    rows = []
    for one in found.rebuilds or ():
        record = found.graph.records[one.number]
        start = (str(one.step), str(record.name), record.platform or "-")
        for base, now in one.moved:
            name = f"{base.place.name}:{base.reference.tag}"
            rows.append((*start, name, short_digest(base.digest), short_digest(now)))
        if not one.moved:
            rows.append((*start, "one of the steps before", "", ""))
    return table(header, rows, width, spare=(header.index("BUILT ON"), header.index("PLATFORM")))


def rebuilds_drawn(found: Found) -> tuple[Sequence[Node], list[tuple[int, int, bool]]]:
    """Return what is to be rebuilt and the bases that have moved on, as `graphs.as_dot` takes it."""
    numbers = {one.number: at for at, one in enumerate(found.rebuilds or ())}
    nodes = [Node(str(found.graph.records[at].key), found.graph.records[at]) for at in numbers]
    bases: dict[str, int] = {}
    links = []
    for one in found.rebuilds or ():
        moved = {base.text for base, _ in one.moved}
        for base in found.dependents.links[one.number]:
            among = [numbers[to] for to in (*base.targets, *base.successors) if to in numbers]
            if base.text in moved and not among:
                if base.text not in bases:
                    bases[base.text] = len(nodes)
                    nodes.append(Node(base.text))
                among = [bases[base.text]]
            links += [(numbers[one.number], to, base.text in moved) for to in among]
    return nodes, links


def notes(found: Found) -> Iterator[str]:
    """Yield what a reader should know before acting on it."""
    if found.live is None:
        return
    for text, why in found.live.unknown.items():
        yield f"warning: {text} could not be looked at: {why}"
    for text in found.live.gone:
        yield f"note: the tag of {text} is not there any more"
    if found.live.unasked:
        bases = counted(len(found.live.unasked), "base is", "bases are")
        some = ", ".join(found.live.unasked[:3]) + (", …" if len(found.live.unasked) > 3 else "")
        yield f"note: {bases} of images that no registry of ledger.yaml serves: {some}"


def nothing_notes(found: Found, *, stale: bool) -> Iterator[str]:
    """Yield a note where there is nothing to show."""
    if not stale and not found.dependents.links:
        yield f"nothing is built on {found.what}"
    if stale and not found.rebuilds:
        yield "nothing is to be rebuilt" + ("" if found.complete else ", as far as could be seen")

"""What an image is built on, as JSON; `graphs` draws it."""

from __future__ import annotations

from typing import Any

from ledger_tool.commands.deps import Deps
from ledger_tool.core.ledger.record import to_json
from ledger_tool.render import json


def as_json(deps: Deps) -> str:
    """Return the JSON object; `schema/deps-v1.schema.json` describes it. It is flat because chains can be very long."""
    outline = deps.outline
    value: dict[str, Any] = {
        "image": deps.name.image,
        "tag": deps.name.tag,
        "roots": [outline.nodes[number].text for number in outline.roots],
        "nodes": [{"id": node.text, "record": to_json(node.record) if node.record else None} for node in outline.nodes],
        "links": [
            {
                "from": outline.nodes[number].text,
                "to": outline.nodes[link.to].text,
                "reference": link.base.text,
                "now": link.base.now or None,
            }
            for number, links in enumerate(outline.links)
            for link in links
        ],
        "cycles": [[outline.nodes[number].text for number in cycle] for cycle in outline.cycles],
    }
    return json.document(value)

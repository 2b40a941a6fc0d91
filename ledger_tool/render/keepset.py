"""What a garbage collector must keep: one digest a line, or JSON."""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.commands.keepset import Keepset
from ledger_tool.render import json


def as_json(found: Keepset) -> str:
    """Return the JSON object; `schema/keepset-v1.schema.json` describes it."""
    value = {
        "live": found.live,
        "digests": [
            {
                "digest": one.digest,
                "image": one.image,
                "as": list(one.roles),
                "tags": list(one.tags),
                "repositories": list(one.repositories),
            }
            for one in found.kept
        ],
    }
    return json.document(value)


def as_text(found: Keepset) -> Iterator[str]:
    """Yield each digest once, sorted: for `grep -vFf`."""
    yield from sorted({one.digest for one in found.kept})


def notes(found: Keepset) -> Iterator[str]:
    """Yield what a reader should know."""
    for text in found.gone:
        yield f"note: {text} is in none of its registries; what it referred to is kept as far as the ledger has it"

"""What a garbage collector must keep: one digest per line, or JSON."""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.commands.keepset import Keepset
from ledger_tool.render import json


def as_json(keepset: Keepset) -> str:
    """Return the JSON object; `schema/keepset-v1.schema.json` describes it."""
    value = {
        "live": keepset.live,
        "unseen": list(keepset.unseen),
        "digests": [
            {
                "digest": entry.digest,
                "image": entry.image,
                "as": list(entry.roles),
                "tags": list(entry.tags),
                "repositories": list(entry.repositories),
            }
            for entry in keepset.kept
        ],
    }
    return json.document(value)


def as_text(keepset: Keepset) -> Iterator[str]:
    """Yield each digest once, sorted: for `grep -vFf`."""
    yield from sorted({entry.digest for entry in keepset.kept})


def notes(keepset: Keepset) -> Iterator[str]:
    """Yield what a reader should know."""
    if not keepset.live:
        yield "note: what an index refers to is only listed with `--live`"
    for reference in keepset.gone:
        yield f"note: {reference} is in none of its registries"

"""What is particular to a publish: refusals, and what to know about what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ledger_tool.commands.write import Written
from ledger_tool.core.changes.change import Result
from ledger_tool.core.ledger.names import Timestamp, shown
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import from_json, pull_digest
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import Conflict
from ledger_tool.render import json
from ledger_tool.render.edit import result_object

if TYPE_CHECKING:  # most publishes bring none
    from ledger_tool.core.writes.metadata import BuildMetadata


def conflict_line(conflict: Conflict) -> str:
    """Return the JSON object of a refused image:tag: what the ledger has, and the given digest as `conflict`."""
    records = tuple(from_json(fields) for fields in conflict.existing)
    digest = pull_digest(records) or records[0].digest
    result = Result(records[0].name, digest, False, conflict.ledger_commit or None, records)
    return json.line(result_object(result) | {"conflict": conflict.given})


def notes(written: Written, drafts: Sequence[Draft], now: Timestamp, *, offline: bool) -> Iterator[str]:
    """Yield what a person should know about what was recorded."""
    yield from written.notes
    if not written.verified and any(draft.is_index for draft in drafts):
        yield "warning: the digest is that of an index, and no registry was asked for its images; recorded as given"
    yield from _expired(written, now)
    if offline:
        yield "note: offline: no registry was asked; recorded as given"


def left_out(metadata: BuildMetadata) -> Iterator[str]:
    """Yield a note for each target of a metadata file that is not an image to publish, and each provenance not used."""
    for target, reason in metadata.skipped.items():
        yield f"note: target `{shown(target)}` is skipped: it {reason}"
    yield from (f"note: provenance in the metadata file is left out: {reason}" for reason in metadata.unread)


def _expired(written: Written, now: Timestamp) -> Iterator[str]:
    """Yield a warning if something was published again, unchanged, that the next prune will remove."""
    expired = [
        str(result.name)
        for result in written.results
        if not result.changed and any(is_expired(record, now) for record in result.records)
    ]
    if expired:
        more = f" and {len(expired) - 1} more" if len(expired) > 1 else ""
        yield f"warning: past its TTL, the next prune will remove it: {expired[0]}{more}; `--ttl` sets a longer one"

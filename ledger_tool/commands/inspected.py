"""What is known of drafts before they are recorded: by a registry, by signed statements, or by their input alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ledger_tool.core.ledger.names import Digest, SourceRef
from ledger_tool.core.ledger.record import Key, Name
from ledger_tool.core.writes.draft import Draft

CheckedFacts = tuple[Digest, Digest | None, SourceRef]  # of a record: its digest, index and source


@dataclass(frozen=True, slots=True)
class Inspected:
    """The drafts, expanded and filled in, the image:tags that a registry was asked about, and notes for a person.

    `held` has the facts of each record that signed statements were checked for. With `is_open`, the drafts could not be
    recorded as the ledger was, so that what they would become, and has to be proved, is not known.
    """

    drafts: Sequence[Draft]
    verified: frozenset[Name]
    notes: Sequence[str] = ()
    held: Mapping[Key, CheckedFacts] = field(default_factory=dict)
    is_open: bool = False

"""Opening what checks signed statements, for the commands that do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger_tool.commands.attached import FoundDocument
    from ledger_tool.commands.ports import FileSource
    from ledger_tool.commands.proofs import OpenProver
    from ledger_tool.commands.provenance import Prover
    from ledger_tool.core.changes.change import Snapshot

_FILE_BYTES = 64 * 2**20  # of a file with one document on each line


def opening_prover(source: FileSource, bundle: str) -> OpenProver:
    """Return what opens a prover: for the documents in a file, if it is named, else for those at the registries.

    Raises UsageError if the file cannot be read.
    """
    given = _read(bundle) if bundle else None

    def prover(snapshot: Snapshot) -> Prover:  # whose imports a run without anything to prove does not pay
        from ledger_tool.commands.provenance import Prover
        from ledger_tool.edges.provenance.trust import Trust

        return Prover(Trust(partial(source.file, snapshot)), given)

    return prover


def _read(bundle: str) -> Sequence[FoundDocument]:
    from ledger_tool.commands.provenance import given_documents
    from ledger_tool.core.ledger.names import shown
    from ledger_tool.edges.files.disk import read_bytes

    return given_documents(read_bytes(bundle, _FILE_BYTES, "the bundle"), shown(bundle, 300))

"""The tip of a branch, with all that a write needs of it, in one answer of git."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ledger_tool.core.ledger.codec import MAX_BYTES
from ledger_tool.core.ledger.names import LEDGER, SETTINGS
from ledger_tool.core.policy.policy import MAX_SETTINGS_READ
from ledger_tool.edges.git.entries import Entry, entries_of, ledger_fault, settings_fault
from ledger_tool.edges.git.repository import Repository, objects_in

_MOST = MAX_BYTES + MAX_SETTINGS_READ + 4 * 2**20  # bytes: of the two files, the commit and its tree
_COMMITTED = re.compile(rb"^committer .*> ([0-9]{1,12}) [+-][0-9]{4}$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tip:
    """A commit, the seconds of its date, the entries of its root, and the bytes of the ledger's two files."""

    commit: str
    seconds: int
    entries: list[Entry]
    ledger: bytes
    settings: bytes | None


def read_tip(repository: Repository, ref: str) -> Tip | None:
    """Return the tip of a ref, whose two files are as they should be.

    None if git has to be asked piece by piece, because the ref does not exist or something about it is unusual.
    """
    names = (ref, f"{ref}^{{tree}}", f"{ref}:{LEDGER}", f"{ref}:{SETTINGS}")
    stdin = "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
    done = repository.git("cat-file", "--batch", stdin=stdin, least=60.0, most_bytes=_MOST)
    try:
        (commit, text), (tree, raw), (ledger, content), (settings, rules) = objects_in(done.stdout if done.ok else b"")
        entries = list(entries_of(raw, len(tree)))
    except ValueError:
        return None
    date = _COMMITTED.search(text.partition(b"\n\n")[0])
    ledgers = [replace(entry, size=len(content)) for entry in entries if entry.path == LEDGER]
    others = [replace(entry, size=len(rules)) for entry in entries if entry.path == SETTINGS]
    is_usual = ledger == "".join(entry.oid for entry in ledgers) and settings == "".join(entry.oid for entry in others)
    if not is_usual or not date or ledger_fault(ledgers, "") or settings_fault(others):
        return None
    return Tip(commit, int(date[1]), entries, content, rules if others else None)

"""The entries of a tree or an index: from and to a tree object, and what is wrong with a ledger's two files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ledger_tool.core.ledger.codec import MAX_BYTES
from ledger_tool.core.ledger.names import LEDGER
from ledger_tool.core.policy.policy import MAX_SETTINGS_READ
from ledger_tool.errors import InvalidLedger, InvalidSettings

_KINDS = {"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit"}
_TWICE_HINT = "remove that commit: git itself never writes such a tree"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a tree or an index. `size` is -1 if unknown; `stage` is 0 except in a conflict."""

    mode: str
    kind: str
    oid: str
    path: str
    size: int = -1
    stage: int = 0

    @property
    def is_usual(self) -> bool:
        """Whether git itself would write it as it is: with one of its five modes, and a name without a folder."""
        return _KINDS.get(self.mode) == self.kind and self.path != "" and "/" not in self.path

    @property
    def is_plain(self) -> bool:
        """Whether it is a regular file, and not a folder, link or submodule."""
        return self.mode.startswith("100")


def ledger_fault(named: Sequence[Entry], where: str) -> InvalidLedger | None:
    """Return what is wrong with the entries of a tree that are called `ledger.json`."""
    if not named:
        return InvalidLedger(
            f"{where} has no {LEDGER}", "turn the repository into a ledger with `ledger init`, commit and push"
        )
    if len(named) > 1:
        return InvalidLedger(f"{where} names {LEDGER} twice", _TWICE_HINT)
    if not named[0].is_plain:
        return InvalidLedger(f"{LEDGER} in {where} is not a plain file", "replace it with a plain file")
    if named[0].size >= MAX_BYTES:
        return InvalidLedger(
            f"{LEDGER} in {where} has {named[0].size // 2**20} MB, more than any git host accepts",
            "start a second ledger for some of the images",
        )
    return None


def settings_fault(named: Sequence[Entry]) -> InvalidSettings | None:
    """Return what is wrong with the entries of a tree that are called `ledger.yaml`."""
    if len(named) > 1:
        return InvalidSettings(0, 0, "its commit names it twice", _TWICE_HINT)
    if named and not named[0].is_plain:
        return InvalidSettings(0, 0, "it is not a plain file", "replace it with a plain file")
    if named and named[0].size > MAX_SETTINGS_READ:
        return InvalidSettings(0, 0, "it is larger than 1 MB", "check that this is the right file")
    return None


def entries_of(tree: bytes, id_length: int) -> Iterator[Entry]:
    """Yield the entries of a tree object, whose ids have this many hex digits.

    Raises ValueError if it is broken, and for an entry that other programs have written as git would not.
    """
    offset = 0
    while offset < len(tree):
        space, zero = tree.index(b" ", offset), tree.index(b"\0", offset)
        mode, path = tree[offset:space].decode("ascii").zfill(6), tree[space + 1 : zero]
        offset = zero + 1 + id_length // 2
        oid = tree[zero + 1 : offset].hex()
        entry = Entry(mode, _KINDS.get(mode, ""), oid, path.decode("utf-8", "surrogateescape"))
        if len(oid) != id_length or not entry.is_usual:
            raise ValueError(entry)
        yield entry


def tree_of(entries: Iterable[Entry]) -> bytes:
    """Return the tree object that `git mktree` makes of these entries, which are usual ones."""
    named = [(entry, entry.path.encode("utf-8", "surrogateescape")) for entry in entries]
    in_order = sorted(named, key=lambda pair: pair[1] + b"/" * (pair[0].kind == "tree"))
    return b"".join(
        f"{int(entry.mode, 8):o} ".encode() + path + b"\0" + bytes.fromhex(entry.oid) for entry, path in in_order
    )

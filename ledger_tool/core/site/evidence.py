"""What the ledgers of commits show of digests, where a message alone may claim what its commit did not do.

Messages say where to look. To look at every version of a long history would take too long, so the newest are read, as
many as fit into a bound that depends on nothing but the ledger: the same history gives the same answers everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ledger_tool.core.history.commit import File, Touch
from ledger_tool.core.history.whence import KINDS, occurrences_in, parse_digest_prefix
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.site.facts import PlaceKind

MOST_BYTES = 128 * 2**20  # of all versions that are read: about a second
_FEW = 40  # digests: to look for more of them takes longer than to read the whole version

Held = tuple[PlaceKind, Key, str]


@dataclass(frozen=True, slots=True)
class PastLedgers:
    """The versions of `ledger.json`: what each commit did to it, and how to read their contents by their ids.

    `size` is that of the present one, in bytes.
    """

    touches: Mapping[str, Touch] = field(default_factory=dict)
    contents: Callable[[Sequence[str]], Iterator[bytes | None]] = lambda _: iter(())
    size: int = 0

    def look(self, wanted: Mapping[str, Iterable[str]]) -> Evidence:
        """Return what commits show of the digests that are wanted of each, the newest commit first."""
        digests: dict[str, set[str]] = {}
        for commit in wanted:
            touch = self.touches.get(commit)
            for file in (touch.after, *touch.before) if touch else ():
                if file:
                    digests.setdefault(file.id, set()).update(wanted[commit])
        ids = list(digests)[: MOST_BYTES // max(self.size, 1)]
        read: dict[str, frozenset[Held]] = {}
        left = MOST_BYTES
        for file_id, raw in zip(ids, self.contents(ids), strict=True) if ids else ():
            left -= len(raw or b"")
            if left < 0:
                break
            read[file_id] = frozenset(_held(raw, digests[file_id])) if raw is not None else frozenset()
        return Evidence(self.touches, read)


NOT_READ = PastLedgers()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the versions that were read have, by their ids."""

    _touches: Mapping[str, Touch]
    _read: Mapping[str, frozenset[Held]]

    def after(self, commit: str, held: Held) -> bool | None:
        """Return whether the ledger has something at a commit; None if that was not read."""
        touch = self._touches.get(commit)
        return self._has(touch.after, held) if touch else None

    def before(self, commit: str, held: Held) -> bool | None:
        """Return whether the ledger had something before a commit, in one of its parents; None if that was not read."""
        touch = self._touches.get(commit)
        if touch is None:
            return None
        answers = {self._has(file, held) for file in touch.before}
        return True if True in answers else None if None in answers else False

    def introduced(self, commit: str, held: Held) -> bool | None:
        """Return whether a commit gave the ledger something that it did not have; None if that was not read."""
        return _both(self.after(commit, held), _not(self.before(commit, held)))

    def ended(self, commit: str, held: Held) -> bool | None:
        """Return whether a commit took something away that the ledger had; None if that was not read."""
        return _both(self.before(commit, held), _not(self.after(commit, held)))

    def _has(self, file: File | None, held: Held) -> bool | None:
        if file is None:
            return False
        if file.id not in self._read:
            return None
        kind, key, digest = held
        whole = Key(key.image, key.tag, "")  # its platform may have been filled in later
        return not self._read[file.id].isdisjoint({held, (kind, whole, digest)})


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _both(first: bool | None, second: bool | None) -> bool | None:
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def _held(raw: bytes, digests: set[str]) -> Iterator[Held]:
    if len(digests) <= _FEW:
        for place in occurrences_in(raw, *map(parse_digest_prefix, digests)):
            yield place.kind, place.key, place.digest
    else:
        for record in codec.records_holding(raw, '"digest":'):
            yield from held_by(record)


def held_by(record: Record) -> Iterator[Held]:
    """Yield each digest that a record has, in its role."""
    for kind, digest in zip(KINDS, (record.digest, record.index, record.config), strict=True):
        if digest:
            yield kind, record.key, digest

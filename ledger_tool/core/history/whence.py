"""Where a digest is, or was: in which records, from which commit on, and until which.

Records are found in the text of a `ledger.json`, so that a version costs what it has to say of the digest, and one
that is not valid as a whole still tells what it can; each record that is found is validated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ledger_tool.core.history.log import GONE, LogEntry
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.names import Digest, shown
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.errors import InvalidValue

OccurrenceKind = Literal["image", "index", "config"]
KINDS: tuple[OccurrenceKind, ...] = ("image", "index", "config")
SHORTEST = 12  # hex digits: what tools show of a digest, and enough to be unique by

_wanted = re.compile(r"(?:(sha256|sha512):)?([0-9a-f]{12,128})")


@dataclass(frozen=True, slots=True)
class DigestPrefix:
    """A digest, or its beginning; the algorithm is `""` where it was not said."""

    algorithm: str
    hexadecimal: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hexadecimal}" if self.algorithm else self.hexadecimal

    def is_of(self, digest: str | None) -> bool:
        """Return whether a digest begins so."""
        algorithm, _, value = (digest or "").partition(":")
        return value.startswith(self.hexadecimal) and self.algorithm in ("", algorithm)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What a digest is in a record: `digest` is the whole one, and `kind` what it is there."""

    kind: OccurrenceKind
    key: Key
    digest: Digest


@dataclass(frozen=True, slots=True)
class Span:
    """A digest at a key, from the commit that brought it to the one that took it away (None: not yet).

    `key` is the record's at the end: it may have got its platform meanwhile.
    """

    key: Key
    start: LogEntry
    end: LogEntry | None


def parse_digest_prefix(value: str) -> DigestPrefix:
    """Return what `sha256:…`, its beginning, or `image@sha256:…` asks for. Raises InvalidValue."""
    found = _wanted.fullmatch(value.rpartition("@")[2])
    longest = {"sha256": 64, "sha512": 128}
    if not found or len(found[2]) > longest.get(found[1], 128):
        raise InvalidValue(
            "digest",
            f"digest `{shown(value)}` is malformed",
            f"give `sha256:` and its lower-case hex digits, or at least the first {SHORTEST} of them",
        )
    return DigestPrefix(found[1] or "", found[2])


def occurrences_in(raw: bytes, wanted: DigestPrefix) -> dict[Occurrence, Record]:
    """Return the records in the bytes of a `ledger.json` that have such a digest, and as what."""
    found: dict[Occurrence, Record] = {}
    for record in codec.records_holding(raw, f":{wanted.hexadecimal}"):
        for kind, digest in zip(KINDS, (record.digest, record.index, record.config), strict=True):
            if digest and wanted.is_of(digest):
                found[Occurrence(kind, record.key, digest)] = record
    return found


def spans(entries: Iterable[LogEntry], wanted: DigestPrefix) -> Iterator[Span]:
    """Yield where and when a digest was a record's own, as the entries of a log say, given from the oldest on."""
    there: dict[Key, LogEntry] = {}
    for one in entries:
        ended = [key for key in there if key[:2] == one.name and _ends(key, there[key].digest, one)]
        whole = Key(*one.name, "")
        if one.platform and whole in there and there[whole].digest == one.digest:  # its platform is filled in
            there[one.key] = there.pop(whole)
        for key in ended:
            yield Span(key, there.pop(key), one)
        if one.action not in GONE and wanted.is_of(one.digest):
            there.setdefault(one.key, one)
    yield from (Span(key, one, None) for key, one in there.items())


def _ends(key: Key, digest: str, one: LogEntry) -> bool:
    """Return whether an entry takes a digest away from a key of the same image:tag."""
    if key == one.key:
        return one.action in GONE or one.digest != digest
    return digest in one.replaces and one.digest != digest

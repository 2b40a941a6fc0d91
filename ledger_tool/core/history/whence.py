"""Where a digest is, or was: in which records, and from which commit to which.

Records are found in the text of a `ledger.json`, so only what a version says about the digest is read, and one that is
not valid as a whole still gives its valid records; each record that is found is validated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ledger_tool.core.history.log import GONE, LogEntry
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.names import Digest, shown
from ledger_tool.core.ledger.record import Key, Name, Record
from ledger_tool.errors import InvalidValue

OccurrenceKind = Literal["image", "index", "config"]
KINDS: tuple[OccurrenceKind, ...] = ("image", "index", "config")
SHORTEST = 12  # hex digits: what tools show of a digest, and enough to be unique

_prefix = re.compile(r"(?:(sha256|sha512):)?([0-9a-f]{12,128})")


@dataclass(frozen=True, slots=True)
class DigestPrefix:
    """A digest or its beginning; the algorithm is `""` if it was not given."""

    algorithm: str
    hexadecimal: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hexadecimal}" if self.algorithm else self.hexadecimal

    def is_of(self, digest: str | None) -> bool:
        """Return whether a digest begins with this."""
        algorithm, _, value = (digest or "").partition(":")
        return value.startswith(self.hexadecimal) and self.algorithm in ("", algorithm)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A digest in a record: `digest` is the full one, and `kind` its role there."""

    kind: OccurrenceKind
    key: Key
    digest: Digest


@dataclass(frozen=True, slots=True)
class Span:
    """A digest at a key, from the commit that introduced it to the one that removed it (None: not yet).

    `key` is the record's at the end: its platform may have been filled in since.
    """

    key: Key
    start: LogEntry
    end: LogEntry | None


def parse_digest_prefix(value: str) -> DigestPrefix:
    """Return the digest or prefix in `sha256:…`, the beginning of one, or `image@sha256:…`. Raises InvalidValue."""
    match = _prefix.fullmatch(value.rpartition("@")[2])
    longest = {"sha256": 64, "sha512": 128}
    if not match or len(match[2]) > longest.get(match[1], 128):
        raise InvalidValue(
            "digest",
            f"digest `{shown(value)}` is malformed",
            f"give `sha256:` and its lower-case hex digits, or at least the first {SHORTEST} of them; "
            "`ledger get` and `ledger log` take names",
        )
    return DigestPrefix(match[1] or "", match[2])


def occurrences_in(raw: bytes, *wanted: DigestPrefix) -> dict[Occurrence, Record]:
    """Return the records in the bytes of a `ledger.json` that have a matching digest, and its role there."""
    occurrences: dict[Occurrence, Record] = {}
    for prefix in wanted:
        for record in codec.records_holding(raw, f":{prefix.hexadecimal}"):
            for kind, digest in zip(KINDS, (record.digest, record.index, record.config), strict=True):
                if digest and prefix.is_of(digest):
                    occurrences[Occurrence(kind, record.key, digest)] = record
    return occurrences


def spans(entries: Iterable[LogEntry], wanted: DigestPrefix | None = None) -> Iterator[Span]:
    """Yield where and when a digest was a record's own, according to the entries of a log, the oldest first.

    None means every digest.
    """
    starts: dict[Key, LogEntry] = {}
    keys: dict[Name, dict[Key, None]] = {}  # of what has started, by image:tag
    for entry in entries:
        own = keys.setdefault(entry.name, {})
        ended = [key for key in own if _ends(key, starts[key].digest, entry)]
        whole = Key(*entry.name, "")
        if entry.platform and whole in own and starts[whole].digest == entry.digest:  # its platform is filled in
            starts[entry.key] = starts.pop(whole)
            own[entry.key] = own.pop(whole)
        for key in ended:
            del own[key]
            yield Span(key, starts.pop(key), entry)
        if entry.action not in GONE and (wanted is None or wanted.is_of(entry.digest)):
            starts.setdefault(entry.key, entry)
            own[entry.key] = None
    yield from (Span(key, start, None) for key, start in starts.items())


def index_spans(entries: Iterable[LogEntry]) -> Iterator[Span]:
    """Yield where and when a digest was the index of a record, as far as the entries of a log tell, the oldest first.

    The digest is the `index` of the entry at the start.
    """
    starts: dict[Name, dict[Key, LogEntry]] = {}
    for entry in entries:
        own = starts.setdefault(entry.name, {})
        if entry.action in GONE:
            ended = [entry.key]
        else:
            is_told = entry.index or entry.replaces_index
            told = (key for key in own if key == entry.key or not entry.is_seen)
            others = (key for key in told if own[key].index != entry.index and own[key].commit != entry.commit)
            ended = list(others) if is_told else []
        for key in ended:
            if key in own:
                yield Span(key, own.pop(key), entry)
        if entry.index and entry.action not in GONE:
            own.setdefault(entry.key, entry)
    yield from (Span(key, start, None) for own in starts.values() for key, start in own.items())


def _ends(key: Key, digest: str, entry: LogEntry) -> bool:
    """Return whether an entry removes a digest from a key of the same image:tag."""
    if key == entry.key:
        return entry.action in GONE or entry.digest != digest
    return digest in entry.replaces and entry.digest != digest

"""What differs between two ledgers, by key: a value that `diff`, `check`, `audit` and merges all start from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger_tool.core.ledger.ledger import Ledger, parse_text
from ledger_tool.core.ledger.record import Key, Name, Record


@dataclass(frozen=True, slots=True)
class Difference:
    """One key whose record differs: None on a side is a key that is not there; never None on both."""

    key: Key
    old: Record | None
    new: Record | None


def compare(old: Ledger, new: Ledger) -> list[Difference]:
    """Return what differs, in key order. Only the records that differ are parsed."""
    was, now = _unlike(old, new), _unlike(new, old)
    return [Difference(key, was.get(key), now.get(key)) for key in sorted(was.keys() | now.keys())]


def by_name(differences: Iterable[Difference]) -> Mapping[Name, list[Difference]]:
    """Return the differences of each image:tag, in key order."""
    found: dict[Name, list[Difference]] = {}
    for one in differences:
        found.setdefault(Name(one.key.image, one.key.tag), []).append(one)
    return found


def _unlike(ledger: Ledger, other: Ledger) -> dict[Key, Record]:
    """Return the records of a ledger that the other does not have just so."""
    known = set(other.texts)  # a text has its key in it
    return {
        Key(*key): parse_text(text) for key, text in zip(ledger.keys, ledger.texts, strict=True) if text not in known
    }

"""What differs between two ledgers, by key: the basis of `diff`, `check`, `audit` and merges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Key, Name, Record


@dataclass(frozen=True, slots=True)
class Difference:
    """One key whose record differs. A side without the key is None; never both."""

    key: Key
    old: Record | None
    new: Record | None


def compare(old: Ledger, new: Ledger) -> list[Difference]:
    """Return what differs, in key order. Only the records that differ are parsed."""
    before, after = _changed(old, new), _changed(new, old)
    keys = dict.fromkeys(sorted([*before, *after]))  # both are in order
    return [Difference(key, before.get(key), after.get(key)) for key in keys]


def applied(ledger: Ledger, differences: Iterable[Difference]) -> Ledger:
    """Return a ledger with what differs afterwards; the differences are those from it to another one."""
    changed = {}
    for name, of_name in by_name(differences).items():
        records = {record.key: record for record in ledger.find(name)} | {
            one.key: one.new for one in of_name if one.new
        }
        for one in of_name:
            if one.new is None:
                records.pop(one.key, None)
        changed[name] = tuple(records.values())
    return ledger.replaced(changed)


def by_name(differences: Iterable[Difference]) -> Mapping[Name, list[Difference]]:
    """Return the differences of each image:tag; they are given in key order, as `compare` does."""
    groups = groupby(differences, lambda difference: Name(*difference.key[:2]))
    return {name: list(group) for name, group in groups}


def _changed(ledger: Ledger, other: Ledger) -> dict[Key, Record]:
    """Return the records of a ledger that the other does not have in the same form."""
    known = set(other.texts)  # a text includes its key
    return {
        Key(*key): ledger.remembered(text)
        for key, text in zip(ledger.keys, ledger.texts, strict=True)
        if text not in known
    }

"""What may be read by more people than the ledger: all that a site shows is made from what passes here.

A text is without credentials, and a person without a mail address. Whatever has a grammar of its own, such as a digest
or a sourceRef, can hold neither.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.ledger import Ledger, format_text, has_field, parse_text
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.ledger.secrets import redacted, without_tokens

_FREE = ("labels", "provenance", "forced", "yanked")  # the fields of a record that have words of people
_address = re.compile(r"\s*<[^<>]*>?")  # behind a name
_domain = re.compile(r"(?<=\S)\s*(?:[@\uff20]|%40)\s*[^\s()<>,;]+")


def public_text(text: str) -> str:
    """Return a text without credentials."""
    return without_tokens(redacted(text)) if text else text


@cache
def person(name: str) -> str:
    """Return what a person is called: without the address, or, of what is only an address, without the domain."""
    named = _address.sub("", name).strip() or name.strip("<> ")
    return _domain.sub("", public_text(named))


def public_entry(entry: LogEntry) -> LogEntry:
    """Return what a commit did as everybody may read it."""
    run = RunClaim(entry.run.url, person(entry.run.actor)) if entry.run.actor else entry.run
    edits = tuple(edit._replace(value=edit.value and public_text(edit.value)) for edit in entry.edits)
    return replace(entry, by=person(entry.by), reason=public_text(entry.reason), run=run, edits=edits)


def public_ledger(ledger: Ledger) -> Ledger:
    """Return a ledger as everybody may read it."""
    return Ledger(ledger.keys, [_text(text) for text in ledger.texts])


def _text(text: str) -> str:
    if not any(has_field(text, name) for name in _FREE):
        return text
    record = parse_text(text)
    public = _record(record)
    return text if public == record else format_text(public)


def _record(record: Record) -> Record:
    provenance, forced, yanked = record.provenance, record.forced, record.yanked
    return replace(
        record,
        labels={key: public_text(value) for key, value in record.labels.items()},
        provenance=provenance
        and replace(provenance, builder=public_text(provenance.builder), signer=person(provenance.signer)),
        forced=forced and replace(forced, reason=public_text(forced.reason)),
        yanked=yanked and replace(yanked, reason=public_text(yanked.reason)),
    )

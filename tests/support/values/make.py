"""Values for tests: short to write, valid, and different where the seed differs."""

from __future__ import annotations

import hashlib
from typing import Any

from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Name, Record, from_json, to_json
from ledger_tool.core.policy.reference import parse_reference
from ledger_tool.core.writes.draft import Draft

SOURCE = "https://git.example.com/team/app@4ef5a3030654728decc420aa363a57670ae53de4"
WHEN = "2026-11-24T09:30:00Z"


def digest(seed: object = "a") -> str:
    """Return a sha256 digest."""
    return "sha256:" + hashlib.sha256(str(seed).encode()).hexdigest()


def source(seed: object) -> str:
    """Return a sourceRef."""
    return f"https://git.example.com/team/app@{hashlib.sha1(str(seed).encode()).hexdigest()}"


def fields(image: str = "myorg/app", tag: str = "v1", **more: Any) -> dict[str, Any]:
    """Return a record's JSON object; keys as in `ledger.json`, None leaves one out."""
    found = {"image": image, "tag": tag, "digest": digest(), "publishedAt": WHEN, "sourceRef": SOURCE} | more
    return {name: value for name, value in found.items() if value is not None}


def record(image: str = "myorg/app", tag: str = "v1", **more: Any) -> Record:
    """Return a record; see `fields`."""
    return from_json(fields(image, tag, **more))


def but(one: Record, **more: Any) -> Record:
    """Return a record with other fields, named as in `ledger.json`; None leaves one out."""
    return from_json({name: value for name, value in (to_json(one) | more).items() if value is not None})


def draft(image: str = "myorg/app", **more: Any) -> Draft:
    """Return a draft; keywords as in `Draft`."""
    given = {"tag": "v1", "digest": digest(), "published_at": WHEN, "source_ref": SOURCE} | more
    return Draft(reference=parse_reference(image), **given)


def ledger_of(*records: Record) -> Ledger:
    """Return a ledger of these records."""
    names: dict[Name, list[Record]] = {}
    for one in records:
        names.setdefault(one.name, []).append(one)
    return Ledger().replaced(names)


def ledger_bytes(*records: Record) -> bytes:
    """Return the canonical bytes of a ledger of these records."""
    return codec.dumps(ledger_of(*records))

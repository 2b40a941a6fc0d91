"""What is wrong with a `ledger.json`, in words and with a position. Slow, and only run on bad files.

`codec.loads` knows *that* a file is invalid; here the JSON Schema says what of it, and a search finds
the line. `codec` is the judge: whatever it refuses, this must find a reason for.
"""

from __future__ import annotations

import codecs
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger_tool.core import codec, jsontext
from ledger_tool.core.names import shown
from ledger_tool.core.record import FIELDS
from ledger_tool.core.schema import errors, part
from ledger_tool.errors import InvalidLedger

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: the rule it breaks, where (line and column from 1), and what it is."""

    rule: str
    line: int
    column: int
    message: str


def explain(raw: bytes, schema: Mapping[str, Any]) -> InvalidLedger:
    """Return the error for a `ledger.json` that `codec.loads` refused; `schema` is `ledger-v1`."""
    found = next(findings(raw, schema), Finding("canonical", 1, 1, "not in canonical form"))
    if found.rule == "version":
        return InvalidLedger(f"ledger.json {found.message}", "upgrade `ledger-tool`; nothing was changed")
    where = f"ledger.json, line {found.line}, column {found.column}"
    return InvalidLedger(f"{where}: {found.message}", "restore the last good ledger.json with git, or mend the line")


def findings(raw: bytes, schema: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the faults of the bytes of a `ledger.json`, the most telling first."""
    if len(raw) >= codec.MAX_BYTES:
        size = f"{len(raw) / codec.MEGABYTE:.1f} MB"
        yield Finding("size", 1, 1, f"the file has {size}, and git hosts refuse files from 100 MB")
        return
    try:
        text = _decoded(raw)
        data = jsontext.parse(text)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        yield Finding("encoding", *jsontext.line_and_column(before, len(before)), "not UTF-8")
        return
    except jsontext.Fault as fault:
        yield Finding("json", *jsontext.line_and_column(_lenient(raw), fault.offset), fault.reason)
        return
    yield from _structure(text, data, schema)


def _lenient(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _decoded(raw: bytes) -> str:
    if not raw.strip():
        raise jsontext.Fault(0, "the file is empty")
    if raw.startswith(codecs.BOM_UTF8):
        raise jsontext.Fault(0, "the file starts with a byte order mark")
    if raw.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)) or b"\0" in raw[:4]:
        raise jsontext.Fault(0, "the file is UTF-16 or binary, not UTF-8")
    text = raw.decode("utf-8")
    if marker := re.search(r"^(?:<{7}|={7}|>{7}|\|{7})(?: |$)", text, re.MULTILINE):
        raise jsontext.Fault(marker.start(), "an unresolved merge conflict")
    return text


def _structure(text: str, data: Any, schema: Mapping[str, Any]) -> Iterator[Finding]:
    def at(path: Sequence[str | int], rule: str, message: str) -> Finding:
        return Finding(rule, *jsontext.line_and_column(text, jsontext.locate(text, path)), message)

    version = data.get("schemaVersion") if isinstance(data, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        yield at(
            ["schemaVersion"],
            "version",
            f"has schemaVersion {shown(str(version), 20)}; this version knows {SCHEMA_VERSION}",
        )
        return
    sound = True
    for path, message in _schema_faults(data, schema):
        sound = False
        yield at(path, "schema", message)
    if not sound:
        return
    records: list[dict[str, Any]] = data["records"]
    rules = list(_rule_faults(records))
    yield from (at(path, rule, message) for path, rule, message in rules)
    if not rules:
        yield from _form_faults(text, data)


def _schema_faults(data: Any, schema: Mapping[str, Any]) -> Iterator[tuple[list[str | int], str]]:
    shell = {**data, "records": []} if isinstance(data, dict) and isinstance(data.get("records"), list) else data
    yield from errors(schema, shell)
    if shell is not data:
        of_a_record = part(schema, "record")
        for at, record in enumerate(data["records"]):
            if codec.is_valid(record):
                continue
            for path, message in errors(of_a_record, record):
                yield ["records", at, *path], message


def _rule_faults(records: list[dict[str, Any]]) -> Iterator[tuple[list[str | int], str, str]]:
    """Yield what the schema can't say: dates, NFC, order, unique keys, a record without a platform alone."""
    previous = ("", "", "")
    for at, record in enumerate(records):
        path: list[str | int] = ["records", at]
        times = [("publishedAt", record["publishedAt"])] + [("yanked", y["at"]) for y in [record.get("yanked")] if y]
        for name, value in times:
            if not codec.is_date(value[:10]):
                yield [*path, name], "date", f"`{shown(value)}` is no date of the calendar"
        if not unicodedata.is_normalized("NFC", json.dumps(record, ensure_ascii=False)):
            yield path, "nfc", "text is not in Unicode's normal form NFC"
        key = (record["image"], record["tag"], record.get("platform", ""))
        name = f"{key[0]}:{key[1]}"
        if at and key == previous:
            yield path, "unique", f"a second record for {name} {key[2]}".rstrip()
        elif at and key < previous:
            yield (
                path,
                "order",
                f"{name} stands after {previous[0]}:{previous[1]}; records are sorted by image, tag, platform",
            )
        elif at and key[:2] == previous[:2] and not previous[2]:
            yield path, "platform", f"{name} has a record without a platform, which must be its only one"
        previous = key


def _form_faults(text: str, data: dict[str, Any]) -> Iterator[Finding]:
    if "\r" in text:
        position = jsontext.line_and_column(text, text.index("\r"))
        yield Finding("canonical", *position, "lines end in CRLF, not LF")
        return
    want = json.dumps(_ordered(data), indent=2, ensure_ascii=False) + "\n"
    for number, (have_line, want_line) in enumerate(zip(text.split("\n"), want.split("\n"), strict=False), 1):
        if have_line != want_line:
            column = next((at for at, (a, b) in enumerate(zip(have_line, want_line, strict=False), 1) if a != b), 1)
            have_shown, want_shown = shown(have_line.strip(), 60), shown(want_line.strip(), 60)
            message = f"not in canonical form: `{have_shown}` should be `{want_shown}`"
            if have_shown == want_shown:
                message = "not in canonical form: white space differs"
            yield Finding("canonical", number, column, message)
            return
    if text != want:
        line = min(text.count("\n"), want.count("\n")) + 1
        yield Finding("canonical", line, 1, "not in canonical form: it ends with exactly one newline")


def _ordered(data: dict[str, Any]) -> dict[str, Any]:
    def ordered(record: dict[str, Any]) -> dict[str, Any]:
        fields = {name: record[name] for name in FIELDS if record.get(name)}
        if "labels" in fields:
            fields["labels"] = dict(sorted(fields["labels"].items()))
        for mark, first, second in (("forced", "replaces", "reason"), ("yanked", "at", "reason")):
            if mark in fields:
                fields[mark] = {first: fields[mark][first], second: fields[mark][second]}
        return fields

    return {"schemaVersion": SCHEMA_VERSION, "records": [ordered(record) for record in data["records"]]}

"""What is wrong with a `ledger.json`, in words and with a position. Slow, and only run on bad files.

`codec.loads` knows *that* a file is invalid; here the JSON Schema says what is invalid, and a search finds
the line. `codec` is the judge: for whatever it refuses, a reason must be found here.
"""

from __future__ import annotations

import codecs
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ledger_tool.core.ledger import codec, jsontext, names
from ledger_tool.core.ledger.canonical import ordered, sorting_key
from ledger_tool.core.ledger.markers import UNRESOLVED, unresolved_conflicts
from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.schema import errors, part
from ledger_tool.errors import InvalidLedger

SCHEMA_VERSION = 1
LINE_ENDS = "lines end in CRLF, not LF, which `ledger.json text eol=lf` in `.gitattributes` prevents"
LINE_ENDS_HINT = (
    "git converted them in this checkout: put `ledger.json text eol=lf` into `.gitattributes`, "
    "then run `rm ledger.json && git checkout -- ledger.json`"
)
_timestamp = re.compile(names.TIMESTAMP)
_TOO_LARGE = "and git hosts refuse files of 100 MB or more"
_LFS = "the file is a pointer of Git LFS, not a ledger"


@dataclass(frozen=True, slots=True)
class FileFault:
    """One fault: the rule it breaks, where (line and column from 1), and what it is.

    `is_form` says that it is one of form, which `canonical.canonical_form` puts right.
    """

    rule: str
    line: int
    column: int
    message: str
    is_form: bool = False


def invalid_ledger(raw: bytes, schema: Mapping[str, Any]) -> InvalidLedger:
    """Return the error for a `ledger.json` that `codec.loads` refused; `schema` is `ledger-v1`."""
    fault = next(file_faults(raw, schema), FileFault("canonical", 1, 1, "not in canonical form", is_form=True))
    if fault.rule == "version":
        return InvalidLedger(f"ledger.json {fault.message}", "upgrade `ledger-tool`; nothing was changed")
    hint = "restore the last valid ledger.json with git, or fix the line"
    if fault.is_form:
        hint = "only its form is wrong: `ledger check --fix` writes the canonical one, in a checkout"
    if fault.message.startswith(UNRESOLVED):
        hint = "keep the lines of one side of each conflict and delete the markers, or `git merge --abort`"
    elif fault.message == LINE_ENDS:
        hint = LINE_ENDS_HINT
    elif fault.message == _LFS:
        hint = "take it out of LFS: `git lfs untrack ledger.json`, `git add --renormalize ledger.json`, and commit"
    return InvalidLedger(f"ledger.json, line {fault.line}, column {fault.column}: {fault.message}", hint)


def file_faults(raw: bytes, schema: Mapping[str, Any]) -> Iterator[FileFault]:
    """Yield the faults in the bytes of a `ledger.json`; those of its form only if there are no others.

    If there are others, `canonical.canonical_form` finds no form, and these are all the reasons why.
    """
    if len(raw) >= codec.MAX_BYTES:
        size = f"{len(raw) / codec.MEGABYTE:.1f} MB"
        yield FileFault("size", 1, 1, f"the file is {size}, {_TOO_LARGE}")
        return
    has_mark = raw.startswith(codecs.BOM_UTF8)
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = _decoded(raw)
        if conflicts := list(unresolved_conflicts(text)):
            for offset, message in conflicts:
                yield FileFault("json", *jsontext.line_and_column(text, offset), message)
            return
        data, faults = jsontext.read(text)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        yield FileFault("encoding", *jsontext.line_and_column(before, len(before)), "not UTF-8")
        return
    except jsontext.JsonFault as fault:
        yield _json_fault(raw.decode("utf-8", "replace"), fault)
        return
    mark = FileFault("json", 1, 1, "the file starts with a byte order mark", is_form=True)
    yield from _gravest(
        chain(
            (_json_fault(text, fault) for fault in faults), _structure(text, data, schema), [mark] if has_mark else []
        )
    )


def _gravest(faults: Iterable[FileFault]) -> Iterator[FileFault]:
    of_form, has_others = [], False
    for fault in faults:
        if fault.is_form:
            of_form.append(fault)
        else:
            has_others = True
            yield fault
    if not has_others:
        yield from of_form


def _json_fault(text: str, fault: jsontext.JsonFault) -> FileFault:
    return FileFault("json", *jsontext.line_and_column(text, fault.offset), fault.reason)


def _decoded(raw: bytes) -> str:
    if not raw.strip():
        raise jsontext.JsonFault(0, "the file is empty")
    if raw.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)) or b"\0" in raw[:4]:
        raise jsontext.JsonFault(0, "the file is UTF-16 or binary, not UTF-8")
    if raw.startswith(b"version https://git-lfs.github.com/spec/"):
        raise jsontext.JsonFault(0, _LFS)
    return raw.decode("utf-8")


def _structure(text: str, data: Any, schema: Mapping[str, Any]) -> Iterator[FileFault]:
    positions = _Positions(text)

    def fault(path: Sequence[str | int], rule: str, message: str) -> FileFault:
        return FileFault(rule, *positions.of(path), message, is_form=rule == "order")

    version = data.get("schemaVersion") if isinstance(data, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        yield fault(
            ["schemaVersion"],
            "version",
            f"has schemaVersion {shown(str(version), 20)}; this version knows {SCHEMA_VERSION}",
        )
        return
    rules: set[str] = set()
    if isinstance(version, float) and version == SCHEMA_VERSION:
        message = f"`schemaVersion` has to be written `{SCHEMA_VERSION}`, without a point or an exponent"
        yield fault(["schemaVersion"], "canonical", message)
        rules.add("canonical")
    for path, message in _schema_faults(data, schema):
        rules.add("schema")
        yield fault(path, "schema", message)
    if not isinstance(data, dict) or not isinstance(data.get("records"), list):
        return
    for path, rule, message in _rule_faults(data["records"], positions):
        rules.add(rule)
        yield fault(path, rule, message)
    if rules <= {"order"}:
        yield from _form_faults(text, data, in_order=not rules)


class _Positions:
    """Line and column of values in the text of a ledger; the records are located once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._records: list[tuple[int, int]] | None = None  # offset, and lines before it

    def of(self, path: Sequence[str | int]) -> tuple[int, int]:
        if len(path) < 2 or path[0] != "records":
            return jsontext.line_and_column(self._text, jsontext.locate(self._text, path))
        if self._records is None:
            records = jsontext.values_in(self._text, jsontext.locate(self._text, ["records"]))
            self._records = list(self._lines(offset for _, offset in records))
        number = int(path[1])
        start, before = self._records[number]
        end = self._records[number + 1][0] if number + 1 < len(self._records) else len(self._text)
        offset = start + jsontext.locate(self._text[start:end], path[2:])
        line = before + self._text.count("\n", start, offset) + 1
        return line, offset - self._text.rfind("\n", 0, offset)

    def _lines(self, offsets: Iterable[int]) -> Iterator[tuple[int, int]]:
        lines, last = 0, 0
        for offset in offsets:
            lines += self._text.count("\n", last, offset)
            last = offset
            yield offset, lines


def _schema_faults(data: Any, schema: Mapping[str, Any]) -> Iterator[tuple[list[str | int], str]]:
    shell = {**data, "records": []} if isinstance(data, dict) and isinstance(data.get("records"), list) else data
    yield from errors(schema, shell)
    if shell is not data:
        of_a_record = part(schema, "record")
        for number, record in enumerate(data["records"]):
            if codec.is_valid(record):
                continue
            for path, message in errors(of_a_record, record):
                yield ["records", number, *path], message


def _value_faults(path: list[str | int], record: Mapping[str, Any]) -> Iterator[tuple[list[str | int], str, str]]:
    """Yield the values of a record that look right and are not."""
    yanked = record.get("yanked")
    times = {"publishedAt": record.get("publishedAt"), "yanked": yanked.get("at") if isinstance(yanked, dict) else None}
    for name, value in times.items():
        if isinstance(value, str) and _timestamp.fullmatch(value) and not codec.is_date(value[:10]):
            yield [*path, name], "date", f"`{shown(value)}` is not a calendar date"
    if not unicodedata.is_normalized("NFC", json.dumps(record, ensure_ascii=False)):
        yield path, "nfc", "text is not in Unicode normalization form NFC"


def _rule_faults(records: Sequence[Any], positions: _Positions) -> Iterator[tuple[list[str | int], str, str]]:
    """Yield what the schema cannot say: dates, NFC, order, unique keys, a record without a platform alone."""
    first: dict[tuple[str, str, str], int] = {}
    platforms: dict[tuple[str, str], dict[bool, int]] = {}
    previous: tuple[str, str, str] | None = None
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            continue
        path: list[str | int] = ["records", number]
        yield from _value_faults(path, record)
        if (key := sorting_key(record)) is None:
            continue
        if key in first:
            where = positions.of(["records", first[key]])[0]
            what = f"a second record for {_name(key)} {shown(key[2])}".rstrip()
            yield path, "unique", f"{what}; the first is in line {where}"
        elif previous is not None and key < previous:
            what = f"{_name(key)} comes after {_name(previous)}"
            yield path, "order", f"{what}; records are sorted by image, tag, platform"
        first.setdefault(key, number)
        of_tag = platforms.setdefault(key[:2], {})
        if bool(key[2]) not in of_tag and len(of_tag) == 1:
            yield path, "platform", f"{_name(key)} has a record without a platform, which must be its only one"
        of_tag.setdefault(bool(key[2]), number)
        previous = key


def _name(key: tuple[str, str, str]) -> str:
    return f"{shown(key[0])}:{shown(key[1])}"


def _form_faults(text: str, data: dict[str, Any], *, in_order: bool) -> Iterator[FileFault]:
    want = json.dumps(ordered(data), indent=2, ensure_ascii=False) + "\n"
    if (size := len(want.encode())) >= codec.MAX_BYTES:
        yield FileFault("size", 1, 1, f"its canonical form has {size / codec.MEGABYTE:.1f} MB, {_TOO_LARGE}")
    if not in_order:
        return
    if "\r" in text:
        position = jsontext.line_and_column(text, text.index("\r"))
        yield FileFault("canonical", *position, LINE_ENDS, is_form=True)
        return
    pairs = list(zip(text.split("\n"), want.split("\n"), strict=False))
    is_aligned = text.count("\n") == want.count("\n")  # else every line after the first fault differs
    last = 0
    for number, (have, due) in enumerate(pairs, 1):
        if have == due:
            continue
        if not last or last != number - 1:  # consecutive lines are one fault
            yield FileFault("canonical", number, *_unlike(have, due), is_form=True)
        last = number
        if not is_aligned:
            return
    if not last and text != want:
        line = min(text.count("\n"), want.count("\n")) + 1
        yield FileFault("canonical", line, 1, "not in canonical form: it ends with exactly one newline", is_form=True)


def _unlike(have: str, want: str) -> tuple[int, str]:
    """Return the column where a line leaves the canonical form, and the message."""
    column = next((at for at, (a, b) in enumerate(zip(have, want, strict=False), 1) if a != b), 1)
    have_shown, want_shown = shown(have.strip(), 60), shown(want.strip(), 60)
    if have_shown == want_shown:
        return column, "not in canonical form: whitespace differs"
    return column, f"not in canonical form: `{have_shown}` should be `{want_shown}`"

"""What is wrong with a `ledger.json`, in words and with a position. Slow, and only run on bad files.

`codec.loads` knows *that* a file is invalid; here the JSON Schema says what is invalid, and a search finds
the line. `codec` is the judge: for whatever it refuses, a reason must be found here.
"""

from __future__ import annotations

import codecs
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger_tool.core.ledger import codec, jsontext
from ledger_tool.core.ledger.canonical import canonical_form, ordered
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
_FORM = ("canonical", "order", "json")  # rules that a file may break by its form alone
_LFS = "the file is a pointer of Git LFS, not a ledger"


@dataclass(frozen=True, slots=True)
class FileFault:
    """One fault: the rule it breaks, where (line and column from 1), and what it is."""

    rule: str
    line: int
    column: int
    message: str


def invalid_ledger(raw: bytes, schema: Mapping[str, Any]) -> InvalidLedger:
    """Return the error for a `ledger.json` that `codec.loads` refused; `schema` is `ledger-v1`."""
    fault = next(file_faults(raw, schema), FileFault("canonical", 1, 1, "not in canonical form"))
    if fault.rule == "version":
        return InvalidLedger(f"ledger.json {fault.message}", "upgrade `ledger-tool`; nothing was changed")
    hint = "restore the last valid ledger.json with git, or fix the line"
    if fault.rule in _FORM and canonical_form(raw) is not None:
        hint = "only its form is wrong: `ledger check --fix` writes the canonical one, in a checkout"
    if fault.message.startswith(UNRESOLVED):
        hint = "keep the lines of one side of each conflict and delete the markers, or `git merge --abort`"
    elif fault.message == LINE_ENDS:
        hint = LINE_ENDS_HINT
    elif fault.message == _LFS:
        hint = "take it out of LFS: `git lfs untrack ledger.json`, `git add --renormalize ledger.json`, and commit"
    return InvalidLedger(f"ledger.json, line {fault.line}, column {fault.column}: {fault.message}", hint)


def file_faults(raw: bytes, schema: Mapping[str, Any]) -> Iterator[FileFault]:
    """Yield the faults in the bytes of a `ledger.json`, the most telling first."""
    if len(raw) >= codec.MAX_BYTES:
        size = f"{len(raw) / codec.MEGABYTE:.1f} MB"
        yield FileFault("size", 1, 1, f"the file is {size}, and git hosts refuse files of 100 MB or more")
        return
    try:
        text = _decoded(raw)
        if conflicts := list(unresolved_conflicts(text)):
            for offset, message in conflicts:
                yield FileFault("json", *jsontext.line_and_column(text, offset), message)
            return
        data = jsontext.parse(text)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        yield FileFault("encoding", *jsontext.line_and_column(before, len(before)), "not UTF-8")
        return
    except jsontext.JsonFault as fault:
        yield FileFault("json", *jsontext.line_and_column(raw.decode("utf-8", "replace"), fault.offset), fault.reason)
        return
    yield from _structure(text, data, schema)


def _decoded(raw: bytes) -> str:
    if not raw.strip():
        raise jsontext.JsonFault(0, "the file is empty")
    if raw.startswith(codecs.BOM_UTF8):
        raise jsontext.JsonFault(0, "the file starts with a byte order mark")
    if raw.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)) or b"\0" in raw[:4]:
        raise jsontext.JsonFault(0, "the file is UTF-16 or binary, not UTF-8")
    if raw.startswith(b"version https://git-lfs.github.com/spec/"):
        raise jsontext.JsonFault(0, _LFS)
    return raw.decode("utf-8")


def _structure(text: str, data: Any, schema: Mapping[str, Any]) -> Iterator[FileFault]:
    positions = _Positions(text)

    def fault(path: Sequence[str | int], rule: str, message: str) -> FileFault:
        return FileFault(rule, *positions.of(path), message)

    version = data.get("schemaVersion") if isinstance(data, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        yield fault(
            ["schemaVersion"],
            "version",
            f"has schemaVersion {shown(str(version), 20)}; this version knows {SCHEMA_VERSION}",
        )
        return
    unsound: set[str | int] = set()
    for path, message in _schema_faults(data, schema):
        unsound.add(path[1] if len(path) > 1 and path[0] == "records" else "")
        yield fault(path, "schema", message)
    if "" in unsound:
        return
    sound = ((number, record) for number, record in enumerate(data["records"]) if number not in unsound)
    rules = list(_rule_faults(sound))
    yield from (fault(path, rule, message) for path, rule, message in rules)
    if not rules and not unsound:
        yield from _form_faults(text, data)


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


def _rule_faults(records: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[tuple[list[str | int], str, str]]:
    """Yield what the schema cannot say: dates, NFC, order, unique keys, a record without a platform alone."""
    previous: tuple[str, str, str] | None = None
    for number, record in records:
        path: list[str | int] = ["records", number]
        times = [("publishedAt", record["publishedAt"])] + [("yanked", y["at"]) for y in [record.get("yanked")] if y]
        for name, value in times:
            if not codec.is_date(value[:10]):
                yield [*path, name], "date", f"`{shown(value)}` is not a calendar date"
        if not unicodedata.is_normalized("NFC", json.dumps(record, ensure_ascii=False)):
            yield path, "nfc", "text is not in Unicode normalization form NFC"
        key = (record["image"], record["tag"], record.get("platform", ""))
        name = f"{key[0]}:{key[1]}"
        if previous is None:
            pass
        elif key == previous:
            yield path, "unique", f"a second record for {name} {key[2]}".rstrip()
        elif key < previous:
            yield (
                path,
                "order",
                f"{name} comes after {previous[0]}:{previous[1]}; records are sorted by image, tag, platform",
            )
        elif key[:2] == previous[:2] and not previous[2]:
            yield path, "platform", f"{name} has a record without a platform, which must be its only one"
        previous = key


def _form_faults(text: str, data: dict[str, Any]) -> Iterator[FileFault]:
    if "\r" in text:
        position = jsontext.line_and_column(text, text.index("\r"))
        yield FileFault("canonical", *position, LINE_ENDS)
        return
    want = json.dumps(ordered(data), indent=2, ensure_ascii=False) + "\n"
    pairs = list(zip(text.split("\n"), want.split("\n"), strict=False))
    is_aligned = text.count("\n") == want.count("\n")  # else every line after the first fault differs
    last = 0
    for number, (have, due) in enumerate(pairs, 1):
        if have == due:
            continue
        if not last or last != number - 1:  # consecutive lines are one fault
            yield FileFault("canonical", number, *_unlike(have, due))
        last = number
        if not is_aligned:
            return
    if not last and text != want:
        line = min(text.count("\n"), want.count("\n")) + 1
        yield FileFault("canonical", line, 1, "not in canonical form: it ends with exactly one newline")


def _unlike(have: str, want: str) -> tuple[int, str]:
    """Return the column where a line leaves the canonical form, and the message."""
    column = next((at for at, (a, b) in enumerate(zip(have, want, strict=False), 1) if a != b), 1)
    have_shown, want_shown = shown(have.strip(), 60), shown(want.strip(), 60)
    if have_shown == want_shown:
        return column, "not in canonical form: whitespace differs"
    return column, f"not in canonical form: `{have_shown}` should be `{want_shown}`"

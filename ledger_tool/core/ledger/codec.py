r"""`ledger.json`, bytes to ledger and back.

The format, version 1 (`schema/ledger-v1.schema.json` is the published contract)::

    {
      "schemaVersion": 1,
      "records": [
        {
          "image": "myorg/app",
          "tag": "v1.5.0",
          "platform": "linux/amd64",
          "digest": "sha256:...",
          "publishedAt": "2026-11-24T09:30:00Z",
          "sourceRef": "https://git.example.com/team/app@4ef5a3030654728decc420aa363a57670ae53de4"
        }
      ]
    }

Records are sorted by (image, tag, platform), by code point; keys are in the order of the schema,
labels are sorted by name; two-space indent, UTF-8 unescaped, one newline at the end. Exactly these bytes
are *canonical*, and a file with any others is invalid. This one rule catches duplicate keys, reordered
records, smuggled whitespace and hand-made formatting.

It makes the valid records a regular language, so one pattern, built from the grammar of `names`, reads and validates a
record at once, at the speed of `re`. What is not regular (order, unique keys, calendar dates, NFC) is checked
separately. This module says only *that* something is wrong, fast; `diagnosis` says what, and where. See docs/adr/0002.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.layout import laid_out
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.overlap import common_prefix, common_suffix
from ledger_tool.core.ledger.record import Record, from_json
from ledger_tool.errors import InvalidLedger, UsageError

MEGABYTE = 1024 * 1024
WARN_BYTES = 40 * MEGABYTE
MAX_BYTES = 100 * MEGABYTE

_HEAD = '{\n  "schemaVersion": 1,\n  "records": ['
_START, _END, _TAIL = "\n    {\n", "\n    }", "]\n}\n"
_BETWEEN, _CLOSE = _END + "," + _START, _END + "\n  "
_FIRST_BYTES, _BETWEEN_BYTES, _CLOSE_BYTES = (_HEAD + _START).encode(), _BETWEEN.encode(), (_CLOSE + _TAIL).encode()
FIRST_LINE = (_HEAD + _START).count("\n") + 1  # of the first record's fields

_CHARACTER = rf'(?:[^"\\{names.UNSEEN}{names.UNSEEN_ASTRAL}]|\\["\\])'
_STRING = rf'"(?! ){_CHARACTER}{{0,{names.TEXT_MAX}}}+(?<! )"'
_DEPENDENCY = rf'        "(?=[^"]{{1,{names.DEPENDENCY_MAX}}}"){names.DEPENDENCY}"'
_LABEL = rf'        "{names.LABEL_KEY}": {_STRING}'


@cache  # it takes a tenth of a start to compile, and not every run reads a ledger
def _record_pattern() -> re.Pattern[str]:
    def optional(name: str, value: str) -> str:
        return rf'(?:      "{name}": {value},\n)?'

    def optional_last(name: str, value: str) -> str:
        return rf'(?:,\n      "{name}": {value})?'

    return re.compile(
        rf'      "image": "(?=[^"]{{1,{names.IMAGE_MAX}}}")({names.IMAGE})",\n'
        rf'      "tag": "({names.TAG})",\n'
        + optional("platform", rf'"({names.PLATFORM})"')
        + rf'      "digest": "{names.DIGEST}",\n'
        + optional("index", rf'"{names.DIGEST}"')
        + optional("config", rf'"{names.DIGEST}"')
        + rf'      "publishedAt": "({names.TIMESTAMP})",\n'
        rf'      "sourceRef": "{names.SOURCE_REF}"'
        + optional_last("labels", rf"\{{\n({_LABEL}(?:,\n{_LABEL})*)\n      \}}")
        + optional_last("dependsOn", rf"\[\n({_DEPENDENCY}(?:,\n{_DEPENDENCY})*)\n      \]")
        + optional_last("ttl", rf'"{names.TTL}"')
        + optional_last(
            "provenance",
            rf'\{{\n        "digest": "{names.DIGEST}"'
            rf'(?:,\n        "builder": (?!""){_STRING})?(?:,\n        "signer": (?!""){_STRING})?\n      \}}',
        )
        + optional_last("version", rf'"{names.TAG}"')
        + optional_last(
            "forced",
            rf'\{{\n        "replaces": "{names.DIGEST}",\n        "reason": (?!""){_STRING}\n      \}}',
        )
        + optional_last(
            "yanked",
            rf'\{{\n        "at": "({names.TIMESTAMP})",\n        "reason": (?!""){_STRING}\n      \}}',
        )
    )


def prepare() -> None:
    """Do now what the first ledger that is read would have to wait for."""
    _record_pattern()


_label_key = re.compile(r'^        "([^"]+)": ', re.MULTILINE)


def loads(raw: bytes) -> Ledger:
    """Return the ledger of the bytes of a `ledger.json`. Raises InvalidLedger unless they are canonical and valid."""
    ledger = _read(raw)
    if ledger is None:
        raise InvalidLedger("ledger.json is not a valid ledger in canonical form")
    return ledger


@dataclass(frozen=True, slots=True)
class Reread:
    """A ledger read by what differs from an old one: records `start:end` replace the old `start:old_end`."""

    ledger: Ledger
    start: int
    old_end: int
    end: int


def reread(raw: bytes, before: bytes, ledger: Ledger) -> Reread | None:
    """Return the ledger of `raw`, reading only the records that differ from `before`, the bytes of `ledger`.

    None means that it cannot be read this way, not that it is invalid: `loads` decides that. This is sound, since the
    result is made of valid records in order, and its bytes are `raw`: the records at both ends are those of `before`,
    byte for byte, and each one between them is read by the same pattern as in `loads`.
    """
    if not ledger.texts or len(raw) >= MAX_BYTES or not raw.endswith(_CLOSE_BYTES):
        return None
    shortest = min(len(raw), len(before))
    start = before.rfind(_BETWEEN_BYTES, 0, common_prefix(raw, before, shortest)) + len(_BETWEEN_BYTES)
    if start < len(_FIRST_BYTES):  # not even one record is the same, up to here
        start = len(_FIRST_BYTES)
        if not raw.startswith(_FIRST_BYTES):
            return None
    same = common_suffix(raw, before, shortest - start)
    end = before.find(_BETWEEN_BYTES, len(before) - same)
    end = end if end >= 0 else len(before) - len(_CLOSE_BYTES)
    try:
        middle = raw[start : max(len(raw) - len(before) + end, start)].decode("utf-8", "strict")
    except UnicodeDecodeError:
        return None
    texts = middle.split(_BETWEEN)
    keys = _keys(texts) if middle.isascii() or unicodedata.is_normalized("NFC", middle) else None
    if keys is None:
        return None
    first = _number_at(before, start, ledger)
    rest = first + before.count(_BETWEEN_BYTES, start, end) + 1
    if not _in_order([*ledger.keys[max(first - 1, 0) : first], *keys, *ledger.keys[rest : rest + 1]]):
        return None
    all_keys = [*ledger.keys[:first], *keys, *ledger.keys[rest:]]
    all_texts = [*ledger.texts[:first], *texts, *ledger.texts[rest:]]
    return Reread(Ledger(all_keys, all_texts), first, rest, first + len(texts))


def _number_at(raw: bytes, start: int, ledger: Ledger) -> int:
    """Return the number of the record whose text starts at an offset of the bytes of a ledger."""
    keys = _keys([raw[start : raw.index(_END.encode(), start)].decode()])
    assert keys
    return bisect_left(ledger.keys, keys[0])


def is_valid(record: object) -> bool:
    """Return whether a record, read from JSON, is valid and its keys are in order: as the JSON Schema, but faster."""
    if not isinstance(record, dict):
        return False
    match = _record_pattern().fullmatch(laid_out(record, "    ").removeprefix("{\n").removesuffix("\n    }"))
    return match is not None and (match[6] is None or _distinct(match[6]))


def dumps(ledger: Ledger) -> bytes:
    """Return the canonical bytes of a ledger; the inverse of `loads`."""
    if not ledger.texts:
        return (_HEAD + _TAIL).encode()
    texts = [_HEAD + _START + ledger.texts[0], *ledger.texts[1:]]
    texts[-1] += _CLOSE + _TAIL
    return _BETWEEN.join(texts).encode()  # it may be large, so there is one copy of it at a time, and the bytes


def record_lines(texts: Sequence[str], *, is_last: bool) -> Iterator[str]:
    """Yield the lines of records with their braces and commas; `is_last` says that no record follows."""
    for number, text in enumerate(texts, 1):
        yield "    {"
        yield text
        yield "    }" if is_last and number == len(texts) else "    },"


def framed(lines: Iterable[str]) -> bytes:
    """Return the bytes of a file with these lines for its records."""
    return "\n".join([_HEAD, *lines, "  " + _TAIL]).encode()


def size(ledger: Ledger) -> int:
    """Return how many bytes `dumps` would make."""
    if not ledger.texts:
        return len(_HEAD + _TAIL)
    frame = len(_HEAD + _START + _CLOSE + _TAIL) + len(_BETWEEN) * (len(ledger.texts) - 1)
    return frame + sum(len(text) if text.isascii() else len(text.encode()) for text in ledger.texts)


def records_holding(raw: bytes, string: str) -> Iterator[Record]:
    """Yield the valid records whose text contains a string.

    `raw` are the bytes of a `ledger.json`, not necessarily valid as a whole; only what is around the string is read.
    """
    needle, start, end = string.encode(), _START.encode(), _END.encode()
    offset = raw.find(needle)
    while offset >= 0:
        opening, closing = raw.rfind(start, 0, offset), raw.find(end, offset)
        closing = closing if closing >= 0 else len(raw)
        try:
            fields = json.loads(b"{" + raw[opening + len(start) : closing] + b"}")
        except ValueError:
            fields = None
        if is_valid(fields):
            yield from_json(fields)
        offset = raw.find(needle, max(closing, offset + 1))


def check_size(size: int) -> str:
    """Return a warning, or `""`, for a ledger of `size` bytes; raise UsageError for one that hosts refuse."""
    shown = f"{size / MEGABYTE:.1f} MB"
    if size >= MAX_BYTES:
        raise UsageError(
            f"ledger.json would be {shown}, and git hosts refuse files of 100 MB or more",
            "remove expired records with `ledger remove`, or start a second ledger for some of the images",
        )
    if size >= WARN_BYTES:
        return f"ledger.json is {shown}; git hosts warn at 50 MB and refuse at 100 MB"
    return ""


def _read(raw: bytes) -> Ledger | None:
    """Return the ledger if `raw` is canonical and valid, else None."""
    if len(raw) >= MAX_BYTES:
        return None
    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError:
        return None
    if text == _HEAD + _TAIL:
        return Ledger()
    if not (text.startswith(_HEAD + _START) and text.endswith(_CLOSE + _TAIL)):
        return None
    if not (text.isascii() or unicodedata.is_normalized("NFC", text)):
        return None
    texts = text.split(_BETWEEN)
    texts[0] = texts[0][len(_HEAD + _START) :]
    texts[-1] = texts[-1][: -len(_CLOSE + _TAIL)]
    keys = _keys(texts)
    return Ledger(keys, texts) if keys is not None and _in_order(keys) else None


def _keys(texts: Sequence[str]) -> list[tuple[str, str, str]] | None:
    """Return the key of each record, or None if one of them is not valid."""
    keys: list[tuple[str, str, str]] = []
    fullmatch = _record_pattern().fullmatch
    for text in texts:
        match = fullmatch(text)
        if match is None:
            return None
        image, tag, platform, published_at, labels, dependencies, yanked_at = match.groups()
        if not is_date(published_at[:10]) or (yanked_at and not is_date(yanked_at[:10])):
            return None
        if (labels and not _sorted_labels(labels)) or (dependencies and not _distinct(dependencies)):
            return None
        keys.append((image, tag, platform or ""))
    return keys


def _in_order(keys: list[tuple[str, str, str]]) -> bool:
    """Return whether keys ascend, and a record without a platform is the only one of its image:tag."""
    return all(a < b and (a[2] or a[:2] != b[:2]) for a, b in pairwise(keys))


@cache
def is_date(value: str) -> bool:
    """Return whether `YYYY-MM-DD` is a calendar date, which no pattern can decide."""
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _sorted_labels(block: str) -> bool:
    keys = _label_key.findall(block)
    return all(a < b for a, b in pairwise(keys))


def _distinct(block: str) -> bool:
    lines = block.replace(",\n", "\n").split("\n")
    return len(set(lines)) == len(lines)

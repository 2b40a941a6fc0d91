"""The ledger as a value: its records by key, each kept as its canonical text until it is needed.

A publish looks at one record of thousands. So a ledger holds two parallel lists in key order, the
keys and the texts; `find` and `replaced` touch only what they need.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ledger_tool.core.ledger.names import Digest, Timestamp
from ledger_tool.core.ledger.record import Key, Name, Record, from_json, to_json

_PUBLISHED, _DIGEST, _INDEX = (f'\n      "{name}": "' for name in ("publishedAt", "digest", "index"))


@dataclass(frozen=True, slots=True)
class Ledger:
    """Keys in order, and the canonical text of the record at each. Build one with `codec.loads`."""

    keys: Sequence[tuple[str, str, str]] = field(default_factory=list)
    texts: Sequence[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, name: Name) -> tuple[Record, ...]:
        """Return the records of an image:tag, by platform; empty where there are none."""
        return tuple(parse_text(text) for text in self.texts[self._span(name)])

    def select(self, wanted: Callable[[str, str, str], bool]) -> Iterator[Record]:
        """Yield the records whose image, tag and platform are wanted, in key order; only those are parsed."""
        return (parse_text(text) for key, text in zip(self.keys, self.texts, strict=True) if wanted(*key))

    def of_image(self, image: str) -> tuple[Record, ...]:
        """Return the records of an image, in key order."""
        return tuple(parse_text(text) for text in self.texts[self._span((image,))])

    def having(self, field: str, image: str = "") -> Iterator[Record]:
        """Yield the records, of all images or of one, that have an optional field; only those are parsed."""
        texts = self.texts[self._span((image,))] if image else self.texts
        return (parse_text(text) for text in texts if has_field(text, field))

    def has_image(self, image: str) -> bool:
        """Return whether there is a record of an image."""
        start = bisect_left(self.keys, (image, "", ""))
        return start < len(self.keys) and self.keys[start][0] == image

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield the image and tag of every record, in key order."""
        return ((image, tag) for image, tag, _ in self.keys)

    def records(self) -> Iterator[Record]:
        """Yield every record in key order."""
        return map(parse_text, self.texts)

    def replaced(self, names: Mapping[Name, Sequence[Record]]) -> Ledger:
        """Return the ledger in which each image:tag of `names` has exactly these records."""
        keys, texts = list(self.keys), list(self.texts)
        for name in sorted(names, reverse=True):  # from the end, so that earlier spans stay valid
            span = self._span(name)
            records = sorted(names[name], key=lambda record: record.key)
            keys[span] = [(record.image, record.tag, record.platform or "") for record in records]
            texts[span] = [format_text(record) for record in records]
        return Ledger(keys, texts)

    def _span(self, start_of_key: tuple[str, ...]) -> slice:
        start = end = bisect_left(self.keys, start_of_key)
        while end < len(self.keys) and self.keys[end][: len(start_of_key)] == start_of_key:
            end += 1
        return slice(start, end)

    def __contains__(self, key: Key) -> bool:
        return bool(self.keys[self._span(key)])


def format_text(record: Record) -> str:
    """Return the lines of a record between its braces, as `ledger.json` has them."""
    lines = json.dumps(to_json(record), indent=2, ensure_ascii=False).split("\n")
    return "\n".join("    " + line for line in lines[1:-1])


def parse_text(text: str) -> Record:
    """Return the record of canonical text; the inverse of `format_text`."""
    return from_json(json.loads("{" + text + "}"))


def published_at(text: str) -> Timestamp:
    """Return the publishedAt of canonical text without parsing the rest; no other field may come before it."""
    start = text.index(_PUBLISHED) + len(_PUBLISHED)
    return Timestamp(text[start : start + 20])


def pull_digest_in(text: str) -> Digest:
    """Return the digest to pull canonical text's image by, without parsing the rest: the index's, or else its own."""
    field = _INDEX if _INDEX in text else _DIGEST
    start = text.index(field) + len(field)
    return Digest(text[start : text.index('"', start)])


def has_field(text: str, name: str) -> bool:
    """Return whether canonical text has an optional field, such as `ttl`, without parsing it."""
    return f'\n      "{name}": ' in text

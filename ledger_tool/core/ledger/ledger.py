"""The ledger as a value: its records by key, each kept as its canonical text until it is needed.

A publish looks at one record of thousands. So a ledger holds two parallel lists in key order, the
keys and the texts; `find` and `replaced` touch only what they need. What was parsed of many records, because they
differ, or was put in, is remembered by its text, which says it all.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger_tool.core.ledger.layout import laid_out, quoted
from ledger_tool.core.ledger.names import Digest, Timestamp
from ledger_tool.core.ledger.record import Key, Name, Record, from_json, to_json

_PUBLISHED, _DIGEST, _INDEX = (f'\n      "{name}": "' for name in ("publishedAt", "digest", "index"))

_decode = json.JSONDecoder().raw_decode  # of a text without blanks around it


@dataclass(frozen=True, slots=True)
class Ledger:
    """Keys in order, and the canonical text of the record at each. Build one with `codec.loads`."""

    keys: Sequence[tuple[str, str, str]] = field(default_factory=list)
    texts: Sequence[str] = field(default_factory=list)
    _parsed: dict[str, Record] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, name: Name) -> tuple[Record, ...]:
        """Return the records of an image:tag, by platform; empty where there are none."""
        return tuple(map(self._record, self.texts[self._span(name)]))

    def remembered(self, text: str) -> Record:
        """Return the record of one of the texts, which will not be parsed again."""
        record = self._parsed.get(text)
        if record is None:
            record = self._parsed[text] = parse_text(text)
        return record

    def pull_digests(self, name: Name) -> set[Digest]:
        """Return the digests to pull an image:tag by, without parsing its records; one, unless version 0.2 wrote it."""
        return set(map(pull_digest_in, self.texts[self._span(name)]))

    def select(self, wanted: Callable[[str, str, str], bool]) -> Iterator[Record]:
        """Yield the records whose image, tag and platform are wanted, in key order; only those are parsed."""
        return (self._record(text) for key, text in zip(self.keys, self.texts, strict=True) if wanted(*key))

    def of_image(self, image: str) -> tuple[Record, ...]:
        """Return the records of an image, in key order."""
        return tuple(map(self._record, self.texts[self._span((image,))]))

    def having(self, field: str, image: str = "") -> Iterator[Record]:
        """Yield the records, of all images or of one, that have an optional field; only those are parsed."""
        texts = self.texts[self._span((image,))] if image else self.texts
        return (self._record(text) for text in texts if has_field(text, field))

    def has_image(self, image: str) -> bool:
        """Return whether there is a record of an image."""
        start = bisect_left(self.keys, (image, "", ""))
        return start < len(self.keys) and self.keys[start][0] == image

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield the image and tag of every record, in key order."""
        return ((image, tag) for image, tag, _ in self.keys)

    def records(self) -> Iterator[Record]:
        """Yield every record in key order."""
        return map(self._record, self.texts)

    def replaced(self, names: Mapping[Name, Sequence[Record]]) -> Ledger:
        """Return the ledger in which each image:tag of `names` has exactly these records."""
        keys: list[tuple[str, str, str]] = []
        texts: list[str] = []
        end = 0
        for name in sorted(names):
            span = self._span(name, end)
            records = sorted(map(_as_read, names[name]), key=lambda record: record.platform or "")
            keys += self.keys[end : span.start]
            keys += [(record.image, record.tag, record.platform or "") for record in records]
            texts += self.texts[end : span.start]
            own = [format_text(record) for record in records]
            self._parsed.update(zip(own, records, strict=True))
            texts += own
            end = span.stop
        keys += self.keys[end:]
        texts += self.texts[end:]
        return Ledger(keys, texts, self._parsed)

    def _record(self, text: str) -> Record:
        return self._parsed.get(text) or parse_text(text)

    def _span(self, start_of_key: tuple[str, ...], lowest: int = 0) -> slice:
        start = end = bisect_left(self.keys, start_of_key, lowest)
        while end < len(self.keys) and self.keys[end][: len(start_of_key)] == start_of_key:
            end += 1
        return slice(start, end)

    def __contains__(self, key: Key) -> bool:
        return bool(self.keys[self._span(key)])


def _as_read(record: Record) -> Record:
    """Return a record with its labels in the order of its canonical text, as reading that would."""
    in_order = sorted(record.labels)
    if [*record.labels] == in_order:
        return record
    return replace(record, labels={name: record.labels[name] for name in in_order})


def format_text(record: Record) -> str:
    """Return the lines of a record between its braces, as `ledger.json` has them."""
    return ",\n".join(
        [
            f'      "{name}": {quoted(value) if type(value) is str else laid_out(value, "      ")}'
            for name, value in to_json(record).items()
        ]
    )


def parse_text(text: str) -> Record:
    """Return the record of canonical text; the inverse of `format_text`."""
    return from_json(_decode("{" + text + "}")[0])


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

"""What a commit message says that its commit did: the inverse of `message.compose`.

The trailers are read as git reads them (git-interpret-trailers(1)), from the last paragraph; when others follow
that are trailers too (a host adds `Co-authored-by` in one of its own), from all of those together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ledger_tool.core.changes.change import VERBS
from ledger_tool.core.ledger.record import Name

_trailer = re.compile(r"([A-Za-z0-9-]+): ?(.*)")
_DETAILS = ("Label", "Unlabel", "TTL")
_RULE = "---------"  # a host puts it between the messages that it squashed and its own `Co-authored-by`
_OURS = ("Image", "Records", "Transaction-Id")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a message says of one record; `source_ref` is `""` where it says none."""

    name: Name
    platform: str
    digest: str
    replaces: tuple[str, ...] = ()
    source_ref: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A message taken apart. `verb` is `""` for one that is not ours; `records` is None unless it only counts.

    `sources` are the sourceRefs of a message that counts; `source_count` is how many there are where it counts those.
    `details` are the trailers that say more of the change.
    """

    verb: str
    entries: tuple[Entry, ...] = ()
    records: int | None = None
    sources: tuple[str, ...] = ()
    source_count: int | None = None
    reason: str = ""
    transaction: str = ""
    details: tuple[tuple[str, str], ...] = ()

    @property
    def silent(self) -> bool:
        """Whether it says nothing of any record."""
        return not self.entries and self.records is None


def read(message: str) -> Told:
    """Return what a commit message says; a message of another kind says nothing."""
    message = message.replace("\r\n", "\n")  # of an editor in a web page; git takes white space off a trailer, too
    subject = message.partition("\n")[0]
    word = subject.partition(" ")[0]
    trailers = _trailers(message)
    values: dict[str, list[str]] = {}
    for name, value in trailers:
        values.setdefault(name, []).append(value)
    counted = _number(values, "Records")
    return Told(
        verb=word if word in VERBS else "",
        entries=tuple(_entries(trailers)),
        records=counted,
        sources=tuple(values.get("Source-Ref", ())) if counted is not None else (),
        source_count=_number(values, "Source-Refs"),
        reason=next(iter(values.get("Reason", [])), ""),
        transaction=next(iter(values.get("Transaction-Id", [])), ""),
        details=tuple(pair for pair in trailers if pair[0] in _DETAILS),
    )


def _number(values: Mapping[str, list[str]], name: str) -> int | None:
    value = next(iter(values.get(name, [])), "")
    return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else None


def _trailers(message: str) -> list[tuple[str, str]]:
    """Return name and value of each trailer: those of the last paragraphs that hold nothing else."""
    found: list[list[tuple[str, str]]] = []  # a message may be huge: nothing is copied once more for each line
    for paragraph in reversed(re.split(r"\n[ \t]*\n", message.strip("\n"))[1:]):
        if paragraph == _RULE:
            continue
        lines = [line for line in paragraph.split("\n") if not line.startswith("(cherry picked from commit ")]
        pairs = [_trailer.fullmatch(line) for line in lines]
        if not all(pairs):
            break
        found.append([(pair[1], pair[2].strip()) for pair in pairs if pair])
        if any(name in _OURS for name, _ in found[-1]):
            break
    return [pair for paragraph in reversed(found) for pair in paragraph]


def _entries(trailers: list[tuple[str, str]]) -> Iterator[Entry]:
    """Yield the records of each block; a Source-Ref stands after those that share it."""
    name, platform = Name("", ""), ""
    waiting: list[tuple[Name, str, str, list[str]]] = []
    for key, value in trailers:
        match key:
            case "Image":
                yield from _done(waiting)
                waiting = []
                image, _, tag = value.rpartition(":")
                name, platform = Name(image, tag), ""
            case "Platform":
                platform = value
            case "Digest" if name.image:
                waiting.append((name, platform, value, []))
                platform = ""
            case "Replaces" if waiting:
                waiting[-1][3].append(value)
            case "Source-Ref":
                yield from _done(waiting, value)
                waiting = []
    yield from _done(waiting)


def _done(waiting: list[tuple[Name, str, str, list[str]]], source_ref: str = "") -> Iterator[Entry]:
    for name, platform, digest, replaces in waiting:
        yield Entry(name, platform, digest, tuple(replaces), source_ref)

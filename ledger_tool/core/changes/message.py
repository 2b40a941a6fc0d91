"""The commit message of a write, composed and parsed: a subject for people, trailers for machines.

A block is one image:tag: `Image`, then for each of its records `Platform`, `Digest`, and for a moved one
`Replaces`; `Source-Ref` once if they share it. Above `MAX_BLOCKS` image:tags the message counts instead, and
history reads that commit's diff. No value can contain a line break, so none can forge a trailer: `names` ensures it.

Trailers are read as git reads them (git-interpret-trailers(1)), from the last paragraph; if several paragraphs contain
only trailers (a host adds `Co-authored-by` in a separate one), from all of them together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ledger_tool.core.changes.change import VERBS, Change
from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.ledger.record import Key, Name

MAX_BLOCKS = 100

_trailer = re.compile(r"([A-Za-z0-9-]+): ?(.*)")
_DETAILS = ("Label", "Unlabel", "TTL")
_RULE = "---------"  # a host puts it between the messages that it squashed and its own `Co-authored-by`
_OURS = ("Image", "Records", "Transaction-Id")


@dataclass(frozen=True, slots=True)
class MessageEntry:
    """What a message says about one record; `source_ref` is `""` if it gives none."""

    name: Name
    platform: str
    digest: str
    replaces: tuple[str, ...] = ()
    source_ref: str = ""

    @classmethod
    def of(cls, effect: Effect) -> MessageEntry:
        """Return what the message of a commit with this effect must say."""
        record = effect.record
        return cls(effect.name, record.platform or "", record.digest, effect.replaces, record.source_ref)

    @property
    def key(self) -> Key:
        """The record's key."""
        return Key(*self.name, self.platform)


@dataclass(frozen=True, slots=True)
class Message:
    """A parsed message. `verb` is `""` unless a command of ours wrote it; `record_count` is None unless it only counts.

    `sources` are the sourceRefs of a message that counts; `source_count` is their number if it counts those too.
    `details` are the trailers that describe the change.
    """

    verb: str
    entries: tuple[MessageEntry, ...] = ()
    record_count: int | None = None
    sources: tuple[str, ...] = ()
    source_count: int | None = None
    reason: str = ""
    transaction: str = ""
    details: tuple[tuple[str, str], ...] = ()

    @property
    def silent(self) -> bool:
        """Whether it names no record and counts none."""
        return not self.entries and self.record_count is None


def compose(change: Change, transaction: str) -> str:
    """Return the message of a change's commit.

    `transaction` distinguishes two writers who do the same thing in the same second: without it their
    commits would be identical, and both would believe that they made it.
    """
    effects = sorted(change.effects, key=lambda effect: effect.key)
    blocks = [list(group) for _, group in groupby(effects, lambda effect: effect.name)]
    trailers = list(_counted(effects) if len(blocks) > MAX_BLOCKS else _listed(blocks))
    trailers += change.details
    if change.reason:
        trailers.append(("Reason", change.reason))
    trailers.append(("Transaction-Id", transaction))
    lines = "\n".join(f"{name}: {value}" for name, value in trailers)
    return f"{subject(change)}\n\n{lines}\n"


def subject(change: Change) -> str:
    """Return the first line of a change's message."""
    names = {effect.name for effect in change.effects}
    return f"{change.verb} {names.pop()}" if len(names) == 1 else f"{change.verb} {len(names)} images"


def _listed(blocks: Sequence[list[Effect]]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        yield "Image", str(block[0].name)
        for source, sharing in groupby(block, lambda effect: effect.record.source_ref):
            for effect in sharing:
                if effect.record.platform:
                    yield "Platform", effect.record.platform
                yield "Digest", effect.record.digest
                yield from (("Replaces", digest) for digest in effect.replaces)
            yield "Source-Ref", source


def _counted(effects: Sequence[Effect]) -> Iterator[tuple[str, str]]:
    yield "Records", str(len(effects))
    sources = sorted({effect.record.source_ref for effect in effects})
    if len(sources) > MAX_BLOCKS:
        yield "Source-Refs", str(len(sources))
    else:
        yield from (("Source-Ref", source) for source in sources)


def parse_message(text: str) -> Message:
    """Return what a commit message says; a message of another kind is silent."""
    text = text.replace("\r\n", "\n")  # from an editor in a web page; git also strips white space from trailers
    first_word = text.partition("\n")[0].partition(" ")[0]
    trailers = _trailers(text)
    first = dict(reversed(trailers))  # of several with one name, the first counts
    count = _number(first.get("Records", ""))
    return Message(
        verb=first_word if first_word in VERBS else "",
        entries=tuple(_entries(trailers)),
        record_count=count,
        sources=tuple(value for name, value in trailers if name == "Source-Ref") if count is not None else (),
        source_count=_number(first.get("Source-Refs", "")),
        reason=first.get("Reason", ""),
        transaction=first.get("Transaction-Id", ""),
        details=tuple(pair for pair in trailers if pair[0] in _DETAILS),
    )


def _number(value: str) -> int | None:
    return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else None


def _trailers(text: str) -> list[tuple[str, str]]:
    """Return the name and value of each trailer in the last paragraphs, those that contain nothing but trailers."""
    paragraphs: list[list[tuple[str, str]]] = []  # a message may be huge: no line copies the ones before it
    for paragraph in reversed(re.split(r"\n[ \t]*\n", text.strip("\n"))[1:]):
        if paragraph == _RULE:
            continue
        lines = [line for line in paragraph.split("\n") if not line.startswith("(cherry picked from commit ")]
        pairs = [_trailer.fullmatch(line) for line in lines]
        if not all(pairs):
            break
        paragraphs.append([(pair[1], pair[2].strip(" \t\r")) for pair in pairs if pair])
        if any(name in _OURS for name, _ in paragraphs[-1]):
            break
    return [pair for paragraph in reversed(paragraphs) for pair in paragraph]


def _entries(trailers: list[tuple[str, str]]) -> Iterator[MessageEntry]:
    """Yield the records of each block; a Source-Ref follows those that share it."""
    name, platform = Name("", ""), ""
    waiting: list[tuple[Name, str, str, list[str]]] = []
    for key, value in [*trailers, ("Image", "")]:  # the end closes a block as another image does
        if key in ("Image", "Source-Ref"):
            source_ref = value if key == "Source-Ref" else ""
            for entry_name, entry_platform, digest, replaces in waiting:
                yield MessageEntry(entry_name, entry_platform, digest, tuple(replaces), source_ref)
            waiting = []
        match key:
            case "Image":
                image, _, tag = value.rpartition(":")
                name, platform = Name(image, tag), ""
            case "Platform":
                platform = value
            case "Digest" if name.image:
                waiting.append((name, platform, value, []))
                platform = ""
            case "Replaces" if waiting:
                waiting[-1][3].append(value)

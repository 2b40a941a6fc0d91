"""The commit message of a write, composed and parsed: a subject for people, trailers for machines.

A block is what one write says. It names each image:tag: `Image`; if an index is involved, `Index` and `Replaces-Index`
for a new pull digest and the one before; then for each of its records `Platform`, `Digest`, and for a moved one
`Replaces`; `Source-Ref` once if they share it. Above `MAX_BLOCKS` image:tags it counts instead, and
history reads that commit's diff. No value can contain a line break, so none can forge a trailer: `names` ensures it.

A host that squashes commits writes their messages into one, each in its own way: GitHub and GitLab as a list with
bullets, Bitbucket without empty lines between, Azure DevOps and some settings with the request's text instead, and
`git merge --squash` indents them. GitHub also breaks long lines of a request's text. So blocks are read wherever they
stand after the subject: with bullets, indentation and broken lines, in any paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Literal

from ledger_tool.core.changes.change import VERBS, Change
from ledger_tool.core.changes.effect import Effect, pull_moves
from ledger_tool.core.ledger.record import Key, Name

MAX_BLOCKS = 100

_DETAILS = ("Label", "Unlabel", "TTL")
_WORDS = ("Reason", *_DETAILS)  # their values have blanks, where a host may break the line
_OF_IMAGE = ("Image", "Index", "Replaces-Index", "Platform", "Digest", "Replaces", "Source-Ref")
_OURS = (*_OF_IMAGE, "Records", "Source-Refs", "Transaction-Id", *_WORDS)
_OPENING = ("Image", "Records")  # what a block begins with

_trailer = re.compile(rf"({'|'.join(_OURS)}):(?: ?(.*))?")
_other_trailer = re.compile(r"[A-Za-z0-9-]+: |\(cherry picked from commit ")
_bullet = re.compile(r"(?:[*+•-]|[0-9]{1,4}[.)])[ \t]+")
_HOST_BULLETS = "*•"  # of the commits of a squash; a dash may also begin the next line of a reason
_host_line = re.compile(r"(?:[A-Za-z]+-)+[Bb]y: |\(cherry picked from commit |(?:-{3,}|={3,})$|`{3,}|~{3,}|</?[a-z]+>")
_subject = re.compile(rf"({'|'.join(VERBS)}) (?:[a-z0-9][^\s:]*:[^\s:]+|[0-9]+ images)(?![^\s])")
_host_prefix = re.compile(r"(?:Merged PR [0-9]+: )?(?:(?:Draft|WIP): )?")
_revert = re.compile(r"[Rr]evert(?:s|ed) commit[\s`*]{1,12}([0-9a-f]{7,64})\b")
_reverted_subject = re.compile(r'^[ \t]*(?:[*+-] )?(?:Merged PR [0-9]+: )?Revert "(.+)"', re.MULTILINE)


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
class PullClaim:
    """What a message says about an image:tag's pull digest: the index it is pulled by now, and the digest before.

    Either is `""` if the message does not say it.
    """

    name: Name
    index: str = ""
    replaces: str = ""

    @classmethod
    def of(cls, effects: Sequence[Effect]) -> PullClaim:
        """Return what the message of a commit with these effects on one image:tag must say."""
        index = next((effect.new.index for effect in effects if effect.new), None)
        moves = pull_moves(effects)
        is_new = not any(effect.old for effect in effects)
        replaces = moves[0].old[0] if moves and moves[0].has_index else ""
        return cls(effects[0].name, (index or "") if moves or is_new else "", replaces)


@dataclass(frozen=True, slots=True)
class Block:
    """What one write says. `verb` is `""` unless a command of ours wrote it; `record_count` is None unless it counts.

    `sources` are the sourceRefs of a block that counts; `source_count` is their number if it counts those too.
    `details` are the trailers that describe the change.
    """

    verb: str = ""
    entries: tuple[MessageEntry, ...] = ()
    record_count: int | None = None
    sources: tuple[str, ...] = ()
    source_count: int | None = None
    reason: str = ""
    transaction: str = ""
    details: tuple[tuple[str, str], ...] = ()
    pulls: tuple[PullClaim, ...] = ()


_NOTHING = Block()


@dataclass(frozen=True, slots=True)
class Message:
    """A parsed message: the verb of its subject, its blocks, and what it says it reverts.

    That is the beginnings of commit ids or, where a host leaves those out, the subjects of commits.

    A commit that a command of ours made has one block, a squash may have several.
    """

    verb: str = ""
    blocks: tuple[Block, ...] = ()
    reverts: tuple[str, ...] = ()
    reverted_subjects: tuple[str, ...] = ()

    @property
    def silent(self) -> bool:
        """Whether it names no record and counts none."""
        return not self.blocks

    @property
    def is_squash(self) -> bool:
        """Whether it says what several writes did, one after the other."""
        return len(self.blocks) > 1

    @property
    def counting(self) -> list[Block]:
        """The blocks that count records."""
        return [block for block in self.blocks if block.record_count is not None]

    @property
    def block(self) -> Block:
        """The only block; an empty one if there is none, or more than one."""
        return self.blocks[0] if len(self.blocks) == 1 else _NOTHING


def compose(change: Change, transaction: str = "") -> str:
    """Return the message of a change's commit.

    `transaction` distinguishes two writers who do the same thing in the same second: without it their
    commits would be identical, and both would believe that they made it. Only what is not a commit has none.
    """
    effects = sorted(change.effects, key=lambda effect: effect.key)
    blocks = [list(group) for _, group in groupby(effects, lambda effect: effect.name)]
    trailers = list(_counted(effects) if len(blocks) > MAX_BLOCKS else _listed(blocks))
    trailers += change.details
    if change.reason:
        trailers.append(("Reason", change.reason))
    if transaction:
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
        claim = PullClaim.of(block)
        yield from (("Index", digest) for digest in [claim.index] if digest)
        yield from (("Replaces-Index", digest) for digest in [claim.replaces] if digest)
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
    first, _, rest = text.replace("\r\n", "\n").lstrip("\n").partition("\n")
    words = _host_prefix.sub("", first, count=1)
    verb = words.partition(" ")[0]
    verb = verb if verb in VERBS else ""
    # The first paragraph is the subject, as it is for git.
    body = re.split(r"^[ \t\r]*$\n?", rest, maxsplit=1, flags=re.MULTILINE)
    blocks = tuple(dict.fromkeys(_blocks(body[1]))) if len(body) == 2 else ()
    if len(blocks) == 1:  # its own subject may be the message's, or the title of a request
        blocks = (replace(blocks[0], verb=blocks[0].verb or verb),)
    reverts = tuple(dict.fromkeys(_revert.findall(text)))
    subjects = () if reverts else tuple(dict.fromkeys(_reverted_subject.findall(text)))
    return Message(verb, blocks, reverts, subjects)


def _blocks(body: str) -> Iterator[Block]:
    """Yield the blocks of a message in their order; `_Reader` says where one ends."""
    reader = _Reader()
    for line in body.split("\n"):
        if trailers := reader.line(line):
            yield from _block(trailers, reader.closed_verb)
    yield from _block(reader.close(), reader.closed_verb)


class _Reader:
    """Collects the trailers of one block after the other; a message may be huge, so each line is read once.

    `state` is that of the block: what opens a block belongs to it while it is `open`, and then opens another one; other
    trailers belong to it until it has `ended`: they follow it, not some other text.
    """

    def __init__(self) -> None:
        self.closed_verb = ""  # of the block that was closed last
        self._verb = ""
        self._trailers: list[tuple[str, list[str]]] = []
        self._state: Literal["none", "open", "whole", "ended"] = "none"
        self._continues = False  # whether the next line may belong to the last trailer

    def line(self, line: str) -> list[tuple[str, str]]:
        """Read a line; return the trailers of the block that ends before it, or nothing."""
        bare = line.strip(" \t\r")
        if not bare:
            self._continues = False
            self._end("ended" if self._state == "whole" else "whole")
            return []
        bullet = _bullet.match(bare)
        words, bare = bare, bare[bullet.end() :] if bullet else bare
        if trailer := _trailer.fullmatch(bare):
            return self._add(trailer[1], (trailer[2] or "").strip(" \t"))
        if self._continues and not _host_line.match(bare):
            name, values = self._trailers[-1]
            if not bullet or (name in _WORDS and words[0] not in _HOST_BULLETS):
                values.append(words)
                self._continues = name in _WORDS
                return []
        self._continues = False
        if _other_trailer.match(bare):
            return []
        self._end("ended")
        if subject := _subject.match(bare):
            closed = self.close()
            self._verb = subject[1]
            return closed
        return []

    def close(self) -> list[tuple[str, str]]:
        """End the block; return its trailers."""
        trailers = [(name, " ".join(values)) for name, values in self._trailers]
        if trailers:
            self.closed_verb, self._verb = self._verb, ""
        self._trailers, self._continues, self._state = [], False, "none"
        return trailers

    def _add(self, name: str, value: str) -> list[tuple[str, str]]:
        closed = self.close() if self._state in ("whole", "ended") and name in _OPENING else []
        is_opened = self._state == "none" and name in _OPENING
        if self._state == "ended" or (self._state == "none" and not is_opened):
            self._continues = False
            return closed
        self._trailers.append((name, [value] if value else []))
        self._continues = not value or name in _WORDS
        self._state = "open" if is_opened else self._state
        if name == "Transaction-Id":
            self._state = "whole"
        return closed

    def _end(self, state: Literal["whole", "ended"]) -> None:
        if self._state != "none":
            self._state = state


def _block(trailers: list[tuple[str, str]], verb: str) -> Iterator[Block]:
    """Yield the block that trailers make, unless they neither name a record nor count any."""
    first = dict(reversed(trailers))  # of several with one name, the first counts
    count = _number(first.get("Records", ""))
    entries = tuple(_entries(trailers))
    if not entries and count is None:
        return
    yield Block(
        verb=verb,
        entries=entries,
        record_count=count,
        sources=tuple(value for name, value in trailers if name == "Source-Ref") if count is not None else (),
        source_count=_number(first.get("Source-Refs", "")),
        reason=first.get("Reason", ""),
        transaction=first.get("Transaction-Id", ""),
        details=tuple(pair for pair in trailers if pair[0] in _DETAILS),
        pulls=tuple(_pulls(trailers)),
    )


def _number(value: str) -> int | None:
    return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else None


def _pulls(trailers: list[tuple[str, str]]) -> Iterator[PullClaim]:
    """Yield what a block says about the pull digest of each image:tag."""
    starts = [number for number, (key, _) in enumerate(trailers) if key == "Image"]
    for start, end in pairwise([*starts, len(trailers)]):
        said = dict(reversed(trailers[start:end]))
        image, _, tag = said["Image"].rpartition(":")
        if "Index" in said or "Replaces-Index" in said:
            yield PullClaim(Name(image, tag), said.get("Index", ""), said.get("Replaces-Index", ""))


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

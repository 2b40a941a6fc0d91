"""The commit message of a write, composed and parsed: a subject for people, trailers for machines.

A block is what one write says. It names each image:tag: `Image`; for an environment, `Version` and `Replaces-Version`;
if an index is involved, `Index` and `Replaces-Index` for a new pull digest and the one before; then for each of its
records `Platform`, `Digest`, and for a moved one `Replaces`; `Source-Ref` once if they share it. Above `MAX_BLOCKS`
image:tags it counts instead, names the `Environment` of a promotion, and history reads that commit's diff. No value can
contain a line break, so none can forge a trailer: `names` ensures it.

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

from ledger_tool.core.changes.change import VERBS, Change
from ledger_tool.core.changes.effect import Effect, pull_moves
from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim, read_claim
from ledger_tool.core.changes.trailers import DETAILS, TrailerReader, read_subject
from ledger_tool.core.ledger.record import Key, Name

MAX_BLOCKS = 100

_host_prefix = re.compile(r"(?:Merged PR [0-9]+: )?(?:(?:Draft|WIP): )?")
_revert = re.compile(r"[Rr]evert(?:s|ed) commit[\s`*]{1,12}([0-9a-f]{7,64})\b")
_reverted_subject = re.compile(r'^[ \t]*(?:[*+-] )?(?:Merged PR [0-9]+: )?Revert "(.+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MessageEntry:
    """What a message says about one record; `source_ref` is `""` if it gives none.

    `version` is what an environment has from then on, `replaces_version` what it had before; otherwise they are `""`.
    """

    name: Name
    platform: str
    digest: str
    replaces: tuple[str, ...] = ()
    source_ref: str = ""
    version: str = ""
    replaces_version: str = ""

    @classmethod
    def of(cls, effect: Effect, versions: tuple[str, str] = ("", "")) -> MessageEntry:
        """Return what the message of a commit with this effect must say, given the `versions_of` its environment."""
        record, (before, after) = effect.record, versions
        return cls(effect.name, record.platform or "", record.digest, effect.replaces, record.source_ref, after, before)

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
    `environments` are those that a promotion says it changes, in its subject and in its trailer: one, unless the two
    contradict each other. `details` are the trailers that describe the change, `run` says who made it.
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
    run: RunClaim = NO_RUN
    environments: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it counts records: of fewer than a message names, a count explains nothing."""
        return (self.record_count or 0) > MAX_BLOCKS


_NOTHING = Block()


@dataclass(frozen=True, slots=True)
class Message:
    """A parsed message: the verb of its subject, its blocks, and what it says it reverts.

    That is the beginnings of commit ids or, where a host leaves those out, the subjects of commits. A commit that a
    command of ours made has one block, a squash may have several.
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
        return [block for block in self.blocks if block.counts]

    @property
    def block(self) -> Block:
        """The only block; an empty one if there is none, or more than one."""
        return self.blocks[0] if len(self.blocks) == 1 else _NOTHING


def versions_of(effects: Sequence[Effect]) -> tuple[str, str]:
    """Return what an environment had, if it is another version, and what it has, given what happened to its records."""
    before = next((old.version for effect in effects for old in effect.old if old.version), "")
    after = next((effect.new.version for effect in effects if effect.new and effect.new.version), "")
    return ("" if before == after else before), after


def compose(change: Change, transaction: str = "", run: RunClaim = NO_RUN) -> str:
    """Return the message of a change's commit, which `run` makes.

    `transaction` distinguishes two writers who do the same thing in the same second: without it their
    commits would be identical, and both would believe that they made it. Only what is not a commit has none.
    """
    effects = sorted(change.effects, key=lambda effect: effect.key)
    blocks = [list(group) for _, group in groupby(effects, lambda effect: effect.name)]
    trailers = list(_counted(effects, change.verb) if len(blocks) > MAX_BLOCKS else _listed(blocks))
    trailers += change.details
    if change.reason:
        trailers.append(("Reason", change.reason))
    trailers += [(name, value) for name, value in (("Run", run.url), ("Actor", run.actor)) if value]
    if transaction:
        trailers.append(("Transaction-Id", transaction))
    lines = "\n".join(f"{name}: {value}" for name, value in trailers)
    return f"{subject(change)}\n\n{lines}\n"


def subject(change: Change) -> str:
    """Return the first line of a change's message."""
    effects = change.effects
    if change.verb == "promote" and effects:
        what, environment = promoted_images(effects)
        return f"promote {what} to {environment}"
    names = {effect.name for effect in effects}
    return f"{change.verb} {names.pop()}" if len(names) == 1 else f"{change.verb} {len(names)} images"


def promoted_images(effects: Sequence[Effect]) -> tuple[str, str]:
    """Return what a promotion is about, in words, and the environment; at least one record is.

    Images that it takes out go without saying beside others.
    """
    names = {effect.name for effect in effects if effect.new} or {effect.name for effect in effects}
    name = min(names)
    effects = [effect for effect in effects if effect.name == name]
    if len(names) > 1:
        return f"{len(names)} images", name.tag
    version = versions_of(effects)[1]
    return f"{name.image}:{version}" if version else str(name), name.tag


def _listed(blocks: Sequence[list[Effect]]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        yield "Image", str(block[0].name)
        before, after = versions_of(block)
        yield from (("Version", version) for version in [after] if version)
        yield from (("Replaces-Version", version) for version in [before] if version)
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


def _counted(effects: Sequence[Effect], verb: str) -> Iterator[tuple[str, str]]:
    yield "Records", str(len(effects))
    if verb == "promote":  # no image is named that would say which one; a squash may lose the subject
        yield "Environment", promoted_images(effects)[1]
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
        environments = tuple(sorted({read_subject(words)[1], *blocks[0].environments} - {""}))
        blocks = (replace(blocks[0], verb=blocks[0].verb or verb, environments=environments),)
    reverts = tuple(dict.fromkeys(_revert.findall(text)))
    subjects = () if reverts else tuple(dict.fromkeys(_reverted_subject.findall(text)))
    return Message(verb, blocks, reverts, subjects)


def _blocks(body: str) -> Iterator[Block]:
    """Yield the blocks of a message in their order; `TrailerReader` says where one ends."""
    reader = TrailerReader()
    for line in body.split("\n"):
        if trailers := reader.line(line):
            yield from _block(trailers, reader.closed_subject)
    yield from _block(reader.close(), reader.closed_subject)


def _block(trailers: list[tuple[str, str]], subject: tuple[str, str]) -> Iterator[Block]:
    """Yield the block that trailers make, unless they neither name a record nor count any."""
    first = dict(reversed(trailers))  # of several with one name, the first counts
    count = _number(first.get("Records", ""))
    entries = tuple(_entries(trailers))
    if not entries and count is None:
        return
    yield Block(
        verb=subject[0],
        entries=entries,
        record_count=count,
        sources=tuple(value for name, value in trailers if name == "Source-Ref") if count is not None else (),
        source_count=_number(first.get("Source-Refs", "")),
        reason=first.get("Reason", ""),
        transaction=first.get("Transaction-Id", ""),
        details=tuple(pair for pair in trailers if pair[0] in DETAILS),
        pulls=tuple(_pulls(trailers)),
        run=read_claim(first.get("Run", ""), first.get("Actor", "")),
        environments=tuple(sorted({subject[1], *(value for name, value in trailers if name == "Environment")} - {""})),
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
    name, platform, versions = Name("", ""), "", ["", ""]
    waiting: list[tuple[Name, str, str, list[str]]] = []
    for key, value in [*trailers, ("Image", "")]:  # the end closes a block as another image does
        if key in ("Image", "Source-Ref"):
            source_ref = value if key == "Source-Ref" else ""
            for entry_name, entry_platform, digest, replaces in waiting:
                yield MessageEntry(entry_name, entry_platform, digest, tuple(replaces), source_ref, *versions)
            waiting = []
        match key:
            case "Image":
                image, _, tag = value.rpartition(":")
                name, platform, versions = Name(image, tag), "", ["", ""]
            case "Version" | "Replaces-Version":
                versions[key == "Replaces-Version"] = value
            case "Platform":
                platform = value
            case "Digest" if name.image:
                waiting.append((name, platform, value, []))
                platform = ""
            case "Replaces" if waiting:
                waiting[-1][3].append(value)

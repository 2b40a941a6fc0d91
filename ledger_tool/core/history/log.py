"""What a commit did, record by record: from its trailers or, if they do not say, from its diff."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import NamedTuple

from ledger_tool.core.changes.change import VERBS
from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.changes.message import Block, Message, MessageEntry, PullClaim, versions_of
from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim
from ledger_tool.core.history.commit import Commit
from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Key, Name, Record

GONE = ("remove", "prune", "removed")  # the actions after which a record is gone
# The verbs of what can be seen of a record; what is updated may be so by any.
_DOING = {
    "added": {"publish", "promote"}, "moved": {"publish", "promote"}, "removed": {"remove", "prune", "promote"},
}  # fmt: skip


class FactEdit(NamedTuple):
    """What became of one fact of a record: of `labels`, `key` is the label's; of `dependsOn`, the base; else `""`.

    `value` is the new one, None if it was removed.
    """

    field: str
    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What one commit did to one record, at `at`, by its author.

    `action` is the verb of the message or, for a message without one, what the diff shows: `added`, `moved`, `updated`
    or `removed`. `digest` is the record's afterwards, or the removed record's. `index` is the one that the image:tag is
    pulled by from then on, if that is new, and `replaces_index` the pull digest before. What there is none of is `""`.
    `run` is what the message claims about who made the commit. `version` is what an environment has from then on, and
    `replaces_version` another one that it had before. `edits` are the labels, the TTL and the bases that were edited.
    `is_seen` says that the diff shows it: it is then about this record alone, where a message is about the image:tag.
    """

    commit: str
    at: Timestamp
    by: str
    action: str
    name: Name
    platform: str
    digest: str
    replaces: tuple[str, ...] = ()
    source_ref: str = ""
    reason: str = ""
    index: str = ""
    replaces_index: str = ""
    run: RunClaim = NO_RUN
    version: str = ""
    replaces_version: str = ""
    edits: tuple[FactEdit, ...] = ()
    is_seen: bool = field(default=False, compare=False)

    @property
    def key(self) -> Key:
        """The record's key."""
        return Key(*self.name, self.platform)


def claimed(commit: Commit, message: Message) -> list[LogEntry] | None:
    """Return what a message says, or None if only the diff can tell.

    That is the case for a message that counts, that is silent, that no command of ours could have written, and for a
    squash, whose blocks also tell the steps in between. A merge does nothing itself, whatever its message says of it.
    """
    block = message.block
    if len(commit.parents) > 1 or not block.verb or not block.entries or block.record_count is not None:
        return None
    if block.verb == "promote" and not all(entry.version for entry in block.entries):  # some were taken out
        return None
    indexes = [digest for claim in block.pulls for digest in (claim.index, claim.replaces) if digest]
    if not all(map(_is_wellformed, block.entries)) or not all(re.fullmatch(names.DIGEST, one) for one in indexes):
        return None
    pulls = {claim.name: claim for claim in block.pulls}
    edits = tuple(_claimed_edits(block.details)) if block.verb == "set" else ()
    return [
        _logged(commit, block.verb, entry, block.reason, pulls.get(entry.name), block.run, edits)
        for entry in block.entries
    ]


def seen(commit: Commit, message: Message, effects: Sequence[Effect]) -> list[LogEntry]:
    """Return what a commit's diff shows, with the reason and the run that its message gives."""
    groups = {name: list(group) for name, group in groupby(effects, lambda effect: effect.name)}
    pulls = {name: PullClaim.of(group) for name, group in groups.items()}
    verb = "" if message.is_squash else message.block.verb or message.verb
    entries = [
        _logged(
            commit, _action(verb, effect), MessageEntry.of(effect, versions_of(groups[effect.name])),
            _reason(effect, message), _pull_of(effect, pulls[effect.name]), _run(effect, message),
            tuple(_seen_edits(effect.old[0], effect.new)) if effect.kind == "updated" and effect.new else (),
        )
        for effect in effects
    ]  # fmt: skip
    return [replace(entry, is_seen=True) for entry in entries]


def _claimed_edits(details: Sequence[tuple[str, str]]) -> Iterator[FactEdit]:
    for name, value in details:
        key, _, label = value.partition("=")
        match name:
            case "Label":
                yield FactEdit("labels", key, label)
            case "Unlabel":
                yield FactEdit("labels", value, None)
            case _:
                yield FactEdit("ttl", "", None if value == "none" else value)


def _seen_edits(old: Record, new: Record) -> Iterator[FactEdit]:
    labels = {**dict.fromkeys(old.labels), **new.labels}
    yield from (FactEdit("labels", key, value) for key, value in sorted(labels.items()) if old.labels.get(key) != value)
    if old.ttl != new.ttl:
        yield FactEdit("ttl", "", new.ttl)
    yield from (FactEdit("dependsOn", base, base) for base in new.depends_on if base not in old.depends_on)
    yield from (FactEdit("dependsOn", base, None) for base in old.depends_on if base not in new.depends_on)


def _pull_of(effect: Effect, pull: PullClaim) -> PullClaim:
    """Return a claim about an image:tag with the index of a record itself: those of an old ledger may have several."""
    return replace(pull, index=effect.new.index or "") if pull.index and effect.new else pull


def _action(verb: str, effect: Effect) -> str:
    """Return what to call what was done to a record: a promotion of a whole environment may also take images out."""
    is_taken_out = verb == "promote" and effect.new is None
    return effect.kind if is_taken_out or not verb else verb


def run_that_published(message: Message, name: Name, digest: str) -> RunClaim:
    """Return the run that, as a message claims, gave an image:tag a digest, if it claims that of one run only."""
    if not message.is_squash:
        return message.block.run
    naming = [
        block
        for block in message.blocks
        if block.verb in ("", "publish", "promote")
        and any((one.name, one.digest) == (name, digest) for one in block.entries)
    ]
    return _only_run(naming or message.counting)


def _reason(effect: Effect, message: Message) -> str:
    """Return the reason that a message gives for what became of a record, or `""`.

    The blocks of a squash also tell of steps that cannot be seen any more. A mark that was made has its own reason;
    otherwise, a block counts if its verb does such a thing, and the last of those.
    """
    if not message.is_squash:
        return message.block.reason
    new, same, changed = effect.new, effect.of_same_image, effect.fields()
    was = same.old[0].yanked if same.kind == "updated" else None
    if effect.mark:
        return effect.mark.reason
    if new and new.yanked and new.yanked != was:
        return new.yanked.reason
    verbs = _DOING.get(effect.kind, {"promote"} if new and new.version else {"set"})
    verbs = {"unyank"} if "yanked" in changed else verbs
    own = [block.reason for block in _naming(effect, message) if block.reason and block.verb in {"", *verbs}]
    return own[-1] if own else ""


def _run(effect: Effect, message: Message) -> RunClaim:
    """Return the run that, as a message claims, did to a record what can be seen; none if several may have done it."""
    if not message.is_squash:
        return message.block.run
    naming = _naming(effect, message)
    verbs = {"", *_DOING.get(effect.kind, set(VERBS))}
    doing = [block for block in naming if block.verb in verbs]
    marked = [block for block in doing if effect.mark and block.reason.split() == effect.mark.reason.split()]
    return _only_run(marked or doing or ([] if naming else message.counting))


def _only_run(blocks: Sequence[Block]) -> RunClaim:
    runs = {block.run for block in blocks}
    return runs.pop() if len(runs) == 1 else NO_RUN


def _naming(effect: Effect, message: Message) -> list[Block]:
    """Return the blocks that name the record of an effect with its digest."""
    digest = effect.record.digest
    return [block for block in message.blocks for one in block.entries if (one.key, one.digest) == (effect.key, digest)]


def _logged(
    commit: Commit,
    action: str,
    entry: MessageEntry,
    reason: str,
    pull: PullClaim | None,
    run: RunClaim,
    edits: tuple[FactEdit, ...],
) -> LogEntry:
    return LogEntry(
        commit.id, commit.at, commit.by, action, entry.name, entry.platform, entry.digest, entry.replaces,
        entry.source_ref, reason, pull.index if pull else "", pull.replaces if pull else "", run,
        entry.version, entry.replaces_version, edits,
    )  # fmt: skip


def _is_wellformed(entry: MessageEntry) -> bool:
    return bool(
        re.fullmatch(names.IMAGE, entry.name.image)
        and re.fullmatch(names.TAG, entry.name.tag)
        and (not entry.platform or re.fullmatch(names.PLATFORM, entry.platform))
        and (not entry.source_ref or re.fullmatch(names.SOURCE_REF, entry.source_ref))
        and all(re.fullmatch(names.DIGEST, digest) for digest in (entry.digest, *entry.replaces))
        and all(re.fullmatch(names.TAG, tag) for tag in (entry.version, entry.replaces_version) if tag)
    )

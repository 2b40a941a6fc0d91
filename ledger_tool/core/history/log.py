"""What a commit did, record by record: from its trailers or, if they do not say, from its diff."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.changes.message import Message, MessageEntry, PullClaim
from ledger_tool.core.history.commit import Commit
from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Key, Name

GONE = ("remove", "prune", "removed")  # the actions after which a record is gone


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What one commit did to one record, at `at`, by its author.

    `action` is the verb of the message or, for a message without one, what the diff shows: `added`, `moved`, `updated`
    or `removed`. `digest` is the record's afterwards, or the removed record's. `index` is the one that the image:tag is
    pulled by from then on, if that is new, and `replaces_index` the pull digest before. What there is none of is `""`.
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

    @property
    def key(self) -> Key:
        """The record's key."""
        return Key(*self.name, self.platform)


def claimed(commit: Commit, message: Message) -> list[LogEntry] | None:
    """Return what a message says, or None if only the diff can tell.

    That is the case for a message that counts, that is silent, that no command of ours could have written, and for a
    squash, whose blocks also tell the steps in between.
    """
    block = message.block
    if not block.verb or not block.entries or block.record_count is not None:
        return None
    indexes = [digest for claim in block.pulls for digest in (claim.index, claim.replaces) if digest]
    if not all(map(_is_wellformed, block.entries)) or not all(re.fullmatch(names.DIGEST, one) for one in indexes):
        return None
    pulls = {claim.name: claim for claim in block.pulls}
    return [_logged(commit, block.verb, entry, block.reason, pulls.get(entry.name)) for entry in block.entries]


def seen(commit: Commit, message: Message, effects: Sequence[Effect]) -> list[LogEntry]:
    """Return what a commit's diff shows, with the reason that its message gives."""
    pulls = {name: PullClaim.of(list(group)) for name, group in groupby(effects, lambda effect: effect.name)}
    verb = "" if message.is_squash else message.block.verb or message.verb
    return [
        _logged(commit, verb or effect.kind, MessageEntry.of(effect), _reason(effect, message), pulls[effect.name])
        for effect in effects
    ]


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
    verbs = {"added": {"publish"}, "moved": {"publish"}, "removed": {"remove", "prune"}}.get(effect.kind, {"set"})
    verbs = {"unyank"} if "yanked" in changed else verbs
    own = [
        block.reason
        for block in message.blocks
        for entry in block.entries
        if block.reason
        and block.verb in {"", *verbs}
        and (entry.key, entry.digest) == (effect.key, effect.record.digest)
    ]
    return own[-1] if own else ""


def _logged(commit: Commit, action: str, entry: MessageEntry, reason: str, pull: PullClaim | None) -> LogEntry:
    return LogEntry(
        commit.id, commit.at, commit.by, action, entry.name, entry.platform, entry.digest, entry.replaces,
        entry.source_ref, reason, pull.index if pull else "", pull.replaces if pull else "",
    )  # fmt: skip


def _is_wellformed(entry: MessageEntry) -> bool:
    return bool(
        re.fullmatch(names.IMAGE, entry.name.image)
        and re.fullmatch(names.TAG, entry.name.tag)
        and (not entry.platform or re.fullmatch(names.PLATFORM, entry.platform))
        and (not entry.source_ref or re.fullmatch(names.SOURCE_REF, entry.source_ref))
        and all(re.fullmatch(names.DIGEST, digest) for digest in (entry.digest, *entry.replaces))
    )

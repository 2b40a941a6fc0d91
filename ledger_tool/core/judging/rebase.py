"""Replaying a commit on another ledger: the change that it made, not the text that it left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger_tool.core.changes.change import VERBS, Change
from ledger_tool.core.changes.conflict import compared, described
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.merge import Collision, merge
from ledger_tool.core.changes.message import compose, parse_message
from ledger_tool.core.judging.commit import judge_commit
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import RuleRefused, UsageError

_SHOWN = 10  # collisions in a message
_ANY_MOVES = Policy(mutable=("*",))


@dataclass(frozen=True, slots=True)
class CommitContent:
    """A commit's ledger, and its other files: git's entry for each name at the top."""

    ledger: Ledger
    files: Mapping[str, str]


def replay(parent: CommitContent, commit: CommitContent, onto: CommitContent, name: str) -> CommitContent:
    """Return `onto` with what `commit` changed since `parent`; `name` is the commit's name in messages.

    Raises RuleRefused if a record, UsageError if another file, was changed on both sides in different ways.
    """
    merged = merge(parent.ledger, onto.ledger, commit.ledger)
    if merged.collisions:
        shown, others = merged.collisions[:_SHOWN], len(merged.collisions) - _SHOWN
        names = ", ".join(described(collision, "base", "commit") for collision in shown)
        command = "`ledger promote`" if all(map(_is_of_environment, shown)) else "`ledger publish`"
        more = f", and {others} more" if others > 0 else ""
        rows = [
            (f"{collision.name} {what}" if len(shown) > 1 else what, digest, index)
            for collision in shown
            for what, digest, index in compared(collision, "base", "commit")
        ]
        raise RuleRefused(
            f"commit {name} collides with changes in the base: {names}{more}; nothing was changed",
            f"make that change again on the base with {command}, or drop the commit",
            compared=rows,
        )
    files, clashes = merge_files(parent.files, onto.files, commit.files)
    if clashes:
        raise UsageError(
            f"commit {name} and the base both change {clashes[0]}; nothing was changed",
            "bring the branch up to date with `git rebase`, after `ledger merge-driver --install`",
        )
    return CommitContent(merged.ledger, files)


def _is_of_environment(collision: Collision) -> bool:
    return any(record.is_environment for record in (*collision.base, *collision.ours, *collision.theirs))


def merge_files(
    base: Mapping[str, str], ours: Mapping[str, str], theirs: Mapping[str, str]
) -> tuple[Mapping[str, str], list[str]]:
    """Return `ours` with what `theirs` changed since `base`, and the names that both changed in different ways."""
    files, clashes = dict(ours), []
    for path in sorted(base.keys() | theirs.keys()):
        old, our_entry, new = base.get(path), ours.get(path), theirs.get(path)
        if new in (old, our_entry):
            continue
        if our_entry != old:
            clashes.append(path)
        elif new is None:
            del files[path]
        else:
            files[path] = new
    return files, clashes


def retold(text: str, before: Ledger, after: Ledger) -> str:
    """Return a commit's message, unchanged unless the base already has some of its changes."""
    effects = effects_of(compare(before, after))
    message = parse_message(text)
    told = message.block
    verb = next((verb for verb in VERBS if verb == told.verb), None)
    mismatched = any(one.rule in ("trailers", "unexplained") for one in judge_commit(effects, message, _ANY_MOVES))
    if verb is None or not mismatched:
        return text
    return compose(Change(verb, after, effects, told.reason, told.details), told.transaction, told.run)

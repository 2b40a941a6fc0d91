"""The commits that a message says it reverts, looked up in the history before it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ledger_tool.commands.ports import History
from ledger_tool.core.changes.difference import Difference
from ledger_tool.core.changes.message import Message
from ledger_tool.core.changes.revert import NOTHING, Undone, undone_by
from ledger_tool.core.history.commit import Commit
from ledger_tool.core.history.versions import Versions
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.errors import InvalidLedger, UsageError

_MOST_NAMESAKES = 5  # commits of one subject that are tried, the newest first
_number = re.compile(r" \([#!][0-9]+\)$")  # a host adds the request's to the subject


class RevertedCommits:
    """Finds them; what they did is read when a commit says that it reverts them."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._by_subject: dict[str, list[str]] | None = None

    def undone(self, commit: Commit, message: Message, made: Sequence[Difference], after: Ledger) -> Undone:
        """Return what a commit exactly undoes of the commits that it says it reverts; see `undone_by`.

        Only commits of its own past count. Raises UsageError if a shallow clone may lack one.
        """
        if not made or not commit.parents:
            return NOTHING
        if message.reverts:
            reverted = [self._did(self._visible(id_, commit)) for id_ in message.reverts]
            return undone_by(made, [one for one in reverted if one], after)
        for ids in zip(*(self._named(subject, commit) for subject in message.reverted_subjects), strict=False):
            if undone := undone_by(made, list(map(self._did, ids)), after):
                return undone
        if message.reverted_subjects:
            self._history.must_be_whole()
        return NOTHING

    def _visible(self, prefix: str, commit: Commit) -> str:
        """Return the id of a commit in the past of another one, or `""`."""
        try:
            id_ = self._history.resolve(prefix)
        except UsageError:
            self._history.must_be_whole()
            return ""
        return id_ if id_.startswith(prefix) and self._history.contains(id_, commit.parents[0]) else ""

    def _named(self, subject: str, commit: Commit) -> Iterator[str]:
        """Yield the commits of a subject in the past of another one, the newest first."""
        if self._by_subject is None:
            self._by_subject = {}
            for past in self._history.commits("", self._history.head()):
                first = past.message.partition("\n")[0]
                for name in {first, _number.sub("", first)}:
                    self._by_subject.setdefault(name, []).append(past.id)
        namesakes = self._by_subject.get(subject, [])[-_MOST_NAMESAKES:]
        yield from (id_ for id_ in reversed(namesakes) if self._history.contains(id_, commit.parents[0]))

    def _did(self, commit: str) -> Sequence[Difference]:
        """Return what a commit did to the ledger; nothing if it or the one before it is not valid."""
        if not commit:
            return ()
        versions = Versions()
        try:
            try:
                before = self._history.resolve(f"{commit}^")
            except UsageError:
                self._history.must_be_whole()  # otherwise it is the first one
                return versions.follow(self._history.ledger_file(commit))
            versions.read(self._history.ledger_file(before))
            return versions.follow(self._history.ledger_file(commit))
        except InvalidLedger:
            return ()

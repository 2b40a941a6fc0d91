"""The ledger at each of many commits: each read once, and what two of them share validated once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from ledger_tool.commands.ports import History
from ledger_tool.core import codec, faults
from ledger_tool.core.change import Snapshot
from ledger_tool.core.ledger import Ledger
from ledger_tool.core.policy import Policy
from ledger_tool.errors import InvalidLedger, LedgerError, UsageError

_KEPT = 4  # a commit, and those that it is compared with: a ledger may be large
_DEEPEST = 100  # commits to look back for a valid ledger


class States:
    """Looks commits up. `schema` gives `ledger-v1`, `read_policy` parses a `ledger.yaml`."""

    def __init__(
        self,
        history: History,
        schema: Callable[[], Mapping[str, Any]],
        read_policy: Callable[[bytes | None], Policy],
    ) -> None:
        self._history = history
        self._schema = schema
        self._read_policy = read_policy
        self._known: OrderedDict[str, Snapshot | LedgerError] = OrderedDict()
        self._last: Ledger | None = None

    def at(self, commit: str) -> Snapshot | LedgerError:
        """Return the ledger at a commit, or what is wrong with its files."""
        if commit not in self._known:
            self._known[commit] = self._read(commit)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(commit)
        return self._known[commit]

    def sound(self, commit: str) -> Snapshot:
        """Return the ledger at a commit or, where it is not valid, the last valid one before it; empty for none."""
        for _ in range(_DEEPEST):
            found = self.at(commit)
            if isinstance(found, Snapshot):
                return found
            try:
                commit = self._history.resolve(f"{commit}^")
            except UsageError:
                break
        return Snapshot("", Ledger(), Policy())

    def loaded(self, raw: bytes) -> Ledger:
        """Return the ledger of the bytes of a `ledger.json`. Raises InvalidLedger."""
        self._last = codec.loads(raw, self._last)
        return self._last

    def _read(self, commit: str) -> Snapshot | LedgerError:
        try:
            raw, settings = self._history.files(commit)
            try:
                ledger = self.loaded(raw)
            except InvalidLedger:
                return faults.explain(raw, self._schema())
            return Snapshot(commit, ledger, self._read_policy(settings))
        except (InvalidLedger, UsageError) as error:
            return error

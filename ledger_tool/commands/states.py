"""The ledger at each of many commits: each read once, and of the next one only what differs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger_tool.commands.ports import History
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger import diagnosis as faults
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import InvalidLedger, LedgerError, UsageError

_KEPT = 4  # a commit, and those that it is compared with: a ledger may be large
_DEEPEST = 100  # commits to look back for a valid ledger


@dataclass(frozen=True, slots=True)
class State:
    """What the two files of a commit say, or what is wrong with each."""

    ledger: Ledger | LedgerError
    policy: Policy | LedgerError

    @property
    def errors(self) -> list[LedgerError]:
        """What is wrong with the files."""
        return [one for one in (self.ledger, self.policy) if isinstance(one, LedgerError)]


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
        self._known: OrderedDict[str, State] = OrderedDict()
        self._last: tuple[bytes, Ledger] | None = None

    def at(self, commit: str) -> State:
        """Return what a commit's files say."""
        if commit not in self._known:
            self._known[commit] = self._read(commit)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(commit)
        return self._known[commit]

    def sound(self, commit: str) -> Snapshot:
        """Return what a commit's files say and, where one is not valid, its last valid state before; empty for none."""
        at = commit
        ledger: Ledger | None = None
        policy: Policy | None = None
        for _ in range(_DEEPEST):
            found = self.at(at)
            if ledger is None and isinstance(found.ledger, Ledger):
                ledger = found.ledger
            if policy is None and isinstance(found.policy, Policy):
                policy = found.policy
            if ledger is not None and policy is not None:
                break
            try:
                at = self._history.resolve(f"{at}^")
            except UsageError:
                break
        return Snapshot(commit, ledger or Ledger(), policy or Policy())

    def loaded(self, raw: bytes) -> Ledger:
        """Return the ledger of the bytes of a `ledger.json`. Raises InvalidLedger."""
        if self._last is None or self._last[0] != raw:
            near = codec.reread(raw, *self._last) if self._last else None
            self._last = raw, near.ledger if near else codec.loads(raw)
        return self._last[1]

    def _read(self, commit: str) -> State:
        try:
            raw, settings = self._history.files(commit)
        except (InvalidLedger, UsageError) as error:
            return State(error, Policy())
        ledger: Ledger | LedgerError
        policy: Policy | LedgerError
        try:
            ledger = self.loaded(raw)
        except InvalidLedger:
            ledger = faults.explain(raw, self._schema())
        try:
            policy = self._read_policy(settings)
        except UsageError as error:
            policy = error
        return State(ledger, policy)

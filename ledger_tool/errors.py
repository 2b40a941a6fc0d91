"""Every error that a user can meet, as a tree. The exit code says what to do next.

::

    LedgerError                   exit  next
    ├── UsageError                  2   fix the command
    │   ├── InvalidValue            2   ... one value of it, named
    │   └── InvalidSettings         2   ... `ledger.yaml`, at a line and column
    ├── RuleRefused                 3   decide: another tag, or force with a reason
    │   ├── Conflict                3   ... the key has another digest
    │   └── UnknownImage            3   ... the ledger has no such record
    ├── InvalidLedger               4   fix the file
    ├── TryAgain                    5   run it again
    │   ├── Contended               5   ... other writers won every round
    │   ├── Unreachable             5   ... the remote or the registry did not answer
    │   │   └── BadManifest         5   ... the registry answered, but not what it should
    │   └── LocalDiskError          5   ... the local disk is full or failing
    ├── Denied                      6   fix access
    │   └── PushRefused             6   ... a hook or a rule of the remote said no
    └── GitFailed                  70   report it: git failed where it has no business to

A message is one sentence without a final period; the hint, another one, says what to do.
Neither may hold a credential: whoever raises leaves it out, and the renderer redacts URLs again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self


class LedgerError(Exception):
    """What happened (`message`), what to do next (`hint`), and the process's exit code."""

    exit_code = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def within(self, prefix: str, hint: str = "") -> Self:
        """Return the same error said of `prefix`: its message after `prefix: `, and `hint` for its own, where given.

        The error itself stays as it is, since several places may share it.
        """
        message = f"{prefix}: {self.message}" if prefix else self.message
        copy = type(self).__new__(type(self), message)
        vars(copy).update(vars(self) | {"message": message, "hint": hint or self.hint})
        return copy.with_traceback(self.__traceback__)


class UsageError(LedgerError):
    """The command, a file it names, or `ledger.yaml` is not what it should be."""

    exit_code = 2


class InvalidValue(UsageError):
    """One value is malformed. `field` is the word of the contract for it: `digest`, `tag`, ..."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.field = field


class InvalidSettings(UsageError):
    """`ledger.yaml` is not what it should be, at `line` and `column`, both from 1; `reason` is what is wrong there."""

    def __init__(self, line: int, column: int, reason: str, hint: str) -> None:
        super().__init__(f"ledger.yaml, line {line}, column {column}: {reason}", hint)
        self.line = line
        self.column = column
        self.reason = reason


class RuleRefused(LedgerError):
    """The ledger's rules say no; nothing was written."""

    exit_code = 3


class Conflict(RuleRefused):
    """The ledger has another digest for this key.

    `existing` are the records that stand in the way, as in `ledger.json`, `given` is the digest that
    was refused, and `ledger_commit` the ledger commit in which they were seen.
    """

    def __init__(
        self, message: str, hint: str, *, existing: Sequence[Mapping[str, Any]], given: str, ledger_commit: str
    ) -> None:
        super().__init__(message, hint)
        self.existing = existing
        self.given = given
        self.ledger_commit = ledger_commit


class UnknownImage(RuleRefused):
    """No record answers to that name."""


class InvalidLedger(LedgerError):
    """`ledger.json` breaks its schema, its canonical form or a rule, or is not there."""

    exit_code = 4


class TryAgain(LedgerError):
    """Nothing was written, and the same command may well succeed later."""

    exit_code = 5


class Contended(TryAgain):
    """Other writers won every round, or the branch stayed locked, until the deadline."""


class Unreachable(TryAgain):
    """The remote did not answer, answered with garbage, or not in time."""


class BadManifest(Unreachable):
    """A registry served something that is no manifest, or not the one that was asked for: never a record."""


class LocalDiskError(TryAgain):
    """The local disk is full or failing."""


class Denied(LedgerError):
    """Authentication, permission, a host key, or a deploy key that is no key."""

    exit_code = 6


class GitFailed(LedgerError):
    """A local git command failed that has no business to: a bug, or a repository that is broken."""


class PushRefused(Denied):
    """A hook, a rule or a protected branch of the remote refused the push, time after time."""

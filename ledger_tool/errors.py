"""Every error that a user can meet, as a tree. The exit code says what to do next.

::

    LedgerError                   exit  next
    ├── UsageError                  2   fix the command
    │   ├── InvalidValue            2   ... one named value of it
    │   ├── InvalidSettings         2   ... `ledger.yaml`, at a line and column
    │   └── SignatureUncheckable    2   ... a library is missing, or a key that `ledger.yaml` names
    ├── RuleRefused                 3   decide: another tag, or force with a reason
    │   ├── Conflict                3   ... the key has another digest
    │   ├── UnknownImage            3   ... the ledger has no such record
    │   ├── NotProved               3   ... no signed statement was checked, or one does not hold
    │   ├── InvalidStatement        3   ... an attestation is not what it has to be
    │   └── UnreadableManifest      3   ... the registry has no valid image there, but something else
    ├── InvalidLedger               4   fix the file
    ├── TryAgain                    5   run it again
    │   ├── Contended               5   ... other writers won every round
    │   ├── Unreachable             5   ... the remote or the registry did not answer
    │   │   └── BadManifest         5   ... the registry answered, but not what it should
    │   ├── ClockBehind             5   ... this machine's clock is behind the ledger
    │   ├── LocalDiskError          5   ... the local disk is full or failing
    │   └── ClockAhead              5   ... this machine's clock is ahead, or nobody can tell
    ├── Denied                      6   fix access
    │   ├── PushRefused             6   ... a hook or a rule of the remote said no
    │   └── NotTheOwner             6   ... what would change has owners, and none of them signs
    └── GitFailed                  70   report it: git failed where it should not

A message is one sentence without a final period; the hint is another one and says what to do.
Neither may contain a credential: the raiser leaves it out, and the renderer redacts URLs again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self


class LedgerError(Exception):
    """What happened (`message`), what to do next (`hint`), and the process's exit code.

    It `is_about_ledger` unless it is about another remote, or about who may sign, where `ledger doctor` does not look.
    """

    exit_code = 70
    is_about_ledger = True

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def in_full(self) -> str:
        """The message and the hint, as one sentence."""
        return "; ".join(filter(None, (self.message, self.hint)))

    def within(self, prefix: str, hint: str = "") -> Self:
        """Return the same error with `prefix: ` in front of its message, and with `hint` instead of its own if given.

        The error itself stays unchanged, because several places may share it.
        """
        return self._saying(f"{prefix}: {self.message}" if prefix else self.message, hint or self.hint)

    def adding(self, more: str) -> Self:
        """Return the same error with `; more` at the end of its message."""
        return self._saying(f"{self.message}; {more}", self.hint)

    def masked(self, mask: Callable[[str], str]) -> Self:
        """Return the same error with `mask` applied to what it says."""
        return self._saying(mask(self.message), mask(self.hint))

    def _saying(self, message: str, hint: str) -> Self:
        copy = type(self).__new__(type(self), message)
        vars(copy).update(vars(self) | {"message": message, "hint": hint})
        return copy.with_traceback(self.__traceback__)


class UsageError(LedgerError):
    """The command, a file that it names, or `ledger.yaml` is wrong."""

    exit_code = 2


class InvalidValue(UsageError):
    """One value is malformed. `field` is its name in the contract: `digest`, `tag`, ..."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.field = field


class InvalidSettings(UsageError):
    """`ledger.yaml` is wrong at `line` and `column`, both from 1, or as a whole (0, 0); `reason` says how."""

    def __init__(self, line: int, column: int, reason: str, hint: str) -> None:
        whole = f"ledger.yaml: {reason}"
        super().__init__(f"ledger.yaml, line {line}, column {column}: {reason}" if line else whole, hint)
        self.line = line
        self.column = column
        self.reason = reason


class SignatureUncheckable(UsageError):
    """No signature can be checked here: a library is missing, or what `ledger.yaml` names cannot be used.

    It says nothing about any signature.
    """


class RuleRefused(LedgerError):
    """The ledger's rules refuse it; nothing was written.

    `compared` are digests to show beside each other: what each is, the image's digest, and that of its index or `""`.
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "", *, compared: Sequence[tuple[str, str, str]] = ()) -> None:
        super().__init__(message, hint)
        self.compared = compared


class Conflict(RuleRefused):
    """The ledger has another digest for this key.

    `existing` are the conflicting records, as in `ledger.json`, `given` is the refused digest, and
    `ledger_commit` the ledger commit in which they were found.
    """

    def __init__(
        self,
        message: str,
        hint: str,
        *,
        existing: Sequence[Mapping[str, Any]],
        given: str,
        ledger_commit: str,
        compared: Sequence[tuple[str, str, str]] = (),
    ) -> None:
        super().__init__(message, hint, compared=compared)
        self.existing = existing
        self.given = given
        self.ledger_commit = ledger_commit

    def published_in(self, commit: str, run: str = "") -> Conflict:
        """Return the same error, which also names the ledger commit that published the first record, and its run."""
        time = f"published {self.existing[0]['publishedAt']}"
        where = f"{time} in ledger commit {commit[:12]}" + (f" by the run {run}" if run else "")
        return self._saying(self.message.replace(time, where, 1), self.hint)


class UnknownImage(RuleRefused):
    """No record has that name."""


class NotProved(RuleRefused):
    """What `ledger.yaml` wants to be proved of an image is not."""


class InvalidStatement(RuleRefused):
    """An attestation is not a valid statement, or does not say what it has to."""


class UnreadableManifest(RuleRefused):
    """What a registry serves is what was pushed, and neither a valid image nor a valid index.

    `digest` is known, and so is whether that is what was recorded.
    """

    def __init__(self, message: str, hint: str, *, digest: str) -> None:
        super().__init__(message, hint)
        self.digest = digest


class InvalidLedger(LedgerError):
    """`ledger.json` violates its schema, its canonical form or a rule, or is missing."""

    exit_code = 4


class TryAgain(LedgerError):
    """Nothing was written, and the same command may succeed later."""

    exit_code = 5


class Contended(TryAgain):
    """Other writers won every round, or the branch stayed locked, until the deadline."""


class Unreachable(TryAgain):
    """The remote did not answer, answered with garbage, or not in time."""


class BadManifest(Unreachable):
    """A registry served something that is not a manifest, or not the requested one: it is never recorded."""


class ClockBehind(TryAgain):
    """The commit to write on is dated well after this machine's clock: one of the two is wrong."""


class LocalDiskError(TryAgain):
    """The local disk is full or failing."""


class ClockAhead(TryAgain):
    """The clock is ahead of a registry's, or so far ahead of the ledger that it may be wrong."""


class Denied(LedgerError):
    """Authentication, permission, a host key, or an unusable deploy key."""

    exit_code = 6


class GitFailed(LedgerError):
    """A local git command failed that should not: a bug, or a broken repository."""


class PushRefused(Denied):
    """A hook, a rule or a protected branch of the remote refused the push repeatedly."""


class NotTheOwner(Denied):
    """What a commit would change has owners, and it is not signed by any of them; nothing was pushed."""

    is_about_ledger = False

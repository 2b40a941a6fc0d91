"""From where a push is judged: a server's hook says which ref moves, and which branch is the ledger's is known here."""

from __future__ import annotations

import re
from typing import NamedTuple

from ledger_tool.commands.ports import History
from ledger_tool.core.judging.check import CheckFinding
from ledger_tool.core.ledger.names import LEDGER
from ledger_tool.errors import UsageError

_BRANCH = "refs/heads/"
_NO_COMMIT = re.compile(r"0{40}(?:0{24})?")


def is_no_commit(revision: str) -> bool:
    """Return whether it is what git calls the end of a branch that is not there: zeros (githooks(5))."""
    return _NO_COMMIT.fullmatch(revision) is not None


class Start(NamedTuple):
    """The commit from where a push is judged, and whether it is the old tip of the branch that moves."""

    commit: str
    is_tip: bool


def start_of_push(history: History, ref: str, old: str, new: str) -> Start | CheckFinding | None:
    """Return from where a push is judged that moves a ref from one commit to another; None: no rule is about it.

    The ledger's branch, which HEAD names, grows from its old tip. Any other branch is judged from where it left that
    one, since it may become the default branch one day; one without a common commit is a finding. Raises UsageError if
    HEAD is not a branch.
    """
    main = history.full_ref("HEAD")
    if not main.startswith(_BRANCH):
        raise UsageError(
            "HEAD of the server's repository is not a branch, so nobody can tell which branch is the ledger's",
            "name that branch with `git symbolic-ref HEAD refs/heads/main` on the server",
        )
    ref = history.full_ref(ref)
    if ref == main:
        return Start(old, is_tip=True)
    if is_no_commit(new) or not ref.startswith(_BRANCH):
        return None
    try:
        return Start(history.merge_base(history.resolve(main), new), is_tip=False)
    except UsageError:
        return CheckFinding("rewritten", LEDGER, 1, 1, f"{ref} shares no history with {main}, the ledger's branch")

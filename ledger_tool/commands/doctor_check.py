"""One check of `doctor`, and how an attempt becomes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ledger_tool.errors import LedgerError

CheckState = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check: what was checked, what came of it and, for a problem, what to do and its exit code.

    A `note` is what is missing or cannot be seen, and not wrong.
    """

    about: str
    state: CheckState
    says: str
    hint: str = ""
    code: int = 0


def problem(about: str, error: LedgerError) -> Check:
    """Return the check that ended with an error."""
    return Check(about, "problem", error.message, error.hint, error.exit_code)


def tried(about: str, attempt: Callable[[], str]) -> Check:
    """Return the check that an attempt is; it returns what it has seen, or raises LedgerError."""
    try:
        return Check(about, "ok", attempt())
    except LedgerError as error:
        return problem(about, error)

"""`--fail-on`: which findings of a report make the exit code 1, by their classes and kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ledger_tool.core.ledger.names import shown
from ledger_tool.errors import UsageError

# Housekeeping is what time and ordinary work bring about; drift is what nobody should have done. What is unknown, or as
# it should be, is neither.
FindingKind = Literal["drift", "housekeeping", "unknown", "none"]
KINDS: tuple[FindingKind, ...] = ("drift", "housekeeping", "unknown")  # of findings: "none" is none


def is_in(fail_on: Sequence[str], category: str, kind: FindingKind) -> bool:
    """Return whether a finding's class, or its kind, is among those of `--fail-on`."""
    return category in fail_on or (kind in ("drift", "housekeeping") and kind in fail_on)


def parse_fail_on(value: str, categories: Sequence[str]) -> tuple[str, ...]:
    """Return the words of `--fail-on`: some of these classes, or kinds. Raises UsageError for any other word."""
    known = (*categories, "drift", "housekeeping", "none")
    words = tuple(word.strip() for word in value.split(","))
    for word in words:
        if word not in known:
            raise UsageError(f"`--fail-on {shown(word)}` is not valid", f"use any of {', '.join(known)}")
    if "none" in words and len(words) > 1:
        raise UsageError("`--fail-on none` excludes every other class", "leave `none` out, or the rest")
    return words

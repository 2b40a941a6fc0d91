"""GitHub's workflow commands, which annotate lines in a pull request; no text can end one or start another.

Source: GitHub's documentation, "Workflow commands for GitHub Actions"; the escapes are those of its toolkit.
"""

from __future__ import annotations

from ledger_tool.core.ledger.names import escaped


def command(level: str, message: str, *, path: str, line: int, title: str, column: int = 0) -> str:
    """Return the command that annotates a line; `level` is `notice`, `warning` or `error`."""
    place = f"file={_property(path)},line={line}" + (f",col={column}" if column else "")
    return f"::{level} {place},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return escaped(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

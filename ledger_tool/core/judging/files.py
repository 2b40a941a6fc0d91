"""The files of a ledger repository beside `ledger.json` and `ledger.yaml` that a range of commits changes.

Each of them is named, since none can be judged: a workflow, `CODEOWNERS`, a submodule. What is a finding is an
attribute (gitattributes(5)) that hides the two files from review, or lets a merge drop records in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ledger_tool.core.ledger.names import ALLOWED_SIGNERS, KEYRING, LEDGER, SETTINGS, shown

ATTRIBUTES = ".gitattributes"
JUDGED = (LEDGER, SETTINGS)
FileChangeKind = Literal["added", "changed", "removed"]
PathAttributes = Mapping[str, Mapping[str, str]]  # of each judged file; what is not specified is left out

_MODES = {"100644": "a file", "100755": "an executable file", "120000": "a symbolic link", "160000": "a submodule"}
# What decides how a file is shown in a review, merged, and written to a work tree. The first three are the forges'.
_ATTRIBUTES = (
    "linguist-generated", "linguist-vendored", "gitlab-generated",
    "diff", "merge", "conflict-marker-size", "text", "eol", "crlf", "ident", "filter", "working-tree-encoding",
)  # fmt: skip
_OURS = {("text", "set"), ("eol", "lf"), ("merge", "ledger")}  # as `ledger init` writes them


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that a range changes; `old` and `new` are git's modes, `""` if it does not exist."""

    path: str
    old: str
    new: str

    @property
    def kind(self) -> FileChangeKind:
        """What happened to it."""
        return "added" if not self.old else "changed" if self.new else "removed"

    @property
    def note(self) -> str:
        """What is unusual about it: a kind of file, or a change of it; else `""`."""
        if self.old and self.new and self.old != self.new:
            return f"{_what(self.old)} before, {_what(self.new)} now"
        mode = self.new or self.old
        return "" if mode == "100644" else _what(mode)


@dataclass(frozen=True, slots=True)
class FileFinding:
    """What is wrong with another file, at a line from 1."""

    path: str
    line: int
    message: str


def _what(mode: str) -> str:
    return _MODES.get(mode, f"mode {mode}")


def others(files: Iterable[ChangedFile]) -> list[ChangedFile]:
    """Return the changed files without `ledger.json`, unless what changes is its mode: its content is judged."""
    return [file for file in files if file.path != LEDGER or (file.old and file.new and file.old != file.new)]


def attribute_findings(before: PathAttributes, after: PathAttributes, text: str) -> Iterator[FileFinding]:
    """Yield a finding for each attribute of the judged files that changes; `text` is that of `.gitattributes` now.

    What `ledger init` writes is always fine.
    """
    for path in JUDGED:
        old, new = before.get(path, {}), after.get(path, {})
        for name in _ATTRIBUTES:
            value = new.get(name, "unspecified")
            if value != old.get(name, "unspecified") and (name, value) not in _OURS:
                yield FileFinding(
                    ATTRIBUTES,
                    _line_of(name, text),
                    f"the attribute `{name}` of {path} was {_shown(old.get(name))} and is {_shown(value)}: it decides "
                    "how the file is shown, merged or written",
                )


def _shown(value: str | None) -> str:
    return f"`{shown(value or 'unspecified')}`"


def _line_of(name: str, text: str) -> int:
    """Return the last line that mentions an attribute, by its own name or in `binary`; 1 if there is none."""
    line = 1
    for number, words in enumerate(map(str.split, text.splitlines()), 1):
        names = {word.lstrip("-!").partition("=")[0] for word in words[1:]}
        if name in names or ("binary" in names and name in ("diff", "merge", "text")):
            line = number
    return line


def lookalikes(files: Iterable[ChangedFile]) -> Iterator[FileFinding]:
    """Yield a finding for each new file whose name some file systems take for one that is judged, or judges."""
    for file in files:
        for path in (*JUDGED, ALLOWED_SIGNERS, KEYRING, ATTRIBUTES):
            if file.new and file.path != path and file.path.casefold() == path:
                message = f"{shown(file.path)} takes the place of {path} where file names ignore case"
                yield FileFinding(shown(file.path), 1, message)

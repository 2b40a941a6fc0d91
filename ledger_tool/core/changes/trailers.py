"""The trailers in a commit message, block by block, wherever a host's squash has put them.

They are read after the subject: with bullets, indentation and broken lines, in any paragraph.
"""

from __future__ import annotations

import re
from typing import Literal

from ledger_tool.core.changes.change import VERBS
from ledger_tool.core.ledger.names import TAG

DETAILS = ("Label", "Unlabel", "TTL")  # what `set` did
_WORDS = ("Reason", "Actor", *DETAILS)  # their values have blanks, where a host may break the line
_OF_IMAGE = (
    "Image",
    "Index",
    "Version",
    "Replaces-Version",
    "Replaces-Index",
    "Platform",
    "Digest",
    "Replaces",
    "Source-Ref",
)
_OURS = (*_OF_IMAGE, "Records", "Environment", "Source-Refs", "Run", "Transaction-Id", *_WORDS)
_OPENING = ("Image", "Records")  # what a block begins with

_trailer = re.compile(rf"({'|'.join(_OURS)}):(?: ?(.*))?")
_other_trailer = re.compile(r"[A-Za-z0-9-]+: |\(cherry picked from commit ")
_bullet = re.compile(r"(?:[*+•-]|[0-9]{1,4}[.)])[ \t]+")
_HOST_BULLETS = "*•"  # of the commits of a squash; a dash may also begin the next line of a reason
_host_line = re.compile(r"(?:[A-Za-z]+-)+[Bb]y: |\(cherry picked from commit |(?:-{3,}|={3,})$|`{3,}|~{3,}|</?[a-z]+>")
_subject = re.compile(rf"({'|'.join(VERBS)}) (?:[a-z0-9][^\s:]*:[^\s:]+|[0-9]+ images)(?: to ({TAG}))?(?![^\s])")


def read_subject(line: str) -> tuple[str, str]:
    """Return the verb of a subject that a command of ours wrote, and the environment of a promotion; `""` without."""
    found = _subject.match(line)
    if not found:
        return "", ""
    return found[1], (found[2] or "") if found[1] == "promote" else ""


class TrailerReader:
    """Collects the trailers of one block after the other; a message may be huge, so each line is read once.

    `state` is that of the block: what opens a block belongs to it while it is `open`, and then opens another one; other
    trailers belong to it until it has `ended`: they follow it, not some other text.
    """

    def __init__(self) -> None:
        self.closed_subject = "", ""  # of the block that was closed last, as `read_subject` gives it
        self._subject = "", ""
        self._trailers: list[tuple[str, list[str]]] = []
        self._state: Literal["none", "open", "whole", "ended"] = "none"
        self._continues = False  # whether the next line may belong to the last trailer

    def line(self, line: str) -> list[tuple[str, str]]:
        """Read a line; return the trailers of the block that ends before it, or nothing."""
        bare = line.strip(" \t\r")
        if not bare:
            self._continues = False
            self._end("ended" if self._state == "whole" else "whole")
            return []
        bullet = _bullet.match(bare)
        words, bare = bare, bare[bullet.end() :] if bullet else bare
        if trailer := _trailer.fullmatch(bare):
            return self._add(trailer[1], (trailer[2] or "").strip(" \t"))
        if self._continues and not _host_line.match(bare):
            name, values = self._trailers[-1]
            if not bullet or (name in _WORDS and words[0] not in _HOST_BULLETS):
                values.append(words)
                self._continues = name in _WORDS
                return []
        self._continues = False
        if _other_trailer.match(bare):
            return []
        self._end("ended")
        subject = read_subject(bare)
        if subject[0]:
            closed = self.close()
            self._subject = subject
            return closed
        return []

    def close(self) -> list[tuple[str, str]]:
        """End the block; return its trailers."""
        trailers = [(name, " ".join(values)) for name, values in self._trailers]
        if trailers:
            self.closed_subject, self._subject = self._subject, ("", "")
        self._trailers, self._continues, self._state = [], False, "none"
        return trailers

    def _add(self, name: str, value: str) -> list[tuple[str, str]]:
        closed = self.close() if self._state in ("whole", "ended") and name in _OPENING else []
        is_opened = self._state == "none" and name in _OPENING
        if self._state == "ended" or (self._state == "none" and not is_opened):
            self._continues = False
            return closed
        self._trailers.append((name, [value] if value else []))
        self._continues = not value or name in _WORDS
        self._state = "open" if is_opened else self._state
        if name == "Transaction-Id":
            self._state = "whole"
        return closed

    def _end(self, state: Literal["whole", "ended"]) -> None:
        if self._state != "none":
            self._state = state

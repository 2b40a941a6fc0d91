"""The only writer to stdout and stderr: data to stdout, notes and errors to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress

from ledger_tool.core.ledger.names import escaped
from ledger_tool.core.ledger.secrets import Mask, redacted
from ledger_tool.errors import LedgerError, LocalDiskError, RuleRefused
from ledger_tool.render.live import LIVE
from ledger_tool.render.terminal import has_colour, width
from ledger_tool.render.view import Role, View

_PREFIXES: dict[str, Role] = {"error": "bad", "warning": "doubtful", "hint": "heading", "note": "minor"}


class Screen:
    """Writes for one command. `secrets` are texts that must never appear, wherever they came from."""

    def __init__(self, secrets: Sequence[str] = (), *, verbose: bool = False) -> None:
        self._mask = Mask(secrets)
        self.is_verbose = verbose
        self._view = View()

    def hiding(self, secrets: Sequence[str]) -> Screen:
        """Return a screen that also hides these texts."""
        return Screen([*self._mask.secrets, *secrets], verbose=self.is_verbose)

    def view(self, *, wide: bool = False) -> View:
        """Return how text on stdout looks; with `wide`, it leaves nothing out. `show` names what it left out."""
        self._view = View(width(sys.stdout), has_colour(sys.stdout), wide)
        return self._view

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Yield a function that takes how many `what` of how many are done, and shows it on stderr."""
        from ledger_tool.render.progress import Progress

        progress = Progress(what)
        try:
            yield progress.step
        finally:
            progress.end()

    def watching(self, waited_for: Callable[[], str]) -> AbstractContextManager[None]:
        """Show at a terminal what is waited for, until the context ends; see `LiveLine`."""
        return LIVE.watching(lambda: self._safe(waited_for()))

    def unwatched(self) -> AbstractContextManager[None]:
        """Show nothing of what is waited for until the context ends, in which no thread runs for that."""
        return LIVE.unwatched()

    def data(self, lines: Iterable[str]) -> None:
        """Write lines of data to stdout."""
        try:
            for line in lines:  # making one may take long, and what is waited for is shown meanwhile
                with LIVE.set_aside():
                    sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except BrokenPipeError:  # the reader has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            raise LocalDiskError(
                f"cannot write to standard output: {(error.strerror or str(error)).lower()}",
                "free some disk space, and run it again; what was recorded stays recorded",
            ) from None

    @property
    def usual_format(self) -> str:
        """The format of what a write did where none is given: `text` if a person looks at stdout, else `json`."""
        return "text" if sys.stdout.isatty() and not os.environ.get("CI") else "json"

    def told(self, text: str) -> None:
        """Write to stdout what a person asked for, in one line."""
        self.data([self._safe(text)])

    def show(self, output: str, **formats: Callable[[], str | Iterable[str]]) -> None:
        """Write data to stdout in the format that was asked for: one text, or lines; only that one is made.

        A note names the columns that the terminal had no room for.
        """
        shown = formats[output]()
        self.data([shown] if isinstance(shown, str) else shown)
        if self._view.hidden:
            self.note(f"note: no room for {', '.join(self._view.hidden)}; `--wide` shows everything")

    def masked(self, text: str) -> str:
        """Return text for stdout without secrets."""
        return self._mask(text)

    def note(self, text: str) -> None:
        """Write a note to stderr."""
        _write_stderr(_coloured(self._safe(text)) + "\n")

    def notes(self, lines: Iterable[str]) -> None:
        """Write notes to stderr."""
        for text in lines:
            self.note(text)

    def detail(self, text: str) -> None:
        """Write a note to stderr if details were requested (`-v`)."""
        if self.is_verbose:
            self.note(text)

    def error(self, error: LedgerError) -> None:
        """Write what happened and, after an empty line, what to do; in between, what a conflict is between."""
        rows = "".join(f"{line}\n" for line in self._compared(error))
        hint = "\n\n" + _coloured(f"hint: {self._safe(error.hint)}") if error.hint else ""
        what = _coloured(f"error: {self._safe(error.message)}")
        _write_stderr(f"{what}\n\n{rows.rstrip()}{hint}\n" if rows else f"{what}{hint}\n")

    def _compared(self, error: LedgerError) -> Iterable[str]:
        return self.compared(error.compared) if isinstance(error, RuleRefused) and error.compared else ()

    def compared(self, compared: Sequence[tuple[str, str, str]]) -> Iterator[str]:
        """Yield the lines for stderr in which digests stand beside each other; see `RuleRefused`."""
        from ledger_tool.render.conflict import rows

        return rows(compared, View(width(sys.stderr), has_colour(sys.stderr)))

    def bug(self, traceback: str, versions: str) -> None:
        """Write what a bug report needs."""
        text = "\n".join(self._safe(line) for line in self._mask(traceback).rstrip().split("\n"))
        error = _coloured(f"error: this is a bug in ledger ({versions})")
        _write_stderr(f"{text}\n\n{error}\n\n{_coloured('hint: report it with the lines above')}\n")

    def _safe(self, text: str) -> str:
        # GitHub's runner obeys `##[command]` anywhere in a line.
        return escaped(redacted(self._mask(text))).replace("##[", "## [")


def _coloured(text: str) -> str:
    """Return a note or an error with the word that it starts with in its colour."""
    prefix, colon, rest = text.partition(": ")
    role = _PREFIXES.get(prefix) if colon else None
    return View(colour=has_colour(sys.stderr)).painted(f"{prefix}:", role) + f" {rest}" if role else text


def _write_stderr(text: str) -> None:
    """Write to stderr if possible; if not, the exit code still says what happened."""
    with suppress(OSError, ValueError), LIVE.set_aside():
        sys.stderr.write(text)
        sys.stderr.flush()

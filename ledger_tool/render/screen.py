"""The only writer to stdout and stderr: data to stdout, notes and errors to stderr."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from ledger_tool.core.ledger.names import escaped
from ledger_tool.core.ledger.secrets import Mask, redacted
from ledger_tool.errors import LedgerError, LocalDiskError


class Screen:
    """Writes for one command. `secrets` are texts that must never appear, wherever they came from."""

    def __init__(self, secrets: Sequence[str] = (), *, verbose: bool = False) -> None:
        self._mask = Mask(secrets)
        self._verbose = verbose

    def hiding(self, secrets: Sequence[str]) -> Screen:
        """Return a screen that also hides these texts."""
        return Screen([*self._mask.secrets, *secrets], verbose=self._verbose)

    @property
    def width(self) -> int | None:
        """The width of the terminal in columns, or None if stdout is not a terminal."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    @property
    def colour(self) -> bool:
        """Whether stdout may have colours and bold type (no-color.org)."""
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Yield a function that takes how many `what` of how many are done, and shows it on stderr."""
        from ledger_tool.render.progress import Progress

        progress = Progress(what)
        try:
            yield progress.step
        finally:
            progress.end()

    def data(self, lines: Iterable[str]) -> None:
        """Write lines of data to stdout."""
        try:
            for line in lines:
                sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except BrokenPipeError:  # the reader has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            raise LocalDiskError(
                f"cannot write to standard output: {(error.strerror or str(error)).lower()}",
                "free some disk space, and run it again; what was recorded stays recorded",
            ) from None

    def show(self, output: str, **formats: Callable[[], str | Iterable[str]]) -> None:
        """Write data to stdout in the format that was asked for: one text, or lines; only that one is made."""
        shown = formats[output]()
        self.data([shown] if isinstance(shown, str) else shown)

    def note(self, text: str) -> None:
        """Write a note to stderr."""
        _write_stderr(self._safe(text) + "\n")

    def notes(self, lines: Iterable[str]) -> None:
        """Write notes to stderr."""
        for text in lines:
            self.note(text)

    def detail(self, text: str) -> None:
        """Write a note to stderr if details were requested (`-v`)."""
        if self._verbose:
            self.note(text)

    def error(self, error: LedgerError) -> None:
        """Write what happened and, after an empty line, what to do."""
        hint = f"\n\nhint: {self._safe(error.hint)}" if error.hint else ""
        _write_stderr(f"error: {self._safe(error.message)}{hint}\n")

    def bug(self, traceback: str, versions: str) -> None:
        """Write what a bug report needs."""
        text = "\n".join(self._safe(line) for line in self._mask(traceback).rstrip().split("\n"))
        _write_stderr(
            f"{text}\n\nerror: this is a bug in ledger ({versions})\n\nhint: report it with the lines above\n"
        )

    def _safe(self, text: str) -> str:
        # GitHub's runner obeys `##[command]` anywhere in a line.
        return escaped(redacted(self._mask(text))).replace("##[", "## [")


def _write_stderr(text: str) -> None:
    """Write to stderr if possible; if not, the exit code still says what happened."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()

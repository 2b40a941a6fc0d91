"""The last line of a terminal, which shows what goes on at the moment, and goes away: a bar, or what is waited for."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial

from ledger_tool.render.terminal import width

_CLEAR = "\r\x1b[K"
_PERIOD = 0.1  # seconds between two looks at what is waited for
_PATIENCE = 6  # looks in a row that find a wait before it is shown: well within a second
_GAP = 2  # looks in a row that find none before it is over


class _Watch:
    """A thread that looks until it is told to end, and may then be started again."""

    def __init__(self, look: Callable[[threading.Event], None]) -> None:
        self._target = look
        self._is_over = threading.Event()
        self.start()

    def start(self) -> None:
        self._is_over.clear()
        thread = threading.Thread(target=self._target, args=(self._is_over,), name="watch", daemon=True)
        thread.start()
        self._thread = thread

    def end(self) -> None:
        self._is_over.set()
        self._thread.join()


class _Aside(AbstractContextManager[None]):
    """What begins and ends the writing of one line, of which there may be very many: a generator would take longer."""

    def __init__(self, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self._begin, self._end = begin, end

    def __enter__(self) -> None:
        self._begin()

    def __exit__(self, *_: object) -> None:
        self._end()


class LiveLine:
    """The line at the bottom of stderr. Others write to the terminal within `set_aside`, so that nothing is mixed."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._is_drawn = False
        self._is_bar = False
        self._watch: _Watch | None = None
        self._aside = _Aside(self._clear_and_hold, self._lock.release)

    @property
    def is_possible(self) -> bool:
        """Whether stderr is a terminal where a line can be drawn again; the log of a CI system would keep each."""
        is_plain = os.environ.get("CI") or os.environ.get("TERM") == "dumb"
        return sys.stderr.isatty() and not is_plain

    def draw(self, text: str, *, is_bar: bool = False) -> None:
        """Show text in place of what the line shows; what is waited for does not replace a bar."""
        with self._lock:
            if self._is_bar and not is_bar:
                return
            sys.stderr.write(_CLEAR + text[: (width(sys.stderr) or len(text)) - 1])
            sys.stderr.flush()
            self._is_drawn, self._is_bar = True, is_bar

    def clear(self) -> None:
        """Remove the line."""
        with self._lock:
            if self._is_drawn:
                sys.stderr.write(_CLEAR)
                sys.stderr.flush()
            self._is_drawn = self._is_bar = False

    def set_aside(self) -> AbstractContextManager[None]:
        """Keep the line away while something else is written, until the context ends."""
        return self._aside

    def _clear_and_hold(self) -> None:
        self._lock.acquire()
        try:
            self.clear()
        except BaseException:
            self._lock.release()
            raise

    @contextmanager
    def watching(self, waited_for: Callable[[], str]) -> Iterator[None]:
        """Show within a second what is waited for, until the context ends; `waited_for` returns `""` for nothing."""
        if not self.is_possible:
            yield
            return
        watch = self._watch = _Watch(partial(self._look, waited_for))
        try:
            yield
        finally:
            watch.end()
            self._watch = None
            self.clear()

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Look at nothing until the context ends: meanwhile no thread of ours runs, and the process may be forked."""
        watch = self._watch
        if not watch:
            yield
            return
        watch.end()
        try:
            yield
        finally:
            with suppress(RuntimeError):  # there is no memory for it any more, and nothing needs it
                watch.start()

    def _look(self, waited_for: Callable[[], str], is_over: threading.Event) -> None:
        seen = missed = 0
        while not is_over.wait(_PERIOD):
            whom = waited_for()
            seen, missed = (seen + 1, 0) if whom else (seen, missed + 1)
            if missed >= _GAP:
                seen = 0
                self._end_wait()
            elif whom and seen >= _PATIENCE and (seen - _PATIENCE) % 10 == 0:
                seconds = seen * _PERIOD
                self.draw(f"waiting for {whom}" + (f", {seconds:.0f} s" if seconds > 1 else ""))

    def _end_wait(self) -> None:
        with self._lock:
            if not self._is_bar:
                self.clear()


LIVE = LiveLine()

"""The progress of a long run: a bar on a terminal, with rate and time left; an occasional line in a log."""

from __future__ import annotations

import sys
import time

from ledger_tool.render.live import LIVE

_BAR = 24
_REDRAW_SECONDS = 0.1
_LOG_SECONDS = 15.0


class Progress:
    """Told of each step, it draws on stderr; call `end` before anything else is written there, unless all is done."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._started = time.monotonic()
        self._terminal = LIVE.is_possible
        self._next = self._started + (0.0 if self._terminal else _LOG_SECONDS)
        self._drawn = False

    def step(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done, if a redraw is due."""
        now = time.monotonic()
        if now < self._next and done < total:
            return
        rate = done / max(now - self._started, 1e-6)
        seconds_left = (total - done) / rate if rate else 0.0
        counts = f"{done}/{total} {self._what}, {rate:.0f}/s, {seconds_left:.0f} s left"
        if self._terminal:
            filled = _BAR * done // max(total, 1)
            LIVE.draw(f"[{'#' * filled}{'.' * (_BAR - filled)}] {counts}", is_bar=True)
            self._drawn = True
            self._next = now + _REDRAW_SECONDS
            if done >= total:  # what follows may have something to say
                self.end()
        elif now >= self._next:
            sys.stderr.write(f"{counts}\n")
            self._next = now + _LOG_SECONDS

    def end(self) -> None:
        """Remove the bar."""
        if self._drawn:
            LIVE.clear()
            self._drawn = False

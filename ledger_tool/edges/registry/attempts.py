"""Keeps a wrong password from being sent again and again: accounts are locked after a handful of attempts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Lock

from ledger_tool.errors import Denied

_SUSPICIOUS = 2  # one refusal may be about one image only


class LoginAttempts:
    """The attempts to log in at one registry: one at a time until one succeeds, and none once all are hopeless."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._has_succeeded = False
        self._refusals = 0
        self._hopeless: Denied | None = None

    def turn(self) -> AbstractContextManager[object]:
        """Return the context of an attempt."""
        return nullcontext() if self._has_succeeded else self._lock

    def check(self) -> None:
        """Raise Denied if the credential is known to be refused, whatever it is for."""
        if self._hopeless:
            raise self._hopeless.within("")

    def succeeded(self) -> None:
        """Note that the credential was accepted."""
        self._has_succeeded = True

    def refused(self, reason: Denied, is_refused_everywhere: Callable[[], bool]) -> None:
        """Note that it was not; the second time, find out whether that is so whatever it is for."""
        self._refusals += 1
        if self._refusals == _SUSPICIOUS and not self._has_succeeded and is_refused_everywhere():
            self._hopeless = reason

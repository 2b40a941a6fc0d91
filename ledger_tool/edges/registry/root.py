"""What a host says at `/v2/`: whether it is a registry, and whether it asks for a login.

Source: OCI distribution-spec 1.1 "Determining Support".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ledger_tool.core.registry.answer import is_registry
from ledger_tool.core.registry.challenge import Challenge, parse_challenges
from ledger_tool.edges.http.client import TRANSIENT, Answer
from ledger_tool.edges.http.host import Host
from ledger_tool.edges.registry.doubt import busy
from ledger_tool.edges.registry.grant import Grant
from ledger_tool.errors import Unreachable

ROOT_BYTES = 2**20
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Root:
    """The answer of `/v2/` to an anonymous request."""

    answer: Answer
    is_registry: bool

    @property
    def asks(self) -> bool:
        """Whether it asks for a login."""
        return self.answer.status == 401

    @property
    def challenges(self) -> Mapping[str, Challenge]:
        """How to log in, by scheme."""
        return challenges_of(self.answer)


class RootLook:
    """Asks a host for `/v2/` once, for all threads.

    `basic` returns the grant for a host that asks for Basic with a page instead of JSON.
    """

    def __init__(self, http: Host, name: str, basic: Callable[[], Grant | None]) -> None:
        self._http = http
        self._name = name
        self._basic = basic
        self._root: Root | None = None
        self._faults: list[Unreachable] = []
        self._lock = threading.Lock()

    def look(self, *, anew: bool = False) -> Root:
        """Return what `/v2/` says, asked for once; `anew` asks again if that was a registry.

        Raises Unreachable if there is no answer, after some times without asking again.
        """
        with self._lock:
            if len(self._faults) >= _TRIES:
                raise self._faults[-1].within("")
            if self._root is None or (anew and self._root.is_registry):
                try:
                    self._root = look_at_root(self._http, self._name, self._basic())
                except Unreachable as error:
                    self._faults.append(error)
                    raise
            return self._root


def look_at_root(http: Host, name: str, basic: Grant | None) -> Root:
    """Ask `/v2/`; `basic` is for a host that asks for Basic with a page instead of JSON.

    Raises Unreachable if there is no answer.
    """
    answer = http.request("GET", f"{http.origin}/v2/", {}, limit=ROOT_BYTES)
    if answer.status in TRANSIENT:
        raise busy(name, answer, " at `/v2/`")
    is_known = _is_registry(http, answer)
    if not is_known and answer.status == 401 and http.is_own(answer):
        challenges = challenges_of(answer)
        if "bearer" in challenges:  # a page of a proxy that has a token server is a registry's
            is_known = bool(challenges["bearer"].parameters.get("realm"))
        elif "basic" in challenges and basic:
            inside = http.request("GET", f"{http.origin}/v2/", {}, limit=ROOT_BYTES, authorization=basic.authorization)
            is_known = inside.status == 200 and _is_registry(http, inside)
    return Root(answer, is_known)


def challenges_of(answer: Answer) -> dict[str, Challenge]:
    """Return the challenges of an answer, by scheme."""
    header = answer.headers.get("www-authenticate", "")
    return {challenge.scheme: challenge for challenge in parse_challenges(header)}


def _is_registry(http: Host, answer: Answer) -> bool:
    return http.is_own(answer) and is_registry(answer.status, answer.headers, answer.body)

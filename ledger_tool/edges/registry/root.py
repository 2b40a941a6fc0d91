"""What a host says at `/v2/`: whether it is a registry, and whether it asks for a login.

Source: OCI distribution-spec 1.1 "Determining Support".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger_tool.core.registry.answer import is_registry
from ledger_tool.core.registry.challenge import Challenge, parse_challenges
from ledger_tool.edges.http.client import TRANSIENT, Answer
from ledger_tool.edges.http.host import Host
from ledger_tool.edges.registry.grant import Grant
from ledger_tool.errors import Unreachable

ROOT_BYTES = 2**20


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


def look_at_root(http: Host, name: str, basic: Grant | None) -> Root:
    """Ask `/v2/`; `basic` is for a host that asks for Basic with a page instead of JSON.

    Raises Unreachable if there is no answer.
    """
    answer = http.request("GET", f"{http.origin}/v2/", {}, limit=ROOT_BYTES)
    if answer.status in TRANSIENT:
        raise Unreachable(f"{name} answers {answer.status} at `/v2/`", "run it again later")
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

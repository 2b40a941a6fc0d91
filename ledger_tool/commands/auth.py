"""`auth`: which credential a registry gets, and whether the registry accepts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ledger_tool.commands.ports import RegistryPort, Source
from ledger_tool.core.policy.policy import Registry
from ledger_tool.core.policy.resolve import addressed


class ConfiguredCredential(Protocol):
    """A configured credential; `username` is `""` for an identity token, `source` says where it comes from."""

    @property
    def username(self) -> str:
        """The user's name."""

    @property
    def source(self) -> str:
        """Where the credential is configured."""


class LoginRegistry(RegistryPort, Protocol):
    """A registry to log in to."""

    def check_login(self) -> tuple[ConfiguredCredential | None, bool, str]:
        """Return the credential or None, whether it was seen to be needed and accepted, and why it was refused."""


@dataclass(frozen=True, slots=True)
class LoginCheck:
    """The result of a login; `problem` is `""` if nothing was refused.

    `accepted` is only true if the registry refused an anonymous request and answered the same with the credential.
    """

    registry: str
    credential: ConfiguredCredential | None
    accepted: bool
    problem: str


def configured(source: Source, typed: str) -> Registry | None:
    """Return the registry of `ledger.yaml` that a person typed, by its name or its host, or None if there is none.

    Raises what `Source.read` raises.
    """
    return addressed(source.read().policy.registries, typed)


def auth(registry: LoginRegistry) -> LoginCheck:
    """Log in to a registry, without any other request. Raises Unreachable, also if it is not a registry."""
    credential, accepted, problem = registry.check_login()
    return LoginCheck(registry.name, credential, accepted, problem)

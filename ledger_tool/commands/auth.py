"""`auth`: which credential a registry gets, and whether it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ledger_tool.commands.ports import RegistryPort


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

    def check_login(self) -> tuple[ConfiguredCredential | None, str]:
        """Return the credential for the registry, or None, and why it was refused, or `""`."""


@dataclass(frozen=True, slots=True)
class LoginCheck:
    """The result of a login; `problem` is `""` if it worked."""

    registry: str
    credential: ConfiguredCredential | None
    problem: str


def auth(registry: LoginRegistry) -> LoginCheck:
    """Log in to a registry, without any other request."""
    credential, problem = registry.check_login()
    return LoginCheck(registry.name, credential, problem)

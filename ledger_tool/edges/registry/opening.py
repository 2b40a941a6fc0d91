"""The registries of a policy, each opened once, and only when asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from ledger_tool.core.names import shown
from ledger_tool.core.policy import Policy, Registry
from ledger_tool.errors import UsageError

if TYPE_CHECKING:
    from ledger_tool.edges.registry.client import RegistryClient
    from ledger_tool.edges.registry.credentials import Keychain


class OpenRegistries:
    """Hands out clients. Use as a context manager; `jobs` is how many threads will ask at once."""

    def __init__(self, *, jobs: int = 8, ca_file: str = "") -> None:
        self._jobs = jobs
        self._ca_file = ca_file or os.environ.get("REQUESTS_CA_BUNDLE", "") or os.environ.get("SSL_CERT_FILE", "")
        self._keychain: Keychain | None = None
        self._clients: dict[Registry, RegistryClient] = {}
        self._lock = Lock()

    def __enter__(self) -> OpenRegistries:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()

    def client(self, registry: Registry) -> RegistryClient:
        """Return the one client of a registry. Raises UsageError for a CA file that is none.

        HTTP is imported here, for a publish that asks nobody starts faster.
        """
        from ledger_tool.edges.registry.client import RegistryClient
        from ledger_tool.edges.registry.credentials import Keychain

        with self._lock:
            if self._keychain is None:
                _check_ca(self._ca_file)
                self._keychain = Keychain(os.environ)
            if registry not in self._clients:
                self._clients[registry] = RegistryClient(
                    registry, self._keychain, jobs=self._jobs, ca_file=self._ca_file
                )
            return self._clients[registry]

    def serving(self, policy: Policy, image: str) -> Sequence[RegistryClient]:
        """Return the clients of the registries that serve an image, in the policy's order."""
        return [self.client(registry) for registry in policy.registries if registry.serves(image)]


def _check_ca(path: str) -> None:
    import ssl

    if not path or Path(path).is_dir():
        return
    try:
        ssl.create_default_context(cafile=path)
    except OSError:
        raise UsageError(
            f"{shown(path, 300)} can't be read as a file of CA certificates",
            "name a PEM file with `--ca-file` or REQUESTS_CA_BUNDLE",
        ) from None

"""The registries of a policy, each opened once, when it is first needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from threading import Lock
from typing import TYPE_CHECKING

from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.edges.deadline import UNLIMITED, Deadline

if TYPE_CHECKING:
    from ledger_tool.edges.registry.client import RegistryClient
    from ledger_tool.edges.registry.credentials import Keychain


class OpenRegistries(AbstractContextManager["OpenRegistries"]):
    """Hands out clients. Use as a context manager; `jobs` is how many threads will use them at once."""

    def __init__(self, *, jobs: int = 8, ca_file: str = "", deadline: Deadline = UNLIMITED) -> None:
        self._jobs = jobs
        self._ca_file = ca_file
        self._deadline = deadline
        self._keychain: Keychain | None = None
        self._clients: dict[Registry, RegistryClient] = {}
        self._by_host: dict[tuple[str, bool], RegistryClient] = {}
        self._lock = Lock()

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()

    def client(self, registry: Registry, *, is_typed: bool = False) -> RegistryClient:
        """Return the one client of a registry; those of one host share its patience and the login.

        With `is_typed`, a person typed its host, and `ledger.yaml` does not name it.
        Raises UsageError if the CA file has no certificates, or if the environment names a malformed proxy.
        """
        # Imported here, since a publish that asks no registry starts faster without HTTP.
        from ledger_tool.core.policy.resolve import same_host
        from ledger_tool.edges.http.client import ca_of
        from ledger_tool.edges.http.failure import REGISTRY, TYPED
        from ledger_tool.edges.registry.client import RegistryClient
        from ledger_tool.edges.registry.credentials import Keychain

        with self._lock:
            self._keychain = self._keychain or Keychain(os.environ, self._deadline)
            if registry not in self._clients:
                ca_file = ca_of(self._ca_file, os.environ)
                host = same_host(registry.host), registry.plain_http
                client = RegistryClient(
                    registry, self._keychain, jobs=self._jobs, ca_file=ca_file, deadline=self._deadline,
                    beside=self._by_host.get(host), setup=TYPED if is_typed else REGISTRY,
                )  # fmt: skip
                self._clients[registry] = self._by_host[host] = client
            return self._clients[registry]

    def serving(self, policy: Policy, image: str) -> Sequence[RegistryClient]:
        """Return the clients of the registries that serve an image, in the policy's order."""
        return [self.client(registry) for registry in policy.serving(image)]

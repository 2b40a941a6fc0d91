"""A registry client for a wire server: no credential but what is given, and no real waiting."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger_tool.core.policy.policy import Registry
from ledger_tool.edges.http.client import Line
from ledger_tool.edges.http.host import Host
from ledger_tool.edges.registry.client import RegistryClient
from ledger_tool.edges.registry.credentials import Keychain
from tests.support.registries.wire import Wire

USER, PASSWORD = "robot", "hunter2-hunter2"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
LOGIN = {"LEDGER_REGISTRY_USERNAME": USER, "LEDGER_REGISTRY_PASSWORD": PASSWORD}


@dataclass
class Rig:
    """A client, and how long it wanted to sleep each time."""

    client: RegistryClient
    http: Host
    slept: list[float]


@contextmanager
def rig(
    wire: Wire,
    environment: Mapping[str, str] | None = None,
    *,
    host: str = "",
    ca_file: str = "",
    read_seconds: float = 30.0,
    request_seconds: float = 60.0,
) -> Iterator[Rig]:
    """Give a client of a wire server; `host` is what it believes the registry's name to be."""
    slept: list[float] = []
    line = Line(wire.url, jobs=8, ca_file=ca_file, read_seconds=read_seconds, request_seconds=request_seconds)
    http = Host(line, sleep=slept.append)
    registry = Registry(host or wire.host, plain_http=wire.scheme == "http")
    client = RegistryClient(registry, Keychain(environment or {}), http=http)
    try:
        yield Rig(client, http, slept)
    finally:
        client.close()


def docker_config(folder: Path, **content: object) -> dict[str, str]:
    """Write a Docker config.json; return the environment that names it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content))
    return {"DOCKER_CONFIG": str(folder), "HOME": str(folder / "nobody")}

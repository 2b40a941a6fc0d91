"""A wire server in front of a real registry: it passes everything on, and may do something in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

from tests.support.registries.registry import RealRegistry
from tests.support.registries.wire import Asked, Reply, Wire, wire_server

_TOLD = ("Content-Type", "Docker-Content-Digest", "Location")


@contextmanager
def in_front_of(
    registry: RealRegistry, before: Callable[[Asked], Reply | None] = lambda asked: None, *, date: str = ""
) -> Iterator[Wire]:
    """Run one; `before` is called before a request is passed on, and may answer it instead. `date` is its clock."""

    def passed_on(asked: Asked) -> Reply:
        if own := before(asked):
            return own
        headers = {name: value for name, value in asked.headers.items() if name in ("accept", "content-type")}
        done = requests.request(asked.method, registry.url + asked.path, headers=headers, data=asked.body, timeout=30)
        told = {name: done.headers[name] for name in _TOLD if name in done.headers}
        told |= {"Date": date} if date else {}
        return Reply(done.status_code, told, done.content)

    with wire_server() as wire:
        wire.on("*", passed_on)
        yield wire


def registry_settings(wire: Wire) -> str:
    """Return a `ledger.yaml` that names it."""
    return f"registries:\n  - host: {wire.url}\n"

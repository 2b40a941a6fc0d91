"""Servers at the wire, for the edges that speak HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.registries.wire import Wire, wire_server


@pytest.fixture
def wire() -> Iterator[Wire]:
    with wire_server() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Wire]:
    """Return a server at another origin."""
    with wire_server() as server:
        yield server

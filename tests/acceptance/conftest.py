"""A real registry for all the tests of a worker, each under an image name of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.outcome import Outcome
from tests.support.registry import RealRegistry, real_registry
from tests.support.world import World


@pytest.fixture(scope="session")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """Return a running registry that lets everybody in."""
    with real_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def world(open_registry: RealRegistry, tmp_path: Path, ledger: Callable[..., Outcome]) -> World:
    """Return a ledger that names the open registry."""
    return World.create(open_registry, tmp_path, ledger)

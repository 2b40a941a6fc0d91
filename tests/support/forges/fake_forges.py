"""A fake forge of each kind, running; see `fake_forge`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.forges.fake_forge import FakeForge
from tests.support.forges.fake_gitlab import FakeGitLab
from tests.support.forges.fake_pulls import FakeGitea, FakeGitHub
from tests.support.registries.wire import wire_server

FORGES: dict[str, type[FakeForge]] = {one.kind: one for one in (FakeGitHub, FakeGitLab, FakeGitea)}


@contextmanager
def fake_forge(kind: str) -> Iterator[Any]:
    """Run a forge of a kind; on the way out, whatever broke the published API is a failure."""
    with wire_server() as wire:
        forge = FORGES[kind](wire)
        yield forge
    assert forge.wrong == []

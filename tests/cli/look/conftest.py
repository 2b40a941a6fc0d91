"""A ledger to look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream
from tests.support.values.graphs import built, ref
from tests.support.values.make import digest, ledger_bytes, source
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def publish(run: Run) -> Callable[..., str]:
    """Return a function that publishes, and returns the ledger commit."""

    def publish(name: str, seed: object, *options: str) -> str:
        return str(run("publish", f"{name}@{digest(seed)}", "--source", source(seed), *options).json["commit"])

    return publish


@pytest.fixture
def chain(tmp_path: Path) -> Upstream:
    """Return a ledger in which mid sits on an old base, and app on mid."""
    records = (
        built("myorg/base", tag="12", digest=digest("new")),
        built("myorg/mid", ref("registry.example.com/myorg/base:12", "old")),
        built("myorg/app", ref("myorg/mid:v1"), platform="linux/amd64"),
    )
    settings = "registries:\n  - host: registry.example.com\n    images: ['myorg/*']\n"
    return Upstream.create(tmp_path / "chain.git", ledger_bytes(*records), settings)

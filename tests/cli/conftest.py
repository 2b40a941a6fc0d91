"""Ledgers that the commands find through `LEDGER_REPO`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.copied import copied
from tests.support.git.upstream import Upstream
from tests.support.values.clock import clock_says
from tests.support.values.make import digest, fields, source
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def repo(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """Return an empty ledger."""
    monkeypatch.setenv("LEDGER_REPO", upstream.url)
    return upstream


@pytest.fixture
def run(ledger: Run, upstream: Upstream) -> Run:
    """Return a function that runs a command on the ledger, which must succeed."""

    def run(*words: object) -> Outcome:
        done = ledger(*words, "--repo", upstream.url)
        assert done.code == 0, done.err
        return done

    return run


@pytest.fixture
def recorded(ledger: Run, repo: Upstream, tmp_path: Path) -> Upstream:
    """Return a ledger with six records of three images."""
    records = [
        fields(
            "myorg/app",
            "v1",
            platform="linux/amd64",
            digest=digest("app-amd"),
            index=digest("i"),
            labels={"env": "prod"},
        ),
        fields("myorg/app", "v1", platform="linux/arm64", digest=digest("app-arm"), index=digest("i")),
        fields("myorg/app", "v2", digest=digest("app2"), publishedAt="2026-11-25T00:00:00Z", ttl="1d"),
        fields(
            "myorg/web",
            "v1",
            platform="linux/amd64",
            digest=digest("web-amd"),
            index=digest("w"),
            sourceRef=source("web"),
        ),
        fields(
            "myorg/web",
            "v1",
            platform="linux/arm64",
            digest=digest("web-arm"),
            index=digest("w"),
            sourceRef=source("web"),
        ),
        fields("nginx", "v1", digest=digest("nginx"), labels={"env": "prod", "team": "edge"}),
    ]
    (tmp_path / "recorded").write_text(json.dumps(records))

    def publish() -> None:
        with clock_says("2026-11-25T00:00:00Z"):
            assert ledger("publish", "--from", tmp_path / "recorded").code == 0

    copied("recorded", repo.path, publish)
    return repo

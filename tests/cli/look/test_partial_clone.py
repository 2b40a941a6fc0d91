"""History where git leaves out the contents of old commits until they are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
Publish = Callable[..., str]


def test_history_is_read_from_a_remote_that_serves_no_blobs_before_they_are_asked_for(
    run: Run, publish: Publish, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.git("config", "uploadpack.allowFilter", "true")
    publish("myorg/app:v1", "a", "--index", digest("old"))
    publish("myorg/app:v1", "a", "--index", digest("new"), "--force", "--reason", "pushed again")
    lines = [{"image": "many", "tag": f"v{at}", "digest": digest(at), "sourceRef": SOURCE} for at in range(120)]
    (tmp_path / "batch").write_text(json.dumps(lines))
    run("publish", "--from", tmp_path / "batch")
    assert len(run("log", "--format", "json").json["entries"]) == 122
    assert run("whence", digest(5)).json["matches"][0]["record"]["image"] == "many"
    assert run("whence", digest("old")).json["matches"][0]["as"] == "index"


@pytest.fixture
def partial(run: Run, upstream: Upstream, tmp_path: Path) -> Path:
    """Return a checkout that has the contents of no commit but its last."""
    upstream.git("config", "uploadpack.allowFilter", "true")
    upstream.git("config", "uploadpack.allowAnySHA1InWant", "true")
    for at in range(4):
        force = ["--force", "--reason", "pushed again"] if at else []
        run("publish", f"a:v1@{digest('a')}", "--source", SOURCE, "--index", digest(at), *force)
    git("clone", "--quiet", "--filter=blob:none", upstream.url, tmp_path / "partial")
    return tmp_path / "partial"


def test_objects_missing_from_a_partial_clone_are_fetched_in_one_request(
    ledger: Run, upstream: Upstream, partial: Path, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    pack = f'#!/bin/sh\necho x >>{served}\nexec git upload-pack "$@"\n'
    (tmp_path / "pack").write_text(pack)
    (tmp_path / "pack").chmod(0o755)
    git("config", "remote.origin.uploadpack", tmp_path / "pack", cwd=partial)
    assert ledger("audit", "--repo", partial).code == 0
    assert ledger("whence", digest(1), "--repo", partial).json["matches"][0]["as"] == "index"
    assert served.read_text().count("x") == 1


def test_a_partial_checkout_whose_remote_is_gone_says_so(ledger: Run, upstream: Upstream, partial: Path) -> None:
    upstream.path.rename(upstream.path.with_name("gone.git"))
    for words in (("audit",), ("whence", digest(1)), ("get", "a:v1", "--at", "HEAD~1")):
        done = ledger(*words, "--repo", partial)
        assert done.code == 5
        assert "is a partial clone, and its missing objects could not be fetched" in done.err

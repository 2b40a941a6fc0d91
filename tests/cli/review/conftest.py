"""A ledger with two branches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.clone import Clone
from tests.support.git.upstream import Upstream, git
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def clone(upstream: Upstream, tmp_path: Path, ledger: Run, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Two branches of one ledger: `pr` has app:v2 and app:v3, `main` has app:v4 by now; the driver is installed."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@example.com")
    found = Clone(tmp_path / "clone", ledger)
    git("clone", "-q", upstream.url, found.folder)
    found.publish("app:v1", 1)
    assert found.ledger("merge-driver", "--install").code == 0
    found.git("checkout", "-q", "-b", "pr")
    found.publish("app:v2", 2, "--label", "env=prod")
    found.publish("app:v3", 3)
    found.git("checkout", "-q", "main")
    found.publish("app:v4", 4)
    return found

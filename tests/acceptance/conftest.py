"""A user's own checkout of a ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream, git


@pytest.fixture
def checkout(upstream: Upstream, tmp_path: Path) -> Path:
    """Return a clone of the ledger."""
    git("clone", "--quiet", upstream.path, tmp_path / "checkout")
    return tmp_path / "checkout"

"""Manifests, and the ledger of what they name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.deployed import Deployed
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """Return them; the commands start in the folder of the manifests."""
    made = Deployed.create(tmp_path)
    monkeypatch.chdir(made.folder)
    monkeypatch.setenv("LEDGER_REPO", str(made.ledger))
    return made

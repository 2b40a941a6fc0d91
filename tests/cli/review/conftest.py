"""A ledger with two branches."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.git.clone import Clone
from tests.support.git.copied import copied
from tests.support.git.gate import PAY, WEB, Gate
from tests.support.git.owned import OwnedLedger, make_keys
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import ledger_bytes
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def clone(upstream: Upstream, tmp_path: Path, ledger: Run, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Two branches of one ledger: `pr` has app:v2 and app:v3, `main` has app:v4 by now; the driver is installed."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@example.com")
    found = Clone(tmp_path / "clone", ledger)
    copied("clone", found.folder, lambda: _diverge(found, upstream))
    config = found.folder / ".git/config"
    config.write_text(re.sub(r"(?<=url = )file://.*", lambda _: upstream.url, config.read_text()))
    found.git("update-index", "--refresh")  # the files of a copy are others
    return found


def _diverge(found: Clone, upstream: Upstream) -> None:
    git("clone", "-q", upstream.url, found.folder)
    found.publish("app:v1", 1)
    assert found.ledger("merge-driver", "--install").code == 0
    found.git("checkout", "-q", "-b", "pr")
    found.publish("app:v2", 2, "--label", "env=prod")
    found.publish("app:v3", 3)
    found.git("checkout", "-q", "main")
    found.publish("app:v4", 4)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_keys(tmp_path_factory.mktemp("people"))


@pytest.fixture
def owned(tmp_path: Path, keys: dict[str, Path]) -> OwnedLedger:
    """Return a ledger with owners, and one image of each."""
    made = OwnedLedger.create(tmp_path, keys)
    made.commit({"ledger.json": ledger_bytes(PAY, WEB)}, "start", "admin")
    return made


@pytest.fixture
def gate(ledger: Run, owned: OwnedLedger) -> Gate:
    return Gate(ledger, owned)


@pytest.fixture
def gpg(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Return a function that runs gpg on a keyring of its own."""
    folder = Path(tempfile.mkdtemp(prefix="g"))  # gpg-agent's socket needs a short path
    folder.chmod(0o700)
    environment = {"PATH": os.environ["PATH"], "GNUPGHOME": str(folder)}

    def run(*words: str, stdin: str = "") -> str:
        done = subprocess.run(
            ["gpg", "--batch", "--quiet", *words], input=stdin, capture_output=True, text=True, check=True,
            env=environment,
        )  # fmt: skip
        return done.stdout

    monkeypatch.setenv("GNUPGHOME", str(folder))
    yield run
    subprocess.run(["gpgconf", "--kill", "all"], check=False, env=environment)
    shutil.rmtree(folder, ignore_errors=True)

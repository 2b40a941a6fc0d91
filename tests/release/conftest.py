"""What `make dist` builds, once a run of the tests, and each of its programs as a user has it: alone."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.stage.stage import Stage


def build(folder: Path) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "release", folder], cwd=ROOT, env=environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def environment() -> dict[str, str]:
    """Return what pip needs of the environment; it compiles nothing, since few of the modules are started."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "PIP_", "HOME", "SSL_"))}
    return kept | {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_COMPILE": "0",
        "LEDGER_HOME_URL": "https://git.example.com/tools/ledger",
    }  # fmt: skip


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that `make dist` fills; the first process that needs it builds it for all."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with open(shared / "dist.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "dist" / "SHA256SUMS").exists():
            build(shared / "dist")
    return shared / "dist"


@dataclass(frozen=True)
class Alone:
    """One form of the program on a stage where no other Python package can be found."""

    stage: Stage
    program: Path
    environment: Mapping[str, str]

    def run(self, *words: object, more: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.program), *map(str, words)], cwd=self.stage.work, env={**self.environment, **(more or {})},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip


def image_steps() -> list[str]:
    """Return the shell commands of the Containerfile, in their order."""
    text = (ROOT / "Containerfile").read_text().replace("\\\n", "")
    return re.findall(r"^RUN (.+)$", text, re.MULTILINE)


@pytest.fixture(params=["zipapp"])
def alone(request: pytest.FixtureRequest, dist: Path, tmp_path: Path) -> Iterator[Alone]:
    """Return the zipapp, run by a Python without any package.

    A test that says so gets the wheel too, installed as the Containerfile does it, but into a folder of the test.
    """
    folder = tmp_path / "python"
    with Stage.set_up(tmp_path / "stage", forking=False) as stage:
        for name in ("ledger", "python", "python3"):
            (stage.root / "bin" / name).unlink()
        given = {name: value for name, value in stage.environment.items() if name != "PYTHONPATH"}
        given["PATH"] = f"{folder / 'bin'}:{stage.root / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        if request.param == "zipapp":
            venv.create(folder)
            yield Alone(stage, dist / "ledger.pyz", given)
            return
        step = image_steps()[0].replace("/opt/ledger", str(folder)).replace("/tmp/dist", str(dist))
        step = step.replace("python3 -I -m venv", f"{sys.executable} -I -m venv")
        done = subprocess.run(["sh", "-ec", step], env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield Alone(stage, folder / "bin/ledger", given)

"""A run's private folder goes with it, and the next run removes what killed runs left, and nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ledger_tool.edges.files.temporary import private_folder
from tests.support import ROOT
from tests.support.git.processes import finish, killing_git, start
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, digest

_HOLD = "from ledger_tool.edges.files.temporary import *\nwith private_folder() as f: print(f, flush=True); input()"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _held(temporary: Path) -> tuple[subprocess.Popen[str], Path]:
    """Return a process that has a private folder with something in it, and the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
    )
    assert process.stdout
    folder = Path(process.stdout.readline().strip())
    (folder / "ledger.git").mkdir()
    (folder / "ledger.git" / "pack").write_bytes(b"x" * 1000)
    return process, folder


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_the_folder_of_a_dead_run_is_removed_and_that_of_a_living_one_stays(temporary: Path) -> None:
    dead, of_dead = _held(temporary)
    _end(dead)
    living, of_living = _held(temporary)  # this run sweeps, too
    assert not of_dead.exists()
    os.kill(living.pid, signal.SIGSTOP)  # stopped is not dead
    with private_folder() as ours, private_folder() as another:
        assert set(temporary.iterdir()) == {of_living, ours, another}
        assert ours.stat().st_mode & 0o777 == 0o700
    assert list(temporary.iterdir()) == [of_living]
    os.kill(living.pid, signal.SIGCONT)
    _end(living)
    with private_folder() as ours:
        assert list(temporary.iterdir()) == [ours]


def test_nothing_is_removed_that_is_not_ours_or_not_a_folder(temporary: Path, tmp_path: Path) -> None:
    dead, folder = _held(temporary)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (folder / "link").symlink_to(precious)
    _end(dead)
    name = folder.name[:-1]
    (temporary / f"{name}~").mkdir()  # not a name of ours
    (temporary / "ledger-old").mkdir()
    (temporary / f"{name[:-8]}abcdefgh").symlink_to(precious)
    (temporary / f"{name[:-8]}ijklmnop").write_text("a file")
    with private_folder():
        pass
    assert (precious / "file").exists()
    assert not folder.exists()
    left = {path.name for path in temporary.iterdir()}
    assert left == {f"{name}~", "ledger-old", f"{name[:-8]}abcdefgh", f"{name[:-8]}ijklmnop"}


def test_the_folder_of_another_user_stays(temporary: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder to somebody else")
    dead, folder = _held(temporary)
    _end(dead)
    os.chown(folder, 12345, 12345)
    with private_folder():
        pass
    assert folder.exists()
    shutil.rmtree(folder)


def test_a_killed_publish_leaves_nothing_behind_after_the_next_run(upstream: Upstream, tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    words = ["publish", f"myorg/app:v1@{digest()}", "--source", SOURCE, "--offline", "--repo", upstream.url]
    wrapped = killing_git(tmp_path / "bin", 3, "before", signal.SIGKILL)
    assert finish(start(*words, environment={**wrapped, "TMPDIR": str(folder)})).code == -signal.SIGKILL
    assert [path.name for path in folder.iterdir() if path.is_dir()]
    assert finish(start(*words, environment={"TMPDIR": str(folder)})).code == 0
    assert list(folder.iterdir()) == []

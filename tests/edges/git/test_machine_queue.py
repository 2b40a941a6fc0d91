"""Those who write to one remote from one machine take turns, and leave no file behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from ledger_tool.edges.git import machine_queue
from ledger_tool.edges.git.machine_queue import turn


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_one_at_a_time_and_no_file_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_queue, "_PERIOD", 0.0002)
    inside: list[int] = []
    most: list[int] = []

    def publish(number: int) -> None:
        for _ in range(20):
            with turn("the remote", 600.0, lambda _: None):
                inside.append(number)
                most.append(len(inside))
                time.sleep(0)
                inside.remove(number)

    publishers = [threading.Thread(target=publish, args=(number,)) for number in range(8)]
    for one in publishers:
        one.start()
    for one in publishers:
        one.join()
    assert Counter(most) == {1: 160}
    assert list(folder.iterdir()) == []


def test_what_a_killed_one_leaves_is_used_and_removed_by_the_next(folder: Path) -> None:
    script = (
        "import os, sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from ledger_tool.edges.git.machine_queue import turn\n"
        f"with turn('the remote', 600.0, print): os.kill(os.getpid(), {int(signal.SIGKILL)})\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = folder.iterdir()
    assert left.read_bytes().split()[0].isdigit()
    with turn("the remote", 600.0, lambda _: None) as waited:
        assert list(folder.iterdir()) == [left]
    assert not waited
    assert list(folder.iterdir()) == []


def test_who_waited_too_long_goes_ahead_and_leaves_the_file_to_its_holder(folder: Path) -> None:
    told: list[str] = []
    with turn("the remote", 600.0, told.append) as first:
        (file,) = folder.iterdir()
        with turn("the remote", 0.1, told.append) as second:
            assert (first, second) == (False, True)
        assert list(folder.iterdir()) == [file]
    assert list(folder.iterdir()) == []
    assert told == [
        f"note: waiting a moment for another `ledger` (process {os.getpid()}), which is writing to the remote"
    ]


def test_a_file_that_somebody_else_put_there_stays(folder: Path) -> None:
    with turn("the remote", 600.0, lambda _: None):
        (file,) = folder.iterdir()
        file.unlink()
        file.write_text("another's")
    assert file.read_text() == "another's"


@pytest.mark.parametrize("is_folder", [True, False])
def test_without_a_file_everybody_goes_ahead(folder: Path, is_folder: bool) -> None:
    with turn("the remote", 600.0, lambda _: None):
        (file,) = folder.iterdir()
    if is_folder:
        file.mkdir()
    else:
        file.symlink_to("elsewhere")
    with turn("the remote", 600.0, lambda _: None) as waited:
        assert not waited
    assert list(folder.iterdir()) == [file]

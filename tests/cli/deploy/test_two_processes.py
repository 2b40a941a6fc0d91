"""`pin` and `bump` say and write the same with two processes as with one; a signal ends both."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger_tool.edges import both_ends
from tests.support import EXAMPLES
from tests.support.stage.terminal import at_terminal
from tests.support.values.manifest_tree import generated_file
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

_LEDGER = EXAMPLES / "manifests/ledger"
_COUNT = 200
# One of these at each end, and in the middle: what is not read, not understood, or found in other files.
_TROUBLE = {
    "utf-16.yaml": "image: a".encode("utf-16"),
    "nul.yaml": b"image: a\0",
    "broken.yaml": b"a: [\nimage: registry.example.com/myorg/app:v1\n",
    "alias.yaml": b"image: *nowhere\n",
    "other.yaml": b"image: docker.io/library/nginx:1.27\n",
    "mark.yaml": b"# ledger: nothing\nimage: registry.example.com/myorg/app\n",
}


def _write(folder: Path) -> None:
    for number in range(_COUNT):
        file = generated_file("two processes", number)
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.before)
        for name, text in file.beside:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
    for part in ("00", "mm", "zz"):
        for name, content in _TROUBLE.items():
            (folder / part / name).parent.mkdir(exist_ok=True)
            (folder / part / name).write_bytes(content)
        (folder / f"{part}.yaml").symlink_to("/proc/self/mem")  # a regular file that nobody can read at its beginning


@contextmanager
def _processes(count: int, has_one_thread: Callable[[], bool] = lambda: True) -> Iterator[list[Any]]:
    """Work with one process, or two of which the other one answers something; yield what it has answered."""
    answered: list[Any] = []
    true = both_ends._FromTheLast.answers

    def answers(other: both_ends._FromTheLast) -> list[Any]:
        if not answered:
            select.select([other._reading], [], [])
        answered.extend(new := true(other))
        return new

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(both_ends, "_may_fork", lambda: count == 2)
        patch.setattr(both_ends, "_has_one_thread", has_one_thread)
        patch.setattr(both_ends._FromTheLast, "answers", answers)
        yield answered


@pytest.mark.parametrize(
    "words",
    [
        ["pin", "--check", "-v", "--style", "tag"],
        ["pin"],
        ["bump", "--policy", "newest", "--format", "json"],
    ],
    ids=" ".join,
)
def test_two_processes_say_and_write_the_same_as_one(
    words: list[str], tmp_path: Path, ledger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "tree")
    done: list[tuple[Outcome, dict[str, bytes]]] = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        shutil.copytree(tmp_path / "tree", folder, symlinks=True)
        monkeypatch.chdir(folder)
        with _processes(count) as answered:
            outcome = ledger(*words, "zz.yaml", ".", "00.yaml", "--repo", _LEDGER)
        files = {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file() and not path.is_symlink()}
        done.append((outcome, files))
        assert bool(answered) == (count == 2)
    assert done[0] == done[1]
    assert done[0][0].code in (1, 2)
    assert "zz.yaml" in done[0][0].out + done[0][0].err


def test_at_a_terminal_nothing_else_runs_while_the_process_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CI", "TERM"):
        monkeypatch.delenv(name, raising=False)
    _write(tmp_path)
    seen: list[str] = []

    def has_one_thread() -> bool:
        seen.extend(one.name for one in threading.enumerate())
        return True

    with _processes(2, has_one_thread) as answered:
        assert at_terminal("pin", "--check", str(tmp_path), "--repo", _LEDGER).code == 1
    assert answered
    assert threading.current_thread().name in seen
    assert "watch" not in seen


_STUCK = """
import os, sys
from ledger_tool.cli.main import main
from ledger_tool.edges import both_ends
from ledger_tool.edges.files import manifests

def rewritten(path, *_, true=manifests.rewritten, **options):
    if os.path.basename(path) >= sys.argv[1]:
        open(sys.argv[2]).read()  # for ever
    return true(path, *_, **options)

manifests.rewritten = rewritten
both_ends._may_fork = lambda: True
sys.exit(main(sys.argv[3:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_for_both", [True, False], ids=["as at a terminal", "alone"])
def test_a_signal_ends_both_and_nothing_is_written(number: int, is_for_both: bool, tmp_path: Path) -> None:
    tree, stuck = tmp_path / "tree", tmp_path / "stuck"
    tree.mkdir()
    for name in range(200):
        (tree / f"{name:03}.yaml").write_text("image: registry.example.com/myorg/app:v1.2.0\n")
    os.mkfifo(stuck)
    words = ["pin", str(tree), "--repo", str(_LEDGER)]
    ours = subprocess.Popen(
        [sys.executable, "-c", _STUCK, "100.yaml", str(stuck), *words], stderr=subprocess.PIPE, start_new_session=True
    )
    children = Path(f"/proc/{ours.pid}/task/{ours.pid}/children")
    while not (other := children.read_text()):
        time.sleep(0.01)
        assert ours.poll() is None
    (os.killpg if is_for_both else os.kill)(ours.pid, number)
    _, told = ours.communicate()
    assert ours.returncode == 130
    assert told == b""
    assert not Path(f"/proc/{other.split()[0]}").exists()
    assert {path.read_text() for path in tree.iterdir()} == {"image: registry.example.com/myorg/app:v1.2.0\n"}

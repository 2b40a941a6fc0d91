"""Every test runs in a world of its own: its own home, git settings, environment and folder."""

from __future__ import annotations

import gc
import os
import re
import signal
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from typer.main import get_command

from ledger_tool.cli.main import COMMANDS, main, program
from tests.support.git.servers import SshServer, ssh_server
from tests.support.git.upstream import Upstream
from tests.support.registries.registry import RealRegistry, real_registry
from tests.support.registries.world import World
from tests.support.values import profiles
from tests.support.values.outcome import Outcome

profiles.register()
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background jobs inherit that, and so would ours
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Under PYTHONDONTWRITEBYTECODE, each process of the program would compile all of it.
_KEPT = re.compile(
    r"PATH|TMPDIR|LANG|LC_.*|PYTEST_.*|HYPOTHESIS_.*|PYTHON(?!DONTWRITEBYTECODE$).*|VIRTUAL_ENV|USER|LOGNAME"
)

_numbers = count()
gc.set_threshold(50_000, 20, 20)  # the usual 700 objects come and go in every example of Hypothesis


def pytest_collection_finish() -> None:
    """Spare the garbage collector the tests and modules: they are there to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep what killed runs leave in the folder for temporary files out of the machine's own.

    There it stays, and every run of the program looks through all of it.
    """
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("tmp")
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def _command_lines() -> Iterator[None]:
    """Build the command line of each command once: in tests that share a process, that would be most of many a run."""
    built = cache(program)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger_tool.cli.main.program", lambda names=COMMANDS: built(tuple(names)))
        patch.setattr("typer.main.get_command", cache(get_command))
        yield


@pytest.fixture(autouse=True)
def hermetic(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the user's home, settings, CI and credentials out; return the test's own home folder."""
    for name in list(os.environ):
        if not _KEPT.fullmatch(name):
            monkeypatch.delenv(name)
    home = _folder(tmp_path_factory, "home")
    (home / "cwd").mkdir()
    settings = home / "gitconfig"
    settings.write_text("[user]\n\tname = Test Person\n\temail = person@example.com\n[init]\n\tdefaultBranch = main\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    monkeypatch.setenv("MACHINES", str(home))  # see `processes.start`
    monkeypatch.chdir(home / "cwd")
    return home


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of the test's own, named for it as pytest would."""
    return _folder(tmp_path_factory, re.sub(r"\W", "_", request.node.name)[:26])


def _folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """Make a folder. The factory itself would look through those of all tests before it for the next number."""
    folder = factory.getbasetemp() / f"{name}{next(_numbers)}"
    folder.mkdir(mode=0o700)
    return folder


class _Short:
    """Stands for `random` where it says how long to pause before another try: it chooses a twentieth of the longest."""

    @staticmethod
    def uniform(low: float, high: float) -> float:
        return low + (high - low) / 20


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pause for a short time between two tries, unless a host has asked to wait."""
    for module in ("ledger_tool.edges.http.patience", "ledger_tool.edges.git.offer"):
        monkeypatch.setattr(f"{module}.random", _Short)


@pytest.fixture
def ledger(capfd: pytest.CaptureFixture[str], short_pauses: None) -> Callable[..., Outcome]:
    """Return a function that runs one `ledger` command line and returns its exit code and output."""

    def run(*argv: object) -> Outcome:
        capfd.readouterr()
        code = main([str(word) for word in argv])
        out, err = capfd.readouterr()
        return Outcome(code, out, err)

    return run


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    """Return a bare repository with an empty ledger on `main`."""
    return Upstream.create(tmp_path / "ledger.git")


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """Return a running sshd that lets in a key that may write and one that may read."""
    with ssh_server(tmp_path_factory.mktemp("ssh") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """Return a running registry that lets everybody in."""
    with real_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def world(open_registry: RealRegistry, tmp_path: Path, ledger: Callable[..., Outcome]) -> World:
    """Return a ledger that names the open registry."""
    return World.create(open_registry, tmp_path, ledger)

"""A process of the stage's fork server is as one that really starts, and where it could not be, one really starts."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.stage import forkserver

IS_FORKED = "os.getsid(0) == os.getpid()"  # the tests do not start their processes in sessions of their own
# What a process finds, but for what the server is known to change: its parent, its session, and what is imported.
STATE = """
import gc, json, locale, logging, os, resource, signal, subprocess, sys, tempfile, threading, time, warnings
def of(stream):
    names = "name mode encoding errors newlines line_buffering write_through closed".split()
    is_original = getattr(sys, "__" + stream.name.strip("<>") + "__") is stream
    return [getattr(stream, name) for name in names], type(stream.buffer).__name__, stream.isatty(), is_original
print(json.dumps({
    "arguments": sys.argv, "path": sys.path, "flags": [*sys.flags], "executable": sys.executable,
    "module": [__name__, __spec__.name, __file__, sys.modules["__main__"].__dict__ is globals()],
    "environment": [dict(os.environ), sorted(map(str, os.environb.items()))], "options": sys._xoptions,
    "environment of a child": str(sorted(subprocess.check_output("env").split())),
    "folder": os.getcwd(), "umask": os.umask(0o77), "files": sorted(os.listdir("/proc/self/fd")),
    "standard files": [of(one) for one in (sys.stdin, sys.stdout, sys.stderr)],
    "passed on": [os.get_inheritable(file) for file in range(3)],
    "signals": [str(signal.getsignal(number)).split(" at ")[0] for number in sorted(signal.valid_signals())],
    "blocked": [*signal.pthread_sigmask(signal.SIG_BLOCK, [])], "told of signals": signal.set_wakeup_fd(-1),
    "locale": [locale.setlocale(one) for one in range(7)], "time zone": [time.tzname, time.timezone],
    "encodings": [sys.getfilesystemencoding(), sys.getfilesystemencodeerrors(), locale.getpreferredencoding()],
    "limits": [resource.getrlimit(one) for one in range(16)], "priority": os.getpriority(os.PRIO_PROCESS, 0),
    "garbage": [gc.isenabled(), gc.get_threshold(), gc.callbacks], "threads": threading.active_count(),
    "warnings": [str(one) for one in warnings.filters], "recursion": sys.getrecursionlimit(),
    "logging": [logging.root.level, logging.root.handlers],
    "temporary files": [tempfile.tempdir, tempfile.gettempdir()],
    "hooks": [sys.excepthook is sys.__excepthook__, sys.unraisablehook is sys.__unraisablehook__, sys.gettrace()],
    "children": os.waitstatus_to_exitcode(os.system("exit 7")), "user": os.getresuid() + os.getresgid(),
}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a package that runs the code that it is given, and two programs that start it."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "given").mkdir()
    (folder / "given/__init__.py").touch()
    (folder / "given/__main__.py").write_text("import sys\nexec(sys.argv[1])\n")
    (folder / "forked").write_text(forkserver.script("given", "-P", str(folder)))
    (folder / "real").write_text(forkserver.real_script("given", "-P", str(folder)))
    for name in ("forked", "real"):
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "LC_ALL": "C.UTF-8"}


def code(text: str) -> str:
    return f"import os, signal, sys, time\n{text}"


def test_a_forked_process_finds_all_that_a_new_one_does(
    folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    more = {"TZ": "Asia/Kolkata", "TMPDIR": str(tmp_path), "EVIL": "a=b\n\udcff", "NO_COLOR": "1", "HOME": "/nowhere"}

    def found(*command: str | Path) -> Any:
        done = subprocess.run(
            [*command, STATE, "--option", "\udcff\n", ""], env=environment | more, cwd=tmp_path, umask=0o027,
            input=b"", capture_output=True, check=False,
        )  # fmt: skip
        assert not done.stderr
        return json.loads(done.stdout)

    real, forked = found(folder / "real"), found(folder / "forked")
    assert forked == real


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sys.exit()", 0), ("sys.exit(5)", 5), ("sys.exit('words')", 1), ("1 / 0", 1), ("os._exit(200)", 200),
        ("signal.raise_signal(9)", -9), ("signal.raise_signal(15)", -15), ("os.abort()", -6),
        ("raise KeyboardInterrupt", -2), ("os.kill(os.getpid(), signal.SIGINT); time.sleep(60)", -2),
    ],
)  # fmt: skip
def test_it_ends_as_it_would(folder: Path, environment: dict[str, str], text: str, expected: int) -> None:
    def ended(*command: str | Path) -> tuple[int, str]:
        done = subprocess.run([*command, code(text)], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, re.sub(
            r"(?s)(?<=last\):\n).*(?=^  File .*given/__main__)", "", done.stderr, flags=re.MULTILINE
        )

    assert ended(folder / "forked") == ended(folder / "real")
    assert ended(folder / "forked")[0] == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_signals_are_passed_on(folder: Path, environment: dict[str, str], number: int) -> None:
    waiting = code(
        f"signal.signal({int(number)}, lambda number, _: sys.exit(40 + number))\n"
        f"print({IS_FORKED}, flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([folder / "forked", waiting], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "True\n"
        process.send_signal(number)
        assert process.wait(60) == 40 + number


def test_one_that_is_killed_takes_its_process_along(folder: Path, environment: dict[str, str]) -> None:
    waiting = code("print(os.getpid(), flush=True)\ntime.sleep(60)")
    with subprocess.Popen([folder / "forked", waiting], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        process.kill()
        assert process.stdout.read() == ""  # which ends as soon as nobody can write any more
    again: list[str | Path] = [folder / "forked", code(f"print({IS_FORKED})")]
    assert subprocess.run(again, env=environment, capture_output=True, check=True).stdout == b"True\n"


def test_a_client_that_is_killed_before_it_has_asked_disturbs_nobody(folder: Path, environment: dict[str, str]) -> None:
    (place,) = re.findall(r"\S+/socket\b", (folder / "forked").read_text())
    for text in (b"", b"\0\0\1", b"\0\0\1\0", b"\0\0\1\0half"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(place)
            client.sendall(text)
    asking: list[str | Path] = [folder / "forked", code(f"print({IS_FORKED})")]
    assert subprocess.run(asking, env=environment, stdout=subprocess.PIPE, check=True).stdout == b"True\n"


def test_many_run_at_once(folder: Path, environment: dict[str, str]) -> None:
    commands: list[list[str | Path]] = [
        [folder / "forked", code(f"print(sys.stdin.read() + '{at}')\nsys.exit({at})")] for at in range(20)
    ]
    running = [
        subprocess.Popen(one, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for one in commands
    ]
    for at, process in reversed([*enumerate(running)]):
        assert process.communicate(f"{at}-")[0] == f"{at}-{at}\n"
        assert process.returncode == at


@pytest.mark.parametrize(
    "way",
    [
        "exec 3</dev/null; {}", "exec 0<&-; {}", "exec 1>&2 2>&-; {}", "trap '' INT; {}", "trap '' TERM; {}",
        "LC_ALL=C {}", "LC_CTYPE=C.UTF-8 {}", "LANG=C.UTF-8 {}", "LD_LIBRARY_PATH=/tmp {}", "ulimit -n 50; {}",
        "ulimit -c 1; {}",
    ],
)  # fmt: skip
def test_what_cannot_be_given_to_another_process_makes_one_really_start(
    folder: Path, environment: dict[str, str], way: str, tmp_path: Path
) -> None:
    asking = f"'{folder}/forked' 'import os; open(\"forked\", \"w\").write(str({IS_FORKED}))'"
    subprocess.run(["bash", "-c", way.format(asking)], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "forked").read_text() == "False"


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "TERM", "PIPE"])
def test_one_that_really_starts_ignores_what_its_parent_does(
    folder: Path, environment: dict[str, str], name: str
) -> None:
    def ignored(program: str) -> bytes:
        asking = (
            f"trap '' {name}; {folder}/{program} 'print(open(\"/proc/self/status\").read().partition(\"SigIgn\")[2])'"
        )
        return subprocess.run(["bash", "-c", asking], env=environment, stdout=subprocess.PIPE, check=True).stdout[:20]

    assert ignored("forked") == ignored("real")


def test_at_a_terminal_one_really_starts(folder: Path, environment: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    asking: list[str | Path] = [folder / "forked", code(f"print({IS_FORKED}, sys.stderr.isatty())")]
    with open(ours), open(theirs) as terminal:
        done = subprocess.run(asking, env=environment, stdout=subprocess.PIPE, stderr=terminal, check=True)
    assert done.stdout == b"False True\n"


def test_no_module_of_the_program_reads_a_variable_that_a_stage_sets_while_it_is_imported() -> None:
    """They are imported before the process that is asked for has its own."""
    recording = f"""
import os, runpy, sys
class Recorded(type(os.environ)):
    def __getitem__(self, name):
        read.add(name)
        return super().__getitem__(name)
    def __contains__(self, name):
        read.add(name)
        return super().__contains__(name)
    def __iter__(self):
        read.add("all of them")
        return super().__iter__()
load = runpy.run_path({forkserver.__file__!r})["load"]
read = set()
os.environ.__class__ = Recorded
load("ledger_tool")
print(*sorted(read), sep="\\n")
"""
    done = subprocess.run([sys.executable, "-I", "-c", recording], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"GIT_PYTHON_TRACE", "RUAMEL_DEBUG", "TYPER_USE_RICH"}

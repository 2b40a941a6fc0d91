"""The program as real processes: many at once, killed in the middle, step by step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.support import ROOT
from tests.support.stage import forkserver
from tests.support.values.outcome import Outcome

_LEDGER = [sys.executable, "-m", "ledger_tool"]


def start(
    *argv: object, environment: Mapping[str, str] | None = None, below: Sequence[str] = (), forked: bool = False
) -> subprocess.Popen[str]:
    """Start one `ledger` process, as on a machine of its own: publishers of one machine take turns.

    `below` is a command that starts it. One that is `forked` has loaded its modules already (`stage.forkserver`).
    """
    ledger = forkserver.words("ledger_tool", "-I") if forked else _LEDGER
    inherited = forkserver.usual(os.environ) if forked else os.environ
    return subprocess.Popen(
        [*below, *ledger, *(str(word) for word in argv)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **inherited,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": tempfile.mkdtemp(prefix="machine-", dir=os.environ.get("MACHINES")),
            **(environment or {}),
        },
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 180.0) -> Outcome:
    """Wait for a process and return how it ended."""
    out, err = process.communicate(timeout=timeout)
    return Outcome(process.returncode, out, err)


def commands_naming(text: str) -> list[str]:
    """Return the commands that run now and have this text among their arguments."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            commands.append(path.read_bytes().decode("utf-8", "replace"))
    return [command for command in commands if text in command]


def obeying_modes() -> list[str]:
    """Return the command below which a process may not write where the modes of files do not let it, even as root."""
    return [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override"]


def together(
    commands: Sequence[Sequence[object]], environment: Mapping[str, str] | None = None, *, forked: bool = False
) -> list[Outcome]:
    """Run many `ledger` processes at once and return how each ended, in the order given."""
    running = [start(*command, environment=environment, forked=forked) for command in commands]
    return [finish(process) for process in running]


def killing_git(folder: Path, step: int, moment: str, number: signal.Signals) -> Mapping[str, str]:
    """Return an environment whose `git` sends a signal to its `ledger` at one exact step.

    `step` counts the git commands of the run from 1; `moment` is `before` or `after` that command.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = folder / "count"
    count.write_text("0")
    wrapper = folder / "git"
    wrapper.write_text(
        f"#!/bin/sh\nn=$(($(cat {count}) + 1)); echo $n >{count}\n"
        f'if [ "$n" = {step} ] && [ {moment} = before ]; then kill -{number.value} "$PPID"; fi\n'
        f'/usr/bin/git "$@"; code=$?\n'
        f'if [ "$n" = {step} ] && [ {moment} = after ]; then kill -{number.value} "$PPID"; fi\n'
        "exit $code\n"
    )
    wrapper.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin:/usr/sbin:/sbin"}

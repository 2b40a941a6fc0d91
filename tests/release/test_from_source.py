"""What installs the package from its source: the pre-commit hook and the action."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.release.conftest import environment
from tests.support import ROOT
from tests.support.git.upstream import git
from tests.support.stage.github import load
from tests.support.values.make import ledger_bytes


def test_the_pre_commit_hook_installs_itself_and_stops_a_bad_ledger(tmp_path: Path) -> None:
    git("init", "--quiet", tmp_path)
    (tmp_path / "ledger.json").write_bytes(ledger_bytes().replace(b'"schemaVersion": 1', b'"schemaVersion": 2'))
    git("add", "-A", cwd=tmp_path)
    done = subprocess.run(
        [Path(sys.executable).parent / "pre-commit", "try-repo", ROOT, "ledger-check", "--all-files"], cwd=tmp_path,
        env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "store"), "PIP_COMPILE": "0"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "- exit code: 4" in done.stdout
    assert "schemaVersion 2" in done.stdout


def test_the_action_installs_itself_from_where_the_runner_put_it(tmp_path: Path) -> None:
    (step,) = (
        one for one in load((ROOT / "action.yml").read_text())["runs"]["steps"] if one["name"] == "Install ledger"
    )
    given = {"COMMAND": "check", "RUNNER_TEMP": str(tmp_path), "GITHUB_ACTION_PATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=tmp_path,
        env=environment() | given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(
        [tmp_path / "ledger-tool/bin/ledger", "--version"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith("ledger ")

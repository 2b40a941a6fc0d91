"""The wheel that users install: both scripts, what is packed in it, and a publish from a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from tests.support import ROOT
from tests.support.git.upstream import Upstream, git
from tests.support.stage.github import load
from tests.support.values.make import SOURCE, digest, ledger_bytes


def _environment() -> dict[str, str]:
    """Return what pip needs of the environment."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "PIP_", "HOME", "SSL_"))}
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _python(python: Path | str, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), *map(str, words)], capture_output=True, text=True, env=_environment(), cwd="/", check=False
    )


def test_an_installed_wheel_publishes_and_validates_with_its_schemas(tmp_path: Path, upstream: Upstream) -> None:
    built = _python(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("ledger_tool-*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert packed >= {f"ledger_tool/schema/{path.name}" for path in (ROOT / "schema").glob("*.schema.json")}
    kits = {path for path in (ROOT / "ledger_tool/kits").rglob("*") if path.is_file()}
    assert len(kits) > 5
    assert packed >= {str(path.relative_to(ROOT)) for path in kits}

    venv.create(tmp_path / "clean")
    python = tmp_path / "clean" / "bin" / "python"
    installed = _python(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", wheel)
    assert installed.returncode == 0, installed.stderr
    for script in ("ledger", "ledger-tool"):
        shown = subprocess.run(
            [tmp_path / "clean" / "bin" / script, "--version"], capture_output=True, text=True, check=True
        )
        assert shown.stdout.startswith("ledger ")

    words = ["-m", "ledger_tool", "publish", f"a:v1@{digest()}", "--source", SOURCE, "--repo", upstream.url]
    done = _python(python, *words)
    assert done.returncode == 0, done.stderr
    upstream.commit_as_other_writer({"ledger.json": upstream.content().replace(b'"tag": "v1"', b'"tag": "v 1"')})
    bad = _python(python, "-m", "ledger_tool", "list", "--repo", upstream.url)
    assert bad.returncode == 4
    assert "`tag` is malformed" in bad.stderr  # in the words that explain the schema


def test_the_pre_commit_hook_installs_itself_and_stops_a_bad_ledger(tmp_path: Path) -> None:
    git("init", "--quiet", tmp_path)
    (tmp_path / "ledger.json").write_bytes(ledger_bytes().replace(b'"schemaVersion": 1', b'"schemaVersion": 2'))
    git("add", "-A", cwd=tmp_path)
    done = subprocess.run(
        [Path(sys.executable).parent / "pre-commit", "try-repo", ROOT, "ledger-check", "--all-files"], cwd=tmp_path,
        env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "store")}, capture_output=True, text=True, check=False,
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
        env=_environment() | given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(
        [tmp_path / "ledger-tool/bin/ledger", "--version"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith("ledger ")

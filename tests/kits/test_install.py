"""LEDGER_TOOL decides to the byte what the jobs run: anything else is refused before a key is touched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from ledger_tool import __version__
from ledger_tool.core.writes.tool import parse_tool
from ledger_tool.errors import UsageError
from tests.support import ROOT
from tests.support.git.upstream import git
from tests.support.stage.kits import IMAGE, WHEEL
from tests.support.stage.stage import Stage
from tests.support.stage.strangers import EVIDENCE, put_strangers

INSTALL = ROOT / "ledger_tool/kits/shell/install.sh"
HASH, COMMIT = "a1" * 32, "c3" * 20
NAME = "ledger_tool-1.0-py3-none-any.whl"
GOOD = [
    WHEEL, f"tools/{NAME}#sha256={HASH}", f"/opt/{NAME}#sha256={HASH}", f"{NAME}#sha256={HASH}",
    f"git+https://git.example.com/tools/ledger-tool@{COMMIT}", f"git+https://git.example.com:8443/t/l.git@{COMMIT}",
    IMAGE, f"registry.example.com:5000/ledger:v1@sha256:{HASH}",
]  # fmt: skip
BAD = [
    "", "ledger-tool", f"ledger-tool=={__version__}", "ledger-tool @ https://example.com/x", "ledger_tool",
    f"https://example.com/{NAME}", f"http://example.com/{NAME}#sha256={HASH}", f"https://example.com/{NAME}#sha256=",
    f"https://example.com/{NAME}#sha256={HASH[1:]}", f"https://example.com/{NAME}#sha256={HASH.upper()}",
    f"https://example.com/{NAME}#md5={'a' * 32}", f"https://example.com/other-1.0-py3-none-any.whl#sha256={HASH}",
    f"https://example.com/{NAME}#sha256={HASH}#sha256={HASH}", "git+https://example.com/t", "git+https://example.com/t@main",
    "git+https://example.com/t@v1.0", f"git+https://example.com/t@{COMMIT[1:]}", f"git+http://example.com/t@{COMMIT}",
    f"git+file:///t@{COMMIT}", f"git+ssh://git@example.com/t@{COMMIT}", f"git+https://example.com/t@{COMMIT}x",
    "registry.example.com/ledger", "registry.example.com/ledger:v1", f"registry.example.com/ledger@sha256:{HASH[2:]}",
    f"registry.example.com/ledger@sha512:{HASH}", "-rrequirements.txt", "$(touch pwned)", "`touch pwned`", "a b",
    f"{WHEEL}'; touch pwned; '", f"{WHEEL}\n", f"git+https://example.com/t@{COMMIT};touch pwned", '"', "\\", "${{ x }}",
]  # fmt: skip


def run(tool: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    given = {"LEDGER_TOOL": tool, "WORKSPACE_TMP": str(folder / "a folder")}
    return subprocess.run(
        ["sh", INSTALL], cwd=folder, env={**environment, **given}, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip


def test_what_is_fixed_to_the_byte_is_installed(stage: Stage) -> None:
    for tool in GOOD:
        assert parse_tool(tool).spec == tool
        done = run(tool, stage.work, stage.environment)
        if tool.startswith("git+"):  # from a host that nobody can reach here
            assert "fatal" in done.stderr
            continue
        assert done.returncode == 0, done.stderr
        shown = subprocess.run(
            [stage.work / "a folder/ledger-tool/bin/ledger", "--version"], cwd=stage.work, capture_output=True,
            env={**stage.environment, "LEDGER_DEPLOY_KEY": "-----"}, text=True, check=True,
        )  # fmt: skip
        assert shown.stdout == f"ledger {__version__}\n"


@pytest.mark.parametrize("tool", BAD)
def test_anything_else_is_refused_in_one_line_that_says_what_to_set(tool: str, tmp_path: Path) -> None:
    """By `init`, and by the jobs, where a person may have set it by hand."""
    with pytest.raises(UsageError):
        parse_tool(tool)
    done = run(tool, tmp_path, {"PATH": os.environ["PATH"]})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert re.match(r"error: LEDGER_TOOL is .*|error: LEDGER_TOOL has ", line)
    assert all(form in line for form in (".whl#sha256=HASH", "git+https://HOST/PATH@COMMIT", "@sha256:DIGEST"))
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the program as it is here, in one commit."""
    folder = tmp_path_factory.mktemp("copy")
    git("init", "--quiet", folder)
    files = git("ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
    git(f"--git-dir={folder}/.git", "add", "--", *[name for name in files if os.path.lexists(ROOT / name)], cwd=ROOT)
    git("commit", "--quiet", "-m", "copy", cwd=folder)
    return folder


def real(folder: Path) -> dict[str, str]:
    """Return the environment of a job that installs for real."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "PIP_", "SSL_", "HOME"))}
    config = folder / "gitconfig"
    config.touch()
    return kept | {"GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1"}


def among_strangers(folder: Path) -> dict[str, str]:
    """Return the environment of a job that installs for real, in a folder with other modules of every name."""
    put_strangers(folder, folder / EVIDENCE)
    return real(folder) | {"PYTHONPATH": "."}


def version(folder: Path) -> str:
    """Return what the installed program says, started where somebody else's modules are."""
    done = subprocess.run(
        [folder / "a folder/ledger-tool/bin/ledger", "--version"], cwd=folder, capture_output=True, text=True,
        env=among_strangers(folder), check=True,
    )  # fmt: skip
    assert not (folder / EVIDENCE).exists()
    return done.stdout


def test_a_commit_is_fetched_and_runs_with_locked_dependencies(copy: Path, tmp_path: Path) -> None:
    """A branch that is named like the commit changes nothing."""
    commit = git("rev-parse", "HEAD", cwd=copy)
    environment = among_strangers(tmp_path)
    url = "https://git.example.com/tools/ledger-tool"
    git("config", "--file", environment["GIT_CONFIG_GLOBAL"], f"url.{copy}.insteadOf", url)
    git("checkout", "--quiet", "--orphan", "other", cwd=copy)
    git("commit", "--quiet", "--allow-empty", "-m", "evil", cwd=copy)
    git("update-ref", f"refs/heads/{commit}", "HEAD", cwd=copy)
    done = run(f"git+{url}@{commit}", tmp_path, environment)
    assert done.returncode == 0, done.stderr
    assert version(tmp_path) == f"ledger {__version__}\n"
    missing = run(f"git+{url}@{COMMIT}", tmp_path, environment)
    assert missing.returncode != 0


def test_in_the_image_itself_no_variable_brings_modules_along(stage: Stage) -> None:
    (stage.root / "programs/ledger").write_text("#!/bin/sh\nenv\n")
    environment = {**stage.environment, "CI_JOB_IMAGE": IMAGE, "PYTHONPATH": ".", "PYTHONHOME": "."}
    assert run(IMAGE, stage.work, environment).returncode == 0
    done = subprocess.run(
        [stage.work / "a folder/ledger-tool/bin/ledger"], env=environment, capture_output=True, text=True, check=True
    )
    assert "PYTHONPATH" not in done.stdout
    assert "PYTHONHOME" not in done.stdout


def test_a_wheel_is_installed_by_its_hash_and_brings_its_lock(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path / "dist", ROOT],
        env=real(tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("ledger_tool-*.whl")
    hash_ = sha256(wheel.read_bytes()).hexdigest()
    done = run(f"dist/{wheel.name}#sha256={hash_}", tmp_path, among_strangers(tmp_path))
    assert done.returncode == 0, done.stderr
    assert version(tmp_path) == f"ledger {__version__}\n"
    other = run(f"dist/{wheel.name}#sha256={HASH}", tmp_path, real(tmp_path))
    assert other.returncode != 0
    assert "HASH" in other.stderr.upper()
    assert not (tmp_path / "a folder/ledger-tool/bin/ledger").exists()

"""The release workflow and the Containerfile pass their linters, and their steps run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger_tool import __version__
from tests.kits.test_lint import BIN, tool
from tests.release.conftest import environment, image_steps
from tests.support import ROOT
from tests.support.stage.docs import papers
from tests.support.stage.github import load

PATH = ROOT / ".github/workflows/release.yml"
JOBS: dict[str, dict[str, Any]] = load(PATH.read_text())["jobs"]


def test_the_workflow_passes_its_linters_and_schema() -> None:
    tool("actionlint", "-shellcheck", BIN / "shellcheck", PATH)
    tool("zizmor", "--offline", "--no-progress", "--quiet", PATH)
    tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", PATH)


def test_the_containerfile_passes_its_linter_and_its_steps_shellcheck(tmp_path: Path) -> None:
    tool("hadolint", ROOT / "Containerfile")
    assert len(image_steps()) == 2
    for at, step in enumerate(image_steps()):
        (tmp_path / f"{at}.sh").write_text(f"#!/bin/sh\n{step}\n")
    tool("shellcheck", *tmp_path.glob("*.sh"))


def test_the_image_has_no_base_of_ours_and_no_root() -> None:
    text = (ROOT / "Containerfile").read_text()
    assert re.findall(r"^(?:ARG|FROM) .+$", text, re.MULTILINE) == [
        "ARG BASE", "FROM ${BASE} AS build", "FROM ${BASE}",
    ]  # fmt: skip
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]


def test_actions_are_pinned_by_commit_and_only_one_job_writes_to_the_repository() -> None:
    uses = re.findall(r"uses: (.+)", PATH.read_text())
    assert [line for line in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    assert [name for name, job in JOBS.items() if job["permissions"].get("contents") == "write"] == ["release"]
    assert set(JOBS["pypi"]["permissions"]) == {"id-token"}
    assert load(PATH.read_text())["permissions"] == {}


def test_the_job_that_attests_runs_nothing_of_what_is_built() -> None:
    """Nor does docker pull an image to build with: that of setup-buildx-action is known by a tag."""
    assert "setup-buildx" not in PATH.read_text()
    for job in JOBS.values():
        if "attestations" in job["permissions"]:
            uses = [step.get("uses", "run").partition("@")[0] for step in job["steps"]]
            assert not {"run", "actions/checkout"} & set(uses)


def _step(name: str) -> str:
    (step,) = (step for step in JOBS["build"]["steps"] if step.get("name") == name)
    return str(step["run"])


def _run(step: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    given = environment() | {"PATH": f"{BIN}:{os.environ['PATH']}", "RUNNER_TEMP": str(folder.parent)} | more
    return subprocess.run(
        ["bash", "-e", "-c", step], cwd=folder, env=given, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("tag", "code"), [(f"v{__version__}", 0), (f"v{__version__}1", 1), ("v0x2.0", 1)])
def test_a_tag_that_is_not_the_version_is_no_release(tag: str, code: int) -> None:
    assert _run(_step("Compare the tag with the version"), ROOT, GITHUB_REF_NAME=tag).returncode == code


def test_an_image_is_built_on_no_base_without_a_digest() -> None:
    (step,) = (step for step in JOBS["image"]["steps"] if step.get("name") == "Build and push")
    done = _run(str(step["run"]), ROOT, BASE="python:3.13-slim-bookworm")
    assert done.returncode == 2
    assert done.stderr == "error: the variable IMAGE_BASE has no digest; set it to IMAGE@sha256:DIGEST\n"


def test_what_the_workflow_builds_elsewhere_has_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    """It is built from a copy, by the tools of `release/requirements.txt`."""
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, files.stdout.split("\0")):
        if (ROOT / name).exists():
            (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / "copy" / name, follow_symlinks=False)
    time = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True)
    step = _step("Build").replace("python -I -m venv", f"{sys.executable} -I -m venv")
    address = {"GITHUB_SERVER_URL": "https://git.example.com", "GITHUB_REPOSITORY": "tools/ledger"}
    done = _run(step, tmp_path / "copy", SOURCE_DATE_EPOCH=time.stdout.strip(), **address)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "copy/dist/SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()


def test_no_page_installs_the_package_by_its_bare_name() -> None:
    for path in papers():
        text = path.read_text("utf-8")
        assert not re.search(r"(?:pip|pipx|uv tool) install (?:-\S+ )*[\"']?ledger[-_]tool(?![-_.\w]* @|-\d)", text), (
            path
        )


@pytest.mark.parametrize("name", ["README.md", "docs/install.md"])
def test_each_file_that_a_page_names_is_built_whatever_the_version(name: str, dist: Path) -> None:
    named = set(re.findall(r"ledger_tool-[^\s`/]+\.(?:whl|tar\.gz)", (ROOT / name).read_text("utf-8")))
    assert named
    for pattern in named:
        assert "*" in pattern
        assert len(list(dist.glob(pattern))) == 1, pattern


def test_the_releases_that_pages_name_are_those_of_the_version_that_is_under_way() -> None:
    lines = [line for path in papers() for line in path.read_text("utf-8").splitlines()]
    ours = [line for line in lines if re.search(r"tools/ledger-tool|ledger_tool-|^ +rev: v", line)]
    named = {version for line in ours for version in re.findall(r"\bv?(\d+\.\d+\.\d+)\b", line)}
    assert named == {__version__.partition(".dev")[0]}

"""What `make dist` builds starts, and works where nothing but it is installed."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ledger_tool.cli.main import COMMANDS
from tests.release.conftest import Alone
from tests.support import ROOT
from tests.support.git.upstream import git
from tests.support.values.make import SOURCE, digest

MANIFEST = "kind: Pod\nspec:\n  containers:\n    - image: registry.example.com/myorg/app:v1.5.0\n"


@pytest.mark.parametrize("alone", ["zipapp", "wheel"], indirect=True)
def test_each_form_records_compares_pins_and_checks(alone: Alone, tmp_path: Path) -> None:
    """Against a registry over TLS and a git host, with an empty home; and it leaves nothing behind."""
    stage = alone.stage
    stage.run(["docker buildx build --push --tag registry.example.com/myorg/app:v1.5.0 app"])
    (stage.work / "pod.yaml").write_text(MANIFEST)
    home = sorted(path for path in (stage.root / "home").rglob("*"))

    done = alone.run("publish", "myorg/app:v1.5.0", "--source", SOURCE)
    assert done.returncode == 0, done.stderr
    written = json.loads(done.stdout)
    assert written["changed"]
    assert stage.upstream.records()[0]["digest"] == written["records"][0]["digest"]
    assert written["digest"] == stage.registry.served("myorg/app:v1.5.0")

    for words in (["reconcile"], ["list"], ["pin", "pod.yaml"], ["check"], ["audit"], ["site", "pages"]):
        done = alone.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert f"@{written['digest']}" in (stage.work / "pod.yaml").read_text()

    stage.upstream.commit_as_other_writer(
        {"ledger.json": stage.upstream.content().replace(b'"tag": "v1.5.0"', b'"tag": "v 1"')}
    )
    done = alone.run("check")
    assert done.returncode == 4
    assert "`tag` is malformed" in done.stdout + done.stderr  # in the words that explain the schema

    assert sorted(path for path in (stage.root / "home").rglob("*")) == home
    assert list((stage.root / "tmp").iterdir()) == []


def test_the_zipapp_has_its_version_and_all_that_the_commands_import(alone: Alone) -> None:
    """The commands are asked in one process, to save time."""
    assert alone.run("--version").stdout.startswith("ledger ")
    code = (
        f"import sys; sys.path.insert(0, {str(alone.program)!r})\n"
        "from ledger_tool.cli.main import COMMANDS, main\n"
        "sys.exit(max(main([name, '--help']) for name in COMMANDS))"
    )
    done = subprocess.run(
        ["python3", "-I", "-c", code], env=alone.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for command in COMMANDS:
        assert f"Usage: ledger {command}" in done.stdout


def test_the_zipapp_writes_its_kits_and_merges_for_git(alone: Alone, tmp_path: Path) -> None:
    done = alone.run("init", tmp_path / "team", "--ci", "github")
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "team/.github/workflows").glob("*.yml"))

    work = alone.stage.work / "clone with a space"
    git("clone", "--quiet", alone.stage.upstream.url, work)
    assert alone.run("merge-driver", "--install", "--repo", work).returncode == 0
    for branch in ("one", "two"):
        git("checkout", "--quiet", "-b", branch, "origin/main", cwd=work)
        words = ["publish", f"a/b:{branch}@{digest(branch)}", "--source", SOURCE, "--offline", "--no-push"]
        done = alone.run(*words, "--repo", work)
        assert done.returncode == 0, done.stderr
    git("merge", "--quiet", "one", "-m", "merge", cwd=work)
    tags = [record["tag"] for record in json.loads((work / "ledger.json").read_text())["records"]]
    assert tags == ["one", "two"]


def test_the_checksums_are_those_of_all_files(dist: Path) -> None:
    listed = {name: hashed for hashed, name in re.findall(r"(\w+)  (.+)", (dist / "SHA256SUMS").read_text())}
    files = {path.name: path for path in dist.iterdir() if not path.name.startswith(".")}
    assert set(files) - {"SHA256SUMS"} == set(listed)
    for name, expected in listed.items():
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() == expected


def test_the_wheel_has_everything_and_says_where_it_was_built(dist: Path) -> None:
    (wheel,) = dist.glob("ledger_tool-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
        (metadata,) = (archive.read(name).decode() for name in packed if name.endswith(".dist-info/METADATA"))
    assert packed >= {f"ledger_tool/schema/{path.name}" for path in (ROOT / "schema").glob("*.schema.json")}
    kits = {path for path in (ROOT / "ledger_tool/kits").rglob("*") if path.is_file()}
    assert len(kits) > 5
    assert packed >= {str(path.relative_to(ROOT)) for path in kits}
    urls = HeaderParser().parsestr(metadata).get_all("Project-URL")
    assert urls
    assert "Homepage, https://git.example.com/tools/ledger" in urls


def test_the_zipapp_holds_no_compiled_code_and_the_licence_of_each_package(dist: Path) -> None:
    with zipfile.ZipFile(dist / "ledger.pyz") as archive:
        names = archive.namelist()
    assert not [name for name in names if name.endswith((".so", ".pyd", ".pyc"))]
    assert "rpds.py" in names
    packages = {name.split("/")[0] for name in names if ".dist-info/" in name}
    assert len(packages) > 15
    unlicensed = packages - {name.split("/")[0] for name in names if "licen" in name.lower() or "COPYING" in name}
    assert not unlicensed


def _lock(path: str) -> dict[str, Requirement]:
    lines = (ROOT / path).read_text().replace("\\\n", " ").splitlines()
    texts = [line.split(" --hash=")[0].strip() for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, texts)}


@pytest.mark.parametrize("text", tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
def test_the_lock_has_a_version_of_each_dependency_that_the_package_allows(text: str) -> None:
    wanted = Requirement(text)
    (pinned,) = _lock("requirements.txt")[canonicalize_name(wanted.name)].specifier
    assert pinned.operator == "=="
    assert wanted.specifier.contains(pinned.version)


def test_a_release_is_built_by_the_tool_that_the_tests_build_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tested = next(text for text in project["dependency-groups"]["dev"] if text.startswith("hatchling=="))
    assert tested in (ROOT / "release/requirements.in").read_text().splitlines()
    assert str(_lock("release/requirements.txt")["hatchling"]) == tested

"""`bump --env`: manifests get what an environment has, and a mark that asks for something else is reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream, git
from tests.support.values.make import digest, fields
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]
SETTINGS = """registries: [{host: registry.example.com, images: ["myorg/*"]}]
environments:
  staging: {}
  prod: {}
"""
POD = """kind: Pod
spec:
  containers:
    - image: registry.example.com/myorg/app:v1.5.0
    - image: registry.example.com/myorg/web:prod
    - image: registry.example.com/myorg/worker:v1.5.0
    - image: redis:7
"""


def ref(image: str, tag: str) -> str:
    return f"registry.example.com/myorg/{image}:{tag}@{digest((image, tag))}"


@pytest.fixture
def pod(ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a manifest of three images of a ledger, two of which are in production, beside somebody else's."""
    upstream = Upstream.create(tmp_path / "team.git", settings=SETTINGS)
    monkeypatch.setenv("LEDGER_REPO", upstream.url)
    records = [
        fields(f"myorg/{image}", tag, platform="linux/amd64", digest=digest((image, tag)))
        for image in ("app", "web", "worker")
        for tag in ("v1.4.0", "v1.5.0", "v1.6.0")
    ]
    (tmp_path / "records").write_text(json.dumps(records))
    assert ledger("publish", "--offline", "--from", tmp_path / "records").code == 0
    assert ledger("promote", "myorg/app:v1.4.0", "myorg/web:v1.6.0", "--to", "prod").code == 0
    folder = tmp_path / "fleet"
    folder.mkdir()
    monkeypatch.chdir(folder)
    path = folder / "pod.yaml"
    path.write_text(POD)
    return path


def test_each_image_gets_what_the_environment_has_up_or_down(ledger: Run, pod: Path) -> None:
    checked = ledger("bump", ".", "--env", "prod", "--check")
    assert (checked.code, pod.read_text()) == (1, POD)
    assert "myorg/app is at v1.5.0, and prod has v1.4.0" in checked.out
    done = ledger("bump", ".", "--env", "prod", "--format", "json")
    assert done.code == 0
    check_schema("pin-v1", done.json)
    images = [line.partition("image: ")[2] for line in pod.read_text().splitlines() if "image:" in line]
    assert images == [
        ref("app", "v1.4.0"), ref("web", "v1.6.0"), "registry.example.com/myorg/worker:v1.5.0", "redis:7",
    ]  # fmt: skip
    assert [(edit["oldTag"], edit["newTag"]) for edit in done.json["edits"]] == [
        ("v1.5.0", "v1.4.0"), ("prod", "v1.6.0"),
    ]  # fmt: skip
    assert [(note["kind"], note["message"]) for note in done.json["notes"]] == [
        ("not-in-environment", "prod has no myorg/worker, so it stays")
    ]
    assert ledger("bump", ".", "--env", "prod", "--check").code == 0


def test_a_mark_that_asks_for_something_else_is_a_finding_as_long_as_it_differs(ledger: Run, pod: Path) -> None:
    pod.write_text(
        POD.replace("app:v1.5.0", "app:v1.5.0 # ledger: semver:^1").replace("web:prod", "web:prod # ledger: ignore")
    )
    before = pod.read_text()
    done = ledger("bump", ".", "--env", "prod")
    assert (done.code, pod.read_text()) == (1, before)
    assert "prod has v1.4.0" in done.out
    assert "but its mark asks for semver:^1: remove the mark" in done.out
    pod.write_text(before.replace("registry.example.com/myorg/app:v1.5.0", ref("app", "v1.4.0")))
    assert ledger("bump", ".", "--env", "prod").code == 0


def test_the_commit_says_which_environment_it_follows(ledger: Run, pod: Path) -> None:
    git("init", "--quiet", cwd=pod.parent)
    git("add", ".", cwd=pod.parent)
    git("commit", "--quiet", "--message", "start", cwd=pod.parent)
    assert ledger("bump", ".", "--env", "prod", "--commit").code == 0
    assert git("log", "-1", "--format=%s", cwd=pod.parent).strip() == "bump 2 images, as in prod"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--env", "test"], "ledger.yaml declares no environment `test`\n\nhint: its environments are staging, prod"),
        (["--env", "prod", "--policy", "newest"], "`--env` and `--policy` cannot be combined"),
        (["--env", "prod", "--prereleases"], "`--env` and `--prereleases` cannot be combined"),
    ],
)
def test_what_cannot_be_is_said(ledger: Run, pod: Path, words: list[str], told: str) -> None:
    done = ledger("bump", ".", *words)
    assert (done.code, pod.read_text()) == (2, POD)
    assert told in done.err

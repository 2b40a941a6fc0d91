"""A folder below a checkout, or in a bare repository, is that repository, as for git; unless it has its own ledger."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def below(checkout: Path) -> Path:
    """Return a folder two levels below a checkout."""
    folder = checkout / "docs" / "more"
    folder.mkdir(parents=True)
    return folder


def _publish(ledger: Run, tag: str, *options: object) -> Outcome:
    return ledger("publish", f"myorg/app:{tag}@{digest()}", "--source", SOURCE, "--offline", *options)


def test_every_command_works_there_as_at_the_top(
    ledger: Run, below: Path, checkout: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(below)
    assert _publish(ledger, "v1").code == 0
    assert upstream.tip() == git("rev-parse", "HEAD", cwd=checkout)
    assert _publish(ledger, "v2", "--no-push").code == 0
    for words in (
        ["get", "myorg/app:v2"],
        ["list"],
        ["log"],
        ["whence", digest()],
        ["audit"],
        ["check"],
        ["check", "--base", "origin/main"],
        ["diff", "origin/main"],
        ["diff", "origin/main", "HEAD"],
        ["list", "--branch", "main"],
        ["merge-driver", "--install"],
    ):
        here, top = (ledger(*words, "--repo", place) for place in (".", checkout))
        assert (here.code, here.out) == (top.code, top.out) == (0, top.out), here
    assert ledger("list", "--repo", below).out == ledger("list", "--repo", checkout).out
    assert git("config", "merge.ledger.driver", cwd=checkout)


def test_a_folder_with_its_own_ledger_is_that_ledger(
    ledger: Run, below: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (below / "ledger.json").write_bytes(ledger_bytes(record("sample", "v1")))
    monkeypatch.chdir(below)
    assert [one["image"] for one in ledger("list", "--format", "json").json] == ["sample"]
    assert ledger("check").code == 0
    before = git("rev-parse", "HEAD", cwd=checkout)
    done = _publish(ledger, "v1")
    assert (done.code, "is not the top folder of a git repository" in done.err) == (2, True)
    assert git("rev-parse", "HEAD", cwd=checkout) == before


def test_a_link_to_a_ledger_is_not_looked_past(ledger: Run, below: Path) -> None:
    (below / "ledger.json").symlink_to("/nowhere")
    done = ledger("list", "--repo", below)
    assert (done.code, "is not a plain file" in done.err) == (4, True)


@pytest.mark.parametrize("name", ["ledger.json", "ledger.yaml"])
def test_what_is_not_a_file_is_not_said_to_be_missing(ledger: Run, below: Path, name: str) -> None:
    (below / "ledger.json").write_bytes(ledger_bytes())
    (below / name).unlink(missing_ok=True)
    for make, unmake in ((Path.mkdir, Path.rmdir), (os.mkfifo, Path.unlink)):
        make(below / name)
        done = ledger("list", "--repo", below)
        assert (done.code, "is not a plain file" in done.err) == (4 if name == "ledger.json" else 2, True), done
        unmake(below / name)


def test_a_bare_repository_is_found_from_within(
    ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (upstream.path, upstream.path / "refs" / "heads"):
        monkeypatch.chdir(folder)
        assert _publish(ledger, folder.name[:5]).code == 0
        assert len(ledger("list", "--format", "json").json) == 1 + (folder != upstream.path)


def test_a_work_tree_of_another_checkout_is_found_from_below(ledger: Run, checkout: Path, tmp_path: Path) -> None:
    git("worktree", "add", "--quiet", "--detach", tmp_path / "tree", "HEAD", cwd=checkout)
    (tmp_path / "tree" / "sub").mkdir()
    assert ledger("check", "--base", "HEAD", "--repo", tmp_path / "tree" / "sub").code == 0


def test_a_folder_that_is_in_no_repository_says_so(ledger: Run, tmp_path: Path) -> None:
    folder = tmp_path / "empty" / "sub"
    folder.mkdir(parents=True)
    for words in (["list"], ["check"], ["get", "a:v1"]):
        done = ledger(*words, "--repo", folder)
        assert (done.code, f"there is no ledger.json in {folder}" in done.err) == (2, True)
    for words in (["log"], ["diff", "main"], ["audit"], ["merge-driver", "--install"]):
        done = ledger(*words, "--repo", folder)
        assert (done.code, f"{folder} is not in a git repository" in done.err) == (2, True), done


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_checkout_of_somebody_else_is_not_used_unless_it_is_named(ledger: Run, below: Path, checkout: Path) -> None:
    for folder in (checkout, checkout / ".git"):
        os.chown(folder, 12345, 12345)
    done = ledger("list", "--repo", below)
    assert (done.code, "belongs to another user" in done.err) == (2, True)
    assert f"name it with `--repo {checkout}`" in done.err
    assert ledger("list", "--repo", checkout).code == 0

"""What a careful reader broke once: each has a test, so that it stays mended."""

from __future__ import annotations

import base64
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_tool.edges.git.process import Completed
from ledger_tool.edges.git.verdict import Push, read_push
from tests.support import ROOT
from tests.support.git.checker import check_history
from tests.support.git.processes import finish, killing_git, start
from tests.support.git.servers import make_key
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def checkout(upstream: Upstream, tmp_path: Path) -> Path:
    git("clone", "--quiet", upstream.path, tmp_path / "checkout")
    return tmp_path / "checkout"


def _words(repo: object, tag: str = "v1", *options: object) -> list[object]:
    return ["publish", f"a/b:{tag}@{digest(tag)}", "--source", SOURCE, "--repo", repo, *options]


def _tags(upstream: Upstream) -> set[str]:
    return {one["tag"] for one in upstream.records()}


def test_a_foreign_index_lock_keeps_the_checkout_behind_and_never_stages_the_reverse(
    ledger: Run, checkout: Path, upstream: Upstream
) -> None:
    lock = checkout / ".git" / "index.lock"
    lock.touch()
    done = ledger(*_words(checkout))
    assert done.code == 0, done.err
    assert done.json["commit"] == upstream.tip()
    assert "stays behind the remote" in done.err
    lock.unlink()
    (checkout / "README.md").write_text("mine\n")
    git("commit", "--quiet", "-am", "docs", cwd=checkout)
    git("pull", "--quiet", "--rebase", cwd=checkout)
    git("push", "--quiet", cwd=checkout)
    assert _tags(upstream) == {"v1"}


def test_a_foreign_index_lock_makes_a_local_commit_try_again(ledger: Run, checkout: Path) -> None:
    git("remote", "remove", "origin", cwd=checkout)
    (checkout / ".git" / "index.lock").touch()
    done = ledger(*_words(checkout))
    assert done.code == 5
    assert "index.lock" in done.err
    (checkout / ".git" / "index.lock").unlink()
    assert ledger(*_words(checkout)).code == 0
    assert git("status", "--porcelain", cwd=checkout) == ""


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name
)
def test_a_following_checkout_that_is_cut_short_is_finished_or_left_and_loses_nothing(
    upstream: Upstream, tmp_path: Path, number: signal.Signals
) -> None:
    tags = set()
    for step in range(8, 26, 2):
        checkout = tmp_path / f"checkout{step}"
        git("clone", "--quiet", upstream.path, checkout)
        wrapped = killing_git(tmp_path / f"bin{step}", step, "before", number)
        finish(start(*_words(checkout, f"v{step}"), environment=wrapped))
        if (checkout / ".git" / "index.lock").exists():
            (checkout / ".git" / "index.lock").unlink()
        tags.add(f"v{step}")
        (checkout / "README.md").write_text(f"mine {step}\n")
        git("commit", "--quiet", "-am", "docs", cwd=checkout, check=False)  # the user goes on, unaware
        git("pull", "--quiet", "--rebase", "-X", "theirs", cwd=checkout, check=False)
        git("push", "--quiet", cwd=checkout, check=False)
        again = finish(start(*_words(upstream.url, f"v{step}")))
        assert again.code == 0, again.err
        assert _tags(upstream) == tags


def test_trouble_while_following_is_a_note_and_not_an_error(ledger: Run, checkout: Path, upstream: Upstream) -> None:
    with (checkout / ".git" / "ledger.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = ledger(*_words(checkout, "v1", "--timeout", "3"))
    assert done.code == 0, done.err
    assert done.json["changed"] is True
    assert "stays behind the remote" in done.err
    assert _tags(upstream) == {"v1"}


def test_a_branch_that_is_switched_during_the_push_is_not_written_to(
    checkout: Path, upstream: Upstream, tmp_path: Path
) -> None:
    pushing, go = tmp_path / "pushing", tmp_path / "go"
    upstream.hook("pre-receive", f"touch {pushing}; while [ ! -e {go} ]; do sleep 0.05; done")
    running = start(*_words(checkout))
    while not pushing.exists():
        time.sleep(0.02)
    git("switch", "--quiet", "-c", "feature", cwd=checkout)
    go.touch()
    done = finish(running)
    assert done.code == 0, done.err
    assert "another branch was checked out meanwhile" in done.err
    assert git("status", "--porcelain", cwd=checkout) == ""


def test_a_submodule_works_from_a_folder_below_it(
    ledger: Run, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "--quiet", tmp_path / "outer")
    git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        upstream.url,
        "ledger",
        cwd=tmp_path / "outer",
    )
    (tmp_path / "outer" / "ledger" / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "outer" / "ledger" / "sub")
    done = ledger(*_words("..", "v1", "--no-push"))
    assert done.code == 0, done.err
    assert git("status", "--porcelain", cwd=tmp_path / "outer" / "ledger") == ""


def test_several_remotes_and_none_followed_is_asked_about(ledger: Run, checkout: Path, upstream: Upstream) -> None:
    git("remote", "rename", "origin", "one", cwd=checkout)
    git("remote", "add", "two", upstream.path, cwd=checkout)
    git("branch", "--unset-upstream", cwd=checkout)
    done = ledger(*_words(checkout))
    assert done.code == 2
    assert "several remotes" in done.err
    assert _tags(upstream) == set()


def test_an_upstream_that_is_a_url_is_followed(ledger: Run, checkout: Path, upstream: Upstream) -> None:
    git("config", "branch.main.remote", upstream.url, cwd=checkout)
    assert ledger(*_words(checkout)).code == 0
    assert _tags(upstream) == {"v1"}


def test_settings_of_git_that_are_broken_are_named_and_nothing_is_written(
    ledger: Run, checkout: Path, hermetic: Path, upstream: Upstream
) -> None:
    (hermetic / "gitconfig").write_text("[core\n")
    done = ledger(*_words(checkout))
    assert done.code == 2
    assert "git can't read your settings" in done.err
    assert _tags(upstream) == set()


def test_a_commit_that_is_not_pushed_says_so(ledger: Run, checkout: Path) -> None:
    assert "committed in this checkout, and not pushed" in ledger(*_words(checkout, "v1", "--no-push")).err


@pytest.mark.parametrize("encoded", [True, False])
def test_a_deploy_key_in_one_line_is_never_shown(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoded: bool
) -> None:
    key = make_key(tmp_path / "key").read_bytes()
    line = base64.b64encode(key).decode() if encoded else key.hex()
    monkeypatch.setenv("LEDGER_DEPLOY_KEY", line)
    done = ledger("list", "--repo", "ssh://git@127.0.0.1:1/x.git")
    assert done.code == (5 if encoded else 6)  # as base64 it is a good key, and nobody listens there
    assert line[:40] not in done.err
    assert "KEY" not in done.err


@pytest.mark.parametrize("value", [" ", "\n"])
def test_a_blank_deploy_key_is_empty(ledger: Run, value: str) -> None:
    done = ledger("list", "--repo", "ssh://git@127.0.0.1:1/x.git", "--deploy-key", value)
    assert done.code == 6
    assert "is empty" in done.err


def test_a_server_that_reports_no_status_has_not_said_no() -> None:
    said = b"!\trefs/x:refs/heads/main\t[remote failure] (remote failed to report status)\nDone\n"
    assert read_push(Completed(1, said, "")).push is Push.BROKEN


def test_a_push_that_runs_out_of_time_is_settled_by_looking(upstream: Upstream) -> None:
    """The server takes the commit, and then keeps us waiting for its answer."""
    upstream.hook("reference-transaction", '[ "$1" = committed ] && sleep 20; exit 0')
    began = time.monotonic()
    done = finish(start(*_words(upstream.url, "v1", "--timeout", "3")))
    assert done.code == 0, done.err
    assert "the record is in the branch" in done.err
    assert time.monotonic() - began < 18


@pytest.mark.parametrize("how", ["SIGTERM", "timeout"])
def test_a_run_that_is_ended_takes_its_lock_files_along(upstream: Upstream, tmp_path: Path, how: str) -> None:
    locked = tmp_path / "locked"
    upstream.hook("reference-transaction", f'[ "$1" = prepared ] && touch {locked} && sleep 20; exit 0')
    running = start(*_words(upstream.url, "v1", "--timeout", "3" if how == "timeout" else "60"))
    while not locked.exists():
        time.sleep(0.02)
    if how == "SIGTERM":
        running.send_signal(signal.SIGTERM)
    done = finish(running)
    assert done.code == (130 if how == "SIGTERM" else 5), done.err
    assert not list(upstream.path.rglob("*.lock"))
    (upstream.path / "hooks" / "reference-transaction").unlink()
    assert finish(start(*_words(upstream.url))).code == 0


@pytest.mark.parametrize(
    "repo",
    [
        "https:/bob:s3cr3tTOKEN@git.example.invalid/x.git",
        "bob:s3cr3tTOKEN@git.example.invalid/x.git",
        "https://git.example.invalid/x.git?private_token=s3cr3tTOKEN",
    ],
)
def test_a_token_in_a_mistyped_url_goes_nowhere(ledger: Run, repo: str) -> None:
    done = ledger("list", "--repo", repo)
    assert done.code == 2
    assert "s3cr3tTOKEN" not in done.err


def test_a_source_with_a_query_is_refused(ledger: Run, upstream: Upstream) -> None:
    words = ["publish", f"a/b:v1@{digest()}", "--repo", upstream.url]
    assert ledger(*words, "--source", f"https://git.example.com/x?token=abc@{'a' * 40}").code == 2
    assert ledger(*words, "--source", f"https://git.example.com/[skip-ci]/x@{'a' * 40}").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--repo", "a" * 300],
        ["list", "--repo", "~nosuchuser/x"],
        ["list", "--repo", "ssh://git@h/x", "--deploy-key", "~nosuchuser/k"],
    ],
)
def test_a_path_that_cannot_be_is_a_usage_error(ledger: Run, words: list[str]) -> None:
    done = ledger(*words)
    assert done.code == 2, done.err
    assert "Traceback" not in done.err


def test_an_author_that_git_does_not_take_is_a_usage_error(
    ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", ".")
    done = ledger(*_words(upstream.url))
    assert done.code == 2
    assert "user.name" in done.err


def test_a_named_pipe_in_place_of_the_ledger_does_not_hang(ledger: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ledger.json")
    assert ledger("list", "--repo", tmp_path).code == 2


@pytest.mark.parametrize("redirect", ["2>/dev/full", ">&-", "2>&-"])
def test_streams_that_nobody_reads_do_not_change_the_exit_code(upstream: Upstream, redirect: str) -> None:
    words = " ".join(str(word) for word in [sys.executable, "-m", "ledger_tool", *_words(upstream.url)])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert (
        subprocess.run(
            ["sh", "-c", f"{words} {redirect}"], env=environment, capture_output=True, check=False
        ).returncode
        == 0
    )
    assert _tags(upstream) == {"v1"}


def test_help_on_a_full_disk_is_no_bug() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ledger_tool", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            check=False,
        )
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stderr


def test_a_remote_says_which_branches_it_has(ledger: Run, upstream: Upstream) -> None:
    upstream.git("tag", "v1.0", "main")
    done = ledger("list", "--repo", upstream.url, "--branch", "v1.0")
    assert done.code == 2
    assert "its branches are: main" in done.err
    upstream.git("symbolic-ref", "HEAD", "refs/heads/missing")
    done = ledger("list", "--repo", upstream.url)
    assert done.code == 2
    assert "name one with `--branch`: main" in done.err


def test_a_move_without_a_platform_tells_every_image_that_it_replaces(ledger: Run, tmp_path: Path) -> None:
    made = Upstream.create(
        tmp_path / "m.git",
        ledger_bytes(*(record(tag="m", platform=f"linux/{one}", digest=digest(one)) for one in ("amd64", "arm64"))),
        "tags: {mutable: [m]}\n",
    )
    assert ledger("publish", f"myorg/app:m@{digest('new')}", "--source", SOURCE, "--repo", made.url).code == 0
    replaced = [value for name, value in made.trailers() if name == "Replaces"]
    assert replaced == [digest("amd64"), digest("arm64")]
    check_history(made.path, mutable=("m",))


def test_set_does_not_take_away_what_the_team_requires(ledger: Run, tmp_path: Path) -> None:
    made = Upstream.create(
        tmp_path / "r.git", ledger_bytes(record(labels={"team": "core"})), "require: [labels.team]\n"
    )
    done = ledger("set", "*", "--unlabel", "team", "--repo", made.url)
    assert done.code == 2
    assert "labels.team" in done.err


def test_explaining_a_large_broken_ledger_looks_only_at_what_is_broken(ledger: Run, tmp_path: Path) -> None:
    good = ledger_bytes(*(record(tag=f"v{at:05}", digest=digest(at)) for at in range(5000)))
    (tmp_path / "ledger.json").write_bytes(good.replace(b'"tag": "v04000"', b'"tag": "v 4000"'))
    done = ledger("list", "--repo", tmp_path)
    assert done.code == 4
    assert "`tag` is malformed" in done.err

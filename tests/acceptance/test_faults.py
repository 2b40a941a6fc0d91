"""Faults of the remote and of the network: what the job is told, and what state they leave."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.checker import check_history
from tests.support.git.processes import finish, start
from tests.support.git.upstream import DIE, UNQUARANTINED, Upstream
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def publish(ledger: Run, upstream: Upstream) -> Run:
    def run(*options: object, tag: str = "v1", seed: object = "a") -> Outcome:
        words = ["publish", f"myorg/app:{tag}@{digest(seed)}", "--source", SOURCE, "--repo", upstream.url]
        return ledger(*words, *options)

    return run


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_hook_that_refuses_is_shown_in_its_own_words(publish: Run, upstream: Upstream, hook: str) -> None:
    before = upstream.tip()
    upstream.hook(hook, 'echo "only on Tuesdays" >&2; exit 1')
    done = publish()
    assert done.code == 6
    assert "only on Tuesdays" in done.err
    assert "--pull-request" in done.err
    assert upstream.tip() == before
    assert done.out == ""


def test_a_protected_branch_is_shown_in_the_hosts_words(publish: Run, upstream: Upstream) -> None:
    upstream.hook(
        "pre-receive", 'printf "error: GH006: Protected branch update failed for refs/heads/main.\\n" >&2; exit 1'
    )
    done = publish()
    assert done.code == 6
    assert "GH006: Protected branch update failed" in done.err


def test_what_a_hook_says_cannot_reach_the_terminal_as_control(publish: Run, upstream: Upstream) -> None:
    upstream.hook("pre-receive", "printf '\\033]0;owned\\007 no \\302\\233 \\342\\200\\256 txet\\n' >&2; exit 1")
    done = publish()
    assert done.code == 6
    assert not set(done.err) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert "owned" in done.err


def test_a_push_whose_answer_is_lost_is_settled_by_looking(publish: Run, upstream: Upstream, tmp_path: Path) -> None:
    upstream.once("reference-transaction", DIE, tmp_path / "once", when='[ "$1" = committed ]')
    done = publish()
    assert done.code == 0, done.err
    assert "the push reported an error, but the record is in the branch" in done.err
    assert done.json["changed"] is True
    assert done.json["commit"] == upstream.tip()
    assert len(upstream.commits()) == 2
    again = publish()
    assert (again.code, again.json["changed"]) == (0, False)
    assert len(upstream.commits()) == 2


def test_a_lost_answer_is_found_below_other_writers_commits(publish: Run, upstream: Upstream, tmp_path: Path) -> None:
    """After our commit landed, another writer was on top before we could look."""
    upstream.git("config", "user.name", "Other")
    upstream.git("config", "user.email", "other@example.com")
    theirs = 'git update-ref refs/heads/main $(git commit-tree "$tip^{tree}" -p "$tip" -m theirs)'
    upstream.once(
        "reference-transaction",
        f"{UNQUARANTINED}\ntip=$(git rev-parse main)\n{theirs}\n{DIE}",
        tmp_path / "once",
        when='[ "$1" = committed ]',
    )
    done = publish()
    assert done.code == 0, done.err
    assert done.json["changed"] is True
    assert done.json["commit"] == upstream.commits()[1]
    assert len(upstream.commits()) == 3


def test_a_server_that_dies_before_its_ref_update_once_is_tried_again(
    publish: Run, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.once("pre-receive", DIE, tmp_path / "once")
    done = publish()
    assert done.code == 0, done.err
    assert len(check_history(upstream.path)) == 2


def test_a_server_that_always_dies_before_its_ref_update_is_try_again(publish: Run, upstream: Upstream) -> None:
    before = upstream.tip()
    upstream.hook("pre-receive", DIE)
    done = publish()
    assert done.code == 5
    assert "nothing was written" in done.err
    assert upstream.tip() == before


def test_a_lock_that_a_crash_left_on_the_server_is_try_again(publish: Run, upstream: Upstream) -> None:
    before = upstream.tip()
    (upstream.path / "refs" / "heads" / "main.lock").touch()
    done = publish()
    assert done.code == 5
    assert "could not lock its branch" in done.err
    assert upstream.tip() == before
    (upstream.path / "refs" / "heads" / "main.lock").unlink()
    assert publish().code == 0


def test_a_server_that_cannot_store_the_objects_is_a_failure(publish: Run, upstream: Upstream) -> None:
    """receive.maxInputSize makes unpacking fail as a full disk does: `unpacker error`."""
    before = upstream.tip()
    upstream.git("config", "receive.maxInputSize", "10")
    done = publish()
    assert done.code in (5, 6)
    assert "unpack" in done.err or "pack exceeds" in done.err
    assert upstream.tip() == before


def test_an_empty_remote_says_how_to_start(ledger: Run, tmp_path: Path) -> None:
    from tests.support.git.upstream import git

    git("init", "--quiet", "--bare", tmp_path / "empty.git")
    done = ledger("publish", f"a:v1@{digest()}", "--source", SOURCE, "--repo", tmp_path / "empty.git")
    assert done.code == 2
    assert "is empty" in done.err
    assert "ledger init" in done.err


def test_a_repository_without_a_ledger_says_how_to_make_one(ledger: Run, tmp_path: Path) -> None:
    from tests.support.git.upstream import git

    git("init", "--quiet", "--bare", "--initial-branch=main", tmp_path / "other.git")
    Upstream(tmp_path / "other.git").commit_as_other_writer({"README": b"hello\n"})
    done = ledger("publish", f"a:v1@{digest()}", "--source", SOURCE, "--repo", tmp_path / "other.git")
    assert done.code == 4
    assert "has no ledger.json" in done.err


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
@pytest.mark.parametrize("words", [["list"], ["check"], ["doctor"]])
def test_a_ledger_json_that_is_no_file_is_named_as_that(
    ledger: Run, tmp_path: Path, make: Callable[[Path], None], words: list[str]
) -> None:
    make(tmp_path / "ledger.json")
    done = ledger(*words, "--repo", tmp_path)
    assert (done.code, "is not a plain file" in done.out + done.err) == (4, True), done


def test_a_ledger_json_that_is_a_symlink_is_refused(ledger: Run, upstream: Upstream) -> None:
    target = upstream.git("hash-object", "-w", "--stdin", stdin=b"/etc/passwd")
    tree = upstream.git("mktree", stdin=f"120000 blob {target}\tledger.json\n".encode())
    upstream.git(
        "update-ref",
        "refs/heads/main",
        upstream.git("-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", "-m", "x", tree),
    )
    done = ledger("list", "--repo", upstream.url)
    assert done.code == 4
    assert "not a plain file" in done.err


def test_every_other_file_of_the_ledger_repository_is_kept(publish: Run, upstream: Upstream) -> None:
    upstream.commit_as_other_writer({"CODEOWNERS": b"* @team\n", "ä ö.txt": b"odd name\n"})
    before = upstream.git("ls-tree", "-z", "main").replace("\tledger.json", "").split("\0")
    assert publish().code == 0
    after = upstream.git("ls-tree", "-z", "main").replace("\tledger.json", "").split("\0")
    assert len(set(before) - set(after)) == 1  # ledger.json itself
    assert upstream.content("main", "CODEOWNERS") == b"* @team\n"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"schemaVersion": 1, "records": []}\n', b"\xff\xfe", b'{\n  "schemaVersion": 1,\n  "records": []\n}'],
)
def test_an_invalid_ledger_is_never_written_to(publish: Run, upstream: Upstream, content: bytes) -> None:
    before = upstream.commit_as_other_writer({"ledger.json": content}, "broken by hand")
    done = publish()
    assert done.code == 4
    assert "ledger.json, line " in done.err
    assert "hint: " in done.err
    assert upstream.tip() == before


def test_a_newer_schema_version_asks_for_an_upgrade(publish: Run, upstream: Upstream) -> None:
    newer = upstream.content().replace(b'"schemaVersion": 1', b'"schemaVersion": 2')
    before = upstream.commit_as_other_writer({"ledger.json": newer})
    done = publish()
    assert done.code == 4
    assert "upgrade" in done.err
    assert upstream.tip() == before


def test_a_broken_ledger_yaml_names_line_and_column(publish: Run, upstream: Upstream) -> None:
    before = upstream.commit_as_other_writer({"ledger.yaml": b"tags:\n  mutable: [1.10]\n"})
    done = publish()
    assert done.code == 2
    assert "ledger.yaml, line 2, column 13" in done.err
    assert 'quote it: `"1.10"`' in done.err
    assert upstream.tip() == before


def test_a_push_that_runs_out_of_time_is_settled_by_looking(upstream: Upstream) -> None:
    """The server takes the commit, and then keeps us waiting for its answer."""
    upstream.hook("reference-transaction", '[ "$1" = committed ] && sleep 20; exit 0')
    began = time.monotonic()
    words = ["publish", f"myorg/app:v1@{digest()}", "--source", SOURCE, "--repo", upstream.url]
    done = finish(start(*words, "--timeout", "3"))
    assert done.code == 0, done.err
    assert "the record is in the branch" in done.err
    assert time.monotonic() - began < 18


def test_an_unknown_branch_lists_the_branches_of_the_remote(ledger: Run, upstream: Upstream) -> None:
    upstream.git("tag", "v1.0", "main")
    done = ledger("list", "--repo", upstream.url, "--branch", "v1.0")
    assert done.code == 2
    assert "name one of: main" in done.err
    upstream.git("symbolic-ref", "HEAD", "refs/heads/missing")
    done = ledger("list", "--repo", upstream.url)
    assert done.code == 2
    assert "pass `--branch main`" in done.err

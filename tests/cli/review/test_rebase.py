"""`rebase`: a pull request's changes, made again on the new base."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.clone import ALL, Clone
from tests.support.git.upstream import DIE, UNQUARANTINED, Upstream
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]


def test_rebase_makes_the_changes_again_and_keeps_authors_and_messages(clone: Clone) -> None:
    clone.git("checkout", "-q", "pr")
    before = clone.git("log", "--reverse", "--format=%an %ae %at%n%B", "main..pr")
    done = clone.ledger("rebase", "main")
    assert done.code == 0, done.err
    assert clone.tags() == ALL
    assert clone.git("log", "--reverse", "--format=%an %ae %at%n%B", "main..pr") == before
    assert clone.git("log", "--format=%P", "main..pr").split()[-1] == clone.git("rev-parse", "main")
    assert clone.git("status", "--porcelain") == ""
    assert clone.ledger("check", "--base", "main").code == 0
    again = clone.ledger("rebase", "main", "--format", "json")
    assert again.json["old"] == again.json["new"] == clone.git("rev-parse", "pr")
    check_schema("rebase-v1", again.json)


def test_rebase_keeps_the_runs_of_the_commits_that_it_replays(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    clone.git("checkout", "-q", "pr")
    monkeypatch.setenv("LEDGER_RUN", "https://ci.example.com/first")
    assert clone.ledger("set", "*", "--label", "x=y", "--no-push").code == 0
    monkeypatch.setenv("LEDGER_RUN", "https://ci.example.com/rebase")
    before = clone.git("log", "--reverse", "--format=%B", "main..pr")
    assert "Run: https://ci.example.com/first" in before
    assert clone.ledger("rebase", "main").code == 0
    after = clone.git("log", "--reverse", "--format=%B", "main..pr")
    assert after.count("Run: https://ci.example.com/first") == 1
    assert "rebase" not in after


def test_rebase_carries_other_files_along_and_refuses_those_that_both_changed(clone: Clone) -> None:
    clone.git("checkout", "-q", "pr")
    (clone.folder / "ledger.yaml").write_text("tags:\n  mutable: [edge]\n")
    script = clone.folder / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    clone.git("add", "-A")
    clone.git("commit", "-qm", "settings")
    assert clone.ledger("rebase", "main").code == 0
    assert "edge" in clone.git("show", "pr:ledger.yaml")
    assert stat.S_IMODE(script.stat().st_mode) & 0o111
    clone.git("checkout", "-q", "main")
    (clone.folder / "ledger.yaml").write_text("tags:\n  mutable: [main]\n")
    clone.git("add", "-A")
    clone.git("commit", "-qm", "other settings")
    clone.git("checkout", "-q", "pr")
    tip = clone.git("rev-parse", "pr")
    refused = clone.ledger("rebase", "main")
    assert refused.code == 2
    assert "ledger.yaml" in refused.err
    assert clone.git("rev-parse", "pr") == tip


def test_rebase_leaves_out_what_the_base_has_and_says_only_what_is_left(clone: Clone) -> None:
    clone.publish("app:v3", 3)
    batch = clone.folder.parent / "batch.json"
    batch.write_text(
        "[" + ",".join(f'{{"image":"app","tag":"{tag}","digest":"{digest(tag)}"}}' for tag in ("v5", "v6")) + "]"
    )
    clone.git("checkout", "-q", "pr")
    assert clone.ledger("publish", "--from", batch, "--source", SOURCE, "--offline", "--no-push").code == 0
    clone.git("checkout", "-q", "main")
    clone.publish("app:v5", "v5")
    clone.git("checkout", "-q", "pr")
    done = clone.ledger("rebase", "main", "--format", "json")
    assert done.code == 0, done.err
    assert [bool(one["new"]) for one in done.json["commits"]] == [True, False, True]
    assert "v5" not in clone.git("log", "-1", "--format=%B")
    checked = clone.ledger("check", "--base", "main")
    assert checked.code == 0, checked.out


def test_rebase_counts_anew_where_the_base_has_a_part_of_many(clone: Clone) -> None:
    batch = clone.folder.parent / "many.json"
    batch.write_text(json.dumps([{"image": "many", "tag": f"t{at}", "digest": digest(at)} for at in range(102)]))
    clone.git("checkout", "-q", "pr")
    assert clone.ledger("publish", "--from", batch, "--source", SOURCE, "--offline", "--no-push").code == 0
    clone.git("checkout", "-q", "main")
    for at in range(3):
        clone.publish(f"many:t{at}", at)
    clone.git("checkout", "-q", "pr")
    assert clone.ledger("rebase", "main").code == 0
    assert "Records:" not in clone.git("log", "-1", "--format=%B")
    checked = clone.ledger("check", "--base", "main")
    assert checked.code == 0, checked.out


def test_rebase_refuses_what_collides_and_changes_nothing(clone: Clone) -> None:
    clone.publish("app:v3", "other")
    clone.git("checkout", "-q", "pr")
    tip = clone.git("rev-parse", "pr")
    refused = clone.ledger("rebase", "main")
    assert refused.code == 3
    assert "collides with changes in the base: app:v3; nothing was changed\n" in refused.err
    assert f"\n\nbefore   absent\nbase     {digest('other')}\ncommit   {digest(3)}\n\nhint: " in refused.err
    assert clone.git("rev-parse", "pr") == tip
    assert clone.git("status", "--porcelain") == ""


def test_rebase_keeps_uncommitted_work_by_refusing(clone: Clone) -> None:
    clone.git("checkout", "-q", "pr")
    (clone.folder / "ledger.json").write_text("mine")
    refused = clone.ledger("rebase", "main")
    assert refused.code == 2
    assert "uncommitted" in refused.err
    assert (clone.folder / "ledger.json").read_text() == "mine"


def test_rebase_flattens_merges_of_the_base(clone: Clone) -> None:
    clone.git("checkout", "-q", "pr")
    clone.git("merge", "-q", "main", "-m", "up to date")
    clone.publish("app:v5", 5)
    assert clone.ledger("rebase", "main").code == 0
    assert clone.git("rev-list", "--merges", "main..pr") == ""
    assert clone.tags() == [*ALL, "app:v5"]


def test_rebase_does_not_lose_what_a_merge_commit_itself_changed(clone: Clone) -> None:
    clone.git("checkout", "-q", "pr")
    clone.git("merge", "-q", "--no-commit", "main")
    path = clone.folder / "ledger.json"
    path.write_text(path.read_text().replace('"env": "prod"', '"env": "evil"'))
    clone.git("commit", "-qam", "merged")
    assert clone.ledger("rebase", "main").code == 3
    checked = clone.ledger("check", "--base", "main")
    assert checked.code == 1
    assert ": merge: " in checked.out


def test_rebase_does_not_lose_another_file_that_a_merge_commit_itself_added(clone: Clone) -> None:
    clone.git("checkout", "-q", "pr")
    clone.git("merge", "-q", "--no-commit", "main")
    (clone.folder / "NOTES").write_text("precious\n")
    clone.git("add", "NOTES")
    clone.git("commit", "-qm", "merged")
    refused = clone.ledger("rebase", "main")
    assert refused.code == 3
    assert "changes of its own" in refused.err
    assert (clone.folder / "NOTES").exists()


def test_rebase_right_after_a_publish_does_not_take_it_for_uncommitted(clone: Clone) -> None:
    clone.git("checkout", "-q", "pr")
    clone.publish("app:v5", 5)
    done = clone.ledger("rebase", "main")
    assert done.code == 0, done.err
    assert clone.tags() == [*ALL, "app:v5"]


def test_rebase_keeps_an_author_whose_commit_is_in_another_encoding(clone: Clone) -> None:
    clone.git("checkout", "-q", "pr")
    raw = clone.git("cat-file", "commit", "pr").encode() + b"\n"
    raw = raw.replace(b"author Ada", "author J\u00f6rg".encode("latin-1"))
    raw = raw.replace(b"\n\n", b"\nencoding ISO-8859-1\n\n", 1)
    made = subprocess.run(
        ["git", "-C", clone.folder, "hash-object", "-t", "commit", "-w", "--stdin"],
        input=raw, capture_output=True, check=True,
    ).stdout.decode().strip()  # fmt: skip
    clone.git("reset", "-q", "--hard", made)
    clone.git("config", "i18n.commitEncoding", "ISO-8859-1")
    assert clone.ledger("rebase", "main").code == 0
    assert clone.git("log", "-1", "--encoding=UTF-8", "--format=%an <%ae>") == "J\u00f6rg <ada@example.com>"
    assert "encoding" not in clone.git("cat-file", "commit", "pr")


def test_the_default_branch_of_a_remote_is_never_rewritten(clone: Clone, upstream: Upstream, ledger: Run) -> None:
    clone.git("push", "-q", "origin", "main", "pr")
    tip = upstream.tip()
    refused = ledger("rebase", "pr", "--repo", upstream.url, "--branch", "main")
    assert refused.code == 2
    assert "never rewritten" in refused.err
    assert upstream.tip() == tip


def test_a_branch_of_a_remote_is_rebased_and_pushed(clone: Clone, upstream: Upstream, ledger: Run) -> None:
    clone.git("push", "-q", "origin", "main", "pr")
    done = ledger("rebase", "--repo", upstream.url, "--branch", "pr")
    assert done.code == 0, done.err
    assert [f"{one['image']}:{one['tag']}" for one in upstream.records("pr")] == ALL
    assert upstream.git("merge-base", "pr", "main") == upstream.tip()
    dry = ledger("rebase", "--repo", upstream.url, "--branch", "pr", "--dry-run")
    assert dry.code == 0
    assert "nothing to do" in dry.out


def test_a_remote_without_a_branch_named_is_a_mistake(ledger: Run, upstream: Upstream) -> None:
    assert ledger("rebase", "--repo", upstream.url).code == 2


@pytest.fixture
def rebase(clone: Clone, upstream: Upstream, ledger: Run) -> Callable[..., Outcome]:
    """Return a function that rebases the branch `pr` of the remote."""
    clone.git("push", "-q", "origin", "main", "pr")
    return lambda *options: ledger("rebase", "--repo", upstream.url, "--branch", "pr", *options)


def test_a_rebase_whose_push_landed_and_whose_answer_is_lost_is_done(
    rebase: Callable[..., Outcome], upstream: Upstream, tmp_path: Path
) -> None:
    upstream.once("reference-transaction", DIE, tmp_path / "once", when='[ "$1" = committed ]')
    done = rebase("--format", "json")
    assert done.code == 0, done.err
    assert done.json["new"] == upstream.tip("pr")
    assert upstream.git("merge-base", "pr", "main") == upstream.tip()
    assert "the push reported an error, but the rebased commits are in the branch" in done.err


def test_a_rebase_whose_lost_answer_is_followed_by_another_writer_is_done(
    rebase: Callable[..., Outcome], upstream: Upstream, tmp_path: Path
) -> None:
    upstream.git("config", "user.name", "Other")
    upstream.git("config", "user.email", "other@example.com")
    theirs = 'git update-ref refs/heads/pr $(git commit-tree "pr^{tree}" -p pr -m theirs)'
    script = f"{UNQUARANTINED}\n{theirs}\n{DIE}"
    upstream.once("reference-transaction", script, tmp_path / "once", when='[ "$1" = committed ]')
    done = rebase("--format", "json")
    assert done.code == 0, done.err
    assert done.json["new"] == upstream.commits("pr")[1]


def test_a_rebase_is_tried_again_where_the_server_died_before_it_moved_the_branch(
    rebase: Callable[..., Outcome], upstream: Upstream, tmp_path: Path
) -> None:
    upstream.once("pre-receive", DIE, tmp_path / "once")
    assert rebase().code == 0
    assert upstream.git("merge-base", "pr", "main") == upstream.tip()


def test_a_rebase_of_a_branch_that_moved_meanwhile_changes_nothing(
    rebase: Callable[..., Outcome], upstream: Upstream, tmp_path: Path
) -> None:
    theirs = upstream.git("commit-tree", "pr^{tree}", "-p", "pr", "-m", "theirs")
    upstream.once("update", f'env -u GIT_QUARANTINE_PATH git update-ref "$1" {theirs}', tmp_path / "once")
    done = rebase()
    assert done.code == 5
    assert "somebody else moved" in done.err
    assert upstream.tip("pr") == theirs


def test_a_rebase_that_a_hook_refuses_is_refused_in_its_words(
    rebase: Callable[..., Outcome], upstream: Upstream
) -> None:
    tip = upstream.tip("pr")
    upstream.hook("update", 'echo "stale info: no rewriting on Fridays" >&2; exit 1')
    done = rebase()
    assert done.code == 6
    assert "no rewriting on Fridays" in done.err
    assert "rebase in a clone" in done.err
    assert upstream.tip("pr") == tip


def test_a_rebase_that_would_lose_a_signature_is_refused_if_so_asked(
    rebase: Callable[..., Outcome], upstream: Upstream
) -> None:
    """A message that only looks like one is no signature."""
    head, _, message = upstream.git("cat-file", "commit", "pr").partition("\n\n")
    signature = "gpgsig -----BEGIN SSH SIGNATURE-----\n nothing\n -----END SSH SIGNATURE-----"

    def commit(text: str) -> str:
        made = upstream.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
        upstream.git("update-ref", "refs/heads/pr", made)
        return made

    signed = commit(f"{head}\n{signature}\n\n{message}\n")
    done = rebase("--unattended")
    assert done.code == 3
    assert "would lose its signature" in done.err
    assert upstream.tip("pr") == signed
    assert rebase().code == 0
    commit(f"{head}\n\n{message}\n\n{signature}\n")
    assert rebase("--unattended").code == 0


AMENDED = {
    "by somebody else": ("--no-edit",),
    "under another name": ("--no-edit", "--author=Eve <eve@example.com>"),
    "with another message": ("--reset-author", "-m", "work in progress"),
}


@pytest.mark.parametrize("how", AMENDED)
def test_what_a_person_amended_is_theirs_where_nobody_watches(how: str, clone: Clone) -> None:
    """The transaction stays in the message of an amended commit."""
    clone.git("checkout", "-q", "pr")
    done = clone.ledger("rebase", "main", "--unattended", "--dry-run")
    assert done.code == 0, done.err
    clone.git("commit", "-q", "--amend", *AMENDED[how])
    tip = clone.git("rev-parse", "pr")
    done = clone.ledger("rebase", "main", "--unattended")
    assert done.code == 3, done.err
    assert "is not as `ledger` made it" in done.err
    assert clone.git("rev-parse", "pr") == tip
    assert clone.ledger("rebase", "main").code == 0


@pytest.mark.parametrize(
    ("name", "content"), [("README.md", "words\n"), ("ledger.json", "none\n"), ("ledger.json", "")]
)
def test_another_file_or_a_broken_ledger_makes_a_commit_a_persons(name: str, content: str, clone: Clone) -> None:
    clone.git("checkout", "-q", "pr")
    (clone.folder / name).write_text(content)
    clone.git("add", "-A")
    clone.git("commit", "-q", "--amend", "--no-edit", "--reset-author")
    tip = clone.git("rev-parse", "pr")
    done = clone.ledger("rebase", "main", "--unattended")
    assert done.code == 3, done.err
    assert clone.git("rev-parse", "pr") == tip


def test_what_one_job_rebased_it_may_rebase_again(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_NAME", "the job")
    clone.git("checkout", "-q", "pr")
    assert clone.ledger("rebase", "main", "--unattended").code == 0
    clone.git("checkout", "-q", "main")
    clone.publish("app:v9", 9)
    clone.git("checkout", "-q", "pr")
    done = clone.ledger("rebase", "main", "--unattended")
    assert done.code == 0, done.err
    assert clone.git("log", "-1", "--format=%cn", "pr") == "the job"

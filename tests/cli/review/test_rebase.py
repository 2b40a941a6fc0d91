"""The merge driver under `git merge`, `git rebase` and `git cherry-pick`, and `ledger rebase` without any of them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]


class Clone:
    """A clone of a ledger, on some branch."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self._run = run

    def git(self, *arguments: object, check: bool = True) -> str:
        return git("-C", self.folder, *arguments, check=check)

    def try_git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", "-C", str(self.folder), *arguments], capture_output=True, text=True, check=False)

    def ledger(self, *words: object) -> Outcome:
        return self._run(*words, "--repo", self.folder)

    def publish(self, name: str, seed: object, *options: object) -> None:
        done = self.ledger("publish", f"{name}@{digest(seed)}", "--source", SOURCE, "--offline", "--no-push", *options)
        assert done.code == 0, done.err

    def tags(self) -> list[str]:
        return [f"{one['image']}:{one['tag']}" for one in self.ledger("list", "--format", "json").json]


@pytest.fixture
def clone(upstream: Upstream, tmp_path: Path, ledger: Run, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Two branches of one ledger: `pr` has app:v2 and app:v3, `main` has app:v4 by now; the driver is installed."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@example.com")
    found = Clone(tmp_path / "clone", ledger)
    git("clone", "-q", upstream.url, found.folder)
    found.publish("app:v1", 1)
    assert found.ledger("merge-driver", "--install").code == 0
    found.git("checkout", "-q", "-b", "pr")
    found.publish("app:v2", 2, "--label", "env=prod")
    found.publish("app:v3", 3)
    found.git("checkout", "-q", "main")
    found.publish("app:v4", 4)
    return found


ALL = ["app:v1", "app:v2", "app:v3", "app:v4"]


def test_without_the_driver_two_publishes_conflict(clone: Clone) -> None:
    """So that the tests below say something."""
    clone.git("config", "--remove-section", "merge.ledger")
    assert clone.try_git("merge", "pr").returncode == 1


@pytest.mark.parametrize(
    "commands",
    [
        [("merge", "-q", "pr", "-m", "merged")],
        [("checkout", "-q", "pr"), ("rebase", "-q", "main")],
        [("cherry-pick", "main..pr")],
    ],
    ids=["merge", "rebase", "cherry-pick"],
)
def test_changes_of_different_records_come_together(clone: Clone, commands: list[tuple[str, ...]]) -> None:
    base = clone.git("rev-parse", "main~1")
    for command in commands:
        clone.git(*command)
    assert clone.tags() == ALL
    checked = clone.ledger("check", "--base", base)
    assert checked.code == 0, checked.out


def test_one_record_with_two_digests_is_a_conflict_that_both_a_person_and_check_can_read(clone: Clone) -> None:
    clone.publish("app:v3", "other")
    done = clone.try_git("merge", "pr")
    assert done.returncode == 1
    assert f"conflict: app:v3: {digest('other')} on our side, {digest(3)} on theirs, not there before" in done.stderr
    text = (clone.folder / "ledger.json").read_text()
    assert text.count("<<<<<<< ") == text.count(">>>>>>> ") == 1
    assert '"tag": "v2"' in text.partition("<<<<<<<")[0]
    checked = clone.ledger("check")
    assert checked.code == 4
    assert f"app:v3 is {digest('other')} on one side and {digest(3)} on the other" in checked.out
    line = text[: text.index("<<<<<<<")].count("\n") + 1
    assert checked.out.startswith(f"ledger.json:{line}:1: ")
    refused = clone.ledger("get", "app:v1")
    assert refused.code == 4
    assert "keep the lines of one side" in refused.err


def test_the_driver_runs_this_python_whatever_the_path_holds(clone: Clone, tmp_path: Path) -> None:
    """Nor does it import what lies in the work tree."""
    (clone.folder / "json.py").write_text("raise SystemExit('hijacked')\n")
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in ("git", "sh"):
        found = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        (bare / name).symlink_to(found)
    done = subprocess.run(
        ["git", "-C", str(clone.folder), "merge", "-q", "pr", "-m", "x"],
        env={**os.environ, "PATH": str(bare)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert clone.tags() == ALL
    assert sys.executable in clone.git("config", "merge.ledger.driver")


def test_a_driver_that_is_gone_leaves_no_side_out_in_silence(clone: Clone) -> None:
    """Git takes any failure of a driver for a conflict, and would leave our side alone in the file."""
    driver = clone.git("config", "merge.ledger.driver")
    clone.git("config", "merge.ledger.driver", driver.replace(sys.executable, "/not/there/python"))
    done = clone.try_git("merge", "pr")
    assert done.returncode == 1
    text = (clone.folder / "ledger.json").read_text()
    assert "<<<<<<<" in text
    for tag in ("v2", "v3", "v4"):
        assert f'"tag": "{tag}"' in text


def test_a_side_that_is_no_ledger_is_merged_by_line_and_always_a_conflict(clone: Clone) -> None:
    path = clone.folder / "ledger.json"
    path.write_text(path.read_text().replace('"schemaVersion": 1', '"schemaVersion":  1'))
    clone.git("commit", "-qam", "odd")
    done = clone.try_git("merge", "pr")
    assert done.returncode == 1
    assert "no valid ledger.json" in done.stderr
    assert '"tag": "v2"' in path.read_text()
    assert '"tag": "v4"' in path.read_text()


def test_install_twice_is_install_once_and_attributes_are_told_where_they_lack(clone: Clone) -> None:
    attributes = clone.folder / ".git" / "info" / "attributes"
    before = attributes.read_text()
    assert before == "ledger.json merge=ledger\n"
    again = clone.ledger("merge-driver", "--install")
    assert (again.code, attributes.read_text()) == (0, before)
    assert "`.gitattributes`" not in again.err


def test_attributes_without_a_last_newline_keep_their_last_line(clone: Clone) -> None:
    attributes = clone.folder / ".git" / "info" / "attributes"
    attributes.write_text("*.png binary")
    assert clone.ledger("merge-driver", "--install").code == 0
    assert attributes.read_text() == "*.png binary\nledger.json merge=ledger\n"


def test_install_outside_of_a_clone_and_a_wrong_number_of_files_are_mistakes(ledger: Run, tmp_path: Path) -> None:
    assert ledger("merge-driver", "--install", "--repo", tmp_path).code == 2
    assert ledger("merge-driver", "a", "b").code == 2


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
    assert digest("other") in refused.err
    assert digest(3) in refused.err
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

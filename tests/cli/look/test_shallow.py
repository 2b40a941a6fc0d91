"""History in a clone that is cut off: the answer of the whole clone, or none."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def commits(run: Run, upstream: Upstream) -> list[str]:
    """Return the commits of a ledger whose tag `a:v1` moved each month; `b:v1` is as old as the ledger."""
    for number in range(4):
        more = ["--force", "--reason", "new"] if number else []
        more += ["--published-at", "2025-12-31T00:00:00Z"]
        run("publish", f"{'a:v1' if number else 'b:v1'}@{digest(number)}", "--source", SOURCE, "--offline", *more)
    return dated(upstream, 1767268800, 30 * 86400)


def dated(upstream: Upstream, start: int, step: int) -> list[str]:
    """Make all commits but the first again, at regular times from noon of 2026-01-01 on; return them."""
    made: list[str] = []
    for number, old in enumerate(reversed(upstream.commits())):
        raw = upstream.git("cat-file", "commit", old)
        raw = re.sub(r"(?m)^(author|committer)( .*>) [0-9]+", rf"\g<1>\g<2> {start + (number - 1) * step}", raw)
        raw = re.sub(r"(?m)^parent .*$", f"parent {made[-1]}", raw) if made else raw
        made.append(upstream.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=f"{raw}\n".encode()))
    upstream.git("update-ref", "refs/heads/main", made[-1])
    return made[1:]


@pytest.fixture
def shallow(upstream: Upstream, commits: list[str], tmp_path: Path) -> Callable[[int], Path]:
    """Return a function that clones the last commits only."""

    def clone(depth: int) -> Path:
        folder = tmp_path / f"shallow-{depth}"
        git("clone", "--quiet", f"--depth={depth}", f"file://{upstream.path}", folder)
        return folder

    return clone


REFUSED = [
    ("whence", digest(0)), ("whence", digest(2)), ("whence", digest("never")), ("log",), ("log", "b:v1"),
    ("log", "--since", "2026-01-15"), ("get", "b:v1", "--at", "2026-01-15"), ("list", "--at", "2026-01-15"),
    ("get", "b:v1", "--at", "HEAD~3"), ("diff", "HEAD~3"), ("check", "--base", "HEAD~3"), ("audit",),
]  # fmt: skip


def test_what_depends_on_the_missing_part_is_refused(ledger: Run, shallow: Callable[[int], Path]) -> None:
    for depth, wanted in ((1, REFUSED[:3]), (3, REFUSED)):
        folder = shallow(depth)
        for words in wanted:
            done = ledger(*words, "--repo", folder)
            assert (done.code, done.out) == (2, ""), words
            assert "git fetch --unshallow" in done.err


ANSWERED = [
    ("log", "a:v1", "--limit", "2", "--format", "json"),
    ("log", "--since", "HEAD~2", "--format", "json"),
    ("get", "a:v1", "--at", "2026-03-15"),
    ("get", "a:v1", "--at", "2026-02-15"),
    ("list", "--at", "HEAD~2"),
    ("diff", "HEAD~2", "HEAD~1", "--format", "json"),
    ("check", "--base", "HEAD~2"),
]


def test_what_does_not_depend_on_it_is_answered_as_in_a_whole_clone(
    ledger: Run, shallow: Callable[[int], Path], upstream: Upstream, tmp_path: Path
) -> None:
    git("clone", "--quiet", upstream.path, tmp_path / "whole")
    folder = shallow(3)
    for words in ANSWERED:
        whole, cut = ledger(*words, "--repo", tmp_path / "whole"), ledger(*words, "--repo", folder)
        assert (cut.code, cut.out) == (whole.code, whole.out), words
        assert whole.code == 0, whole.err


def test_a_remote_that_is_shallow_itself_is_read_as_far_as_it_goes(
    ledger: Run, commits: list[str], upstream: Upstream, tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror.git"
    git("clone", "--quiet", "--bare", "--depth=2", f"file://{upstream.path}", mirror)
    assert ledger("whence", digest(0), "--repo", mirror).code == 2
    (entry,) = ledger("log", "--limit", "1", "--repo", mirror, "--format", "json").json["entries"]
    assert entry["commit"] == commits[-1]


def test_two_branches_that_parted_in_the_missing_part_are_not_compared(
    ledger: Run, commits: list[str], upstream: Upstream, tmp_path: Path
) -> None:
    """A merge may have brought an older commit of one branch into the other: that is not where they parted."""
    whole = tmp_path / "whole"
    git("clone", "--quiet", upstream.path, whole)
    git("-C", whole, "checkout", "--quiet", "-b", "pr", commits[0])
    git("-C", whole, "commit", "--quiet", "--allow-empty", "-m", "work")
    git("-C", whole, "merge", "--quiet", "--no-edit", commits[2])
    git("-C", whole, "push", "--quiet", "origin", "pr")
    folder = tmp_path / "cut"
    git("clone", "--quiet", "--depth=2", "--no-single-branch", f"file://{upstream.path}", folder)
    for words in (("diff", "origin/main", "origin/pr"), ("check", "--base", "origin/main", "--branch", "origin/pr")):
        done = ledger(*words, "--repo", folder)
        assert done.code == 2 or done.out == ledger(*words, "--repo", whole).out
    git("-C", folder, "fetch", "--quiet", "--unshallow")
    assert ledger("diff", "origin/main", "origin/pr", "--repo", folder).code == 0


def test_grafts_and_replacements_change_no_answer(
    ledger: Run, commits: list[str], upstream: Upstream, tmp_path: Path
) -> None:
    folder = tmp_path / "clone"
    git("clone", "--quiet", upstream.path, folder)
    words = [("log", "--format", "json"), ("whence", digest(1)), ("get", "b:v1", "--at", "2026-01-15")]
    before = [ledger(*one, "--repo", folder).out for one in words]
    assert all(before)
    git("-C", folder, "replace", "--graft", commits[2])
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "grafts").write_text(f"{commits[3]}\n")
    assert [ledger(*one, "--repo", folder).out for one in words] == before

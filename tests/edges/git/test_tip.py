"""The tip of a branch in one answer of git, and objects that are written without git: both as git has them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_tool.core.ledger.names import LEDGER, SETTINGS
from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.git import tip
from ledger_tool.edges.git.entries import Entry, entries_of, tree_of
from ledger_tool.edges.git.loose import write_loose
from ledger_tool.edges.git.process import run
from ledger_tool.edges.git.repository import Repository
from ledger_tool.edges.git.tip import read_tip
from ledger_tool.errors import GitFailed
from tests.support.git.processes import commands_naming
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]

_PLAIN, _LINK, _FOLDER = "100644", "120000", "040000"
MAIN = "refs/heads/main"


@pytest.fixture(params=["sha1", "sha256"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    git("init", "--quiet", "--bare", f"--object-format={request.param}", tmp_path / "own.git")
    return _opened(tmp_path / "own.git")


def _opened(git_dir: Path) -> Repository:
    environment = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}
    return Repository(git_dir, environment, Deadline(60), is_ours=True)


def _blob(repository: Repository, content: bytes) -> str:
    return repository.must("hash-object", "-w", "--stdin", stdin=content)


def test_objects_are_what_git_would_have_written(repository: Repository) -> None:
    content = ledger_bytes(record()) * 50
    width = len(_blob(repository, b""))
    blob = write_loose(repository.git_dir, "blob", content, width)
    assert blob == git(f"--git-dir={repository.git_dir}", "hash-object", "--stdin", stdin=content)
    assert repository.blobs([blob]) == [content]
    folder = repository.must("mktree", stdin=f"{_PLAIN} blob {blob}\tx\n".encode())
    entries = [
        Entry(_FOLDER, "tree", folder, "a"),
        Entry(_PLAIN, "blob", blob, "a.b"),
        Entry("100755", "blob", blob, "a-b"),
        Entry(_LINK, "blob", blob, "a0"),
        Entry("160000", "commit", "1" * width, "module"),
        Entry(_PLAIN, "blob", blob, "\udcff space\nline"),
        Entry(_PLAIN, "blob", blob, LEDGER),
    ]
    lines = "".join(f"{one.mode} {one.kind} {one.oid}\t{one.path}\0" for one in entries)
    by_git = repository.must("mktree", "-z", "--missing", stdin=lines.encode("utf-8", "surrogateescape"))
    assert repository.write_root(entries, content) == by_git
    assert {*entries_of(tree_of(entries), width)} == {*entries}


def test_a_tip_is_what_git_says_piece_by_piece(repository: Repository) -> None:
    content, rules = ledger_bytes(record()), b"ttl: 7d\n"
    files = {LEDGER: content, SETTINGS: rules, "README.md": b"# Ours\n"}
    entries = [Entry(_PLAIN, "blob", _blob(repository, text), path) for path, text in files.items()]
    environment = dict(repository.environment) | {f"GIT_{who}_NAME": "A > B" for who in ("AUTHOR", "COMMITTER")}
    environment |= {"EMAIL": "a@example.com", "GIT_COMMITTER_DATE": "@1700000000 +0130"}
    named = Repository(repository.git_dir, environment, repository.deadline)
    tree = named.write_root(entries, content)
    commit = named.must("commit-tree", "-m", "committer X <y> 1 +0000", tree)
    repository.must("update-ref", MAIN, commit)
    found = read_tip(repository, MAIN)
    assert found
    assert (found.commit, found.seconds, found.ledger, found.settings) == (commit, 1_700_000_000, content, rules)
    assert [(one.oid, one.path) for one in found.entries] == [(one.oid, one.path) for one in repository.entries(commit)]


Tree = Callable[[Repository, str], list[Entry]]
_UNUSUAL: dict[str, Tree] = {
    "no ledger": lambda _, blob: [Entry(_PLAIN, "blob", blob, "README.md")],
    "a link": lambda _, blob: [Entry(_LINK, "blob", blob, LEDGER)],
    "a folder": lambda own, blob: [
        Entry(_FOLDER, "tree", own.must("mktree", stdin=f"{_PLAIN} blob {blob}\tx\n".encode()), LEDGER)
    ],
    "a module": lambda _, blob: [Entry("160000", "commit", blob, LEDGER)],
    "twice": lambda _, blob: [Entry(_PLAIN, "blob", blob, LEDGER), Entry(_PLAIN, "blob", blob, LEDGER)],
    "a missing blob": lambda _, blob: [Entry(_PLAIN, "blob", "1" * len(blob), LEDGER)],
    "rules that are a link": lambda _, blob: [
        Entry(_PLAIN, "blob", blob, LEDGER), Entry(_LINK, "blob", blob, SETTINGS)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", _UNUSUAL)
def test_what_is_unusual_is_left_to_git_piece_by_piece(tmp_path: Path, name: str) -> None:
    git("init", "--quiet", "--bare", tmp_path / "own.git")
    own = _opened(tmp_path / "own.git")
    blob = _blob(own, ledger_bytes())
    tree = write_loose(own.git_dir, "tree", tree_of(_UNUSUAL[name](own, blob)), len(blob))
    commit = git(f"--git-dir={own.git_dir}", "commit-tree", "-m", "x", tree)
    git(f"--git-dir={own.git_dir}", "update-ref", MAIN, commit)
    assert read_tip(own, MAIN) is None
    assert read_tip(own, "refs/heads/none") is None


_ODD = {
    "a folder with permissions": (b"40755 a", True),
    "a file that its group may write": (b"100664 a", False),
    "a file with few permissions": (b"100600 a", False),
    "a mode with a zero in front": (b"0100644 a", False),
}


@pytest.mark.parametrize("name", _ODD)
def test_a_tree_that_git_would_not_have_written_becomes_one_that_it_would(repository: Repository, name: str) -> None:
    """Old versions of git and other programs have written such modes, and hosts refuse them in what is pushed."""
    blob = _blob(repository, ledger_bytes())
    folder = repository.must("mktree", stdin=f"{_PLAIN} blob {blob}\tx\n".encode())
    begins, is_folder = _ODD[name]
    rest = [(b"100644 a.b", blob), (f"100644 {LEDGER}".encode(), blob)]
    pairs = [(begins, folder if is_folder else blob), *rest]
    raw = b"".join(words + b"\0" + bytes.fromhex(oid) for words, oid in pairs)
    with pytest.raises(ValueError, match="Entry"):
        list(entries_of(raw, len(blob)))
    tree = write_loose(repository.git_dir, "tree", raw, len(blob))
    commit = git(f"--git-dir={repository.git_dir}", "commit-tree", "-m", "x", tree)
    repository.must("update-ref", MAIN, commit)
    assert read_tip(repository, MAIN) is None
    lines = repository.must("ls-tree", commit)
    assert repository.write_root(repository.entries(commit), ledger_bytes()) == repository.must(
        "mktree", stdin=f"{lines}\n".encode()
    )


def test_a_name_that_no_file_has_is_left_to_git_which_refuses_it(repository: Repository) -> None:
    blob = _blob(repository, b"")
    for name in ("d/e", ""):
        with pytest.raises(ValueError, match="Entry"):
            list(entries_of(f"100644 {name}\0".encode() + bytes.fromhex(blob), len(blob)))
    with pytest.raises(GitFailed, match="mktree"):
        repository.write_root([Entry(_PLAIN, "blob", blob, "d/e"), Entry(_PLAIN, "blob", blob, LEDGER)], b"")


def test_a_tree_that_is_cut_short_is_broken(repository: Repository) -> None:
    blob = _blob(repository, b"")
    with pytest.raises(ValueError, match="Entry"):
        list(entries_of(tree_of([Entry(_PLAIN, "blob", blob, LEDGER)])[:-1], len(blob)))


def test_a_file_beyond_all_bounds_is_not_read(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_tip(_opened(upstream.path), MAIN)
    monkeypatch.setattr(tip, "_MOST", 100)
    assert read_tip(_opened(upstream.path), MAIN) is None


def test_a_command_that_says_too_much_is_ended() -> None:
    environment = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "alias.y", "HOME": "/"}
    done = run(["y"], environment=environment | {"GIT_CONFIG_VALUE_0": "!yes"}, most=1000)
    assert not done.ok
    assert done.stdout == b""


def test_a_publish_with_wrong_values_ends_the_clone_that_it_has_started(
    ledger: Run, upstream: Upstream, hermetic: Path, temporary_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = hermetic / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text('#!/bin/sh\ncase " $* " in *" clone "*) exec sleep 54321;; esac\nexec /usr/bin/git "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:/usr/bin:/bin:/usr/sbin:/sbin")
    done = ledger("publish", "myorg/app:v1@sha256:1", "--source", SOURCE, "--repo", upstream.url)
    assert done.code == 2, done.err
    assert not commands_naming("54321")
    assert not list(temporary_files.glob(f"ledger-run-{os.geteuid()}-*/ledger.git"))

"""The contents of blobs from one process of git: each as it is, whatever the repository lacks."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import pytest

from ledger_tool.edges.deadline import usual_deadline
from ledger_tool.edges.git.contents import contents
from ledger_tool.edges.git.process import streamed
from ledger_tool.edges.git.repository import Repository
from ledger_tool.errors import GitFailed, Unreachable

NEVER = "0" * 40


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path, {"PATH": os.environ["PATH"]}, usual_deadline())
    made.must("init", "--quiet", "--bare", str(tmp_path))
    return made


def _blobs(repository: Repository, *contents: bytes) -> list[str]:
    return [repository.must("hash-object", "-w", "--stdin", stdin=content) for content in contents]


def test_each_comes_in_order_and_again_where_it_is_asked_for_again(repository: Repository) -> None:
    texts = [b"a\n", b"\0\xff" * 300_000, b"\n\n", b"b", b"a\n"]
    assert list(contents(repository, _blobs(repository, *texts))) == texts
    assert list(contents(repository, [])) == []


def test_what_is_missing_too_large_or_no_blob_is_none(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger_tool.edges.git.contents.MAX_BYTES", 5)
    small, large = _blobs(repository, b"1234", b"12345")
    tree = repository.must("mktree", stdin=f"100644 blob {small}\ta\n".encode())
    assert list(contents(repository, [NEVER, small, large, tree])) == [None, b"1234", None, None]


def test_one_that_cannot_be_read_is_an_error(repository: Repository) -> None:
    good, broken = _blobs(repository, b"good", b"x" * 100_000)
    path = repository.git_dir / "objects" / broken[:2] / broken[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:40])
    reading = contents(repository, [good, broken])
    assert next(reading) == b"good"
    with pytest.raises(GitFailed, match="cat-file"):
        next(reading)


def test_whoever_needs_no_more_ends_it(repository: Repository) -> None:
    (blob,) = _blobs(repository, b"x" * 1_000_000)
    reading = contents(repository, [blob] * 100)
    assert sum(map(len, filter(None, islice(reading, 2)))) == 2_000_000
    reading.close()  # type: ignore[attr-defined]


def test_git_that_says_nothing_for_too_long_is_ended(repository: Repository) -> None:
    arguments = ["-c", "alias.wait=!sleep 60", "wait"]
    with (
        pytest.raises(Unreachable, match="timed out after 0 s in wait"),
        streamed(arguments, environment=repository.environment, stdin=b"", step="wait") as output,
    ):
        output.read(1, 0.1)

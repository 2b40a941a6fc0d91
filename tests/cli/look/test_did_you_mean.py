"""Every command that is given an unknown image or tag asks what was meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.git.upstream import Upstream
from tests.support.values.make import ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def repo(upstream: Upstream) -> str:
    records = [record("base", "v1", platform="linux/amd64"), record("myorg/app", "v1.4"), record("myorg/app", "v1.5.0")]
    settings = b"registries:\n  - host: registry.invalid\n"
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(*records), "ledger.yaml": settings})
    return upstream.url


COMMANDS = {
    "get": ["get"],
    "get at": ["get", "--at", "HEAD"],
    "verify": ["verify"],
    "deps": ["deps"],
    "dependents": ["dependents"],
    "log": ["log"],
    "set": ["set", "--ttl", "7d"],
    "remove": ["remove", "--reason", "x"],
    "yank": ["yank", "--reason", "x"],
    "export": ["export", "--format", "dotenv"],
    "reconcile": ["reconcile"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("app:v1.4", "myorg/app:v1.4"),
        ("myorg/app:1.5", "myorg/app:v1.5.0"),
        ("myorg/apps:v1.4", "myorg/app:v1.4"),
        ("registry.invalid/app:v1.4", "myorg/app:v1.4"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    ledger: Run, repo: str, words: list[str], typed: str, meant: str
) -> None:
    done = ledger(words[0], typed, *words[1:], "--repo", repo)
    assert done.code == 3, done
    assert done.err.endswith(f"hint: did you mean `{meant}`?\n"), done.err


def test_list_asks_too_and_finds_nothing_without_an_error(ledger: Run, repo: str) -> None:
    done = ledger("list", "app", "--repo", repo)
    assert (done.code, done.out) == (0, "")
    assert done.err == "no record matches: did you mean `myorg/app`?\n"
    assert ledger("list", "app", "--format", "json", "--repo", repo).err == ""
    assert ledger("list", "app:v1.*", "--repo", repo).err.endswith("did you mean `myorg/app:v1.*`?\n")


def test_where_nothing_is_near_the_hint_says_how_to_look(ledger: Run, repo: str) -> None:
    assert ledger("get", "postgres:16", "--repo", repo).err.endswith("hint: `ledger list` shows what it has\n")
    known = ledger("get", "myorg/app:v9", "--repo", repo).err
    assert known.endswith("hint: `ledger list 'myorg/app'` shows the tags that it has\n")
    other = ledger("get", "app:v9", "--repo", repo).err
    assert other.endswith("hint: `ledger list 'myorg/app'` shows the tags that myorg/app has\n")


def test_a_name_that_is_there_is_not_suggested_for_itself(ledger: Run, repo: str) -> None:
    done = ledger("export", "base:v1", "--platform", "linux/arm64", "--format", "dotenv", "--repo", repo)
    assert (done.code, "did you mean" in done.err) == (3, False)


def test_a_platform_that_is_not_there_is_named_with_those_that_are(ledger: Run, repo: str) -> None:
    for words in (["get"], ["remove", "--reason", "x"], ["yank", "--reason", "x"]):
        done = ledger(words[0], "base:v1", *words[1:], "--platform", "linux/arm64", "--repo", repo)
        assert (done.code, "base:v1 has no record for linux/arm64" in done.err) == (3, True)
        assert "its platforms are: linux/amd64" in done.err

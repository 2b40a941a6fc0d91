"""`ledger post`: a review is one comment, and drift is one issue, on every kind of forge and edited in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.forges.fake_forge import ME, TOKEN
from tests.support.forges.fake_forges import FORGES, fake_forge
from tests.support.git.upstream import git
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
MARK = "<!-- ledger review -->\n"


@pytest.fixture(params=FORGES)
def forge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a forge of each kind, whose token the environment has."""
    monkeypatch.setenv("LEDGER_FORGE_TOKEN", TOKEN)
    monkeypatch.setenv("LEDGER_FORGE", request.param)
    with fake_forge(request.param) as made:
        yield made


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "report.md"
    path.write_text(text)
    return path


def test_the_review_is_one_comment_of_the_tokens_user(ledger: Run, forge: Any, tmp_path: Path) -> None:
    theirs = forge.comment(11, f"{MARK}all is well")["id"]
    other = forge.comment(ME, f"of another job, with {MARK}")["id"]
    for text, word in (("first", "posted"), ("second", "edited"), (f"{MARK}third", "edited")):
        done = ledger("post", write(tmp_path, text), "--request", "7", "--repo", forge.remote)
        assert (done.code, done.err) == (0, f"{word} the review of request 7\n")
    bodies = {comment["id"]: comment["body"] for comment in forge.comments}
    assert bodies.pop(theirs) == f"{MARK}all is well"
    assert bodies.pop(other) == f"of another job, with {MARK}"
    assert list(bodies.values()) == [f"{MARK}third"]


def test_the_review_is_found_among_very_many_comments(ledger: Run, forge: Any, tmp_path: Path) -> None:
    for _ in range(130):
        forge.comment(11, "a word")
    for text in ("first", "second"):
        assert ledger("post", write(tmp_path, text), "--request", "7", "--repo", forge.remote).code == 0
    assert [comment["body"] for comment in forge.comments if comment["user"]["id"] == ME] == [f"{MARK}second"]


def test_drift_is_one_issue_that_follows_it(ledger: Run, forge: Any, tmp_path: Path) -> None:
    closing = ("post", "--issue", "--close", "--repo", forge.remote)
    assert "no issue about drift is open" in ledger(*closing).err
    forge.issue(title="of a person", body="", labels=["bug"])
    for text in ("one tag", "two tags"):
        done = ledger("post", write(tmp_path, text), "--issue", "--repo", forge.remote)
        assert done.code == 0, done.err
    (mine,) = (issue for issue in forge.issues if issue["labels"] == ["ledger-drift"])
    assert (mine["title"], mine["body"], mine["state"]) == ("The registry differs from the ledger", "two tags", "open")
    assert "closed the issue" in ledger(*closing).err
    assert mine["state"] == "closed"
    ledger("post", write(tmp_path, "again"), "--issue", "--repo", forge.remote)
    assert [issue["state"] for issue in forge.issues] == ["open", "closed", "open"]


def test_an_issue_by_somebody_else_is_left_alone_whatever_its_label(ledger: Run, forge: Any, tmp_path: Path) -> None:
    """A template of the forge, or a person with the right to do so, gives any issue the label."""
    theirs = forge.issue(11, title="The registry differs from the ledger", body="all is well", labels=["ledger-drift"])
    gone = forge.issue(title="of an account that is gone", body="", labels=["ledger-drift"], user=None, author=None)
    closing = ("post", "--issue", "--close", "--repo", forge.remote)
    assert "no issue about drift is open" in ledger(*closing).err
    done = ledger("post", write(tmp_path, "one tag"), "--issue", "--repo", forge.remote)
    assert (done.code, "posted the issue" in done.err) == (0, True), done.err
    assert ledger(*closing).code == 0
    assert [issue["state"] for issue in forge.issues] == ["open", "open", "closed"]
    assert (theirs["body"], gone["body"]) == ("all is well", "")


def test_a_checkout_means_its_remote(ledger: Run, forge: Any, tmp_path: Path) -> None:
    git("init", "--quiet", tmp_path / "clone")
    git("remote", "add", "origin", forge.remote, cwd=tmp_path / "clone")
    done = ledger("post", write(tmp_path, "x"), "--request", "7", "--repo", tmp_path / "clone")
    assert done.code == 0, done.err
    assert len(forge.comments) == 1


def test_a_very_long_review_is_cut_where_the_forges_cut(ledger: Run, forge: Any, tmp_path: Path) -> None:
    ledger("post", write(tmp_path, "a line of text\n" * 20_000), "--request", "7", "--repo", forge.remote)
    assert len(forge.comments[0]["body"]) <= 65_536


def test_a_wrong_or_missing_token_is_denied(
    ledger: Run, forge: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in ("wrong-token-0123456789", ""):
        monkeypatch.setenv("LEDGER_FORGE_TOKEN", token)
        done = ledger("post", write(tmp_path, "x"), "--request", "7", "--repo", forge.remote)
        assert done.code == 6
        assert "LEDGER_FORGE_TOKEN" in done.err
        assert "wrong-token" not in done.err
    assert not forge.comments


@pytest.mark.parametrize(
    "words",
    [
        [], ["FILE"], ["FILE", "--request", "7", "--issue"], ["FILE", "--request", "x"], ["--request", "7"],
        ["--issue"], ["FILE", "--issue", "--close"], ["FILE", "--request", "7", "--close"],
    ],
)  # fmt: skip
def test_what_to_post_where_has_to_be_clear(ledger: Run, tmp_path: Path, words: list[str]) -> None:
    file = str(write(tmp_path, "x"))
    done = ledger("post", *[file if word == "FILE" else word for word in words])
    assert done.code == 2
    assert "hint: " in done.err

"""One offer of a commit to a ref of a real remote: its state decides how that went, and the words only say it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.git.location import file_address
from ledger_tool.edges.git.offer import FAILURES, REFUSALS, Attempts, Bounds, offer, offer_once
from ledger_tool.edges.git.remote import RemoteRef
from ledger_tool.edges.git.server_words import PushAnswer, PushStatus
from ledger_tool.edges.git.workspace import Workspace
from ledger_tool.errors import Contended, PushRefused, Unreachable, UsageError
from tests.support.git.upstream import DIE, UNQUARANTINED, Upstream

BRANCH = "ledger/bump-1"
pytestmark = pytest.mark.usefixtures("short_pauses")


class Told:
    """What a run said to everyone, and to those who asked for details."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.details: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def detail(self, text: str) -> None:
        self.details.append(text)


class Offered:
    """A commit, and the branch of a remote that it is offered to."""

    def __init__(self, upstream: Upstream, workspace: Workspace) -> None:
        upstream.git("config", "user.name", "Other")
        upstream.git("config", "user.email", "other@example.com")
        address = file_address(upstream.path)
        upstream.git("clone", "--quiet", "--bare", upstream.path, workspace.folder / "work.git")
        repository = workspace.repository(workspace.folder / "work.git", address)
        self.upstream = upstream
        self.told = Told()
        self.bounds = Bounds(Deadline(30.0), self.told)
        self.attempts = Attempts(self.bounds)
        self.ref = RemoteRef(repository, address, BRANCH, landed="the edits are", refusal_hint="let it push")
        self.commit = repository.commit_tree(f"{upstream.tip()}^{{tree}}", upstream.tip(), "ours\n")

    def offer(self, expected: str = "") -> str | None:
        return offer(self.ref, self.commit, expected, self.attempts)

    def there(self) -> str:
        return self.upstream.git("rev-parse", "--quiet", "--verify", f"refs/heads/{BRANCH}", check=False)


@pytest.fixture
def offered(upstream: Upstream) -> Iterator[Offered]:
    with Workspace(None) as workspace:
        yield Offered(upstream, workspace)


def test_a_commit_that_is_there_already_is_not_pushed(offered: Offered) -> None:
    assert offered.offer(expected=offered.commit) is None
    assert (offered.attempts.made, offered.there()) == (0, "")


def test_a_new_branch_is_made_and_one_that_is_where_it_was_is_rewritten(offered: Offered) -> None:
    theirs = offered.upstream.commit_as_other_writer({"a": b"a\n"}, branch=BRANCH)
    assert offered.offer(expected=theirs) is None
    assert offered.there() == offered.commit
    assert (offered.attempts.made, offered.told.notes) == (1, [])


def test_a_lost_answer_has_landed(offered: Offered, tmp_path: Path) -> None:
    offered.upstream.once("reference-transaction", DIE, tmp_path / "once", when='[ "$1" = committed ]')
    assert offered.offer() is None
    assert offered.there() == offered.commit
    assert offered.told.notes == [
        f"note: the push reported an error, but the edits are in the branch as {offered.commit[:12]}"
    ]


def test_a_lost_answer_is_found_below_the_commit_of_another_writer(offered: Offered, tmp_path: Path) -> None:
    another = f'git update-ref refs/heads/{BRANCH} $(git commit-tree "$tip^{{tree}}" -p "$tip" -m theirs)'
    offered.upstream.once(
        "reference-transaction",
        f"{UNQUARANTINED}\ntip=$(git rev-parse refs/heads/{BRANCH})\n{another}\n{DIE}",
        tmp_path / "once",
        when='[ "$1" = committed ]',
    )
    assert offered.offer() is None
    assert offered.upstream.commits(BRANCH)[1] == offered.commit
    assert len(offered.told.notes) == 1


def test_a_ref_that_moved_is_a_lost_race_and_says_where_it_is(offered: Offered) -> None:
    theirs = offered.upstream.commit_as_other_writer({"a": b"a\n"}, branch=BRANCH)
    assert offered.offer() == theirs
    assert offered.offer(expected=offered.upstream.tip()) == theirs
    assert (offered.attempts.lost, offered.there()) == (2, theirs)
    with pytest.raises(Contended, match="somebody else moved"):
        offer_once(offered.ref, offered.commit, "", offered.bounds)


def test_a_branch_that_was_deleted_is_a_lost_race_and_not_made_again(offered: Offered) -> None:
    assert offered.offer(expected=offered.upstream.tip()) == ""
    assert offered.there() == ""


def test_a_server_that_dies_before_its_ref_update_is_asked_again(offered: Offered, tmp_path: Path) -> None:
    offered.upstream.once("pre-receive", DIE, tmp_path / "once")
    assert offered.offer() is None
    assert (offered.attempts.made, offered.there()) == (2, offered.commit)


def test_a_server_that_always_dies_is_unreachable_within_bounds(offered: Offered) -> None:
    offered.upstream.hook("pre-receive", DIE)
    with pytest.raises(Unreachable, match="nothing was written"):
        offered.offer()
    assert (offered.attempts.made, offered.there()) == (FAILURES, "")


@pytest.mark.parametrize("words", ["only on Tuesdays", "! [rejected] (stale info)"])
def test_what_stays_refused_is_refused_in_the_servers_words(offered: Offered, words: str) -> None:
    offered.upstream.hook("pre-receive", f'echo "{words}" >&2; exit 1')
    with pytest.raises(PushRefused) as refused:
        offered.offer()
    assert (words in refused.value.message, refused.value.hint) == (True, "let it push")
    assert (offered.attempts.made, offered.there()) == (REFUSALS, "")


def test_a_lock_that_a_crash_left_is_told_apart_from_a_race(offered: Offered) -> None:
    (offered.upstream.path / "refs" / "heads" / "ledger").mkdir()
    (offered.upstream.path / "refs" / "heads" / f"{BRANCH}.lock").touch()
    with pytest.raises(Contended, match="could not lock its branch"):
        offered.offer()


def test_a_branch_in_the_place_of_the_folder_is_named(offered: Offered) -> None:
    offered.upstream.git("branch", "ledger", "main")
    with pytest.raises(UsageError, match="has a branch `ledger`"):
        offered.offer()


class Silent:
    """A ref whose remote takes a push, and then answers nothing any more."""

    shown, landed, refusal_hint = "there (main)", "it is", ""

    def __init__(self) -> None:
        self.looks = 0

    def push(self, commit: str, expected: str) -> PushAnswer:
        return PushAnswer(PushStatus.BROKEN, f"{commit} for {expected}")

    def look(self, *, whole: bool = False) -> str:
        assert whole
        self.looks += 1
        raise Unreachable("could not reach it", "")

    def contains(self, tip: str, commit: str) -> bool:
        raise AssertionError(tip, commit)

    def deepen(self) -> bool:
        raise AssertionError


def test_a_remote_that_falls_silent_after_the_push_leaves_the_outcome_open() -> None:
    ref = Silent()
    with pytest.raises(Unreachable, match="could not reach it; it is unknown whether the push before it landed"):
        offer(ref, "new", "old", Attempts(Bounds(Deadline(30.0), Told())))
    assert ref.looks == FAILURES

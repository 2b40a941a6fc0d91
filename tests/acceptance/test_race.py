"""Many publishers, one branch: every record lands in a linear history, and two digests of one tag never both do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.git.checker import check_history
from tests.support.git.processes import together
from tests.support.git.upstream import UNQUARANTINED, Upstream
from tests.support.values.make import digest, ledger_bytes, record, source
from tests.support.values.outcome import Outcome

PUBLISHERS = 16


def _command(upstream: Upstream, tag: str, seed: object, *options: object) -> list[object]:
    where = ["--repo", upstream.url, "--source", source(seed), "--published-at", "2026-11-24T10:00:00Z"]
    return ["publish", f"myorg/app:{tag}@{digest(seed)}", *where, *options]


def _assert_all_landed(upstream: Upstream, done: list[Outcome]) -> None:
    assert [one.code for one in done] == [0] * len(done), [one.err for one in done if one.code]
    assert [one.json["changed"] for one in done] == [True] * len(done)
    states = check_history(upstream.path)
    assert len(states) == len(done) + 1
    assert {one.json["commit"] for one in done} == set(upstream.commits()[:-1])
    assert {key[1] for key in states[-1]} == {one.json["tag"] for one in done}


def test_every_record_of_many_publishers_lands_in_a_linear_history(upstream: Upstream) -> None:
    _assert_all_landed(upstream, together([_command(upstream, f"v{at}", at) for at in range(PUBLISHERS)]))


def test_fifty_publishers_at_once_all_land(upstream: Upstream) -> None:
    _assert_all_landed(upstream, together([_command(upstream, f"v{at}", at) for at in range(50)], forked=True))


def test_a_server_that_is_slow_in_its_ref_update_loses_nobody(upstream: Upstream) -> None:
    """Between the update hook and the ref's lock others get in: the race comes as a remote rejection."""
    upstream.hook("update", "sleep 0.1")
    _assert_all_landed(upstream, together([_command(upstream, f"v{at}", at) for at in range(6)]))


def test_a_server_that_holds_its_ref_lock_loses_nobody(upstream: Upstream) -> None:
    """In this state the branch is locked, and everybody else is told that the lock file exists."""
    upstream.hook("reference-transaction", 'if [ "$1" = prepared ]; then sleep 0.1; fi')
    _assert_all_landed(upstream, together([_command(upstream, f"v{at}", at) for at in range(6)]))


def test_of_two_digests_for_one_tag_exactly_one_wins(upstream: Upstream) -> None:
    done = together([_command(upstream, "v1", at) for at in range(6)])
    winners = [at for at, one in enumerate(done) if one.code == 0]
    assert len(winners) == 1, [(one.code, one.err) for one in done]
    (winner,) = winners
    for at, one in enumerate(done):
        if at != winner:
            assert one.code == 3
            assert digest(winner) in one.err
            assert source(winner) in one.err
            assert done[winner].json["commit"][:12] in one.err
            assert one.json["conflict"] == digest(at)
    assert upstream.records()[0]["digest"] == digest(winner)
    assert len(check_history(upstream.path)) == 2


def test_the_same_record_from_ten_jobs_is_one_commit_and_nine_times_there_already(upstream: Upstream) -> None:
    done = together([_command(upstream, "v1", "same") for _ in range(10)])
    assert [one.code for one in done] == [0] * 10, [one.err for one in done]
    assert sorted(one.json["changed"] for one in done) == [False] * 9 + [True]
    assert len(upstream.commits()) == 2


def test_a_ref_that_moves_inside_receive_pack_costs_one_more_attempt(upstream: Upstream, tmp_path: Path) -> None:
    """The other writer's commit is ready; the hook lets it in between our check and our ref update."""
    other = _prepared_commit(upstream)
    once = tmp_path / "once"
    upstream.hook(
        "update", f'if [ ! -e {once} ]; then touch {once}; env -u GIT_QUARANTINE_PATH git update-ref "$1" {other}; fi'
    )
    (done,) = together([_command(upstream, "v1", 1, "--verbose")])
    assert done.code == 0, done.err
    assert "attempt 1 did not land: another writer was first" in done.err
    assert other in upstream.commits()
    assert upstream.tags() == {"v1", "theirs"}


def _prepared_commit(upstream: Upstream) -> str:
    """Return a commit on the tip that another writer made but has not pushed."""
    before = upstream.tip()
    commit = upstream.commit_as_other_writer({"ledger.json": ledger_bytes(record(tag="theirs"))}, "theirs")
    upstream.git("update-ref", "refs/heads/main", before)
    return commit


def test_a_writer_who_loses_every_round_gives_up_in_time_with_nothing_written(upstream: Upstream) -> None:
    upstream.hook(
        "update",
        f"{UNQUARANTINED}\n"
        'new=$(git commit-tree "$2^{tree}" -p "$2" -m theirs </dev/null) && git update-ref "$1" "$new"',
    )
    upstream.git("config", "user.name", "Other")
    upstream.git("config", "user.email", "other@example.com")
    (done,) = together([_command(upstream, "v1", 1, "--timeout", "3")])
    assert done.code == 5, done.err
    assert "lost the race for" in done.err
    assert "nothing was written" in done.err
    assert upstream.records() == []


def test_one_attempt_only_makes_a_lost_race_final(upstream: Upstream, tmp_path: Path) -> None:
    other = _prepared_commit(upstream)
    upstream.hook("update", f'env -u GIT_QUARANTINE_PATH git update-ref "$1" {other} "$2"')
    (done,) = together([_command(upstream, "v1", 1, "--max-attempts", "1")])
    assert done.code == 5
    assert "lost the race for" in done.err
    assert upstream.tip() == other


@pytest.mark.parametrize("words", ["non-fast-forward", "fetch first", "stale info", "incorrect old value provided"])
def test_a_hook_that_speaks_like_a_lost_race_is_still_a_refusal(upstream: Upstream, words: str) -> None:
    """The state decides, not the words: the tip stays put, time after time."""
    upstream.hook("pre-receive", f'echo "! [rejected] ({words})" >&2; exit 1')
    (done,) = together([_command(upstream, "v1", 1)])
    assert done.code == 6
    assert words in done.err


def test_a_branch_that_an_admin_rolls_back_meanwhile_is_not_resurrected(upstream: Upstream, tmp_path: Path) -> None:
    first = upstream.tip()
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(record(tag="bad"))}, "to be rolled back")
    once = tmp_path / "once"
    upstream.hook(
        "update", f'if [ ! -e {once} ]; then touch {once}; env -u GIT_QUARANTINE_PATH git update-ref "$1" {first}; fi'
    )
    (done,) = together([_command(upstream, "v1", 1)])
    assert done.code == 0, done.err
    assert upstream.commits() == [done.json["commit"], first]
    assert upstream.tags() == {"v1"}


def test_a_branch_that_is_deleted_meanwhile_is_not_made_again(upstream: Upstream) -> None:
    upstream.git("branch", "other", "main")
    upstream.git("symbolic-ref", "HEAD", "refs/heads/other")
    upstream.hook("update", 'env -u GIT_QUARANTINE_PATH git update-ref -d "$1"')
    (done,) = together([_command(upstream, "v1", 1, "--branch", "main")])
    assert done.code == 2, done.err
    assert "no branch `main`" in done.err
    assert "main" not in upstream.git("branch", "--format=%(refname:short)").split()

"""`set`: labels and TTL of all records that match, in one commit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_tool.edges.git import remote
from tests.support.git.checker import check_history
from tests.support.git.upstream import Upstream
from tests.support.values.make import ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def test_set_edits_all_that_match_in_one_commit(ledger: Run, recorded: Upstream) -> None:
    done = ledger(
        "set", "myorg/app", "nginx:v*", "--label", "env=dev", "--label", "x=y", "--unlabel", "team", "--ttl", "999w"
    )
    assert done.code == 0, done.err
    edited = [one for one in recorded.records() if one["image"] != "myorg/web"]
    assert [(one["labels"], one["ttl"]) for one in edited] == [({"env": "dev", "x": "y"}, "999w")] * 4
    assert len(recorded.commits()) == 3
    assert ("Label", "env=dev") in recorded.trailers()
    assert ("Unlabel", "team") in recorded.trailers()
    assert ("TTL", "999w") in recorded.trailers()
    cleared = ledger("set", "*", "--ttl", "none")
    assert cleared.code == 0
    assert not [one for one in recorded.records() if "ttl" in one]
    check_history(recorded.path)


def test_set_again_changes_nothing(ledger: Run, recorded: Upstream) -> None:
    ledger("set", "nginx", "--label", "a=b")
    tip = recorded.tip()
    done = ledger("set", "nginx", "--label", "a=b")
    assert (done.code, done.json["changed"]) == (0, False)
    assert recorded.tip() == tip


def test_set_refuses_what_matches_nothing_and_what_says_nothing(ledger: Run, recorded: Upstream) -> None:
    assert ledger("set", "nginx", "nothing", "--label", "a=b").code == 3
    assert ledger("set", "nginx").code == 2
    assert ledger("set", "nginx", "--label", "a=b", "--unlabel", "a").code == 2
    assert len(recorded.commits()) == 2


def test_set_does_not_take_away_what_the_team_requires(ledger: Run, tmp_path: Path) -> None:
    made = Upstream.create(
        tmp_path / "r.git", ledger_bytes(record(labels={"team": "core"})), "require: [labels.team]\n"
    )
    done = ledger("set", "*", "--unlabel", "team", "--repo", made.url)
    assert done.code == 2
    assert "labels.team" in done.err


def test_set_of_very_many_is_pushed_like_any_other(
    ledger: Run, recorded: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_MANY", 1)
    done = ledger("set", "*", "--label", "env=dev")
    assert done.code == 0, done.err
    assert all(one["labels"]["env"] == "dev" for one in recorded.records())
    assert len(recorded.commits()) == 3
    check_history(recorded.path)

"""What the log tells a site: the last commits, and the timeline of each image."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.site.changes import MOST_CHANGES, is_forced, last_changes, rollbacks, timelines
from ledger_tool.core.site.facts import DriftFacts, RunningFacts
from ledger_tool.core.site.site import site_facts
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.site import PAGE, RUN, commit, entry


def test_a_commit_is_one_change_with_all_that_it_did() -> None:
    log = [entry("a:v1", seed=2), entry("b:v1", seed=2), entry("a:v1", seed=1, run=NO_RUN)]
    last, first = last_changes(log, PAGE)
    assert (last.commit, [str(one.name) for one in last.entries]) == (commit(2), ["a:v1", "b:v1"])
    assert (last.at, last.by, last.run, last.page) == (log[0].at, log[0].by, RUN, f"{PAGE}/commit/{commit(2)}")
    assert (first.commit, first.run) == (commit(1), NO_RUN)
    assert last_changes(log, "")[0].page == ""


def test_a_commit_whose_records_were_made_by_several_runs_names_none() -> None:
    log = [entry("a:v1"), replace(entry("b:v1"), run=RunClaim("https://ci.example.com/2"))]
    assert last_changes(log, "")[0].run == NO_RUN


def test_only_the_last_commits_are_changes_and_all_of_them_are_in_timelines() -> None:
    log = [entry("a:v1", seed=number) for number in range(MOST_CHANGES + 5)]
    assert len(last_changes(log, "")) == MOST_CHANGES
    assert timelines([*log, entry("b:v1")]) == {"a": log, "b": [entry("b:v1")]}


@pytest.mark.parametrize(
    ("was", "version", "is_back"),
    [
        ("v1.10.0", "v1.9.0", True), ("v1.9.0", "v1.10.0", False), ("v1.5.0", "v1.5.0", False),
        ("", "v1.0.0", False), ("main", "v1.0.0", False), ("v2.0.0", "nightly", False),
        ("v1.5.0", "v1", False),  # which may be any of them
    ],
)  # fmt: skip
def test_a_promotion_of_a_version_that_is_certainly_lower_is_a_rollback(was: str, version: str, is_back: bool) -> None:
    promotion = entry("a:prod", "promote", version=version, replaces_version=was)
    assert ((promotion.commit, promotion.name) in rollbacks([promotion], Policy())) == is_back
    assert not rollbacks([replace(promotion, action="moved")], Policy())


def test_names_without_an_order_are_rolled_back_to_what_came_before_them() -> None:
    versions = ("nightly-b", "nightly-a", "nightly-b", "nightly-a")  # the newest first
    replaced = (*versions[1:], "")
    promotions = [
        entry("a:prod", "promote", number, version=version, replaces_version=was)
        for number, (version, was) in enumerate(zip(versions, replaced, strict=True))
    ]
    log = [*promotions, entry("a:nightly-b", seed=8), entry("a:nightly-a", seed=9)]
    assert rollbacks(log, Policy()) == {(promotions[1].commit, promotions[1].name)}
    assert not rollbacks(log, Policy(mutable=("nightly-*",)))


def test_a_publish_that_replaces_something_for_a_reason_was_forced() -> None:
    assert is_forced(entry("a:v1", replaces=(digest("old"),), reason="rebuilt"))
    assert is_forced(entry("a:v1", replaces_index=digest("index"), reason="a new index"))
    assert not is_forced(entry("a:main", replaces=(digest("old"),)))
    assert not is_forced(entry("a:v1"))
    assert not is_forced(entry("a:v1", "yank", replaces=(digest("old"),), reason="broken"))


def test_now_is_the_latest_time_that_the_commit_or_a_report_states() -> None:
    ledger = ledger_of(record(ttl="1d", publishedAt="2026-11-24T00:00:00Z"))
    drift = DriftFacts(Timestamp("2026-11-25T00:00:00Z"), complete=True, checked=1, summary={}, notes=[])
    running = RunningFacts(None, "", complete=True, containers=0, summary={}, notes=[])

    def judged(drift: DriftFacts | None) -> tuple[str, bool]:
        made_at = Timestamp("2026-11-24T12:00:00Z")
        facts = site_facts(
            Snapshot("", ledger, Policy()), [], made_at=made_at, title="", drift=drift, running=[running]
        )
        return facts.at, facts.images[0].tags[0].is_expired

    assert judged(None) == ("2026-11-24T12:00:00Z", False)
    assert judged(drift) == ("2026-11-25T00:00:00Z", True)

"""The steps of `reconcile`, against registries in memory: what it asks, and what ends it early."""

from __future__ import annotations

import pytest

from ledger_tool.commands.reconcile import Reconciled, reconcile
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import Query
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.errors import Denied, UnknownImage, Unreachable, UsageError
from tests.support.registries.fake_registry import FakeRegistries, FakeRegistry
from tests.support.values.make import but, ledger_of, record
from tests.support.values.memory import MemoryStore

NOW = Timestamp("2026-11-25T00:00:00Z")


def _world(count: int) -> tuple[MemoryStore, FakeRegistry]:
    """Return a ledger and a registry that agree on this many tags."""
    fake = FakeRegistry()
    records = [record(tag=f"v{at}", digest=fake.push("myorg/app", f"v{at}", f"{at}")) for at in range(count)]
    return MemoryStore(ledger_of(*records), Policy((Registry(fake.name),))), fake


def _run(store: MemoryStore, *fakes: FakeRegistry, query: Query | None = None, untracked: bool = False) -> Reconciled:
    return reconcile(
        store, FakeRegistries(fakes), query or Query(), now=NOW, jobs=4, untracked=untracked, progress=lambda *_: None
    )


def test_a_ledger_in_sync_costs_one_head_a_tag_and_nothing_else() -> None:
    store, fake = _world(500)
    done = _run(store, fake)
    assert done.report.summary == {"in-sync": 500}
    assert done.report.complete
    assert (len(fake.calls), fake.count("look")) == (500, 500)


def test_one_tag_that_moved_costs_three_requests_more() -> None:
    store, fake = _world(50)
    fake.push("myorg/app", "v7", "other")
    assert _run(store, fake).report.summary == {"tag-moved": 1, "in-sync": 49}
    assert (fake.count("look"), fake.count("manifest"), len(fake.calls)) == (51, 1, 53)


def test_each_registry_is_asked_for_itself() -> None:
    store, fake = _world(3)
    empty = FakeRegistry("mirror.example.com")
    done = _run(store, fake, empty)
    assert done.report.summary == {"gone": 3, "in-sync": 3}
    assert {one.registry for one in done.report.findings if one.drift == "gone"} == {"mirror.example.com"}


def test_a_tag_that_cannot_be_seen_is_unknown_and_the_rest_is_known() -> None:
    store, fake = _world(3)
    fake.failing["v1"] = Unreachable("it rains")
    done = _run(store, fake)
    assert done.report.summary == {"unknown": 1, "in-sync": 2}
    assert not done.report.fails(["drift", "housekeeping"])
    assert not done.report.complete


def test_untracked_asks_for_each_images_tags_once() -> None:
    store, fake = _world(3)
    fake.push("myorg/app", "new", "new")
    done = _run(store, fake, untracked=True)
    assert [one.tag for one in done.report.findings if one.drift == "untracked"] == ["new"]
    assert fake.count("tags") == 1


def test_a_pattern_does_not_make_the_other_recorded_tags_untracked() -> None:
    store, fake = _world(3)
    done = _run(store, fake, query=Query(pattern="*:v1"), untracked=True)
    assert done.report.summary == {"in-sync": 1}


def test_tags_that_cannot_be_listed_are_unknown() -> None:
    store, fake = _world(1)
    fake.failing["myorg/app"] = Denied("no listing here", "log in")
    done = _run(store, fake, untracked=True)
    assert done.report.findings[0].reason == "its tags cannot be listed: no listing here; log in"
    assert done.report.summary == {"unknown": 1, "in-sync": 1}
    assert not done.report.complete


def test_an_interrupt_ends_the_looking_and_reports_what_is_known() -> None:
    store, fake = _world(500)
    seen = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 10:
            raise KeyboardInterrupt

    done = reconcile(store, FakeRegistries([fake]), Query(), now=NOW, jobs=2, progress=progress)
    assert done.interrupted
    assert done.report.summary == {"in-sync": 10}
    assert not done.report.complete
    assert seen[-1] == (10, 500)


def test_nothing_configured_and_nothing_found_are_errors() -> None:
    store, fake = _world(1)
    with pytest.raises(UnknownImage):
        _run(store, fake, query=Query(pattern="nothing/*"))
    store.policy = Policy()
    with pytest.raises(UsageError):
        _run(store, fake)


def test_the_ledger_is_only_read() -> None:
    store, fake = _world(2)
    fake.push("myorg/app", "v0", "other")
    _run(store, fake, untracked=True)
    assert store.commits == 1


def test_records_that_no_registry_serves_are_unknown_and_no_registry_looks_down() -> None:
    store, _ = _world(2)
    done = _run(store)
    assert (done.report.summary, done.report.complete, done.report.looks_down) == ({"unknown": 2}, False, [])
    assert {(one.registry, one.reason.partition(";")[0]) for one in done.report.findings} == {
        ("", "no registry of ledger.yaml serves it")
    }


def test_a_list_of_tags_that_lacks_one_that_is_served_is_unknown_whatever_the_pattern() -> None:
    for pattern in ("*", "*:v2"):
        store, fake = _world(3)
        fake.push("myorg/app", "new", "new")
        fake.unlisted = {"v1"}
        report = _run(store, fake, query=Query(pattern=pattern), untracked=True).report
        assert not report.complete
        (doubt,) = [one for one in report.findings if one.drift == "unknown"]
        assert doubt.reason.startswith("registry.example.com serves myorg/app:v1, and does not list it")
        assert fake.calls.count(("look", "v1")) == 2


def test_an_empty_list_of_tags_is_complete_if_none_is_served_and_costs_nothing() -> None:
    store, fake = _world(3)
    fake.tagged.clear()
    report = _run(store, fake, untracked=True).report
    assert (report.summary, report.complete) == ({"tag-missing": 3}, True)
    assert fake.calls.count(("look", "v1")) == 1


def test_a_list_whose_missing_tag_cannot_be_asked_for_is_unknown() -> None:
    store, fake = _world(3)
    fake.unlisted, fake.failing = {"v1"}, {"v1": Unreachable("it rains", "wait")}
    report = _run(store, fake, query=Query(pattern="*:v2"), untracked=True).report
    assert report.summary == {"unknown": 1, "in-sync": 1}
    assert report.findings[0].reason == "whether the list of tags is complete is not known: it rains; wait"


def test_what_an_untracked_tag_serves_is_asked_for_once() -> None:
    store, fake = _world(1)
    fake.push("myorg/app", "new", "new")
    _run(store, fake, untracked=True)
    assert fake.calls.count(("look", "new")) == 1


def test_what_is_published_or_removed_in_the_meantime_is_judged_by_the_records_that_it_has_then() -> None:
    store, fake = _world(3)
    records = [record(tag=f"v{at}", digest=fake.tagged["myorg/app", f"v{at}"]) for at in range(3)]
    moved = fake.push("myorg/app", "v0", "moved")
    new = fake.push("myorg/app", "new", "new")
    del fake.tagged["myorg/app", "v1"]
    fake.push("myorg/app", "other", "other")

    def publish(what: str, _reference: str) -> None:
        if what == "tags":
            now = [record(tag="v0", digest=moved), records[2], record(tag="new", digest=new)]
            store.ledger = ledger_of(*sorted(now, key=lambda one: one.key))

    fake.hook = publish
    report = _run(store, fake, untracked=True).report
    assert [(one.tag, one.drift) for one in report.findings if one.drift != "in-sync"] == [("other", "untracked")]
    assert report.summary == {"untracked": 1, "in-sync": 3}


def test_a_ledger_that_cannot_be_read_again_is_judged_as_it_was_read() -> None:
    store, fake = _world(2)
    fake.push("myorg/app", "v0", "moved")
    first = store.read()

    class Once(MemoryStore):
        reads = 0

        def read(self) -> Snapshot:
            self.reads += 1
            if self.reads > 1:
                raise Unreachable("it rains")
            return first

    assert _run(Once(), fake).report.summary == {"tag-moved": 1, "in-sync": 1}


def test_a_record_that_was_corrected_during_the_run_is_looked_at_as_it_is_then() -> None:
    fake = FakeRegistry()
    made = fake.push("myorg/app", "v1")
    right = record("myorg/app", "v1", digest=made, platform="linux/amd64")
    store = MemoryStore(ledger_of(but(right, platform="linux/arm64")), Policy((Registry(fake.name),)))

    def correct(done: int, of: int) -> None:
        store.ledger = ledger_of(right)

    done = reconcile(
        store, FakeRegistries([fake]), Query(), now=NOW, jobs=1, scope="deep", progress=correct
    )  # fmt: skip
    assert done.report.summary == {"in-sync": 1}

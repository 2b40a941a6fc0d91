"""What `--adopt` records is looked at like everything else: at each registry that serves it, and as it is by then."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ledger_tool.commands.adopt import Adopted, adopt
from ledger_tool.commands.reconcile import reconcile
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import Query
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.registry.driftreport import FAILABLE
from ledger_tool.core.writes import publish as writes
from ledger_tool.errors import Unreachable
from tests.support.registries.fake_registry import FakeRegistries, FakeRegistry
from tests.support.values.make import SOURCE, digest, draft, ledger_of, record
from tests.support.values.memory import MemoryStore

APP = "myorg/app"
NOW = Timestamp("2026-11-25T00:00:00Z")
URL, _, COMMIT = SOURCE.partition("@")
LABELS = {"org.opencontainers.image.source": URL, "org.opencontainers.image.revision": COMMIT}


def _push(fake: FakeRegistry, tag: str, seed: str) -> str:
    return fake.push(APP, tag, seed, config={"Labels": LABELS})


def _store(*fakes: FakeRegistry) -> MemoryStore:
    known = record(APP, "known", digest=digest("known"))
    for fake in fakes:
        _push(fake, "known", "known")
    return MemoryStore(ledger_of(known), Policy(tuple(Registry(fake.name) for fake in fakes)))


def _adopted(store: MemoryStore, fakes: Sequence[FakeRegistry]) -> Adopted:
    registries = FakeRegistries(fakes)
    before = reconcile(
        store, registries, Query(), now=NOW, jobs=1, untracked=True, progress=lambda *_: None
    )  # fmt: skip
    return adopt(store, registries, before, now=NOW, jobs=1)


def _classes(done: Adopted) -> dict[tuple[str, str], str]:
    findings = done.reconciled.report.findings
    return {(one.registry, one.tag): one.drift for one in findings if one.tag != "known"}


@pytest.fixture
def main() -> FakeRegistry:
    return FakeRegistry("main")


@pytest.fixture
def mirror() -> FakeRegistry:
    return FakeRegistry("mirror")


def test_what_was_adopted_is_looked_at_at_each_registry(main: FakeRegistry, mirror: FakeRegistry) -> None:
    store = _store(main, mirror)
    for tag in ("both", "lags", "lost", "silent"):
        _push(main, tag, tag)
    _push(mirror, "both", "both")
    _push(mirror, "lags", "an older one")
    _push(mirror, "lost", "lost")
    del mirror.tagged[APP, "lost"]
    mirror.failing["silent"] = Unreachable("it rains")
    done = _adopted(store, [main, mirror])
    assert _classes(done) == {
        ("main", "both"): "in-sync",
        ("mirror", "both"): "in-sync",
        ("main", "lags"): "in-sync",
        ("mirror", "lags"): "gone",
        ("main", "lost"): "in-sync",
        ("mirror", "lost"): "tag-missing",
        ("main", "silent"): "in-sync",
        ("mirror", "silent"): "gone",
    }
    assert done.reconciled.report.fails(FAILABLE)
    moved = next(one for one in done.reconciled.report.findings if one.tag == "lags" and one.registry == "mirror")
    assert moved.command.startswith("skopeo copy ")


def test_a_tag_that_moves_while_it_is_adopted_is_reported(main: FakeRegistry) -> None:
    store = _store(main)
    old = _push(main, "v1", "old")
    new = ""

    def move(snapshot: Snapshot) -> Change:
        nonlocal new
        new = _push(main, "v1", "new")
        return writes.publish(snapshot, [])

    store.rivals.append(move)
    done = _adopted(store, [main])
    (finding,) = [one for one in done.reconciled.report.findings if one.tag == "v1"]
    assert (finding.drift, finding.ledger, finding.served) == ("tag-moved", old, new)


def test_what_somebody_else_records_meanwhile_is_not_adopted_and_the_rest_is(main: FakeRegistry) -> None:
    store = _store(main)
    _push(main, "v1", "one")
    _push(main, "v2", "two")
    rival = draft(APP, tag="v1", digest=digest("other"), platform="linux/amd64")
    store.rivals.append(lambda snapshot: writes.publish(snapshot, [rival]))
    done = _adopted(store, [main])
    assert done.not_adopted == [f"{APP}:v1: it was recorded in the meantime"]
    assert [one.tag for one in store.ledger.records()] == ["known", "v1", "v2"]
    assert _classes(done) == {("main", "v1"): "gone", ("main", "v2"): "in-sync"}


def test_if_all_was_recorded_meanwhile_nothing_is_written(main: FakeRegistry) -> None:
    store = _store(main)
    made = _push(main, "v1", "one")
    rival = draft(APP, tag="v1", digest=made, platform="linux/amd64")
    store.rivals.append(lambda snapshot: writes.publish(snapshot, [rival]))
    done = _adopted(store, [main])
    assert (done.written, store.commits) == (None, 2)
    assert _classes(done) == {("main", "v1"): "in-sync"}


def test_an_interrupted_look_at_what_was_adopted_leaves_the_report_incomplete(main: FakeRegistry) -> None:
    store = _store(main)
    _push(main, "v1", "one")
    registries = FakeRegistries([main])
    before = reconcile(store, registries, Query(), now=NOW, jobs=1, untracked=True, progress=lambda *_: None)

    class Interrupted(FakeRegistries):
        def serving(self, policy: Policy, image: str) -> Sequence[FakeRegistry]:
            if store.ledger.find(record(APP, "v1").name):
                raise KeyboardInterrupt
            return super().serving(policy, image)

    done = adopt(store, Interrupted([main]), before, now=NOW, jobs=1)
    assert done.written
    assert done.reconciled.interrupted
    assert not done.reconciled.report.complete

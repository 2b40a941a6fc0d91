"""One contract, every store: in memory, on a remote, in a checkout without one, in a checkout that follows one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ledger_tool.commands.ports import Store
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.writes import publish as rules
from ledger_tool.edges.git.checkout import CheckoutStore
from ledger_tool.edges.git.location import Credentials
from ledger_tool.edges.git.session import SessionOptions, open_session
from ledger_tool.errors import Conflict
from ledger_tool.render.screen import Screen
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import digest, draft, ledger_bytes, record
from tests.support.values.memory import MemoryStore


@contextmanager
def _opened(repo: str) -> Iterator[Store]:
    with open_session(repo, SessionOptions(credentials=Credentials()), Screen()) as session:
        yield session.store()


@pytest.fixture(params=["memory", "remote", "checkout", "followed"])
def store(request: pytest.FixtureRequest, upstream: Upstream, tmp_path: Path) -> Iterator[Store]:
    with ExitStack() as stack:
        if request.param == "memory":
            yield MemoryStore()
        elif request.param == "remote":
            yield stack.enter_context(_opened(upstream.url))
        else:
            checkout = tmp_path / "checkout"
            git("clone", "--quiet", upstream.path, checkout)
            if request.param == "checkout":
                git("remote", "remove", "origin", cwd=checkout)
            yield stack.enter_context(_opened(str(checkout)))


def _publish(tag: str, seed: object = "a") -> Callable[[Snapshot], Change]:
    return lambda snapshot: rules.publish(snapshot, [draft(tag=tag, digest=digest(seed))])


def test_what_was_written_is_read(store: Store) -> None:
    landed = store.transact(_publish("v1"))
    assert landed.change.changed
    assert landed.attempts == 1
    after = store.read()
    assert after.commit == landed.commit
    assert [record.digest for record in after.ledger.find(Name("myorg/app", "v1"))] == [digest()]


def test_a_change_that_changes_nothing_makes_no_commit(store: Store) -> None:
    first = store.transact(_publish("v1"))
    second = store.transact(_publish("v1"))
    assert not second.change.changed
    assert second.attempts == 0
    assert second.commit == first.commit
    assert store.read().commit == first.commit


def test_what_the_operation_raises_ends_it_with_nothing_written(store: Store) -> None:
    first = store.transact(_publish("v1"))
    with pytest.raises(Conflict) as raised:
        store.transact(_publish("v1", "b"))
    assert raised.value.ledger_commit == first.commit
    assert store.read().commit == first.commit


def test_writes_follow_one_another(store: Store) -> None:
    commits = [store.transact(_publish(f"v{at}")).commit for at in range(3)]
    assert len(set(commits)) == 3
    assert len(store.read().ledger) == 3


def test_the_operation_is_run_again_on_the_tip_that_another_writer_left(store: Store, tmp_path: Path) -> None:
    seen: list[str] = []

    def publish(snapshot: Snapshot) -> Change:
        seen.append(snapshot.commit)
        if len(seen) == 1:
            _another_writer(store, tmp_path)
        return rules.publish(snapshot, [draft(tag="ours")])

    landed = store.transact(publish)
    assert landed.attempts == len(seen) == 2
    assert seen[0] != seen[1]
    assert [key[1] for key in store.read().ledger.keys] == ["ours", "theirs"]


def _another_writer(store: Store, tmp_path: Path) -> None:
    """Land another record behind the store's back, between its look and its offer."""
    if isinstance(store, MemoryStore):
        store.rivals.append(_publish("theirs"))
        return
    content = ledger_bytes(record(tag="theirs"))
    if isinstance(store, CheckoutStore):
        checkout = tmp_path / "checkout"
        (checkout / "ledger.json").write_bytes(content)
        git("commit", "--quiet", "-am", "theirs", cwd=checkout)
    else:
        Upstream(tmp_path / "ledger.git").commit_as_other_writer({"ledger.json": content}, "theirs")

"""`prune` with a clock that is, or may be, wrong: nothing goes, and the message says both times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream
from tests.support.registries.proxy import in_front_of, registry_settings
from tests.support.registries.world import World
from tests.support.values.make import ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


@pytest.fixture
def resting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """Return a ledger that was last written 400 days ago, as it looks with a clock that is 400 days ahead."""
    date = f"{ago(400):%Y-%m-%dT%H:%M:%SZ}"
    young = record("myorg/app", "pr-2", publishedAt=f"{ago(401):%Y-%m-%dT%H:%M:%SZ}", ttl="7d")
    living = record("myorg/app", "v1", publishedAt=f"{ago(420):%Y-%m-%dT%H:%M:%SZ}")
    upstream = Upstream.create(tmp_path / "resting.git")
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(young, living)}, date=date)
    monkeypatch.setenv("LEDGER_REPO", upstream.url)
    return upstream


def test_what_only_the_clock_says_has_expired_stays_until_somebody_confirms_the_time(
    ledger: Run, resting: Upstream
) -> None:
    tip = resting.tip()
    for yes in ((), ("--yes",)):
        done = ledger("prune", *yes)
        assert done.code == 5
        assert "myorg/app:pr-2 has expired only if it is " in done.err
        assert f"the ledger was last written at {ago(400):%Y-%m-%d}" in done.err
        assert ("prune  myorg/app:pr-2" in done.out) is (not yes)
    assert resting.tip() == tip
    assert ledger("prune", "--yes", "--now", f"{ago(380):%Y-%m-%dT%H:%M:%SZ}").code == 0
    assert resting.tags() == {"v1"}


def test_a_time_before_it_expires_spares_a_record(ledger: Run, resting: Upstream) -> None:
    done = ledger("prune", "--yes", "--now", f"{ago(395):%Y-%m-%dT%H:%M:%SZ}")
    assert done.code == 0
    assert done.err.startswith(f"nothing to prune; the next is myorg/app:pr-2, at {ago(394):%Y-%m-%d}")


def test_only_a_dry_run_may_look_ahead(ledger: Run, resting: Upstream) -> None:
    later = f"{ago(-30):%Y-%m-%d}"
    assert ledger("prune", "--now", later).code == 0
    done = ledger("prune", "--now", later, "--yes")
    assert done.code == 2
    assert "is ahead of this machine's clock" in done.err
    assert resting.tags() == {"pr-2", "v1"}


def test_the_clock_of_the_registry_decides_what_is_deleted_there(world: World) -> None:
    old = world.push("pr-1", "old")
    words = ("--ttl", "1d", "--published-at", f"{ago(5):%Y-%m-%dT%H:%M:%SZ}")
    assert world.publish("pr-1", *words).code == 0
    world.push("v1")
    assert world.publish("v1").code == 0
    prune = ("prune", "--registry-delete", "--repo", world.upstream.url)
    with in_front_of(world.registry, date=f"{ago(400):%a, %d %b %Y %H:%M:%S GMT}") as wire:
        world.upstream.commit_as_other_writer({"ledger.yaml": registry_settings(wire).encode()})
        for yes in ((), ("--yes",)):
            done = world.run(*prune, *yes)
            assert done.code == 5
            assert f"at {wire.url.removeprefix('http://')} it is {ago(400):%Y-%m-%d}" in done.err
        assert world.registry.has(world.image, old.digest)
        right = world.run(*prune, "--yes", "--now", f"{ago(400):%Y-%m-%dT%H:%M:%SZ}")
        assert right.code == 0
        assert right.err.startswith(
            f"nothing to prune; the next is {world.image}:pr-1 (linux/amd64), at {ago(4):%Y-%m-%d}"
        )
    world.upstream.commit_as_other_writer({"ledger.yaml": world.registry.settings().encode()})
    assert world.run(*prune, "--yes").code == 0
    assert not world.registry.has(world.image, old.digest)


def test_a_ledger_at_rest_is_pruned_where_the_registry_confirms_the_time(world: World) -> None:
    old, living = world.push("pr-1", "old"), world.push("v1")
    date = f"{ago(400):%Y-%m-%dT%H:%M:%SZ}"
    records = [
        record(world.image, "pr-1", digest=old.digest, publishedAt=date, ttl="7d"),
        record(world.image, "v1", digest=living.digest, publishedAt=date),
    ]
    world.upstream.commit_as_other_writer({"ledger.json": ledger_bytes(*records)}, date=date)
    assert world.run("prune", "--yes", "--repo", world.upstream.url).code == 5
    done = world.run("prune", "--yes", "--registry-delete", "--repo", world.upstream.url)
    assert done.code == 0, done.err
    assert world.upstream.tags() == {"v1"}

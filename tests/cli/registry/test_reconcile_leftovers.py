"""`reconcile --untracked` and `--adopt` after a prune: what it had to leave does not come back every night."""

from __future__ import annotations

from tests.support.registries.direct import Direct
from tests.support.registries.world import World, classes
from tests.support.values.make import ledger_bytes, record

LABELS = {
    "org.opencontainers.image.source": "https://git.example.com/team/app",
    "org.opencontainers.image.revision": "4ef5a3030654728decc420aa363a57670ae53de4",
}
OLD = ("--published-at", "2026-01-01T00:00:00Z")
PATTERN = 'tags:\n  mutable: [latest]\n  ttl: {"pr-*": 7d}\n'


def settings(world: World, more: str) -> None:
    of_registry = world.registry.settings().partition("tags:")[0]
    world.upstream.commit_as_other_writer({"ledger.yaml": (of_registry + more).encode()})


def test_promoted_tags_that_were_pruned_are_neither_reported_nor_adopted(world: World) -> None:
    """Whether they had the default TTL, or were given one."""
    settings(world, PATTERN)
    layout = world.push("v1", "promoted", labels=LABELS)
    records = []
    for tag in ("pr-7", "try"):
        Direct(world.registry).tag(world.image, tag, layout.digest)
        old = {"ttl": "7d", "publishedAt": "2026-01-01T00:00:00Z"}
        records.append(record(world.image, tag, digest=layout.digest, **old))
    world.upstream.commit_as_other_writer(
        {"ledger.json": ledger_bytes(record(world.image, digest=layout.digest), *records)}
    )
    assert world.run("prune", "--registry-delete", "--yes", "--repo", world.upstream.url).code == 0
    for option in ("--untracked", "--adopt"):
        done = world.reconcile(option)
        assert (done.code, done.out) == (0, "1 in-sync\n"), done.err
    assert world.upstream.tags() == {"v1"}
    world.push("pr-7", "pushed again", labels=LABELS)
    assert classes(world.reconcile("--untracked", "--format", "json")) == {"pr-7": "untracked"}


def test_a_tag_that_serves_what_another_tag_has_is_reported_if_it_was_never_recorded(world: World) -> None:
    layout = world.push("v1", "both", labels=LABELS)
    Direct(world.registry).tag(world.image, "stable", layout.digest)
    assert world.publish("v1").code == 0
    assert classes(world.reconcile("--untracked", "--format", "json")) == {"stable": "untracked"}


def test_what_was_pruned_from_the_ledger_alone_is_reported_and_not_adopted_until_it_changes(world: World) -> None:
    settings(world, PATTERN)
    world.push("pr-1", "old", labels=LABELS)
    world.push("v1")
    assert world.publish("pr-1", *OLD).code == world.publish("v1").code == 0
    assert world.run("prune", "--yes", "--repo", world.upstream.url).code == 0
    done = world.reconcile("--adopt", "--format", "json")
    assert classes(done) == {"pr-1": "untracked"}
    assert (
        f"note: not adopted: {world.image}:pr-1: it was pruned and is still served; publish it to keep it" in done.err
    )
    assert world.upstream.tags() == {"v1"}
    world.push("pr-1", "new", labels=LABELS)
    assert world.reconcile("--adopt").code == 0
    assert world.upstream.tags() == {"pr-1", "v1"}

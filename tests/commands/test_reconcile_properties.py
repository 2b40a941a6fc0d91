"""Whatever has become of a registry, `reconcile` says what is there, asks for nothing twice, and guesses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.commands.reconcile import reconcile
from ledger_tool.core.ledger.names import Platform, Timestamp
from ledger_tool.core.ledger.query import Query
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.core.registry.driftreport import DriftScope
from ledger_tool.core.registry.image import Child
from ledger_tool.core.registry.platforms import stated_by
from ledger_tool.errors import Unreachable
from tests.support.registries.fake_registry import FakeRegistries, FakeRegistry
from tests.support.values.make import but, digest, ledger_of, record
from tests.support.values.memory import MemoryStore
from tests.support.values.profiles import example_count

APP = "myorg/app"
NOW = Timestamp("2026-11-25T00:00:00Z")
IMAGES = ["a", "b", "c"]
PLATFORMS = [Platform("linux/amd64"), Platform("linux/arm64")]
_tag = st.tuples(st.booleans(), st.lists(st.sampled_from(IMAGES), min_size=1, max_size=2, unique=True))
_worlds = st.fixed_dictionaries(
    {
        "recorded": st.lists(_tag, min_size=1, max_size=3),
        "served": st.lists(st.none() | _tag, min_size=3, max_size=3),
        "deleted": st.sets(st.integers(0, 20), max_size=3),
        "silent": st.sets(st.integers(0, 20), max_size=2),
    }
)


def _push(fake: FakeRegistry, tag: str, indexed: bool, seeds: Sequence[str]) -> list[Record]:
    """Hold what a tag serves, and return the records of a publish of it."""
    images = [fake.push(APP, f"own-{seed}", seed) for seed in seeds]
    if not indexed:
        fake.tagged[APP, tag] = images[0]
        return [record(APP, tag, digest=images[0], platform=PLATFORMS[0])]
    pairs = list(zip(images, PLATFORMS, strict=False))
    index = fake.push_index(
        APP, tag, f"index of {'+'.join(seeds)}", [Child(made, on, stated_by(on), "image") for made, on in pairs]
    )
    return [record(APP, tag, digest=made, index=index, platform=on) for made, on in pairs]


def _made(world: dict[str, Any]) -> tuple[FakeRegistry, list[Record]]:
    fake = FakeRegistry()
    records = [one for at, tag in enumerate(world["recorded"]) for one in _push(fake, f"v{at}", *tag)]
    for at, tag in enumerate(world["served"][: len(world["recorded"])]):
        if tag is None:
            del fake.tagged[APP, f"v{at}"]
        else:
            _push(fake, f"v{at}", *tag)
    digests = sorted(fake.manifests)
    for number in world["deleted"]:
        fake.manifests.pop(digests[number % len(digests)], None)
    places = [*digests, *(f"v{at}" for at in range(3))]
    fake.failing = {places[number % len(places)]: Unreachable("it rains") for number in world["silent"]}
    return fake, records


def _truth(fake: FakeRegistry, one: Record) -> str:
    """Return the class by looking at the registry's own state, as nobody can from outside."""
    pull = one.index or one.digest
    served = fake.tagged.get((APP, one.tag))
    served = served if served in fake.manifests else None
    if pull not in fake.manifests or one.digest not in fake.manifests:
        return "gone"
    if served is None:
        return "tag-missing"
    if served == pull:
        return "in-sync"
    pulled = {child.platform: child.digest for child in fake.manifests[served].children}
    return "index-moved" if one.digest in (served, pulled.get(one.platform)) else "tag-moved"


def _run(
    fake: FakeRegistry, records: list[Record], explain: int, scope: DriftScope = "images"
) -> Sequence[DriftFinding]:
    store = MemoryStore(ledger_of(*records), Policy((Registry(fake.name),)))
    done = reconcile(
        store, FakeRegistries([fake]), Query(), now=NOW, jobs=3, scope=scope, explain=explain, progress=lambda *_: None
    )  # fmt: skip
    return done.report.findings


@example_count(150)
@given(_worlds, st.sampled_from([0, 1, 50]))
def test_a_class_is_the_truth_or_unknown_and_only_what_did_not_answer_is_unknown(
    world: dict[str, Any], explain: int
) -> None:
    fake, records = _made(world)
    findings = {(one.tag, one.platform): one for one in _run(fake, records, explain)}
    looks = [reference for name, reference in fake.calls if name == "look"]
    assert len(set(looks)) == len(looks)
    assert set(looks) <= {digest for one in records for digest in (one.digest, one.index, one.tag) if digest}
    assert sum(name != "look" for name, _ in fake.calls) <= explain
    for one in records:
        finding, truth = findings[one.tag, one.platform], _truth(fake, one)
        silent = [name for name in (one.tag, one.index or one.digest, one.digest) if name in fake.failing]
        unread = explain < 50 or finding.served in fake.failing or one.index in fake.failing
        allowed = {truth} | ({"unknown"} if silent else set())
        allowed |= {"tag-moved"} if truth == "index-moved" and (unread or silent) else set()
        if truth == "gone" and silent:  # what else was seen of it
            allowed |= {"tag-moved", "tag-missing"}
        assert finding.drift in allowed, (one, finding, truth)
        if finding.drift == "in-sync":  # what the tag's answer has proved was not asked for
            assert not [name for name in silent if name != finding.served]
        if finding.drift in ("index-moved", "tag-missing"):
            assert (one.index or one.digest) not in fake.failing


@example_count(60)
@given(_worlds, st.sets(st.integers(0, 2)), st.sampled_from(["*", "*:v0"]))
def test_a_run_is_complete_only_if_every_recorded_tag_that_is_served_is_listed_and_every_listed_one_served(
    world: dict[str, Any], unlisted: set[int], pattern: str
) -> None:
    fake, records = _made(world | {"silent": set()})
    fake.unlisted = {f"v{at}" for at in unlisted}
    store = MemoryStore(ledger_of(*records), Policy((Registry(fake.name),)))
    done = reconcile(
        store, FakeRegistries([fake]), Query(pattern=pattern), now=NOW, jobs=3, untracked=True, progress=lambda *_: None
    )
    recorded = {one.tag for one in records}
    served = {tag for (_, tag), made in fake.tagged.items() if made in fake.manifests}
    others = {tag for _, tag in fake.tagged} - recorded - fake.unlisted if pattern == "*" else set()
    assert done.report.complete == (not recorded & served & fake.unlisted and others <= served)
    assert {one.tag for one in done.report.findings if one.drift == "untracked"} == others & served


_lies = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["platform", "digest", "config"]), st.integers(0, 20)), max_size=2
)


def _with_lies(fake: FakeRegistry, records: list[Record], lies: list[tuple[int, str, int]]) -> list[Record]:
    """Return the records, some of which say something else of their image, as a person may write it by hand."""
    told = {one.key: one for one in records}
    images = sorted(made for made, manifest in fake.manifests.items() if not manifest.is_index)
    for number, what, choice in lies:
        one = list(told.values())[number % len(told)]
        if what == "platform":
            free = [on for on in (*PLATFORMS, Platform("linux/s390x")) if (APP, one.tag, on) not in told]
            new = but(one, platform=free[choice % len(free)])
        elif what == "config":
            new = but(one, config=digest(f"config of {IMAGES[choice % 3]}"))
        else:
            new = but(one, digest=images[choice % len(images)]) if one.index and images else one
        del told[one.key]
        told[new.key] = new
    return list(told.values())


def _deep_truth(fake: FakeRegistry, one: Record) -> str:
    """Return the class that a deep look finds, by the registry's own state."""
    pull, plain = fake.manifests.get(one.pull_digest), _truth(fake, one)
    if plain == "gone" or pull is None:
        return plain
    if any(child.digest not in fake.manifests for child in pull.children):
        return "children-missing"
    pulled = (
        {child.platform: child.digest for child in pull.children} if pull.is_index else {"linux/amd64": pull.digest}
    )
    config = fake.manifests[one.digest].config
    is_right = one.platform and pulled.get(one.platform) == one.digest and one.config in (None, config)
    return plain if is_right else "children-missing"


@example_count(150)
@given(_worlds, _lies)
def test_a_deep_look_finds_what_is_missing_and_every_record_that_is_wrong(
    world: dict[str, Any], lies: list[tuple[int, str, int]]
) -> None:
    fake, records = _made(world | {"silent": set()})
    records = _with_lies(fake, records, lies)
    findings = {(one.tag, one.platform): one for one in _run(fake, records, 50, "deep")}
    for one in records:
        finding = findings[one.tag, one.platform]
        assert finding.drift == _deep_truth(fake, one), (one, finding)
        assert bool(finding.reason) == (finding.drift != "in-sync")

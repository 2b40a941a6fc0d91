"""An environment's record needs no tag, and says what has become of its version, whatever the registry answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.commands.adopt import adopt
from ledger_tool.commands.reconcile import reconcile
from ledger_tool.commands.verify import verify
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Digest, Timestamp
from ledger_tool.core.ledger.query import Query
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Environment, Policy, Registry
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.core.registry.driftreport import DriftReport
from ledger_tool.errors import Unreachable
from tests.support.registries.fake_registry import FakeRegistries, FakeRegistry
from tests.support.values.make import SOURCE, but, digest, ledger_of, record
from tests.support.values.memory import MemoryStore
from tests.support.values.profiles import example_count

APP = "myorg/app"
NOW = Timestamp("2026-11-25T00:00:00Z")
YANKED = {"at": "2026-11-25T00:00:00Z", "reason": "crashes on start"}
PROD = {"prod": Environment()}


def version(tag: str = "v1", seed: str = "one", **more: Any) -> Record:
    return record(APP, tag, digest=digest(seed), platform="linux/amd64", **more)


def prod(tag: str = "v1", seed: str = "one") -> Record:
    return version("prod", seed, version=tag)


def store_of(*records: Record, mutable: Sequence[str] = ()) -> MemoryStore:
    policy = Policy((Registry("registry.example.com"),), environments=PROD, mutable=tuple(mutable))
    return MemoryStore(ledger_of(*records), policy)


def report_of(store: MemoryStore, *fakes: FakeRegistry, **options: Any) -> DriftReport:
    registries = FakeRegistries(fakes)
    return reconcile(store, registries, Query(), now=NOW, jobs=1, progress=lambda *_: None, **options).report


def finding_of(report: DriftReport, tag: str = "prod") -> DriftFinding:
    return next(one for one in report.findings if one.tag == tag)


@pytest.fixture
def fake() -> FakeRegistry:
    registry = FakeRegistry()
    registry.push(APP, "v1", "one")
    return registry


def test_a_registry_without_such_a_tag_is_in_sync_and_each_digest_is_asked_for_once(fake: FakeRegistry) -> None:
    staging = but(prod(), tag="staging")
    store = store_of(version(), prod(), staging)
    store.policy = Policy(store.policy.registries, environments={**PROD, "staging": Environment()})
    report = report_of(store, fake)
    assert [one.drift for one in report.findings] == ["in-sync"] * 3
    assert report.complete
    looks = [reference for what, reference in fake.calls if what == "look"]
    assert sorted(looks) == sorted([digest("one"), "prod", "staging", "v1"])


def test_a_tag_is_compared_where_the_registry_serves_one(fake: FakeRegistry) -> None:
    fake.push(APP, "prod", "two")
    found = finding_of(report_of(store_of(version(), prod(), version("v2", "two")), fake))
    assert (found.drift, found.kind, found.served) == ("tag-moved", "drift", digest("two"))
    assert found.command == "ledger restore myorg/app --env prod --yes"
    other = "ledger promote myorg/app:TAG --to prod --reason TEXT"  # the tag follows, unless it serves that already
    assert found.alternative == f"{other} && {found.command}"
    found = finding_of(report_of(store_of(version(), prod(), mutable=["*"]), fake))
    assert (found.drift, found.kind) == ("tag-moved", "drift")  # only `promote` moves it
    assert found.command == "ledger restore myorg/app --env prod --overwrite --yes"  # the ledger lacks what it serves


def test_a_digest_that_is_not_there_is_gone(fake: FakeRegistry) -> None:
    del fake.manifests[Digest(digest("one"))]
    found = finding_of(report_of(store_of(version(), prod()), fake))
    assert (found.drift, found.kind) == ("gone", "drift")
    assert found.command == "ledger promote myorg/app:TAG --to prod --reason TEXT"


WITHDRAWN = [
    ([], (), "it has v1, which is no longer recorded", "drift"),
    ([version(yanked=YANKED)], (), "it has v1, which is yanked: crashes on start", "drift"),
    ([version(seed="two")], (), "it has v1, which is another image now", "drift"),
    ([version(seed="two")], ("v*",), "it has v1, which is another image now", "housekeeping"),
    (
        [version(seed="two"), version("v0", yanked=YANKED)],
        ("v*",),
        "it has v1, which is another image now, and has the digest of myorg/app:v0, which is yanked: crashes on start",
        "drift",
    ),
    ([version(ttl="1d", publishedAt="2026-11-01T00:00:00Z")], (), "it has v1, which has expired", "housekeeping"),
]


@pytest.mark.parametrize(("records", "mutable", "reason", "kind"), WITHDRAWN)
@pytest.mark.parametrize("weather", ["fine", "silent", "no registry"])
def test_a_withdrawn_version_is_found_whatever_the_registry_answers(
    fake: FakeRegistry, records: list[Record], mutable: tuple[str, ...], reason: str, kind: str, weather: str
) -> None:
    store = store_of(*records, prod(), mutable=mutable)
    fake.push(APP, "v2", "two")
    if weather == "silent":
        fake.failing = dict.fromkeys(("prod", "v1", digest("one"), digest("two")), Unreachable("it rains"))
    report = report_of(store, *([] if weather == "no registry" else [fake]))
    found = finding_of(report)
    assert (found.drift, found.kind) == ("withdrawn", kind)
    assert found.reason.startswith(reason)
    assert found.is_open == (weather != "fine")
    assert report.complete == (weather == "fine")
    assert bool(report.looks_down) == (weather == "silent")
    assert not any(verb in found.command + found.alternative for verb in ("remove", "publish"))


def test_what_is_gone_comes_before_what_is_withdrawn_and_that_before_its_tag(fake: FakeRegistry) -> None:
    fake.push(APP, "prod", "two")
    assert finding_of(report_of(store_of(prod()), fake)).drift == "withdrawn"
    del fake.manifests[Digest(digest("one"))]
    assert finding_of(report_of(store_of(prod()), fake)).drift == "gone"


@pytest.mark.parametrize(
    ("served", "state"), [(None, "ok"), ("one", "ok"), ("two", "mismatch"), (Unreachable("it rains"), "unknown")]
)
@pytest.mark.parametrize("is_withdrawn", [False, True])
def test_verify_is_about_the_registry(fake: FakeRegistry, served: Any, state: str, is_withdrawn: bool) -> None:
    if isinstance(served, str):
        fake.push(APP, "prod", served)
    elif served:
        fake.failing["prod"] = served
    store = store_of(*([] if is_withdrawn else [version()]), prod())
    done = verify(store, FakeRegistries([fake]), parse_name("myorg/app:prod"), now=NOW)
    assert [check.state for check in done.checks] == [state]
    assert ("no longer recorded" in done.checks[0].reason) == is_withdrawn


def test_a_promotion_while_the_registry_is_looked_at_is_judged_by_the_ledger_that_has_it(fake: FakeRegistry) -> None:
    fake.push(APP, "prod", "two")
    store = store_of(version(), prod())

    def promote(what: str, reference: str) -> None:
        if reference == "prod":
            store.ledger = ledger_of(version(), version("v2", "two"), prod("v2", "two"))

    fake.hook = promote
    assert finding_of(report_of(store, fake)).drift == "in-sync"


def test_a_tag_with_an_environments_name_is_never_adopted_and_the_rest_is(fake: FakeRegistry) -> None:
    url, _, commit = SOURCE.partition("@")
    labels = {"org.opencontainers.image.source": url, "org.opencontainers.image.revision": commit}
    for tag in ("prod", "v2"):
        fake.push(APP, tag, tag, config={"Labels": labels})
    store, registries = store_of(version()), FakeRegistries([fake])
    before = reconcile(store, registries, Query(), now=NOW, jobs=1, untracked=True, progress=lambda *_: None)
    found = finding_of(before.report)
    assert (found.drift, found.command) == ("untracked", "ledger promote myorg/app:TAG --to prod --reason TEXT")
    assert found.reason == "prod is an environment, which only `ledger promote` gives an image"
    done = adopt(store, registries, before, now=NOW, jobs=1)
    why = "prod is an environment; give it a version with `ledger promote myorg/app:TAG --to prod`"
    assert done.not_adopted == [f"myorg/app:prod: {why}"]
    assert {tag for _, tag in store.ledger.names()} == {"v1", "v2"}


def test_a_recorded_environment_is_not_untracked(fake: FakeRegistry) -> None:
    for tag in (None, "prod"):
        if tag:
            fake.push(APP, tag, "one")
        report = report_of(store_of(version(), prod()), fake, untracked=True)
        assert [one.drift for one in report.findings] == ["in-sync", "in-sync"]
        assert report.complete


def test_an_environment_declared_while_tags_are_adopted_is_left_out(fake: FakeRegistry) -> None:
    url, _, commit = SOURCE.partition("@")
    labels = {"org.opencontainers.image.source": url, "org.opencontainers.image.revision": commit}
    for tag in ("qa", "v2"):
        fake.push(APP, tag, tag, config={"Labels": labels})
    store, registries = store_of(version()), FakeRegistries([fake])
    before = reconcile(store, registries, Query(), now=NOW, jobs=1, untracked=True, progress=lambda *_: None)

    class Declaring(MemoryStore):
        def transact(self, operation: Callable[[Snapshot], Any]) -> Any:
            self.policy = Policy(self.policy.registries, environments={"qa": Environment()})
            return super().transact(operation)

    done = adopt(Declaring(store.ledger, store.policy), registries, before, now=NOW, jobs=1)
    assert [one.partition(";")[0] for one in done.not_adopted] == ["myorg/app:qa: qa is an environment"]


SEEDS = ["one", "two"]
WORLDS = st.fixed_dictionaries(
    {
        "has": st.sampled_from(SEEDS),
        "version": st.none() | st.tuples(st.sampled_from(SEEDS), st.sampled_from(["", "yanked", "expired"])),
        "served": st.none() | st.sampled_from([*SEEDS, "three"]),
        "deleted": st.sets(st.sampled_from(SEEDS)),
        "silent": st.sets(st.sampled_from(["prod", *SEEDS])),
        "scope": st.sampled_from(["tags", "images"]),
    }
)


@example_count(200)
@given(WORLDS)
def test_each_record_is_in_the_first_class_that_fits(world: dict[str, Any]) -> None:
    fake, own = FakeRegistry(), digest(world["has"])
    for seed in (*SEEDS, "three"):
        fake.push(APP, f"some-{seed}", seed)
    if world["served"]:
        fake.tagged[APP, "prod"] = Digest(digest(world["served"]))
    for seed in world["deleted"]:
        del fake.manifests[Digest(digest(seed))]
    fake.failing = {place if place == "prod" else digest(place): Unreachable("it rains") for place in world["silent"]}
    fates: dict[str, dict[str, Any]] = {
        "": {},
        "yanked": {"yanked": YANKED},
        "expired": {"ttl": "1m", "publishedAt": "2026-11-01T00:00:00Z"},
    }
    records = [version(seed=seed, **fates[fate]) for seed, fate in filter(None, [world["version"]])]
    found = finding_of(report_of(store_of(*records, prod(seed=world["has"])), fake, scope=world["scope"]))
    tag = (
        "silent" if "prod" in world["silent"] else world["served"] if world["served"] not in world["deleted"] else None
    )
    proved = tag == world["has"]
    is_silent = world["has"] in world["silent"] and not proved
    if world["has"] in world["deleted"] and not is_silent:
        wanted = "gone"
    elif world["version"] != (world["has"], ""):
        wanted = "withdrawn"
    elif tag == "silent":
        wanted = "unknown"
    elif tag not in (None, world["has"]):
        wanted = "tag-moved"
    else:
        wanted = "unknown" if is_silent else "in-sync"
    assert found.drift == wanted, found
    assert found.ledger == own


EXPIRED = {"ttl": "1m", "publishedAt": "2026-11-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("records", "command", "alternative"),
    [
        ([version(seed="two")], "v1", "TAG"),
        ([version(seed="two", yanked=YANKED)], "TAG", ""),
        ([version(seed="two", **EXPIRED)], "TAG", ""),
        ([version(yanked=YANKED)], "TAG", ""),
        ([version(**EXPIRED)], "TAG", "set"),
        ([], "TAG", ""),
    ],
)
def test_what_is_recorded_now_is_promoted_only_if_it_may_be(
    fake: FakeRegistry, records: list[Record], command: str, alternative: str
) -> None:
    fake.push(APP, "v2", "two")
    found = finding_of(report_of(store_of(*records, prod()), fake))
    commands = {tag: f"ledger promote myorg/app:{tag} --to prod --reason TEXT" for tag in ("v1", "TAG")}
    commands |= {"set": "ledger set myorg/app:v1 --ttl none", "": ""}
    assert (found.command, found.alternative) == (commands[command], commands[alternative])

"""What environments have is never a version: it changes no answer about versions, whatever an environment is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.commands.dependents import stale
from ledger_tool.commands.export import SINGLE, Exported, export
from ledger_tool.commands.records import get, list_records
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.promotion import promoted
from ledger_tool.core.export.selection import Selection
from ledger_tool.core.judging.diff import tag_changes
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Tag, Timestamp
from ledger_tool.core.ledger.query import Query
from ledger_tool.core.ledger.record import Name, Record, by_name
from ledger_tool.core.manifests.bump import BumpRules, judge_bump
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.pin import Judgement, judge_pin
from ledger_tool.core.manifests.policyrules import parse_rule
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.policy.policy import Environment, Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes.prune import PruneCriteria, choose
from ledger_tool.errors import LedgerError
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.profiles import example_count

NOW = Timestamp("2026-12-01T00:00:00Z")
BAD = {"at": "2026-11-26T00:00:00Z", "reason": "it eats data"}
ENVIRONMENTS = ("prod", "9.9.9", "20990101")  # two of them look like the highest version there could be
POLICY = Policy(mutable=("latest", "main-*"), environments=dict.fromkeys(ENVIRONMENTS, Environment()))
TAGS = ("1.0.0", "1.1.0", "1.2.0-rc.1", "1.1", "2.0.0-alpine", "20240101", "latest", "main-7", "pr-3")
BUMPS = ("semver:*", "prerelease:*", "newest", "newest:*", "tag:latest", r"regex:(?P<version>[0-9.]+)")

day = st.integers(1, 9).map(lambda number: f"2026-11-0{number}T00:00:00Z")
versions = st.lists(
    st.builds(
        lambda image, tag, seed, **more: record(image, tag, digest=digest(seed), **more),
        st.sampled_from(["a", "b"]),
        st.sampled_from(TAGS),
        st.integers(0, 5),
        publishedAt=day,
        ttl=st.sampled_from([None, "1d", "30d"]),
        yanked=st.sampled_from([None, None, BAD]),
        dependsOn=st.sampled_from([None, *([f"b:{tag}@{digest(seed)}"] for tag in TAGS[:2] for seed in (0, 1))]),
    ),
    min_size=1,
    max_size=9,
    unique_by=lambda one: one.name,
)


@dataclass(frozen=True)
class Recorded:
    """A source of a ledger in memory."""

    ledger: Ledger

    def read(self) -> Snapshot:
        return Snapshot("", self.ledger, POLICY)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Ledger, Ledger]:
    """Return a ledger without environments, and the same with what they have."""
    plain = ledger_of(*draw(versions))
    environments: dict[Name, tuple[Record, ...]] = {}
    for name in by_name(plain.records()):
        for environment in draw(st.sets(st.sampled_from(ENVIRONMENTS), max_size=2)):
            at = Timestamp(draw(day).replace("2026-11", "2026-12"))
            environments[Name(name.image, environment)] = promoted(plain.find(name), Tag(environment), at)
    return plain, plain.replaced(environments)


def of_versions(records: list[Record]) -> list[Record]:
    return [one for one in records if not one.version]


@given(worlds())
def test_list_shows_the_same_versions_in_the_same_order(world: tuple[Ledger, Ledger]) -> None:
    plain, full = map(Recorded, world)
    for order in ("image", "published", "version"):
        assert list_records(full, Query(), latest_at=NOW, order=order) == list_records(
            plain, Query(), latest_at=NOW, order=order
        )
        found = list_records(full, Query(), order=order)
        assert of_versions(found) == list_records(plain, Query(), order=order)
    tags = [(one.image, bool(one.version)) for one in found]
    assert tags == sorted(tags)


@given(worlds(), st.sampled_from(SINGLE), st.booleans())
def test_export_takes_the_same_version_of_each_image(world: tuple[Ledger, Ledger], form: str, latest: bool) -> None:
    def answer(ledger: Ledger) -> object:
        try:
            exported: Exported = export(Recorded(ledger), form, Selection(), now=NOW, latest=latest)
        except LedgerError as error:
            return error.message, error.hint
        return exported.records, exported.skipped, exported.doubtful

    plain, full = world
    assert answer(full) == answer(plain)


@example_count(60)
@given(worlds(), st.sampled_from(BUMPS), st.sampled_from(["", *TAGS]), st.sampled_from([None, *range(6)]))
def test_pin_and_bump_make_the_same_of_a_reference_to_a_version(
    world: tuple[Ledger, Ledger], policy: str, tag: str, pinned: int | None
) -> None:
    site = at(tag, "" if pinned is None else digest(pinned))
    rules = BumpRules(rules=[parse_rule(policy)])
    plain, full = (Catalogue(Recorded(ledger).read(), NOW) for ledger in world)
    assert judge_bump(site, full, rules) == judge_bump(site, plain, rules)
    assert judge_pin(site, full) == judge_pin(site, plain)


@given(worlds(), st.integers(0, 3))
def test_prune_counts_the_same_tags_and_keeps_what_an_environment_has(world: tuple[Ledger, Ledger], keep: int) -> None:
    plain, full = world
    criteria = PruneCriteria(now=NOW, keep=keep, last=True)
    held = {Name(one.image, one.version) for one in full.records() if one.version}
    expected = [one for one in choose(plain, criteria).going if one.name not in held]
    assert list(choose(full, criteria).going) == expected


@given(worlds())
def test_what_is_built_on_an_old_base_is_the_same(world: tuple[Ledger, Ledger]) -> None:
    def answer(ledger: Ledger) -> object:
        found = stale(Recorded(ledger), None, None, jobs=1, progress=None)  # type: ignore[arg-type]
        assert found.rebuilds is not None
        return [
            (found.graph.records[one.number], one.step, [(base.text, now) for base, now in one.moved])
            for one in found.rebuilds
        ]

    plain, full = world
    assert answer(full) == answer(plain)


@given(worlds(), st.sampled_from(["1.1.1", "1.2.0", "3", "20991231"]))
def test_a_new_version_is_compared_with_the_same_one(world: tuple[Ledger, Ledger], tag: str) -> None:
    def answer(ledger: Ledger) -> object:
        after = ledger.replaced({Name("a", tag): [record("a", tag, digest=digest("new"))]})
        (change,) = tag_changes(ledger, after, POLICY)
        return change.previous, change.versions, change.direction, change.compare

    plain, full = world
    assert answer(full) == answer(plain)


def at(tag: str, pinned: str = "") -> Site:
    text = "a" + (f":{tag}" if tag else "") + (f"@{pinned}" if pinned else "")
    return Site(line=1, text=text, name="a", tag=tag, digest=pinned, whole=True)


def release(tag: str, seed: int, **more: Any) -> Record:
    return record("a", tag, digest=digest(seed), publishedAt=f"2026-11-0{seed}T00:00:00Z", **more)


def with_prod(*records: Record, version: str) -> Ledger:
    ledger = ledger_of(*records)
    prod = promoted(ledger.find(Name("a", version)), Tag("prod"), Timestamp("2026-11-20T00:00:00Z"))
    return ledger.replaced({Name("a", "prod"): prod})


V1, V2 = release("1.0.0", 1), release("2.0.0", 2)


@pytest.mark.parametrize("policy", ["newest", "semver:*", "newest:*", r"regex:(?P<version>[0-9.]+)", "tag:prod"])
@pytest.mark.parametrize("pinned", [0, 1, 2])
def test_a_reference_to_an_environment_stays_there_and_gets_its_digest(policy: str, pinned: int) -> None:
    catalogue = Catalogue(Recorded(with_prod(V1, V2, version="1.0.0")).read(), NOW)
    site = at("prod", digest(pinned) if pinned else "")

    def wanted(done: Judgement | None) -> str:
        assert done is not None
        return done.wanted.digest if done.wanted else site.digest

    assert wanted(judge_pin(site, catalogue)) == digest(1)
    done = judge_bump(site, catalogue, BumpRules(rules=[parse_rule(policy)]))
    assert wanted(done) == digest(1)
    assert done is None or done.wanted is None or done.wanted.tag == "prod"


@pytest.mark.parametrize("policy", ["newest", "semver:*", "newest:pro*", r"regex:(?P<number>prod)"])
def test_no_policy_moves_a_version_to_an_environment_unless_it_names_it(policy: str) -> None:
    catalogue = Catalogue(Recorded(with_prod(V1, version="1.0.0")).read(), NOW)
    done = judge_bump(at("1.0.0"), catalogue, BumpRules(rules=[parse_rule(policy)]))
    assert done is not None
    assert done.wanted is None or done.wanted.tag == "1.0.0"
    named = judge_bump(at("1.0.0"), catalogue, BumpRules(rules=[parse_rule("tag:prod")]))
    assert named is not None
    assert named.wanted is not None
    assert named.wanted.tag == "prod"


def test_only_environments_have_no_latest_version() -> None:
    with pytest.raises(LedgerError, match="no version") as refused:
        export(Recorded(with_prod(V1, version="1.0.0")), "csv", Selection(tags=["prod"]), now=NOW, latest=True)
    assert "--env ENV" in refused.value.hint


@pytest.mark.parametrize(
    ("records", "doubt"),
    [
        ([V1], []),
        ([release("1.0.0", 1, yanked=BAD)], ["has 1.0.0, which is yanked: it eats data"]),
        ([release("1.0.0", 1, ttl="3d")], ["has 1.0.0, which has expired"]),
        ([release("1.0.0", 2)], ["has 1.0.0, which is another image now"]),
        ([release("0.9.0", 1)], ["has 1.0.0, which is no longer recorded"]),
        (
            [V1, release("1.0", 1, yanked=BAD)],
            ["has 1.0.0, which has the digest of a:1.0, which is yanked: it eats data"],
        ),
    ],
)
def test_get_says_what_has_become_of_the_version_of_an_environment(records: list[Record], doubt: list[str]) -> None:
    prod = with_prod(V1, version="1.0.0").find(Name("a", "prod"))
    ledger = ledger_of(*records).replaced({Name("a", "prod"): prod})
    assert list(get(Recorded(ledger), parse_name("a:prod"), now=NOW).doubts) == doubt

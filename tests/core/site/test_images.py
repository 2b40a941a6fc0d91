"""The images of a site: what `get` and `list` say of each tag, the version before it, bases and dependents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.dependencies.graph import BaseQuery, build_graph, dependents_of, rebuild_order
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Tag, Timestamp
from ledger_tool.core.ledger.order import latest
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.ledger.yanks import yanks_of
from ledger_tool.core.policy.policy import Environment, Owner, Policy, Registry
from ledger_tool.core.policy.resolve import NamedImage
from ledger_tool.core.site.facts import SiteFacts, SiteImage, TagFacts
from ledger_tool.core.site.newest import is_prerelease
from ledger_tool.core.site.site import site_facts
from tests.support.values.make import digest, ledger_of, record, source
from tests.support.values.strategies import ledgers

AT = Timestamp("2026-11-25T00:00:00Z")
POLICY = Policy(
    registries=(Registry("registry.example.com", ("myorg/*",)), Registry("mirror.example.net", ("myorg/*",), "m")),
    mutable=("latest", "pr-*"),
    owners=(Owner(("myorg/app",), ("app-ci",)),),
    environments={"prod": Environment()},
)


def facts_of(*records: Record, policy: Policy = POLICY, at: Timestamp = AT) -> SiteFacts:
    return site_facts(Snapshot("c" * 40, ledger_of(*records), policy), [], made_at=at, title="site")


def image_of(*records: Record, **more: Any) -> SiteImage:
    (image,) = facts_of(*records, **more).images
    return image


def tags_of(image: SiteImage) -> dict[str, TagFacts]:
    return {tag.name.tag: tag for tag in image.tags}


def at(hour: int) -> str:
    return f"2026-11-24T{hour:02}:00:00Z"


def test_a_tag_has_its_pull_references_at_all_registries_and_its_owners() -> None:
    platforms = [
        record(platform=f"linux/{each}", digest=digest(each), index=digest("i"), sourceRef=source(1))
        for each in ("amd64", "arm64")
    ]
    (tag,) = image_of(*platforms).tags
    assert tag.digest == digest("i")
    assert tag.pulls == (
        f"registry.example.com/myorg/app@{digest('i')}",
        f"mirror.example.net/m/myorg/app@{digest('i')}",
    )
    assert (tag.sources, tag.owners, tag.is_mutable) == ((source(1),), ("app-ci",), False)
    (alone,) = image_of(record("nginx")).tags
    assert (alone.pulls, alone.owners) == ((f"nginx@{digest()}",), ())


def test_a_tag_of_an_old_ledger_without_a_common_digest_has_none() -> None:
    (tag,) = image_of(
        record(platform="linux/amd64", digest=digest("a")), record(platform="linux/arm64", digest=digest("b"))
    ).tags
    assert (tag.digest, tag.pulls) == ("", ())


def test_tags_are_in_the_order_of_their_publishing_and_the_newest_is_neither_yanked_nor_expired() -> None:
    image = image_of(
        record(tag="v1", publishedAt=at(1), digest=digest(1)),
        record(tag="v2", publishedAt=at(2), digest=digest(2)),
        record(tag="v3", publishedAt=at(3), digest=digest(3), yanked={"at": at(4), "reason": "broken"}),
        record(tag="pr-1", publishedAt=at(4), digest=digest(4), ttl="1h"),
        record(tag="prod", publishedAt=at(5), digest=digest(1), version="v1"),
    )
    assert list(tags_of(image)) == ["pr-1", "v3", "v2", "v1"]
    assert image.newest == tags_of(image)["v2"]
    assert [cell.environment for cell in image.environments] == ["prod"]
    expiring = tags_of(image)["pr-1"]
    assert (expiring.expires, expiring.is_expired, expiring.is_mutable) == (at(5), True, True)


@pytest.mark.parametrize(
    "mark", [{"yanked": {"at": at(3), "reason": "broken"}}, {"ttl": "1h"}], ids=["yanked", "expired"]
)
def test_a_tag_of_which_one_platform_must_not_be_used_is_not_the_newest_version(mark: dict[str, Any]) -> None:
    def published(tag: str, hour: int, *platforms: dict[str, Any]) -> list[Record]:
        return [
            record(tag=tag, publishedAt=at(hour), index=digest(tag), digest=digest(f"{tag}{number}"), **more)
            for number, more in enumerate(platforms)
        ]

    amd64, arm64 = {"platform": "linux/amd64"}, {"platform": "linux/arm64"}
    older, newer = published("v1", 1, amd64, arm64), published("v2", 2, amd64, arm64 | mark)
    promoted = [replace(each, tag=Tag("prod"), version=Tag("v1")) for each in older]
    again = published("v3", 3, amd64)  # its one platform may be used, but not what its index has besides
    again = [replace(each, index=newer[0].index) for each in again] if "yanked" in mark else []
    image = image_of(*older, *newer, *promoted, *again)
    assert image.newest == tags_of(image)["v1"]
    assert [cell.state for cell in image.environments] == ["same"]


def newest_of(*tags: str, ttl: str = "") -> str:
    """Return the newest version of an image with these tags, each published an hour after the one before it."""
    records = [record(tag=tag, publishedAt=at(hour), digest=digest(hour)) for hour, tag in enumerate(tags, 1)]
    preview = [record(tag="pr-7", publishedAt=at(9), digest=digest(9), ttl=ttl)] if ttl else []
    newest = image_of(*records, *preview, policy=Policy(mutable=("latest", "main"))).newest
    return newest.name.tag if newest else ""


def test_a_preview_a_tag_that_moves_and_a_pre_release_are_the_newest_version_only_without_a_release() -> None:
    assert newest_of("v1.5.0", "v2.0.0-rc.1", "latest", ttl="90d") == "v1.5.0"
    assert newest_of("v2.0.0-rc.1", "latest", ttl="90d") == "v2.0.0-rc.1"
    assert newest_of("main", "latest") == "latest"
    assert newest_of("latest", ttl="90d") == "pr-7"


def test_the_number_or_the_commit_of_a_build_makes_no_pre_release() -> None:
    assert newest_of("1.5.0-41", "1.5.0-4ef5a30") == "1.5.0-4ef5a30"


def test_a_tag_is_yanked_with_any_mark_on_its_digest() -> None:
    facts = facts_of(
        record(tag="v1", yanked={"at": at(1), "reason": "broken"}),
        record(tag="latest"),
        record(tag="v2", digest=digest(2), yanked={"at": at(2), "reason": "worse"}),
    )
    assert [(tag.name.tag, tag.yanked) for tag in facts.yanked] == [
        ("v2", "worse"),
        ("v1", "broken"),
        ("latest", "has the digest of myorg/app:v1, which is yanked: broken"),
    ]
    assert facts.images[0].newest is None


def test_tags_with_a_ttl_are_listed_the_first_to_end_first() -> None:
    facts = facts_of(
        record(tag="v1"), record(tag="pr-1", ttl="2w", digest=digest(1)), record(tag="pr-2", ttl="3d", digest=digest(2))
    )
    assert [tag.name.tag for tag in facts.expiring] == ["pr-2", "pr-1"]


@pytest.mark.parametrize(
    ("tags", "previous"),
    [
        ("1.4.9 1.5.0 1.5.1", {"1.5.1": "1.5.0", "1.5.0": "1.4.9"}),
        ("v1.10.0 v1.9.0 v1.9.1-rc.1", {"v1.10.0": "v1.9.1-rc.1", "v1.9.1-rc.1": "v1.9.0"}),
        ("1.5.0 1.5 1 latest", {}),  # nothing that moves, and nothing that leaves parts out
        ("1.4.0-alpine 1.5.0-alpine 1.4.5", {"1.5.0-alpine": "1.4.0-alpine"}),  # of the same variant
        ("pr-1 pr-2 nightly", {}),
        ("20240101 20240102", {"20240102": "20240101"}),
        ("1.0.0-4ef5a30 1.0.0-5ef5a30", {}),  # nobody can tell which of two commits is later
    ],
)
def test_the_version_before_is_the_next_lower_one_of_the_variant(tags: str, previous: dict[str, str]) -> None:
    image = image_of(*(record(tag=tag, digest=digest(tag), sourceRef=source(tag)) for tag in tags.split()))
    assert {name: tag.previous for name, tag in tags_of(image).items() if tag.previous} == previous


def test_a_yanked_version_comes_before_none_and_the_sources_are_compared() -> None:
    host = "https://github.com/myorg/app@"
    image = image_of(
        record(tag="v1.0.0", digest=digest(1), sourceRef=host + "1" * 40),
        record(tag="v1.1.0", digest=digest(2), yanked={"at": at(1), "reason": "broken"}),
        record(tag="v1.2.0", digest=digest(3), sourceRef=host + "3" * 40),
    )
    tag = tags_of(image)["v1.2.0"]
    assert tag.previous == "v1.0.0"
    assert tag.compare == f"https://github.com/myorg/app/compare/{'1' * 40}...{'3' * 40}"


def test_bases_lead_to_records_and_say_where_their_tag_is_now() -> None:
    def ref(name: str, seed: str) -> str:
        return f"registry.example.com/{name}@{digest(seed)}"

    facts = facts_of(
        record("myorg/app", dependsOn=[ref("myorg/base:12", "old"), ref("other/x:1", "x")], digest=digest("app")),
        record("myorg/base", "12", digest=digest("new")),
        record("myorg/mid", dependsOn=[ref("myorg/base:12", "new")], digest=digest("mid")),
        record("myorg/mid", "prod", dependsOn=[ref("myorg/base:12", "new")], digest=digest("mid"), version="v1"),
    )
    images = {image.image: tags_of(image) for image in facts.images}
    moved, foreign = images["myorg/app"]["v1"].bases
    assert (str(moved.name), moved.now) == ("myorg/base:12", digest("new"))
    assert (foreign.reference, foreign.name, foreign.now) == (ref("other/x:1", "x"), None, "")
    (base,) = images["myorg/mid"]["v1"].bases
    assert (str(base.name), base.now) == ("myorg/base:12", "")
    app, mid = images["myorg/base"]["12"].dependents
    assert (str(app.name), app.is_stale) == ("myorg/app:v1", True)  # whom to rebuild
    assert (str(mid.name), mid.is_stale) == ("myorg/mid:v1", False)


def built_on_old_base() -> list[Record]:
    """Return a base that was replaced, an image on the former one, and one on that, which an environment has."""
    return [
        record("myorg/base", "12", digest=digest("new")),
        record("myorg/mid", digest=digest("mid"), dependsOn=[f"myorg/base:12@{digest('old')}"]),
        record("myorg/app", digest=digest("app"), dependsOn=[f"myorg/mid:v1@{digest('mid')}"]),
        record("myorg/app", "prod", digest=digest("app"), version="v1", dependsOn=[f"myorg/mid:v1@{digest('mid')}"]),
    ]


def test_what_is_built_on_a_base_that_has_moved_on_is_to_be_rebuilt_with_all_that_is_built_on_it() -> None:
    facts = facts_of(*built_on_old_base(), record("myorg/mid", "v0", digest=digest("mid")))
    steps = {str(tag.name): tag.rebuild_step for image in facts.images for tag in image.tags}
    assert steps == {"myorg/app:v1": 2, "myorg/base:12": 0, "myorg/mid:v0": 0, "myorg/mid:v1": 1}
    assert [str(tag.name) for tag in facts.outdated] == ["myorg/mid:v1", "myorg/app:v1"]


def test_a_base_without_a_successor_that_the_ledger_knows_leaves_nothing_to_rebuild() -> None:
    _, *rest = built_on_old_base()
    facts = facts_of(*rest)
    assert not facts.outdated
    assert not any(tag.rebuild_step for image in facts.images for tag in image.tags)


@given(ledgers())
def test_what_is_to_be_rebuilt_is_what_dependents_says(ledger: Ledger) -> None:
    graph = build_graph(ledger, Policy())
    everything = dependents_of(graph, None, by_name=True)
    stale = {graph.records[each.number].name for each in rebuild_order(graph, everything, lambda base: base.now)}
    facts = site_facts(Snapshot("", ledger, Policy()), [], made_at=AT, title="site")
    assert {tag.name for image in facts.images for tag in image.tags if tag.rebuild_step} == stale


def test_an_image_that_only_an_environment_has_is_there_without_a_tag() -> None:
    image = image_of(record(tag="prod", version="v1"))
    assert (image.tags, image.newest, len(image.environments)) == ((), None, 1)


def test_an_empty_ledger_has_no_image() -> None:
    facts = facts_of()
    assert (facts.images, facts.digests, facts.changes, facts.environments) == ([], {}, [], ["prod"])


@given(ledgers(), st.sampled_from([AT, Timestamp("2001-01-01T00:00:00Z"), Timestamp("9999-01-01T00:00:00Z")]))
def test_the_newest_version_is_what_list_has_of_the_best_tags(ledger: Ledger, now: Timestamp) -> None:
    facts = site_facts(Snapshot("", ledger, Policy(mutable=("latest",))), [], made_at=now, title="site")
    yanks = yanks_of(ledger)
    unusable = {one.name for one in ledger.records() if yanks.of(one, as_pulled=True) or is_expired(one, now)}
    passing = {one.name for one in ledger.records() if one.ttl or one.tag == "latest"}

    def listed(*, stay: bool, released: bool) -> dict[str, str]:
        among = [
            one
            for one in ledger.records()
            if one.name not in unusable
            and not (stay and one.name in passing)
            and not (released and is_prerelease(one.tag))
        ]
        return {one.image: one.tag for one in latest(among, now, yanks)}

    newest = listed(stay=False, released=False) | listed(stay=True, released=False) | listed(stay=True, released=True)
    assert {image.image: image.newest.name.tag for image in facts.images if image.newest} == newest
    tags = [tag for image in facts.images for tag in image.tags]
    assert sorted(one.key for tag in tags for one in tag.records) == [
        one.key for one in ledger.records() if not one.is_environment
    ]


@given(ledgers())
def test_dependents_are_what_the_command_says_is_built_on_a_tag_directly(ledger: Ledger) -> None:
    facts = site_facts(Snapshot("", ledger, POLICY), [], made_at=AT, title="site")
    graph = build_graph(ledger, POLICY)
    for tag in (tag for image in facts.images for tag in image.tags):
        query = BaseQuery(NamedImage(tag.name.image, ours=True), tag.name.tag)
        direct = [graph.records[number] for number in dependents_of(graph, query).direct]
        built = {one.name for one in direct if not one.is_environment}
        assert [one.name for one in tag.dependents] == sorted(built)

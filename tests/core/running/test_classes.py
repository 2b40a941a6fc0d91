"""Every container is in exactly one class: cases, and a second telling of the rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Tag, Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.core.running.classes import Former, RunningJudge, RunningVerdict, named
from ledger_tool.core.running.container import ImageIdentity, identity
from ledger_tool.core.running.records import records_by_digest
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.profiles import example_count
from tests.support.values.running import APP, HOST

NOW = Timestamp("2026-11-28T00:00:00Z")
MIRROR = "mirror.example.net"
POLICY = Policy(
    registries=(Registry(HOST, ("myorg/*",)), Registry(MIRROR, ("myorg/*",), prefix="cache")),
)
D = {name: digest(name) for name in ("one", "two", "three", "index", "config", "old", "never")}


def judged(
    image: ImageIdentity,
    *records: Record,
    environment: str = "",
    formers: dict[str, list[Former]] | None = None,
    unread: str = "",
) -> RunningVerdict:
    ledger = ledger_of(*records)
    resolver = Resolver(POLICY, ledger.has_image)
    digests = [one for one in (*image.has_run, image.pinned) if one]
    found = records_by_digest(ledger, named(image, resolver).ours, digests)
    return RunningJudge(resolver, found, NOW, environment, formers, unread).verdict(image)


def runs(tag: str = "v1", has: str = "one", **more: Any) -> ImageIdentity:
    """Return what a pod says of the image that it asked for by a tag, and has by a digest."""
    return identity(f"{APP}:{tag}", [f"{APP}@{D[has]}"], **more)


V1 = record("myorg/app", "v1.0.0", digest=D["one"], index=D["index"], config=D["config"], platform="linux/amd64")
V2 = record("myorg/app", "v2.0.0", digest=D["two"], publishedAt="2026-11-25T00:00:00Z")


def env(name: str, of: Record, **more: Any) -> Record:
    """Return the record of an environment that has a version."""
    fields = {"digest": of.digest, "index": of.index, "config": of.config, "platform": of.platform}
    return record(of.image, name, version=of.tag, publishedAt="2026-11-26T00:00:00Z", **fields | more)


@pytest.mark.parametrize("has", ["one", "index", "config"])
def test_an_image_an_index_and_a_config_are_as_recorded(has: str) -> None:
    found = judged(runs("v1.0.0", has), V1, V2)
    assert (found.category, found.image, found.tag, found.version, found.digest, found.reason) == (
        "as-recorded", "myorg/app", "v1.0.0", "v1.0.0", D[has], ""
    )  # fmt: skip
    assert judged(identity(f"{APP}:v1.0.0", [D[has]]), V1, V2).category == "as-recorded"
    assert judged(identity(D[has], (), is_typed=True), V1).category == "as-recorded"
    other = judged(identity("cache.example.org/hub/myorg/app:v1", [f"cache.example.org/hub/myorg/app@{D[has]}"]), V1)
    assert (other.category, other.image, other.reason) == ("as-recorded", "myorg/app", "recorded as myorg/app:v1.0.0")


def test_a_mirror_of_ours_is_ours_and_another_registry_is_foreign() -> None:
    asked = f"{MIRROR}/cache/myorg/app:v1.0.0"
    assert judged(identity(asked, [f"{MIRROR}/cache/myorg/app@{D['one']}"]), V1).category == "as-recorded"
    never = judged(identity(asked, [f"{MIRROR}/cache/myorg/app@{D['never']}"]), V1, formers={})
    assert (never.category, never.image) == ("unknown", "myorg/app")
    for foreign in ("nginx:1.27", f"{HOST}/other/app:v1", "quay.io/myorg/app:v1"):
        assert judged(identity(foreign, [f"docker.io/library/x@{D['never']}"]), V1).category == "foreign"
        assert judged(identity(foreign, ()), V1).category == "foreign"


def test_the_usual_port_is_the_hosts_own() -> None:
    for port in (":443", ":80", ":0443"):
        never = judged(identity(f"{HOST}{port}/myorg/app:v1@{D['never']}", (), is_typed=True), V1, formers={})
        assert (never.category, never.image) == ("unknown", "myorg/app")
    assert judged(identity(f"{HOST}:5000/myorg/app:v1@{D['never']}", ()), V1, formers={}).category == "foreign"


def test_what_has_moved_on_is_behind_the_tag_that_was_asked_for() -> None:
    latest = record("myorg/app", "latest", digest=D["two"], publishedAt="2026-11-25T00:00:00Z")
    found = judged(runs("latest", "one"), V1, V2, latest)
    assert (found.category, found.version, found.reason) == (
        "behind", "v1.0.0", "v1.0.0 runs, and latest is v2.0.0"
    )  # fmt: skip
    assert found.expected is not None
    assert (found.expected.tag, found.expected.version, found.expected.digest) == ("latest", "v2.0.0", D["two"])
    back = record("myorg/app", "latest", digest=D["one"], index=D["index"], platform="linux/amd64")
    assert judged(runs("latest", "two"), V1, V2, back).category == "ahead"


def test_an_environment_says_what_should_run() -> None:
    prod = env("prod", V2)
    for asked in ("v2.0.0", "prod", "latest"):
        assert judged(runs(asked, "two"), V1, V2, prod, environment="prod").category == "as-recorded"
    behind = judged(runs("v1.0.0", "index"), V1, V2, prod, environment="prod")
    assert (behind.category, behind.reason) == ("behind", "v1.0.0 runs, and prod is v2.0.0")
    ahead = judged(runs("v2.0.0", "two"), V1, V2, env("prod", V1), environment="prod")
    assert (ahead.category, ahead.expected and ahead.expected.digest) == ("ahead", D["index"])
    nothing = judged(runs("v2.0.0", "two"), V1, V2, environment="prod")
    assert (nothing.category, nothing.reason) == ("ahead", "prod has no myorg/app")
    assert judged(runs("v1.0.0", "one"), V1, V2, prod).category == "as-recorded"


def test_versions_decide_what_is_ahead_and_times_only_where_they_do_not_tell() -> None:
    early = record("myorg/app", "v3.0.0", digest=D["three"], publishedAt="2026-11-01T00:00:00Z")
    assert judged(runs("x", "three"), V1, early, env("prod", V1), environment="prod").category == "ahead"
    main = record("myorg/app", "main", digest=D["three"], publishedAt="2026-11-01T00:00:00Z")
    assert judged(runs("x", "three"), V1, main, env("prod", V1), environment="prod").category == "behind"
    main = record("myorg/app", "main", digest=D["three"], publishedAt="2026-11-27T00:00:00Z")
    assert judged(runs("x", "three"), V1, main, env("prod", V1), environment="prod").category == "ahead"


def test_an_environment_with_a_moving_tag_is_compared_by_the_version_that_has_its_digest() -> None:
    exact = record("myorg/app", "v1.5.0", digest=D["one"])
    main = record("myorg/app", "main", digest=D["one"])
    old = record("myorg/app", "v1.4.9", digest=D["two"], publishedAt="2026-11-27T00:00:00Z")
    found = judged(runs("x", "two"), exact, main, old, env("prod", main), environment="prod")
    assert (found.category, found.reason) == ("behind", "v1.4.9 runs, and prod is v1.5.0")
    later = judged(runs("main", "one"), exact, main, old, env("prod", old), environment="prod")
    assert later.category == "ahead"  # whatever tag was asked for


def test_an_environment_whose_tag_has_moved_on_is_not_what_that_is_now() -> None:
    now = record("myorg/app", "main", digest=D["two"], publishedAt="2026-11-27T00:00:00Z")
    was = record("myorg/app", "main", digest=D["one"])
    found = judged(runs("main", "two"), now, env("prod", was), environment="prod")
    then = f"as it was on 2026-11-26, {D['one'][:19]}"
    assert (found.category, found.reason) == (
        "ahead",
        f"main runs as it is now, {D['two'][:19]}, and prod has it {then}",
    )
    old = record("myorg/app", "v0.9.0", digest=D["two"], publishedAt="2026-11-27T00:00:00Z")
    removed = judged(runs("x", "two"), old, env("prod", V1), environment="prod")
    assert removed.category == "behind"  # its version is gone, and its name still tells
    assert removed.reason == f"v0.9.0 runs, and prod has v1.0.0 as it was on 2026-11-26, {D['index'][:19]}"


def test_which_of_two_is_later_is_only_said_if_it_is_certain() -> None:
    """Of a build that only an environment has left, the time of the promotion is all that is known."""
    was = env("prod", record("myorg/app", "main", digest=D["one"]))
    before, after = (
        record("myorg/app", "main", digest=D["two"], publishedAt=f"2026-11-{day}T00:00:00Z") for day in (25, 27)
    )
    assert judged(runs("main", "two"), after, was, environment="prod").category == "ahead"
    found = judged(runs("main", "two"), before, was, environment="prod")
    assert (found.category, found.reason) == (
        "differs",
        f"main runs as it is now, {D['two'][:19]}, and prod has it as it was on 2026-11-26, {D['one'][:19]}; "
        "which of the two is later cannot be told",
    )
    recorded = record("myorg/app", "sha-1", digest=D["one"], publishedAt="2026-11-20T00:00:00Z")
    assert judged(runs("main", "two"), before, recorded, was, environment="prod").category == "ahead"
    staging = env("staging", record("myorg/app", "main", digest=D["three"]))
    assert judged(runs("main", "three"), after, staging, was, environment="prod").category == "differs"
    given = replace(env("prod", after), published_at=NOW)
    assert judged(runs("main", "three"), after, staging, given, environment="prod").category == "behind"
    at_once = [record("myorg/app", tag, digest=D[has]) for tag, has in (("1.5.0", "one"), ("1.5.0-alpine", "two"))]
    assert judged(runs("x", "two"), *at_once, env("prod", at_once[0]), environment="prod").category == "differs"
    floating = record("myorg/app", "v1", digest=D["one"], publishedAt="2026-11-27T00:00:00Z")
    exact = record("myorg/app", "v1.4.9", digest=D["two"])
    assert judged(runs("x", "two"), floating, exact, env("prod", floating), environment="prod").category == "behind"


def test_every_platform_of_what_an_environment_is_pulled_by_is_as_recorded() -> None:
    """What was recorded later, of another platform of the same index, is what the environment hands out."""
    arm = record("myorg/app", "v1.0.0", digest=D["three"], index=D["index"], platform="linux/arm64")
    for has in ("three", "index"):
        assert judged(runs("x", has), V1, arm, env("prod", V1), environment="prod").category == "as-recorded"


def test_what_is_yanked_is_yanked_before_all_else() -> None:
    bad = record("myorg/app", "v1.0.0", digest=D["one"], ttl="1m", yanked={"at": NOW, "reason": "crashes"})
    alias = record("myorg/app", "v1", digest=D["one"])
    for records in ((bad,), (bad, alias), (bad, alias, env("prod", bad))):
        for environment in ("", "prod"):
            found = judged(runs("v1", "one"), *records, environment=environment)
            assert (found.category, found.version, found.reason) == ("yanked", "v1.0.0", "crashes")


def test_what_is_past_its_ttl_is_expired_unless_another_tag_or_an_environment_has_it() -> None:
    old = record("myorg/app", "pr-7", digest=D["one"], ttl="1m")
    assert judged(runs("pr-7", "one"), old).category == "expired"
    assert judged(runs("pr-7", "one"), old, env("prod", old)).category == "as-recorded"
    assert judged(runs("pr-7", "one"), old, record("myorg/app", "v1", digest=D["one"])).category == "as-recorded"


def test_what_the_ledger_once_had_is_replaced() -> None:
    forced = record("myorg/app", "v1", digest=D["two"], forced={"replaces": D["old"], "reason": "rebuilt"})
    found = judged(runs("v1", "old"), forced)
    assert (found.category, found.reason) == ("replaced", "myorg/app:v1 was moved by force: rebuilt")
    assert found.expected
    assert found.expected.digest == D["two"]
    had = {D["old"]: [Former(Key("myorg/web", "v9", ""), "d" * 40), Former(V1.key, "c" * 40)]}
    found = judged(runs("v1", "old"), V1, formers=had)
    assert (found.category, found.reason) == (
        "replaced", f"myorg/app:v1.0.0 (linux/amd64) had it until commit {'c' * 12}"
    )  # fmt: skip


def test_what_no_record_ever_had_is_unknown_and_so_is_what_could_not_be_looked_up() -> None:
    found = judged(runs("v1", "never"), V1, formers={})
    assert (found.category, found.reason, found.is_open) == ("unknown", "no record has it, and none ever had", False)
    found = judged(runs("v1", "never"), V1, unread="the clone is shallow")
    assert (found.category, found.reason, found.is_open) == ("unknown", "no record has it; the clone is shallow", True)
    bare = judged(identity(D["never"], (), is_typed=True), V1, formers={})
    assert bare.category == "unknown"
    assert bare.reason.endswith("nothing says which image it is")


def test_another_image_of_ours_is_not_what_was_asked_for() -> None:
    """Somebody has pushed it under this name; only what goes by somebody else's name may be a copy."""
    web = record("myorg/web", "v9", digest=D["three"])
    found = judged(runs("v1.0.0", "three"), V1, web, formers={D["three"]: [Former(web.key, "")]})
    assert (found.category, found.image) == ("unknown", "myorg/app")
    assert found.reason == "no record of myorg/app has it, and none ever had; it is recorded as myorg/web:v9"
    copy = judged(identity("quay.io/team/web:v9", [f"quay.io/team/web@{D['three']}"]), V1, web)
    assert (copy.category, copy.image, copy.reason) == ("as-recorded", "myorg/web", "recorded as myorg/web:v9")
    other = judged(identity(f"{APP}:v1", [f"quay.io/x/y@{D['never']}"]), V1, formers={})
    assert other.reason == "no record has it, and none ever had; it was pulled as quay.io/x/y"


def test_the_digest_that_was_asked_for_counts_where_nothing_speaks_against_it() -> None:
    asked = f"{APP}:v2.0.0@{D['two']}"
    assert judged(identity(asked, ()), V2).category == "as-recorded"
    assert judged(identity(asked, [D["never"]]), V2).category == "as-recorded"  # the id may be its config
    known = record("myorg/app", "v2.0.0", digest=D["two"], config=D["config"])
    assert judged(identity(asked, [D["never"]]), known, formers={}).category == "unknown"
    assert judged(identity(asked, [D["config"]]), known).category == "as-recorded"
    index = record("myorg/app", "v2.0.0", digest=D["one"], index=D["two"], config=D["config"], platform="linux/amd64")
    half = record("myorg/app", "v2.0.0", digest=D["three"], index=D["two"], platform="linux/arm64")
    assert judged(identity(asked, [D["never"]]), index, half).category == "as-recorded"  # of the other platform
    other = judged(identity(asked, [f"{APP}@{D['never']}"]), V2, formers={})
    assert (other.category, other.digest) == ("unknown", D["never"])
    assert "the digest that was asked for is recorded" in other.reason
    assert judged(identity(asked, [f"{APP}@{D['one']}"]), V1, V2).version == "v1.0.0"  # what runs comes first


def test_what_the_runtime_says_decides_over_every_name() -> None:
    """Whatever digest a name has, in the spec or in the status: the id is what runs."""
    name = f"{APP}@{D['one']}"
    for asked in (f"{APP}:v1.0.0", name, f"{APP}:v1.0.0@{D['one']}"):
        later = judged(identity(asked, [f"{APP}@{D['two']}"], called=[name]), V1, V2)
        assert (later.category, later.version, later.digest) == ("ahead", "v2.0.0", D["two"])
        never = judged(identity(asked, [f"{APP}@{D['never']}"], called=[name]), V1, V2, formers={})
        assert (never.category, never.digest) == ("unknown", D["never"])
        assert judged(identity(asked, [D["never"]], called=[name]), V1, formers={}).category == "unknown"
        assert judged(identity(asked, ["garbage"], called=[name]), V1, formers={}).category == "unpinned"
        assert judged(identity(asked, [""], called=[name]), V1).category == "as-recorded"
    web = record("myorg/web", "v9", digest=D["three"], config=D["never"])
    asked = f"{APP}:v2.0.0@{D['two']}"
    assert judged(identity(asked, [D["never"]]), V2, web, formers={}).category == "unknown"  # it is another's config
    contested = identity(asked, [D["never"]], called=[f"{APP}@{D['three']}"])
    assert judged(contested, V2, formers={}).category == "unknown"
    part = record("myorg/app", "v3.0.0", digest=D["two"], config=D["config"])
    assert judged(identity(asked, [D["never"]]), V2, part, formers={}).category == "unknown"  # one config is enough
    assert judged(identity(asked, [D["never"][:19]]), V2, formers={}).category == "unknown"
    assert judged(identity(asked, [D["two"][:19]]), V2).category == "as-recorded"


def test_a_digest_that_was_asked_for_is_compared_with_what_runs() -> None:
    later = judged(identity(f"{APP}@{D['one']}", [f"{APP}@{D['two']}"]), V1, V2)
    assert (later.category, later.reason) == ("ahead", "v2.0.0 runs, and v1.0.0 has another digest")
    assert judged(identity(f"{APP}@{D['two']}", [f"{APP}@{D['one']}"]), V1, V2).category == "behind"
    assert judged(identity(f"{APP}@{D['index']}", [f"{APP}@{D['one']}"]), V1, V2).category == "as-recorded"


def test_a_copy_of_what_is_yanked_under_any_name_is_yanked() -> None:
    bad = record("myorg/web", "v9", digest=D["three"], yanked={"at": NOW, "reason": "bad"})
    good = record("myorg/app", "v9", digest=D["three"])
    old = record("myorg/app", "v9", digest=D["three"], ttl="1m")
    for image in (identity(D["three"], (), is_typed=True), identity(f"quay.io/x/y@{D['three']}", ())):
        assert (judged(image, good, bad).category, judged(image, good, bad).image) == ("yanked", "myorg/web")
        assert judged(image, old, record("myorg/web", "v9", digest=D["three"])).category == "as-recorded"
        assert judged(image, old).category == "expired"


def test_what_is_yanked_under_another_name_of_ours_is_yanked() -> None:
    bad = record("myorg/web", "v9", digest=D["one"], yanked={"at": NOW, "reason": "bad"})
    found = judged(runs("v1.0.0", "one"), V1, bad)
    assert (found.category, found.image, found.version, found.reason) == (
        "yanked", "myorg/app", "v1.0.0", "it has the digest of myorg/web:v9, which is yanked: bad"
    )  # fmt: skip
    assert judged(runs("v1.0.0", "index"), V1, bad, env("prod", V1), environment="prod").category == "yanked"
    pushed = judged(runs("v1.0.0", "one"), V2, bad, formers={})
    assert (pushed.category, pushed.image, pushed.reason) == ("yanked", "myorg/app", found.reason)


def test_an_image_that_is_yanked_is_so_in_every_index_that_has_it() -> None:
    old = record("myorg/app", "v1.0.0", digest=D["one"], index=D["old"], yanked={"at": NOW, "reason": "bad"})
    found = judged(runs("v2.0.0", "index"), replace(V1, tag=Tag("v2.0.0")), old)
    assert (found.category, found.version, found.reason) == ("yanked", "v1.0.0", "bad")


def test_every_name_of_a_repository_counts() -> None:
    policy = Policy(registries=(Registry("docker.io", ("nginx", "library/nginx")),))
    records = [record("library/nginx", "v1", digest=D["one"]), record("nginx", "v2", digest=D["two"])]
    ledger = ledger_of(*records)
    resolver = Resolver(policy, ledger.has_image)

    def found(tag: str, has: str) -> RunningVerdict:
        image = identity(f"nginx:{tag}", [f"docker.io/library/nginx@{D[has]}"])
        by_digest = records_by_digest(ledger, named(image, resolver).ours, [D[has]])
        return RunningJudge(resolver, by_digest, NOW).verdict(image)

    assert [(one.category, one.image) for one in (found("v1", "one"), found("v2", "two"))] == [
        ("as-recorded", "library/nginx"), ("as-recorded", "nginx")
    ]  # fmt: skip
    assert found("v1", "one").reason == ""


def test_a_name_alone_is_unpinned() -> None:
    for image in (
        identity(f"{APP}:v1.0.0", ()),
        identity(f"{APP}", ()),
        identity("3f8a4339aadd", ()),
        identity(None, ()),
    ):
        assert judged(image, V1).category == "unpinned"
    assert judged(identity("myorg/app:v1", (), is_typed=True), V1).category == "unpinned"
    assert judged(identity("myorg/app:v1", ()), V1).category == "foreign"  # Docker Hub's


TAGS = ("v1.0.0", "v2.0.0", "latest", "pr-7")
POOL = tuple(D.values())
_digests = st.sampled_from(POOL)


@st.composite
def _records(draw: st.DrawFn) -> list[Record]:
    """Return records of two images, one for a tag, and perhaps an environment's, which has one of them."""
    records: list[Record] = []
    keys = st.tuples(st.sampled_from(["myorg/app", "myorg/app", "myorg/web"]), st.sampled_from(TAGS))
    for number, (image, tag) in enumerate(draw(st.lists(keys, unique=True, max_size=6))):
        more: dict[str, Any] = {"digest": draw(_digests), "publishedAt": f"2026-11-2{number}T00:00:00Z"}
        if draw(st.booleans()):
            more["index"] = draw(_digests)
        if draw(st.booleans()):
            more["config"] = draw(_digests)
        if draw(st.integers(0, 3)) == 0:
            more["ttl"] = "1m"
        if draw(st.integers(0, 3)) == 0:
            more["yanked"] = {"at": NOW, "reason": "bad"}
        if draw(st.integers(0, 3)) == 0:
            more["forced"] = {"replaces": draw(_digests), "reason": "rebuilt"}
        records.append(record(image, tag, **more))
    has_environment = draw(st.booleans())
    if records and has_environment:
        records.append(env("prod", draw(st.sampled_from(records))))
    return records


@st.composite
def _images(draw: st.DrawFn) -> ImageIdentity:
    name = draw(st.sampled_from([APP, f"{MIRROR}/cache/myorg/app", "quay.io/other/app"]))
    tag = draw(st.sampled_from(["", *(f":{tag}" for tag in TAGS), ":prod"]))
    pinned = draw(st.sampled_from(["", ""]) | _digests.map("@{}".format))
    seen = draw(st.lists(_digests.map(f"{name}@{{}}".format) | _digests, max_size=1))
    return identity(draw(st.sampled_from([name + tag + pinned, ""])), seen)


def told(image: ImageIdentity, records: Sequence[Record], environment: str, formers: Collection[str]) -> set[str]:
    """Return the classes that the table in the docs allows, told by sets, and without looking at versions."""

    def having(digests: Collection[str]) -> list[Record]:
        return [one for one in records if {one.digest, one.index, one.config} & set(digests)]

    ran = image.digests | image.ids
    everything = records
    asked = {image.pinned} - {""}
    ours = any(str(one).startswith((HOST, MIRROR)) for one in image.references)
    if ours:
        records = [one for one in records if one.image == "myorg/app"]
    by_asked = having(asked)
    known = [one.config for one in by_asked if one.digest in asked]
    trusted = not ran or not (
        image.digests
        or any(known)
        or all(one.config for one in by_asked)
        or {own for one in everything for own in (one.digest, one.index, one.config)} & ran
    )
    found, by = (having(ran), ran) if having(ran) else (by_asked, asked) if trusted else ([], set[str]())
    indexes = {(one.image, one.index) for one in found}
    digests = {*by, *(one.digest for one in found)} if found else ran or asked
    if any(
        one.yanked and ({one.digest, one.index, one.config} & digests or (one.image, one.digest) in indexes)
        for one in everything
    ):
        return {"yanked"}
    if found:  # a copy of several images of ours is one of them
        return set[str]().union(*(told_of(image, name, found, by, everything, environment) for name in named_in(found)))
    if any(one.forced and one.forced.replaces in digests for one in records) or set(formers) & digests:
        return {"replaced"}
    if image.references and not ours:
        return {"foreign"}
    return {"unknown"} if digests else {"unpinned"}


def named_in(records: Sequence[Record]) -> set[str]:
    return {one.image for one in records}


def told_of(
    image: ImageIdentity,
    name: str,
    found: Sequence[Record],
    by: Collection[str],
    records: Sequence[Record],
    environment: str,
) -> set[str]:
    """Return the classes that are allowed if what runs is the image of this name; `found` are records that have it."""
    found = [one for one in found if one.image == name]
    if all(is_expired(one, NOW) for one in found):
        return {"expired"}
    reference = next((one for one in image.references if one.registry in (HOST, MIRROR)), None)
    wanted = environment or (reference.effective_tag if reference else "")
    pulled = {one.index or one.digest for one in found}

    def is_there(one: Record) -> bool:
        return bool({one.digest, one.index, one.config} & set(by)) or (one.index or one.digest) in pulled

    there = [one for one in records if (one.image, one.tag) == (name, wanted)]
    if any(map(is_there, there)):
        return {"as-recorded"}
    if not there and not environment:
        there = [one for one in records if one.image == name and image.pinned in (one.digest, one.index, one.config)]
        if any(map(is_there, there)):
            return {"as-recorded"}
    if not there:
        return {"ahead"} if environment else {"as-recorded"}
    return {"ahead", "behind", "differs"}


@example_count(300)
@given(_records(), _images(), st.sampled_from(["", "prod"]), st.sets(_digests, max_size=2))
@example([V1, V2, env("prod", V2)], runs("v1.0.0", "one"), "prod", set())
def test_the_class_is_the_one_that_the_table_says(
    records: list[Record], image: ImageIdentity, environment: str, formers: set[str]
) -> None:
    had = {one: [Former(Key("myorg/app", "v0", ""), "c" * 40)] for one in formers}
    found = judged(image, *records, environment=environment, formers=had)
    assert {found.category} <= told(image, records, environment, formers)
    assert bool(found.expected) >= (found.category in ("behind", "differs"))

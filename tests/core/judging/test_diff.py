"""What a range of commits does, as a reviewer sees it."""

from __future__ import annotations

from typing import Any

import pytest

from ledger_tool.core.changes.promotion import promoted
from ledger_tool.core.judging.diff import Claims, TagChange, tag_changes
from ledger_tool.core.judging.facts import ChangedFact
from ledger_tool.core.ledger.names import Tag, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Environment, Policy
from tests.support.values.make import but, digest, ledger_of, record, source

AMD, ARM = "linux/amd64", "linux/arm64"
MUTABLE = Policy(mutable=("latest",))


def reviewed(old: list[Record], new: list[Record], policy: Policy = MUTABLE) -> list[TagChange]:
    return tag_changes(ledger_of(*old), ledger_of(*new), policy)


def one(old: list[Record], new: list[Record]) -> TagChange:
    (change,) = reviewed(old, new)
    return change


def facts(change: TagChange) -> dict[str, tuple[str, str]]:
    return {" ".join(filter(None, (fact.what, fact.subject))): (fact.old, fact.new) for fact in change.facts}


def both(tag: str, seed: str, **more: Any) -> list[Record]:
    """Return the records of a multi-platform tag."""
    more = {"index": digest(f"{seed} index"), "source_ref": None} | more
    more.pop("source_ref")
    return [record(tag=tag, platform=at, digest=digest(f"{seed} {at}"), **more) for at in (AMD, ARM)]


def test_a_multi_platform_tag_is_one_change_with_its_platforms() -> None:
    change = one(both("latest", "a"), both("latest", "b"))
    assert (change.kind, change.platforms) == ("moved", [AMD, ARM])
    assert facts(change)["digest"] == (digest("a index"), digest("b index"))
    assert not change.unexplained_move


def test_an_added_platform_is_an_update_and_a_moved_index_shows() -> None:
    (_, arm) = after = both("v1", "a")
    change = one([after[0]], after)
    assert (change.kind, change.platforms) == ("updated", [ARM])
    assert facts(change)[f"image {ARM}"] == ("", arm.digest)
    moved = one(after, both("v1", "a", index=digest("elsewhere")))
    assert (moved.kind, facts(moved)) == ("moved", {"digest": (digest("a index"), digest("elsewhere"))})
    assert (moved.unproved_move, moved.unexplained_move, moved.gravity) == (True, False, 0)
    mark = {"replaces": digest("a index"), "reason": "pushed again"}
    forced = one(after, both("v1", "a", index=digest("elsewhere"), forced=mark))
    assert (forced.unproved_move, forced.gravity) == (False, 0)


@pytest.mark.parametrize(
    ("old", "new", "direction", "previous"),
    [
        ([], ["v1.5.0"], "unknown", None),
        (["v1.4.0"], ["v1.4.0", "v1.5.0"], "upgrade", "v1.4.0"),
        (["v1.4.0", "v1.10.0", "v2.0.0"], ["v1.4.0", "v1.10.0", "v1.11.0", "v2.0.0"], "upgrade", "v1.10.0"),
        (["v2.0.0"], ["v1.0.0", "v2.0.0"], "unknown", None),
        (["v1.4.0"], ["v1.4.0", "edge"], "unknown", None),
        (["v1.5.0"], ["v1.5.0-rc.1", "v1.5.0"], "unknown", None),
    ],
)
def test_a_new_version_is_compared_with_the_one_below_it(
    old: list[str], new: list[str], direction: str, previous: str | None
) -> None:
    change = one([record(tag=tag, digest=digest(tag)) for tag in old], [record(tag=t, digest=digest(t)) for t in new])
    assert (change.kind, change.direction) == ("added", direction)
    assert (change.previous and change.previous.tag) == previous


def test_a_new_version_is_not_compared_with_a_yanked_one() -> None:
    bad = record(tag="v1.4.0", yanked={"at": "2026-01-01T00:00:00Z", "reason": "bad"})
    assert one([bad], [bad, record(tag="v1.5.0", digest=digest("b"))]).previous is None


@pytest.mark.parametrize(
    ("old", "new", "direction"),
    [("v1.4.0", "v1.5.0", "upgrade"), ("v1.5.0", "v1.4.0", "downgrade"), ("v1.5.0", "v1.5.0", "same")],
)
def test_a_moved_tag_goes_from_version_to_version(old: str, new: str, direction: str) -> None:
    """Told by a label, or by the version tag that has the digest."""
    key = "org.opencontainers.image.version"

    def labelled(seed: str, version: str) -> list[Record]:
        return [record(tag="latest", digest=digest(seed), labels={key: version})]

    change = one(labelled("a", old), labelled("b", new))
    assert (change.direction, change.versions) == (direction, (old, new))
    if old != new:
        versions = [record(tag=tag, digest=digest(tag)) for tag in (old, new)]
        change = one(
            [*versions, record(tag="latest", digest=digest(old))], [*versions, record(tag="latest", digest=digest(new))]
        )
        assert (change.direction, change.versions) == (direction, (old, new))


@pytest.mark.parametrize("floating", ["10.0", "10", "10.0-noble", "latest"])
@pytest.mark.parametrize("is_index", [False, True])
def test_a_floating_tag_goes_from_the_version_of_one_digest_to_that_of_another(floating: str, is_index: bool) -> None:
    """What the other tags of each digest say decides, not the tag, which is the same on both sides."""

    def tagged(tag: str, version: int) -> list[Record]:
        return both(tag, str(version)) if is_index else [record(tag=tag, digest=digest(version))]

    suffix = "-noble" if floating.endswith("noble") else ""
    known = [*tagged(f"10.0.11{suffix}", 11), *tagged(f"10.0.12{suffix}", 12), *tagged(f"10.0.12{suffix}-amd64", 12)]
    old, new = ([*known, *tagged(floating, version)] for version in (11, 12))
    up, down = one(old, new), one(new, old)
    assert (up.direction, up.versions) == ("upgrade", (f"10.0.11{suffix}", f"10.0.12{suffix}"))
    assert (down.direction, down.versions) == ("downgrade", (f"10.0.12{suffix}", f"10.0.11{suffix}"))


def test_the_direction_of_a_floating_tag_is_unknown_unless_both_digests_are_versions() -> None:
    old = [record(tag="10.0", digest=digest(11)), record(tag="10.0.11", digest=digest(11))]
    assert one(old, [record(tag="10.0", digest=digest(12)), old[1]]).direction == "unknown"
    assert one(old[:1], [record(tag="10.0", digest=digest(12))]).direction == "unknown"


@pytest.mark.parametrize(
    ("known", "new", "previous"),
    [
        (["10.0.11-alpine3.23", "10.0.11", "10.0.11-noble"], "10.0.12-alpine3.23", "10.0.11-alpine3.23"),
        (["10.0.11-alpine3.23", "10.0.11", "10.0.11-noble"], "10.0.12", "10.0.11"),
        (["10.0.10-alpine3.23", "10.0.11-alpine3.22", "10.0.11"], "10.0.12-alpine3.23", "10.0.10-alpine3.23"),
        (["10.0.10-alpine3.21", "10.0.11-alpine3.22", "10.0.11"], "10.0.12-alpine3.23", "10.0.11-alpine3.22"),
        (["10.0.11", "10.0.11-noble"], "10.0.12-alpine3.23", "10.0.11"),
        (["10.0.11-noble-arm64v8", "10.0.10-noble-amd64"], "10.0.12-noble-amd64", "10.0.10-noble-amd64"),
        (["release-1.4.0", "1.4.9"], "release-1.5.0", "release-1.4.0"),
        (["10.0.12-alpine3.23"], "10.0.12", None),
        (["3.4.6-debian-12-r7", "3.4.6", "3.4.6-debian-11-r9"], "3.4.6-debian-12-r12", "3.4.6-debian-12-r7"),
        (["1.2.3-ls45", "1.2.2"], "1.2.4-ls46", "1.2.3-ls45"),
        (["20240101", "2024-02-01", "0.9.0"], "20240301", "20240101"),
        (["20240101"], "1.5.0", None),
        (["1.5.0-4ef5a30"], "1.5.0-77aa00b", None),
        (["1.5.0-4ef5a30"], "1.6.0-77aa00b", "1.5.0-4ef5a30"),
        (["bookworm-20240110-slim", "trixie-20240201-slim"], "bookworm-20240301-slim", "bookworm-20240110-slim"),
    ],
)
def test_a_new_version_is_compared_with_its_own_variant_first(known: list[str], new: str, previous: str | None) -> None:
    old = [record(tag=tag, digest=digest(tag)) for tag in known]
    change = one(old, [*old, record(tag=new, digest=digest("new"))])
    assert (change.previous and change.previous.tag) == previous
    assert change.direction == ("upgrade" if previous else "unknown")


def test_source_base_image_labels_and_ttl_are_told() -> None:
    def made(seed: str, **more: Any) -> Record:
        base = f"docker.io/library/debian:bookworm@{digest(f'debian {seed}')}"
        return record(tag="latest", digest=digest(seed), sourceRef=source(seed), dependsOn=[base], **more)

    change = one([made("a", labels={"env": "test", "old": "x"}, ttl="7d")], [made("b", labels={"env": "prod"})])
    assert facts(change) == {
        "digest": (digest("a"), digest("b")),
        "source": (source("a"), source("b")),
        "base image docker.io/library/debian:bookworm": (digest("debian a"), digest("debian b")),
        "label env": ("test", "prod"),
        "label old": ("x", ""),
        "TTL": ("7d", ""),
    }


def _proved(builder: str, seed: str = "a", **more: str) -> dict[str, str]:
    return {"digest": digest(seed), "builder": builder} | more


def test_another_builder_is_told_of_a_new_version_and_its_attestation_only_where_the_image_stays() -> None:
    old = record(tag="v1", provenance=_proved("https://ci.example.com/a"))
    new = record(tag="v2", digest=digest("v2"), provenance=_proved("https://ci.example.com/b", "b"))
    told = facts(one([old], [old, new]))
    assert told["builder"] == ("https://ci.example.com/a", "https://ci.example.com/b")
    assert "provenance" not in told
    same = but(new, provenance=_proved("https://ci.example.com/a", "b"))
    assert "builder" not in facts(one([old], [old, same]))
    assert facts(one([old], [old, but(new, provenance=None)]))["builder"] == ("https://ci.example.com/a", "")
    later = but(old, provenance=_proved("https://ci.example.com/a", "b", signer="ada"))
    assert facts(one([old], [later])) == {"signer": ("", "ada"), "provenance": (digest("a"), digest("b"))}


def test_a_builder_that_names_its_run_is_the_same_one_in_the_next_run() -> None:
    def by(run: str, tag: str) -> Record:
        builder = f"https://github.com/{run}"
        return record(tag=tag, digest=digest(tag), provenance=_proved(builder, tag))

    old = by("o/r/actions/runs/1", "v1")
    assert "builder" not in facts(one([old], [old, by("o/r/actions/runs/22/attempts/2", "v2")]))
    assert "builder" in facts(one([old], [old, by("o/other/actions/runs/1", "v2")]))
    assert "builder" in facts(one([old], [but(old, provenance=_proved("https://github.com/o/r/actions/runs/2", "v1"))]))


def test_a_yank_and_its_end_are_told() -> None:
    bad = record(yanked={"at": "2026-01-01T00:00:00Z", "reason": "crashes"})
    change = one([record()], [bad])
    assert (change.kind, change.yanked) == ("yanked", bad.yanked)
    back = one([bad], [record()])
    assert (back.kind, back.facts) == ("updated", (ChangedFact("yanked", "crashes", ""),))


def test_forced_and_unexplained_moves_come_first() -> None:
    old = [record("z", "v1"), record("a", "v1"), record("m", "latest"), record("b", "v1"), record("c", "v1")]
    new = [
        record("z", "v1", digest=digest("b"), forced={"replaces": digest(), "reason": "CVE"}),
        record("a", "v2"),
        record("a", "v1", ttl="7d"),
        record("m", "latest", digest=digest("b")),
        record("b", "v1", digest=digest("b")),
    ]
    found = reviewed(old, new)
    assert [(str(change.name), change.kind) for change in found] == [
        ("b:v1", "moved"), ("z:v1", "moved"),
        ("a:v2", "added"), ("a:v1", "updated"), ("c:v1", "removed"), ("m:latest", "moved"),
    ]  # fmt: skip
    assert [change.unexplained_move for change in found[:2]] == [True, False]


def test_a_mark_explains_its_own_platform_alone_and_every_reason_is_told() -> None:
    def moved(platform: str, reason: str) -> Record:
        forced = {"replaces": digest(f"a {platform}"), "reason": reason} if reason else None
        return record(tag="v1", platform=platform, digest=digest("b" + platform), forced=forced)

    def change(amd: str, arm: str) -> TagChange:
        return one(both("v1", "a", index=None), [moved(AMD, amd), moved(ARM, arm)])

    assert change("CVE", "").unexplained_move
    assert not change("CVE", "too").unexplained_move
    assert [mark.reason for mark in change("CVE", "too").marks] == ["CVE", "too"]


def test_a_record_without_a_platform_gives_way_to_several_by_one_mark() -> None:
    arm = record(platform=ARM, digest=digest("r"), forced={"replaces": digest(), "reason": "CVE"})
    change = one([record()], [record(platform=AMD, digest=digest("b")), arm])
    assert not change.unexplained_move
    assert [mark.reason for mark in change.marks] == ["CVE"]


def test_the_same_ledger_has_no_changes() -> None:
    assert reviewed(both("v1", "a"), both("v1", "a")) == []


ENVIRONMENTS = Policy(environments={"staging": Environment(), "prod": Environment("staging")})
V4, V5 = (
    record("myorg/app", f"v1.{n}.0", digest=digest(n), sourceRef=f"https://github.com/team/app@{str(n) * 40}")
    for n in (4, 5)
)
WEB = record("myorg/web", "v2", digest=digest("web"))


def has(environment: str, *versions: Record) -> list[Record]:
    return list(promoted(versions, Tag(environment), Timestamp("2026-11-26T00:00:00Z")))


def test_a_promotion_is_one_change_from_version_to_version_and_tells_no_facts() -> None:
    change = one([V4, V5, *has("prod", V4)], [V4, V5, *has("prod", V5)])
    assert (change.kind, change.environment, change.versions, change.direction) == (
        "promoted", "prod", ("v1.4.0", "v1.5.0"), "upgrade",
    )  # fmt: skip
    assert change.compare.endswith(f"/compare/{'4' * 40}...{'5' * 40}")
    assert (change.facts, change.immutable, change.previous, change.unexplained_move) == ((), False, None, False)
    back = one([V4, V5, *has("prod", V5)], [V4, V5, *has("prod", V4)])
    assert (back.kind, back.direction, back.gravity > 0) == ("promoted", "downgrade", True)
    first = one([V4], [V4, *has("prod", V4)])
    assert (first.kind, first.versions, first.direction, first.previous) == (
        "promoted",
        ("", "v1.4.0"),
        "unknown",
        None,
    )


def test_of_a_version_that_is_another_image_now_the_new_one_is_promoted() -> None:
    rebuilt = but(V4, digest=digest("rebuilt"))
    change = one([rebuilt, *has("prod", V4)], [rebuilt, *has("prod", rebuilt)])
    assert (change.kind, change.versions, change.direction) == ("promoted", ("v1.4.0", "v1.4.0"), "same")


def test_an_environment_that_gets_what_no_version_has_is_told_like_any_move_and_first() -> None:
    odd = but(has("prod", V5)[0], digest=digest("smuggled"))
    for new in ([V4, V5, odd], [V4, *has("prod", V5)]):
        change = next(one for one in reviewed([V4, *has("prod", V4)], new) if one.environment)
        assert (change.kind, change.unfounded, change.gravity) == ("moved", True, 0)
        assert change.facts
    new = [V4, but(V5, dependsOn=["a:1"]), *has("prod", V5)]  # the version got a fact since
    change = next(one for one in reviewed([V4, *has("prod", V4)], new) if one.environment)
    assert (change.kind, change.unfounded, change.gravity > 0) == ("moved", False, True)
    facts_only = one([V4, *has("prod", V4)], [V4, but(has("prod", V4)[0], dependsOn=["a:1"])])
    assert (facts_only.kind, facts_only.unfounded) == ("updated", False)


def test_what_has_a_reason_comes_first_then_environments_in_their_order_then_images() -> None:
    old, new = [V4, V5, WEB], [V4, V5, WEB, record("a", "v9")]
    for environment in ("prod", "staging"):
        old += has(environment, V4)
        new += [*has(environment, V5), *has(environment, WEB)]
    claims = Claims(reason_of=lambda effect: "hot fix" if effect.name == ("myorg/web", "prod") else "")
    changes = tag_changes(ledger_of(*old), ledger_of(*new), ENVIRONMENTS, claims=claims)
    assert [(str(one.name), one.reason) for one in changes] == [
        ("myorg/web:prod", "hot fix"),
        ("myorg/app:staging", ""),
        ("myorg/web:staging", ""),
        ("myorg/app:prod", ""),
        ("a:v9", ""),
    ]


def test_an_image_that_is_taken_out_of_an_environment_is_removed_with_its_reason() -> None:
    claims = Claims(reason_of=lambda _: "retired")
    (change,) = tag_changes(ledger_of(V4, *has("prod", V4)), ledger_of(V4), ENVIRONMENTS, claims=claims)
    assert (change.kind, change.environment, change.reason, change.gravity) == ("removed", "prod", "retired", 0)

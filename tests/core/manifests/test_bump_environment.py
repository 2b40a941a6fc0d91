"""`bump --env`: a reference gets the version that an environment has, up or down, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.promotion import promoted
from ledger_tool.core.ledger.names import Platform, Tag, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.manifests.bump import BumpRules, judge_bump
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.pin import Judgement
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.splice import WantedVersion
from ledger_tool.core.policy.policy import Environment, Policy
from ledger_tool.core.policy.reference import written
from tests.support.values.make import digest, ledger_of, record

NOW = Timestamp("2026-11-27T00:00:00Z")
POLICY = Policy(mutable=("main",), environments={"prod": Environment(), "staging": Environment()})


def version(tag: str, seed: object = "", **more: Any) -> Record:
    return record("a", tag, digest=digest((tag, seed)), platform="linux/amd64", **more)


def catalogue_of(*records: Record, prod: Record | None = None, platform: str = "") -> Catalogue:
    has = promoted([prod], Tag("prod"), NOW) if prod else ()
    snapshot = Snapshot("", ledger_of(*records, *has), POLICY)
    return Catalogue(snapshot, NOW, Platform(platform) if platform else None)


def at(tag: str, pinned: str = "") -> Site:
    return Site(line=1, text=written("a", tag, pinned), name="a", tag=tag, digest=pinned, whole=True)


def bumped(catalogue: Catalogue, site: Site, *allowed: str) -> Judgement:
    done = judge_bump(site, catalogue, BumpRules(environment="prod", allowed=frozenset(allowed)))
    assert done is not None
    return done


V5, V6 = version("v1.5.0"), version("v1.6.0")


@pytest.mark.parametrize("has", [V5, V6])
@pytest.mark.parametrize(
    ("tag", "pinned"),
    [
        ("v1.4.0", ""),
        ("v1.4.0", digest("elsewhere")),
        ("", ""),
        ("", digest("elsewhere")),
        ("latest", ""),
        ("prod", ""),  # the name of an environment is nothing that a registry serves
        ("prod", digest(("v1.5.0", ""))),
        ("prod", digest(("v1.6.0", ""))),
        ("v1.5.0", digest(("v1.6.0", ""))),
        ("v1.6.0", digest(("v1.5.0", ""))),
    ],
)
def test_any_reference_gets_the_tag_of_the_version_and_its_digest(has: Record, tag: str, pinned: str) -> None:
    done = bumped(catalogue_of(V5, V6, prod=has), at(tag, pinned))
    assert (done.kind, done.wanted) == ("behind", WantedVersion(has.tag, has.digest))


def test_a_reference_that_has_it_stays_by_its_tag_or_by_digest_alone() -> None:
    catalogue = catalogue_of(V5, V6, prod=V5)
    for site in (at("v1.5.0", V5.digest), at("", V5.digest)):
        assert (bumped(catalogue, site).kind, bumped(catalogue, site).wanted) == ("", None)
    assert bumped(catalogue, at("v1.5.0")).wanted == WantedVersion("v1.5.0", V5.digest)


def test_an_image_that_the_environment_does_not_have_is_a_note_of_its_own() -> None:
    done = bumped(catalogue_of(V5, V6), at("v1.5.0"))
    assert (done.kind, done.wanted, done.note) == ("", None, ("not-in-environment", "prod has no a, so it stays"))


def test_what_was_yanked_or_expired_since_is_reported_and_not_taken_without_leave() -> None:
    bad = version("v1.7.0", yanked={"at": NOW, "reason": "it eats data"})
    done = bumped(catalogue_of(V5, bad, prod=bad), at("v1.5.0"))
    assert (done.kind, done.wanted) == ("yanked", None)
    assert done.message == "a:v1.7.0 is yanked: it eats data; prod has it"
    assert bumped(catalogue_of(V5, bad, prod=bad), at("v1.5.0"), "yanked").wanted == WantedVersion("v1.7.0", bad.digest)
    old = version("v1.3.0", ttl="1h")
    assert bumped(catalogue_of(V5, old, prod=old), at("v1.5.0")).kind == "expired"


def test_a_version_that_was_removed_since_is_reported_and_not_taken() -> None:
    for site in (at("v1.5.0"), at("v1.6.0", V6.digest)):
        done = bumped(catalogue_of(V5, prod=V6), site)
        assert (done.kind, done.wanted) == ("stale", None)
        assert done.message == "prod has v1.6.0 of a, which the ledger no longer has: promote another version"


def test_a_tag_that_moved_after_its_promotion_keeps_the_digest_that_was_promoted() -> None:
    was, now = version("main", "was"), version("main", "now")
    assert bumped(catalogue_of(now, prod=was), at("main", now.digest)).wanted == WantedVersion("main", was.digest)
    assert bumped(catalogue_of(now, prod=was), at("main", was.digest)).kind == ""


def test_the_image_of_a_platform_is_taken_where_it_is_asked_for() -> None:
    both = [
        record("a", "v2", digest=digest(name), index=digest("index"), platform=f"linux/{name}")
        for name in ("amd64", "arm64")
    ]
    has = promoted(both, Tag("prod"), NOW)
    for platform, wanted in (("", digest("index")), ("linux/arm64", digest("arm64"))):
        catalogue = Catalogue(
            Snapshot("", ledger_of(*both, *has), POLICY), NOW, Platform(platform) if platform else None
        )
        assert bumped(catalogue, at("v1")).wanted == WantedVersion("v2", wanted)
    missing = catalogue_of(V5, prod=V5, platform="linux/arm64")
    assert (bumped(missing, at("v1")).kind, bumped(missing, at("v1")).wanted) == ("behind", None)


tags = st.sampled_from(["", "v1.5.0", "v1.6.0", "main", "prod", "staging", "latest", "odd"])
seeds = st.sampled_from(["", "other"])


@given(
    st.lists(st.tuples(tags.filter(lambda tag: tag not in ("", "prod", "staging")), seeds), max_size=4),
    st.tuples(st.sampled_from(["v1.5.0", "v1.6.0", "main"]), seeds),
    tags,
    st.sampled_from(["", *(digest((tag, seed)) for tag in ("v1.5.0", "v1.6.0", "main") for seed in ("", "other"))]),
)
def test_after_a_move_a_reference_is_what_the_environment_has_and_stays(
    recorded: list[tuple[str, str]], has: tuple[str, str], tag: str, pinned: str
) -> None:
    prod = version(*has)
    catalogue = catalogue_of(*{name: version(name, seed) for name, seed in recorded}.values(), prod=prod)
    done = bumped(catalogue, at(tag, pinned))
    if prod.tag not in dict(recorded):
        assert (done.kind, done.wanted) == ("stale", None)
        return
    if done.wanted is None:
        assert (done.kind, pinned, tag in ("", prod.tag)) == ("", prod.digest, True)
        return
    assert done.wanted == WantedVersion(prod.tag, prod.digest)
    assert bumped(catalogue, at(done.wanted.tag, done.wanted.digest)).kind == ""

"""A digest that is yanked under one tag of an image is yanked under all: `pin` and `bump` do not take it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Platform, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.manifests.bump import BumpRules, judge_bump
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.pin import Judgement, judge_pin
from ledger_tool.core.manifests.policyrules import parse_rule
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.policy.policy import Policy
from tests.support.values.make import digest, ledger_of, record

SETTINGS = Policy(mutable=("latest", "stable"))
BAD = {"at": "2026-11-26T00:00:00Z", "reason": "it eats data"}
SHARED = "has the digest of a:v1.7.0, which is yanked: it eats data"


def catalogue_of(*records: Record, platform: str = "") -> Catalogue:
    at = Timestamp("2026-11-27T00:00:00Z")
    return Catalogue(Snapshot("", ledger_of(*records), SETTINGS), at, Platform(platform) if platform else None)


def at(tag: str, pinned: str = "") -> Site:
    text = "a" + (f":{tag}" if tag else "") + (f"@{pinned}" if pinned else "")
    return Site(line=1, text=text, name="a", tag=tag, digest=pinned, whole=True)


def pinned(catalogue: Catalogue, tag: str, digest: str = "") -> Judgement:
    done = judge_pin(at(tag, digest), catalogue)
    assert done is not None
    return done


def bumped(catalogue: Catalogue, tag: str, policy: str, allowed: Iterable[str] = ()) -> Judgement:
    done = judge_bump(at(tag), catalogue, BumpRules(rules=[parse_rule(policy)], allowed=frozenset(allowed)))
    assert done is not None
    return done


def release(tag: str, seed: object, day: int, **more: Any) -> Record:
    return record("a", tag, digest=digest(seed), publishedAt=f"2026-11-{day:02}T00:00:00Z", **more)


YANKED = catalogue_of(
    release("v1.5.0", 5, 1),
    release("v1.6.0", 6, 2),
    release("v1.7.0", 7, 3, yanked=BAD),
    release("stable", 7, 4),
    release("latest", 7, 5),
)


@pytest.mark.parametrize("tag", ["stable", "latest"])
@pytest.mark.parametrize("given", ["", digest(7)])
def test_pin_reports_a_tag_with_the_digest_of_one_that_is_yanked(tag: str, given: str) -> None:
    done = pinned(YANKED, tag, given)
    assert (done.kind, done.wanted, done.message) == ("yanked", None, f"a:{tag} {SHARED}")


def test_pin_names_the_tag_itself_where_that_is_yanked() -> None:
    assert pinned(YANKED, "v1.7.0").message == "a:v1.7.0 is yanked: it eats data"


def test_pin_reports_a_yanked_digest_without_a_tag() -> None:
    done = pinned(YANKED, "", digest(7))
    assert (done.kind, done.wanted) == ("yanked", None)
    assert "a:v1.7.0" in done.message


@pytest.mark.parametrize("policy", ["tag:stable", "tag:latest", "regex:(?P<x>stable|latest)", "newest:*st*"])
def test_bump_moves_to_a_yanked_digest_only_if_that_is_allowed(policy: str) -> None:
    assert bumped(YANKED, "v1.5.0", policy).wanted is None
    assert bumped(YANKED, "v1.5.0", policy).note is not None
    done = bumped(YANKED, "v1.5.0", policy, allowed=["yanked"])
    assert done.wanted is not None
    assert done.wanted.digest == digest(7)


def test_bump_says_why_it_does_not_move_to_a_yanked_digest() -> None:
    done = bumped(YANKED, "v1.5.0", "tag:stable")
    assert done.note == ("no-version", f"a:stable {SHARED}; tag:stable allows nothing else")


@pytest.mark.parametrize("policy", ["tag:stable", "newest", "semver:^1"])
def test_bump_reports_a_reference_with_a_yanked_digest(policy: str) -> None:
    done = bumped(YANKED, "stable", policy)
    assert (done.kind, done.wanted) == ("yanked", None)
    assert done.message.startswith(f"a:stable {SHARED}")


def test_a_ttl_is_that_of_a_tag() -> None:
    catalogue = catalogue_of(release("pr-5", 5, 1, ttl="1d"), release("v1.5.0", 5, 2))
    assert pinned(catalogue, "pr-5").kind == "expired"
    assert pinned(catalogue, "v1.5.0").kind == "unpinned"


def platforms(tag: str, index: int, day: int, **yanked: Any) -> list[Record]:
    return [
        release(tag, f"{arch}{index}", day, platform=f"linux/{arch}", index=digest(index), **yanked.get(arch, {}))
        for arch in ("amd64", "arm64")
    ]


def test_of_an_index_each_image_counts_unless_a_platform_is_requested() -> None:
    records = platforms("v1", 1, 1, arm64={"yanked": BAD}) + platforms("stable", 1, 2)
    assert pinned(catalogue_of(*records), "stable").kind == "yanked"
    assert pinned(catalogue_of(*records, platform="linux/arm64"), "stable").kind == "yanked"
    assert pinned(catalogue_of(*records, platform="linux/amd64"), "stable").kind == "unpinned"


seeds = st.integers(0, 3)
tags = st.sampled_from(["v1.0.0", "v1.1.0", "v1.2.0", "stable", "latest", "main-1", "main-2"])
policies = st.sampled_from(["semver:*", "newest", "newest:*", "tag:stable", "regex:(?P<x>.*)", "prerelease:*"])


@given(st.dictionaries(tags, st.tuples(seeds, st.integers(1, 9), st.booleans()), min_size=1), tags, policies)
def test_nothing_that_is_yanked_anywhere_is_written(
    recorded: dict[str, tuple[int, int, bool]], tag: str, policy: str
) -> None:
    catalogue = catalogue_of(
        *(release(tag, seed, day, **{"yanked": BAD} if bad else {}) for tag, (seed, day, bad) in recorded.items())
    )
    bad = {digest(seed) for seed, _, is_bad in recorded.values() if is_bad}
    for done in (pinned(catalogue, tag), bumped(catalogue, tag, policy)):
        assert done.wanted is None or done.wanted.digest not in bad
    for one in bad:
        assert pinned(catalogue, "", one).kind == "yanked"

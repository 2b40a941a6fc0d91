"""What a garbage collector must keep."""

from __future__ import annotations

import pytest

from ledger_tool.core.dependencies.keepset import Kept, Scope, kept_digests
from ledger_tool.core.dependencies.uses import uses_of
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.resolve import Resolver
from tests.support.values.make import digest, ledger_of, record

POLICY = Policy((Registry("registry.example.com", ("myorg/*",)), Registry("mirror.example.net", ("myorg/*",), "m")))
INDEX = digest("index")
LEDGER = ledger_of(
    record("myorg/app", "v1", platform="linux/amd64", digest=digest("amd"), index=INDEX),
    record("myorg/app", "v1", platform="linux/arm64", digest=digest("arm"), index=INDEX),
    record("myorg/app", "latest", platform="linux/amd64", digest=digest("amd")),
    record("tool", dependsOn=[
        f"mirror.example.net/m/myorg/app:v0@{digest('old')}", f"myorg/app@{INDEX}", f"debian:12@{digest('deb')}"]),
)  # fmt: skip


def keep(scope: Scope) -> list[Kept]:
    resolver = Resolver(POLICY, LEDGER.has_image)
    return kept_digests(uses_of(LEDGER.records(), resolver), resolver, scope)


def test_images_indexes_and_bases_are_kept_each_once_with_all_that_it_is() -> None:
    there = ["registry.example.com/myorg/app", "mirror.example.net/m/myorg/app"]
    found = {(one.image, one.digest): one for one in keep(Scope())}
    assert len(found) == 6
    assert found["myorg/app", digest("amd")] == Kept(digest("amd"), "myorg/app", ["image"], ["latest", "v1"], there)
    assert found["myorg/app", INDEX] == Kept(INDEX, "myorg/app", ["index", "base"], ["v1"], there)
    assert found["myorg/app", digest("old")] == Kept(digest("old"), "myorg/app", ["base"], ["v0"], there)
    outside = "docker.io/library/debian"
    assert found[outside, digest("deb")] == Kept(digest("deb"), outside, ["base"], ["12"], [outside])
    assert found["tool", digest()].repositories == []


def test_a_pattern_picks_repositories_so_that_what_others_are_built_on_stays() -> None:
    """`old` is in no record of myorg/app: it is kept on the account of `tool`, which the pattern does not name."""
    assert {one.digest for one in keep(Scope("myorg/*"))} == {digest("amd"), digest("arm"), INDEX, digest("old")}


@pytest.mark.parametrize("host", ["mirror.example.net", "MIRROR.example.net"])
def test_a_registry_picks_what_may_live_there(host: str) -> None:
    found = keep(Scope(registry=host))
    assert {one.image for one in found} == {"myorg/app"}
    assert {tuple(one.repositories) for one in found} == {("mirror.example.net/m/myorg/app",)}


def test_yanked_and_expired_records_are_kept_until_they_are_pruned() -> None:
    yanked = {"at": "2026-11-25T08:00:00Z", "reason": "bad"}
    ledger = ledger_of(record(ttl="1m", publishedAt="2020-01-01T00:00:00Z"), record(tag="v2", yanked=yanked))
    resolver = Resolver(POLICY, ledger.has_image)
    assert [one.tags for one in kept_digests(uses_of(ledger.records(), resolver), resolver, Scope())] == [["v1", "v2"]]

"""`keepset`, against registries in memory: all of it, or nothing."""

from __future__ import annotations

import pytest

from ledger_tool.commands.keepset import Keepset, keepset
from ledger_tool.core.dependencies.keepset import Scope
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.registry.image import Child
from ledger_tool.errors import Denied, UnknownImage, Unreachable, UsageError
from tests.support.registries.fake_registry import FakeRegistries, FakeRegistry
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.memory import MemoryStore

HOST = "registry.example.com"
POLICY = Policy((Registry(HOST, ("myorg/*",)),))
NOTE, OLD = Digest(digest("attestation")), Digest(digest("base child"))


def run(*records: Record, fakes: list[FakeRegistry] | None = None, scope: Scope | None = None) -> Keepset:
    store = MemoryStore(ledger_of(*records), POLICY)
    registries = None if fakes is None else FakeRegistries(fakes)
    return keepset(store, registries, scope or Scope(), jobs=2, progress=lambda *_: None)


def roles(found: Keepset) -> dict[str, list[str]]:
    return {one.digest: list(one.roles) for one in found.kept}


def world() -> tuple[FakeRegistry, tuple[Record, ...]]:
    """Return a registry with an index that has an attestation, and one with another index in it; and their records."""
    fake = FakeRegistry()
    image = fake.push("myorg/app", "v1-amd64", "amd")
    index = fake.push_index("myorg/app", "v1", "index", [Child(image, None)], attestations=[NOTE])
    inner = fake.push_index("myorg/base", "inner", "inner", [Child(OLD, None)])
    outer = fake.push_index("myorg/base", "outer", "outer", [], nested=[inner])
    return fake, (record(digest=image, index=index, dependsOn=[f"{HOST}/myorg/base:outer@{outer}"]),)


def test_live_adds_all_children_of_indexes_and_bases_attestations_and_nested_ones_too() -> None:
    fake, records = world()
    assert len(run(*records).kept) == 3
    found = run(*records, fakes=[fake])
    assert roles(found) == {
        digest("amd"): ["image", "child"],
        digest("index"): ["index"],
        digest("outer"): ["base"],
        digest("inner"): ["child"],
        NOTE: ["child"],
        OLD: ["child"],
    }
    assert found.live
    assert sorted(fake.calls) == sorted(("manifest", digest(name)) for name in ("index", "outer", "inner"))


@pytest.mark.parametrize("error", [Unreachable("it rains"), Denied("no")])
@pytest.mark.parametrize("failing", ["index", "outer", "inner"])
def test_one_question_without_an_answer_leaves_nothing(error: Unreachable | Denied, failing: str) -> None:
    fake, records = world()
    fake.failing[digest(failing)] = error
    with pytest.raises(Unreachable, match="so nothing is printed"):
        run(*records, fakes=[fake])


def test_an_image_in_none_of_its_registries_is_told_of() -> None:
    fake, records = world()
    lagging = FakeRegistry("mirror.example.net")
    assert run(*records, fakes=[fake, lagging]).gone == []
    lost = record(tag="v0", digest=digest("lost image"), platform="linux/amd64")
    found = run(*records, lost, fakes=[fake, lagging])
    assert found.gone == [f"myorg/app@{digest('lost image')}"]
    assert digest("lost image") in roles(found)


@pytest.mark.parametrize("facts", [{"index": digest("lost"), "platform": "linux/amd64"}, {}])
def test_what_may_be_an_index_and_is_in_none_of_its_registries_leaves_nothing(facts: dict[str, str]) -> None:
    """Nobody knows what it refers to, and a collector would delete that."""
    fake, records = world()
    lost = record(tag="v0", digest=digest("lost image"), **facts)
    with pytest.raises(Unreachable, match="what it refers to is not known, and nothing is printed"):
        run(*records, lost, fakes=[fake])


def test_an_image_none_of_whose_indexes_is_there_may_be_hidden_and_leaves_nothing() -> None:
    fake, records = world()
    del fake.manifests[Digest(digest("index"))]
    with pytest.raises(Unreachable, match="none of the indexes of myorg/app"):
        run(*records, fakes=[fake])


def test_an_index_that_no_registry_serves_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError, match="serves tool"):
        run(record("tool", index=digest("i")), fakes=[])


def test_only_what_is_in_scope_is_asked_for() -> None:
    fake, records = world()
    run(*records, fakes=[fake], scope=Scope("myorg/base"))
    assert digest("index") not in {reference for _, reference in fake.calls}
    other = FakeRegistry("mirror.example.net")
    run(*records, fakes=[fake, other], scope=Scope(registry=HOST))
    assert other.calls == []


def test_an_empty_list_is_an_error_for_it_would_delete_everything() -> None:
    for scope in (Scope("nothing/*"), Scope("nothing/*", HOST)):
        with pytest.raises(UnknownImage):
            run(record(), scope=scope)
    with pytest.raises(UnknownImage):
        run()
    with pytest.raises(UsageError, match="does not name the registry"):
        run(record(), scope=Scope(registry="other.example.com"))


def test_an_index_that_holds_itself_comes_to_an_end() -> None:
    fake = FakeRegistry()
    me = Digest(digest("loop"))
    fake.push_index("myorg/app", "v1", "loop", [], nested=[me])
    assert set(roles(run(record(index=me), fakes=[fake]))) == {digest(), me}


def test_a_child_with_a_malformed_digest_leaves_nothing() -> None:
    fake = FakeRegistry()
    index = fake.push_index("myorg/app", "v1", "index", [], attestations=[Digest("blake3:abc")])
    with pytest.raises(Unreachable, match="malformed"):
        run(record(index=index), fakes=[fake])


def test_what_was_published_unseen_is_looked_into_for_it_may_be_an_index() -> None:
    for facts in ({}, {"config": digest("c")}, {"config": digest("c"), "platform": "linux/amd64"}):
        fake = FakeRegistry()
        child = fake.push("myorg/app", "v1-amd64", "amd")
        index = fake.push_index("myorg/app", "v1", "index", [Child(child, None)])
        assert roles(run(record(digest=index, **facts), fakes=[fake])) == {index: ["image"], child: ["child"]}
        fake.failing[index] = Unreachable("it rains")
        with pytest.raises(Unreachable, match="so nothing is printed"):
            run(record(digest=index, **facts), fakes=[fake])


def test_without_a_look_it_says_which_digests_may_be_indexes() -> None:
    seen = [record(tag="v2", platform="linux/amd64", digest=digest("2")), record(tag="v3", index=digest("i"))]
    assert run(record(), *seen).unseen == [f"myorg/app@{digest()}"]
    assert run(record(config=digest("c")), *seen).unseen == [f"myorg/app@{digest()}"]  # tools print both together
    assert run(*seen).unseen == []


def test_two_names_of_one_repository_are_in_scope_together() -> None:
    fake = FakeRegistry("registry.example.com")
    image = fake.push("team/app", "v1")
    other = fake.push("team/app", "v2", "other")
    policy = Policy((Registry(HOST, ("team/*",)), Registry(HOST, ("app",), "team")))
    store = MemoryStore(ledger_of(record("team/app", digest=image), record("app", "v2", digest=other)), policy)
    for pattern in ("app", "team/app"):
        found = keepset(store, FakeRegistries([fake]), Scope(pattern), jobs=1, progress=lambda *_: None)
        assert {one.digest for one in found.kept} == {image, other}


def test_a_base_is_looked_for_in_each_repository_that_may_be_its_own() -> None:
    fake = FakeRegistry()
    child = fake.push("library/deb", "12-amd64", "child")
    index = fake.push_index("library/deb", "12", "index", [Child(child, None)])
    newer = fake.push("library/deb", "13", "newer")
    built = record("app", digest=fake.push("app", "v1", "app"), dependsOn=[f"deb:12@{index}"])
    store = MemoryStore(ledger_of(built, record("library/deb", "13", digest=newer)), Policy((Registry(HOST),)))
    found = keepset(store, FakeRegistries([fake]), Scope("library/deb"), jobs=1, progress=lambda *_: None)
    assert roles(found) == {newer: ["image"], index: ["base"], child: ["child"]}

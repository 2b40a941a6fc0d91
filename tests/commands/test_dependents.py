"""`dependents --stale --live`, against registries in memory: who is asked, and what the answers mean."""

from __future__ import annotations

import pytest

from ledger_tool.commands.dependents import FoundDependents, dependents, stale
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.reference import parse_reference
from ledger_tool.core.registry.image import Child, Manifest
from ledger_tool.errors import UnknownImage, Unreachable, UnreadableManifest, UsageError
from tests.support.registries.fake_registry import FakeRegistries, FakeRegistry
from tests.support.values.graphs import built
from tests.support.values.make import digest, ledger_of
from tests.support.values.memory import MemoryStore

HOST = "registry.example.com"
POLICY = Policy((Registry(HOST, ("myorg/*",)), Registry("docker.io", ("library/*",))))


def run(fake: FakeRegistry, *records: Record, asked: str = "", policy: Policy = POLICY) -> FoundDependents:
    store = MemoryStore(ledger_of(*records), policy)
    reference = parse_reference(asked) if asked else None
    return stale(store, FakeRegistries([fake]), reference, jobs=2, progress=lambda *_: None)


def rebuilt(found: FoundDependents) -> list[str]:
    return [found.graph.records[one.number].image for one in found.rebuilds or ()]


def test_a_base_whose_tag_serves_another_digest_has_moved_on_whatever_the_ledger_says() -> None:
    fake = FakeRegistry()
    old, new = Digest(digest("old")), fake.push("myorg/base", "12", "new")
    records = (built("myorg/base", tag="12", digest=old), built("app", f"{HOST}/myorg/base:12@{old}"))
    found = run(fake, *records)
    assert rebuilt(found) == ["app"]
    assert found.rebuilds
    assert [now for _, now in found.rebuilds[0].moved] == [new]
    store = MemoryStore(ledger_of(*records), POLICY)
    assert not stale(store, None, None, jobs=1, progress=lambda *_: None).rebuilds


def test_a_base_whose_tag_serves_its_digest_is_current_whatever_the_ledger_says() -> None:
    fake = FakeRegistry()
    served = fake.push("myorg/base", "12", "served")
    records = (built("myorg/base", tag="12", digest=digest("newer")), built("app", f"myorg/base:12@{served}"))
    assert rebuilt(run(fake, *records)) == []


def test_one_image_of_the_index_that_is_served_is_current() -> None:
    fake = FakeRegistry()
    child = Digest(digest("child"))
    fake.push_index("myorg/base", "12", "index", [Child(child, None)])
    found = run(fake, built("app", f"myorg/base:12@{child}"), built("old", f"myorg/base:12@{digest('old')}"))
    assert rebuilt(found) == ["old"]


def test_one_image_far_below_the_index_that_is_served_is_current() -> None:
    fake = FakeRegistry()
    child = Digest(digest("child"))
    inner = fake.push_index("myorg/base", "inner", "inner", [Child(child, None)])
    fake.push_index("myorg/base", "12", "outer", [], nested=[inner])
    found = run(fake, built("app", f"myorg/base:12@{child}"), built("old", f"myorg/base:12@{digest('old')}"))
    assert rebuilt(found) == ["old"]


def test_a_base_whose_tag_serves_what_cannot_be_read_has_moved_on() -> None:
    fake = FakeRegistry()
    served = fake.push("myorg/base", "12", "odd")
    fake.failing[served] = UnreadableManifest("odd", "", digest=served)
    assert rebuilt(run(fake, built("app", f"myorg/base:12@{digest('old')}"))) == ["app"]


def test_a_tag_is_asked_for_once_and_a_manifest_only_where_digests_differ() -> None:
    fake = FakeRegistry()
    served = fake.push("myorg/base", "12", "served")
    run(fake, *(built(f"app{at}", f"myorg/base:12@{served}") for at in range(5)))
    assert fake.calls == [("look", "12")]


def test_what_could_not_be_looked_at_is_not_stale_and_is_told() -> None:
    fake = FakeRegistry(failing={"12": Unreachable("it rains")})
    text = f"myorg/base:12@{digest('old')}"
    found = run(fake, built("myorg/base", tag="12", digest=digest("new")), built("app", text))
    assert rebuilt(found) == []
    assert not found.complete
    assert found.live
    assert found.live.unknown == {text: "it rains"}


def test_a_tag_that_is_gone_has_not_moved_on() -> None:
    text = f"myorg/base:12@{digest('old')}"
    found = run(FakeRegistry(), built("app", text))
    assert (rebuilt(found), found.complete) == ([], True)
    assert found.live
    assert found.live.gone == [text]


def test_a_registry_that_the_settings_do_not_name_is_never_asked() -> None:
    """A record must not be able to say where credentials go."""
    fake = FakeRegistry()
    foreign = f"evil.example.net/myorg/base:12@{digest('old')}"
    found = run(fake, built("app", foreign))
    assert fake.calls == []
    assert found.live
    assert found.live.unasked == [foreign]
    assert (rebuilt(found), found.complete) == ([], True)


def test_of_what_no_registry_serves_the_ledger_says_whether_it_has_moved_on() -> None:
    records = (built("own", tag="1"), built("app", f"own:1@{digest('old')}"))
    store = MemoryStore(ledger_of(*records), POLICY)
    found = stale(store, FakeRegistries([]), None, jobs=1, progress=lambda *_: None)
    assert rebuilt(found) == ["app"]


def test_of_several_registries_the_one_of_the_reference_is_asked() -> None:
    first, hub = FakeRegistry(HOST), FakeRegistry("docker.io")
    hub.push("library/debian", "12", "new")
    for name in ("debian", "docker.io/library/debian", "docker.io/debian", "index.docker.io/library/debian"):
        store = MemoryStore(ledger_of(built("app", f"{name}:12@{digest('old')}")), POLICY)
        found = stale(store, FakeRegistries([first, hub]), None, jobs=1, progress=lambda *_: None)
        assert first.calls == []
        assert rebuilt(found) == ["app"]


def test_only_bases_in_question_are_asked_for() -> None:
    fake = FakeRegistry()
    a, b = fake.push("myorg/a", "1", "a"), fake.push("myorg/b", "1", "b")
    run(fake, built("app", f"myorg/a:1@{a}", f"myorg/b:1@{b}", f"myorg/a@{a}"), asked="myorg/a")
    assert fake.calls == [("look", "1")]


def test_live_needs_a_registry() -> None:
    with pytest.raises(UsageError):
        run(FakeRegistry(), built("app"), policy=Policy())


def test_what_the_ledger_neither_has_nor_names_is_unknown() -> None:
    store = MemoryStore(ledger_of(built("app", f"debian:12@{digest('deb')}")), POLICY)
    for asked in (parse_reference("nope"), parse_reference("app:v2"), Digest(digest("nope"))):
        with pytest.raises(UnknownImage):
            dependents(store, asked)
    assert not dependents(store, parse_reference("app")).dependents.links
    assert dependents(store, parse_reference("debian")).dependents.links


def test_a_base_is_asked_for_in_the_repository_that_its_reference_names() -> None:
    """Two entries of one host may serve one image of the ledger from two paths."""
    policy = Policy((Registry(HOST, ("base",)), Registry(HOST, ("base",), "team")))
    first, second = FakeRegistry(), FakeRegistry(prefix="team")
    old = Digest(digest("old"))
    first.push("base", "12", "first")
    second.manifests[old] = Manifest(digest=old, is_index=False)
    second.tagged["base", "12"] = old
    store = MemoryStore(ledger_of(built("app", f"{HOST}/team/base:12@{old}")), policy)
    found = stale(store, FakeRegistries([first, second]), None, jobs=1, progress=lambda *_: None)
    assert rebuilt(found) == []
    assert first.calls == []

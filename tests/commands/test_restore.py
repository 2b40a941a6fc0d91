"""`restore` while others push, publish and interrupt; the registry and the ledger are in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.commands.ports import History
from ledger_tool.commands.reconcile import reconcile
from ledger_tool.commands.restore import Restored, RestoreRequest, restore
from ledger_tool.core.ledger.names import Digest, Platform, Tag, Timestamp, Ttl
from ledger_tool.core.ledger.query import Query
from ledger_tool.core.ledger.record import Record, Yanked
from ledger_tool.core.policy.policy import Environment, Policy, Registry
from ledger_tool.core.registry.image import Child
from ledger_tool.core.registry.platforms import stated_by
from ledger_tool.errors import Denied, Unreachable, UsageError
from tests.support.registries.fake_registry import FakeRegistries, FakeRegistry
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.memory import MemoryStore
from tests.support.values.profiles import example_count

APP = "myorg/app"
NOW = Timestamp("2026-11-25T00:00:00Z")
AMD = Platform("linux/amd64")


@contextmanager
def no_past() -> Iterator[History]:
    class Shallow:
        def head(self) -> str:
            return "0" * 40

        def must_be_whole(self) -> None:
            raise UsageError("it is a shallow clone", "unshallow it")

    yield Shallow()  # type: ignore[misc]


def store_of(*records: Record) -> MemoryStore:
    return MemoryStore(ledger_of(*records), Policy((Registry("main"),), environments={"prod": Environment()}))


def version(tag: str, seed: str = "", **more: Any) -> Record:
    return record(APP, tag, digest=digest(seed or tag), platform=AMD, **more)


def run(store: MemoryStore, *fakes: FakeRegistry, jobs: int = 1, **request: Any) -> Restored:
    return restore(
        store, FakeRegistries(fakes), RestoreRequest(**({"carry_out": True} | request)),
        now=NOW, jobs=jobs, open_past=no_past, note=lambda _: None, progress=lambda *_: None,
    )  # fmt: skip


def states(done: Restored) -> list[tuple[str, str]]:
    return [(one.tag, one.state) for one in done.actions]


@pytest.fixture
def fake() -> FakeRegistry:
    """Return a registry with three images of one tag each, whose tags serve the next one's."""
    made = FakeRegistry("main")
    for tag in ("v1", "v2", "v3"):
        made.push(APP, tag, tag)
    return made


@pytest.fixture
def store() -> MemoryStore:
    return store_of(*(version(tag) for tag in ("v1", "v2", "v3")))


def once_at(fake: FakeRegistry, what: str, reference: str, count: int, act: Callable[[], None]) -> None:
    """Let something happen right before a registry answers a question for the `count`th time."""
    seen = 0

    def hook(asked: str, about: str) -> None:
        nonlocal seen
        seen += (asked, about) == (what, reference)
        if seen == count and (asked, about) == (what, reference):
            act()

    fake.hook = hook


def test_a_push_between_the_look_and_the_put_is_left(fake: FakeRegistry, store: MemoryStore) -> None:
    fake.tagged[APP, "v1"] = Digest(digest("v2"))

    def push() -> None:
        fake.push(APP, "v1", "just pushed")

    once_at(fake, "look", "v1", 2, push)
    done = run(store, fake)
    assert states(done) == [("v1", "unknown")]
    assert done.actions[0].now == digest("just pushed") == fake.tagged[APP, "v1"]
    assert done.failed[0].exit_code == 5
    assert fake.count("put") == 0


def test_a_tag_that_somebody_else_puts_back_needs_nothing(fake: FakeRegistry, store: MemoryStore) -> None:
    fake.tagged[APP, "v1"] = Digest(digest("v2"))
    once_at(fake, "look", "v1", 2, lambda: fake.tagged.update({(APP, "v1"): Digest(digest("v1"))}))
    assert states(run(store, fake)) == []
    assert fake.count("put") == 0


def test_a_push_after_the_put_is_not_taken_for_what_was_put(fake: FakeRegistry, store: MemoryStore) -> None:
    fake.tagged[APP, "v1"] = Digest(digest("v2"))
    once_at(fake, "look", "v1", 3, lambda: fake.tagged.update({(APP, "v1"): Digest(digest("v3"))}))
    done = run(store, fake)
    assert states(done) == [("v1", "failed")]
    assert done.actions[0].now == digest("v3")
    assert done.failed[0].exit_code == 5


@pytest.mark.parametrize("moment", [("look", "v1", 1), ("document", digest("v1"), 1), ("put", "v1", 1)])
def test_what_is_published_meanwhile_is_what_the_tag_serves_in_the_end(
    fake: FakeRegistry, store: MemoryStore, moment: tuple[str, str, int]
) -> None:
    """Somebody pushed `v1` anew, and publishes it while we put the old one back."""
    new = fake.push(APP, "v1", "new")
    fake.tagged[APP, "v1"] = Digest(digest("v2"))
    records = [version("v1", "new"), version("v2"), version("v3")]
    once_at(fake, *moment, lambda: setattr(store, "ledger", ledger_of(*records)))
    done = run(store, fake)
    assert fake.tagged[APP, "v1"] == new
    assert [one.state for one in done.actions if one.ledger == new] == ["restored"]
    assert not done.failed


def test_what_is_removed_meanwhile_is_not_put_back(fake: FakeRegistry, store: MemoryStore) -> None:
    fake.tagged[APP, "v1"] = Digest(digest("v2"))
    once_at(fake, "look", "v1", 1, lambda: setattr(store, "ledger", ledger_of(version("v2"), version("v3"))))
    assert states(run(store, fake)) == []
    assert fake.tagged[APP, "v1"] == digest("v2")


def test_a_ledger_that_never_rests_ends_the_run(fake: FakeRegistry, store: MemoryStore) -> None:
    fake.tagged[APP, "v1"] = Digest(digest("v2"))
    count = 0

    def change(asked: str, about: str) -> None:
        nonlocal count
        count += 1
        store.ledger = ledger_of(version("v1", labels={"n": str(count)}), version("v2"))

    fake.hook = change
    done = run(store, fake)
    assert fake.count("put") == 0
    assert [error.exit_code for error in done.failed] == [5]


def test_a_put_whose_answer_was_lost_is_judged_by_what_the_tag_serves(fake: FakeRegistry, store: MemoryStore) -> None:
    for tag in ("v1", "v2"):
        fake.tagged[APP, tag] = Digest(digest("v3"))

    def lose(asked: str, about: str) -> None:
        if asked == "put":
            if about == "v1":
                fake.tagged[APP, "v1"] = Digest(digest("v1"))
            raise Unreachable("the answer was lost")

    fake.hook = lose
    done = run(store, fake)
    assert states(done) == [("v1", "restored"), ("v2", "failed")]
    assert [error.message for error in done.failed] == ["the answer was lost"]


def test_what_cannot_be_verified_is_unknown(fake: FakeRegistry, store: MemoryStore) -> None:
    fake.tagged[APP, "v1"] = Digest(digest("v2"))
    once_at(fake, "look", "v1", 3, lambda: fake.failing.update({"v1": Unreachable("it rains")}))
    done = run(store, fake)
    assert states(done) == [("v1", "unknown")]
    assert (done.actions[0].now, done.actions[0].reason) == (None, "what it serves now is not known: it rains")
    assert done.failed


def test_a_refusal_of_one_does_not_keep_the_others(fake: FakeRegistry, store: MemoryStore) -> None:
    for tag, other in (("v1", "v2"), ("v2", "v3"), ("v3", "v1")):
        fake.tagged[APP, tag] = Digest(digest(other))

    def refuse(asked: str, about: str) -> None:
        if (asked, about) == ("put", "v2"):
            raise Denied("v2 is immutable")

    fake.hook = refuse
    done = run(store, fake)
    assert states(done) == [("v1", "restored"), ("v2", "failed"), ("v3", "restored")]
    assert done.actions[1].reason == "v2 is immutable"


def test_an_interrupted_run_says_what_was_done(fake: FakeRegistry, store: MemoryStore) -> None:
    for tag, other in (("v1", "v2"), ("v2", "v3"), ("v3", "v1")):
        fake.tagged[APP, tag] = Digest(digest(other))

    def stop(done: int, of: int) -> None:
        if fake.count("put"):
            raise KeyboardInterrupt

    done = restore(
        store, FakeRegistries([fake]), RestoreRequest(carry_out=True),
        now=NOW, jobs=1, open_past=no_past, note=lambda _: None, progress=stop,
    )  # fmt: skip
    assert done.interrupted
    assert states(done) == [("v1", "restored"), ("v2", "unknown"), ("v3", "unknown")]


def test_a_ledger_that_cannot_be_read_again_keeps_what_was_done(fake: FakeRegistry, store: MemoryStore) -> None:
    fake.tagged[APP, "v1"] = Digest(digest("v2"))
    reads = 0

    class Failing(MemoryStore):
        def read(self) -> Any:
            nonlocal reads
            reads += 1
            if reads == 3:
                raise Unreachable("the host is gone")
            return super().read()

    done = run(Failing(store.ledger, store.policy), fake)
    assert states(done) == [("v1", "restored")]
    assert [error.message for error in done.failed] == ["the host is gone"]


def test_two_names_of_one_tag_with_different_digests_are_left(fake: FakeRegistry) -> None:
    class Aliased(FakeRegistry):
        def repository(self, image: str) -> str:
            return "main/library/nginx"

    alias = Aliased("main")
    for image, seed in (("nginx", "a"), ("library/nginx", "b")):
        alias.push(image, "v1", seed)
        alias.tagged[image, "v1"] = Digest(digest("b"))
    records = [record("nginx", "v1", digest=digest("a")), record("library/nginx", "v1", digest=digest("b"))]
    done = run(store_of(*records), alias)
    assert [(one.image, one.state) for one in done.actions] == [("nginx", "left")]
    assert done.actions[0].reason.startswith("library/nginx:v1 is the same tag there")


def test_tags_of_one_repository_are_put_back_one_after_the_other(fake: FakeRegistry, store: MemoryStore) -> None:
    """docker-registry writes a manifest anew at each PUT, and does not find it meanwhile below an index."""
    for tag, other in (("v1", "v2"), ("v2", "v3"), ("v3", "v1")):
        fake.tagged[APP, tag] = Digest(digest(other))
    run(store, fake, jobs=8)
    order = [reference for what, reference in fake.calls if what in ("document", "put")]
    assert order == [place for tag in ("v1", "v2", "v3") for place in (digest(tag), tag)]


def test_what_an_environment_has_is_asked_for_by_its_name(fake: FakeRegistry) -> None:
    store = store_of(version("v1"), version("prod", "v1", version="v1"))
    with pytest.raises(UsageError, match="is what an environment has"):
        run(store, fake, patterns=[f"{APP}:prod"])
    assert states(run(store, fake)) == []
    assert states(run(store, fake, environment="prod")) == [("prod", "restored")]


SEEDS = ["a", "b", "c", "unrecorded"]
WORLDS = st.fixed_dictionaries(
    {
        "recorded": st.lists(st.sampled_from(["a", "b", "c", "ab"]), min_size=1, max_size=3),
        "served": st.lists(st.none() | st.sampled_from([*SEEDS, "ab"]), min_size=3, max_size=3),
        "deleted": st.sets(st.sampled_from(["a", "b", "c"]), max_size=2),
        "silent": st.sets(st.sampled_from(["v0", "v1", "v2", "a", "b"]), max_size=1),
        "closed": st.sets(st.sampled_from(["v0", "v1", "v2"]), max_size=1),
        "yanked": st.booleans(),
        "overwrite": st.booleans(),
        "carry_out": st.booleans(),
    }
)


def _made(world: dict[str, Any]) -> tuple[FakeRegistry, list[Record]]:
    fake = FakeRegistry("main")
    images = [fake.push(APP, f"own-{seed}", seed) for seed in SEEDS]
    children = [Child(images[0], AMD, stated_by(AMD), "image"), *_arm(images[1])]
    index = fake.push_index(APP, "own-ab", "ab", children)
    records: list[Record] = []
    for at, seed in enumerate(world["recorded"]):
        more: dict[str, Any] = {"yanked": {"at": NOW, "reason": "no"}} if world["yanked"] and at == 0 else {}
        if seed == "ab":
            arm = record(APP, f"v{at}", digest=images[1], index=index, platform="linux/arm64", **more)
            records += [record(APP, f"v{at}", digest=images[0], index=index, platform=AMD, **more), arm]
        else:
            records.append(version(f"v{at}", seed, **more))
    for at, served in enumerate(world["served"]):
        if served:
            fake.tagged[APP, f"v{at}"] = Digest(digest(served))
    for seed in world["deleted"]:
        fake.manifests.pop(Digest(digest(seed)))
    fake.failing = {
        place if place.startswith("v") else digest(place): Unreachable("it rains") for place in world["silent"]
    }
    return fake, records


def _arm(image: Digest) -> Sequence[Child]:
    arm = Platform("linux/arm64")
    return [Child(image, arm, stated_by(arm), "image")]


@example_count(200)
@given(WORLDS)
def test_afterwards_each_tag_serves_the_ledger_or_what_it_did_and_nothing_is_gone(world: dict[str, Any]) -> None:
    fake, records = _made(world)
    before, held = dict(fake.tagged), dict(fake.manifests)
    recorded = {str(one.tag): one.pull_digest for one in records}
    known = {place for one in records for place in (one.digest, one.pull_digest)}

    def refuse(asked: str, about: str) -> None:
        if asked == "put" and about in world["closed"]:
            raise Denied("it is closed")

    fake.hook = refuse
    done = run(store_of(*records), fake, overwrite=world["overwrite"], carry_out=world["carry_out"])
    assert fake.manifests == held
    assert fake.count("delete") + fake.count("untag") == 0
    actions = {one.tag: one for one in done.actions}
    assert len(actions) == len(done.actions)
    bad = {recorded["v0"], *(one.digest for one in records if one.tag == "v0")} if world["yanked"] else set()
    for name, now in fake.tagged.items():
        was, action = before.get(name), actions.get(name[1])
        if now == was:
            assert action is None or action.state != "restored"
            continue
        assert world["carry_out"]
        assert action is not None
        assert (action.state, action.was, action.now) == ("restored", was if was in held else None, now)
        assert now == recorded[name[1]]
        assert now not in bad
        assert was not in held or was in known or world["overwrite"]
        whole = [now, *(child.digest for child in held[now].children)]
        assert all(place in held for place in whole)
    for tag, pull in recorded.items():
        seen = fake.tagged.get((APP, tag))
        is_right = seen == pull and pull in held
        if not is_right and tag not in world["silent"]:
            assert tag in actions  # nothing that differs is passed over
        if is_right and tag not in world["silent"]:
            assert tag not in actions or actions[tag].state == "restored"
        if tag in actions and not world["carry_out"]:
            assert actions[tag].state not in ("restored", "failed")


@example_count(150)
@given(WORLDS, st.lists(st.sampled_from(["", "yanked", "expired"]), min_size=3, max_size=3))
def test_reconcile_puts_no_tag_back_that_restore_withholds(world: dict[str, Any], fates: Sequence[str]) -> None:
    """One rule: what nobody should pull gets no command that tags it, and that its tag is gone fails nothing."""
    fake, made = _made(world | {"yanked": False})
    more: dict[str, dict[str, Any]] = {
        "yanked": {"yanked": Yanked(NOW, "no")},
        "expired": {"ttl": Ttl("1d"), "published_at": Timestamp("2026-11-01T00:00:00Z")},
        "": {},
    }
    records = [replace(one, **more[fates[int(one.tag[1])]]) for one in made]
    planned = {one.tag: one for one in run(store_of(*records), fake, carry_out=False).actions}
    found = reconcile(
        store_of(*records), FakeRegistries([fake]), Query(), now=NOW, jobs=1, explain=50, progress=lambda *_: None
    )
    for one in found.report.findings:
        action = planned.get(Tag(one.tag))
        tagging = [line for line in (one.command, one.alternative) if line.endswith(f"/{APP}:{one.tag}")]
        if action and action.state == "withheld":
            assert not tagging, (one, action)
            assert one.drift != "tag-missing" or one.kind == "housekeeping"
        elif one.drift == "tag-missing":
            assert tagging or one.is_open or action is None or action.state != "planned", (one, action)

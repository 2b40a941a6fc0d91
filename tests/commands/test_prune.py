"""`prune` step by step, with registries in memory: what is asked, in which order, and what a failure leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

import pytest

from ledger_tool.commands.ports import Store
from ledger_tool.commands.prune import Pruned, prune
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Platform, Tag, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.registry.image import Child
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.prune import PruneCriteria
from ledger_tool.errors import Contended, Denied, Unreachable, UsageError
from tests.support.registries.fake_registry import FakeRegistries, FakeRegistry
from tests.support.values.make import digest, draft, ledger_of, record
from tests.support.values.memory import MemoryStore

APP = "app"
AMD, ARM = "linux/amd64", "linux/arm64"
WISH = PruneCriteria(now=Timestamp("2026-11-26T00:00:00Z"))
POLICY = Policy(registries=(Registry("registry.example.com"), Registry("mirror.example.com")))

NOT_SERVED = f"{FakeRegistry.name} lists app:keepme, and says that it does not exist: what that tag serves is not known"


@pytest.fixture
def fake() -> FakeRegistry:
    return FakeRegistry()


def image(fake: FakeRegistry, tag: str, *, old: bool = True, seed: str = "", **more: object) -> Record:
    """Push an image, and return its record: one that has expired, or one that lives for ever."""
    made = fake.push(APP, tag, seed or tag)
    life = {"ttl": "1d", "publishedAt": "2026-11-01T00:00:00Z"} if old else {}
    return record(APP, tag, platform=AMD, digest=made, config=digest("config"), **(life | more))


def both(fake: FakeRegistry, tag: str, *, old: bool = True, only: Sequence[str] = (AMD, ARM)) -> list[Record]:
    """Push an index of two images, and return the records of these platforms."""
    children = [Child(fake.push(APP, f"{tag}-{on[-5:]}", f"{tag} {on}"), on) for on in (AMD, ARM)]  # type: ignore[arg-type]
    for on in (AMD, ARM):
        del fake.tagged[APP, f"{tag}-{on[-5:]}"]
    index = fake.push_index(APP, tag, f"{tag} index", children)
    one = image(fake, "unused", old=old)
    fields = {"ttl": one.ttl, "publishedAt": one.published_at, "index": index, "config": digest("config")}
    return [
        record(APP, tag, platform=at.platform, digest=at.digest, **fields) for at in children if at.platform in only
    ]


def run(
    store: MemoryStore,
    *registries: FakeRegistry,
    between: Callable[[], None] = lambda: None,
    jobs: int = 4,
    with_untracked: bool = False,
) -> Pruned:
    """Prune for real; `between` happens after the plan: it takes two looks at a ledger that stays as it is."""
    openings = 0

    @contextmanager
    def opened(*, shared: bool = False) -> Iterator[MemoryStore]:
        nonlocal openings
        assert shared
        openings += 1
        yield store
        if openings == 2:
            between()

    return prune(
        opened, WISH, registries=FakeRegistries(registries), jobs=jobs, progress=unseen, with_untracked=with_untracked
    )


def unseen(done: int, total: int) -> None:
    """Show no progress."""


def stored(*records: Record) -> MemoryStore:
    return MemoryStore(ledger=ledger_of(*records), policy=POLICY)


def called(fake: FakeRegistry, what: str) -> list[str]:
    return [reference for name, reference in fake.calls if name == what]


def keys(ledger: Ledger) -> list[str]:
    return [f"{tag} {platform}" for _, tag, platform in ledger.keys]


@pytest.mark.parametrize("seed", range(6))  # whichever of the digests is the smallest
def test_what_is_needed_again_is_put_back_with_the_index_last_and_its_tag_after_it(
    fake: FakeRegistry, seed: int
) -> None:
    going = both(fake, f"pr-{seed}")
    store = stored(*going, image(fake, "v1", old=False))

    def publish(snapshot: Snapshot) -> Change:
        again = [
            draft(APP, tag="v2", platform=one.platform, digest=one.digest, index=one.index, config=one.config)
            for one in going
        ]
        return rules.publish(snapshot, again)

    def promoted() -> None:
        store.transact(publish)

    done = run(store, fake, between=promoted)
    children = {str(one.digest) for one in going}
    put = called(fake, "put")
    assert (set(put[:2]), put[2:]) == (children, [going[0].index, "v2"])
    assert {one.place.digest for one in done.restored} == {*children, going[0].index}
    assert (done.deleted, keys(store.read().ledger)) == ([], [f"v1 {AMD}", f"v2 {AMD}", f"v2 {ARM}"])


def test_what_waits_for_a_registry_is_not_put_back_where_it_was_deleted(fake: FakeRegistry) -> None:
    mirror = FakeRegistry("mirror.example.com")
    going = image(fake, "pr-1")
    mirror.push(APP, "pr-1", "pr-1")
    living = image(fake, "v1", old=False)
    mirror.push(APP, "v1", "v1")
    store = stored(going, living)

    def refuse() -> None:
        mirror.failing[going.digest] = Denied("no", "")

    done = run(store, fake, mirror, between=refuse)
    assert [one.place.registry.name for one in done.deleted] == [fake.name]
    assert (done.expired, done.commit, list(done.failed)) == ([], None, [APP])
    assert called(fake, "put") == []
    mirror.failing.clear()
    again = run(store, fake, mirror)
    assert [one.place.registry.name for one in again.deleted] == [mirror.name]
    assert (again.expired, keys(store.read().ledger)) == ([going], [f"v1 {AMD}"])


def test_what_another_run_deleted_and_a_record_needs_by_now_is_put_back_as_well(fake: FakeRegistry) -> None:
    going = image(fake, "pr-1")
    store = stored(going, image(fake, "v1", old=False))

    def another_run_and_a_publish() -> None:
        fake.delete(APP, going.digest)
        store.transact(lambda snapshot: rules.publish(snapshot, [draft(APP, tag="v2", digest=going.digest)]))

    done = run(store, fake, between=another_run_and_a_publish)
    assert [one.place.digest for one in done.restored] == [going.digest]
    assert fake.tagged[APP, "v2"] == going.digest


def test_the_children_of_an_index_that_goes_and_is_built_on_stay(fake: FakeRegistry) -> None:
    going = both(fake, "base")
    built = image(fake, "v1", old=False, dependsOn=[f"registry.example.com/other/name:base@{going[0].index}"])
    done = run(stored(*going, built), fake)
    assert len(done.expired) == 2
    assert done.deleted == []
    assert {one.place.digest for one in done.retained} == {going[0].index, *(one.digest for one in going)}


@pytest.mark.parametrize("base", ["deb", "library/deb", "docker.io/deb", "index.docker.io/library/deb"])
@pytest.mark.parametrize("name", ["deb", "library/deb"])
def test_the_children_of_a_base_stay_whatever_it_and_the_image_are_called(base: str, name: str) -> None:
    hub = FakeRegistry("docker.io")
    child = hub.push(name, "bookworm-amd64", "child")
    index = hub.push_index(name, "bookworm", "index", [Child(child, Platform(AMD))])
    life = {"ttl": "1d", "publishedAt": "2026-11-01T00:00:00Z"}
    going = record(name, "pr-1", platform=AMD, digest=child, config=digest("config"), **life)
    built = record(APP, "v1", digest=hub.push(APP, "v1"), config=digest("config"), dependsOn=[f"{base}:1@{index}"])
    newer = record(name, "2", digest=hub.push(name, "2", "newer"), config=digest("config"))
    store = MemoryStore(ledger_of(going, newer, built), Policy((Registry("docker.io"),)))
    done = run(store, hub)
    assert (done.expired, done.deleted) == ([going], [])
    assert [one.reason for one in done.retained] == [f"it is in the index {index}, which is in use"]


def test_after_an_index_that_stays_no_child_is_deleted(fake: FakeRegistry) -> None:
    going = both(fake, "pr-1")
    store = stored(*going, image(fake, "v1", old=False))

    def refuse() -> None:
        fake.failing[going[0].index or ""] = Denied("no", "")

    done = run(store, fake, between=refuse)
    assert called(fake, "delete") == [going[0].index]
    assert (done.deleted, done.expired, len(store.read().ledger)) == ([], [], 3)


def test_a_digest_that_a_registry_does_not_let_go_keeps_its_own_records_and_no_others(fake: FakeRegistry) -> None:
    going = sorted((image(fake, f"pr-{at}") for at in range(4)), key=lambda one: one.digest)
    twin = image(fake, "pr-9", seed=going[0].tag)
    store = stored(*going, twin, image(fake, "v1", old=False))

    def refuse() -> None:
        fake.failing[going[0].digest] = Denied("immutable", "")

    for run_again in (False, True):
        done = run(store, fake, between=refuse)
        assert [one.reason for one in done.spared] == ["immutable", "immutable"]
        assert {one.place.digest for one in done.deleted} == (set() if run_again else {one.digest for one in going[1:]})
        assert (keys(store.read().ledger), list(done.failed)) == (
            sorted([f"{going[0].tag} {AMD}", f"pr-9 {AMD}", f"v1 {AMD}"]), [APP],
        )  # fmt: skip


def test_where_a_registry_falls_silent_nothing_more_of_the_image_is_asked_for(fake: FakeRegistry) -> None:
    going = sorted((image(fake, f"pr-{at}") for at in range(4)), key=lambda one: one.digest)
    store = stored(*going, image(fake, "v1", old=False))

    def fall_silent() -> None:
        fake.failing[going[1].digest] = Unreachable("down", "")

    done = run(store, fake, between=fall_silent, jobs=1)
    assert called(fake, "delete") == [going[0].digest, going[1].digest]
    assert (done.expired, [one.reason for one in done.spared]) == ([going[0]], ["down"] * 3)


def test_where_an_index_that_lives_can_not_be_read_nothing_of_its_image_goes(fake: FakeRegistry) -> None:
    living = both(fake, "v1", old=False, only=(AMD,))
    fake.failing[living[0].index or ""] = Unreachable("down", "")
    done = run(stored(image(fake, "pr-1"), *living), fake)
    assert (called(fake, "delete"), done.expired) == ([], [])
    assert [one.reason for one in done.spared] == ["down"]


def test_a_child_that_only_the_registry_knows_stays(fake: FakeRegistry) -> None:
    living = both(fake, "v1", old=False, only=(AMD,))
    child = Digest(digest(f"v1 {ARM}"))
    going = record(APP, "v1-arm64", platform=ARM, digest=child, config=digest("c"), ttl="1d")
    done = run(stored(going, *living), fake)
    assert (done.expired, called(fake, "delete")) == ([going], [])
    assert done.retained[0].reason == f"it is in the index {living[0].index}, which is in use"


def test_an_image_of_an_index_in_an_index_that_lives_stays(fake: FakeRegistry) -> None:
    child = fake.push(APP, "pr-1", "pr-1")
    inner = fake.push_index(APP, "inner", "inner", [Child(child, None)])
    outer = fake.push_index(APP, "v1", "outer", [], nested=[inner])
    going = image(fake, "pr-1")
    built = image(fake, "v2", old=False, dependsOn=[f"registry.example.com/{APP}@{outer}"])
    for living in (record(APP, "v1", digest=outer), built):
        done = run(stored(going, living), fake)
        assert (done.expired, done.deleted) == ([going], [])
        assert done.retained[0].reason == f"it is in the index {inner}, which is in use"


def test_what_an_index_that_lives_refers_to_stays_whatever_it_is(fake: FakeRegistry) -> None:
    going = image(fake, "note")
    living = fake.push_index(APP, "v1", "index", [], attestations=[going.digest])
    done = run(stored(going, record(APP, "v1", digest=living)), fake)
    assert (done.expired, done.deleted) == ([going], [])


def test_a_ledger_that_moves_while_the_registry_is_looked_at_is_looked_at_again(fake: FakeRegistry) -> None:
    going = image(fake, "pr-1")
    store = stored(going, image(fake, "v1", old=False))
    moves = iter(range(2))

    def another_writer(what: str, reference: str) -> None:
        if next(moves, None) is not None:
            store.transact(lambda snapshot: rules.publish(snapshot, [draft(APP, tag="v9", digest=going.digest)]))

    fake.hook = another_writer
    done = run(store, fake)
    assert (done.expired, done.deleted, called(fake, "delete")) == ([going], [], [])
    assert called(fake, "document") == [going.digest]


def test_a_ledger_that_moves_all_the_time_is_not_pruned(fake: FakeRegistry) -> None:
    store = stored(image(fake, "pr-1"), image(fake, "v1", old=False))
    tags = iter(range(1000))

    @contextmanager
    def moved(*, shared: bool = False) -> Iterator[MemoryStore]:
        assert shared
        store.transact(lambda snapshot: rules.publish(snapshot, [draft(APP, tag=f"n{next(tags)}")]))
        yield store

    with pytest.raises(Contended):
        prune(moved, WISH, registries=FakeRegistries([fake]), jobs=1, progress=unseen)
    assert called(fake, "delete") == []


@pytest.mark.parametrize(
    ("where", "option"), [({"proposes": True}, "--pull-request"), ({"pushes": False}, "--no-push")]
)
def test_what_is_deleted_has_to_be_recorded_for_everybody(
    fake: FakeRegistry, where: dict[str, bool], option: str
) -> None:
    """This is said before the ledger, a registry or a forge is asked for anything."""

    def never(*, shared: bool = False) -> AbstractContextManager[Store]:
        raise AssertionError(shared)

    with pytest.raises(UsageError, match=f"`--registry-delete` and `{option}` cannot be combined"):
        prune(
            never, WISH, registries=FakeRegistries([fake]), jobs=1, progress=unseen,
            proposes=option == "--pull-request", pushes=option != "--no-push",
        )  # fmt: skip
    assert fake.calls == []


def test_a_dry_run_looks_at_registries_and_changes_nothing(fake: FakeRegistry) -> None:
    going = image(fake, "pr-1")
    store = stored(going, image(fake, "v1", old=False))

    def opened(*, shared: bool = False) -> AbstractContextManager[MemoryStore]:
        return nullcontext(store)

    for registries in (None, FakeRegistries([fake])):
        done = prune(opened, WISH, registries=registries, jobs=1, progress=unseen, dry_run=True)
        assert (done.expired, done.commit, len(store.read().ledger)) == ([going], None, 2)
    assert [one.place.digest for one in done.deleted] == [going.digest]
    assert called(fake, "delete") == []


def test_without_registries_the_ledger_is_opened_once(fake: FakeRegistry) -> None:
    store = stored(image(fake, "pr-1"), image(fake, "v1", old=False))
    opened = iter([nullcontext(store)])
    done = prune(lambda *, shared=False: next(opened), WISH, registries=None, jobs=1, progress=unseen)
    assert (len(done.expired), keys(store.read().ledger), fake.calls) == (1, [f"v1 {AMD}"], [])


def test_where_much_of_what_lives_is_gone_at_once_nothing_is_deleted(fake: FakeRegistry) -> None:
    going = image(fake, "pr-1")
    living = [image(fake, f"v{at}", old=False) for at in range(20)]
    for one in living[:5]:
        del fake.manifests[one.digest]
    store = stored(going, *living)
    assert run(store, fake).deleted[0].place.digest == going.digest
    going = image(fake, "pr-2")
    del fake.manifests[living[5].digest]
    done = run(stored(going, *living), fake)
    assert (done.expired, done.deleted) == ([], [])
    assert [one.reason for one in done.spared] == [
        f"{fake.name} looks half empty: 6 of 20 digests of app are gone there"
    ]


def test_a_tag_that_moves_before_it_is_deleted_alone_is_left(fake: FakeRegistry) -> None:
    fake.deletes_tags = True
    going = image(fake, "pr-7", seed="promoted")
    store = stored(going, image(fake, "v1", old=False, seed="promoted"))

    def pushed_again() -> None:
        fake.push(APP, "pr-7", "new")

    done = run(store, fake, between=pushed_again)
    assert (done.expired, called(fake, "untag")) == ([going], [])
    assert (APP, "pr-7") in fake.tagged


def test_what_an_environment_has_does_not_go(fake: FakeRegistry) -> None:
    going, other = image(fake, "pr-1"), image(fake, "pr-2")
    prod = record(APP, "prod", platform=AMD, digest=going.digest, config=digest("config"), version="pr-1")
    done = run(stored(going, other, prod, image(fake, "v1", old=False)), fake)
    assert done.expired == [other]
    assert [(one.record, one.reason) for one in done.spared] == [(going, "prod has it")]


def test_two_images_of_one_path_at_two_registries_are_not_taken_for_each_other() -> None:
    """What the one lacks of the other's is not missing there."""
    policy = Policy((Registry("one.example.com", ("app",)), Registry("two.example.com", ledger_prefix="two")))
    one, two = FakeRegistry("one.example.com"), FakeRegistry("two.example.com")
    going = image(one, "pr-1")
    others = [record("two/app", f"v{at}", digest=two.push("two/app", f"v{at}", f"two {at}")) for at in range(20)]
    store = MemoryStore(ledger_of(going, image(one, "v1", old=False), *others), policy)
    found = prune(
        lambda *, shared=False: nullcontext(store), WISH, registries=ByHost([one, two]), jobs=2, progress=unseen
    )
    assert ([place.place.digest for place in found.deleted], found.failed) == ([going.digest], {})


class ByHost(FakeRegistries):
    """Registries that serve what `ledger.yaml` says."""

    def serving(self, policy: Policy, image: str) -> Sequence[FakeRegistry]:
        hosts = {registry.host for registry in policy.serving(image)}
        return [fake for fake in self.all if fake.host in hosts]


def test_what_only_a_mirror_still_has_of_an_index_keeps_its_images_everywhere(fake: FakeRegistry) -> None:
    mirror = FakeRegistry("mirror.example.com")
    living = both(mirror, "v1", old=False, only=(AMD,))
    child = fake.push(APP, "pr-1", f"v1 {ARM}")
    mirror.tagged.pop((APP, "unused"))
    going = image(fake, "pr-1", seed=f"v1 {ARM}")
    assert going.digest == child
    fake.push(APP, "v1-amd64", f"v1 {AMD}")
    done = run(stored(going, *living), fake, mirror)
    assert (done.expired, done.deleted) == ([going], [])
    assert {one.place.registry.name for one in done.retained} == {fake.name, mirror.name}


def test_a_digest_that_a_registry_took_with_its_tag_and_does_not_take_back_is_an_error(fake: FakeRegistry) -> None:
    fake.deletes_tags = fake.is_greedy = True
    going = image(fake, "pr-7", seed="promoted")
    living = image(fake, "v1", old=False, seed="promoted")

    def no_push(what: str, reference: str) -> None:
        if what == "put":
            raise Denied("no push")

    fake.hook = no_push
    done = run(stored(going, living), fake)
    assert "is needed again and could not be put back: no push" in done.failed[APP].message
    assert (done.expired, [one.record for one in done.spared]) == ([], [going])


@pytest.mark.parametrize("with_untracked", [False, True])
def test_a_tag_that_was_pushed_again_keeps_what_it_serves_though_its_own_record_goes(
    fake: FakeRegistry, with_untracked: bool
) -> None:
    """Also where another record that goes has that digest, or an index with it."""
    other, moved = image(fake, "pr-2"), image(fake, "pr-3")
    going = both(fake, "pr-4")
    fake.tagged[APP, "pr-3"] = other.digest
    fake.tagged[APP, "pr-2"] = moved.digest
    fake.push_index(APP, "pr-5", "another index", [Child(going[0].digest, Platform(AMD))])
    fifth = record(APP, "pr-5", digest=digest("lost"), ttl="1d", publishedAt="2026-11-01T00:00:00Z")
    done = run(stored(other, moved, *going, fifth, image(fake, "v1", old=False)), fake, with_untracked=with_untracked)
    assert (done.expired, done.deleted) == ([fifth], [])
    assert {one.reason for one in done.spared} == {
        "the tag `pr-2`, which is recorded with another digest, serves it",
        "the tag `pr-3`, which is recorded with another digest, serves it",
        "the tag `pr-5`, which is recorded with another digest, serves an index with it",
    }


def test_a_tag_that_was_pushed_again_is_not_deleted_alone_where_its_digest_stays(fake: FakeRegistry) -> None:
    fake.deletes_tags = True
    living, going = image(fake, "v1", old=False), image(fake, "pr-3")
    fake.tagged[APP, "pr-3"] = living.digest
    also = replace(going, tag=Tag("pr-4"), digest=living.digest)
    fake.tagged[APP, "pr-4"] = living.digest
    done = run(stored(living, going, also), fake)
    assert (done.expired, called(fake, "untag")) == ([going, also], ["pr-4"])
    assert [(one.tag, one.reason) for one in done.staying] == [
        ("pr-3", "it serves something else than what was recorded")
    ]


@pytest.mark.parametrize(
    ("answers", "lists", "reason"),
    [
        (1, 2, "the tag `keepme`, which is not in the ledger, serves it"),
        (2, 2, NOT_SERVED),
        (2, 1, ""),
    ],
    ids=["there-at-the-second-look", "listed-and-absent-twice", "no-longer-listed"],
)  # fmt: skip
@pytest.mark.parametrize("tag", ["keepme", "v1"])
def test_a_tag_that_is_listed_and_absent_is_asked_for_again_with_the_list(
    fake: FakeRegistry, tag: str, answers: int, lists: int, reason: str
) -> None:
    """`tag` may be one that lives, too: what is recorded of it exists, so what it serves now is not known."""
    going, living = image(fake, "pr-2"), image(fake, "v1", old=False)
    fake.tagged[APP, tag] = going.digest
    asked = {"look": 0, "tags": 0}

    def contradicts(what: str, reference: str) -> None:
        """Lack the tag at the first looks, and list it at the first lists."""
        if reference not in (APP, tag) or what not in asked:
            return
        asked[what] += 1
        if what == "look":
            hidden = asked[what] <= answers
            fake.tagged[APP, tag] = Digest(digest("absent")) if hidden else going.digest
        elif asked[what] > lists:
            fake.unlisted.add(tag)

    fake.hook = contradicts
    done = run(stored(going, living), fake)
    words = reason.replace("keepme", tag)
    words = (
        words.replace("which is not in the ledger", "which is recorded with another digest") if tag == "v1" else words
    )
    assert [one.reason for one in done.spared] == ([words] if words else [])
    assert [one.place.digest for one in done.deleted] == ([] if words else [going.digest])


def test_a_tag_whose_recorded_digest_is_gone_too_is_left_over(fake: FakeRegistry) -> None:
    """A registry may list a tag whose manifest was deleted, such as by an earlier run that was interrupted."""
    first, going, living = image(fake, "pr-1"), image(fake, "pr-2"), image(fake, "v1", old=False)
    del fake.manifests[first.digest]
    done = run(stored(first, going, living), fake)
    assert (done.expired, [one.place.digest for one in done.deleted]) == ([first, going], [going.digest])


@pytest.mark.parametrize("held_by", ["v1", "untracked"])
def test_an_index_that_is_gone_below_one_in_use_keeps_everything(fake: FakeRegistry, held_by: str) -> None:
    """It may be a registry that fails in between: what that index refers to is needed, and nobody knows it."""
    going = image(fake, "pr-1")
    nested = Digest(digest("nested"))
    outer = fake.push_index(APP, held_by, "outer", [], nested=[nested])
    living = [image(fake, "v0", old=False)]
    living += [record(APP, "v1", digest=outer)] if held_by == "v1" else []
    done = run(stored(going, *living), fake)
    assert (done.expired, done.deleted) == ([], [])
    assert [one.reason for one in done.spared] == [
        f"app@{nested} is in use and gone, so what it refers to is not known"
    ]


def test_what_a_tag_serves_and_the_registry_does_not_have_keeps_everything(fake: FakeRegistry) -> None:
    going, living = image(fake, "pr-1"), image(fake, "v1", old=False)
    index = fake.push_index(APP, "untracked", "index", [Child(going.digest, Platform(AMD))])
    answers = dict(fake.manifests)

    def contradicts(what: str, reference: str) -> None:
        fake.manifests = {one: it for one, it in answers.items() if what != "manifest" or one != index}

    fake.hook = contradicts
    done = run(stored(going, living), fake)
    assert (done.expired, done.deleted) == ([], [])
    assert [one.reason for one in done.spared] == [f"app@{index} is in use and gone, so what it refers to is not known"]


def test_a_registry_that_takes_an_image_with_its_tag_gets_all_other_tags_back(fake: FakeRegistry) -> None:
    """Also those that the ledger does not have, or has with another digest."""
    fake.deletes_tags = fake.is_greedy = True
    going, living = image(fake, "pr-7", seed="promoted"), image(fake, "v1", old=False, seed="promoted")
    moved = image(fake, "v2", old=False)
    fake.tagged |= dict.fromkeys([(APP, "v2"), (APP, "stable")], living.digest)
    done = run(stored(going, living, moved), fake)
    assert (done.expired, called(fake, "untag")) == ([going], ["pr-7"])
    assert {tag: made for (_, tag), made in fake.tagged.items()} == dict.fromkeys(["v1", "v2", "stable"], living.digest)

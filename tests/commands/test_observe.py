"""Looking at a registry costs one HEAD for a tag in sync, and more only for what its answer does not prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ledger_tool.commands.inspect import inspect
from ledger_tool.commands.observe import Allowance, Looks
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Platform
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.registry.drift import ABSENT, Observation, Unknown, Unreadable
from ledger_tool.core.registry.driftreport import DriftScope
from ledger_tool.core.registry.image import Child
from ledger_tool.core.registry.platforms import stated_by
from ledger_tool.errors import BadManifest, Denied, Unreachable, UnreadableManifest, UsageError
from tests.support.registries.fake_registry import FakeRegistries, FakeRegistry
from tests.support.values.make import digest, draft, record

APP = "myorg/app"


@pytest.fixture
def fake() -> FakeRegistry:
    return FakeRegistry()


def _record(made: str, platform: str = "linux/amd64", **more: Any) -> Record:
    return record(digest=made, platform=platform, **more)


def _index(fake: FakeRegistry, seed: str, *seeds: str) -> tuple[str, list[str]]:
    platforms = ("linux/amd64", "linux/arm64")
    children = [Child(fake.push(APP, f"only-{one}", one), Platform(platforms[at])) for at, one in enumerate(seeds)]
    return fake.push_index(APP, "v1", seed, children), [child.digest for child in children]


def _observe(
    fake: FakeRegistry, records: Sequence[Record], scope: DriftScope = "images", explain: int = 9
) -> Observation:
    looks = Looks(jobs=1, scope=scope, allowance=Allowance(explain))
    observed = list(looks.all([(fake, records)]))
    for number, seen in looks.explain(observed):
        observed[number] = observed[number][0], seen
    return observed[0][1]


def test_a_tag_in_sync_is_one_head_and_nothing_else(fake: FakeRegistry) -> None:
    made = fake.push(APP, "v1")
    assert _observe(fake, [_record(made)]).served == made
    assert fake.calls == [("look", "v1")]


def test_each_platform_of_a_tag_in_sync_is_one_head_more(fake: FakeRegistry) -> None:
    index, images = _index(fake, "index", "a", "b")
    records = [_record(images[0], index=index), _record(images[1], "linux/arm64", index=index)]
    assert _observe(fake, records).exists == {images[0]: True, images[1]: True}
    assert fake.calls == [("look", "v1"), ("look", images[0]), ("look", images[1])]


def test_a_quick_look_at_a_tag_in_sync_is_one_head_for_all_platforms(fake: FakeRegistry) -> None:
    index, images = _index(fake, "index", "a", "b")
    _observe(fake, [_record(images[0], index=index), _record(images[1], "linux/arm64", index=index)], "tags")
    assert fake.calls == [("look", "v1")]


def test_a_quick_look_at_a_tag_that_moved_is_a_whole_one(fake: FakeRegistry) -> None:
    index, images = _index(fake, "index", "a")
    new = fake.push(APP, "v1", "new")
    seen = _observe(fake, [_record(images[0], index=index)], "tags")
    assert seen.exists == {index: True, images[0]: True}
    assert seen.served == new


def test_a_tag_that_moved_costs_a_head_for_what_was_recorded_and_gets_that_explain_it(fake: FakeRegistry) -> None:
    old = fake.push(APP, "v1", "old")
    new = fake.push(APP, "v1", "new", created="2026-11-24T09:30:00Z")
    seen = _observe(fake, [_record(old)])
    config = digest("config of new")
    assert fake.calls == [("look", "v1"), ("look", old), ("manifest", new), ("config", config)]
    assert (seen.served, seen.exists) == (new, {old: True})
    assert seen.facts is not None
    assert seen.facts.created == "2026-11-24T09:30:00Z"


@pytest.mark.parametrize(
    ("explain", "gets"), [(0, []), (1, ["manifest"]), (2, ["manifest", "config"]), (9, ["manifest", "config"])]
)
def test_no_more_is_read_to_explain_a_difference_than_was_allowed(
    fake: FakeRegistry, explain: int, gets: list[str]
) -> None:
    old = fake.push(APP, "v1", "old")
    fake.push(APP, "v1", "new")
    seen = _observe(fake, [_record(old)], explain=explain)
    assert [name for name, _ in fake.calls if name != "look"] == gets
    assert (seen.contents is None) == (explain == 0)


def test_an_index_is_described_by_its_first_image(fake: FakeRegistry) -> None:
    labels = {"org.opencontainers.image.revision": "abc"}
    fake.push(APP, "only-a", "a", config={"Labels": labels})
    index = fake.push_index(APP, "v1", "new", [Child(Digest(digest("a")), Platform("linux/amd64"))])
    seen = _observe(fake, [_record(digest("old"))])
    assert seen.served == index
    assert seen.facts is not None
    assert seen.facts.revision == "abc"
    fake.calls.clear()
    _observe(fake, [_record(digest("old"))], explain=2)
    assert [name for name, _ in fake.calls] == ["look", "look", "manifest"]


@pytest.mark.parametrize("revisions", ["b", "bb", "bc", "b-"])
def test_the_source_that_is_printed_is_what_a_publish_records_whatever_the_index_says(
    fake: FakeRegistry, revisions: str
) -> None:
    claims = {name: "https://evil.example.com/x" if name == "source" else "e" * 40 for name in ("source", "revision")}
    claims["created"] = "2026-11-24T09:30:00Z"
    children = []
    for number, (revision, platform) in enumerate(zip(revisions, ("linux/amd64", "linux/arm64"), strict=False)):
        labels = {"source": "https://git.example.com/x", "revision": revision * 40} if revision != "-" else {}
        own = {f"org.opencontainers.image.{name}": value for name, value in labels.items()}
        made = fake.push(APP, f"only-{number}", str(number), config={"Labels": own})
        children.append(Child(made, Platform(platform), stated_by(Platform(platform))))
    index = fake.push_index(APP, "v1", "new", children)
    annotations = {f"org.opencontainers.image.{name}": value for name, value in claims.items()}
    fake.manifests[index] = replace(fake.manifests[index], annotations=annotations)
    snapshot = Snapshot("", Ledger(), Policy((Registry(fake.name),)))
    drafts = inspect([draft(digest=None, source_ref=UsageError("none"))], snapshot, FakeRegistries([fake])).drafts
    (published, *others) = dict.fromkeys(one.source_ref for one in drafts)
    expected = None if others else published
    ((_, _, untracked),) = Looks(jobs=1).untracked([(fake, APP, "v1")])
    for facts in (_observe(fake, [_record(digest("old"))]).facts, untracked):
        assert facts is not None
        assert facts.source_ref == expected
        assert "evil" not in facts.source


def test_a_config_that_is_not_an_images_says_nothing_to_anybody(fake: FakeRegistry) -> None:
    labels = {"org.opencontainers.image.source": "https://git.example.com/x"}
    made = fake.push(APP, "v1", "chart", config={"Labels": labels})
    fake.manifests[made] = replace(fake.manifests[made], config_type="application/vnd.cncf.helm.config.v1+json")
    ((_, served, facts),) = Looks(jobs=1).untracked([(fake, APP, "v1")])
    assert (served, facts and facts.source) == (made, "")


def test_what_one_digest_serves_is_read_once_for_all_tags_that_moved_there(fake: FakeRegistry) -> None:
    tasks = [(fake, [record(tag=f"v{number}", digest=digest("old"))]) for number in range(20)]
    for number in range(20):
        fake.push(APP, f"v{number}", "new")
    looks = Looks(jobs=4)
    observed = list(looks.all(tasks))
    assert len([*looks.explain(observed)]) == 40
    assert (fake.count("manifest"), fake.count("config")) == (1, 1)
    assert fake.calls.count(("look", digest("old"))) == 1


def test_a_tag_that_is_gone_costs_a_head_for_its_digest(fake: FakeRegistry) -> None:
    seen = _observe(fake, [_record(digest("x"))])
    assert fake.calls == [("look", "v1"), ("look", digest("x"))]
    assert (seen.served, seen.exists) == (ABSENT, {digest("x"): False})


def test_a_failure_of_the_tag_is_unknown_with_its_reason_and_the_digest_is_still_asked_for(fake: FakeRegistry) -> None:
    fake.failing["v1"] = Denied("no entry")
    seen = _observe(fake, [_record(digest("x"))])
    assert (seen.served, seen.exists) == (Unknown("no entry"), {digest("x"): False})


@pytest.mark.parametrize(
    ("error", "contents"),
    [
        (Unreachable("gone fishing"), Unreadable("gone fishing", is_seen=False)),
        (Denied("no GET"), Unreadable("no GET", is_seen=False)),
        (UnreadableManifest("layers: null", "", digest=digest("new")), Unreadable("layers: null")),
    ],
)
def test_what_a_tag_serves_and_cannot_be_read_is_still_another_digest(
    fake: FakeRegistry, error: Any, contents: Unreadable
) -> None:
    new = fake.push(APP, "v1", "new")
    fake.failing[new] = error
    seen = _observe(fake, [_record(digest("old"))])
    assert (seen.served, seen.contents) == (new, contents)


def test_a_registry_that_contradicts_itself_about_a_tag_is_not_believed_about_the_rest(fake: FakeRegistry) -> None:
    fake.failing[fake.push(APP, "v1", "new")] = BadManifest("it lies")
    assert _observe(fake, [_record(digest("old"))]) == Observation(served=Unknown("it lies"))
    fake.failing["v1"] = BadManifest("it claims nonsense")
    fake.calls.clear()
    assert _observe(fake, [_record(digest("old"))]) == Observation(served=Unknown("it claims nonsense"))
    assert fake.calls == [("look", "v1")]


def test_a_tag_that_moves_back_while_it_is_looked_at_is_looked_at_again(fake: FakeRegistry) -> None:
    old = fake.push(APP, "v1", "old")
    new = fake.push(APP, "v1", "new")

    def move(what: str, _reference: str) -> None:
        if what == "manifest" and new in fake.manifests:
            del fake.manifests[new]
            fake.tagged[APP, "v1"] = old

    fake.hook = move
    assert _observe(fake, [_record(old)]).served == old


def test_deep_looks_at_everything_below_a_tag_once(fake: FakeRegistry) -> None:
    made = fake.push(APP, "v1")
    lost = digest("layer of a")
    fake.lost.add(lost)
    assert _observe(fake, [_record(made)], "deep").missing == {made: [lost]}
    assert fake.calls == [("look", "v1"), ("manifest", made), ("config", digest("config of a")), ("has_blob", lost)]


def test_deep_judges_the_whole_index_recorded_or_not(fake: FakeRegistry) -> None:
    index, images = _index(fake, "index", "a", "b")
    fake.lost.add(digest("layer of b"))
    assert _observe(fake, [_record(images[0], index=index)], "deep").missing == {index: [digest("layer of b")]}
    del fake.manifests[Digest(images[1])]
    assert _observe(fake, [_record(images[0], index=index)], "deep").missing == {index: [images[1]]}


def test_deep_looks_below_attestations_and_nested_indexes(fake: FakeRegistry) -> None:
    note, inner_image = fake.push(APP, "note", "note"), fake.push(APP, "inner", "inner")
    nested = fake.push_index(APP, "nested", "nested", [Child(inner_image, Platform("linux/amd64"))])
    index = fake.push_index(APP, "v1", "index", [], attestations=[note], nested=[nested])
    fake.lost |= {digest("layer of note"), digest("config of inner")}
    seen = _observe(fake, [_record(inner_image, index=index)], "deep")
    assert seen.missing == {index: [digest("layer of note"), digest("config of inner")]}


def test_deep_asks_for_nothing_twice(fake: FakeRegistry) -> None:
    index, images = _index(fake, "index", "a", "b")
    fake.tagged[APP, "v2"] = fake.tagged[APP, "v1"]
    tasks = [(fake, [record(tag=tag, digest=image, index=index) for image in images]) for tag in ("v1", "v2")]
    list(Looks(jobs=4, scope="deep").all(tasks))
    assert len(set(fake.calls)) == len(fake.calls) == 2 + 3 + 4


def test_what_is_in_an_index_and_makes_no_sense_is_unknown_if_it_is_an_image(fake: FakeRegistry) -> None:
    index, images = _index(fake, "index", "a")
    fake.failing[images[0]] = UnreadableManifest("odd", "", digest=images[0])
    assert _observe(fake, [_record(digest("x"), index=index)], "deep").missing == {index: Unknown("odd")}
    other = fake.push_index(APP, "v1", "other", [], attestations=[Digest(images[0])])
    assert _observe(fake, [_record(digest("x"), index=other)], "deep").missing == {other: []}


def test_what_an_index_refers_to_and_is_no_digest_is_not_asked_for(fake: FakeRegistry) -> None:
    index = fake.push_index(APP, "v1", "index", [], attestations=[Digest("sha256:../../x")])
    _observe(fake, [_record(digest("x"), index=index)], "deep")
    assert ("manifest", "sha256:../../x") not in fake.calls


def test_two_names_of_one_repository_are_one_question(fake: FakeRegistry) -> None:
    class Prefixed(FakeRegistry):
        def repository(self, image: str) -> str:
            return f"hub/library/{image.removeprefix('library/')}"

    hub = Prefixed()
    gone = digest("gone")
    tasks = [(hub, [record(image, "v1", digest=gone)]) for image in ("nginx", "library/nginx")]
    list(Looks(jobs=2).all(tasks))
    assert hub.calls.count(("look", gone)) == 1


def test_an_untracked_tag_is_described_as_far_as_gets_are_left(fake: FakeRegistry) -> None:
    tags = [(fake, APP, f"t{number}") for number in range(5)]
    for number in range(5):
        fake.push(APP, f"t{number}", f"{number}", created=f"day {number}")
    described = sorted(
        (number, facts.created) for number, _, facts in Looks(jobs=2, allowance=Allowance(7)).untracked(tags) if facts
    )
    assert described == [(0, "day 0"), (1, "day 1")]


def test_an_untracked_tag_whose_config_cannot_be_read_is_said_to_serve_what_it_serves(fake: FakeRegistry) -> None:
    made = fake.push(APP, "new", "new")
    fake.failing[digest("config of new")] = Unreachable("it rains")
    ((_, served, facts),) = Looks(jobs=1).untracked([(fake, APP, "new")])
    assert (served, facts and facts.created) == (made, "")

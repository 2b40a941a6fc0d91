"""What is built on what, by digest; what has moved on, by image:tag; what is to be rebuilt, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.dependencies import graph as graphs
from ledger_tool.core.dependencies.graph import Base, BaseQuery, Graph
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.policy.reference import parse_reference
from tests.support.values.graphs import built, graph_of, ref
from tests.support.values.make import digest


def wanted(graph: Graph, asked: str) -> BaseQuery:
    if asked.startswith("sha256:"):
        return BaseQuery(digest=Digest(asked))
    reference = parse_reference(asked)
    return BaseQuery(graph.resolver.resolve(reference), reference.tag, reference.digest)


def names(graph: Graph, numbers: object) -> list[str]:
    return [str(graph.records[at].key) for at in numbers]  # type: ignore[attr-defined]


def dependents(graph: Graph, asked: str) -> list[str]:
    return names(graph, graphs.dependents_of(graph, wanted(graph, asked)).links)


def steps(graph: Graph, asked: str = "") -> list[tuple[int, str]]:
    found = graphs.dependents_of(graph, wanted(graph, asked) if asked else None, by_name=True)
    return [
        (one.step, str(graph.records[one.number].name))
        for one in graphs.rebuild_order(graph, found, lambda base: base.now)
    ]


# ---- bases


def only_base(graph: Graph, image: str) -> Base:
    (found,) = (base for at, base in graph.all_bases() if graph.records[at].image == image)
    return found


def test_a_base_is_found_by_its_own_digest_whatever_it_is_called() -> None:
    graph = graph_of(built("myorg/base"), built("app", ref("quay.io/mirror/other:9", "myorg/base:v1")))
    assert names(graph, only_base(graph, "app").targets) == ["myorg/base:v1"]


def test_a_base_is_found_by_its_index_and_then_only_the_image_of_the_same_platform() -> None:
    index = digest("index")
    parts = [
        built("myorg/base", platform=f"linux/{arch}", digest=digest(arch), index=index) for arch in ("amd64", "arm64")
    ]
    graph = graph_of(*parts, built("app", f"myorg/base:v1@{index}", platform="linux/arm64"))
    assert names(graph, only_base(graph, "app").targets) == ["myorg/base:v1 (linux/arm64)"]
    graph = graph_of(*parts, built("app", f"myorg/base:v1@{index}"))
    assert len(only_base(graph, "app").targets) == 2


def test_a_digest_of_another_platform_is_taken_at_its_word() -> None:
    """A build for arm64 may start from a stage for amd64."""
    tool = built("myorg/tool", platform="linux/amd64")
    graph = graph_of(tool, built("app", ref("myorg/tool:v1"), platform="linux/arm64"))
    assert names(graph, only_base(graph, "app").targets) == ["myorg/tool:v1 (linux/amd64)"]


@pytest.mark.parametrize(
    ("text", "now"),
    [
        (ref("myorg/base:12", "old"), digest("new")),
        (ref("registry.example.com/myorg/base:12", "old"), digest("new")),
        (ref("myorg/base:12", "new"), ""),
        ("myorg/base@" + digest("old"), ""),  # no tag: nothing says that it should follow one
        (ref("myorg/base:13", "old"), ""),  # the ledger does not know that tag
        (ref("quay.io/myorg/base:12", "old"), ""),  # somebody else's
    ],
)
def test_a_base_has_moved_on_if_its_tag_has_records_and_none_with_its_digest(text: str, now: str) -> None:
    graph = graph_of(built("myorg/base", tag="12", digest=digest("new")), built("app", text))
    assert only_base(graph, "app").now == now


def test_a_base_that_another_tag_still_has_has_moved_on_all_the_same() -> None:
    graph = graph_of(
        built("myorg/base", tag="12", digest=digest("new")),
        built("myorg/base", tag="12.1", digest=digest("old")),
        built("app", ref("myorg/base:12", "old")),
    )
    base = only_base(graph, "app")
    assert names(graph, base.targets) == ["myorg/base:12.1"]
    assert base.now == digest("new")


def test_the_digest_of_now_is_the_index_or_that_of_the_same_platform() -> None:
    amd = built("myorg/base", platform="linux/amd64", digest=digest("amd"))
    arm = built("myorg/base", platform="linux/arm64", digest=digest("arm"))
    app = built("app", ref("myorg/base:v1", "old"), platform="linux/arm64")
    assert only_base(graph_of(amd, arm, app), "app").now == digest("arm")
    indexed = [
        built("myorg/base", platform=one.platform or "", digest=one.digest, index=digest("i")) for one in (amd, arm)
    ]
    assert only_base(graph_of(*indexed, app), "app").now == digest("i")


def test_the_image_of_an_index_that_is_current_has_not_moved_on() -> None:
    base = built("myorg/base", platform="linux/amd64", digest=digest("amd"), index=digest("i"))
    assert only_base(graph_of(base, built("app", ref("myorg/base:v1", "amd"))), "app").now == ""


# ---- dependents

CHAIN = (
    built("myorg/base"),
    built("myorg/mid", ref("myorg/base:v1")),
    built("myorg/app", f"registry.example.com/{ref('myorg/mid:v1')}", ref("debian:12")),
    built("myorg/other"),
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("myorg/base", ["myorg/app:v1", "myorg/mid:v1"]),
        ("registry.example.com/myorg/base:v1", ["myorg/app:v1", "myorg/mid:v1"]),
        (digest("myorg/base:v1"), ["myorg/app:v1", "myorg/mid:v1"]),
        ("whatever:v9@" + digest("myorg/base:v1"), ["myorg/app:v1", "myorg/mid:v1"]),
        ("myorg/mid:v1", ["myorg/app:v1"]),
        ("myorg/base:v2", []),
        ("docker.io/library/debian", ["myorg/app:v1"]),
        ("debian:12", ["myorg/app:v1"]),
        ("debian:13", []),
        (digest("debian:12"), ["myorg/app:v1"]),
        ("myorg/app", []),
    ],
)
def test_dependents_are_all_that_is_built_on_it_directly_or_not(asked: str, found: list[str]) -> None:
    assert dependents(graph_of(*CHAIN), asked) == found


def test_dependents_of_a_tag_are_those_of_its_digest_too() -> None:
    """`latest` and `12` are one image: what names one is built on the other."""
    graph = graph_of(
        built("myorg/base", tag="12"),
        built("myorg/base", tag="latest", digest=digest("myorg/base:12")),
        built("app", ref("myorg/base:12")),
    )
    assert dependents(graph, "myorg/base:latest") == ["app:v1"]


def test_dependents_by_digest_of_one_platform_are_those_of_that_platform() -> None:
    index = digest("index")
    parts = [built("base", platform=f"linux/{arch}", digest=digest(arch), index=index) for arch in ("amd64", "arm64")]
    apps = [
        built("app", f"base:v1@{index}", platform=f"linux/{arch}", digest=digest("a" + arch))
        for arch in ("amd64", "arm64")
    ]
    assert dependents(graph_of(*parts, *apps), digest("arm64")) == ["app:v1 (linux/arm64)"]


def test_direct_dependents_are_those_that_name_it() -> None:
    graph = graph_of(*CHAIN)
    found = graphs.dependents_of(graph, wanted(graph, "myorg/base"))
    assert names(graph, found.direct) == ["myorg/mid:v1"]
    links = {str(graph.records[at].name): [base.text for base in found.links[at]] for at in found.links}
    mid = f"registry.example.com/{ref('myorg/mid:v1')}"
    assert links == {"myorg/mid:v1": [ref("myorg/base:v1")], "myorg/app:v1": [mid]}, "and not debian"


# ---- what is to be rebuilt


def test_only_what_sits_on_an_old_digest_and_what_is_built_on_that_is_rebuilt_bases_first() -> None:
    graph = graph_of(
        built("myorg/base", tag="12", digest=digest("new")),
        built("a/app", ref("z/mid:v1")),
        built("z/mid", ref("myorg/base:12", "old")),
        built("b/fresh", ref("myorg/base:12", "new")),
        built("c/both", ref("a/app:v1"), ref("z/mid:v1")),
    )
    assert steps(graph) == [(1, "z/mid:v1"), (2, "a/app:v1"), (3, "c/both:v1")]
    assert steps(graph, "myorg/base") == steps(graph)
    assert steps(graph, digest("old")) == steps(graph)
    assert steps(graph, "myorg/base:13") == []


def test_what_sits_on_an_old_build_of_something_stale_comes_after_its_rebuild() -> None:
    """mid moved, and its base did too: app waits for mid, although it names a digest that is gone."""
    graph = graph_of(
        built("myorg/base", tag="12", digest=digest("new base")),
        built("myorg/mid", ref("myorg/base:12", "old base"), digest=digest("new mid")),
        built("myorg/app", ref("myorg/mid:v1", "old mid")),
    )
    assert steps(graph, "myorg/base") == [(1, "myorg/mid:v1"), (2, "myorg/app:v1")]


def test_other_bases_that_have_moved_on_are_not_told_of_unless_asked() -> None:
    graph = graph_of(
        built("myorg/base", tag="12", digest=digest("new")),
        built("myorg/tool", tag="3", digest=digest("new tool")),
        built("app", ref("myorg/base:12", "new"), ref("myorg/tool:3", "old tool")),
    )
    assert steps(graph, "myorg/base") == []
    assert steps(graph) == steps(graph, "myorg/tool") == [(1, "app:v1")]


def test_records_in_a_cycle_share_a_step() -> None:
    graph = graph_of(
        built("myorg/base", tag="12", digest=digest("new")),
        built("a", ref("b:v1"), ref("myorg/base:12", "old")),
        built("b", ref("a:v1")),
        built("c", ref("b:v1")),
    )
    assert steps(graph) == [(1, "a:v1"), (1, "b:v1"), (2, "c:v1")]


@given(st.lists(st.lists(st.integers(0, 11), max_size=3), min_size=1, max_size=12), st.sets(st.integers(0, 11)))
def test_every_step_comes_after_those_of_its_bases(below: list[list[int]], moved: set[int]) -> None:
    """Record n is built on records before it, so that there is no cycle; some sit on a base that has moved on."""
    records = [built("myorg/base", tag="12", digest=digest("new"))]
    for at, bases in enumerate(below):
        on = [ref(f"i{to}:v1") for to in bases if to < at]
        on += [ref("myorg/base:12", "old")] if at in moved else []
        records.append(built(f"i{at}", *dict.fromkeys(on)))
    step = {name.split(":")[0]: number for number, name in steps(graph_of(*records))}
    stale: set[int] = set()
    for at, bases in enumerate(below):
        if at in moved or stale & {to for to in bases if to < at}:
            stale.add(at)
    assert set(step) == {f"i{at}" for at in stale}
    for at in stale:
        before = [step[f"i{to}"] for to in below[at] if to < at and to in stale]
        assert step[f"i{at}"] == 1 + max(before, default=0)


def test_a_chain_of_10_000_is_followed_to_its_end() -> None:
    chain = [built("i0", ref("myorg/base:12", "old"))]
    chain += [built(f"i{at}", ref(f"i{at - 1}:v1")) for at in range(1, 10_000)]
    graph = graph_of(built("myorg/base", tag="12", digest=digest("new")), *chain)
    assert len(dependents(graph, "myorg/base")) == 10_000
    assert steps(graph)[-1] == (10_000, "i9999:v1")


def test_all_that_is_built_on_a_digest_of_many_tags_shares_one_group_of_them() -> None:
    tags = [built("myorg/base", tag=f"n{number}", digest=digest("base")) for number in range(300)]
    apps = [
        built(f"myorg/app{number}", ref(f"myorg/base:n{number}", "base"), platform="linux/amd64")
        for number in range(300)
    ]
    graph = graph_of(*tags, *apps)
    assert len({id(base.targets) for _, base in graph.all_bases()}) == 1
    assert len(dependents(graph, "myorg/base:n0")) == 300
    assert graphs.rebuild_order(graph, graphs.dependents_of(graph, None, by_name=True), lambda base: base.now) == []

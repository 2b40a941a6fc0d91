"""Trees, DOT and Mermaid: readable, never endless, and nothing in a name breaks out of its quotes."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.commands.deps import Deps
from ledger_tool.core.dependencies import graph as graphs
from ledger_tool.core.dependencies import subgraph as outline
from ledger_tool.core.dependencies.graph import BaseQuery
from ledger_tool.core.dependencies.subgraph import GraphNode, Subgraph
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_reference
from ledger_tool.render import deps
from ledger_tool.render import graphs as render
from tests.support.values.graphs import built, graph_of, ref
from tests.support.values.make import digest, ledger_of


def beneath(name: str, *records: Record) -> Subgraph:
    graph = graph_of(*records)
    return outline.beneath(graph, [record for record in records if str(record.name) == name])


def above(asked: str, *records: Record) -> Subgraph:
    graph = graph_of(*records)
    reference = parse_reference(asked)
    wanted = BaseQuery(graph.resolver.resolve(reference), reference.tag, reference.digest)
    return outline.above(graph, graphs.dependents_of(graph, wanted), asked)


def short(seed: str) -> str:
    return digest(seed)[:19]


def test_a_tree_shows_what_was_shown_before_once() -> None:
    found = beneath(
        "app:v1",
        built("base", ref("docker.io/library/debian:12")),
        built("left", ref("base:v1")),
        built("right", ref("base:v1")),
        built("app", ref("left:v1"), ref("right:v1")),
    )
    assert list(render.as_tree(found)) == [
        f"app:v1  {short('app:v1')}",
        f"├── left:v1  {short('left:v1')}",
        f"│   └── base:v1  {short('base:v1')}",
        f"│       └── docker.io/library/debian:12@{short('docker.io/library/debian:12')}  (not in the ledger)",
        f"└── right:v1  {short('right:v1')}",
        f"    └── base:v1  {short('base:v1')}  (shown above)",
    ]
    assert not list(render.cycle_notes(found))


def test_a_tree_says_what_has_moved_on_and_what_is_yanked() -> None:
    yanked = {"at": "2026-11-25T08:00:00Z", "reason": "bad"}
    found = beneath(
        "app:v1",
        built("myorg/base", tag="12", digest=digest("new")),
        built("myorg/mid", yanked=yanked),  # type: ignore[arg-type]
        built("app", ref("myorg/base:12", "old"), ref("myorg/mid:v1")),
    )
    assert list(render.as_tree(found))[1:] == [
        f"├── myorg/base:12@{short('old')}  (not in the ledger; myorg/base:12 is now {short('new')})",
        f"└── myorg/mid:v1  {short('myorg/mid:v1')}  (yanked)",
    ]


def test_of_several_tags_with_the_digest_the_one_that_is_named_is_shown() -> None:
    found = beneath(
        "app:v1",
        built("base", tag="12"),
        built("base", tag="latest", digest=digest("base:12")),
        built("app", ref("base:12")),
    )
    assert [node.text for node in found.nodes] == ["app:v1", "base:12"]


def test_of_several_tags_with_the_digest_and_none_named_one_that_cannot_move_is_shown() -> None:
    same = digest("same")
    records = [built("base", tag=tag, digest=same) for tag in ("12", "12.1", "8")]
    records.append(built("app", f"base@{same}"))
    graph = graphs.build_graph(ledger_of(*records), Policy(mutable=("12",)))
    found = outline.beneath(graph, records[-1:])
    assert [node.text for node in found.nodes] == ["app:v1", "base:12.1"]


def test_a_cycle_is_told_and_not_followed() -> None:
    found = beneath("a:v1", built("a", ref("b:v1")), built("b", ref("a:v1")))
    assert list(render.as_tree(found)) == [
        f"a:v1  {short('a:v1')}",
        f"└── b:v1  {short('b:v1')}",
        f"    └── a:v1  {short('a:v1')}  (a cycle: not followed)",
    ]
    assert list(render.cycle_notes(found)) == ["warning: built on itself, in a cycle: a:v1, b:v1"]
    value = json.loads(deps.as_json(Deps(Name("a", "v1"), found)))
    assert value["cycles"] == [["a:v1", "b:v1"]]


def test_a_record_that_is_its_own_base_is_a_cycle() -> None:
    found = beneath("a:v1", built("a", ref("a:v1")))
    assert len(list(render.as_tree(found))) == 2
    assert list(found.cycles) == [[0]]


def test_a_tree_of_dependents_goes_from_the_base_up() -> None:
    found = above(
        "myorg/base",
        built("myorg/base", tag="12", digest=digest("new")),
        built("mid", ref("myorg/base:12", "old")),
        built("app", ref("mid:v1"), ref("myorg/base:12", "new")),
    )
    assert list(render.as_tree(found, names_base=False)) == [
        "myorg/base",
        f"├── app:v1  {short('app:v1')}",
        f"└── mid:v1  {short('mid:v1')}  (on myorg/base:12@{short('old')}; myorg/base:12 is now {short('new')})",
        f"    └── app:v1  {short('app:v1')}",
    ]


def test_a_chain_of_10_000_is_cut_as_a_tree_and_whole_as_json_dot_and_mermaid() -> None:
    chain = [built("i0")] + [built(f"i{at}", ref(f"i{at - 1}:v1")) for at in range(1, 10_000)]
    found = beneath("i9999:v1", *chain)
    lines = list(render.as_tree(found))
    assert len(lines) == render.DEEPEST + 2
    assert lines[-1].endswith("…  (deeper than 100 levels; `--format json` shows everything)")
    value = json.loads(deps.as_json(Deps(Name("i9999", "v1"), found)))
    assert (len(value["nodes"]), len(value["links"])) == (10_000, 9_999)
    assert len(list(render.as_dot(*render.drawn(found)))) == 3 + 10_000 + 9_999 + 1
    assert len(list(render.as_mermaid(*render.drawn(found)))) == 1 + 10_000 + 9_999


def test_a_wide_diamond_of_many_levels_stays_small() -> None:
    records = [built("a0"), built("b0")]
    for at in range(1, 60):
        records += [built(f"{side}{at}", ref(f"a{at - 1}:v1"), ref(f"b{at - 1}:v1")) for side in "ab"]
    assert len(list(render.as_tree(beneath("a59:v1", *records)))) < 300


def test_dot_and_mermaid_draw_each_link_from_an_image_to_its_base() -> None:
    records = (
        built("myorg/base", tag="12", digest=digest("new"), platform="linux/arm/v7"),
        built("app", ref("myorg/base:12", "new"), ref("debian:12")),
    )
    base, app = short("new"), short("app:v1")
    down, up = beneath("app:v1", *records), above("myorg/base:12", *records)
    assert list(render.as_dot(*render.drawn(down)))[3:] == [
        rf'  n0 [label="app:v1\n{app}"];',
        rf'  n1 [label="myorg/base:12\nlinux/arm/v7\n{base}"];',
        rf'  n2 [label="debian:12\n{short("debian:12")}", style=dashed];',
        "  n0 -> n1;",
        "  n0 -> n2;",
        "}",
    ]
    assert list(render.as_mermaid(*render.drawn(up, names_base=False))) == [
        "flowchart LR",
        '  n0["myorg/base:12"]',
        f'  n1["app:v1<br/>{app}"]',
        "  n1 --> n0",
    ]


HOSTILE = [
    'a"];evil["b',
    "a\\",
    "a\nb",
    "<script>x</script>",
    "`md`",
    "a#quot;b",
    "\\N",
    "\x1b[31m",
    "%%{init}%%",
    "&amp;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_in_their_quotes(text: str) -> None:
    _check_quotes(text)


@given(st.text(max_size=20))
def test_any_name_stays_in_its_quotes(text: str) -> None:
    _check_quotes(text)


def _check_quotes(text: str) -> None:
    dot = list(render.as_dot([GraphNode(text)], []))
    assert len(dot) == 5
    found = re.fullmatch(r'  n0 \[label="((?:[^"\\\n]|\\["\\n])*)", style=dashed\];', dot[3])
    assert found, dot[3]
    mermaid = list(render.as_mermaid([GraphNode(text)], []))
    assert len(mermaid) == 2
    assert re.fullmatch(r'  n0\["(?:[A-Za-z0-9 ./:@-]|#[0-9]+;|<br/>)*"\]', mermaid[1]), mermaid[1]
    assert mermaid[1].count("<br/>") <= 1


def test_terminal_escapes_of_what_was_asked_for_are_visible() -> None:
    (line,) = render.as_tree(Subgraph([GraphNode("a\x1b[31m")], [[]], [0], []))
    assert line == "a\\x1b[31m"

"""Tokens that are made when they are asked for, and the tree of them, say what their parser's events say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.manifests.events import EventTokens, contents, may_have_structure
from ledger_tool.core.manifests.tokens import END, TextDocument, TextFault, TextToken
from ledger_tool.core.manifests.yamltree import YamlBranch, YamlNode, tree
from ledger_tool.edges.yaml.manifest_tokens import tokens
from tests.support.values.manifests import manifests
from tests.support.values.profiles import example_count

_PIECES = [
    "a: 1\n", "b: [x, {c: d}]\n", "&a ", "*a", "? [k, l]\n: v\n", "? *a\n: v\n", "- ", "<<: *a\n", "<<: {e: f}\n",
    "g:\n", "  h: |\n    two\n    lines\n", "{? {i: j} : k}\n", "'<<': {m: n}\n", "c: &a {d: 1}\n", "!t s\n", "a: 2\n",
]  # fmt: skip
_texts = st.one_of(manifests(), st.lists(st.sampled_from(_PIECES), max_size=8).map("".join))


def _read(text: str) -> EventTokens | None:
    try:
        return tokens(text, TextDocument(0, len(text), 1))
    except TextFault:
        return None


@given(_texts)
@example_count(300)
def test_tokens_that_are_made_when_they_are_asked_for_are_those_of_a_list(text: str) -> None:
    found = _read(text)
    if found is not None:
        made = list(found)
        assert [token.kind for token in made] == found.kinds
        assert [token.number for token in made if token is not END] == [
            number for number, kind in enumerate(found.kinds) if kind != "end"
        ]
        assert contents(found) == contents(made) == [token.content for token in made]
        assert (found[1:4], found[-2:]) == (made[1:4], made[-2:])
        several = [token for token in made if token.kind == "scalar" and may_have_structure(token.text)]
        assert found.with_structure() == several


@pytest.mark.parametrize("text", ['[{"op": "add"}]', '{"a":"b"}', " [ {a: b}]", "a: b\nc: d", "- a\n- b"])
def test_a_text_may_have_a_mapping_in_one_line_as_json_has(text: str) -> None:
    assert may_have_structure(text)


@pytest.mark.parametrize("text", ["", "a: b", "{{ a }}", "${A}", "[a, b]", "myorg/app:v1"])
def test_other_texts_in_one_line_have_none(text: str) -> None:
    assert not may_have_structure(text)


def test_a_token_is_counted_from_the_end_too_and_there_is_none_beyond_it() -> None:
    found = _read("a: b\n")
    assert found is not None
    assert found[-2] == found[2]
    with pytest.raises(IndexError):
        found[4]


@given(_texts)
@example_count(500)
def test_what_a_tree_says_without_its_nodes_is_what_its_nodes_say(text: str) -> None:
    found = _read(text)
    if found is None:
        return
    try:
        ahead: list[YamlNode] = [*tree(found)]
    except TextFault:  # an alias without an anchor
        return
    seen = set()
    while ahead:
        node = ahead.pop()
        if not isinstance(node, YamlBranch) or node in seen:
            continue
        seen.add(node)
        names, branches = list(node.names()), node.branches()  # before its nodes are made
        assert list(dict.fromkeys(names)) == list(node.named)
        inner = [(key.token.text, place.node) for key, place in node.pairs] + [("", place.node) for place in node.items]
        assert branches == [(key, one) for key, one in inner if isinstance(one, YamlBranch)]
        if node.whole.is_plain:
            numbers = range(0, len(found), 3)
            kept = node.branches(numbers)
            for key, branch in branches:
                has_one = any(branch.number - 1 <= number < branch.end for number in numbers)
                assert ((key, branch) in kept) == (has_one or node.kind == "list")
        ahead += [one for _, one in inner]


@given(_texts)
@example_count(300)
def test_each_token_is_in_the_tree_once(text: str) -> None:
    found = _read(text)
    if found is None or "alias" in found.kinds:
        return
    ahead, seen = [*tree(found)], list[TextToken]()
    while ahead:
        node = ahead.pop()
        seen.append(node.token)
        ahead += [one for key, place in node.pairs for one in (key, place.node)] + [place.node for place in node.items]
    assert sorted(seen) == [token for token in found if token is not END]

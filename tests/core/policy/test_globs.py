"""Globs of `ledger.yaml`: one that can match nothing is refused, and one that matches something never is."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger import names
from ledger_tool.core.policy.globs import covers, parse_image_glob, parse_name_glob, parse_tag_glob
from ledger_tool.core.policy.policy import Registry
from ledger_tool.errors import UsageError

HOME = Registry("registry.example.com", prefix="team")
HUB = Registry("docker.io", ledger_prefix="hub.example")


def accepted(parse: Callable[[str], str], text: str) -> bool:
    try:
        return parse(text) == text
    except UsageError:
        return False


@pytest.mark.parametrize(
    "text",
    [
        "Payments/*", "payments/*:v*", "{payments,web}/*", "payments/", "!payments/*", "/payments", "a//b", "a..b",
        "-a*", "a*-", "a/_*", "a___*", "[A-Z]*", "[!a-z0-9._/-]", "a[b", "", "a b", "é", "localhost:5000/x",
        "x@sha256:a", "a" * 257,
    ],
)  # fmt: skip
def test_a_glob_that_can_match_no_image_is_refused(text: str) -> None:
    assert not accepted(parse_image_glob, text)


@pytest.mark.parametrize(
    "text", ["*", "a*", "*/a", "a-*", "*-a", "a?b", "[ab]/*", "[!a]x", "a.b", "[A-Za-z]*", "a.*/b"]
)
def test_a_glob_of_images_is_taken(text: str) -> None:
    assert accepted(parse_image_glob, text)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("registry.example.com/team/payments/*", "payments/*"),
        ("registry.example.com:443/team/payments/*", "payments/*"),
        ("registry.example.com/web", "web"),
        ("ghcr.io/myorg/*", "myorg/*"),
        ("localhost:5000/myorg/*", "myorg/*"),
        ("docker.io/nginx", "hub.example/nginx"),
    ],
)
@pytest.mark.parametrize("parse", [parse_image_glob, parse_name_glob])
def test_a_registry_in_front_is_told_what_to_write(parse: Callable[..., str], text: str, instead: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, (HOME, HUB))
    assert caught.value.hint == f"the ledger's names have no registry in front: write `{instead}`"


def test_a_ledger_prefix_may_look_like_a_registry() -> None:
    assert parse_image_glob("hub.example/nginx", (HOME, HUB)) == "hub.example/nginx"


@pytest.mark.parametrize(("text", "is_taken"), [
    ("*:nightly-*", True), ("cache/*", True), ("a:v1", True), ("*:V1", True), ("a:", False), (":v1", False),
    ("A:v1", False), ("a:b:c", False), ("a:.b", False), ("*:*", True), ("a:5000/b", False),
])  # fmt: skip
def test_globs_of_images_and_tags(text: str, is_taken: bool) -> None:
    assert accepted(parse_name_glob, text) == is_taken


_PATH = r"[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}"
_IMAGES = st.from_regex(rf"{_PATH}(/{_PATH}){{0,2}}", fullmatch=True).filter(  # `names.IMAGE`, but short
    lambda image: len(image) < 40 and "." not in image.partition("/")[0] and not image.startswith("localhost/")
)
_TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)


@st.composite
def _globs_of(draw: st.DrawFn, text: str) -> str:
    """Return a glob that matches a text."""
    parts, at = [], 0
    while at < len(text):
        parts.append(draw(st.sampled_from(["", "", "", "*"])))
        how, length = draw(st.sampled_from(["", "", "", "?", "*", "[]", "[!]"])), 1
        if how == "*":
            length = draw(st.integers(1, 4))
        one = text[at]
        parts.append({"": one, "[]": f"[{one}Z+]", "[!]": "[!~]"}.get(how, how))
        at += length
    return "".join(parts)


@given(_IMAGES.flatmap(lambda image: st.tuples(st.just(image), _globs_of(image))))
def test_what_matches_an_image_is_taken(case: tuple[str, str]) -> None:
    image, glob = case
    assert re.fullmatch(names.IMAGE, image)
    assert fnmatchcase(image, glob)
    assert accepted(parse_image_glob, glob) == accepted(parse_name_glob, glob) == True  # noqa: E712


@given(_TAGS.flatmap(lambda tag: st.tuples(st.just(tag), _globs_of(tag))))
def test_what_matches_a_tag_is_taken(case: tuple[str, str]) -> None:
    tag, glob = case
    assert fnmatchcase(tag, glob)
    assert accepted(parse_tag_glob, glob)


@given(st.text(st.sampled_from("ab1._-/*?:A"), min_size=1, max_size=9))
def test_what_is_taken_matches_something(glob: str) -> None:
    """A letter in the place of each wildcard makes a name of what is taken."""
    one = re.sub(r"[*?]", "a", glob)
    grammars = {
        parse_image_glob: names.IMAGE,
        parse_tag_glob: names.TAG,
        parse_name_glob: f"{names.IMAGE}(:{names.TAG})?",
    }
    for parse, grammar in grammars.items():
        if accepted(parse, glob):
            assert re.fullmatch(grammar, one)
            assert fnmatchcase(one, glob)


@pytest.mark.parametrize(
    "text",
    [
        "/a", "a/", "a//b", "./a", "a/../b", "ledger.json", ".git/*", "a/.git", "{vendor,keys}/*", "!vendor/*",
        "ledger\\.yaml", "**/ledger.yaml", "vendor/**", "[x", "[]", "",
    ],
)  # fmt: skip
def test_a_glob_of_files_that_guards_less_than_it_seems_to_is_refused(text: str) -> None:
    assert not re.fullmatch(names.FILE_PATTERN, text)


@pytest.mark.parametrize(
    "text", ["*", "ledger.yaml", "allowed_signers*", "*.md", "vendor/*", ".github/*", ".gitmodules", "a[bc]?", "x!"]
)
def test_a_glob_of_files_is_taken(text: str) -> None:
    assert re.fullmatch(names.FILE_PATTERN, text)


@given(st.text("ab*?[]", max_size=5), st.text("ab*?[]", max_size=5), st.text("ab", max_size=5))
def test_what_a_glob_covers_it_matches(glob: str, other: str, name: str) -> None:
    assert not (covers(glob, other) and fnmatchcase(name, other)) or fnmatchcase(name, glob)

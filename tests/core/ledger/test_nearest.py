"""What an unknown image or tag may have meant: what a person would say first, and never another version."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.nearest import did_you_mean, near_names, near_tags, nearest

KNOWN = [
    ("base", "v1"),
    ("library/nginx", "1.27"),
    ("myorg/api", "v1.4.0"),
    ("myorg/app", "latest"),
    ("myorg/app", "v1.4.0"),
    ("myorg/app", "v1.4.1"),
    ("myorg/app", "v1.5.0-rc.1"),
    ("team/tools/scanner", "2026-11-24"),
]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("app:v1.4.0", ["myorg/app:v1.4.0"]),
        ("app:1.4.0", ["myorg/app:v1.4.0"]),
        ("app:v1.4", ["myorg/app:v1.4.1", "myorg/app:v1.4.0"]),
        ("nginx:1.27", ["library/nginx:1.27"]),
        ("nginx:1.27.0", ["library/nginx:1.27"]),
        ("myorg/base:v1", ["base:v1"]),
        ("otherorg/app:v1.4.1", ["myorg/app:v1.4.1"]),
        ("myorg-app:latest", ["myorg/app:latest"]),
        ("myorg/ap:latest", ["myorg/app:latest"]),
        ("tools/scanner:2026-11-24", ["team/tools/scanner:2026-11-24"]),
        ("scaner:2026-11-24", ["team/tools/scanner:2026-11-24"]),
        ("myorg/app:lastest", ["myorg/app:latest"]),
        ("myorg/app:V1.4.0", ["myorg/app:v1.4.0"]),
        ("myorg/app:v1.5.0", ["myorg/app:v1.5.0-rc.1"]),
        ("myorg/app:v1.4.2", []),
        ("myorg/app:v9", []),
        ("myorg/app:v1.40", []),
        ("myorg/app:v14.0", []),
        ("myorg/app:v1.4.10", []),
        ("myorg/app:v1.5.0-rc.2", []),
        ("postgres:16", []),
        ("app", ["myorg/app"]),
    ],
)
def test_the_likeliest_comes_first(typed: str, meant: list[str]) -> None:
    image, _, tag = typed.partition(":")
    near = near_names(KNOWN, image, tag)
    assert near[: len(meant)] == meant
    assert meant or not near


WORDS = st.text("abv109.-/", min_size=1, max_size=12)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=8), WORDS, st.just("") | WORDS)
def test_what_is_suggested_is_there(known: list[tuple[str, str]], image: str, tag: str) -> None:
    near = near_names(known, image, tag)
    assert set(near) <= {f"{one}:{other}" if tag else one for one, other in known}
    assert len(near) == len(set(near)) <= 3
    if (image, tag) in known:
        assert near == [f"{image}:{tag}"]


_VERSION = st.from_regex(r"v?[0-3]{1,2}(\.[0-9]{1,2}){0,3}(-?(rc|beta)\.?[0-9]{1,2})?", fullmatch=True)


@given(st.lists(_VERSION, max_size=6), _VERSION)
def test_another_version_is_never_suggested_for_a_version(tags: list[str], typed: str) -> None:
    """Only one that says more, or less by zeros at the end."""
    numbers = re.findall(r"[0-9]+", typed)
    for near in near_tags(typed, tags):
        others = re.findall(r"[0-9]+", near)
        assert others[: len(numbers)] == numbers or (
            numbers[: len(others)] == others and set(numbers[len(others) :]) == {"0"}
        )


def test_words_with_a_typo_are_recognized_and_others_are_not() -> None:
    known = ["publish", "prune", "pin", "list", "reconcile", "rebase"]
    assert nearest("pubish", known) == ["publish"]
    assert nearest("lsit", known) == ["list"]
    assert nearest("reconcil", known)[0] == "reconcile"
    assert nearest("kubernetes", known) == []
    assert nearest("x" * 100_000, known) == []


def test_the_question_lists_its_choices() -> None:
    assert did_you_mean(["a"]) == "did you mean `a`?"
    assert did_you_mean(["a", "b", "c"]) == "did you mean `a`, `b` or `c`?"

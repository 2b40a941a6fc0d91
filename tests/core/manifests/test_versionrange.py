"""Ranges of versions, with npm's meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger import version
from ledger_tool.core.manifests.versionrange import parse_range
from ledger_tool.errors import InvalidValue


def admits(range_text: str, text: str, *, prereleases: bool = False) -> bool:
    found = version.parse_version_tag(text)
    assert found is not None
    return parse_range(range_text).admits(found, prereleases=prereleases)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("^1.5", "1.5 1.5.0 v1.5.1 1.99.0", "1.4.9 2 2.0.0 0.1.5 1.6.0-rc.1 2.0.0-rc.1"),
        ("^1.2.3", "1.2.3 1.3.0", "1.2.2 2.0.0"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2 1.0.0"),
        ("^0.2", "0.2.0 0.2.7", "0.3.0 0.1.9"),
        ("^0.0.3", "0.0.3", "0.0.4 0.0.2 0.1.0"),
        ("^0.0", "0.0.0 0.0.9", "0.1.0"),
        ("^0.0.x", "0.0.0 0.0.9", "0.1.0"),
        ("^0", "0.0.0 0.9.0", "1.0.0"),
        ("^0.x", "0.0.0 0.9.0", "1.0.0"),
        ("^1.x", "1.0.0 1.9", "2.0.0 0.9.0"),
        ("^1.2.3-beta.2", "1.2.3-beta.2 1.2.3-beta.4 1.2.3 1.9.0", "1.2.3-beta.1 1.2.4-beta.2 2.0.0"),
        ("~2", "2 2.9.9", "3 1.9"),
        ("~1.2", "1.2.0 1.2.9", "1.3.0 1.1"),
        ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
        ("~> 1.2", "1.2.4", "1.3.0"),
        ("~0", "0.0.1 0.9.9", "1.0.0"),
        ("1.x", "1.0.0 1.9.9", "2.0.0 0.9.9"),
        ("1.2.*", "1.2.0 1.2.9", "1.3.0"),
        ("1.2", "1.2.0 1.2.9", "1.3.0"),
        ("1", "1.0.0 1.9", "2"),
        ("=1.2.3", "1.2.3 v1.2.3", "1.2.4"),
        ("v1.2.3", "1.2.3", "1.2.4"),
        ("*", "0.0.0 1.0.0 99", "1.0.0-rc.1"),
        ("", "0.0.0 1.0.0", "1.0.0-rc.1"),
        ("x", "1.0.0", "1.0.0-rc.1"),
        (">1", "2.0.0 3", "1.0.0 1.9.9"),
        (">1.2", "1.3.0", "1.2.9"),
        (">1.2.3", "1.2.4", "1.2.3"),
        (">=1.2", "1.2.0 9", "1.1.9"),
        ("<1.2", "1.1.9", "1.2.0 1.2.0-rc.1"),
        ("<=1.2", "1.2.9", "1.3.0"),
        ("<=1", "1.9.9", "2.0.0"),
        ("<=1.2.3", "1.2.3", "1.2.4"),
        (">*", "", "0.0.0 1.0.0"),
        (">=*", "0.0.0 1.0.0", ""),
        (">=1.2 <2", "1.2.0 1.9", "2.0.0 1.1"),
        (">= 1.2, < 2", "1.2.0 1.9", "2.0.0 1.1"),
        ("1.2.3 - 2.3.4", "1.2.3 2.3.4", "1.2.2 2.3.5"),
        ("1.2 - 2.3", "1.2.0 2.3.9", "2.4.0 1.1.9"),
        ("1.2 - 2", "2.9.9", "3.0.0"),
        ("^1 || ^3", "1.5.0 3.0.0", "2.0.0 4.0.0"),
        (">1.2.3-alpha.3", "1.2.3-alpha.7 3.4.5", "3.4.5-alpha.9 1.2.3-alpha.3"),
    ],
)
def test_a_range_admits_what_npm_admits(text: str, inside: str, outside: str) -> None:
    assert [one for one in inside.split() if not admits(text, one)] == []
    assert [one for one in outside.split() if admits(text, one)] == []


def test_prereleases_are_admitted_on_request_but_not_those_of_the_next_major() -> None:
    for text in ("1.5.0-rc.1", "1.6.0-rc.1"):
        assert admits("^1.5", text, prereleases=True)
    assert not admits("^1.5", "2.0.0-rc.1", prereleases=True)
    assert not admits("^1.5.0", "1.5.0-rc.1", prereleases=True)
    assert not admits(">1.2", "1.2.9-rc.1", prereleases=True)


@pytest.mark.parametrize(
    "text",
    ["latest", "1.2.3.4", "^", ">", "01", "^1.02", "1 - ", "^1 - ^2", ">=1 latest", "1.2.3+5", "$1",
     "^1 ||| ^2", "1" * 300, "||" * 20],
)  # fmt: skip
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_range(text)


numbers = st.integers(0, 4)
releases = st.tuples(numbers, numbers, numbers)


def joined(release: tuple[int, int, int]) -> str:
    return ".".join(map(str, release))


@given(releases, releases)
def test_caret_keeps_the_leftmost_part_that_is_not_zero(low: tuple[int, int, int], one: tuple[int, int, int]) -> None:
    at = next((at for at, number in enumerate(low) if number), 2)
    assert admits(f"^{joined(low)}", joined(one)) == (one >= low and one[: at + 1] == low[: at + 1])


@given(releases, releases)
def test_tilde_keeps_major_and_minor(low: tuple[int, int, int], one: tuple[int, int, int]) -> None:
    assert admits(f"~{joined(low)}", joined(one)) == (one >= low and one[:2] == low[:2])


@given(releases, releases, releases)
def test_bounds_are_an_intersection(
    low: tuple[int, int, int], high: tuple[int, int, int], one: tuple[int, int, int]
) -> None:
    inside = low <= one <= high
    assert admits(f">={joined(low)} <={joined(high)}", joined(one)) == inside
    assert admits(f"{joined(low)} - {joined(high)}", joined(one)) == inside


@given(st.text(alphabet="0123456789.xX*^~<>=|- vab,", max_size=30))
def test_any_text_is_a_range_or_malformed(text: str) -> None:
    try:
        parse_range(text)
    except InvalidValue:
        return

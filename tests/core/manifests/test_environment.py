"""The variables of a `.env` file, as Compose reads them, and references that are made of them."""

from __future__ import annotations

import pytest

from ledger_tool.core.manifests.environment import SetVariable, parse_environment, with_environment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=b", {"A": ("b", 1)}),
        ("# A=b\n\nA=c # d", {"A": ("c", 3)}),
        ("A=b# no comment", {"A": ("b# no comment", 1)}),
        ("A='b # c' # d\r\nexport B = \"d\"\r\n", {"A": ("b # c", 1), "B": ("d", 2)}),
        ("A=b\nA=c", {"A": ("c", 2)}),
        ("A=\nB: c", {"A": ("", 1), "B": ("c", 2)}),
        ("A='b\nc'\n=d\nA-B=c\nA", {}),
        ("A=" + "b" * 2000, {}),
        ("A=" + " " * 200_000, {}),
    ],
)
def test_a_line_sets_a_variable(text: str, expected: dict[str, tuple[str, int]]) -> None:
    assert parse_environment(text.encode()) == {name: SetVariable(*found) for name, found in expected.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", ("a:1", 1)), ("$A", ("a:1", 1)), ("x/$A", ("x/a:1", 1)), ("${A:-b}", ("a:1", 1)),
        ("${A-b}", ("a:1", 1)),
        ("${A:?why}", ("a:1", 1)), ("${E:-b}", ("${E:-b}", 0)), ("${E-b}", ("", 2)), ("${N:-${A}}", ("${N:-a:1}", 1)),
        ("${N}", ("${N}", 0)), ("$$A", ("$$A", 0)), ("${A:+b}", ("${A:+b}", 0)), ("${L}", ("${L}", 3)), ("b", ("b", 0)),
        ("${A}" * 500, ("${A}" * 500, 0)),
    ],
)  # fmt: skip
def test_a_reference_is_made_of_what_is_set(text: str, expected: tuple[str, int]) -> None:
    environment = parse_environment(b"A=a:1\nE=\nL=${L}")
    assert with_environment(text, environment) == expected

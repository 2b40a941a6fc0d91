"""Tables fit the terminal, whatever its width, and lose no row."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.render.records import as_table, short_digest, short_source
from ledger_tool.render.table import table
from tests.support.values.make import digest, record
from tests.support.values.profiles import example_count
from tests.support.values.strategies import ledgers

_CELLS = st.text(st.characters(codec="ascii", exclude_categories=("Cc", "Zs")), max_size=40)
_FIRST = st.text(st.characters(codec="ascii", exclude_categories=("Cc", "Zs")), min_size=1, max_size=60)
_ROWS = st.lists(
    st.builds(lambda first, rest: [first, *rest], _FIRST, st.lists(_CELLS, min_size=5, max_size=5)), max_size=6
)
HEADER = ("IMAGE", "TAG", "PLATFORM", "DIGEST", "PUBLISHED", "NOTE")


@given(_ROWS, st.integers(20, 200))
def test_every_line_fits_and_every_row_has_its_line(rows: list[list[str]], width: int) -> None:
    lines = list(table(HEADER, rows, width))
    assert len(lines) == (len(rows) + 1 if rows else 0)
    assert all(len(line) <= width for line in lines)
    for row, line in zip(rows, lines[1:], strict=True):
        assert line.startswith(row[0][:4])
        assert len(row[0]) > 8 or line.split(" ")[0] == row[0]


@given(_ROWS)
def test_without_a_width_nothing_is_cut(rows: list[list[str]]) -> None:
    lines = list(table(HEADER, rows, None))
    assert [line.split() for line in lines[1:]] == [[cell for cell in row if cell] for row in rows]


@given(_ROWS.filter(bool), st.none() | st.integers(20, 200))
def test_the_cells_of_a_column_start_under_its_header(rows: list[list[str]], width: int | None) -> None:
    header, *lines = table(HEADER, rows, width)
    for at, name in enumerate(HEADER):
        column = header.find(f"  {name}  ")
        if column >= 0:
            for row, line in zip(rows, lines, strict=True):
                assert line[column + 2 :].startswith(row[at][:3])


def test_a_table_of_nothing_is_nothing() -> None:
    assert list(table(HEADER, [], None)) == []
    assert list(table(HEADER, [], 80)) == []
    assert list(as_table([], 80, bold=True)) == []


def test_a_column_without_content_is_left_out() -> None:
    assert list(table(("A", "B", "C"), [("1", "", "3"), ("4", "", "6")], None)) == ["A  C", "1  3", "4  6"]


def test_a_cell_that_is_cut_keeps_both_of_its_ends() -> None:
    assert list(table(("A", "B"), [("abcdefghijklmnop", "12345678")], 20)) == ["A           B", "abcde…mnop  12345678"]


def test_what_does_not_fit_even_cut_goes_from_the_right() -> None:
    (header, row) = table(HEADER, [[letter * 20 for letter in "abcdef"]], 28)
    assert header.split() == ["IMAGE", "TAG", "PLATFORM"]
    assert len(row) <= 28


def test_spare_columns_go_before_anything_is_cut() -> None:
    row = ["abcdefghijkl", "1234567890", "ABCDEFGHIJ", "second"]
    lines = {
        width: list(table(("A", "B", "C", "D"), [row], width, spare=(2, 1)))[1] for width in (44, 43, 32, 31, 20, 19)
    }
    assert lines == {
        44: "abcdefghijkl  1234567890  ABCDEFGHIJ  second",
        43: "abcdefghijkl  1234567890  second",
        32: "abcdefghijkl  1234567890  second",
        31: "abcdefghijkl  second",
        20: "abcdefghijkl  second",
        19: "abcde…hijkl  second",
    }


def test_the_header_is_bold_where_that_is_asked_for_and_nothing_else_is() -> None:
    header, row = table(("A",), [("1",)], None, bold=True)
    assert (header, row) == ("\x1b[1mA\x1b[0m", "1")


@example_count(60)
@given(ledgers(), st.integers(20, 160))
def test_a_table_of_records_fits_and_names_each_in_order(ledger: Ledger, width: int) -> None:
    found = list(ledger.records())
    lines = list(as_table(found, width))
    assert all(len(line) <= width and line.isprintable() for line in lines)
    assert [line[:4].rstrip() for line in lines[1:]] == [one.image[:4] for one in found]


def test_a_record_is_shown_as_people_compare_it() -> None:
    yanked: dict[str, Any] = {
        "yanked": {"at": "2026-11-25T08:00:00Z", "reason": "x"},
        "forced": {"replaces": digest("b"), "reason": "y"},
    }
    header, first, second = as_table([record(platform="linux/amd64"), record(tag="v2", **yanked)], None)
    assert header.split() == ["IMAGE", "TAG", "PLATFORM", "DIGEST", "PUBLISHED", "SOURCE", "NOTE"]
    assert first.split() == [
        "myorg/app",
        "v1",
        "linux/amd64",
        digest()[:19],
        "2026-11-24",
        "09:30",
        "team/app@4ef5a30306",
    ]
    assert second.split()[2] == "-"
    assert second.endswith("  yanked forced")


@pytest.mark.parametrize(
    ("source", "short"),
    [
        ("https://git.example.com/group/team/app.git@" + "a" * 40, "team/app@aaaaaaaaaa"),
        ("git@github.com:team/app.git@" + "b" * 40, "team/app@bbbbbbbbbb"),
        ("ssh://git@git.example.com:2222/team/app/@" + "c" * 64, "team/app@cccccccccc"),
        ("https://git.example.com/app@" + "d" * 40, "git.example.com/app@dddddddddd"),
    ],
)
def test_a_source_is_shown_by_its_last_two_names_and_the_start_of_its_commit(source: str, short: str) -> None:
    assert short_source(source) == short


def test_a_digest_is_shown_by_its_first_twelve_digits() -> None:
    assert short_digest("sha256:0123456789abcdef") == "sha256:0123456789ab"
    assert short_digest("sha512:" + "0" * 128) == "sha512:000000000000"

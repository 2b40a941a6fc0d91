"""Tables fit the terminal, whatever its width; they lose no row, and cut nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import DIGEST
from ledger_tool.render.records import as_table
from ledger_tool.render.table import Column, table, text_width, wrapped
from ledger_tool.render.view import View, short_digest, short_source
from tests.support.values.make import digest, record
from tests.support.values.profiles import example_count
from tests.support.values.strategies import ledgers

COLUMNS = (
    Column("CLASS", spare=4),
    Column("IMAGE", "name"),
    Column("DIGEST"),
    Column("PUBLISHED", spare=1),
    Column("SOURCE", "name", spare=2),
    Column("REASON", "prose", spare=3),
)
_ANY = st.characters(exclude_categories=("Zs", "Zl", "Zp", "Cs"))  # escapes and wide characters are among them
_CLASSES = st.sampled_from(["", "gone", "tag-moved", "children-missing"])
_NAMES = st.text(_ANY, min_size=1, max_size=20) | st.text("abc/-", min_size=1, max_size=130)
_DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format)
_DATES = st.just("") | st.datetimes().map(lambda time: time.strftime("%Y-%m-%d %H:%M"))
_REASONS = st.lists(st.text(_ANY, min_size=1, max_size=12) | _DIGESTS, max_size=12).map(" ".join)
_ROW = st.tuples(_CLASSES, _NAMES, _DIGESTS.map(short_digest), _DATES, _NAMES, _REASONS)
_WIDTHS = st.integers(40, 160)


def plain(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


@given(st.lists(_ROW, max_size=6), _WIDTHS, st.booleans())
def test_no_line_is_wider_than_the_terminal_and_no_word_is_cut(
    rows: list[tuple[str, ...]], width: int, colour: bool
) -> None:
    view = View(width, colour)
    lines = [plain(line) for line in table(COLUMNS, rows, view)]
    assert all(text_width(line) <= width or " " not in line for line in lines)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", "".join(lines))
    text = "\n".join(lines)
    at = 0
    for row in rows:  # every row is there, in order, with its digest in whole
        at = text.index(row[2], at) + 1
    for number in (0, 3):  # a column of classes or dates is there in whole, or not at all
        if COLUMNS[number].title not in view.hidden:
            assert all(row[number] in text for row in rows)
    words = re.split("[ \n]+", text)
    said = (word for row in rows for word in row[5].split(" "))
    assert all(word in words for word in said if word.isascii() and word.replace(":", "").isalnum())


@given(st.lists(_ROW, max_size=6))
def test_without_a_width_each_row_is_a_line(rows: list[tuple[str, ...]]) -> None:
    view = View()
    lines = list(table(COLUMNS, rows, view))
    assert len(lines) == (len(rows) + 1 if rows else 0)
    assert not view.hidden
    assert list(table(COLUMNS, rows, View(40, wide=True))) == lines


@given(st.lists(_ROW, min_size=1, max_size=6), st.none() | _WIDTHS)
def test_the_cells_of_a_column_start_under_its_header(rows: list[tuple[str, ...]], width: int | None) -> None:
    rows = [(row[0], f"image-{number}", *row[2:]) for number, row in enumerate(rows)]
    header, *lines = table(COLUMNS, rows, View(width))
    for number, row in enumerate(rows):
        line = next(line for line in lines if f"image-{number}  {row[2]}" in line)
        assert line.index(row[1]) == header.index("IMAGE")
        assert line.index(row[2]) == header.index("DIGEST")


@given(st.text(_ANY | st.just(" "), max_size=80), st.integers(1, 60))
def test_a_sentence_wraps_between_words_and_loses_none(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert " ".join(lines) == text
    assert all(text_width(line) <= width or " " not in line.strip(" ") for line in lines)


def test_a_table_of_nothing_is_nothing() -> None:
    assert list(table(COLUMNS, [], View())) == []
    assert list(table(COLUMNS, [], View(80))) == []
    assert list(as_table([], View(80, colour=True))) == []


def test_a_column_without_content_is_left_out() -> None:
    columns = [Column(title) for title in "ABC"]
    assert list(table(columns, [("1", "", "3"), ("4", "", "6")], View())) == ["A  C", "1  3", "4  6"]


def test_a_name_that_is_longer_than_its_column_has_a_line_of_its_own() -> None:
    rows = [("app", "sha256:0123456789ab"), ("a-long-name/of-a-service", "sha256:ba9876543210")]
    assert list(table((Column("IMAGE", "name"), Column("DIGEST")), rows, View(40))) == [
        "IMAGE          DIGEST",
        "app            sha256:0123456789ab",
        "a-long-name/of-a-service",
        "               sha256:ba9876543210",
    ]


def test_a_reason_wraps_and_the_next_row_starts_below_it() -> None:
    rows = [("gone", "neither the tag nor the digest is there any longer"), ("expired", "past its TTL")]
    assert list(table((Column("CLASS"), Column("REASON", "prose")), rows, View(40))) == [
        "CLASS    REASON",
        "gone     neither the tag nor the digest",
        "         is there any longer",
        "expired  past its TTL",
    ]


def test_a_reason_for_which_there_is_no_room_goes_below_its_row() -> None:
    columns = (Column("CLASS"), Column("DIGEST"), Column("REASON", "prose", spare=1))
    rows = [
        ("expired", "sha256:0123456789ab", "past its TTL of 7 days, and served"),
        ("gone", "sha256:ba9876543210", ""),
    ]
    view = View(40)
    assert list(table(columns, rows, view)) == [
        "CLASS    DIGEST",
        "    REASON",
        "expired  sha256:0123456789ab",
        "    past its TTL of 7 days, and served",
        "gone     sha256:ba9876543210",
    ]
    assert not view.hidden


def test_spare_columns_go_first_and_are_named() -> None:
    columns = (Column("A"), Column("B", spare=2), Column("C", spare=1), Column("D"))
    row = ["abcdefghijkl", "1234567890", "ABCDEFGHIJ", "second"]
    lines = {}
    for width in (44, 43, 32, 31, 20):
        view = View(width)
        lines[width] = list(table(columns, [row], view))[1], [*view.hidden]
    assert lines == {
        44: ("abcdefghijkl  1234567890  ABCDEFGHIJ  second", []),
        43: ("abcdefghijkl  1234567890  second", ["C"]),
        32: ("abcdefghijkl  1234567890  second", ["C"]),
        31: ("abcdefghijkl  second", ["B", "C"]),
        20: ("abcdefghijkl  second", ["B", "C"]),
    }


def test_wide_characters_take_two_columns_and_marks_none() -> None:
    rows = [("ünï", "x"), ("日本語", "x"), ("e\u0301", "x"), ("\x1b[2J", "x")]
    assert list(table((Column("A"), Column("B")), rows, View())) == [
        "A        B",
        "ünï      x",
        "日本語   x",
        "e\u0301        x",
        r"\x1b[2J  x",
    ]


def test_the_header_is_bold_and_a_cell_has_the_colour_of_its_role() -> None:
    columns = (Column("A", role=lambda text: "bad" if text == "gone" else None), Column("B"))
    header, first, second = table(columns, [("gone", "x"), ("ok", "x")], View(colour=True))
    assert (plain(header), header.count("\x1b[1m")) == ("A     B", 2)
    assert (first, second) == ("\x1b[31mgone\x1b[0m  x", "ok    x")


@example_count(60)
@given(ledgers(), _WIDTHS)
def test_a_table_of_records_names_each_in_order_with_its_digest(ledger: Ledger, width: int) -> None:
    found = list(ledger.records())
    lines = list(as_table(found, View(width)))
    assert all((len(line) <= width or " " not in line) and line.isprintable() for line in lines)
    text, at = "\n".join(lines), 0
    for one in found:
        at = text.index(one.image, at) + 1
        at = text.index(short_digest(one.digest), at) + 1
    whole = "\n".join(as_table(found, View(width, wide=True)))
    assert all(one.digest in whole and one.source_ref in whole for one in found)


def test_a_record_is_shown_as_people_compare_it() -> None:
    yanked: dict[str, Any] = {
        "yanked": {"at": "2026-11-25T08:00:00Z", "reason": "x"},
        "forced": {"replaces": digest("b"), "reason": "y"},
    }
    header, first, second = as_table([record(platform="linux/amd64"), record(tag="v2", **yanked)], View())
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
    assert View().prose(f"in {digest('i')}, \x1b") == f"in {digest('i')[:19]}, \\x1b"


@given(st.from_regex(DIGEST, fullmatch=True), st.from_regex(DIGEST, fullmatch=True), st.integers(0, 63))
def test_two_digests_that_differ_look_different(first: str, second: str, same: int) -> None:
    if first.startswith(second[:7]):
        second = first[: 7 + same] + second[7 + same :]
    shown = View().apart((first, second))
    assert (shown[0] == shown[1]) == (first == second)
    assert all(len(one) >= 19 and whole.startswith(one) for one, whole in zip(shown, (first, second), strict=True))
    assert View(wide=True).apart((first, second)) == [first, second]


def test_a_column_that_fits_after_a_wider_one_has_gone_stays() -> None:
    columns = (Column("A"), Column("NARROW", "name", 1), Column("WIDE", spare=2))
    view = View(20)
    assert list(table(columns, [("a", "narrow", "w" * 30)], view)) == ["A  NARROW", "a  narrow"]
    assert list(view.hidden) == ["WIDE"]


def test_one_long_name_takes_no_room_from_the_others() -> None:
    columns = (Column("IMAGE", "name"), Column("TAG", "name"), Column("DATE", spare=1))
    rows = [("app", "v1", "2026-11-24"), ("web", "v1", "2026-11-24"), ("n" * 50, "v1", "2026-11-24")]
    assert list(table(columns, rows, View(40))) == [
        "IMAGE  TAG  DATE",
        "app    v1   2026-11-24",
        "web    v1   2026-11-24",
        "n" * 50,
        "       v1   2026-11-24",
    ]

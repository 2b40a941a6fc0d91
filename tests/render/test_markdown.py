"""Text from outside in Markdown, as a CommonMark parser reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import escaped
from ledger_tool.render.markdown import cell, code, link
from tests.support.values.markdown import PARSER

NASTY = [
    "@everyone", "#1", "!2", "~bug", "%3", "$4", "https://evil.example", "[x](https://evil.example)", "![x](y)",
    "<img src=x onerror=alert(1)>", "</details>", "</summary>", "<!--", "-->", "&#64;everyone", "&lt;", "`", "``",
    "```", " ` ", "`a`", "a`", "|", "\\|", "\\", "\\`", "*", "**", "__", "~~", "- ", "1. ", "# ", "> ", "---",
    "::error::x", "##[error]x", "/close", "GH-1", "\u202eevil", "a\u200bb", "$x$", "[[x]]", ":tada:", "{{x}}",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from([*NASTY, "a", " "]) | st.text(min_size=1, max_size=5), min_size=1, max_size=4).map(
    "".join
)


def _only_code(markdown: str) -> str:
    """Return the content of the code span that a Markdown text is, and nothing else."""
    block = PARSER.parse(f"- x {markdown} y")
    (inline,) = [token for token in block if token.type == "inline"]
    assert [child.type for child in inline.children or ()] == ["text", "code_inline", "text"]
    return (inline.children or [])[1].content


@given(TEXTS)
def test_all_text_is_shown_as_code_and_whole(text: str) -> None:
    shown = _only_code(code(text))
    assert shown == escaped(text)
    assert "##[" not in shown


@given(TEXTS)
def test_a_cell_of_a_table_ends_where_it_should(text: str) -> None:
    tokens = PARSER.parse(f"| a | b |\n|---|---|\n| {cell(text)} | {cell('x')} |\n")
    cells = [token for token in tokens if token.type == "inline"][2:]
    assert len(cells) == 2
    assert [child.type for child in cells[0].children or ()] == ["code_inline"]
    assert (cells[0].children or [])[0].content == escaped(text)


def test_long_text_is_cut_and_no_text_is_nothing() -> None:
    assert code("x" * 301) == f"`{'x' * 300}…`"
    assert code("") == code(None) == ""


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://github.com/a/b/compare/1...2", "https://github.com/a/b/compare/1...2"),
        ("https://h/a)b(c[d]*e", "https://h/a%29b%28c%5Bd%5D%2Ae"),
    ],
)
def test_a_link_leads_where_it_says(url: str, target: str) -> None:
    (inline,) = [token for token in PARSER.parse(link("label", url)) if token.type == "inline"]
    assert [child.type for child in inline.children or ()] == ["link_open", "text", "link_close"]
    assert (inline.children or [])[0].attrs["href"] == target


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "https://h/<b>", "https://h/ x", "https://h/`", "https://h/\n"]
)
def test_only_a_plain_url_becomes_a_link(url: str) -> None:
    assert link("label", url) == "label"

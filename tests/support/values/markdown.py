"""A CommonMark parser, with GitHub's tables: what a host makes of our Markdown."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark").enable("table")


def inline(markdown: str) -> list[Token]:
    """Return what stands in the lines of a Markdown text: words, code spans, HTML, the begins and ends of links."""
    return [child for token in PARSER.parse(markdown) for child in token.children or ()]

"""A CommonMark parser, with GitHub's tables: what a host makes of our Markdown."""

from __future__ import annotations

from markdown_it import MarkdownIt

PARSER = MarkdownIt("commonmark").enable("table")

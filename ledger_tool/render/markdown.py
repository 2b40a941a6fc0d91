"""Markdown that foreign text cannot break out of, on GitHub, GitLab, Gitea and in a plain reader alike.

All foreign text goes into code spans. Escaping is not enough: the hosts look for mentions (`@name`), issues (`#1`),
labels (`~bug`) and links in the rendered text, where an escaped character is like any other; in code they do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ledger_tool.core.ledger.names import escaped

MOST_ROWS = 200  # per table
LONGEST = 300  # characters per value: nobody reads longer ones in a comment


def code(text: str | None, limit: int = LONGEST) -> str:
    """Return text as a code span, cut to `limit` characters; `""` for no text."""
    if not text:
        return ""
    visible = escaped(text)
    visible = visible if len(visible) <= limit else visible[:limit] + "…"
    longest = max(map(len, re.findall("`+", visible)), default=0)
    # A span is closed by as many backticks as opened it; one blank on each side is stripped.
    ends = {visible[0], visible[-1]}
    fence, blank = "`" * (longest + 1), " " if "`" in ends or (ends == {" "} and visible.strip(" ")) else ""
    return f"{fence}{blank}{visible}{blank}{fence}"


def cell(text: str | None) -> str:
    """Return text as a code span for a cell of a table, where a bare pipe would end the cell."""
    return code(text).replace("|", r"\|")


def link(label: str, url: str) -> str:
    """Return a link, or only the label if `url` is not an http(s) URL; `label` is Markdown."""
    if not re.fullmatch(r"https?://[A-Za-z0-9._~:/?&=;,+%@!$'*\[\]()-]+", url):
        return label
    return f"[{label}]({url.translate({ord(mark): f'%{ord(mark):02X}' for mark in '()[]*'})})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield an empty line and a table; cells are Markdown. What is beyond `MOST_ROWS` is counted instead."""
    yield ""
    yield f"| {' | '.join(header)} |"
    yield "|---" * len(header) + "|"
    for row in rows[:MOST_ROWS]:
        yield f"| {' | '.join(row)} |"
    yield from omitted(len(rows) - MOST_ROWS)


def fitting(texts: Sequence[str], room: int) -> int:
    """Return how many texts, with what a table puts around them, fit into a number of characters."""
    for number, text in enumerate(texts):
        room -= len(text) + 30
        if room < 0:
            return number
    return len(texts)


def omitted(count: int) -> Iterator[str]:
    """Yield an empty line and a sentence that counts what is left out, if anything is."""
    if count > 0:
        yield ""
        yield f"{count} more are omitted here; `--format json` lists all."

"""Markdown that text from outside can't break out of, on GitHub, GitLab, Gitea and in a plain reader alike."""

from __future__ import annotations

import re
from html import escape

from ledger_tool.core.names import escaped


def code(text: str | None) -> str:
    """Return text as a code span, also in a table, where a backtick would end the span and a pipe the cell."""
    return f"`{escaped(text).replace('`', '').replace('|', chr(92) + '|')}`" if text else ""


def plain(text: str) -> str:
    """Return text with everything escaped that Markdown, HTML, a mention or a link would act on."""
    visible = escape(escaped(text), quote=False).replace("@", "&#64;").replace("://", "&#58;//")
    return re.sub(r"([\\`*_{}\[\]()#+!|~-])", r"\\\1", visible).replace("&\\#", "&#")


def link(label: str, url: str) -> str:
    """Return a link; `label` is Markdown, `url` an http(s) URL, or the label alone where it is none."""
    if not re.fullmatch(r"https?://[A-Za-z0-9._~:/?&=;,+%@!$'*\[\]()-]+", url):
        return label
    return f"[{label}]({url.translate({ord(mark): f'%{ord(mark):02X}' for mark in '()[]*'})})"

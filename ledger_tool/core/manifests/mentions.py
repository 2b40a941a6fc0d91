"""References to images of the ledger where no image is read: in scripts, arguments, variables and other text.

Nobody but the reader of such a text knows what the reference is for, so it is never edited, and never fails a gate.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.site import IMAGE, Site, mark_in
from ledger_tool.core.manifests.tokens import TextDocument, TextToken
from ledger_tool.core.policy.reference import split

_BREAK = re.compile(r"\r\n|\r|\n")


def mentions(
    text: str, document: TextDocument, tokens: Sequence[TextToken], known: frozenset[int], ours: OurImages
) -> list[Site]:
    """Return the mentions in the scalars of a document, except those whose numbers are known; comments have none."""
    found = list(_references(text, document, ours))
    if not found:
        return []
    scalars = [token for token in tokens if token.kind == "scalar" and token.start < token.end]
    starts, lines = [token.start for token in scalars], _line_starts(text, document)
    sites = []
    for match in found:
        at = bisect_right(starts, match.start()) - 1
        if at >= 0 and match.end() <= scalars[at].end and scalars[at].number not in known:
            sites.append(_mention(text, match, document, lines))
    return sites


def mentions_in_lines(text: str, document: TextDocument, sites: Sequence[Site], ours: OurImages) -> list[Site]:
    """Return the mentions in the lines of a document, except where a site is, and in lines that are comments."""
    found = list(_references(text, document, ours))
    if not found:
        return []
    known = {field.token.start for site in sites for field in site.fields}
    others, lines = {(site.line, site.text) for site in sites}, _line_starts(text, document)
    mentioned = []
    for match in found:
        mention = _mention(text, match, document, lines)
        is_comment = text[lines[mention.line - document.line] : match.start()].lstrip().startswith("#")
        if not is_comment and match.start() not in known and (mention.line, mention.text) not in others:
            mentioned.append(mention)
    return mentioned


def _line_starts(text: str, document: TextDocument) -> list[int]:
    return [document.start, *(match.end() for match in _BREAK.finditer(text, document.start, document.end))]


def _references(text: str, document: TextDocument, ours: OurImages) -> Iterator[re.Match[str]]:
    if not any(text.find(host, document.start, document.end) >= 0 for host in ours.hosts):
        return
    for match in _expression(ours.hosts).finditer(text, document.start, document.end):
        if ours.has_reference(_plain(match[0])):
            yield match


@lru_cache(8)
def _expression(hosts: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds references with a registry and a tag or a digest; JSON may escape a slash."""
    choices = "|".join(re.escape(host) for host in sorted(hosts, key=len, reverse=True))
    start, path = r"(?:(?<![\w./:@-])|(?<=docker://))", r"(?:\\?/[a-z0-9][a-z0-9._-]*)+"
    tag, digest, end = r":\w[\w.-]*", r"@sha256:[0-9a-f]{64}", r"(?![\w/:@.-])"
    return re.compile(f"{start}(?:{choices}){path}(?:{tag}(?:{digest})?|{digest}){end}", re.ASCII)


def _plain(text: str) -> str:
    return text.replace("\\/", "/").rstrip(".-")


def _mention(text: str, match: re.Match[str], document: TextDocument, lines: Sequence[int]) -> Site:
    reference = split(_plain(match[0]))
    rest = _BREAK.split(text[match.end() : match.end() + 2000], maxsplit=1)[0]
    return Site(
        line=document.line - 1 + bisect_right(lines, match.start()),
        text=str(reference),
        name=reference.name,
        tag=reference.tag or "",
        digest=reference.digest or "",
        whole=True,
        marks=tuple(mark for mark in mark_in(rest) if mark != IMAGE),
    )

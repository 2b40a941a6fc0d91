"""References to images of the ledger where no image is read: in scripts, arguments, variables and other text.

Nobody but the reader of such a text knows what the reference is for, so it is never edited, and never fails a gate.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from ledger_tool.core.manifests.marks import Marks, find_marks
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.tokens import TextDocument, TextToken
from ledger_tool.core.policy.reference import may_begin, split

_CHARTS = "oci://"  # of images, and of charts, which a ledger knows nothing of
_SCHEMES = ("docker://", "docker-image://", "docker-daemon:", "containers-storage:", _CHARTS)
_BREAK = re.compile(r"\r\n|\r|\n")


def mentions(
    text: str, document: TextDocument, tokens: Sequence[TextToken], known: frozenset[int], ours: OurImages
) -> list[Site]:
    """Return the mentions in the scalars of a document, except those whose numbers are known; comments have none."""
    spans = [(tokens[number].start, tokens[number].end) for number in known]
    found = _references(text, document, spans, ours)
    if not found:
        return []
    scalars = [token for token in tokens if token.kind == "scalar" and token.start < token.end]
    starts, lines = [token.start for token in scalars], _line_starts(text, document)
    places = [(match, bisect_right(starts, match.start()) - 1) for match in found]
    marks = find_marks(text, document)
    return [
        _mention(match, document, lines, marks) for match, at in places if at >= 0 and match.end() <= scalars[at].end
    ]


def mentions_in_lines(
    text: str, document: TextDocument, sites: Sequence[Site], ours: OurImages, marks: Marks | None = None
) -> list[Site]:
    """Return the mentions in the lines of a document, except where a site is, and in lines that are comments.

    Their marks are in the same text, unless others are given.
    """
    spans = [(field.token.start, field.token.end) for site in sites for field in site.fields]
    found = _references(text, document, spans, ours)
    if not found:
        return []
    others, lines = {(site.line, site.text) for site in sites}, _line_starts(text, document)
    mentioned, marks = [], marks or find_marks(text, document)
    for match in found:
        mention = _mention(match, document, lines, marks)
        is_comment = text[lines[mention.line - document.line] : match.start()].lstrip().startswith("#")
        if not is_comment and (mention.line, mention.text) not in others:
            mentioned.append(mention)
    return mentioned


def _line_starts(text: str, document: TextDocument) -> list[int]:
    return [document.start, *(match.end() for match in _BREAK.finditer(text, document.start, document.end))]


def _references(
    text: str, document: TextDocument, spans: Sequence[tuple[int, int]], ours: OurImages
) -> list[re.Match[str]]:
    """Return where a document's text has a reference to an image of ours, in order, except in these spans."""
    expression, ordered, found = _expression(ours.hosts), sorted(spans), []
    for start in _starts(text, document, ours.hosts):
        at = bisect_right(ordered, (start, document.end)) - 1
        is_known = at >= 0 and start < ordered[at][1]
        match = None if is_known or not _may_begin(text, start) else expression.match(text, start, document.end)
        is_chart = text.endswith(_CHARTS, 0, start)
        if match and (ours.has_records if is_chart else ours.has_reference)(_plain(match[0])):
            found.append(match)
    return found


def _starts(text: str, document: TextDocument, hosts: Sequence[str]) -> list[int]:
    """Return where one of the hosts is, in order. To look for each is a lot faster than an expression for all."""
    starts = []
    for host in hosts:
        at = text.find(host, document.start, document.end)
        while at >= 0:
            starts.append(at)
            at = text.find(host, at + len(host), document.end)
    return sorted(set(starts))


def _may_begin(text: str, at: int) -> bool:
    """Return whether a reference may begin at a place: not in a name, a URL or an address, but behind some schemes."""
    return may_begin(text, at) and (text[at - 1 : at] not in ("/", ":", "@") or text.endswith(_SCHEMES, 0, at))


@lru_cache(8)
def _expression(hosts: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds references with a registry and a tag or a digest; JSON may escape a slash."""
    choices = "|".join(re.escape(host) for host in sorted(hosts, key=len, reverse=True))
    path = r"(?:\\?/[a-z0-9][a-z0-9._-]*)+"
    tag, digest, end = r":\w[\w.-]*", r"@sha256:[0-9a-f]{64}", r"(?![\w/:@.*-])"
    return re.compile(f"(?:{choices}){path}(?:{tag}(?:{digest})?|{digest}){end}", re.ASCII)


def _plain(text: str) -> str:
    return text.replace("\\/", "/").rstrip(".-")


def _mention(match: re.Match[str], document: TextDocument, lines: Sequence[int], marks: Marks) -> Site:
    reference = split(_plain(match[0]))
    return Site(
        line=document.line - 1 + bisect_right(lines, match.start()),
        text=str(reference),
        name=reference.name,
        tag=reference.tag or "",
        digest=reference.digest or "",
        whole=True,
        marks=marks.at(match.start()),
    )

"""YAML in a text of YAML: values and patches that a program reads later, as those of an Argo CD application.

Positions in such a text are not those of the file, so nothing in it is edited. At a key that says what it is for, an
image of ours is judged and reported; at any other, only the reader of the text knows, and it is noted.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ledger_tool.core.manifests.charts.around import ChartAround, FileCharts
from ledger_tool.core.manifests.comments import marks_in
from ledger_tool.core.manifests.events import EventTokens
from ledger_tool.core.manifests.find import find_sites
from ledger_tool.core.manifests.hint import may_have_sites
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.site import Site, SiteField
from ledger_tool.core.manifests.tokens import TextDocument, TextFault, TextToken, line_breaks
from ledger_tool.core.manifests.yamltree import documents, tree

_DEPLOYED = frozenset({"values", "valuesContent", "patch"})  # Argo CD, k3s, Kustomize
_LISTS = frozenset({"patchesStrategicMerge", "transformers", "generators"})  # Kustomize
_LOCKED = "it is in a block of text, where nothing is edited: write the digest there"
_PAIR = re.compile(r"[\w\"'-][ \t]*:[ \t\r\n]|\"[ \t]*:")


class InnerSites(NamedTuple):
    """The images of ours in the texts of a document: those to judge, and those to note, which no search of text finds.

    Both have the lines of the file.
    """

    judged: list[Site]
    noted: list[Site]


def find_in_texts(
    path: str,
    tokens: EventTokens,
    ours: OurImages,
    parse: Callable[[str, TextDocument], EventTokens],
    inside: Mapping[int, tuple[ChartAround, ...]],
) -> InnerSites:
    """Return the images of ours in the texts of a document that are YAML themselves.

    `inside` are the charts that get what is in a text, by its token's number.
    """
    judged, noted = [], []
    texts = [token for token in tokens.with_structure() if _PAIR.search(token.text)]
    listed = _listed(tokens) if texts else frozenset()
    for token in texts:
        key = tokens[token.number - 1] if token.number else token
        is_deployed = (key.kind == "scalar" and key.text in _DEPLOYED) or token.number in listed
        charts = FileCharts(inside.get(token.number, ()), is_values=token.number in inside)
        for site in _sites(path, token.text, ours, parse, charts):
            has_host = site.text.startswith(ours.hosts)
            is_nameless = not (site.name or site.whole)
            if is_deployed and (_is_ours(site, ours) or is_nameless):
                judged.append(_in_file(site, token))
            elif (
                not (site.whole and has_host and ours.has_reference(site.text))
                and _is_ours(site, ours)
                and not is_nameless
            ):
                noted.append(_in_file(site, token))
    return InnerSites(judged, noted)


def _listed(tokens: EventTokens) -> frozenset[int]:
    """Return the numbers of the scalars in lists at keys that say that a program reads their text."""
    found: set[int] = set()
    starts = [number for number, kind in enumerate(tokens.kinds) if kind == "list" and number]
    for start in starts:
        if tokens.kinds[start - 1] != "scalar" or tokens.text(start - 1) not in _LISTS:
            continue
        depth, number = 1, start
        while depth:
            number += 1
            kind = tokens.kinds[number]
            depth += -1 if kind == "end" else kind in ("map", "list")
            found.update((number,) if depth == 1 and kind == "scalar" else ())
    return frozenset(found)


def _sites(
    path: str,
    text: str,
    ours: OurImages,
    parse: Callable[[str, TextDocument], EventTokens],
    charts: FileCharts,
) -> Iterator[Site]:
    for document in documents(text):
        if charts.is_values or may_have_sites(text[document.start : document.end], ours):
            try:
                tokens = parse(text, document)
                marks = marks_in(text, document, tokens)
                yield from find_sites(path, text, tree(tokens), ours, charts=lambda: charts, marks=marks).sites
            except TextFault:  # a script, another language
                return


def _is_ours(site: Site, ours: OurImages) -> bool:
    return ours.may_be_reference(site.text) or ours.has_name(site.name)


def _in_file(site: Site, token: TextToken) -> Site:
    """Return a site of a text with its line in the file, as far as it can be told."""
    line = token.line + site.line if token.style == "|" else token.line
    values = site.values if site.values and site.values.charts else None
    parts = [field.part for field in site.fields] if values else ["whole"]
    fields = tuple(SiteField(part, token) for part in parts)
    return replace(site, line=line, fields=fields, missing=None, values=values, locked=_LOCKED)


def not_judged(mentions: Sequence[Site], judged: Sequence[Site], text: str) -> Iterator[Site]:
    """Yield the mentions in the text of a file, but for those that are judged in a text of it."""
    texts: dict[TextToken, set[str]] = {}
    for site in judged:
        texts.setdefault(site.fields[0].token, set()).add(site.text)
    tokens = sorted(texts, key=lambda token: token.start)
    firsts = [token.line for token in tokens]
    lasts = [token.line + line_breaks(text[token.start : token.end]) for token in tokens]
    for mention in mentions:
        at = bisect_right(firsts, mention.line) - 1
        is_judged = False
        while at >= 0 and lasts[at] >= mention.line and not is_judged:  # several texts may share a line
            is_judged = mention.text in texts[tokens[at]]
            at -= 1
        if not is_judged:
            yield mention

"""Files of templates that are no manifests themselves: `_helpers.tpl`, `NOTES.txt`.

A named template whose name says `image`, or that an `image:` of the chart includes, is an image of ours if it prints
one. Any other reference to an image of ours is noted. What has no registry of ours in it is not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from ledger_tool.core.manifests.charts.gotemplate import (
    ParsedTemplate,
    TemplateFault,
    TemplateNode,
    TemplateText,
    parse_template,
)
from ledger_tool.core.manifests.charts.spoken import SpokenText, TemplateWords, assigned, spoken_by
from ledger_tool.core.manifests.formats import DocumentReading
from ledger_tool.core.manifests.marks import IGNORE, NO_MARKS, Marks, find_marks
from ledger_tool.core.manifests.mentions import mentions_in_lines
from ledger_tool.core.manifests.shapes.keys import says_image
from ledger_tool.core.manifests.site import Site, SiteField
from ledger_tool.core.manifests.templateactions import actions
from ledger_tool.core.manifests.templateforms import TemplateFormat
from ledger_tool.core.manifests.templatetext import covered, literals
from ledger_tool.core.manifests.tokens import TextDocument, TextToken, line_breaks
from ledger_tool.core.policy.reference import split

_INCLUDED = re.compile(r"\b(?:include|template)[ \t]+\"([^\"\\\r\n]+)\"")
_AT_IMAGE = re.compile(r"[iI]mage[\"']?:[^\r\n]{0,300}?\b(?:include|template)[ \t]+\"([^\"\\\r\n]+)\"")
_INCLUDE = r"\{\{-?[ \t]*(?:include|template)[ \t]+\"([^\"\\\r\n]+)\"[^{}|\r\n]*(?:\|[ \t]*(?:quote|trim)[ \t]*)?-?\}\}"
_WHOLE = re.compile(rf"[iI]mage[\"']?:[ \t]*[\"']?{_INCLUDE}[\"']?[ \t]*(?:#[^\r\n]*)?$", re.MULTILINE)
_ONLY_INCLUDE = re.compile(rf"(?=[\"']?[^\"']*\"[^\"']*\"[^\"'`]*[\"']?\Z)[\"']?{_INCLUDE}[\"']?")
_PUT_TOGETHER = "actions put it together, or choose it from several texts: write its digest there"
_USED_ELSEWHERE = "nobody can tell that only an `image:` includes this template: write the digest there"


class HelperFormat(TemplateFormat):
    """Named templates and notes: what `TemplateFormat` reads in them, and the images that named templates print."""

    def documents(self, text: str) -> Sequence[TextDocument]:
        """Return the whole file."""
        return [TextDocument(0, len(text), 1)]

    def may_have_sites(self, text: str) -> bool:
        """Return whether a registry of ours is in the text, or a name without one may be ours."""
        return self.ours.has_host(text) or (self.ours.may_be_bare and "define" in text)

    def read(self, path: str, text: str, document: TextDocument) -> DocumentReading:
        """Return the sites, and as tokens only their own texts: the others are none of YAML's."""
        is_text = not path.lower().endswith((".tpl", ".gotmpl", ".tmpl"))
        marks = NO_MARKS if is_text else find_marks(text, document)
        found = [] if is_text else [*self._in_yaml(path, text, document), *self._printed(text, marks)]
        found.sort(key=lambda site: site.fields[0].token.start)
        tokens: list[TextToken] = []
        sites = []
        for site in found:
            fields = []
            for field in site.fields:
                tokens.append(field.token._replace(number=len(tokens)))
                fields.append(replace(field, token=tokens[-1]))
            sites.append(replace(site, fields=tuple(fields)))

        def search() -> list[Site]:
            given = None if is_text else marks
            between = mentions_in_lines(covered(text), document, sites, self.ours, given)
            return [*between, *mentions_in_lines(literals(text), document, sites, self.ours, given)]

        needing = [mark for mark in marks.all if mark.policy != IGNORE or mark.fault]
        return DocumentReading(tokens, sites, search, needing, kind_of_mentions="template-text")

    def _in_yaml(self, path: str, text: str, document: TextDocument) -> Iterator[Site]:
        """Yield the sites of the text as a template of YAML; what a named template prints is judged where it is."""
        for site in super().read(path, text, document).sites:
            token = site.fields[0].token
            if not _ONLY_INCLUDE.fullmatch(text[token.start : token.end]):
                yield site

    def _printed(self, text: str, marks: Marks) -> Iterator[Site]:
        """Yield the images of ours that the named templates of a file print."""
        chart = self.charts().of_chart()
        texts = [text, *(chart.templates.values() if chart else ())]
        defined: dict[str, Sequence[TemplateNode]] = {}
        for other in reversed(dict.fromkeys(texts)):
            defined.update(_parsed(other).defined)
        variables = assigned(text, [(one.start, one.end) for one in actions(text) if "$" in text[one.start : one.end]])
        included, at_images, whole = (_counted(one, texts) for one in (_INCLUDED, _AT_IMAGE, _WHOLE))
        for name, body in _parsed(text).defined.items():
            if not body or not (at_images[name] or says_image(name)):
                continue
            locked = "" if 0 < whole[name] == included[name] else _USED_ELSEWHERE
            start = text.find(f'"{name}"')
            for said in _spoken(body, TemplateWords(variables, defined, chart)):
                if self.ours.has_reference(said.text) or self.ours.has_name(said.text):
                    at = said.start if said.start >= 0 else start
                    site = _site(text, said._replace(start=at), locked or _lock(said))
                    yield replace(site, marks=marks.at(at))


def _lock(said: SpokenText) -> str:
    return "" if said.start >= 0 else _PUT_TOGETHER


def _counted(expression: re.Pattern[str], texts: Sequence[str]) -> Counter[str]:
    """Return how often templates include which other, as an expression finds it."""
    return Counter(match[1] for text in dict.fromkeys(texts) for match in expression.finditer(text))


@lru_cache(256)
def _parsed(text: str) -> ParsedTemplate:
    try:
        return parse_template(text)
    except TemplateFault:
        return ParsedTemplate()


def _spoken(
    body: Sequence[TemplateNode],
    words: TemplateWords,
) -> list[SpokenText]:
    solid = [node for node in body if not (isinstance(node, TemplateText) and not node.text.strip())]
    if len(solid) == 1 and isinstance(solid[0], TemplateText):
        said = solid[0].text.strip()
        return [SpokenText(said, solid[0].start + solid[0].text.index(said))]
    found = spoken_by(solid, words)
    is_one = len(found) == 1 and len(solid) == 1
    return found if is_one else [one._replace(start=-1) for one in found]


def _site(text: str, said: SpokenText, locked: str) -> Site:
    reference = split(said.text)
    line = line_breaks(text[: said.start]) + 1
    token = TextToken(said.start, said.start + len(said.text), line, 1, 0, "scalar", said.text, '"')
    return Site(
        line=line,
        text=said.text,
        name=reference.name,
        tag=reference.tag or "",
        digest=reference.digest or "",
        fields=(SiteField("whole", token),),
        whole=True,
        locked=locked,
    )

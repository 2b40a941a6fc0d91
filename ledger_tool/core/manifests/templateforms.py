"""Templates that are not YAML until they are rendered, as forms of manifests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger_tool.core.manifests.comments import marks_in, needing_reference
from ledger_tool.core.manifests.evidence import may_name_image, shows_reference
from ledger_tool.core.manifests.find import find_sites
from ledger_tool.core.manifests.formats import DocumentReading, YamlFormat
from ledger_tool.core.manifests.hint import may_have_sites
from ledger_tool.core.manifests.marks import IGNORE, Mark, Marks, find_marks
from ledger_tool.core.manifests.mentions import mentions, mentions_in_lines
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.site import Site, SiteField, owner_in
from ledger_tool.core.manifests.templatetext import COVER, COVERED, covered, lines, literals
from ledger_tool.core.manifests.tokens import TextDocument, TextToken
from ledger_tool.core.manifests.yamltree import tree
from ledger_tool.core.policy.reference import split

LINES_ONLY = "a template, which is not YAML until it is rendered: only lines such as `image: REF` are read"

_MOST_NAMED = 5


def unread_lines(numbers: Sequence[int]) -> str:
    """Return what to say of the lines of a template that may name an image and are not read."""
    named = ", ".join(map(str, numbers[:_MOST_NAMED])) + (", …" if len(numbers) > _MOST_NAMED else "")
    which = f"line {named} is" if len(numbers) == 1 else f"lines {named} are"
    return (
        "not read in full: it is not YAML, and in a template only lines such as `image: REF` are read then; "
        f"{which} not, and may name an image: write `# ledger: ignore` behind what is none"
    )


class TemplateFormat(YamlFormat):
    """Templates of YAML, by the same parser, with their actions covered."""

    def bare(self, text: str) -> str:
        """Return the text with its actions covered."""
        return covered(text)

    def read(self, path: str, text: str, document: TextDocument) -> DocumentReading:
        """Return the tokens of the covered text, and the sites in their tree; some have parts that are covered."""
        bare = self.bare(text)
        tokens = self.parse(bare, document)
        marks = marks_in(text, document, tokens)
        found = find_sites(path, text, tree(tokens), self.ours, marks=marks)
        sites = [_uncovered(site) for site in found.sites]

        def search() -> list[Site]:
            between = mentions(bare, document, tokens, found.tokens, self.ours)
            return [*between, *mentions_in_lines(literals(text), document, [], self.ours, marks)]

        return DocumentReading(tokens, sites, search, needing_reference(marks, tokens))


@dataclass(frozen=True, slots=True)
class TemplateLinesFormat:
    """Templates that are not YAML even so: lines such as `image: REF` are read, and never edited."""

    ours: OurImages

    def documents(self, text: str) -> Sequence[TextDocument]:
        """Return the whole file."""
        return [TextDocument(0, len(text), 1)]

    def may_have_sites(self, text: str) -> bool:
        """Return whether something in the text looks like an image."""
        return may_have_sites(text, self.ours)

    def read(self, path: str, text: str, document: TextDocument) -> DocumentReading:
        """Return the sites of the lines, and no tokens."""
        del path
        bare = covered(text)
        marks = find_marks(bare, document)
        sites = [_site_in_line(number, image, marks) for number, _, image in lines(bare) if image]

        def search() -> list[Site]:
            between = mentions_in_lines(bare, document, sites, self.ours)
            return [*between, *mentions_in_lines(literals(text), document, [], self.ours, marks)]

        return DocumentReading([], sites, search)

    def unread(self, text: str) -> list[int]:
        """Return the lines that may name an image otherwise: a gate over them must not be green."""
        bare = covered(text)
        marks = find_marks(bare, self.documents(bare)[0])
        return [
            number
            for number, line, image in lines(bare)
            if not image and _may_name_image(bare, line, marks.at(line.start()), self.ours)
        ]

    def why_no_manifest(self, text: str) -> str:
        """Return whether nothing in the text looks like a reference."""
        return "" if shows_reference(covered(text), self.ours) else "nothing in it looks like an image reference"


def _uncovered(site: Site) -> Site:
    """Return a site of a covered text: one with covered parts is a part of a template, which is not judged."""
    if COVER in site.text:
        site = replace(site, text=re.sub(f"{COVER}+", COVERED, site.text))
    if not site.whole:  # of several fields, conditions may choose others
        site = replace(site, values=None, locked=site.locked or "its fields are in a template, which may choose others")
    return replace(site, unsettled="")  # which of two values is there, conditions decide


def _may_name_image(text: str, line: re.Match[str], marks: Sequence[Mark], ours: OurImages) -> bool:
    is_ignored = any(mark.policy == IGNORE and not mark.fault for mark in marks)
    return not is_ignored and (bool(marks) or may_name_image(text, *line.span(), ours))


def _site_in_line(number: int, line: re.Match[str], marks: Marks) -> Site:
    value, start = line["value"], line.start("value")
    reference = split(value)
    return Site(
        line=number,
        text=value,
        name=reference.name,
        tag=reference.tag or "",
        digest=reference.digest or "",
        fields=(SiteField("whole", TextToken(start, line.end("value"), number, 1, -1, "scalar", value)),),
        whole=True,
        marks=marks.at(start),
        owner=owner_in(line["rest"]),
        locked="it is in a template that cannot be read as YAML until it is rendered",
    )

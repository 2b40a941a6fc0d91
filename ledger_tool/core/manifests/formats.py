"""The formats of manifests: which file is read as what, and how it becomes tokens and sites."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from ledger_tool.core.manifests import yamltree
from ledger_tool.core.manifests.actionimages import in_actions
from ledger_tool.core.manifests.charts.around import FileCharts, no_chart, no_charts
from ledger_tool.core.manifests.comments import marks_in, needing_reference
from ledger_tool.core.manifests.dockerfile import parse_dockerfile
from ledger_tool.core.manifests.dockerimages import dockerfile_marks, find_in_dockerfile, in_comments
from ledger_tool.core.manifests.environment import Environment, nothing_set
from ledger_tool.core.manifests.events import EventTokens
from ledger_tool.core.manifests.evidence import shows_reference
from ledger_tool.core.manifests.find import find_sites
from ledger_tool.core.manifests.hint import may_have_sites
from ledger_tool.core.manifests.innertext import find_in_texts, not_judged
from ledger_tool.core.manifests.jsonc import is_json_lines, values, without_comments
from ledger_tool.core.manifests.marks import Mark
from ledger_tool.core.manifests.mentions import mentions, mentions_in_lines
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.remark import ManifestNote, RemarkKind
from ledger_tool.core.manifests.shapes.visit import may_use_charts
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.templateactions import actions
from ledger_tool.core.manifests.tokens import TextDocument, TextFault, TextToken, parts

Parse = Callable[[str, TextDocument], EventTokens]
KINDS = (
    "YAML (.yaml, .yml), JSON (.json, .jsonc), Dockerfiles (Dockerfile*, Containerfile*, *.Dockerfile) "
    "and what Helm includes (.tpl, NOTES.txt)"
)

# As builders and editors know them. A suffix of another language is not one: `dockerfile.py`, `Dockerfile.md`.
_DOCKERFILE = re.compile(r"(?:[dD]ocker|[cC]ontainer)file(?:[.\-_0-9A-Z].*)?|.+\.(?:dockerfile|containerfile)")
_OTHERS = re.compile(
    r"(?:dockerignore|containerignore|adoc|bak|c|cfg|cpp|cs|css|go|h|html?|ini|java|js|jsx|kt|lock|log|lua|md|mjs|orig|php|pl"
    r"|png|ps1|py|pyc|rb|rej|rs|rst|scala|sh|svg|swift|swp|toml|tsx?|txt|vue|xml|zip)|.*~"
)

_TEXTS = ("txt", "gotmpl", "tmpl")  # which Helm renders too
_TEMPLATES = re.compile(r"(?:^|[/\\])templates[/\\]")


def kind_of(path: str) -> Literal["yaml", "json", "dockerfile", "template", ""]:
    """Return how a file is read, judging by its name, or `""` for one that is not read."""
    name = path.rpartition("/")[2].rpartition("\\")[2]
    suffix = name.lower().rpartition(".")[2]
    if suffix in ("yaml", "yml", "json", "jsonc") and "." in name:
        return "json" if suffix.startswith("json") else "yaml"
    if name == "Kustomization":  # a name that Kustomize reads too
        return "yaml"
    if suffix == "tpl" or name == "NOTES.txt" or (suffix in _TEXTS and _TEMPLATES.search(path)):
        return "template"
    is_dockerfile = _DOCKERFILE.fullmatch(name) or _DOCKERFILE.fullmatch(name.lower())
    return "dockerfile" if is_dockerfile and not _OTHERS.fullmatch(suffix) else ""


_VALUES = re.compile(r"(?i)values[^/\\]*\.ya?ml$")
_VERSION = re.compile(r"(?:(?<!api)[vV]ersion|[tT]ag|[dD]igest|[sS]ha|[rR]egistry)[\"']?\s*:")


@dataclass(frozen=True, slots=True)
class DocumentReading:
    """All that a document says as tokens, and the places in it that name images, in order.

    `mentions` searches for references to images of the ledger in other places, which a second look does not need.
    `marks` are the comments for `ledger`, each of which has to be at one of them. `note` says what was not read.
    """

    tokens: Sequence[TextToken]
    sites: Sequence[Site]
    mentions: Callable[[], Sequence[Site]]
    marks: Sequence[Mark] = ()
    note: ManifestNote | None = None
    kind_of_mentions: RemarkKind = "mention"


class ManifestFormat(Protocol):
    """One way to read a file."""

    def documents(self, text: str) -> Sequence[TextDocument]:
        """Return the parts of a file's text, which are read one by one. Raises TextFault."""

    def may_have_sites(self, text: str) -> bool:
        """Return whether a document's text may name an image; one that does not is not read."""

    def read(self, path: str, text: str, document: TextDocument) -> DocumentReading:
        """Return what a document of a file's text says. Raises TextFault."""

    def why_no_manifest(self, text: str) -> str:
        """Return why a text that cannot be read is not a manifest, by what can be seen in it, or `""` if it may be."""


@dataclass(frozen=True, slots=True)
class YamlFormat:
    """YAML, by a parser. One that `is_called_values` may have the tags of images at any keys."""

    parse: Parse
    ours: OurImages
    environment: Callable[[], Environment] = nothing_set
    charts: Callable[[], FileCharts] = no_charts
    is_called_values: bool = False

    def documents(self, text: str) -> Sequence[TextDocument]:
        """Return what `---` separates."""
        return yamltree.documents(text)

    def may_have_sites(self, text: str) -> bool:
        """Return whether something in the text looks like an image, or like a key that we know."""
        if may_have_sites(text, self.ours):
            return True
        if not (self.is_called_values or _VERSION.search(text)):
            return False
        charts = self.charts()  # other values of a chart name the image
        return bool(charts.whole) or charts.is_values or charts.possible is not no_chart or may_use_charts(text)

    def read(self, path: str, text: str, document: TextDocument) -> DocumentReading:
        """Return the tokens of the parser, and the sites in their tree."""
        tokens = self.parse(self.bare(text), document)
        refuse_actions(text, document, tokens)
        roots = yamltree.tree(tokens)
        marks = marks_in(text, document, tokens)
        found = find_sites(path, text, roots, self.ours, self.environment, self.charts, marks)
        inside = self.charts().inside(roots[0]) if roots and may_use_charts(text) else {}
        inner = find_in_texts(path, tokens, self.ours, self.parse, inside)

        def search() -> list[Site]:
            others = mentions(text, document, tokens, found.tokens, self.ours)
            return [*inner.noted, *not_judged(others, inner.judged, text)]

        own = [one for site in found.sites for one in in_actions(site, text, self.ours, self.charts)]
        sites = sorted([*own, *inner.judged], key=lambda site: (site.fields[0].token.start, site.line))
        return DocumentReading(tokens, sites, search, needing_reference(marks, tokens))

    def bare(self, text: str) -> str:
        """Return what the parser gets: a text of the same length."""
        return text

    def why_no_manifest(self, text: str) -> str:
        """Return whether nothing in the text looks like a reference."""
        return "" if shows_reference(text, self.ours) else "nothing in it looks like an image reference"


def refuse_actions(text: str, document: TextDocument, tokens: Sequence[TextToken]) -> None:
    """Raise TextFault for a template: YAML reads `{{ .x }}` without quotes as a mapping whose key is a mapping."""
    if text.find("{{", document.start, document.end) >= 0:
        starts = {action.start for action in actions(text)}
        for token in tokens:
            if token.style == "{" and token.start in starts:
                raise TextFault(token.line, "an action of a template", column=token.column, is_syntax=True)


class JsonFormat(YamlFormat):
    """JSON, by the same parser. Comments and commas before a closing bracket are allowed, and several values.

    An object on each line is data, unless one names an image of ours.
    """

    def documents(self, text: str) -> Sequence[TextDocument]:
        """Return each value of the file."""
        starts = values(text)
        if len(starts) > 1 and is_json_lines(text) and not self.ours.has_inside(text, tagged=True):
            starts = [0]
        return parts(text, starts)

    def read(self, path: str, text: str, document: TextDocument) -> DocumentReading:
        """Return what YAML has in it. Raises TextFault."""
        try:
            return super().read(path, text, document)
        except TextFault as fault:
            if not fault.is_syntax or "document start" not in fault.message:
                raise
            message = "a second JSON value begins here, and a file has one"
            if not is_json_lines(text):
                message = "something else than an object or a list follows a JSON value here"
            raise TextFault(fault.line, message, column=fault.column, is_syntax=True) from None

    def bare(self, text: str) -> str:
        """Return the text without comments."""
        return without_comments(text)

    def why_no_manifest(self, text: str) -> str:
        """Return whether each line is an object without an image of ours, or nothing looks like a reference."""
        if is_json_lines(text) and not self.ours.has_inside(text, tagged=True):
            return "it has a JSON object on each line, as data has"
        return super().why_no_manifest(self.bare(text))


@dataclass(frozen=True, slots=True)
class DockerfileFormat:
    """Dockerfiles, which are one document."""

    ours: OurImages

    def documents(self, text: str) -> Sequence[TextDocument]:
        """Return the whole file."""
        return [TextDocument(0, len(text), 1)]

    def may_have_sites(self, text: str) -> bool:
        """Return whether the text says anything: one without an image may be something else than a Dockerfile."""
        return bool(text.strip())

    def read(self, path: str, text: str, document: TextDocument) -> DocumentReading:
        """Return the lines as tokens, and the sites of the instructions."""
        del path
        dockerfile = parse_dockerfile(text)
        marks = dockerfile_marks(text, document, dockerfile)
        tokens, sites = find_in_dockerfile(dockerfile, marks)
        search = partial(mentions_in_lines, text, document, sites, self.ours)
        return DocumentReading(tokens, sites, search, in_comments(marks, dockerfile))

    def why_no_manifest(self, text: str) -> str:
        """Return `""`: only its name says what it is."""
        del text
        return ""


def format_of(
    path: str,
    parse: Parse,
    ours: OurImages,
    environment: Callable[[], Environment] = nothing_set,
    charts: Callable[[], FileCharts] = no_charts,
) -> ManifestFormat:
    """Return the format of a file, judging by its name."""
    kind = kind_of(path)
    if kind == "dockerfile":
        return DockerfileFormat(ours)
    if kind == "json":
        return JsonFormat(parse, ours, nothing_set, charts)
    return YamlFormat(parse, ours, environment, charts, bool(_VALUES.search(path)))

"""Where a template gives values to a chart: the applications of a chart of applications.

Only when the template is rendered, its values are known. Which files it names can be followed, with actions for
placeholders; what it gives itself is unknown, if an action puts it there or it may be a part of an image.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ledger_tool.core.manifests.charts.layers import SAYS_VERSION, ChartUse, InlineValues, UnknownValues, ValuesPath
from ledger_tool.core.manifests.charts.uses import uses_in
from ledger_tool.core.manifests.events import EventTokens
from ledger_tool.core.manifests.templateactions import actions
from ledger_tool.core.manifests.templaterepair import repaired
from ledger_tool.core.manifests.templatetext import COVER, covered
from ledger_tool.core.manifests.tokens import TextDocument, TextFault, line_breaks
from ledger_tool.core.manifests.yamltree import documents

_FIRST, _MOST = 0xE100, 6_000  # letters that no text has, one for each action
_WHY = "it is in a template, and only known when that is rendered"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_LETTERS = re.compile("([\ue100-\uf870])\\1*")


def uses_in_template(text: str, parse: Callable[[str, TextDocument], EventTokens]) -> Iterator[ChartUse]:
    """Yield the uses of charts in a template of YAML."""
    bare, shown = _lettered(text)
    for document in documents(bare):
        try:
            roots = repaired(bare, document, parse).roots
        except TextFault:
            continue
        for use in (use for root in roots for use in uses_in(root)):
            yield _known(use, text, bare, shown)


def _lettered(text: str) -> tuple[str, dict[str, str]]:
    """Return a text with its actions covered, each that prints something by a letter, and what the letters are."""
    bare = covered(text)
    letters: dict[str, str] = {}
    pieces, end = [], 0
    for action in actions(text):
        if bare[action.start] == COVER:
            what = text[action.start : action.end]
            letter = letters.setdefault(what, chr(_FIRST + len(letters) % _MOST))
            pieces += [bare[end : action.start], bare[action.start : action.end].replace(COVER, letter)]
            end = action.end
    return "".join([*pieces, bare[end:]]), {letter: what for what, letter in letters.items()}


def _known(use: ChartUse, text: str, bare: str, shown: dict[str, str]) -> ChartUse:
    """Return a use with what can be known of it."""

    def written(path: str) -> str:
        return _LETTERS.sub(lambda match: shown.get(match[1], "{{ }}"), path)

    layers: list[ValuesPath | InlineValues | UnknownValues] = []
    doubt: UnknownValues | None = None
    for layer in use.layers:
        if isinstance(layer, InlineValues):
            token = layer.node.token
            part = text[token.start : token.end] if token.kind == "scalar" else _region(text, token.start)
            if token.style == "{" or _prints(part) or SAYS_VERSION.search(part):
                doubt = UnknownValues(token.line, _WHY, None if _prints(part) else layer.node)
                layers.append(doubt)
        else:
            layers.append(layer._replace(path=written(layer.path)) if isinstance(layer, ValuesPath) else layer)
    if not doubt and any(_is_blank(bare, action) for action in _printing(text, use.start)):
        layers.append(UnknownValues(1 + line_breaks(text[: use.start]), _WHY))
    charts = tuple(map(written, use.charts))
    return use._replace(charts=charts, layers=tuple(layers), name=written(use.name))


def _region(text: str, start: int) -> str:
    """Return the lines that belong to what starts somewhere: those that are not indented less."""
    line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    indent, end = start - line_start, line_start
    for line in _LINE.finditer(text, line_start):
        written = line[0].lstrip(" ")
        is_over = line.start() > start and written.strip() and not written.startswith("{{")
        if is_over and len(line[0]) - len(written) < indent:
            break
        end = line.end()
        if line.end() == len(text):
            break
    return text[start:end]


def _prints(part: str) -> bool:
    return any(not action.is_silent for action in actions(part))


def _printing(text: str, start: int) -> Iterator[int]:
    """Yield where actions that print something are in what starts somewhere."""
    line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    for action in actions(_region(text, start)):
        if not action.is_silent:
            yield line_start + action.start


def _is_blank(bare: str, start: int) -> bool:
    """Return whether an action stands on lines of its own."""
    return bare[start] == " "

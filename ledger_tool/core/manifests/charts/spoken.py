"""The texts that a template itself has for an image: what it prints where no value of the chart decides.

Every branch is taken. A text that is known in part only, because a value or an unknown function is in it, is not one;
but where a chart sets no value, what is printed without one is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple

from ledger_tool.core.manifests.charts.chart import HelmChart
from ledger_tool.core.manifests.charts.gotemplate import (
    TemplateAction,
    TemplateFault,
    TemplateNode,
    TemplateOperand,
    TemplatePipe,
    TemplateText,
    parse_template,
)
from ledger_tool.core.manifests.charts.paths import VALUES

_MOST = 16  # alternatives
_DEEPEST = 20  # templates and variables that name each other
_ANY = frozenset({"coalesce", "default", "or"})
_SAME = frozenset({"quote", "squote", "toString", "trim", "print", "required", "and", "trimPrefix", "trimSuffix"})
_VERB = re.compile(r"%[svq]")
_BLANK = re.compile(r"\s")


class SpokenText(NamedTuple):
    """A text that a template says, and where: `start` is that of a text in quotes, which can be edited, or -1."""

    text: str
    start: int = -1


_Choice = SpokenText | None  # nobody knows
_UNKNOWN: tuple[_Choice, ...] = (None,)
_NOTHING = SpokenText("")
_UNSET = SpokenText("\0")  # a value that the chart does not set, besides what is printed without it
_APP_VERSION = ("Chart", "AppVersion")


class TemplateWords(NamedTuple):
    """What the words of a template mean: its variables, the templates by name, and the chart, if it is one's."""

    variables: Mapping[str, Sequence[TemplatePipe]]
    defined: Mapping[str, Sequence[TemplateNode]]
    chart: HelmChart | None = None


def spoken(text: str, words: TemplateWords) -> list[SpokenText]:
    """Return the texts that a text with actions may be, of which no part is a value; none if it is no template."""
    try:
        body = parse_template(text).body
    except TemplateFault:
        return []
    return spoken_by(body, words)


def spoken_by(body: Sequence[TemplateNode], words: TemplateWords) -> list[SpokenText]:
    """Return the texts that nodes may print, of which no part is a value."""
    choices = [one for one in _Speaker(words).nodes(body, 0) if one != _UNSET]
    found = [SpokenText(one.text.strip(), one.start if one.text == one.text.strip() else -1) for one in choices if one]
    return [one for one in dict.fromkeys(found) if one.text and not _BLANK.search(one.text)]


def assigned(text: str, spans: Sequence[tuple[int, int]]) -> dict[str, list[TemplatePipe]]:
    """Return what the actions of a text at these places set its variables to."""
    found: dict[str, list[TemplatePipe]] = {}
    for start, end in spans:
        try:
            body = parse_template(text[start:end]).body
        except TemplateFault:
            continue
        for node in body:
            if isinstance(node, TemplateAction) and len(node.pipe.variables) == 1:
                found.setdefault(node.pipe.variables[0], []).append(node.pipe)
    return found


class _Speaker:
    def __init__(self, words: TemplateWords) -> None:
        self.words = words
        self.steps = 0

    def nodes(self, nodes: Sequence[TemplateNode], depth: int) -> tuple[_Choice, ...]:
        self.steps += len(nodes)
        if depth > _DEEPEST or self.steps > 2_000:
            return _UNKNOWN
        parts = [self._node(node, depth) for node in nodes]
        return _joined([part for part in parts if part != (_NOTHING,)])

    def _node(self, node: TemplateNode, depth: int) -> tuple[_Choice, ...]:
        if isinstance(node, TemplateText):
            return (SpokenText(node.text),)
        if isinstance(node, TemplateAction):
            if node.call:
                return self._included(node.call, depth)
            return (_NOTHING,) if node.pipe.variables else self._pipe(node.pipe, depth)
        body = self.nodes(node.body, depth + 1)
        if self._pipe(node.pipe, depth + 1) == (_UNSET,):
            body = tuple(one or _UNSET for one in body)
        return _bounded([*body, *self.nodes(node.otherwise, depth + 1)])

    def _included(self, name: str, depth: int) -> tuple[_Choice, ...]:
        inner = self.nodes(self.words.defined[name], depth + 1) if name in self.words.defined else _UNKNOWN
        return tuple(one._replace(start=-1) if one else None for one in inner)

    def _pipe(self, pipe: TemplatePipe, depth: int) -> tuple[_Choice, ...]:
        found: tuple[_Choice, ...] | None = None
        for command in pipe.commands:
            found = self._command(command, found, depth)
        return found or _UNKNOWN

    def _command(
        self, command: Sequence[TemplateOperand], piped: tuple[_Choice, ...] | None, depth: int
    ) -> tuple[_Choice, ...]:
        self.steps += len(command)
        if not command or depth > _DEEPEST or self.steps > 2_000:
            return _UNKNOWN
        head, *arguments = command
        if head.kind != "word":
            return _UNKNOWN if arguments or piped is not None else self._operand(head, depth)
        if head.text == "include":
            name = arguments[0].text if arguments and arguments[0].kind == "text" else ""
            return self._included(name, depth)
        given = [self._operand(operand, depth) for operand in arguments]
        return _called(head.text, [*given, piped] if piped is not None else given)

    def _operand(self, operand: TemplateOperand, depth: int) -> tuple[_Choice, ...]:
        if operand.fields:
            return self._field(operand)
        if operand.kind == "text":
            return (SpokenText(operand.text, operand.start),)
        if operand.kind == "pipe" and operand.pipe:
            return self._pipe(operand.pipe, depth + 1)
        if operand.kind == "variable":
            pipes = self.words.variables.get(operand.text, ())
            found = [one for pipe in pipes[:_MOST] for one in self._pipe(pipe, depth + 1)]
            return _bounded([one._replace(start=-1) if one else None for one in found]) or _UNKNOWN
        return _UNKNOWN

    def _field(self, operand: TemplateOperand) -> tuple[_Choice, ...]:
        """Return what a field is: of a value that no file sets, what is printed in its place can be known."""
        chart, path = self.words.chart, operand.fields
        if operand.kind != "dot" and operand.text != "$":
            return _UNKNOWN
        if path == _APP_VERSION and chart and chart.app_version:
            return (SpokenText(chart.app_version),)
        is_unset = path[:1] == VALUES and len(path) > 1 and (chart is None or chart.is_unset(path))
        return (_UNSET,) if is_unset else _UNKNOWN


def _called(name: str, given: Sequence[tuple[_Choice, ...]]) -> tuple[_Choice, ...]:
    """Return what a function returns of what it is given."""
    if not given:
        return _UNKNOWN
    if name in _ANY:
        return _bounded([one for argument in given for one in argument])
    if name == "ternary":
        return _bounded([one for argument in given[:2] for one in argument])
    if name in _SAME:
        return given[-1]
    if name == "tpl":
        return tuple(None if one and "{{" in one.text else one for one in given[0])
    if name == "nospace":
        return tuple(one and one._replace(text=one.text.replace(" ", ""), start=-1) for one in given[-1])
    if name == "cat":
        return _joined([part for argument in given for part in (argument, (SpokenText(" "),))][:-1])
    return _formatted(given) if name == "printf" else _UNKNOWN


def _formatted(given: Sequence[tuple[_Choice, ...]]) -> tuple[_Choice, ...]:
    form = given[0][0] if len(given[0]) == 1 else None
    if not form or "%" in _VERB.sub("", form.text) or len(_VERB.findall(form.text)) != len(given) - 1:
        return _UNKNOWN
    if len(given) == 1:
        return (form,)
    between = [(SpokenText(text),) for text in _VERB.split(form.text)]
    parts = [part for pair in zip(between, [*given[1:], ()], strict=True) for part in pair if part]
    return _joined([part for part in parts if part != (_NOTHING,)])


def _joined(parts: Sequence[tuple[_Choice, ...]]) -> tuple[_Choice, ...]:
    """Return what parts may be, one behind the other: where a value may decide one of them, the chart's values do."""
    if len(parts) < 2:
        return parts[0] if parts else (_NOTHING,)
    count, texts = 1, [[one.text for one in part if one and one != _UNSET] for part in parts]
    for part, known in zip(parts, texts, strict=True):
        count *= len(known)
        if count > _MOST or None in part:
            return _UNKNOWN
    may_be_set = any(_UNSET in part for part in parts)
    return (*([_UNSET] if may_be_set else []), *(SpokenText("".join(row)) for row in product(*texts)))


def _bounded(choices: Sequence[_Choice]) -> tuple[_Choice, ...]:
    return tuple(dict.fromkeys(choices)) if len(choices) <= _MOST else _UNKNOWN

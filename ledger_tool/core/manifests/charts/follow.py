"""Templates, followed instead of rendered: which values each line that they print is made of.

Every branch is taken, every loop once. What is not known, such as a function or a template that is not here, passes on
all that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger_tool.core.manifests.charts.flow import NOTHING, ValueFlow, union
from ledger_tool.core.manifests.charts.functions import CHANGES, FUNCTIONS, HARMLESS, TemplateArgument
from ledger_tool.core.manifests.charts.gotemplate import (
    TemplateAction,
    TemplateBlock,
    TemplateFault,
    TemplateNode,
    TemplateOperand,
    TemplatePipe,
    TemplateText,
    parse_template,
)
from ledger_tool.core.manifests.charts.guards import Guard, is_certain, one_like, signs
from ledger_tool.core.manifests.charts.paths import ANY, KEY, SOME, Path, merged_globals
from ledger_tool.core.manifests.charts.scope import ActionPlace, VariableScope
from ledger_tool.core.manifests.charts.texts import (
    NO_TEXT,
    PrintCondition,
    Texts,
    joined,
    literal_text,
    unless,
    when,
)

_MOST_STEPS = 400_000
_MOST_CALLS = 40  # templates that include each other


class PrintedLine(NamedTuple):
    """A line that a template prints: where, the values that it is made of, and those that decide whether it is.

    `text` is what stands in it, `texts` what it may be in the end.
    """

    file: str
    line: int
    text: str
    used: frozenset[Path]
    guards: frozenset[Guard]
    texts: Texts


class AskedValue(NamedTuple):
    """Values that a function takes apart or compares, and where; `texts` if it only asks whether they are these."""

    where: str
    used: frozenset[Path]
    texts: frozenset[str] | None


class DefinedTemplate(NamedTuple):
    """A named template, and the file that defines it."""

    file: str
    body: tuple[TemplateNode, ...]


class ChartTooLarge(Exception):
    """A chart takes too long to follow."""


@dataclass(slots=True)
class _PrintedOutput:
    """What a template prints, line by line."""

    file: str
    lines: list[PrintedLine] = field(default_factory=list)
    text: str = ""
    line: int = 0
    printed: list[tuple[frozenset[Path], frozenset[Guard]]] = field(default_factory=list)
    parts: list[Texts] = field(default_factory=list)  # of this line
    ended: list[Texts] = field(default_factory=list)  # of those before

    @property
    def texts(self) -> Texts:
        """All that it prints."""
        return joined(self.ended + self.parts)

    def print_text(self, text: str, place: ActionPlace) -> None:
        first, *rest = text.split("\n")
        self.text += first
        self._print(literal_text(first), place)
        for part in rest:
            self.end_line()
            self.text = part
            self._print(literal_text("\n" + part), place)

    def print_flow(self, flow: ValueFlow, place: ActionPlace, line: int) -> None:
        if used := flow.used:
            self.line = self.line or line
            self.printed.append((used, place.guards))
        self._print(flow.shown, place)

    def _print(self, texts: Texts, place: ActionPlace) -> None:
        if texts != NO_TEXT:
            self.parts.append(when(texts, place.conditions) | unless(NO_TEXT, place.conditions))

    def end_line(self) -> None:
        if self.printed:
            shared = frozenset.intersection(*(guards for _, guards in self.printed))
            where: dict[Path, set[frozenset[Guard]]] = {}
            for used, guards in self.printed:
                for path in used:
                    where.setdefault(path, set()).add(guards - shared)
            used = frozenset(path if is_certain(path, where[path]) else one_like(path) for path in where)
            self.lines.append(PrintedLine(self.file, self.line, self.text, used, shared, joined(self.parts)))
        self.ended += self.parts
        self.text, self.line, self.printed, self.parts = "", 0, [], []


class Follower:
    """Follows the templates of a chart. `lines` are those printed; `absent` has what is passed to templates, by name,
    that the chart does not have; `changed` are values that a template replaces, and `asked` those of which it wants to
    know more than whether they are set.
    """

    def __init__(self, defined: Mapping[str, DefinedTemplate]) -> None:
        self.lines: list[PrintedLine] = []
        self.absent: dict[str, frozenset[Path]] = {}
        self.changed: set[Path] = set()
        self.asked: dict[AskedValue, None] = {}
        self._where = ("", 0)
        self._defined = defined
        self._known: dict[tuple[str, ValueFlow], ValueFlow | None] = {}
        self._steps = 0
        self._calls = 0

    def follow(self, file: str, body: tuple[TemplateNode, ...], root: ValueFlow) -> None:
        """Follow a file's template, which starts from `root`. Raises ChartTooLarge."""
        output = _PrintedOutput(file)
        self._run(body, ActionPlace(root, VariableScope({"$": root})), output)
        output.end_line()
        self.lines += output.lines

    def _run(self, nodes: Sequence[TemplateNode], place: ActionPlace, output: _PrintedOutput) -> None:
        around = self._where
        for node in nodes:
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise ChartTooLarge
            if isinstance(node, TemplateText):
                output.print_text(node.text, place)
            elif isinstance(node, TemplateAction):
                self._where = (output.file, node.line)
                flow = self._pipe(node.pipe, place)
                flow = self._included(node.call, flow) if node.call else flow
                if not node.pipe.variables:
                    output.print_flow(flow, place, node.line)
            else:
                self._where = (output.file, node.line)
                self._block(node, place, output)
        self._where = around

    def _block(self, block: TemplateBlock, place: ActionPlace, output: _PrintedOutput) -> None:
        outer = place.inside()
        flow = self._pipe(block.pipe, outer, is_loop=block.kind == "range")
        if_so, if_not = signs(block.pipe, flow)
        dot = flow if block.kind == "with" else flow.field(ANY) if block.kind == "range" else None
        pipe = None if if_so in "+-" else block.pipe
        self._run(block.body, outer.inside(dot, [PrintCondition(if_so, flow.used, pipe)]), output)
        self._run(block.otherwise, outer.inside(None, [PrintCondition(if_not, flow.used, pipe)]), output)

    def _pipe(self, pipe: TemplatePipe, place: ActionPlace, *, is_loop: bool = False) -> ValueFlow:
        flow: ValueFlow | None = None
        for command in pipe.commands:
            flow = self._command(command, flow, place)
        flow = flow or NOTHING
        for number, name in enumerate(pipe.variables):
            is_item = is_loop and number == len(pipe.variables) - 1
            value = flow.field(ANY) if is_loop else flow
            value = value.field(KEY) if is_loop and not is_item else value
            if pipe.is_new:
                place.scope.variables[name] = value
                place.scope.guards[name] = place.guards
                place.scope.conditions[name] = place.conditions
            else:
                guards = {place.guards - place.scope.guards_of(name)}
                used = frozenset(path if is_certain(path, guards) else one_like(path) for path in value.used)
                new = value if used == value.used else ValueFlow(made_of=used, texts=value.shown)
                place.scope.set(name, new, place.conditions - place.scope.conditions_of(name))
        return flow

    def _command(self, command: Sequence[TemplateOperand], piped: ValueFlow | None, place: ActionPlace) -> ValueFlow:
        if not command:
            return piped or NOTHING
        head, *arguments = command
        given = [TemplateArgument(operand, self._operand(operand, place)) for operand in arguments]
        if piped is not None:
            given.append(TemplateArgument(None, piped))
        if head.kind == "word":
            return self._call(head.text, given, place)
        value = self._operand(head, place)
        return union([value, *(argument.flow for argument in given)]).printed() if given else value

    def _operand(self, operand: TemplateOperand, place: ActionPlace) -> ValueFlow:
        self._steps += 1
        match operand.kind:
            case "dot":
                flow = place.dot
            case "variable":
                flow = place.scope.get(operand.text)
            case "pipe":
                flow = self._pipe(operand.pipe or TemplatePipe(), place)
            case "word" if operand.text in ("true", "false"):
                return ValueFlow(texts=literal_text(operand.text))
            case "word":
                flow = self._call(operand.text, [], place)
            case _:
                return ValueFlow(texts=literal_text(operand.text))
        for name in operand.fields:
            flow = flow.field(name)
        return flow

    def _call(self, name: str, given: list[TemplateArgument], place: ActionPlace) -> ValueFlow:
        flows = [argument.flow for argument in given]
        if name == "include" and given:
            if given[0].literal:
                return self._included(given[0].literal, union(flows[1:2]))
        elif name == "tpl" and given:
            return self._tpl(given)
        elif name in CHANGES and given:
            self._changed(name, given, place)
        function = FUNCTIONS.get(name)
        if not function and name not in HARMLESS:
            self._ask(name, given)
        return function(given) if function and given else union(flows).printed()

    def _ask(self, name: str, given: Sequence[TemplateArgument]) -> None:
        texts = [one.operand.text for one in given if one.operand and one.operand.kind == "text"]
        others = [one.flow.used for one in given if not (one.operand and one.operand.kind == "text")]
        used = frozenset(merged_globals(path) for paths in others for path in paths)
        if used:
            is_same = name in ("eq", "ne") and len(others) == 1
            where = f"{self._where[0]}:{self._where[1]}"
            self.asked[AskedValue(where, used, frozenset(texts) if is_same else None)] = None

    def _tpl(self, given: list[TemplateArgument]) -> ValueFlow:
        """Return what a text prints that is a template itself: that of a file may be anything."""
        text = given[0]
        if "{{" in text.literal:
            try:
                body = parse_template(text.literal).body
            except TemplateFault:
                body = ()
            if body:
                return self._printed_by(DefinedTemplate("", body), union([argument.flow for argument in given[1:]]))
        is_known = "{{" not in text.literal and not any("Files" in path for path in text.flow.used)
        return (
            text.flow.printed().as_text(text.flow.shown)
            if is_known
            else union([argument.flow for argument in given]).printed()
        )

    def _changed(self, name: str, given: list[TemplateArgument], place: ActionPlace) -> None:
        target = given[0]
        keys = [given[1].literal or SOME] if name in ("set", "unset") and len(given) > 1 else [SOME]
        self.changed.update((*path, key) for path in target.flow.paths for key in keys)
        if target.operand and target.operand.kind == "variable" and not target.operand.fields:
            place.scope.add(target.operand.text, FUNCTIONS[name](given))

    def _included(self, name: str, argument: ValueFlow) -> ValueFlow:
        """Return what a named template prints, in one text."""
        if name not in self._defined:
            self.absent[name] = self.absent.get(name, frozenset()) | argument.used
            return argument.printed()
        self._steps += 4 * argument.size  # each part is looked at several times
        known = (name, argument)
        if known not in self._known:
            if self._calls >= _MOST_CALLS:
                raise ChartTooLarge
            self._known[known] = None
            self._calls += 1
            self._known[known] = self._printed_by(self._defined[name], argument)
            self._calls -= 1
        return self._known[known] or argument.printed()

    def _printed_by(self, defined: DefinedTemplate, argument: ValueFlow) -> ValueFlow:
        output = _PrintedOutput(defined.file)
        self._run(defined.body, ActionPlace(argument, VariableScope({"$": argument})), output)
        output.end_line()
        if len(output.lines) > 1:  # else it is a part of the line that includes it
            self.lines += output.lines
        return ValueFlow(made_of=frozenset(path for line in output.lines for path in _needs(line)), texts=output.texts)


def _needs(line: PrintedLine) -> frozenset[Path]:
    """Return what a line depends on; that a mapping is there at all, whose fields it prints, tells nothing more."""
    containers = {path[:length] for path in line.used for length in range(len(path))}
    asked = {path for sign, paths in line.guards if sign != "-" for path in paths - line.used - containers}
    return line.used.union(map(one_like, asked))

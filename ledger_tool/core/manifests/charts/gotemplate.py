"""Go templates, as Helm writes them: from text to nodes. The syntax is that of Go's `text/template`.

TemplateText between actions is kept as it would be printed, trimmed by the `{{-` and `-}}` next to it.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

MAX_DEPTH = 60

_OPEN = re.compile(r"\{\{(-(?=[ \t\r\n]))?")
_CLOSE = re.compile(r"(?:(?<=[ \t\r\n])(-))?\}\}")
_COMMENT = re.compile(r"[ \t\r\n]*/\*.*?\*/[ \t\r\n]*?(?=(?:[ \t\r\n]-)?\}\})", re.DOTALL)
_BLANK = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(
    r'(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<number>\'(?:[^\'\\\n]|\\.)+\'|[-+]?[0-9][\w.]*)'
    r"|(?P<fields>(?:\.\w+)+)|(?P<dot>\.)|(?P<variable>\$\w*)|(?P<word>[^\W\d]\w*)|(?P<sign>:=|[=|,()])"
)
_BLOCKS = ("if", "with", "range", "define", "block")


class TemplateFault(Exception):
    """A text is not a Go template, or nested too deeply: the line, from 1, and what is wrong."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class TemplateOperand:
    """One word of a command. `text` is a literal's value, a variable's name with its `$`, or a function's name.

    `fields` are those that follow it (`.Values.image`), and `pipe` is what a `pipe` operand has in parentheses. `start`
    is where a literal's value stands in the text, or -1 if it has escapes; two operands may say the same elsewhere.
    """

    kind: Literal["text", "number", "dot", "variable", "word", "pipe"]
    text: str = ""
    fields: tuple[str, ...] = ()
    pipe: TemplatePipe | None = None
    start: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class TemplatePipe:
    """Commands, each with the result of the one before as its last argument.

    `variables` are those that it sets; `is_new` says that they are declared here (`:=`).
    """

    commands: tuple[tuple[TemplateOperand, ...], ...] = ()
    variables: tuple[str, ...] = ()
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class TemplateText:
    """What is printed as it stands, and where it starts."""

    text: str
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TemplateAction:
    """One action: what it computes is printed, unless it sets a variable. `call` is a template's name, or `""`."""

    pipe: TemplatePipe
    line: int
    call: str = ""


@dataclass(frozen=True, slots=True)
class TemplateBlock:
    """An `if`, `with` or `range`."""

    kind: str
    pipe: TemplatePipe
    body: tuple[TemplateNode, ...]
    otherwise: tuple[TemplateNode, ...]
    line: int = field(default=0, compare=False)


TemplateNode = TemplateText | TemplateAction | TemplateBlock


@dataclass(slots=True)
class ParsedTemplate:
    """A parsed file: what it prints, and the templates that it defines, by name."""

    body: tuple[TemplateNode, ...] = ()
    defined: dict[str, tuple[TemplateNode, ...]] = field(default_factory=dict)


def parse_template(text: str) -> ParsedTemplate:
    """Return a file's template. Raises TemplateFault."""
    parser = _TemplateParser(text)
    template = ParsedTemplate(defined=parser.defined)
    template.body, end = parser.nodes(0)
    if end:
        raise TemplateFault(parser.line, f"`{end}` without a block")
    return template


class _Lexeme:
    """One token of an action; `is_attached` says that no blank is in front of it."""

    __slots__ = ("is_attached", "kind", "start", "text")

    def __init__(self, kind: str, text: str, start: int, *, is_attached: bool) -> None:
        self.kind, self.text, self.start, self.is_attached = kind, text, start, is_attached


class _TemplateParser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.line = 1
        self.is_trimmed = False  # what comes next: the action before ended in `-}}`
        self.defined: dict[str, tuple[TemplateNode, ...]] = {}
        self.lexemes: deque[_Lexeme] = deque()

    def nodes(self, depth: int) -> tuple[tuple[TemplateNode, ...], str]:
        """Return the nodes up to an `end` or `else` of the block around them, and that word; `""` at the end."""
        if depth > MAX_DEPTH:
            raise TemplateFault(self.line, "nested too deeply")
        found: list[TemplateNode] = []
        while True:
            opened = _OPEN.search(self.text, self.place)
            text = self.text[self.place : opened.start() if opened else len(self.text)]
            self._move(opened.end() if opened else len(self.text))
            text = text.lstrip(" \t\r\n") if self.is_trimmed else text
            start = (opened.start() if opened else len(self.text)) - len(text)
            if text := text.rstrip(" \t\r\n") if opened and opened[1] else text:
                found.append(TemplateText(text, start))
            if not opened:
                return tuple(found), ""
            line = self.line
            if not self._lex():
                continue
            word = self.lexemes[0].text if self.lexemes[0].kind == "word" else ""
            if word in ("end", "else"):
                return tuple(found), word
            if word in ("break", "continue") and len(self.lexemes) == 1:
                continue
            found += self._block(word, line, depth) if word in _BLOCKS else [self._action(word, line)]

    def _action(self, word: str, line: int) -> TemplateAction:
        call = ""
        if word == "template":
            self.lexemes.popleft()
            call = self._name()
        return TemplateAction(self._whole_pipe(), line, call)

    def _block(self, word: str, line: int, depth: int) -> list[TemplateNode]:
        self.lexemes.popleft()
        name = self._name() if word in ("define", "block") else ""
        pipe = self._whole_pipe()
        body, end = self.nodes(depth + 1)
        if name:
            self._expect(end, "end")
            self.defined[name] = body
            return [TemplateAction(pipe, line, name)] if word == "block" else []
        otherwise: tuple[TemplateNode, ...] = ()
        if end == "else":
            self.lexemes.popleft()
            if self.lexemes:  # `else if`, `else with`: a block of its own, which the same `end` ends
                otherwise = tuple(self._block(self.lexemes[0].text, self.line, depth + 1))
                end = "end"
            else:
                otherwise, end = self.nodes(depth + 1)
        self._expect(end, "end")
        return [TemplateBlock(word, pipe, body, otherwise, line)]

    def _expect(self, end: str, wanted: str) -> None:
        if end != wanted:
            raise TemplateFault(self.line, "a block without an `end`")

    def _name(self) -> str:
        if not self.lexemes or self.lexemes[0].kind != "text":
            raise TemplateFault(self.line, "a template without a name")
        return literal(self.lexemes.popleft().text)

    def _move(self, place: int) -> None:
        self.line += self.text.count("\n", self.place, place)
        self.place = place

    def _lex(self) -> bool:
        """Read an action up to its end into `lexemes`; return whether there is anything in it."""
        self.lexemes = deque()
        if comment := _COMMENT.match(self.text, self.place):
            self._move(comment.end())
        end = self.place
        while True:
            blank = _BLANK.match(self.text, self.place)
            self._move(blank.end() if blank else self.place)
            if closed := _CLOSE.match(self.text, self.place):
                self._move(closed.end())
                self.is_trimmed = closed[0].startswith("-")
                return bool(self.lexemes)
            token = _TOKEN.match(self.text, self.place)
            if not token:
                raise TemplateFault(self.line, "an action that is not understood")
            self.lexemes.append(
                _Lexeme(token.lastgroup or "", token[0], token.start(), is_attached=token.start() == end)
            )
            self._move(token.end())
            end = self.place

    def _whole_pipe(self) -> TemplatePipe:
        pipe = self._pipe(0)
        if self.lexemes:
            raise TemplateFault(self.line, "an action that is not understood")
        return pipe

    def _pipe(self, depth: int) -> TemplatePipe:
        if depth > MAX_DEPTH:
            raise TemplateFault(self.line, "nested too deeply")
        variables, is_new = self._variables()
        commands: list[tuple[TemplateOperand, ...]] = []
        command: list[TemplateOperand] = []
        while self.lexemes and self.lexemes[0].text != ")":
            lexeme = self.lexemes[0]
            if lexeme.text == "|" and lexeme.kind == "sign":
                self.lexemes.popleft()
                commands.append(tuple(command))
                command = []
            else:
                command.append(self._operand(depth))
        return TemplatePipe((*commands, tuple(command)) if command else tuple(commands), variables, is_new)

    def _variables(self) -> tuple[tuple[str, ...], bool]:
        signs = [lexeme.text for lexeme in islice(self.lexemes, 4)]
        for count in (1, 3):
            if len(signs) > count and signs[count] in (":=", "=") and self.lexemes[0].kind == "variable":
                for _ in range(count + 1):
                    self.lexemes.popleft()
                return tuple(signs[:count:2]), signs[count] == ":="
        return (), False

    def _operand(self, depth: int) -> TemplateOperand:
        lexeme = self.lexemes.popleft()
        kind, text = lexeme.kind, lexeme.text
        if kind == "sign":
            if text != "(":
                raise TemplateFault(self.line, f"a `{text}` that is not understood")
            pipe = self._pipe(depth + 1)
            if not self.lexemes:
                raise TemplateFault(self.line, "a `(` without a `)`")
            self.lexemes.popleft()
            return TemplateOperand("pipe", fields=self._fields(), pipe=pipe)
        if kind == "fields":
            return TemplateOperand("dot", fields=self._fields(text))
        if kind == "text":
            said = literal(text)
            return TemplateOperand("text", said, start=lexeme.start + 1 if said == text[1:-1] else -1)
        if kind in ("number", "dot", "variable", "word"):
            return TemplateOperand(kind, text, self._fields())  # type: ignore[arg-type]
        raise TemplateFault(self.line, "an action that is not understood")

    def _fields(self, first: str = "") -> tuple[str, ...]:
        names = first.split(".")[1:]
        while self.lexemes and self.lexemes[0].kind == "fields" and self.lexemes[0].is_attached:
            names += self.lexemes.popleft().text[1:].split(".")
        if len(names) > MAX_DEPTH:
            raise TemplateFault(self.line, "nested too deeply")
        return tuple(names)


def literal(text: str) -> str:
    """Return what a quoted text says; escapes other than those of quotes stay as they are, as no name has them."""
    return text[1:-1] if text[0] == "`" else text[1:-1].replace('\\"', '"').replace("\\\\", "\\")

"""The events of a YAML parser as tokens, each made when it is asked for: most of a large tree's are never needed.

The events of ruamel and of PyYAML have the same names and attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, overload

from ledger_tool.core.manifests.tokens import END, MAX_TOKENS, TextFault, TextToken, TokenKind

_KINDS: dict[str, TokenKind] = {
    "ScalarEvent": "scalar",
    "AliasEvent": "alias",
    "MappingStartEvent": "map",
    "SequenceStartEvent": "list",
    "MappingEndEvent": "end",
    "SequenceEndEvent": "end",
}
_kinds: dict[type, TokenKind | None] = {}  # of the classes of both parsers, as they are met
_WITH_ANCHOR = ("scalar", "map", "list")
_OPENINGS = frozenset("[{ \t")
_JSON = re.compile(r"[ \t]*(?:\[[ \t]*)?\{(?!\{)")
_new = tuple.__new__  # of a named tuple: a third of the time of calling its class


def may_have_structure(text: str) -> bool:
    """Return whether the text of a scalar may be a mapping or a list itself."""
    return "\n" in text or (text[:1] in _OPENINGS and _JSON.match(text) is not None)


class EventTokens(Sequence[TextToken]):
    """The tokens of a document. `kinds` has the kind of each."""

    __slots__ = ("_events", "_first_line", "_offset", "kinds")

    def __init__(self, events: Iterable[Any], offset: int, first_line: int, deepest: int) -> None:
        """Take the events of a text that begins at an offset and a line. Raises TextFault beyond a limit."""
        self.kinds: list[TokenKind] = []
        self._events: list[Any] = []
        self._offset = offset
        self._first_line = first_line
        add_kind, add_event = self.kinds.append, self._events.append
        depth = number = 0
        for event in events:
            of = type(event)
            try:
                kind = _kinds[of]
            except KeyError:
                kind = _kinds[of] = _KINDS.get(of.__name__)
            if kind is None:
                continue
            if number >= MAX_TOKENS:
                line = event.start_mark.line + first_line
                raise TextFault(line, f"a document of more than {MAX_TOKENS:,} keys and values")
            number += 1
            add_kind(kind)
            add_event(event)
            if kind == "scalar":
                continue
            if kind == "end":
                depth -= 1
            elif kind != "alias":
                depth += 1
                if depth > deepest:
                    start = event.start_mark
                    message = f"nested deeper than {deepest} levels"
                    raise TextFault(start.line + first_line, message, column=start.column + 1)

    def __len__(self) -> int:
        return len(self.kinds)

    @overload
    def __getitem__(self, at: int) -> TextToken: ...

    @overload
    def __getitem__(self, at: slice) -> list[TextToken]: ...

    def __getitem__(self, at: int | slice) -> TextToken | list[TextToken]:
        numbers = range(len(self.kinds))[at]
        return self.token(numbers) if isinstance(numbers, int) else [*map(self.token, numbers)]

    def token(self, number: int) -> TextToken:
        """Return one of the tokens; `[]` is for any sequence, and takes its time."""
        kind, event = self.kinds[number], self._events[number]
        if kind == "end":
            return END
        start, end, offset = event.start_mark, event.end_mark, self._offset
        return _new(TextToken, (
            start.index + offset, end.index + offset, start.line + self._first_line, start.column + 1,
            number, *_content(kind, event),
        ))  # fmt: skip

    def text(self, number: int) -> str:
        """Return the text of a scalar."""
        return self._events[number].value  # type: ignore[no-any-return]

    def texts(self, numbers: Iterable[int]) -> list[str]:
        """Return the texts of scalars."""
        events = self._events
        return [events[number].value for number in numbers]

    def with_structure(self) -> list[TextToken]:
        """Return the scalars whose text may have a mapping or a list: in several lines, or as JSON in one."""
        given = enumerate(zip(self.kinds, self._events, strict=True))
        texts = [(number, event.value) for number, (kind, event) in given if kind == "scalar"]
        may_be = [(number, text) for number, text in texts if "\n" in text or text[:1] in _OPENINGS]
        return [self.token(number) for number, text in may_be if may_have_structure(text)]

    def anchors(self) -> dict[int, str]:
        """Return the anchors, by the numbers of the tokens that have one."""
        given = enumerate(zip(self.kinds, self._events, strict=True))
        return {number: event.anchor for number, (kind, event) in given if kind in _WITH_ANCHOR and event.anchor}

    def contents(self) -> list[tuple[str, ...]]:
        """Return the `TextToken.content` of each."""
        return [*map(_content, self.kinds, self._events)]


def contents(tokens: Sequence[TextToken]) -> list[tuple[str, ...]]:
    """Return what each token says, wherever it is."""
    return tokens.contents() if isinstance(tokens, EventTokens) else [token.content for token in tokens]


def _content(kind: TokenKind, event: Any) -> tuple[str, ...]:
    """Return the `TextToken.content` of an event."""
    if kind == "scalar":
        tag = event.tag
        return kind, event.value, event.style or "", event.anchor or "", str(tag) if tag else ""
    if kind == "end":
        return END.content
    if kind == "alias":
        return kind, event.anchor, "", "", ""
    tag = event.tag
    return kind, "", "{" if event.flow_style else "", event.anchor or "", str(tag) if tag else ""

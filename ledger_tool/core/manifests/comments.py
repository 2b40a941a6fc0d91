"""The marks among the comments of YAML: what is outside of all scalars, where JSON has `//` and `/* */` too."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from ledger_tool.core.manifests.marks import IGNORE, NO_MARKS, Mark, Marks, find_marks, may_have_marks
from ledger_tool.core.manifests.shapes.keys import names_image, role
from ledger_tool.core.manifests.tokens import TextDocument, TextToken
from ledger_tool.core.policy.reference import parse_in_manifest
from ledger_tool.errors import InvalidValue


def marks_in(text: str, document: TextDocument, tokens: Sequence[TextToken]) -> Marks:
    """Return the marks of a document that has these tokens."""
    if not may_have_marks(text[document.start : document.end]):
        return NO_MARKS
    scalars = _scalars(tokens)
    starts = [token.start for token in scalars]

    def is_comment(offset: int) -> bool:
        index = bisect_right(starts, offset) - 1
        if index < 0 or offset >= scalars[index].end:
            return True
        token = scalars[index]  # behind the sign of a block scalar may be a comment
        return token.style in ("|", ">") and not set("\r\n") & set(text[token.start : offset])

    return find_marks(text, document, is_comment)


def needing_reference(marks: Marks, tokens: Sequence[TextToken]) -> list[Mark]:
    """Return the marks that have to be at a reference; what asks to ignore something that is ignored has its will."""
    if not marks:
        return []
    scalars = _scalars(tokens)
    starts = [token.start for token in scalars]
    needing = []
    for mark in marks.all:
        line = scalars[bisect_left(starts, mark.first) : bisect_right(starts, mark.last)] if mark.last >= 0 else []
        if mark.policy != IGNORE or mark.fault or not any(_is_passed(token, tokens) for token in line):
            needing.append(mark)
    return needing


def _scalars(tokens: Sequence[TextToken]) -> list[TextToken]:
    return [token for token in tokens if token.kind == "scalar" and token.start < token.end]


def _is_passed(token: TextToken, tokens: Sequence[TextToken]) -> bool:
    """Return whether a scalar is a reference in a place where none is read, or the key of what may be a part of one."""
    if names_image(token.text) or role(token.text):
        return token.number + 1 < len(tokens) and bool(tokens[token.number + 1].text.strip())
    try:
        reference = parse_in_manifest(token.text)
    except InvalidValue:
        return False
    return bool(reference.tag or reference.digest)

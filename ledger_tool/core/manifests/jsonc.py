"""JSON as editors and dev containers have it: with comments; and several values one after the other.

What YAML refuses in it becomes blanks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache

# A text in quotes stays, so that a URL in it is not a comment. What does not end goes to the end, so each character is
# looked at once.
_TEXTS_AND_COMMENTS = re.compile(
    r"\"(?:[^\"\\\r\n]|\\.)*+\"?|'(?:[^'\\\r\n]|\\.)*+'?|(?P<comment>//[^\r\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)",
    re.DOTALL,
)
_MAY_BE_COMMENT = re.compile(r"(?<!:)//|/\*")  # and not only URLs
_MAY_BE_SEVERAL = re.compile(r"[}\]][\s\ufeff]*+[{\[]")
_TEXTS_AND_BRACKETS = re.compile(r"\"(?:[^\"\\\r\n]|\\.)*+\"?|'(?:[^'\\\r\n]|\\.)*+'?|[{}\[\]]", re.DOTALL)
_REST_OF_LINE = re.compile(r"[^\r\n{\[]*(?:\r\n|\r|\n)?")
_NOT_BREAK = re.compile(r"[^\r\n]")
_MOST_LINES = 3


@lru_cache(4)  # each of several values asks
def without_comments(text: str) -> str:
    """Return a JSON text with blanks in place of `//` and `/* */` comments: nothing else, and no position, changes."""
    if not _MAY_BE_COMMENT.search(text):
        return text
    return _TEXTS_AND_COMMENTS.sub(lambda match: _NOT_BREAK.sub(" ", match[0]) if match["comment"] else match[0], text)


def values(text: str) -> list[int]:
    """Return where the values of a JSON text start, the first at 0; what is on the last line of one belongs to it."""
    bare = without_comments(text)
    return [0, *(_further(bare) if _MAY_BE_SEVERAL.search(bare) else ())]


def _further(bare: str) -> Iterator[int]:
    depth, end = 0, -1  # `end` is where the rest of the line behind a value ends
    for token in _TEXTS_AND_BRACKETS.finditer(bare):
        if token[0] in ("{", "["):
            if not depth and end >= 0:
                yield min(end, token.start())
            depth += 1
        elif token[0] in ("}", "]"):
            depth -= 1
            rest = _REST_OF_LINE.match(bare, token.end())
            end = rest.end() if rest and not depth else -1


def is_json_lines(text: str) -> bool:
    """Return whether a text is a sequence of JSON objects, one a line: data, which no tool takes for a manifest."""
    lines = [line for line in text[: 2**20].splitlines() if line.strip()][:_MOST_LINES]
    return len(lines) > 1 and all(map(_is_object, lines))


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False

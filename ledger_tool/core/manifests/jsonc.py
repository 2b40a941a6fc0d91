"""JSON as editors and dev containers have it: with comments. What YAML refuses in it becomes blanks."""

from __future__ import annotations

import json
import re

# A text in quotes stays, so that a URL in it is not a comment. What does not end goes to the end, so each character is
# looked at once.
_TEXTS_AND_COMMENTS = re.compile(
    r"\"(?:[^\"\\\r\n]|\\.)*+\"?|'(?:[^'\\\r\n]|\\.)*+'?|(?P<comment>//[^\r\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)",
    re.DOTALL,
)
_MAY_BE_COMMENT = re.compile(r"(?<!:)//|/\*")  # and not only URLs
_NOT_BREAK = re.compile(r"[^\r\n]")
_MOST_LINES = 3


def without_comments(text: str) -> str:
    """Return a JSON text with blanks in place of `//` and `/* */` comments: nothing else, and no position, changes."""
    if not _MAY_BE_COMMENT.search(text):
        return text
    return _TEXTS_AND_COMMENTS.sub(lambda match: _NOT_BREAK.sub(" ", match[0]) if match["comment"] else match[0], text)


def is_json_lines(text: str) -> bool:
    """Return whether a text is a sequence of JSON objects, one a line: data, which no tool takes for a manifest."""
    lines = [line for line in text[: 2**20].splitlines() if line.strip()][:_MOST_LINES]
    return len(lines) > 1 and all(map(_is_object, lines))


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False

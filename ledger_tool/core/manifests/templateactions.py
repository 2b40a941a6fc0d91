"""The actions of templates: where they are in a text, and which of them print nothing.

Those of Go and Jinja (`{{ … }}`), Jinja's statements and comments (`{% … %}`, `{# … #}`), ERB's (`<% … %>`) and
Terraform's (`%{ if … }`). Each text is passed over once, whatever it opens and does not close.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

_OPENED = re.compile(r"\{\{|\{[%#]|<%|%\{")
# Outside quotes, an action of Go has neither a colon nor another action, so none reaches over keys and values.
_GO = re.compile(
    r"\{\{(?:\"(?:[^\"\\\n]|\\.)*+\"|`[^`]*+`|'[^'{}\r\n]*+'|:=|\{(?!\{)|[^\"`:{}']++|'|\}(?!\}))*+(\}\})?", re.DOTALL
)
_COMMENT = re.compile(r"\{\{-?\s*/\*")
_COMMENT_END = re.compile(r"\*/\s*-?\}\}")
_OTHERS = {
    "{%": re.compile(r"\{%(?:[^%{]++|%(?!\})|\{(?!%))*+(%\})?"),
    "{#": re.compile(r"\{#(?:[^#{]++|#(?!\})|\{(?!#))*+(#\})?"),
    "<%": re.compile(r"<%(?:[^%<]++|%(?!>)|<(?!%))*+(%>)?"),
    "%{": re.compile(r"%\{(?:~?[ \t]*(?:if|else|endif|for|endfor)\b[^{}\r\n]*+(\})?)?"),
}
_MOST_OPEN = 50  # times the length of a text that may be passed over for what is opened and not closed
_SILENT = re.compile(
    r"\{\{-?\s*(?:/\*|(?:if|else|end|range|with|define|block|break|continue)\b|\$\w*\s*(?:,\s*\$\w+\s*)?:?=)"
    r"|\{[%#]|<%(?!=)|%\{"
)
_HASH = re.compile(r"(?<!\S)#")
_TEMPLATES = re.compile(r"(?:^|[/\\])templates[/\\]")
_WORDS = re.compile(r"[^\"`.$\ue000…]*+(?:(?<=\w)\.\w++[^\"`.$]*+)*+")


class TemplateSpan(NamedTuple):
    """Where an action is, and whether it prints nothing."""

    start: int
    end: int
    is_silent: bool = False
    is_comment: bool = False


@lru_cache(4)
def actions(text: str) -> Sequence[TemplateSpan]:
    """Return the actions of a text, in order."""
    return tuple(_actions(text))


def _actions(text: str) -> Iterator[TemplateSpan]:
    end, patience = 0, _MOST_OPEN * len(text)
    comment_end: re.Match[str] | None = None
    are_comments_over = False
    for opened in _OPENED.finditer(text):
        start = opened.start()
        if start < end:
            continue
        if comment := _COMMENT.match(text, start):
            # What ends one comment is looked for once, and not by each that is not closed.
            if not are_comments_over and (comment_end is None or comment_end.start() < comment.end()):
                comment_end = _COMMENT_END.search(text, comment.end())
                are_comments_over = comment_end is None
            end = comment_end.end() if comment_end else end
            closed = comment_end is not None
        else:
            found = _OTHERS.get(opened[0], _GO).match(text, start) if patience > 0 else None
            closed = bool(found and found[1])
            end = found.end() if found and closed else end
            patience -= found.end() - start if found and not closed else 0
        if closed:
            is_comment = bool(comment) or text[start : start + 2] == "{#" or text.startswith("<%#", start)
            yield TemplateSpan(start, end, bool(_SILENT.match(text, start)), is_comment)


def has_actions(text: str) -> bool:
    """Return whether a text is a template: a comment, and an expression of GitHub Actions (`${{ … }}`), make none."""
    line_start, hash_at, behind = 0, -1, 0
    for action in actions(text):
        if text.find("\n", behind, action.start) >= 0:
            line_start = text.rfind("\n", 0, action.start) + 1
            hash_at = -1
        behind = action.start
        if hash_at < 0:
            found = _HASH.search(text, line_start, action.start)
            hash_at = found.start() if found else -1
            line_start = action.start
        if hash_at < 0 and not text.endswith("$", 0, action.start):
            return True
    return False


def is_of_chart(path: str, part: str) -> bool:
    """Return whether a part of a file with actions is one of Helm's templates, not one of Ansible, Argo or another.

    Helm's are in a folder `templates`, and nowhere else, whatever an action says: values for `tpl` have `.Values` too,
    and so does Helmfile. All that an action of Go prints is a field, a variable or a text in quotes: one such as
    `{{ app_tag }}` is another engine's wherever it is.
    """
    found = [part[action.start : action.end] for action in actions(part)]
    if any(not action.startswith("{{") or _WORDS.fullmatch(action[2:-2]) for action in found):
        return False
    return bool(found) and bool(_TEMPLATES.search(path))

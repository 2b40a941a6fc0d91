"""Merge conflicts that were left in the text of a `ledger.json`, found by git's markers.

Source: git-merge(1), "How conflicts are presented".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.record import Name

UNRESOLVED = "an unresolved merge conflict"
_marker = re.compile(r"^(?:<{7,}|={7,}|>{7,}|\|{7,})(?: |\r?$)", re.MULTILINE)
_hunk = re.compile(
    r"^<{7,}(?: [^\n]*)?\n(?P<ours>.*?)(?:^\|{7,}(?: [^\n]*)?\n.*?)?^={7,}\r?\n(?P<theirs>.*?)^>{7,}(?: |\r?$)",
    re.MULTILINE | re.DOTALL,
)
_name = re.compile(r'"image": "([^"\n]*)",\r?\n\s*"tag": "([^"\n]*)"')
_digest = re.compile(r'"digest": "([^"\n]*)"')


def unresolved_conflicts(text: str) -> Iterator[tuple[int, str]]:
    """Yield the offset of each conflict in a text, and a message that says what it is about, where that is clear."""
    end = 0
    for hunk in _hunk.finditer(text):
        end = hunk.end()
        yield hunk.start(), _message(hunk["ours"], hunk["theirs"])
    if stray := _marker.search(text, end):
        yield stray.start(), UNRESOLVED


def _message(ours: str, theirs: str) -> str:
    names = {Name(*parts) for side in (ours, theirs) for parts in _name.findall(side)}
    if len(names) != 1:
        return UNRESOLVED
    our_digests, their_digests = (
        ", ".join(shown(digest) for digest in _digest.findall(side)) for side in (ours, theirs)
    )
    name = shown(str(names.pop()), 200)
    if our_digests == their_digests:
        return f"{UNRESOLVED}: the facts of {name}, {our_digests}, differ between the two sides"
    return f"{UNRESOLVED}: {name} is {our_digests or 'gone'} on one side and {their_digests or 'gone'} on the other"

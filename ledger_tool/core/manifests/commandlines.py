"""Command lines that set the image of a chart, as in the scripts of a pipeline: `helm upgrade --set image.tag=v1`.

What they deploy is not in any file with values, so it is only noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests.remark import ManifestNote
from ledger_tool.core.manifests.shapes.keys import says_image, words
from ledger_tool.core.manifests.tokens import line_breaks

# On a command line, or as an item of a list, in brackets or line by line, with the next one.
_NEXT = r"=|[ \t]+(?![ \t#])|[\"']?[ \t]*,\s{0,200}|[\"']?[ \t]*(?:[ \t]#[^\r\n]*)?(?:\r\n|\r|\n)[ \t]*-[ \t]+"
_SETS = re.compile(rf"--set(?:-string|-literal|-json|-file)?(?:{_NEXT})(?:\\?[\"'])?(?=([^\s\"'`]{{1,500}}))")
_PAIR = re.compile(r"(?:\A|,)([\w.\[\]\\-]{1,200})=")
_COMMENT = re.compile(r"(?:\A|[\r\n])[ \t]*#[^\r\n]*\Z")
_LONGEST = 500  # characters of a line that are looked at
_PARTS = frozenset({"tag", "digest", "image", "repository", "registry"})


def command_lines(path: str, text: str) -> Iterator[ManifestNote]:
    """Yield a note for each place in a text where a command line sets a part of an image for Helm."""
    if "--set" not in text:
        return
    line, end = 1, 0
    for found in _SETS.finditer(text):
        before = text[max(0, found.start() - _LONGEST) : found.start()]
        if _COMMENT.search(before):
            continue
        line, end = line + line_breaks(text[end : found.start()]), found.start()
        for pair in _PAIR.finditer(found[1]):
            said = words(pair[1])
            if says_image(pair[1]) or said[-1:] == ("tag",) or (len(said) > 1 and said[-1] in _PARTS):
                message = f"a command line sets `{shown(pair[1])}` of a chart, and what it deploys is not judged"
                yield ManifestNote(path, line, message, kind="command-line")

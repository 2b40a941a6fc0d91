"""`diff` as Markdown for a pull request, in as much detail as its reader and the host have room for.

GitHub accepts 65,536 characters, and nobody scrolls through ten lines for each record on a phone. So a review comes in
several sizes, and the first one that fits is taken: everything; without the full digests; a line for each tag; a short
one; the tags in the rows of the images' table; short ones there. Forced and unexplained moves keep their whole line for
as long as possible. In the last size the least serious changes are left out. The table counts the changes of every
image, and is never cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ledger_tool.core.judging.diff import TagChange
from ledger_tool.core.judging.files import ChangedFile
from ledger_tool.core.judging.owners import Owned
from ledger_tool.core.ledger.names import counted
from ledger_tool.render.diff import (
    MOST_VALUES,
    SETTINGS,
    counts,
    headline,
    some,
)  # fmt: skip
from ledger_tool.render.diff_entries import folded, one_line, sections, short_line, shortest_line
from ledger_tool.render.files import file_lines
from ledger_tool.render.markdown import code, link
from ledger_tool.render.owners import signature_lines

_MERGE = "\n***\nMerge by rebase or squash, and keep the commit message, which `ledger audit` reads"
_MERGE_SIGNED = (
    "\n***\nMerge by fast-forward, or in a merge commit: a squash or a rebase would lose the owner's signature. "
    "The commit has this message, which `ledger audit` reads"
)
_REQUEST_BYTES = 58_000  # GitLab takes 60,000 with a push, where a line break has two
_MESSAGE_BYTES = 50_000
MARKDOWN_BYTES = 60_000  # bytes, not characters, and with room for what a bot adds
_LINES = 60  # for each 50 records
_MOST_FILES = 10
_MORE_BYTES = 24  # ` and 123456 more`
_AND_BYTES = 5  # the first tag of a row turns `12 more` into `…, and 12 more`


def as_markdown(
    changes: Sequence[TagChange],
    *,
    settings_changed: bool = False,
    files: Sequence[ChangedFile] = (),
    owned: Sequence[Owned] = (),
    limit: int = MARKDOWN_BYTES,
) -> str:
    """Return Markdown of at most `limit` bytes, and of at most 60 lines for each 50 records.

    It says what is omitted. Nothing in a record can break out of it.
    """
    head = f"**{headline(changes)}**\n" + (f"\n**{SETTINGS}.**\n" if settings_changed else "")
    if files:
        head += f"\n**Other files change:** {', '.join(file_lines(files, code, _MOST_FILES))}\n"
    if owned:
        head += "\n" + "".join(f"- **{line}**\n" for line in signature_lines(owned, code, MOST_VALUES))
    records = sum(len(change.effects) for change in changes)
    lines = max(_LINES, records * _LINES // 50)
    for size in _SIZES:
        text = head + size(changes)
        if len(text.encode()) <= limit and text.count("\n") <= lines:
            return text
    return head + _shortened(changes, limit - len(head.encode()))


def as_request(changes: Sequence[TagChange], message: str, owned: Sequence[Owned] = ()) -> str:
    """Return the text of a request to merge a commit: what it does, and at the end its message.

    Some hosts take the text for the message of a squash. Four blanks make the message code: nothing in it acts, and
    `parse_message` reads it all the same. One of extreme length is left out. What is `owned` is signed, and has to land
    as it is.
    """
    indented = "".join(f"    {line}".rstrip(" ") + "\n" for line in message.rstrip("\n").split("\n"))
    ending = (_MERGE_SIGNED if owned else _MERGE) + (
        f":\n\n{indented}" if len(indented.encode()) <= _MESSAGE_BYTES else ".\n"
    )
    return as_markdown(changes, owned=owned, limit=_REQUEST_BYTES - len(ending.encode()) - _LINES * 50) + ending


def _in_full(changes: Sequence[TagChange]) -> str:
    return _images(changes) + "".join(sections(changes)) + folded(changes)


def _without_digests(changes: Sequence[TagChange]) -> str:
    return _images(changes) + "".join(sections(changes)) + _omitted("Full digests are")


def _line_by_line(changes: Sequence[TagChange]) -> str:
    compared = [url for url in dict.fromkeys(change.compare for change in changes) if url]
    numbers = [f" ({number})" if len(compared) > 1 else "" for number in range(1, len(compared) + 1)]
    links = [link(f"compare the source{number}", url) for number, url in zip(numbers, compared, strict=True)]
    told = f"\n{some(links)}\n" if links else ""
    return _images(changes) + _lines(one_line(change, str(change.name)) for change in changes) + told + _DETAILS


def _in_short_lines(changes: Sequence[TagChange]) -> str:
    return _images(changes) + _lines(short_line(change, str(change.name)) for change in changes) + _DETAILS


def _in_rows(changes: Sequence[TagChange]) -> str:
    return _table(changes, {id(change): one_line(change, change.name.tag) for change in changes}) + _DETAILS


def _in_short_rows(changes: Sequence[TagChange]) -> str:
    return _table(changes, {id(change): short_line(change, change.name.tag) for change in changes}) + _DETAILS


def _in_shortest_rows(changes: Sequence[TagChange]) -> str:
    return _table(changes, {id(change): shortest_line(change) for change in changes}) + _DETAILS


_SIZES = (_in_full, _without_digests, _line_by_line, _in_short_lines, _in_rows, _in_short_rows, _in_shortest_rows)


def _shortened(changes: Sequence[TagChange], room: int) -> str:
    """Return the table with the most serious changes that fit into `room` bytes, and say how many are missing."""
    images = _by_image(changes)
    ending = _omitted(f"Details and {counted(len(changes), 'image:tag')} are")
    free = room - len((_table(changes, {}) + ending).encode())
    free -= _AND_BYTES * sum(len(own) > 1 for own in images.values())
    if free < 0:
        names = _table(changes, None)
        names = names if len((names + ending).encode()) <= room else _names_only(images, room - len(ending.encode()))
        urgent = _urgent(changes, room - len((names + ending).encode()))
        return names + urgent + _omitted("All else is")
    lines: dict[int, str] = {}
    for change in sorted(changes, key=lambda change: change.gravity):
        line = shortest_line(change)
        free -= len(line.encode()) + 2
        if free < 0:
            break
        lines[id(change)] = line
    missing = len(changes) - len(lines)
    return _table(changes, lines) + _omitted(f"Details and {counted(missing, 'image:tag')} are")


def _urgent(changes: Sequence[TagChange], room: int) -> str:
    """Return as many lines about forced and unexplained moves as fit."""
    lines: list[str] = []
    for change in changes:
        line = one_line(change, str(change.name))
        room -= len(line.encode()) + 4
        if change.gravity or room < 0:
            break
        lines.append(line)
    return _lines(lines) if lines else ""


def _names_only(images: Mapping[str, Sequence[TagChange]], room: int) -> str:
    """Return the names of images by what happens to them; of those that do not fit, the number."""
    alike: dict[str, list[str]] = {}
    for image, own in images.items():
        alike.setdefault(counts(own), []).append(code(image))
    text = ""
    for what, names in alike.items():
        room -= len(what) + _MORE_BYTES
        fitting: list[str] = []
        for name in names:
            room -= len(name.encode()) + 2
            if room < 0:
                break
            fitting.append(name)
        if room < 0 and not fitting:
            break
        more = f" and {len(names) - len(fitting)} more" if len(fitting) < len(names) else ""
        text += f"\n- {what} each: {', '.join(fitting)}{more}\n"
    return text


def _omitted(what: str) -> str:
    return f"\n_{what} omitted here; `ledger diff` shows them._\n"


_DETAILS = _omitted("Details are")


def _lines(lines: Iterable[str]) -> str:
    return "\n" + "".join(f"- {line}\n" for line in lines)


def _by_image(changes: Sequence[TagChange]) -> Mapping[str, list[TagChange]]:
    images: dict[str, list[TagChange]] = {}
    for change in changes:
        images.setdefault(change.name.image, []).append(change)
    return images


def _images(changes: Sequence[TagChange]) -> str:
    """Return the table of counts; for one image, the headline has them, and what is promoted has a line each."""
    changes = [change for change in changes if not change.is_step]
    return _table(changes, None) if len(_by_image(changes)) > 1 else ""


def _table(changes: Sequence[TagChange], lines: Mapping[int, str] | None) -> str:
    """Return a table with a row for each image: what happens to how many of its tags and, with `lines`, to which."""
    rows = (
        ["", "| image | changes |", "|---|---|"]
        if lines is None
        else ["", "| image | changes | tags |", "|---|---|---|"]
    )
    for image, own in _by_image(changes).items():
        row = f"| {_cell(code(image))} | {counts(own)} |"
        if lines is not None:
            told = [lines[id(change)] for change in own if id(change) in lines]
            more = f"{' and ' if told else ''}{len(own) - len(told)} more" if len(told) < len(own) else ""
            row += f" {_cell('; '.join(told))}{more} |"
        rows.append(row)
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")  # the only thing that ends a cell, also within code

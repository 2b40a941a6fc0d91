"""From the sites of a text and their new values to a new text that differs in nothing else.

Each edit replaces one stretch of the text, or adds a line. A site that cannot be written without changing more than the
wanted values, such as a reference folded over several lines, is refused with a reason, and left unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile

from ledger_tool.core.manifests.events import contents
from ledger_tool.core.manifests.site import MissingDigest, Site, SiteField
from ledger_tool.core.manifests.tokens import END, TextDocument, TextToken
from ledger_tool.core.manifests.yamltree import plain_type
from ledger_tool.core.policy.reference import written

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_COLON = re.compile(r"[ \t]*:")
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\r\n]*)?(\r\n|\r|\n|\Z)")
# In flow style; of JSON too.
_COMMENT_AFTER = re.compile(
    r"[ \t]*(?:,[ \t]*)?(?:(?<=[ \t])#[^\r\n]*|//[^\r\n]*|/\*(?:(?!\*/)[^\r\n])*\*/[ \t]*(?=[\r\n]))"
)


class SpliceRefused(Exception):
    """A site cannot be written; the reason is part of a message."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class WantedVersion:
    """The new tag of a site, or `""` to keep it without one, and its new digest."""

    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Splice:
    """One stretch of a text, replaced: `value` is what the scalar `token` then says.

    For a new field, `token` is the scalar (or alias) that it follows, and `key` its name.
    """

    start: int
    end: int
    text: str
    token: TextToken
    value: str
    key: str = ""


def splices(site: Site, wanted: WantedVersion, text: str) -> list[Splice]:
    """Return the splices that make a site say what is wanted; none if it already does. Raises SpliceRefused."""
    if site.locked:
        raise SpliceRefused(site.locked)
    if site.misprint:
        raise SpliceRefused(site.misprint)
    if site.read_as and wanted.tag in ("", site.tag, site.read_as):
        raise SpliceRefused(
            f"its tag has no quotes, and YAML reads the number {site.read_as}: quote the tag that is meant"
        )
    values = [(field, _value(site, field, wanted)) for field in site.fields]
    changes = [_replaced(field, value, text) for field, value in values if value != field.token.text.strip()]
    if site.missing and wanted.digest and site.fields[0].part != "tagged":
        changes.append(_added(site.missing, _hex(wanted.digest) if site.missing.is_hex else wanted.digest, text))
    holds_digest = site.missing or any(field.part != "tag" for field in site.fields)
    if wanted.digest and not holds_digest:
        raise SpliceRefused("there is no place for its digest: the tag comes from a mapping merged into this one")
    return changes


def applied(text: str, document: TextDocument, changes: Sequence[Splice]) -> str:
    """Return the text of a document with all splices applied. Raises SpliceRefused if two overlap and differ."""
    parts = []
    end = document.start
    # A field that is added comes after a value that is filled in at the same place.
    for change in sorted(set(changes), key=lambda change: (change.start, change.end, change.key)):
        if change.start < end:
            raise SpliceRefused("several images share one value through an alias and need different ones")
        parts += [text[end : change.start], change.text]
        end = change.end
    return "".join([*parts, text[end : document.end]])


def is_exactly(before: Sequence[TextToken], after: Sequence[TextToken], changes: Sequence[Splice]) -> bool:
    """Return whether a document's tokens after a splice are those before with exactly the wanted changes."""
    values = {change.token.number: change.value for change in changes if not change.key}
    added = {change.token.number: (change.key, change.value) for change in changes if change.key}
    old_contents, new_contents = contents(before), contents(after)
    at, gained = 0, 0  # how far both are compared, and by how many tokens the new ones are ahead
    for number in sorted({*values, *added}):
        if old_contents[at:number] != new_contents[at + gained : number + gained] or number + gained >= len(after):
            return False
        token, new, value = before[number], after[number + gained], values.get(number)
        if not (token.content == new.content if value is None else _is_edited(token, new, value)):
            return False
        for word in added.get(number, ()):
            gained += 1
            field = after[number + gained] if number + gained < len(after) else END
            if not (_is_text(field) and field.text == word and not field.anchor):
                return False
        at = number + 1
    return old_contents[at:] == new_contents[at + gained :]


def _is_edited(token: TextToken, new: TextToken, value: str) -> bool:
    """Return whether a scalar now says a value, as text; its quotes may have changed, but not its anchor or tag."""
    return _is_text(new) and new.text.strip() == value and (new.anchor, new.tag) == (token.anchor, token.tag)


def _is_text(token: TextToken) -> bool:
    return token.kind == "scalar" and (bool(token.style) or not plain_type(token.text))


def _value(site: Site, field: SiteField, wanted: WantedVersion) -> str:
    if field.part == "whole":
        return field.opening + written(site.name, wanted.tag, wanted.digest) + field.closing
    if field.part == "emptied":
        return ""
    if field.part in ("tag", "tagged"):
        return written(wanted.tag or site.tag, "", wanted.digest if field.part == "tagged" else "")
    return _hex(wanted.digest) if field.part == "hex" else wanted.digest


def _hex(digest: str) -> str:
    if not digest.startswith("sha256:"):
        raise SpliceRefused("its field takes the digits of a sha256 digest, and this digest uses another algorithm")
    return digest.removeprefix("sha256:")


def _replaced(field: SiteField, value: str, text: str) -> Splice:
    """Return the splice that makes a scalar say another value: changing as few characters as its style allows."""
    token = field.token
    properties = _PROPERTIES.match(text, token.start, token.end)
    start = properties.end() if properties else token.start
    body, old = text[start : token.end], token.text.strip()
    if not old or (body == old and plain_type(old)):
        return _filled(field, start, body, value, text)
    if token.style == "" and body == old and plain_type(value):
        return Splice(start, token.end, f'"{value}"', token, value)
    for mark in ("/", "\\/"):  # JSON may escape a slash
        written_so = old.replace("/", mark)
        if body.count(written_so) == 1 and (mark == "/" or token.style == '"'):
            offset = start + body.index(written_so)
            return _narrowed(Splice(offset, offset + len(written_so), value.replace("/", mark), token, value), text)
    raise SpliceRefused("it is written with escapes or over several lines")


def _narrowed(splice: Splice, text: str) -> Splice:
    """Leave the common beginning out of a splice: `@sha256:…` is added after a tag that stays."""
    old = text[splice.start : splice.end]
    same = len(old)
    if not splice.text.startswith(old):
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, splice.text, strict=False)))
    return replace(splice, start=splice.start + same, text=splice.text[same:])


def _filled(field: SiteField, start: int, body: str, value: str, text: str) -> Splice:
    """Return the splice for a scalar that is empty, or that YAML does not read as text."""
    plain = f'"{value}"' if plain_type(value) else value
    if body in ('""', "''"):
        return Splice(start + 1, start + 1, value, field.token, value)
    if body and body == field.token.text:
        return Splice(start, start + len(body), plain, field.token, value)
    # For a missing value, the parser gives the position of what comes next; its place is right after the colon.
    colon = _COLON.match(text, field.key.end) if field.key and not body else None
    if not colon:
        raise SpliceRefused("its empty value is written in an unusual way")
    return Splice(colon.end(), colon.end(), f" {plain}", field.token, value)


@lru_cache(1)
def _line_break(text: str) -> str:
    """Return the first line break of a text, which may be long and have none."""
    found = re.search(r"\r\n|\r|\n", text)
    return found[0] if found else "\n"


def _added(missing: MissingDigest, value: str, text: str) -> Splice:
    """Return the splice that adds a digest field after the tag: on its own line, with its indent and line break."""
    beside, after = missing.beside, missing.after
    line_start = text.rfind("\n", 0, beside.start) + 1
    line_start = max(line_start, text.rfind("\r", line_start, beside.start) + 1)
    indent = text[line_start : beside.start].lstrip("\ufeff")
    line_break = _line_break(text)
    key = f"{beside.style}{missing.key}{beside.style}" if beside.style in ('"', "'") else missing.key
    if missing.in_flow:
        quote = after.style if after.style in ('"', "'") else ""
        between = text[beside.end : after.start]
        colon = between if re.fullmatch(r":[ ]*", between) else ": "
        lead = f",{line_break}{indent}" if re.fullmatch(r"[ \t]+", indent) else ", "
        is_empty = after.start == after.end  # its place is then that of what comes next, or the one before the blanks
        place = beside.end + len(between.rstrip()) if is_empty else after.end
        behind = _COMMENT_AFTER.match(text, place)
        if behind and not lead.startswith(", "):  # a comment stays on the tag's line
            comma_first, comma_last = ("", ",") if behind[0].lstrip().startswith(",") else (",", "")
            added = f"{comma_first}{behind[0]}{lead[1:]}{key}{colon}{quote}{value}{quote}{comma_last}"
            return Splice(place, behind.end(), added, after, value, missing.key)
        return Splice(place, place, f"{lead}{key}{colon}{quote}{value}{quote}", after, value, missing.key)
    if after.style in ("|", ">") or text.find("\n", after.start, after.end) >= 0 or not re.fullmatch(r"[ -]*", indent):
        raise SpliceRefused("its tag is not on one line, so no digest can be added below it")
    end = _REST_OF_LINE.match(text, after.end)
    if not end:
        raise SpliceRefused("its tag is followed by other text, so no digest can be added below it")
    line = f"{' ' * len(indent)}{key}: {value}"
    added = f"{line}{end[1]}" if end[1] else f"{line_break}{line}"
    return Splice(end.end(), end.end(), added, after, value, missing.key)

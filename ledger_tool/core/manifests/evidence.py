"""Whether a text that no parser reads, or that is too large for one, may be a manifest: by what can be seen in it.

It may be one if something that may be a reference stands at a key for images. A URL, a path or a sentence there is no
sign of one.
"""

from __future__ import annotations

import re

from ledger_tool.core.manifests.ours import NOBODYS, OurImages
from ledger_tool.core.manifests.shapes.keys import names_image, words
from ledger_tool.core.manifests.shapes.whole import has_tag
from ledger_tool.core.manifests.templatetext import COVER
from ledger_tool.core.manifests.yamltree import plain_type
from ledger_tool.core.policy.reference import is_no_reference, is_unlikely, parse_in_manifest
from ledger_tool.errors import InvalidValue

_KEY = re.compile(r"docker:\\?/|\b(?:[iI]mages?|container|services|steps|repository|newName)[\"']?[ \t]*:[ \t]*")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]+)*(?:[|>][-+0-9]*[ \t]*[\r\n]+[ \t]*)?")
_SCALAR = re.compile(r"\"([^\"\r\n]*)\"|'([^'\r\n]*)'|((?:(?![ \t]#)[^\r\n,\[\]{}\"'])*)")
_BELOW = re.compile(
    r"\b(?:name|repository|reference|newName|image)[\"']?[ \t]*:[ \t]*"
    r"|(?:^|[\r\n\[])[ \t]*+(?:-[ \t]+)?+(?![\"']?[\w.$-]+[\"']?[ \t]*:(?:[\s\"'\[{]|\Z))"
)
_OPEN = re.compile(
    r"[\"']?\{\{(?![^\r\n]{0,1000}\}\})"
)  # an action that its line does not close: a template with a slip
_ALIAS = re.compile(r"\*[\w.-]+")
_NEARBY = 300  # characters
_LONGEST = 1000  # characters of what may be a reference, so that no line is passed over again and again
_A_PAIR = r"[\"']?[\w.$-]+[\"']?[ \t]*:(?:[\s\"'\[{]|\Z)"
_PAIR = re.compile(r"(?<![\w.-])([\w.-]+)[\"']?[ \t]*:(?=[\s\"'\[{]|\Z)[ \t]*")
_ON_NEXT_LINE = re.compile(
    rf"(?:[&!]\S{{1,100}})?[ \t]{{0,100}}(?:#[^\r\n]{{0,300}})?(?:\r\n|\r|\n)[ \t]++(?!-[ \t])(?!{_A_PAIR})"
)
_REST_OF_LINE = re.compile(r"[^\r\n]*")
_ITEM = re.compile(r"[ \t]*(?:-[ \t]+)+")
_AT_IMAGES = frozenset({"image", "images", "newName", "newTag", "repository"})


def shows_reference(text: str, ours: OurImages = NOBODYS) -> bool:
    """Return whether a text has something that may be a reference to an image, in a place for one; ours, in any."""
    if any(re.search(rf"(?<![\w./-]){re.escape(host)}\\?/[a-z0-9]", text) for host in ours.hosts):
        return True
    if any(re.search(rf"\b{re.escape(key)}[\"']?[ \t]*:", text) for key in ours.keys):
        return True
    return any(_is_shown_at(text, match.end()) for match in _KEY.finditer(text))


def _is_shown_at(text: str, offset: int) -> bool:
    """Return whether what follows a key may be a reference, or contain one."""
    if text[offset - 1] == "/" or _OPEN.match(text, offset):
        return True
    if value := _scalar_at(text, offset):
        return _may_be_reference(value)
    nearby = text[offset : offset + _NEARBY]
    return any(_may_be_reference(_scalar_at(nearby, match.end())) for match in _BELOW.finditer(nearby))


def _scalar_at(text: str, offset: int) -> str:
    """Return the text of the scalar at an offset, or `""` if something else is there."""
    end = offset + _LONGEST
    properties = _PROPERTIES.match(text, offset, end)
    match = _SCALAR.match(text, properties.end() if properties else offset, end)
    return next((group for group in match.groups() if group), "").strip() if match and match.end() < end else ""


def _may_be_reference(text: str) -> bool:
    if plain_type(text) or is_no_reference(text):
        return bool(_ALIAS.fullmatch(text))
    try:
        return not is_unlikely(parse_in_manifest(text), has_fields=False)
    except InvalidValue:  # a mistake or a variable
        return True


def may_name_image(text: str, start: int, end: int, ours: OurImages) -> bool:
    """Return whether a line of a text that no parser reads may name an image, in any form that a parser would read."""
    if any(_is_image(match[1], text, match.end(), end, ours) for match in _PAIR.finditer(text, start, end)):
        return True
    item = _ITEM.match(text, start, end)
    value = _scalar_at(text, item.end()) if item else ""
    return ours.has_reference(value) or ours.has_name(value)


def end_of_value(text: str, line: re.Match[str]) -> int:
    """Return where a line ends, or the next one if it has the value of the line's key."""
    for pair in _PAIR.finditer(text, line.start(), line.end()):
        below = _ON_NEXT_LINE.match(text, pair.end())
        if below and (rest := _REST_OF_LINE.match(text, below.end())):
            return rest.end()
    return line.end()


def _is_image(key: str, text: str, offset: int, end: int, ours: OurImages) -> bool:
    """Return whether a key with what follows it may name an image, or a part of one."""
    below = _ON_NEXT_LINE.match(text, offset)
    value = _scalar_at(text, below.end() if below else offset)
    if COVER in value:
        return False
    if key in ours.keys or "docker://" in value:
        return bool(value)
    if key == "container":
        return has_tag(value) and _may_be_reference(value)
    if key in _AT_IMAGES:
        is_one = _may_be_reference(value) or (key == "newTag" and bool(value))
    else:
        is_one = ours.has_name(value) or (bool(value) and names_image(key) and words(key)[-1:] == ("tag",))
    return is_one or (names_image(key) and _has_host(f"{text[offset : min(end, offset + _NEARBY)]} {value}", ours))


def _has_host(text: str, ours: OurImages) -> bool:
    """Return whether a text has an image of a registry of ours, no part of which an action prints."""
    found = (match[0] for host in ours.hosts for match in re.finditer(rf"{re.escape(host)}/[^\s,\"'\]}}]+", text))
    return any(COVER not in one for one in found)

"""The names in a ledger's bytes, found without reading its records: for a shell that waits to complete a word.

Only names of their grammars are found, whatever else stands in the file. They hold no character that a shell reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ledger_tool.core.ledger import names

# In the canonical form, a record's own fields have six blanks in front; those of its labels have eight.
_KEY = re.compile(rb'\n {6}"image": "([^"\\\n]+)",\n {6}"tag": "([^"\\\n]+)"')
_PLATFORM = re.compile(rb'\n {6}"platform": "([^"\\\n]+)"')
_PLAIN = re.compile(r"[a-z0-9_./]+")  # not the version of a Windows, which stands in parentheses


def images(raw: bytes) -> list[str]:
    """Return all images, in their order."""
    return list(dict.fromkeys(image for image, _ in _image_tags(raw)))


def tags(raw: bytes, image: str) -> list[str]:
    """Return the tags of an image, in their order."""
    return list(dict.fromkeys(tag for of, tag in _image_tags(raw) if of == image))


def platforms(raw: bytes) -> list[str]:
    """Return all platforms that a shell takes as they are, sorted."""
    found = (text.decode("utf-8", "replace") for text in set(_PLATFORM.findall(raw)))
    return sorted(text for text in found if _PLAIN.fullmatch(text) and re.fullmatch(names.PLATFORM, text))


def _image_tags(raw: bytes) -> Iterator[tuple[str, str]]:
    for key in dict.fromkeys(_KEY.findall(raw)):  # a record of each platform has the same
        image, tag = (part.decode("utf-8", "replace") for part in key)
        if re.fullmatch(names.IMAGE, image) and re.fullmatch(names.TAG, tag):
            yield image, tag

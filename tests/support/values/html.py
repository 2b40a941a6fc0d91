"""Pages as a browser reads them: by the rules of HTML, which html5lib follows, without any error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

import html5lib


class Shape(NamedTuple):
    """An element without what it says: its name, and those of its attributes."""

    name: str
    attributes: tuple[str, ...]


def parsed(content: bytes) -> Element:
    """Return the root of a page; whatever the rules of HTML call an error is one."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    root = parser.parse(content, transport_encoding="utf-8")
    assert isinstance(root, Element)
    return root


def shapes(root: Element) -> Iterator[Shape]:
    """Yield the shapes of all elements, in order."""
    return (Shape(str(each.tag), tuple(sorted(each.keys()))) for each in root.iter())


def ids(root: Element) -> list[str]:
    """Return the ids of a page."""
    return [each.attrib["id"] for each in root.iter() if "id" in each.attrib]


def links(root: Element) -> list[str]:
    """Return whatever a page leads to or loads."""
    return [each.attrib[name] for each in root.iter() for name in ("href", "src") if name in each.attrib]


def text_of(root: Element) -> str:
    """Return the text of a page: that of its elements, with one space between any two words."""
    return " ".join(" ".join(root.itertext()).split())

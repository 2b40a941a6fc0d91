"""A file of a site."""

from __future__ import annotations

from typing import NamedTuple


class SiteFile(NamedTuple):
    """A file to be written below the root of a site, at a path of `paths.py`."""

    path: str
    content: bytes

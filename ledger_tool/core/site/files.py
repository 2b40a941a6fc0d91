"""A file of a site, and what became of the folder that it was written to."""

from __future__ import annotations

from typing import NamedTuple


class SiteFile(NamedTuple):
    """A file to be written below the root of a site, at a path of `paths.py`."""

    path: str
    content: bytes


class SiteWritten(NamedTuple):
    """What a run did to the folder of a site: how many files it has now, and how many were written and removed."""

    files: int
    written: int
    removed: int

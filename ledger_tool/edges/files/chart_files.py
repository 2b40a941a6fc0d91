"""The files in which charts are looked for: those on disk, or those of a commit or an archive."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

MAX_ARCHIVE = 20 * 2**20  # unpacked; larger files are not read either
_ORIGIN = re.compile(r"^[ \t]*\[remote \"origin\"\][^\[]*?^[ \t]*url[ \t]*=[ \t]*(\S+)", re.MULTILINE)
_BATCH = 200  # files at a time


class ChartFiles(Protocol):
    """Files by their paths, which have slashes."""

    def names(self, folder: str) -> list[tuple[str, bool]]:
        """Return the names in a folder, sorted, each with whether it is a folder; none if there is no such folder."""

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None if there is none, or a very large one."""

    def contents(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """Yield each of many files with its content, as `read` returns it."""

    def is_top(self, folder: str) -> bool:
        """Return whether nothing above a folder belongs to it."""

    def origin(self, top: str) -> str:
        """Return the URL of the repository that has its top in a folder, or `""` if it is not known."""


class DiskFiles:
    """Files on disk. Symbolic links are followed to files, not to folders."""

    def names(self, folder: str) -> list[tuple[str, bool]]:
        """Return what is in a folder."""
        try:
            with os.scandir(folder) as entries:
                return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        except OSError:
            return []

    def read(self, path: str) -> bytes | None:
        """Return what is in a file."""
        try:
            if not stat.S_ISREG(Path(path).stat().st_mode):
                return None
            with open(path, "rb") as stream:
                raw = stream.read(MAX_ARCHIVE + 1)
        except OSError:
            return None
        return raw if len(raw) <= MAX_ARCHIVE else None

    def contents(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """Yield what is in each file."""
        return ((path, self.read(path)) for path in paths)

    def is_top(self, folder: str) -> bool:
        """Return whether a folder is the top of a repository, or of the disk."""
        return Path(folder).parent == Path(folder) or Path(folder, ".git").exists()

    def origin(self, top: str) -> str:
        """Return the URL of a checkout's `origin`, if its `.git` is a folder."""
        settings = (self.read(f"{top}/.git/config") or b"").decode("utf-8", "replace")
        found = _ORIGIN.search(settings)
        return found[1] if found else ""


class FilesByPath:
    """Files of which all paths are known: those of a commit, or of an archive."""

    def __init__(
        self,
        paths: Mapping[str, object],
        read: Callable[[str], bytes | None],
        read_all: Callable[[Sequence[str]], Iterable[bytes]] | None = None,
        origin: str = "",
    ) -> None:
        self._origin = origin
        self._read = read
        self._read_all = read_all
        self._paths = paths
        self._folders: dict[str, set[tuple[str, bool]]] = {}
        for path in paths:
            name, is_folder = path, False
            while name:
                folder, _, last = name.rpartition("/")
                self._folders.setdefault(folder, set()).add((last, is_folder))
                name, is_folder = folder, True

    def names(self, folder: str) -> list[tuple[str, bool]]:
        """Return what is in a folder."""
        return sorted(self._folders.get(folder, ()))

    def read(self, path: str) -> bytes | None:
        """Return what is in a file."""
        return self._read(path) if path in self._paths else None

    def contents(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """Yield what is in each file."""
        if not self._read_all:
            yield from ((path, self.read(path)) for path in paths)
            return
        known = [path for path in paths if path in self._paths]
        for start in range(0, len(known), _BATCH):
            batch = known[start : start + _BATCH]
            yield from zip(batch, self._read_all(batch), strict=True)

    def is_top(self, folder: str) -> bool:
        """Return whether a folder is the one that contains all."""
        return not folder

    def origin(self, top: str) -> str:
        """Return the URL of the repository that has the commit."""
        del top
        return self._origin

"""The files that hold manifests: those that a person named, and the YAML and JSON files in folders that they named.

A folder's symbolic links are not followed, to files or to folders: what they lead to is either in the folder
anyway, or none of its business. A link that a person names is followed. `.git` is no place for manifests.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ledger_tool.core.names import shown
from ledger_tool.core.rewriting import Judge, Note, Rewritten, may_name_images, rewrite
from ledger_tool.edges.files import local_errors, replace_atomically
from ledger_tool.errors import LocalDiskError, UsageError

MAX_FILE = 10 * 2**20
_SUFFIXES = (".yaml", ".yml", ".json")
_NO_PLACES = {".git", ".hg", ".svn"}


@dataclass(frozen=True, slots=True)
class Manifest:
    """One file: its path as a person would write it, and where it really is."""

    path: str
    place: Path


class FolderManifests:
    """Manifests on disk; see `commands.rewrite.Manifests`."""

    def __init__(self, paths: Sequence[str], exclude: Sequence[str] = ()) -> None:
        self._exclude = tuple(exclude)
        found: dict[str, Manifest] = {}
        for path in paths:
            for one in self._under(path):
                found.setdefault(os.path.realpath(one.place), one)
        self.files = list(found.values())
        self._seen: dict[str, bytes] = {}

    def rewritten(self, judge: Judge, progress: Callable[[int, int], None]) -> Iterator[Rewritten]:
        """Yield what a judge makes of each file, in their order; what can't be read becomes a note."""
        from ledger_tool.edges.yamlpositions import tokens

        for at, one in enumerate(self.files, 1):
            raw = _read(one)
            if isinstance(raw, Note):
                yield Rewritten(one.path, notes=[raw])
            elif may_name_images(raw):
                done = rewrite(one.path, raw, tokens, judge)
                if done.content is not None:
                    self._seen[one.path] = raw
                yield done
            progress(at, len(self.files))

    def replace(self, done: Rewritten) -> str:
        """Give a file its new content, whole or not at all; return why not, or `""`."""
        one = next(one for one in self.files if one.path == done.path)
        assert done.content is not None
        if _read(one) != self._seen[done.path]:
            return "it was changed by somebody else meanwhile"
        try:
            replace_atomically(Path(os.path.realpath(one.place)), done.content)
        except LocalDiskError:
            raise
        except UsageError as error:
            return error.message
        return ""

    def _under(self, path: str) -> Iterator[Manifest]:
        place = Path(path)
        with local_errors(path, "read"):
            mode = place.stat().st_mode
        if stat.S_ISDIR(mode):
            yield from self._in_folder(path)
        elif stat.S_ISREG(mode):
            yield Manifest(path, place)
        else:
            raise UsageError(f"{shown(path, 300)} is neither a file nor a folder", "name files, or folders of files")

    def _in_folder(self, top: str) -> Iterator[Manifest]:
        def unreadable(error: OSError) -> None:
            with local_errors(error.filename or top, "read"):
                raise error

        for folder, folders, names in os.walk(top, onerror=unreadable):
            folders[:] = sorted(name for name in folders if name not in _NO_PLACES)
            for name in sorted(names):
                path = os.path.join(folder, name)
                below = os.path.relpath(path, top)
                is_meant = name.lower().endswith(_SUFFIXES) and not self._is_excluded(below, name)
                if is_meant and stat.S_ISREG(os.lstat(path).st_mode):
                    yield Manifest(os.path.normpath(path), Path(path))

    def _is_excluded(self, below: str, name: str) -> bool:
        path = Path(below)
        places = [name, below, *(str(parent) for parent in path.parents)]
        return any(fnmatchcase(place, glob.rstrip("/")) for glob in self._exclude for place in places)


def _read(one: Manifest) -> bytes | Note:
    """Return a file's bytes, or why it is not looked at."""
    try:
        with open(one.place, "rb") as file:
            raw = file.read(MAX_FILE + 1)
    except OSError as error:
        return Note(one.path, 1, f"not looked at: {(error.strerror or str(error)).lower()}", is_fault=True)
    if len(raw) > MAX_FILE:
        return Note(one.path, 1, f"not looked at: larger than {MAX_FILE // 2**20} MiB", is_fault=True)
    return raw

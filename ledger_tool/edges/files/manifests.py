"""Manifest files: those that a person named, and the YAML and JSON files in folders that they named.

Symbolic links in a folder are not followed, neither to files nor to folders: their targets are in the folder anyway,
or do not belong to it. A link that a person names is followed. `.git` is not searched.
"""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests.rewrite import Judge, ManifestNote, Rewritten, may_name_images, rewrite
from ledger_tool.core.registry.image import digest_of
from ledger_tool.edges.files.disk import local_error, local_errors, replace_atomically
from ledger_tool.errors import TryAgain, UsageError

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

MAX_FILE = 10 * 2**20
_SUFFIXES = (".yaml", ".yml", ".json")
_MANY = 200  # files: fewer than that are read before processes have started
_CHUNK = 16  # files given to a process at a time
_NOT_SEARCHED = {".git", ".hg", ".svn"}


ManifestFile = tuple[str, str]  # a file's path as messages show it, and the path to open


class FolderManifests:
    """Manifests on disk; see `commands.rewrite.Manifests`. `jobs` is how many processes share many files."""

    def __init__(self, paths: Sequence[str], exclude: Sequence[str] = (), *, jobs: int = 1) -> None:
        self._exclude = tuple(exclude)
        self._jobs = jobs
        files: dict[str, ManifestFile] = {}
        for named in paths:
            for path, place in self._under(named):
                files.setdefault(os.path.realpath(place), (path, place))
        self._files = dict(files.values())

    def rewritten(self, judge: Judge, progress: Callable[[int, int], None], *, write: bool) -> Iterator[Rewritten]:
        """Yield each file rewritten by a judge, in order; a file that cannot be read becomes a note."""
        files = list(self._files.items())
        with ExitStack() as stack:
            if self._jobs > 1 and len(files) >= _MANY:
                pool = stack.enter_context(_processes(self._jobs, judge, write))
                results = pool.map(_rewritten_in_pool, files, chunksize=_CHUNK)
            else:
                results = map(partial(_rewritten, judge=judge, write=write), files)
            for done, result in enumerate(results, 1):
                yield result
                progress(done, len(files))

    def rewrite(self, path: str, raw: bytes, judge: Judge) -> Rewritten:
        """Return a judge's result for one of the files with other content."""
        return rewritten(path, raw, judge)

    def replace(self, rewritten_file: Rewritten) -> str:
        """Write a file's new content, all or nothing; return why it was not written, or `""`."""
        place = self._files[rewritten_file.path]
        assert rewritten_file.content is not None
        raw = _read(rewritten_file.path, place)
        if isinstance(raw, ManifestNote) or digest_of(raw) != rewritten_file.old_digest:
            return "somebody else changed it in the meantime"
        try:
            replace_atomically(Path(os.path.realpath(place)), rewritten_file.content)
        except UsageError as error:
            return error.message
        return ""

    def _under(self, path: str) -> Iterator[ManifestFile]:
        with local_errors(path, "read"):
            mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            yield from self._in_folder(path)
        elif stat.S_ISREG(mode):
            yield path, path
        else:
            raise UsageError(f"{shown(path, 300)} is neither a file nor a folder", "name files, or folders of files")

    def _in_folder(self, top: str) -> Iterator[ManifestFile]:
        def unreadable(error: OSError) -> None:
            raise local_error(error, error.filename or top, "read")

        for folder, folders, names in os.walk(top, onerror=unreadable):
            folders[:] = sorted(name for name in folders if name not in _NOT_SEARCHED)
            for name in sorted(names):
                path = os.path.join(folder, name)
                below = os.path.relpath(path, top)
                is_chosen = is_manifest_name(name) and not is_excluded(below, self._exclude)
                if is_chosen and stat.S_ISREG(os.lstat(path).st_mode):
                    yield os.path.normpath(path), path


def is_manifest_name(path: str) -> bool:
    """Return whether a file found in a folder is read, judging by its name."""
    return path.lower().endswith(_SUFFIXES)


def is_excluded(below: str, exclude: Sequence[str]) -> bool:
    """Return whether a glob matches a path below a folder, its name, or one of its parent folders."""
    path = Path(below)
    places = [path.name, below, *(str(parent) for parent in path.parents)]
    return any(fnmatchcase(place, glob.rstrip("/")) for glob in exclude for place in places)


def _rewritten(file: ManifestFile, judge: Judge, write: bool) -> Rewritten:
    path, place = file
    raw = _read(path, place)
    if isinstance(raw, ManifestNote):
        return Rewritten(path, notes=[raw])
    return rewritten(path, raw, judge, write=write)


def rewritten(path: str, raw: bytes, judge: Judge, *, write: bool = True) -> Rewritten:
    """Return a file's bytes rewritten by a judge; bytes without anything like a reference are not parsed."""
    if not may_name_images(raw):
        return Rewritten(path)
    from ledger_tool.edges.yaml.tokens import tokens

    return rewrite(path, raw, tokens, judge, write=write)


@contextmanager
def _processes(count: int, judge: Judge, write: bool) -> Iterator[ProcessPoolExecutor]:
    """Yield processes that share the work: parsing YAML keeps a processor busy, and Python uses one per process."""
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(count, get_context("spawn"), _begin, (judge, write))
    try:
        yield pool
    except BrokenProcessPool:
        message = "a process that reads manifests was killed; nothing was written"
        raise TryAgain(message, "check how much memory is free, then run it again") from None
    finally:
        pool.shutdown(cancel_futures=True)


_task: tuple[Judge, bool] | None = None  # set once, when a process of the pool starts


def _begin(judge: Judge, write: bool) -> None:
    global _task
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process handles ^C
    _task = judge, write


def _rewritten_in_pool(file: ManifestFile) -> Rewritten:
    assert _task is not None
    return _rewritten(file, *_task)


def _read(path: str, place: str) -> bytes | ManifestNote:
    """Return a file's bytes, or why it is not read."""
    try:
        with open(place, "rb") as stream:
            raw = stream.read(MAX_FILE + 1)
    except OSError as error:
        return ManifestNote(path, 1, f"not read: {(error.strerror or str(error)).lower()}", is_fault=True)
    if len(raw) > MAX_FILE:
        return ManifestNote(path, 1, f"not read: larger than {MAX_FILE // 2**20} MiB", is_fault=True)
    return raw

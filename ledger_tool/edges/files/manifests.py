"""Manifest files: those that a person named, and those of a kind that is read in folders that they named.

Symbolic links in a folder are not followed, neither to files nor to folders: their targets are in the folder anyway,
or do not belong to it. A link that a person names is followed. `.git` is not searched.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests.charts.around import FileCharts
from ledger_tool.core.manifests.environment import ENV_FILE, NOTHING_SET, Environment, parse_environment
from ledger_tool.core.manifests.formats import KINDS, kind_of
from ledger_tool.core.manifests.marks import Style
from ledger_tool.core.manifests.remark import ManifestNote
from ledger_tool.core.manifests.replacements import TakenApart
from ledger_tool.core.manifests.rewrite import Judge, Rewritten, not_read, rewrite
from ledger_tool.core.manifests.unread import MOST_SEEN
from ledger_tool.core.registry.image import digest_of
from ledger_tool.edges.both_ends import Alone, in_order
from ledger_tool.edges.files.chart_files import DiskFiles
from ledger_tool.edges.files.charts import Charts
from ledger_tool.edges.files.disk import local_error, local_errors, replace_atomically, sync_folder
from ledger_tool.edges.files.kustomizations import Kustomizations
from ledger_tool.errors import UsageError

_WRITERS = 32
_NOT_SEARCHED = {".git", ".hg", ".svn"}


ManifestFile = tuple[str, str]  # a file's path as messages show it, and the path to open


class FolderManifests:
    """Manifests on disk; see `commands.rewrite.Manifests`."""

    def __init__(
        self, paths: Sequence[str], exclude: Sequence[str] = (), style: Style = "", alone: Alone = nullcontext
    ) -> None:
        self._style, self._alone = style, alone
        self._exclude = tuple(exclude)
        self.idle = list(dict.fromkeys(exclude))  # the globs that leave nothing out
        self._others: list[ManifestNote] = []
        files: dict[str, ManifestFile] = {}
        for named in paths:
            found = dict(self._under(named))
            if not found:
                self._others.append(nothing_read(named, self._exclude if Path(named).is_dir() else ()))
            for real, file in found.items():
                files.setdefault(real, file)
        self._files = dict(files.values())
        judged = [path.replace(os.sep, "/") for path in files]
        self._kustomizations = Kustomizations(DiskFiles(), judged)
        self._charts = Charts(DiskFiles(), judged, self._kustomizations.rules)
        self._real = {path: real for real, (path, _) in files.items()}

    def rewritten(self, judge: Judge, progress: Callable[[int, int], None], *, write: bool) -> Iterator[Rewritten]:
        """Yield each file rewritten by a judge, in order; a file that cannot be read becomes a note."""
        yield from map(not_read, self._others)
        yield from in_order(partial(self._read_and_judged, judge, write), [*self._files], progress, self._alone)

    def _read_and_judged(self, judge: Judge, write: bool, path: str) -> Rewritten:
        raw = _read(path, self._files[path])
        if isinstance(raw, ManifestNote):
            return not_read(raw)
        return rewritten(path, raw, self._styled(judge, path), write=write)

    def rewrite(self, path: str, raw: bytes, judge: Judge) -> Rewritten:
        """Return a judge's result for one of the files with other content."""
        return rewritten(path, raw, self._styled(judge, path))

    def _styled(self, judge: Judge, path: str) -> Judge:
        """Return a judge that knows the charts whose values a file has, and the `.env` file beside it."""

        def charts() -> FileCharts:
            return self._charts.of(os.path.realpath(self._files[path]).replace(os.sep, "/"))

        def environment() -> Environment:
            beside = Path(self._files[path]).parent / ENV_FILE
            raw = _read(str(beside), str(beside)) if beside.is_file() else b""
            return NOTHING_SET if isinstance(raw, ManifestNote) else parse_environment(raw)

        def taken_apart() -> Sequence[TakenApart]:
            return self._kustomizations.rules(os.path.realpath(self._files[path]).replace(os.sep, "/"))

        rules = taken_apart if self._kustomizations.any else None
        return Judge(judge.judgement, judge.ours, self._style, environment, charts, rules)

    def replace(self, files: Sequence[Rewritten]) -> list[str]:
        """Write the new content of files, each all or nothing; return for each why it was not written, or `""`.

        Each has to reach the disk, which takes its time: several wait together.
        """
        if len(files) < _WRITERS:
            problems = [self._replace(file) for file in files]
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(_WRITERS) as pool:  # after an error or ^C, it finishes what it began, and no more
                problems = list(pool.map(self._replace, files))
        for folder in {Path(self._real[file.path]).parent for file in files}:
            sync_folder(folder)
        return problems

    def _replace(self, file: Rewritten) -> str:
        place = Path(self._real[file.path])
        assert file.content is not None
        raw = _read(file.path, str(place))
        if isinstance(raw, ManifestNote) or digest_of(raw) != file.old_digest:
            return "somebody else changed it in the meantime"
        try:
            replace_atomically(place, file.content, is_alone=False)
        except UsageError as error:
            return error.message
        return ""

    def _under(self, path: str) -> Iterator[tuple[str, ManifestFile]]:
        """Yield the real path of each file with the file."""
        with local_errors(path, "read"):
            mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            yield from self._in_folder(path)
        elif stat.S_ISREG(mode):
            if is_manifest_name(path):
                yield os.path.realpath(path), (path, path)
        else:
            raise UsageError(f"{shown(path, 300)} is neither a file nor a folder", "name files, or folders of files")

    def _in_folder(self, top: str) -> Iterator[tuple[str, ManifestFile]]:
        def unreadable(error: OSError) -> None:
            raise local_error(error, error.filename or top, "read")

        for folder, folders, names in os.walk(top, onerror=unreadable):
            folders[:] = sorted(name for name in folders if name not in _NOT_SEARCHED)
            real = os.path.realpath(folder)
            for name in sorted(names):
                path = os.path.join(folder, name)
                if not is_manifest_name(path):
                    continue
                is_out = self._exclude and is_excluded(os.path.relpath(path, top), self._exclude, self.idle)
                if not is_out and stat.S_ISREG(os.lstat(path).st_mode):
                    yield os.path.join(real, name), (os.path.normpath(path), path)


def is_manifest_name(path: str) -> bool:
    """Return whether a file found in a folder is read, judging by its name."""
    return bool(kind_of(path))


def nothing_read(path: str, exclude: Sequence[str] = ()) -> ManifestNote:
    """Return the note on a named path that has nothing to read: a gate over it would be green whatever it contains."""
    left_out = f" that `--exclude` ({', '.join(exclude)}) does not leave out" if exclude else ""
    return ManifestNote(path, 1, f"not read: ledger reads {KINDS}, and finds none here{left_out}", is_fault=True)


def is_excluded(below: str, exclude: Sequence[str], idle: list[str]) -> bool:
    """Return whether a glob matches a path below a folder, its name, or one of its parent folders.

    As for git, `**/` is any number of folders, and also none. Each that matches is taken out of the `idle` ones.
    """
    path = Path(below)
    places = [path.name, below, *(str(parent) for parent in path.parents)]
    matching = [glob for glob in exclude if _matches(glob, places)]
    idle[:] = [glob for glob in idle if glob not in matching]
    return bool(matching)


def _matches(glob: str, places: Sequence[str]) -> bool:
    forms = {glob, glob.replace("**/", "")}
    return any(fnmatchcase(place, form.rstrip("/")) for form in forms for place in places)


def rewritten(path: str, raw: bytes, judge: Judge, *, write: bool = True) -> Rewritten:
    """Return a file's bytes rewritten by a judge."""
    from ledger_tool.edges.yaml.manifest_tokens import tokens

    return rewrite(path, raw, tokens, judge, write=write)


def _read(path: str, place: str) -> bytes | ManifestNote:
    """Return a file's bytes, or the first of very many; or why it is not read."""
    try:
        with open(place, "rb", buffering=0) as stream:
            is_huge = os.fstat(stream.fileno()).st_size > MOST_SEEN
            return stream.read(MOST_SEEN) if is_huge else stream.read()
    except OSError as error:
        return ManifestNote(path, 1, f"not read: {(error.strerror or str(error)).lower()}", is_fault=True)

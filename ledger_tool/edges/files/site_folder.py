"""The folder of a site: written beside what is there, and swapped in by renames.

A list in the folder names every file that is ours; a folder that has anything else is refused, and nothing outside it
is touched. Whatever is new is first written to a folder of its own inside. Then the list names the files of both
states, then each new file takes its place, then what is gone is removed, then the list names the new ones. So a reader
never sees half a file, and a run that is killed at any moment leaves what the next run completes. That run compares
every byte, so the files themselves need not be on the disk before they take their places.

The folder itself may be a link: a person named it. It is locked by flock(2), which ends with the process; where the
file system has no such locks, nothing holds two runs apart.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from heapq import nsmallest
from pathlib import Path

from ledger_tool.core.ledger.names import shown, some_of
from ledger_tool.core.site.files import SiteFile, SiteWritten
from ledger_tool.core.site.paths import NO_JEKYLL, START, is_path
from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.files.site_tree import FolderTree
from ledger_tool.errors import Contended, UsageError

LIST, NEW = ".ledger-site", ".ledger-site-new"
# What people put beside a site: the checkout of a branch that a host serves, the site's own domain, words to robots.
_OF_PEOPLE = frozenset((".git", "CNAME", ".domains", "robots.txt"))
_TITLE = "the files that `ledger site` has written here; it replaces and removes these and no others"
_LIST_MOST = 2**28  # bytes
_MOST_NAMED = 3
_NO_LOCKS = {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}
_HINT = "name a new or an empty folder, or one that `ledger site` has written"


class LocalSiteFolder:
    """See `commands.ports.SiteFolder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return shown(str(self._folder), 300)

    def check(self) -> None:
        """See `commands.ports.SiteFolder`."""
        if self._exists():
            with self._locked() as tree:
                self._owned(tree)

    def write(self, files: Iterable[SiteFile]) -> SiteWritten:
        """See `commands.ports.SiteFolder`."""
        with self._made(), self._locked() as tree:
            old = self._owned(tree)
            with local_errors(self._folder, "write"):
                _clear(tree)
            try:
                return self._written(tree, old, files)
            finally:
                with suppress(OSError):
                    _clear(tree)

    def _exists(self) -> bool:
        with local_errors(self._folder, "open"):
            return self._folder.exists()

    @contextmanager
    def _made(self) -> Iterator[None]:
        """Make the folder if there is none, and remove it if nothing could be written."""
        is_new = False
        if not self._exists():
            with local_errors(self._folder, "make"), suppress(FileExistsError):  # another run was faster
                self._folder.mkdir(parents=True)
                is_new = True
                self._folder.chmod(0o755)
        try:
            yield
        except BaseException:
            if is_new:
                with suppress(OSError):
                    self._folder.rmdir()
            raise

    @contextmanager
    def _locked(self) -> Iterator[FolderTree]:
        """Open the folder, and keep other runs out of it. Raises Contended."""
        with local_errors(self._folder, "open"):
            root = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        tree = FolderTree(root)
        try:
            with local_errors(self._folder, "lock"):
                _lock(root, str(self))
            yield tree
        finally:
            tree.close()
            os.close(root)

    def _owned(self, tree: FolderTree) -> frozenset[str]:
        """Return what the list names. Raises UsageError if the folder has anything else."""
        with local_errors(self._folder, "read"), closing(tree):
            text = tree.read(LIST, _LIST_MOST)
            listed = frozenset() if text is None else _read_list(text, str(self))
            files, folders = listed | {LIST, NO_JEKYLL}, _folders_above(listed) | {NEW}
            staged = {f"{NEW}/{name}" for name in tree.names(NEW) if name.isdecimal() or name == LIST}
            strangers = (path for path in tree.unexpected(files | staged, folders) if path not in _OF_PEOPLE)
            if some := nsmallest(_MOST_NAMED + 1, strangers):
                names = some_of([shown(name) for name in some], _MOST_NAMED)
                raise UsageError(f"{self} contains something that `ledger site` did not write: {names}", _HINT)
        return listed

    def _written(self, tree: FolderTree, old: frozenset[str], files: Iterable[SiteFile]) -> SiteWritten:
        new, changed = set[str](), list[str]()
        with local_errors(self._folder, "write"):
            tree.create_folder(NEW)
        for path, content in files:
            if not is_path(path) or path in new or path in _OF_PEOPLE:
                raise ValueError(f"not a path of a site, or twice in it: {path!r}")
            new.add(path)
            if not (path in old or path == NO_JEKYLL) or not tree.has(path, content):
                with local_errors(self._folder, "write"):
                    tree.create(f"{NEW}/{len(changed)}", content)
                changed.append(path)
        with local_errors(self._folder, "write"):
            removed = _swapped(tree, old, new, changed) if changed or new != old else 0
        return SiteWritten(len(new), len(changed), removed)


def _lock(root: int, folder: str) -> None:
    try:
        fcntl.flock(root, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        hint = "run it again when it has ended"
        raise Contended(f"another `ledger site` is writing to {folder}", hint) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def _swapped(tree: FolderTree, old: Collection[str], new: Collection[str], changed: Sequence[str]) -> int:
    """Put the changed files in their places, the start page last; return how many others were removed."""
    tree.close()  # what was put in a folder's place in the meantime is not that folder
    _list(tree, {*old, *new})
    numbers = sorted(range(len(changed)), key=lambda number: changed[number] == START)
    for number in numbers:
        tree.move(f"{NEW}/{number}", changed[number])
    removed = sum(tree.remove(path) for path in sorted(set(old).difference(new)))
    for folder in sorted(_folders_above(old) - _folders_above(new), reverse=True):  # the deepest first
        tree.remove_folder(folder)
    _list(tree, new)
    return removed


def _list(tree: FolderTree, paths: Collection[str]) -> None:
    """Replace the list; it is on the disk before anything that follows."""
    tree.create(f"{NEW}/{LIST}", "\n".join([_TITLE, *sorted(paths), ""]).encode(), lasting=True)
    tree.move(f"{NEW}/{LIST}", LIST)
    tree.sync()


def _read_list(text: bytes, folder: str) -> frozenset[str]:
    """Return the paths in a list. Raises UsageError if no run can have written it."""
    title, *paths, end = text.decode("utf-8", "replace").split("\n") if b"\n" in text else ["", ""]
    if title != _TITLE or end or not all(is_path(path) and path not in _OF_PEOPLE for path in paths):
        raise UsageError(f"{LIST} in {folder} is not a list that `ledger site` has written", _HINT)
    return frozenset(paths)


def _folders_above(paths: Iterable[str]) -> set[str]:
    folders = set[str]()
    for path in paths:
        while (path := path.rpartition("/")[0]) and path not in folders:
            folders.add(path)
    return folders


def _clear(tree: FolderTree) -> None:
    """Remove what a run has not put in its place."""
    for name in tree.names(NEW):
        tree.remove(f"{NEW}/{name}")
    tree.remove_folder(NEW)

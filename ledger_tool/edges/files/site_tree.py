"""Files below an open folder, reached without following a link: whatever stands there, nothing outside is touched."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # opening a pipe does not wait for a writer
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SERVED_FILE, _SERVED_FOLDER = 0o644, 0o755
_READABLE = 0o444
_MOST_OPEN = 100  # folders


class FolderTree:
    """The tree below an open folder; paths are relative to it, with `/`. All methods raise OSError."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._open: dict[str, int] = {}

    def close(self) -> None:
        """Close all folders but the root."""
        while self._open:
            os.close(self._open.popitem()[1])

    def unexpected(self, files: Collection[str], folders: Collection[str], within: str = "") -> Iterator[str]:
        """Yield what stands in a folder, and below it, and is neither one of these files nor one of these folders."""
        below = []
        with os.scandir(self._folder(within)) as entries:
            for entry in entries:
                path = f"{within}/{entry.name}" if within else entry.name
                if path in folders and entry.is_dir(follow_symlinks=False):
                    below.append(path)
                elif path not in files or not entry.is_file(follow_symlinks=False):
                    yield path
        for path in below:
            yield from self.unexpected(files, folders, path)

    def names(self, folder: str) -> list[str]:
        """Return what is in a folder; nothing if it is not one."""
        try:
            with os.scandir(self._folder(folder)) as entries:
                return [entry.name for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read(self, path: str, most: int) -> bytes | None:
        """Return the content of a plain file of at most `most` bytes, None if there is no file."""
        try:
            name, folder = self._place(path)
            descriptor = os.open(name, _FILE, dir_fd=folder)
        except FileNotFoundError:
            return None
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > most:
                raise OSError(f"{path} is not a plain file, or too large")
            return file.read()

    def has(self, path: str, content: bytes) -> bool:
        """Return whether there is a plain file with exactly this content, which everybody may read."""
        try:
            name, folder = self._place(path)
            file = os.open(name, _FILE, dir_fd=folder)
        except OSError:
            return False
        try:
            status = os.fstat(file)
            is_served = stat.S_ISREG(status.st_mode) and status.st_mode & _READABLE == _READABLE
            return is_served and status.st_size == len(content) and os.read(file, len(content) + 1) == content
        finally:
            os.close(file)

    def create(self, path: str, content: bytes, *, lasting: bool = False) -> None:
        """Write a new file; with `lasting`, wait until it is on the disk."""
        name, folder = self._place(path)
        file = os.open(name, _NEW, dir_fd=folder)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fchmod(file, _SERVED_FILE)
            if lasting:
                os.fsync(file)
        finally:
            os.close(file)

    def move(self, path: str, to: str) -> None:
        """Rename a file at the top, or in a folder there, and replace what has that name; folders are made for it."""
        new_name, new_folder = self._place(to, create=True)
        name, folder = self._place(path)
        os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder)

    def remove(self, path: str) -> bool:
        """Remove a file; return whether there was one."""
        with suppress(FileNotFoundError):
            name, folder = self._place(path)
            os.unlink(name, dir_fd=folder)
            return True
        return False

    def create_folder(self, path: str) -> None:
        """Make a folder."""
        name, folder = self._place(path)
        os.mkdir(name, dir_fd=folder)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder, if there is one."""
        with suppress(FileNotFoundError):
            name, folder = self._place(path)
            if path in self._open:
                os.close(self._open.pop(path))
            os.rmdir(name, dir_fd=folder)

    def sync(self) -> None:
        """Wait until the names in the root are on the disk."""
        os.fsync(self._root)

    def _place(self, path: str, *, create: bool = False) -> tuple[str, int]:
        """Return the name of a path and the open folder that it is in."""
        above, _, name = path.rpartition("/")
        return name, self._folder(above, create=create)

    def _folder(self, path: str, *, create: bool = False) -> int:
        if not path:
            return self._root
        if path in self._open:
            self._open[path] = folder = self._open.pop(path)  # the last one used is the last to be closed
            return folder
        name, above = self._place(path, create=create)
        try:
            folder = os.open(name, _FOLDER, dir_fd=above)
        except FileNotFoundError:
            if not create:
                raise
            os.mkdir(name, dir_fd=above)
            folder = os.open(name, _FOLDER, dir_fd=above)
            os.fchmod(folder, _SERVED_FOLDER)
        if len(self._open) >= _MOST_OPEN:
            os.close(self._open.pop(next(iter(self._open))))
        self._open[path] = folder
        return folder

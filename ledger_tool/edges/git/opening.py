"""From `--repo` to a store: a remote, a checkout that follows its remote, a checkout alone, or a folder to read.

A folder is read without git, so that `get` and `list` start fast; git's modules are imported on use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.files import ledger as ledgerfiles
from ledger_tool.edges.files.disk import local_errors, read_bytes
from ledger_tool.edges.files.ledger import LEDGER, SETTINGS
from ledger_tool.edges.git.run import Options, Run, address_of
from ledger_tool.errors import InvalidLedger, UsageError

if TYPE_CHECKING:
    from ledger_tool.edges.git.checkout import CheckoutStore, FollowedStore
    from ledger_tool.edges.git.history import History
    from ledger_tool.edges.git.location import Address
    from ledger_tool.edges.git.remote import RemoteStore
    from ledger_tool.edges.git.transaction import Progress

_MAX_FILE = 100 * 2**20


class Folder:
    """A ledger's files in a folder, read as they are; `transact` is for git repositories."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Snapshot:
        """Return what the files say now. Raises InvalidLedger or UsageError."""
        return ledgerfiles.snapshot("", *self.files())

    def files(self) -> tuple[bytes, bytes | None]:
        """Return the bytes of `ledger.json` and of `ledger.yaml`, None where there is none."""
        path, settings = self._folder / LEDGER, self._folder / SETTINGS
        for one in (path, settings):
            if one.is_symlink():  # a pull request's link could lead anywhere on the machine that checks it
                raise InvalidLedger(f"{one.name} in {self._folder} is no plain file", "replace it with a plain file")
        if not path.is_file():
            raise UsageError(
                f"there is no {LEDGER} in {self._folder}",
                "name the ledger with `--repo PATH|URL` or LEDGER_REPO, or make one with `ledger init`",
            )
        raw = read_bytes(path, _MAX_FILE, "the ledger")
        return raw, read_bytes(settings, 2**20, "the file") if settings.is_file() else None


@contextmanager
def open_for_reading(repo: str, options: Options, progress: Progress) -> Iterator[Folder | RemoteStore]:
    """Yield the ledger that `--repo` names, to read from."""
    place = place_of(repo)
    if isinstance(place, Path) and not options.branch and not is_bare(place):
        yield Folder(place)
        return
    with Run(options, progress) as run:
        yield run.remote(address_of(place))


@contextmanager
def open_for_writing(
    repo: str, options: Options, progress: Progress
) -> Iterator[RemoteStore | CheckoutStore | FollowedStore]:
    """Yield the ledger that `--repo` names, to write to. Raises UsageError for a folder that is no repository."""
    place = place_of(repo)
    with Run(options, progress) as run:
        if isinstance(place, Path) and not is_bare(place):
            yield run.checkout(place)
        elif not options.push:
            raise UsageError("`--no-push` needs a checkout", "clone the ledger, and name that folder with `--repo`")
        else:
            yield run.remote(address_of(place))


@contextmanager
def open_history(
    repo: str, options: Options, progress: Progress, *, blobs: bool = False, files_alone: bool = False
) -> Iterator[History]:
    """Yield the history of the ledger that `--repo` names; `blobs` fetches every version of every file at once.

    `files_alone` takes a folder without git, too: only its files can be read then.
    """
    place = place_of(repo)
    with Run(options, progress) as run:
        if isinstance(place, Path) and not is_bare(place):
            yield run.history_of_checkout(place, Folder(place).files, files_alone=files_alone)
        else:
            yield run.history_of_remote(address_of(place), blobs=blobs)


def place_of(repo: str) -> Path | Address:
    """Return the existing folder that `--repo` means, or the remote."""
    from ledger_tool.edges.git.location import parse_address

    found = parse_address(repo)
    if isinstance(found, Path):
        with local_errors(found, "open"):
            is_folder = found.is_dir()
    if isinstance(found, Path) and not is_folder:
        raise UsageError(
            f"there is no folder {shown(str(found), 300)}",
            "name the ledger's folder or URL with `--repo` or LEDGER_REPO",
        )
    return found


def is_bare(folder: Path) -> bool:
    """Return whether a folder is a bare repository."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()

"""What `doctor` looks at in the place that `--repo` names: reaching the remote, writing to it, and the two files.

Writing is tried by a push of the branch's own commit with a lease on it: the server has to let the login open a push,
and there is nothing that it could change. It stores nothing either, so where the repository's folders are in sight,
their permissions are looked at, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ledger_tool.core.history.signature import Signature
from ledger_tool.core.ledger.names import Timestamp, shown
from ledger_tool.core.policy.keyring import Keyring
from ledger_tool.edges.files.ledger import Folder
from ledger_tool.edges.git.checkout import FollowedStore
from ledger_tool.edges.git.keyring import read_keyring
from ledger_tool.edges.git.location import Credentials, git_dir_of, is_bare, parse_location
from ledger_tool.edges.git.offer import Messages
from ledger_tool.edges.git.refusals import HostKeyRefused, LoginRefused, RepositoryMissing
from ledger_tool.edges.git.remote import RemoteBranch, RemoteStore
from ledger_tool.edges.git.remote_refs import refs_of
from ledger_tool.edges.git.server_words import PushStatus
from ledger_tool.edges.git.session import SessionOptions, open_session
from ledger_tool.edges.git.settings_variables import without_login
from ledger_tool.errors import Denied, LedgerError, PushRefused, Unreachable

_TRIES = 3  # while others write
Stage = Literal["remote", "host key", "login", "repository"]


class FolderPlace:
    """A ledger without a remote: the files of a folder, whether or not it is a checkout."""

    scheme = ""
    branch = ""
    url = ""
    login = ""

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder)
        self.shown = shown(str(folder.absolute()), 300)
        self.is_repository = (folder / ".git").exists() or is_bare(folder)

    def reach(self) -> tuple[Stage, LedgerError] | None:
        return None

    def check_login(self) -> str:
        return "nobody asks for one"

    def check_writing(self) -> str:
        return "there is nobody who could refuse it"

    def files(self) -> tuple[bytes, bytes | None]:
        return self._folder.files()

    def file(self, path: str) -> bytes | None:
        return self._folder.kept(path)

    def signature(self, keyring: bytes) -> None:
        """Nothing is pushed from here."""

    def keyring(self, export: bytes) -> Keyring | None:
        return read_keyring(export)

    def folder_files(self) -> None:
        """There is one copy of the files, which `files` returns."""

    def committed_at(self) -> Timestamp | None:
        return None


class RemotePlace:
    """A ledger's branch on a remote, reached with these credentials, and the folder of the checkout that follows it."""

    is_repository = True

    def __init__(self, target: RemoteBranch, credentials: Credentials, checkout: Folder | None) -> None:
        self._target = target
        self._checkout = checkout
        self._tip = ""
        self.scheme = target.address.scheme
        self.url = target.address.url
        own = (credentials.token or target.address.password) if self._over_http else credentials.deploy_key
        named = ("git's own credentials", "the token") if self._over_http else ("your ssh setup", "the deploy key")
        self.login = "" if self.scheme == "file" else named[bool(own)]

    @property
    def shown(self) -> str:
        return self._target.shown

    @property
    def branch(self) -> str:
        return self._target.branch

    def reach(self) -> tuple[Stage, LedgerError] | None:
        """Ask the remote for its branches; return how far that came if it failed, and why."""
        target = self._target
        try:
            refs_of(target.repository, target.address, "HEAD", least=1.0)
        except LedgerError as error:
            stages: dict[type[LedgerError], Stage] = {HostKeyRefused: "host key", LoginRefused: "login"}
            if self.scheme == "ssh":  # by http, a host may say so before it has looked at the login
                stages[RepositoryMissing] = "repository"
            return stages.get(type(error), "remote"), target.workspace.explained(error)
        return None

    def check_login(self) -> str:
        if self._over_http:
            try:
                refs_of(self._stranger().repository, self._target.address, "HEAD", least=1.0)
            except Denied:
                pass
            except LedgerError as error:
                return f"{self.login}: let in, and it was not seen whether the host asks for it: {error.message}"
            else:
                return f"{self.login}: not checked, since the host lets everybody read"
        return f"{self.login}: accepted for reading"

    @property
    def _over_http(self) -> bool:
        return self.scheme in ("http", "https")

    def _stranger(self) -> RemoteBranch:
        """Return the branch as it is for somebody without a login: git sends one only if the host asks for it."""
        target = copy(self._target)
        target.repository = replace(target.repository, environment=without_login(target.repository.environment))
        return target

    def check_writing(self) -> str:
        if self.scheme == "file":
            check_writable(Path(self.url), self._target.branch, self.shown)
        tip = self._check_push()
        if self._over_http and self._stranger().push(tip, tip).status is PushStatus.LANDED:
            return (
                "the host lets everybody open a push, so no login was checked; only a push that changes something "
                "shows whether it is stored"
            )
        if self.scheme == "file":
            return "its folders can be written to; only a push that changes something shows its rules"
        return (
            f"{self.login}: may open a push; only one that changes something shows whether it is stored, and the rules"
        )

    def _check_push(self) -> str:
        """Push the branch's own commit, and return it."""
        for _ in range(_TRIES):
            tip = self._target.look()
            answer = self._target.push(tip, tip)
            if answer.refusal:
                raise answer.refusal.error(self.shown, answer.words)
            if answer.status is PushStatus.LANDED:
                return tip
            if answer.status is PushStatus.BROKEN:
                raise Unreachable(f"the push to {self.shown} failed: {answer.words}", "run it again")
        raise PushRefused(f"{self.shown} refused the push: {answer.words}", self._target.refusal_hint)

    def files(self) -> tuple[bytes, bytes | None]:
        self._tip = self._target.look()
        return self._target.repository.ledger_files(self._tip, self.shown)

    def file(self, path: str) -> bytes | None:
        if self._tip:
            return self._target.repository.file(self._tip, path)
        return self._checkout.kept(path) if self._checkout else None

    def signature(self, keyring: bytes) -> Signature | None:
        return self._target.signature(self._tip, keyring)

    def keyring(self, export: bytes) -> Keyring | None:
        return read_keyring(export)

    def folder_files(self) -> tuple[bytes, bytes | None] | None:
        return self._checkout.files() if self._checkout else None

    def committed_at(self) -> Timestamp | None:
        return self._target.repository.written_at(self._tip) if self._tip else None


def check_writable(repository: Path, branch: str, where: str) -> None:
    """Raise Denied if a folder of a repository in which a push to the branch may create a file cannot be written to."""
    git_dir = repository if is_bare(repository) else git_dir_of(repository)
    if (shared := git_dir / "commondir").is_file():  # of a linked work tree (gitrepository-layout(5))
        git_dir = git_dir / shared.read_text("utf-8", "replace").strip()
    objects, ref = git_dir / "objects", git_dir / "refs" / "heads" / branch
    above = [folder for folder in ref.parents if folder.is_relative_to(git_dir / "refs")]
    folders = [objects, *objects.glob("[0-9a-f][0-9a-f]"), next(folder for folder in above if folder.is_dir())]
    for folder in folders:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Denied(
                f"{where}: {folder} cannot be written to", "check who owns the repository, and its permissions"
            )


@contextmanager
def open_place(repo: str, options: SessionOptions, messages: Messages) -> Iterator[RemotePlace | FolderPlace]:
    """Open what `--repo` names, whatever it has. Raises UsageError or Denied for what cannot even be tried."""
    location = parse_location(repo)
    if isinstance(location, Path) and not (location / ".git").exists():
        yield FolderPlace(location)
        return
    with open_session(repo, options, messages) as session:
        match session.store():
            case RemoteStore(target=target) | FollowedStore(remote=RemoteStore(target=target)):
                checkout = (
                    location if isinstance(location, Path) and not options.branch else None
                )  # else a branch is read
                yield RemotePlace(target, options.credentials, Folder(checkout) if checkout else None)
            case _:
                yield FolderPlace(location if isinstance(location, Path) else Path(location.url))

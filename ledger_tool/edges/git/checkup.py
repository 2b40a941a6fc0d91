"""What `doctor` looks at in the place that `--repo` names: reaching the remote, writing to it, and the two files.

Writing is tried by a push of the branch's own commit with a lease on it: the server has to accept the login for
writing, and there is nothing that it could change.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ledger_tool.core.ledger.names import Timestamp, shown
from ledger_tool.edges.files.ledger import Folder
from ledger_tool.edges.git.checkout import FollowedStore
from ledger_tool.edges.git.location import Credentials, parse_location
from ledger_tool.edges.git.offer import Messages
from ledger_tool.edges.git.refusals import HostKeyRefused, LoginRefused
from ledger_tool.edges.git.remote import RemoteBranch, RemoteStore, refs_of
from ledger_tool.edges.git.server_words import PushStatus
from ledger_tool.edges.git.session import SessionOptions, open_session
from ledger_tool.errors import LedgerError, PushRefused, Unreachable

_TRIES = 3  # while others write
Stage = Literal["remote", "host key", "login"]


class FolderPlace:
    """A ledger without a remote: the files of a folder, whether or not it is a checkout."""

    scheme = ""
    branch = ""
    url = ""
    login = ""

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder)
        self.shown = shown(str(folder.absolute()), 300)

    def reach(self) -> tuple[Stage, LedgerError] | None:
        return None

    def check_writing(self) -> None:
        """There is nobody who could refuse it."""

    def files(self) -> tuple[bytes, bytes | None]:
        return self._folder.files()

    def committed_at(self) -> Timestamp | None:
        return None


class RemotePlace:
    """A ledger's branch on a remote, reached with these credentials."""

    def __init__(self, target: RemoteBranch, credentials: Credentials) -> None:
        self._target = target
        self._tip = ""
        self.scheme = target.address.scheme
        self.url = target.address.url
        over_http = self.scheme in ("http", "https")
        own = (credentials.token or target.address.password) if over_http else credentials.deploy_key
        named = ("git's own credentials, or none", "the token") if over_http else ("your ssh setup", "the deploy key")
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
            return stages.get(type(error), "remote"), target.workspace.explained(error)
        return None

    def check_writing(self) -> None:
        for _ in range(_TRIES):
            tip = self._target.look()
            answer = self._target.push(tip, tip)
            if answer.refusal:
                raise answer.refusal.error(self.shown, answer.words)
            if answer.status is PushStatus.LANDED:
                return
            if answer.status is PushStatus.BROKEN:
                raise Unreachable(f"the push to {self.shown} failed: {answer.words}", "run it again")
        raise PushRefused(f"{self.shown} refused the push: {answer.words}", self._target.refusal_hint)

    def files(self) -> tuple[bytes, bytes | None]:
        self._tip = self._target.look()
        return self._target.repository.ledger_files(self._tip, self.shown)

    def committed_at(self) -> Timestamp | None:
        return self._target.repository.written_at(self._tip) if self._tip else None


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
                yield RemotePlace(target, options.credentials)
            case _:
                yield FolderPlace(location if isinstance(location, Path) else Path(location.url))

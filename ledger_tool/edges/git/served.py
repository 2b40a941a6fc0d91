"""A bare repository that a server keeps, read where it is, within a push: in git's quarantine.

A hook sees what is pushed before it is there: git keeps it in a folder of its own, and says so in variables that no
other git command of ours is given (git-receive-pack(1), "QUARANTINE ENVIRONMENT").
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ledger_tool.edges.git.folder_session import FolderSession
from ledger_tool.edges.git.history import GitHistory
from ledger_tool.edges.git.location import Address, is_bare, parse_location
from ledger_tool.edges.git.offer import Messages
from ledger_tool.edges.git.session import Session, SessionOptions, open_session

_QUARANTINE = ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")


class ServedSession(FolderSession):
    """A session that reads the history of a bare repository, and of what is being pushed to it."""

    def history(self, *, blobs: bool = False, files_alone: bool = False) -> GitHistory:  # noqa: ARG002, D102
        history = super().history()
        repository = history.repository
        environment = {**repository.environment, **_of_the_push()}
        return replace(history, repository=replace(repository, environment=environment), folder=None)

    @property
    def _settings_dir(self) -> Path | None:
        return self._folder.absolute()

    @cached_property
    def _git_dir(self) -> Path:
        return self._folder.absolute()


def open_served(repo: str, options: SessionOptions, messages: Messages) -> Session:
    """Return a session with the ledger that `--repo` names: a bare repository on this machine where it is."""
    location = parse_location(repo)
    if isinstance(location, Address) and location.scheme == "file" and is_bare(Path(location.url)):
        return ServedSession(Path(location.url), options, messages)
    return open_session(repo, options, messages)


def _of_the_push() -> Mapping[str, str]:
    """Return the variables by which git finds what is being pushed; none outside a push."""
    named = {name: os.environ.get(name, "") for name in _QUARANTINE}
    return {name: value for name, value in named.items() if value} if named["GIT_QUARANTINE_PATH"] else {}

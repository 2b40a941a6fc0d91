"""What reading commands share: their options, and how they open the ledger."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ledger_tool.cli import options as o
from ledger_tool.cli.sharing import Command, sharing
from ledger_tool.render.screen import Screen

if TYPE_CHECKING:
    from ledger_tool.commands.ports import FileSource, History, Source, Store
    from ledger_tool.core.changes.runclaim import RunClaim
    from ledger_tool.edges.deadline import Deadline
    from ledger_tool.edges.git.session import Session, SessionOptions
    from ledger_tool.edges.registry.opening import OpenRegistries

_LONG_SECRET = 8  # characters; a shorter one may be part of any word


@dataclass(frozen=True, slots=True)
class Reading:
    """The values of the shared options: the ledger, how to reach it, and the screen."""

    repo: str
    session_options: SessionOptions
    screen: Screen
    begun: Session | None = field(default=None, kw_only=True)

    @property
    def host_deadline(self) -> Deadline:
        """The time limit of registries and forges."""
        return self.session_options.deadline.of_hosts

    def session(self, run: RunClaim | None = None) -> Session:
        """Open the ledger, for `run` to write to it; one part of the session may be used until the context ends."""
        if self.begun:
            return self.begun
        from ledger_tool.edges.git.session import open_session

        options = replace(self.session_options, run=run) if run else self.session_options
        return open_session(self.repo, options, self.screen)

    def is_secret(self, text: str) -> bool:
        """Return whether a text has one of the environment's secrets in it."""
        secrets = o.secrets(os.environ.get("LEDGER_DEPLOY_KEY", ""))
        return any(secret in text for secret in secrets if len(secret) >= _LONG_SECRET)

    def this_run(self) -> RunClaim:
        """Return who writes, according to LEDGER_RUN, LEDGER_ACTOR and the CI system; note what is left out."""
        from ledger_tool.core.writes.ci import told_run

        told = told_run(os.environ, self.is_secret)
        self.screen.notes(f"note: {text}" for text in told.left_out)
        return told.claim

    @contextmanager
    def source(self) -> Iterator[FileSource]:
        """Open the ledger to read from it."""
        with self.session() as session:
            yield session.source()

    @contextmanager
    def source_at(self, time_or_revision: str) -> Iterator[Source]:
        """Open the ledger as it was at a time or a revision, or as it is now for `""`."""
        if not time_or_revision:
            with self.source() as source:
                yield source
            return
        from ledger_tool.commands.records import AsOf
        from ledger_tool.core.history.revision import parse_moment

        moment = parse_moment(time_or_revision, datetime.now(UTC))
        with self.history() as history:
            yield AsOf(history, moment)

    @contextmanager
    def history(self, *, blobs: bool = False, files_alone: bool = False) -> Iterator[History]:
        """Open the ledger's history; see `edges.git.session.Session`."""
        with self.session() as session:
            yield session.history(blobs=blobs, files_alone=files_alone)

    @contextmanager
    def history_at(self, head: str) -> Iterator[History]:
        """Open the ledger's history up to a revision; that of a bare repository on this machine where it is."""
        from ledger_tool.edges.git.served import open_served

        with open_served(self.repo, self.session_options, self.screen) as session:
            yield replace(session.history(), revision=head, folder=None)

    @contextmanager
    def store(self, *, shared: bool = False) -> Iterator[Store]:
        """Open the ledger to write to it; see `edges.git.session.Session`."""
        with self.session(self.this_run()) as session:
            yield session.store(shared=shared)


def reading(
    timeout: o.Timeout = "",
    repo: o.Repo = ".",
    branch: o.Branch = "",
    deploy_key: o.DeployKey = "",
    known_hosts: o.KnownHosts = "",
    verbose: o.Verbose = False,
) -> Reading:
    """Return the values of the options that `reads` adds to a command."""
    # Imported here, since `--version` and `--help` need no git.
    from ledger_tool.edges.deadline import Deadline, usual_deadline
    from ledger_tool.edges.git.location import Credentials
    from ledger_tool.edges.git.session import SessionOptions

    deadline = Deadline(o.number("--timeout", timeout, 1, 86_400)) if timeout else usual_deadline()
    credentials = Credentials(deploy_key=deploy_key, known_hosts=known_hosts, token=os.environ.get("LEDGER_TOKEN", ""))
    options = SessionOptions(branch=branch, credentials=credentials, deadline=deadline)
    return Reading(repo, options, Screen(o.secrets(deploy_key), verbose=verbose))


# Gives a command the options of `reading`; their values go to its keyword `ledger`.
reads = sharing(reading, "ledger")


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask registries: at most `jobs` requests at once, with the CA certificates in `ca_file`, if not `""`."""

    jobs: int
    ca_file: str

    def open(self, deadline: Deadline) -> OpenRegistries:
        """Open the registries, for as long as the context lasts, and no longer than until `deadline`."""
        from ledger_tool.edges.registry.opening import OpenRegistries

        return OpenRegistries(jobs=self.jobs, ca_file=self.ca_file, deadline=deadline)


def asks(default_jobs: int) -> Command:
    """Give a command the options for asking registries; their values go to its keyword `registry_access`."""

    def asking(jobs: o.Jobs = str(default_jobs), ca_file: o.CaFile = "") -> Asking:
        return Asking(o.whole_number("--jobs", jobs, 1, 256), ca_file)

    return sharing(asking, "registry_access")

"""From a git remote to the forge that serves it: which kind, where its API is, and with which token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from ledger_tool.core.proposal import Proposal, Proposed

TOKENS = (
    "LEDGER_FORGE_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GITLAB_TOKEN",
    "GITEA_TOKEN",
    "FORGEJO_TOKEN",
)


class Forge(Protocol):
    """A forge's pull or merge requests for one repository."""

    def push_options(self, proposal: Proposal) -> tuple[str, ...]:
        """Return what the push of the branch has to say (`git push -o`); empty where the API is spoken to."""
        ...

    def propose(self, proposal: Proposal) -> Proposed:
        """Open the request of a pushed branch, or update the open one. Raises Denied, UsageError, TryAgain."""
        ...


def secrets(environ: Mapping[str, str]) -> list[str]:
    """Return the texts of the environment that must never be printed."""
    return [environ[name] for name in TOKENS if environ.get(name)]


@contextmanager
def open_forge(
    remote: str, *, kind: str = "", url: str = "", environ: Mapping[str, str], ca_file: str = ""
) -> Iterator[Forge]:
    """Yield the forge that serves a git remote. See docs/pull-requests.md for how it is recognized."""
    raise NotImplementedError
    yield

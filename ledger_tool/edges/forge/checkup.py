"""What `doctor` looks at on the forge that serves a git remote: the token, and whether a branch is protected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.forge.gitlab import GitLabByPush
from ledger_tool.edges.forge.opening import NoForgeToken, open_forge
from ledger_tool.errors import LedgerError, UsageError


def look_at_forge(
    remote: str, branch: str, environ: Mapping[str, str], deadline: Deadline
) -> tuple[str, Sequence[str] | None]:
    """Return what there is to open pull requests with, and the rules for pushes to a branch, if they show.

    `branch` is `""` if it is unknown. Raises Denied or Unreachable for a token that does not work, and UsageError for a
    variable that names no forge.
    """
    kind, url = environ.get("LEDGER_FORGE", ""), environ.get("LEDGER_FORGE_URL", "")
    try:
        with open_forge(remote, kind=kind, url=url, environ=environ, deadline=deadline) as forge:
            if isinstance(forge, GitLabByPush):
                return "no token: GitLab opens merge requests by push options, without reviewers", None
            says = f"{forge.api.name} accepts the token"
            try:
                return says, forge.rules_for(branch) if branch else None
            except LedgerError as error:  # the branch may be missing, or its rules hidden from this token
                return f"{says}; the rules for `{shown(branch)}` were not seen: {error.message}", None
    except NoForgeToken as error:
        return error.message, None
    except UsageError as error:  # there may be no forge at all, unless somebody says so
        if kind or url:
            raise
        return error.message, None

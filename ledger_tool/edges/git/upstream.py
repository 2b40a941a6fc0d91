"""The branch of a remote that a checkout follows, from git's own settings (git-config(1), `branch.*`), and its refs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.git.location import Address, check_branch, parse_remote
from ledger_tool.edges.git.repository import Repository
from ledger_tool.edges.git.user_settings import Settings
from ledger_tool.errors import UsageError


@dataclass(frozen=True, slots=True)
class Upstream:
    """A remote's name and address, its branch that is followed, and the checked-out branch that follows it."""

    remote: str
    address: Address
    branch: str
    head: str


def find_upstream(settings: Settings, head: str, folder: Path) -> Upstream | None:
    """Return what the checked-out branch `head` of a checkout follows, or None if the checkout has no remote.

    Raises UsageError if there are several remotes and none is chosen.
    """
    values = {setting.key: setting.value for setting in settings}
    remotes = [match[1] for key in values if (match := re.fullmatch(r"remote\.(.*)\.url", key))]
    branch = values.get(f"branch.{head}.merge", "").removeprefix("refs/heads/") or head
    named = values.get(f"branch.{head}.remote", "")
    if named and named != "." and named not in remotes:  # git accepts a URL here too
        return Upstream("origin", parse_remote(named, folder), branch, head)
    if not remotes:
        return None
    candidates = (named, "origin", remotes[0] if len(remotes) == 1 else "")
    remote = next((name for name in candidates if name in remotes), None)
    if remote is None:
        raise UsageError(
            f"the checkout has several remotes ({shown(', '.join(remotes))}), and `{shown(head)}` follows none of them",
            "set one with `git branch --set-upstream-to`, or pass `--no-push` to only commit",
        )
    return Upstream(remote, parse_remote(values[f"remote.{remote}.url"], folder), branch, head)


def ref_of(branch: str, repository: Repository, where: str) -> str:
    """Return the full name of a branch here or, where nobody has checked it out yet, of its remote.

    The full name, since git prefers a tag of that name, and anyone who can push can create one.
    """
    names = [f"refs/heads/{check_branch(branch)}", f"refs/remotes/{branch}"]
    listed = repository.must("for-each-ref", "--format=%(refname)", *names, f"refs/remotes/*/{branch}").split("\n")
    for name in names:
        if name in listed:
            return name
    remotes = [ref for ref in listed if ref.startswith("refs/remotes/") and ref.endswith(f"/{branch}")]
    if len(remotes) > 1:
        also = ", ".join(ref.removeprefix("refs/remotes/") for ref in remotes)
        raise UsageError(f"several remotes have a branch `{shown(branch)}`", f"name one of: {shown(also)}")
    if not remotes and not repository.commit_of(branch):
        raise UsageError(
            f"{where} has no branch `{shown(branch)}`, and none of a remote",
            "name an existing one with `--branch`; `git fetch` brings those of the remote",
        )
    return remotes[0] if remotes else branch

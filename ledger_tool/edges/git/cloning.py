"""A bare clone of a remote, which may be started long before it is needed.

Most of what a write has to load, it needs only once the ledger is there. So this module needs little of the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ledger_tool.edges.git.access import NO_GRAFTS
from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.process import Running, start


def of_tip(branch: str) -> list[str]:
    """Return the options of a clone that has only the tip of a branch, or with `""` of the remote's default branch."""
    return ["--depth=1", "--single-branch", "--no-tags", *([f"--branch={branch}"] if branch else [])]


def start_clone(
    address: Address,
    git_dir: Path,
    *options: str,
    environment: Mapping[str, str],
    mask: Callable[[str], str],
    timeout: float,
    step: str,
    waited: float = 0.0,
) -> Running:
    """Start to create a git directory as a bare clone of a remote; see `process.start`."""
    plain = ["clone", "--quiet", "--bare", "--no-local", "--template="]
    if address.scheme == "file":  # git does not pass the variable on to what reads the other repository
        plain.append(f"--upload-pack=GIT_GRAFT_FILE={NO_GRAFTS} git-upload-pack")
    return start(
        [*plain, *options, "--", address.url, str(git_dir)],
        environment=environment,
        timeout=timeout,
        waited=waited,
        step=step,
        mask=mask,
        peer=address.shown,
    )

"""The programs that reach a git remote: whether they are there, and in which version."""

from __future__ import annotations

import os
import re
import subprocess

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.git.process import run
from ledger_tool.errors import UsageError

_OLDEST = (2, 31)
_SECONDS = 10


def git_version() -> str:
    """Return the version of git. Raises UsageError if there is none, or it is too old."""
    done = run(["version"], environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}, timeout=_SECONDS)
    version = re.search(r"(\d+)\.(\d+)\S*", done.text)
    if not done.ok or version is None:
        raise UsageError(
            f"git does not say its version: {shown(done.text or done.stderr)}", "install git 2.31 or newer"
        )
    if (int(version[1]), int(version[2])) < _OLDEST:
        raise UsageError(f"git is too old: {shown(version[0])}", "install git 2.31 or newer")
    return shown(version[0])


def ssh_version() -> str:
    """Return the version of ssh, as far as it says one. Raises UsageError if there is none."""
    try:
        done = subprocess.run(["ssh", "-V"], capture_output=True, timeout=_SECONDS, check=False)
    except OSError:
        raise UsageError("ssh is not installed, or not in PATH", "install the OpenSSH client") from None
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"`ssh -V` does not end within {_SECONDS} s", "check which `ssh` is the first in PATH"
        ) from None
    version = re.search(rb"OpenSSH_[^,\s]+", done.stderr + done.stdout)
    return shown(version[0].decode("ascii", "replace")) if version else "there is one that does not say its version"

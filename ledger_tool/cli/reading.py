"""What the commands that read share: their options, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger_tool.cli import options as o
from ledger_tool.cli.sharing import sharing
from ledger_tool.render.screen import Screen


@dataclass(frozen=True, slots=True)
class Reading:
    """What the shared options say: the ledger, how to reach it (`edges.git.run.Options`), and the screen."""

    repo: str
    settings: Any
    screen: Screen


def reading(
    timeout: o.Timeout = "120",
    repo: o.Repo = ".",
    branch: o.Branch = "",
    deploy_key: o.DeployKey = "",
    known_hosts: o.KnownHosts = "",
    verbose: o.Verbose = False,
) -> Reading:
    """Return what these options say; they are the ones that `reads` adds to a command."""
    settings = o.opening(branch=branch, deploy_key=deploy_key, known_hosts=known_hosts, timeout=timeout)
    return Reading(repo, settings, Screen(o.secrets(deploy_key), verbose=verbose))


# Gives a command the options of `reading`: it has a keyword `of`, which gets what they say.
reads = sharing(reading, "of")

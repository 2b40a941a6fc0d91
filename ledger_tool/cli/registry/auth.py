"""`ledger auth`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument
from ledger_tool.errors import Denied


def auth(
    host: Annotated[str, argument("HOST", "The registry; `http://` in front of a plain-HTTP one.")],
    ca_file: o.CaFile = "",
) -> int:
    """Show which credential a registry gets, from where, and whether it works; never the credential itself.

    It works if the registry asks for a login and accepts it. A registry that lets everybody in has not checked it.
    """
    from ledger_tool.commands.auth import auth as run
    from ledger_tool.core.policy.policy import parse_registry
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render import auth as render
    from ledger_tool.render.screen import Screen

    registry = parse_registry(host, "host")
    with OpenRegistries(jobs=1, ca_file=ca_file) as registries:
        login = run(registries.client(registry))
    Screen().data([render.as_text(login)])
    return Denied.exit_code if login.problem else 0

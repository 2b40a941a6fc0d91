"""`ledger auth`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.core.ledger.names import LEDGER, shown
from ledger_tool.errors import Denied, LedgerError

if TYPE_CHECKING:
    from ledger_tool.core.policy.policy import Registry


@reads
def auth(
    host: Annotated[str, argument("HOST", "The registry, as in ledger.yaml, or with `http://` or `https://`.")],
    ca_file: o.CaFile = "",
    *,
    ledger: Reading,
) -> int:
    """Show which credential a registry gets, from where, and whether it works; never the credential itself.

    It works if the registry asks for a login and accepts it. A registry that lets everybody in has not checked it.
    """
    from ledger_tool.commands.auth import auth as run
    from ledger_tool.core.policy.policy import parse_registry
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render import auth as render

    registry = parse_registry(host, "host")
    if "://" not in host and (configured := _configured(host, ledger)):
        registry = parse_registry(configured.address, "host")
    with OpenRegistries(jobs=1, ca_file=ca_file) as registries:
        login = run(registries.client(registry))
    ledger.screen.data([render.as_text(login)])
    return Denied.exit_code if login.problem else 0


def _configured(host: str, ledger: Reading) -> Registry | None:
    """Return the registry of ledger.yaml with that host or name, which knows the scheme; no ledger is needed."""
    from ledger_tool.commands.auth import configured

    try:
        with ledger.source() as source:
            return configured(source, host)
    except LedgerError as error:
        if ledger.repo != "." or Path(LEDGER).exists():
            ledger.screen.note(
                f"note: {shown(host)} is asked by https, since ledger.yaml is not known: {error.message}"
            )
        return None

"""`ledger rebase`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, flag
from ledger_tool.cli.reading import Reading, reads


@reads
def rebase(
    onto: Annotated[str, argument("ONTO", "The new base  [default: the remote's default branch]")] = "",
    output: o.TextOrJson = "text",
    unattended: Annotated[
        bool, flag("--unattended", "For jobs: refuse signed commits, and any that ledger did not make.")
    ] = False,
    dry_run: o.DryRun = False,
    sign: o.Sign = False,
    *,
    ledger: Reading,
) -> None:
    """Bring a pull request's branch up to date: replay its changes on the new base.

    For hosts whose merge button does not use the merge driver. In a checkout, it rebases the checked-out branch and
    does not push; at a URL, it rebases --branch and pushes it. Authors, messages and trailers are kept. If the base now
    has another digest for a record, the rebase is refused (exit 3), and nothing changes.
    """
    from ledger_tool.commands.rebase import rebase as run
    from ledger_tool.render import rebase as render

    with replace(ledger, session_options=replace(ledger.session_options, sign=sign)).session() as session:
        branch = session.branch()
        rebased = run(branch.history, branch, onto or branch.default_base(), unattended=unattended, dry_run=dry_run)
    ledger.screen.show(
        output, json=lambda: render.as_json(rebased), text=lambda: render.as_text(rebased, dry_run=dry_run)
    )

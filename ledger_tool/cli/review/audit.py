"""`ledger audit`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli.options import formats, now, option
from ledger_tool.cli.reading import Reading, reads


@reads
def audit(
    since: Annotated[
        str,
        option(
            "--since",
            "REV",
            "Continue from this trusted commit, which was audited before",
            default="the first commit",
        ),
    ] = "",
    allowed_signers: Annotated[
        str,
        option(
            "--allowed-signers",
            "FILE",
            "Require good signatures: by an SSH key in this file, or by a GPG key that the keyring trusts.",
        ),
    ] = "",
    output: Annotated[str, formats("text", "json", "junit")] = "text",
    *,
    ledger: Reading,
) -> int:
    """Replay the whole history, and verify that it contains no silent change.

    Every version of the ledger is valid, every change is what its commit's message says, no immutable tag moved, no
    record was removed without a reason, and no merge decides anything itself. Exit code 1 means findings.
    """
    from ledger_tool.commands.audit import audit as run
    from ledger_tool.edges.files.disk import path_of, read_bytes
    from ledger_tool.edges.files.ledger import read_ledger, read_policy, schema
    from ledger_tool.render import audit as render

    what = "the file of allowed signers"
    signers = read_bytes(path_of(allowed_signers, what), 2**20, what) if allowed_signers else None
    screen = ledger.screen
    with ledger.history(blobs=True) as history, screen.progress("commits") as progress:
        audited = run(
            history,
            since=since,
            allowed_signers=signers,
            read_ledger=read_ledger,
            read_policy=read_policy,
            schema=lambda: schema("ledger-v1"),
            clock=now(),
            progress=progress,
        )
    screen.show(
        output,
        json=lambda: render.as_json(audited),
        junit=lambda: render.as_junit(audited),
        text=lambda: render.as_text(audited, screen.view()),
    )
    screen.notes(render.notes(audited))
    return 1 if audited.findings else 0

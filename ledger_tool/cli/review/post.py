"""`ledger post`."""

from __future__ import annotations

import os
from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, flag, option
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.errors import UsageError

_MOST_BYTES = 2**20


@reads
def post(
    file: Annotated[str, argument("FILE", "The Markdown of `diff` or of `reconcile`.")] = "",
    request: Annotated[str, option("--request", "N", "Post it as the review of the request with this number.")] = "",
    issue: Annotated[bool, flag("--issue", "Post it as the issue about drift.")] = False,
    close: Annotated[bool, flag("--close", "Close that issue, since no drift is left.")] = False,
    forge: o.Forge = "",
    *,
    ledger: Reading,
) -> None:
    """Post a review or a report on the ledger's forge: one comment on a request, or one issue, edited in place.

    For CI jobs. Only what the token's user has written is edited: the comment that starts with `<!-- ledger review -->`
    and the open issue with the label ledger-drift. LEDGER_FORGE_TOKEN or the forge's own variable holds the token.
    """
    from ledger_tool.commands import post as commands
    from ledger_tool.edges.files.disk import read_bytes
    from ledger_tool.edges.forge.opening import open_posts
    from ledger_tool.edges.forge.opening import secrets as forge_secrets
    from ledger_tool.render.post import line

    if bool(request) == issue:
        raise UsageError("where to post is unclear", "give either `--request N` or `--issue`")
    if close and not issue:
        raise UsageError("`--close` is for the issue", "add `--issue`")
    if close == bool(file):
        hint = "leave FILE out" if close else "name the file, or give `--issue --close`"
        raise UsageError("`--close` takes no file" if close else "nothing is given to post", hint)
    number = o.whole_number("--request", request, 1, 2**53) if request else None
    text = read_bytes(file, _MOST_BYTES, "the report").decode("utf-8", "replace") if file else ""
    screen = ledger.screen.hiding(forge_secrets(os.environ))
    with ledger.session() as session:
        remote = session.remote_url
    url = os.environ.get("LEDGER_FORGE_URL", "")
    with open_posts(remote, kind=forge, url=url, environ=os.environ, deadline=ledger.host_deadline) as board:
        if number:
            done = commands.post_review(board, number, text)
        else:
            done = commands.close_drift(board) if close else commands.post_drift(board, text)
    screen.note(line(done, number))

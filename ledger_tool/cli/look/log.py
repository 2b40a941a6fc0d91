"""`ledger log`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, formats, option
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.errors import UsageError


@reads
def log(
    image: Annotated[str, argument("IMAGE[:TAG]", "The image, or one tag of it  [default: all]")] = "",
    since: Annotated[
        str,
        option(
            "--since",
            "WHEN|REV",
            "Only entries since a date, a time, a length back from now (7d), or after a revision.",
        ),
    ] = "",
    limit: Annotated[str, option("--limit", "N", "Only the newest N entries.")] = "",
    output: Annotated[str, formats("text", "json", "jsonl")] = "text",
    wide: o.Wide = False,
    *,
    ledger: Reading,
) -> None:
    """Show every digest that a tag ever had: when, by whom, from which source, and why.

    The newest comes first. The log shows what the commit messages claim; `ledger audit` verifies them.
    """
    from ledger_tool.commands.log import log as run
    from ledger_tool.core.history.revision import parse_moment
    from ledger_tool.core.policy.reference import parse_reference
    from ledger_tool.edges.files.ledger import read_policy
    from ledger_tool.render import log as render

    reference = o.parsed(parse_reference, image)
    if reference and reference.digest:
        raise UsageError(
            "log takes an image or an image:tag", "use `ledger whence DIGEST` to find where a digest comes from"
        )
    moment = parse_moment(since, datetime.now(UTC)) if since else None
    count = o.limit(limit)
    screen = ledger.screen
    with ledger.history() as history:
        entries = run(history, reference, since=moment, limit=count, read_policy=read_policy, note=screen.note)
    screen.show(
        output,
        json=lambda: render.as_json(entries),
        jsonl=lambda: render.as_json_lines(entries),
        text=lambda: render.as_table(entries, screen.view(wide=wide)),
    )
    if not entries and output == "text":
        screen.note("no entries")

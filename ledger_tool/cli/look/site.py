"""`ledger site`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, option
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.core.ledger import names
from ledger_tool.errors import UsageError

if TYPE_CHECKING:
    from ledger_tool.edges.git.session import Session


@reads
def site(
    folder: Annotated[str, argument("DIR", "The folder: a new or an empty one, or the one of an earlier run.")],
    reconcile: Annotated[
        str, option("--reconcile", "FILE", "Show the drift in this report of `ledger reconcile --format json`.")
    ] = "",
    running: Annotated[
        list[str],
        option(
            "--running",
            "FILE",
            "Show what runs by this report of `ledger running --format json`; may be repeated.",
        ),
    ] = o.NONE,
    url: Annotated[str, option("--url", "URL", "Where it will be served; readers of its feed need that.")] = "",
    title: Annotated[str, option("--title", "TEXT", "What to call it", default="the path of the ledger's remote")] = "",
    output: o.TextOrJson = "text",
    *,
    ledger: Reading,
) -> None:
    """Write the ledger as a static site: pages for people, JSON for programs, and a feed of its changes.

    It shows the last commit, and needs the whole history. Any web server can serve it, and a browser can open it
    from the disk. A further run writes only what has changed, and removes what is gone.
    """
    from ledger_tool.commands.site import site as run
    from ledger_tool.core.site.address import ledger_page, parse_site_url, title_of
    from ledger_tool.core.site.reports import parse_drift, parse_running
    from ledger_tool.edges.files.disk import path_of
    from ledger_tool.edges.files.site_folder import LocalSiteFolder
    from ledger_tool.render.site import summary
    from ledger_tool.render.site.site import site_files

    address = parse_site_url(url) if url else ""
    called = names.parse_text(title, "title") if title else ""
    now = o.now()
    drift = parse_drift(_report(reconcile), reconcile, now) if reconcile else None
    runs = [parse_running(_report(file), file, now) for file in running]
    target, screen = LocalSiteFolder(path_of(folder, "the site")), ledger.screen
    with ledger.session() as session:
        history = session.history()
        page = ledger_page(_remote(session))
        made = run(
            history,
            target,
            site_files,
            now=now,
            title=called or title_of(page),
            url=address,
            ledger_page=page,
            drift=drift,
            running=runs,
            note=screen.note,
        )
    screen.show(
        output,
        json=lambda: summary.as_json(made.written, folder, made.commit),
        text=lambda: [summary.line(made.written, folder)],
    )


def _report(file: str) -> bytes:
    from ledger_tool.core.site.reports import MAX_REPORT_BYTES
    from ledger_tool.edges.files.disk import path_of, read_bytes

    return read_bytes(path_of(file, "the report") if file != "-" else Path(file), MAX_REPORT_BYTES, "the report")


def _remote(session: Session) -> str:
    """Return the URL of the ledger's remote, `""` if it has none: the pages link to its commits there."""
    try:
        return session.remote_url
    except UsageError:
        return ""

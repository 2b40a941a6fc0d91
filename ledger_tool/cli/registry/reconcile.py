"""`ledger reconcile`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ledger_tool.cli import options as o
from ledger_tool.cli.options import choice, flag, option
from ledger_tool.cli.reading import Asking, Reading, asks, reads
from ledger_tool.errors import TryAgain

if TYPE_CHECKING:
    from ledger_tool.core.registry.drift import DriftReport
    from ledger_tool.render.screen import Screen


@reads
@asks(20)
def reconcile(
    pattern: o.Pattern = "*",
    since: o.Since = "",
    deep: Annotated[bool, flag("--deep", "Also check the config, layers and children of every image.")] = False,
    untracked: Annotated[bool, flag("--untracked", "Also list tags that the ledger does not have.")] = False,
    adopt: Annotated[bool, flag("--adopt", "Record those tags, in one commit; implies --untracked.")] = False,
    output: Annotated[str, choice("--format", "text|json|markdown|junit", "How to print it.")] = "text",
    metrics: Annotated[str, option("--metrics", "FILE", "Also write a Prometheus textfile.")] = "",
    *,
    ledger: Reading,
    registry_access: Asking,
) -> int:
    """Compare every record with the live registries; read-only, unless tags are adopted.

    Exit code 0: all in sync. 1: drift. 5: not everything could be observed, and the rest is in sync, or a registry
    looks down.
    """
    from ledger_tool.commands.reconcile import reconcile as run
    from ledger_tool.core.ledger.query import Query
    from ledger_tool.render import reconcile as render

    query = Query(pattern=pattern, since=o.when(since))
    screen = ledger.screen
    with ExitStack() as stack:
        source = stack.enter_context(ledger.store() if adopt else ledger.source())
        registries = stack.enter_context(registry_access.open())
        with screen.progress("image:tags") as progress:
            reconciled = run(
                source,
                registries,
                query,
                now=o.now(),
                jobs=registry_access.jobs,
                deep=deep,
                untracked=untracked or adopt,
                progress=progress,
            )
        report = reconciled.report
        if adopt and not reconciled.interrupted:
            report = _adopt(source, registries, report, registry_access.jobs, screen)
    screen.notes(render.warnings(report, reconciled.unserved))
    screen.show(
        output,
        json=lambda: render.as_json(report),
        markdown=lambda: render.as_markdown(report),
        junit=lambda: render.as_junit(report),
        text=lambda: render.as_text(report, screen.width),
    )
    if metrics:
        _write_metrics(Path(metrics), report, of_all=query == Query())
    if reconciled.interrupted:
        raise KeyboardInterrupt
    if report.looks_down:
        return TryAgain.exit_code
    return 1 if report.drifted else 0 if report.complete else TryAgain.exit_code


def _adopt(store: Any, registries: Any, report: DriftReport, jobs: int, screen: Screen) -> DriftReport:
    from ledger_tool.commands.adopt import adopt as run
    from ledger_tool.render.edit import summary

    adopted = run(store, registries, report, now=o.now(), jobs=jobs)
    for reason in adopted.not_adopted:
        screen.note(f"note: not adopted: {reason}")
    if adopted.written:
        screen.note(summary(adopted.written))
    return adopted.report


def _write_metrics(path: Path, report: DriftReport, *, of_all: bool) -> None:
    from ledger_tool.edges.files.disk import replace_atomically
    from ledger_tool.render import reconcile as render

    before = path.read_text("utf-8", "replace") if path.is_file() else ""
    text = render.as_metrics(report, time.time(), render.last_complete(before), of_all=of_all)
    replace_atomically(path, text.encode())

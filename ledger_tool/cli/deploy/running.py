"""`ledger running`."""

from __future__ import annotations

import sys
import time
from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, formats, option
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.cli.reports import FailOn, Metrics, ReportForms, conclude, what_runs
from ledger_tool.core.ledger import names
from ledger_tool.errors import UsageError


@reads
def running(
    files: Annotated[
        list[str],
        argument(
            "FILE...",
            "What runs, as kubectl, docker, nerdctl, podman or crictl print it in JSON, or lines of images; "
            "`CLUSTER=` in front names the cluster.  [default: -, which is standard input]",
        ),
    ] = o.NONE,
    env: Annotated[str, option("--env", "ENV", "Compare it with what this environment has.")] = "",
    fail_on: FailOn = "drift",
    output: Annotated[str, formats("text", "json", "markdown", "junit")] = "text",
    wide: o.Wide = False,
    metrics: Metrics = "",
    *,
    ledger: Reading,
) -> int:
    """Compare what really runs with the ledger, by the digests that the containers have.

    Exit code 0: all of it is as recorded, somebody else's, or past its TTL. 1: drift. 5: not every container's digest
    could be told, and the rest is as recorded.
    """
    from ledger_tool.commands.running import running as run
    from ledger_tool.core.registry.failon import parse_fail_on
    from ledger_tool.core.running.report import FAILABLE
    from ledger_tool.render import running as render

    environment = names.parse_tag(env) if env else ""
    if not files and sys.stdin is not None and sys.stdin.isatty():
        raise UsageError("nothing is piped into `ledger running`", "try `kubectl get pods -A -o json | ledger running`")
    failing, screen = parse_fail_on(fail_on, FAILABLE), ledger.screen
    containers = what_runs(files or ["-"])
    with ledger.source() as source, screen.progress("versions") as progress:
        compared = run(
            source,
            containers,
            now=o.now(),
            environment=environment,
            open_history=ledger.history,
            note=screen.detail,
            progress=progress,
        )
    report = compared.report
    screen.notes(render.notes(report))
    show = ReportForms(
        json=lambda: render.as_json(compared),
        markdown=lambda: render.as_markdown(report),
        junit=lambda: render.as_junit(report, failing),
        text=lambda: render.as_text(report, screen.view(wide=wide)),
        metrics=lambda last: render.as_metrics(report, time.time(), last),
    )
    return conclude(screen, report, show, output=output, metrics=metrics, command="running", fail_on=failing)

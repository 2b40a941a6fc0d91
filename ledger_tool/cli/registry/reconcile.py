"""`ledger reconcile`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ledger_tool.cli import options as o
from ledger_tool.cli.options import flag, formats, option
from ledger_tool.cli.proving import opening_prover
from ledger_tool.cli.reading import Asking, Reading, asks, reads
from ledger_tool.cli.reports import FailOn, Metrics, ReportForms, conclude
from ledger_tool.core.ledger.names import shown
from ledger_tool.errors import LedgerError, TryAgain

if TYPE_CHECKING:
    from ledger_tool.commands.reconcile import Reconciled
    from ledger_tool.core.registry.previous import PreviousReport
    from ledger_tool.render.screen import Screen


_REPORT_BYTES = 256 * 2**20


@reads
@asks(20)
def reconcile(
    pattern: o.Pattern = "*",
    since: o.Since = "",
    tags: Annotated[bool, flag("--tags", "A quick look: one request for each tag that serves what it should.")] = False,
    deep: Annotated[bool, flag("--deep", "Also check all that is below each image and index.")] = False,
    explain: Annotated[
        str, option("--explain", "N", "How many GETs may explain what differs; some hosts count them as pulls.")
    ] = "50",
    untracked: Annotated[bool, flag("--untracked", "Also list tags that the ledger does not have.")] = False,
    provenance: Annotated[bool, flag("--provenance", "Also check the signed statements about each image.")] = False,
    adopt: Annotated[bool, flag("--adopt", "Record those tags, in one commit; implies --untracked.")] = False,
    fail_on: FailOn = "drift",
    previous: Annotated[
        str, option("--previous", "FILE", "The JSON of the last run, to say since when a finding is there.")
    ] = "",
    save: Annotated[str, option("--save", "FILE", "Also write the JSON, for the next run's --previous.")] = "",
    output: Annotated[str, formats("text", "json", "markdown", "junit")] = "text",
    wide: o.Wide = False,
    metrics: Metrics = "",
    *,
    ledger: Reading,
    registry_access: Asking,
) -> int:
    """Compare every record with the live registries; read-only, unless tags are adopted.

    Exit code 0: all in sync, or nothing but housekeeping to do. 1: drift. 5: not everything could be observed, and the
    rest is in sync, or a registry looks down. If tags could not be adopted, the report comes first, and then that
    error, with its code.
    """
    from ledger_tool.commands.reconcile import reconcile as run
    from ledger_tool.core.ledger.query import Query
    from ledger_tool.core.registry.driftreport import FAILABLE, check_findable
    from ledger_tool.core.registry.failon import parse_fail_on
    from ledger_tool.core.registry.previous import with_since
    from ledger_tool.render import metrics as render_metrics
    from ledger_tool.render import reconcile as render

    o.exclude_each_other({"--tags": tags, "--deep": deep})
    query = Query(pattern=pattern, since=o.when(since))
    failing, most = parse_fail_on(fail_on, FAILABLE), o.whole_number("--explain", explain, 0, 1_000_000)
    check_findable(failing, untracked=untracked or adopt, deep=deep, provenance=provenance)
    screen = ledger.screen
    before = _previous(previous, screen)
    with ExitStack() as stack:
        source = stack.enter_context(ledger.store() if adopt else ledger.source())
        registries = stack.enter_context(registry_access.open(ledger.host_deadline))
        with screen.progress("image:tags") as progress:
            reconciled = run(
                source,
                registries,
                query,
                now=o.now(),
                jobs=registry_access.jobs,
                scope="tags" if tags else "deep" if deep else "images",
                explain=most,
                untracked=untracked or adopt,
                open_past=ledger.history,
                open_prover=opening_prover(source, "") if provenance else None,
                progress=progress,
            )
        refused: LedgerError | KeyboardInterrupt | None = None
        if adopt and not reconciled.interrupted:
            try:  # what was seen is reported, whatever becomes of the write
                with ledger.store() as store:  # with its own deadline: looking may take longer than a session
                    reconciled, refused = _adopt(store, registries, reconciled, registry_access.jobs, ledger)
            except (LedgerError, KeyboardInterrupt) as error:
                refused = error
    report = with_since(reconciled.report, before) if before else reconciled.report
    screen.notes(render.warnings(report))
    of_all = query == Query() and report.scope != "tags"
    show = ReportForms(
        json=lambda: render.as_json(report),
        markdown=lambda: render.as_markdown(report),
        junit=lambda: render.as_junit(report, failing),
        text=lambda: render.as_text(report, screen.view(wide=wide)),
        metrics=lambda last: render_metrics.as_metrics(report, time.time(), last, of_all=of_all),
    )
    code = conclude(screen, report, show, output=output, metrics=metrics, command="reconcile", fail_on=failing)
    if save and not reconciled.interrupted:  # what was not looked at would lose its `since`
        _write(Path(save), render.as_json(report))
    if refused is not None:
        raise refused
    if reconciled.interrupted:
        raise KeyboardInterrupt
    return TryAgain.exit_code if report.looks_down else code


def _previous(path: str, screen: Screen) -> PreviousReport | None:
    """Return the earlier report of `--previous`, or None if there is none (yet)."""
    from ledger_tool.core.registry.previous import parse_previous
    from ledger_tool.edges.files.disk import path_of, read_bytes

    if not path:
        return None
    file = path_of(path, "the last report")
    if not file.exists():
        screen.note(f"note: there is no {shown(path, 300)} yet, so no finding says since when it is there")
        return None
    return parse_previous(read_bytes(file, _REPORT_BYTES, "the last report").decode("utf-8", "replace"))


def _adopt(
    store: Any, registries: Any, reconciled: Reconciled, jobs: int, ledger: Reading
) -> tuple[Reconciled, LedgerError | None]:
    from ledger_tool.commands.adopt import adopt as run
    from ledger_tool.render.edit import summary

    screen = ledger.screen
    adopted = run(
        store, registries, reconciled, now=o.now(), jobs=jobs, open_past=ledger.history,
        open_prover=opening_prover(store, ""),
    )  # fmt: skip
    for reason in adopted.not_adopted:
        if not (adopted.refused and reason == adopted.refused.message):  # the run ends with that
            screen.note(f"note: not adopted: {reason}")
    if adopted.written:
        screen.notes(adopted.written.notes)
        screen.note(summary(adopted.written))
    return adopted.reconciled, adopted.refused


def _write(path: Path, text: str) -> None:
    from ledger_tool.edges.files.disk import write_named

    write_named(path, text.encode())

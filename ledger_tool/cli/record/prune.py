"""`ledger prune`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, flag, option
from ledger_tool.cli.reading import Asking, asks
from ledger_tool.cli.reports import Running, what_runs
from ledger_tool.cli.writing import Writing, writes
from ledger_tool.errors import Denied, UsageError


@writes
@asks(8)
def prune(
    patterns: Annotated[
        list[str], argument("PATTERN...", "Only these: globs of images (`myorg/*`) or of image:tag (`*:pr-*`).")
    ] = o.NONE,
    keep: Annotated[str, option("--keep", "N", "Keep the N newest matching tags of each image.")] = "0",
    older_than: Annotated[
        str,
        option("--older-than", "WHEN", "Only published before a date, a time, or a length back from now (30d)."),
    ] = "",
    now: Annotated[str, option("--now", "WHEN", "Judge by this time instead of the machine's clock.")] = "",
    last: Annotated[bool, flag("--last", "Remove even the last tag of an image.")] = False,
    running: Running = o.NONE,
    registry_delete: Annotated[
        bool, flag("--registry-delete", "Also delete at the registries what no record needs any longer.", "Registry")
    ] = False,
    with_untracked_tags: Annotated[
        bool, flag("--with-untracked-tags", "Also delete what tags serve that are not in the ledger.", "Registry")
    ] = False,
    yes: Annotated[bool, flag("--yes", "Carry it out.", "Writing")] = False,
    output: o.TextOrJson = "text",
    wide: o.Wide = False,
    *,
    ledger: Writing,
    registry_access: Asking,
) -> None:
    """Remove records past their TTL, in one commit; a dry run unless `--yes`.

    The last tag of an image stays. With `--registry-delete`, what no other record needs is first deleted at the
    registries. If something cannot be deleted, its record stays (exit 5 or 6), and the run continues with the rest.
    """
    from ledger_tool.commands.prune import prune as run
    from ledger_tool.core.writes.prune import PruneCriteria
    from ledger_tool.render import prune as render

    if with_untracked_tags and not registry_delete:
        raise UsageError("`--with-untracked-tags` concerns what is deleted at registries", "add `--registry-delete`")
    clock = o.now()
    judged = o.when(now) or clock
    criteria = PruneCriteria(
        now=judged,
        clock=clock if now else None,
        patterns=patterns,
        keep=o.whole_number("--keep", keep, 0, 1_000_000),
        older_than=o.when(older_than, judged),
        last=last,
        running=what_runs(running),
    )
    screen, ledger = ledger.screen, replace(ledger, dry_run=ledger.dry_run or not yes)
    with ExitStack() as stack:
        pruned = run(
            ledger.store,
            criteria,
            registries=stack.enter_context(registry_access.open(ledger.host_deadline)) if registry_delete else None,
            jobs=registry_access.jobs,
            progress=stack.enter_context(screen.progress("manifests")),
            proposes=ledger.pull_request is not None,
            pushes=ledger.session_options.push,
            dry_run=ledger.dry_run,
            with_untracked=with_untracked_tags,
        )
    screen.show(
        output, json=lambda: render.as_json(pruned), text=lambda: render.as_text(pruned, screen.view(wide=wide))
    )
    screen.notes(render.notes(pruned))
    screen.note(render.summary(pruned, dry_run=ledger.dry_run))
    errors = sorted(pruned.failed.values(), key=lambda error: not isinstance(error, Denied))
    for message in dict.fromkeys(error.message for error in errors[1:] if error.message != errors[0].message):
        screen.note(f"warning: {message}")
    if errors:
        raise errors[0]
    if pruned.doubt:
        raise pruned.doubt

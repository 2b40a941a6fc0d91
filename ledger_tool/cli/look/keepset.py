"""`ledger keepset`."""

from __future__ import annotations

import re
from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, flag, option
from ledger_tool.cli.reading import Asking, Reading, asks, reads
from ledger_tool.cli.reports import Running, what_runs
from ledger_tool.core.ledger import names
from ledger_tool.errors import InvalidValue, Unreachable, UsageError


@reads
@asks(20)
def keepset(
    pattern: Annotated[str, argument("PATTERN", "A glob of images (`myorg/*`).")] = "*",
    live: Annotated[
        bool, flag("--live", "Ask the registries for all children of each index, including attestations.")
    ] = False,
    registry: Annotated[str, option("--registry", "HOST", "Only what is in this registry.")] = "",
    running: Running = o.NONE,
    output: o.TextOrJson = "text",
    *,
    ledger: Reading,
    registry_access: Asking,
) -> None:
    """Print every digest that a garbage collector must keep: images, indexes, children and bases.

    With `--live`, nothing is printed unless the list is complete. Without it, the list is for a collector that keeps
    what an index refers to.
    """
    from ledger_tool.commands.keepset import keepset as run
    from ledger_tool.core.dependencies.keepset import Scope
    from ledger_tool.render import keepset as render

    if ":" in pattern.rpartition("/")[2]:
        raise UsageError(
            f"the pattern `{names.shown(pattern)}` has a tag",
            "give a glob of images, because repositories are kept as a whole",
        )
    host = re.sub(r"^https?://", "", registry)
    if registry and not re.fullmatch(names.HOST, host):
        raise InvalidValue(
            "host", f"host `{names.shown(registry)}` is malformed", "write it as in ledger.yaml: `registry.example.com`"
        )
    screen, containers = ledger.screen, what_runs(running)
    with (
        ledger.source() as source,
        registry_access.open(ledger.host_deadline) as registries,
        screen.progress("manifests") as progress,
    ):
        kept = run(
            source,
            registries if live else None,
            Scope(pattern, host),
            jobs=registry_access.jobs,
            progress=progress,
            running=containers,
        )
    if kept.unseen and output == "text":  # in JSON, they are marked
        what = "it may be an index" if re.search(rf"{names.DIGEST}\Z", kept.unseen[0]) else "it runs without a digest"
        raise Unreachable(
            f"nobody has looked at {kept.unseen[0]}: {what}, and the ledger does not have its images",
            "add `--live`, which asks the registries; `--format json` lists such digests under `unseen`",
        )
    screen.notes(render.notes(kept))
    screen.show(output, json=lambda: render.as_json(kept), text=lambda: render.as_text(kept))

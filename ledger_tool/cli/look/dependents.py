"""`ledger dependents`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.look.deps import Format
from ledger_tool.cli.options import argument, flag
from ledger_tool.cli.reading import Asking, Reading, asks, reads
from ledger_tool.core.ledger import names
from ledger_tool.core.policy.reference import Reference, is_digest_alone, parse_reference
from ledger_tool.errors import TryAgain, UsageError


@reads
@asks(20)
def dependents(
    ref: Annotated[str, argument("REF", "An image, an image:tag, or a digest; optional with `--stale`.")] = "",
    stale: Annotated[
        bool, flag("--stale", "Only images on an old digest of a base whose tag has moved on, in rebuild order.")
    ] = False,
    live: Annotated[bool, flag("--live", "With `--stale`: ask the registries where the tags are now.")] = False,
    output: Format = "text",
    wide: o.Wide = False,
    *,
    ledger: Reading,
    registry_access: Asking,
) -> int:
    """Show everything that is built, directly or indirectly, on an image, an image:tag or a digest.

    Exit code with --stale: 0: nothing to rebuild. 1: something to rebuild. 5: not every tag could be observed, and
    none of the others has moved on.
    """
    from ledger_tool.commands import dependents as command
    from ledger_tool.render import dependents as render
    from ledger_tool.render import graphs

    if live and not stale:
        raise UsageError("`--live` needs `--stale`", "add `--stale`, or leave `--live` out")
    if not ref and not stale:
        raise UsageError("REF is missing", "name an image, an image:tag or a digest, or add `--stale`")
    target = _parsed(ref) if ref else None
    screen = ledger.screen
    with (
        ledger.source() as source,
        registry_access.open(ledger.host_deadline) as registries,
        screen.progress("tags") as progress,
    ):
        if target is not None and not stale:
            built = command.dependents(source, target)
        else:
            asked_registries = registries if live else None
            built = command.stale(source, asked_registries, target, jobs=registry_access.jobs, progress=progress)
    outline = render.outlined(built)
    screen.notes([*graphs.cycle_notes(outline), *render.notes(built)])

    def drawn() -> graphs.Drawn:
        return render.rebuilds_drawn(built) if stale else graphs.drawn(outline, names_base=False)

    screen.show(
        output,
        json=lambda: render.as_json(built, outline),
        dot=lambda: graphs.as_dot(*drawn()),
        mermaid=lambda: graphs.as_mermaid(*drawn()),
        text=lambda: (
            render.rebuilds_table(built, screen.view(wide=wide)) if stale else graphs.as_tree(outline, names_base=False)
        ),
    )
    screen.notes(render.nothing_notes(built, stale=stale))
    if not stale:
        return 0
    return 1 if built.rebuilds else 0 if built.complete else TryAgain.exit_code


def _parsed(ref: str) -> Reference | names.Digest:
    """Return the digest or the reference that REF is."""
    return names.parse_digest(ref) if is_digest_alone(ref) else parse_reference(ref)

"""`ledger restore`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, flag, formats, option
from ledger_tool.cli.reading import Asking, Reading, asks, reads
from ledger_tool.core.ledger import names
from ledger_tool.errors import Denied, TryAgain


@reads
@asks(8)
def restore(
    patterns: Annotated[
        list[str], argument("PATTERN...", "Only these: globs of images (`myorg/*`) or of image:tag (`*:v1.*`).")
    ] = o.NONE,
    env: Annotated[str, option("--env", "ENV", "Set the tags of this environment, and no others.")] = "",
    registry: Annotated[str, option("--registry", "HOST", "Only at this registry, by its host or its name.")] = "",
    overwrite: Annotated[
        bool, flag("--overwrite", "Also put back a tag that serves what the ledger never had, which may get lost.")
    ] = False,
    yes: Annotated[bool, flag("--yes", "Carry it out.")] = False,
    output: Annotated[str, formats("text", "json", "markdown")] = "text",
    wide: o.Wide = False,
    *,
    ledger: Reading,
    registry_access: Asking,
) -> int:
    """Put tags at the registries back to what the ledger says; a dry run unless `--yes`.

    Nothing is deleted, no image is copied between registries, and the ledger stays as it is. Exit code 0: all
    tags serve what they should, or would. 1: some stay as they are, though they should not. 5: not everything could be
    observed or verified. 6: a registry refused.
    """
    from ledger_tool.commands.restore import RestoreRequest
    from ledger_tool.commands.restore import restore as run
    from ledger_tool.render import restore as render

    environment = names.parse_tag(env) if env else ""
    request = RestoreRequest(
        patterns=patterns, environment=environment, registry=registry, overwrite=overwrite, carry_out=yes
    )
    screen = ledger.screen
    with ExitStack() as stack:
        source = stack.enter_context(ledger.source())
        restored = run(
            source,
            stack.enter_context(registry_access.open(ledger.host_deadline)),
            request,
            now=o.now(),
            jobs=registry_access.jobs,
            open_past=ledger.history,
            note=screen.detail,
            progress=stack.enter_context(screen.progress("tags")),
        )
    screen.show(
        output,
        json=lambda: render.as_json(restored, request),
        markdown=lambda: render.as_markdown(restored, request),
        text=lambda: render.as_text(restored, screen.view(wide=wide)),
    )
    screen.note(render.summary(restored, request))
    if restored.interrupted:
        raise KeyboardInterrupt
    errors = sorted(restored.failed, key=lambda error: not isinstance(error, Denied))
    for message in dict.fromkeys(error.message for error in errors[1:] if error.message != errors[0].message):
        screen.note(f"warning: {message}")
    if errors:
        raise errors[0]
    states = {action.state for action in restored.actions}
    return TryAgain.exit_code if "unknown" in states else 1 if states & {"left", "lost"} else 0

"""`ledger check`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

from ledger_tool.cli.options import exclude_each_other, flag, formats, now, option
from ledger_tool.cli.reading import Asking, Reading, asks, reads


@reads
@asks(8)
def check(
    base: Annotated[
        str, option("--base", "REV", "Also check each commit since this revision, such as `origin/main`.")
    ] = "",
    head: Annotated[
        str,
        option(
            "--head",
            "REV",
            "Check this revision, which has to contain the base, and not the files; for a server's hook.",
        ),
    ] = "",
    ref: Annotated[
        str,
        option(
            "--ref",
            "REF",
            "With --head: the ref that a push moves there; other branches than the ledger's may be rewritten.",
        ),
    ] = "",
    registry: Annotated[
        bool, flag("--registry", "Ask the registries whether the digests exist (with --base: only the new ones).")
    ] = False,
    fix: Annotated[
        bool, flag("--fix", "First write ledger.json in its canonical form, if it says the same; in a checkout.")
    ] = False,
    output: Annotated[str, formats("text", "json", "junit", "github", "gitlab")] = "text",
    *,
    ledger: Reading,
    registry_access: Asking,
) -> int:
    """Check the ledger, and what a pull request does to it.

    The whole file is checked against its schema, its canonical form and its rules. With --base, every commit since
    then must do what its message says; a digest moves only by force and with a reason, and a removal needs a reason.
    All of them together must be allowed as one change, too. Exit code 1 means findings, 4 an invalid ledger.json.
    """
    from ledger_tool.commands.check import check as run
    from ledger_tool.core.ledger.canonical import canonical_form
    from ledger_tool.edges.files.ledger import read_policy, schema
    from ledger_tool.errors import InvalidLedger, TryAgain, UsageError
    from ledger_tool.render import check as render

    screen = ledger.screen
    was_written: bool | None = False
    if fix:
        exclude_each_other({"--fix": fix, "--base": base, "--head": head, "--branch": ledger.session_options.branch})
        with ledger.session() as session:
            if was_written := session.rewrite(canonical_form):
                screen.note(render.fixed())
    exclude_each_other({"--head": head, "--branch": ledger.session_options.branch})
    if ref and not (head and base):
        raise UsageError("`--ref` needs `--head` and `--base`", "add both, as git tells them to a hook")
    with ExitStack() as stack:
        of_files = not (base or ledger.session_options.branch)
        history = stack.enter_context(ledger.history_at(head) if head else ledger.history(files_alone=of_files))
        registries = stack.enter_context(registry_access.open(ledger.host_deadline)) if registry else None
        checked = run(
            history,
            base=base,
            head=head,
            ref=ref,
            schema=lambda: schema("ledger-v1"),
            read_policy=read_policy,
            clock=now(),
            registries=registries,
            jobs=registry_access.jobs,
        )
    screen.show(
        output,
        json=lambda: render.as_json(checked),
        junit=lambda: render.as_junit(checked),
        github=lambda: render.as_github(checked),
        gitlab=lambda: render.as_gitlab(checked),
        text=lambda: render.as_text(checked, screen.view()),
    )
    if was_written is None:
        screen.note(render.not_fixed(checked))
    screen.notes(render.notes(checked))
    if checked.invalid:
        return InvalidLedger.exit_code
    return 1 if checked.findings else TryAgain.exit_code if checked.unknown else 0

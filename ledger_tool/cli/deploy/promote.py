"""`ledger promote`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, flag, option
from ledger_tool.cli.writing import Writing, reason_text, writes
from ledger_tool.core.ledger import names
from ledger_tool.errors import InvalidValue, UsageError

if TYPE_CHECKING:
    from ledger_tool.commands.ports import History
    from ledger_tool.commands.promote import ChoosePromotion


@writes
def promote(
    to: Annotated[str, option("--to", "ENV", "The environment that gets the versions.")],
    images: Annotated[
        list[str],
        argument("IMAGE:TAG...", "What to promote; with `--from`, `--back` or `--at`, globs of images."),
    ] = o.NONE,
    source: Annotated[str, option("--from", "ENV", "Take what another environment has.")] = "",
    everything: Annotated[bool, flag("--all", "With `--from`: all its images, as one tested set.")] = False,
    back: Annotated[bool, flag("--back", "Go back to what the environment had before.")] = False,
    at: Annotated[
        str, option("--at", "TIME|REV", "Go back to all that the environment had at a time or a revision.")
    ] = "",
    reason: Annotated[
        str, option("--reason", "TEXT", "Why; needed to go back, and for what `from` in ledger.yaml does not allow.")
    ] = "",
    output: o.Written = "",
    *,
    ledger: Writing,
) -> None:
    """Give an environment versions of images, in one commit, or as a pull request.

    `ledger.yaml` declares the environments. Each record `IMAGE:ENV` has the digests of the version that was promoted.
    Where an environment takes from another one (`from`), anything that this one does not have needs a `--reason`.
    """
    from ledger_tool.commands.promote import promote as run
    from ledger_tool.render import promote as render

    environment = _environment("--to", to)
    _check(images, source=source, everything=everything, back=back, at=at, reason=reason)
    why = reason_text(reason) if reason else ""
    with _history(ledger, needed=back or bool(at)) as history:
        choose = _chosen(environment, images, source, at, history)
    with ledger.store() as store:
        written = run(store, choose, now=o.now(), reason=why, dry_run=ledger.dry_run)
    ledger.screen.notes(written.notes)
    render.show(ledger.screen, written, output, dry_run=ledger.dry_run)


def _environment(option_name: str, value: str) -> names.Tag:
    try:
        return names.parse_tag(value)
    except InvalidValue:
        message = f"`{option_name} {names.shown(value)}` is not the name of an environment"
        raise UsageError(message, "write one that ledger.yaml declares under `environments`") from None


def _check(images: list[str], *, source: str, everything: bool, back: bool, at: str, reason: str) -> None:
    """Raise UsageError for options that do not go together."""
    o.exclude_each_other({"--from": source, "--back": back, "--at": at})
    if everything and not source:
        raise UsageError("`--all` needs `--from`", "name the environment whose images are meant")
    if source and bool(images) == everything:
        both = "images and `--all`" if everything else "neither images nor `--all`"
        raise UsageError(f"`--from` is given with {both}", "name images, or take them all with `--all`")
    if not (images or source or at):
        hint = "name the images; to go back with all of them, name a time with `--at`" if back else _HINT
        raise UsageError("nothing is named to be promoted", hint)
    if (back or at) and not reason:
        raise UsageError("going back needs a `--reason`", "say why; it stays in history")


_HINT = "write `IMAGE:TAG`, or take what another environment has with `--from ENV --all`"


def _history(ledger: Writing, *, needed: bool) -> AbstractContextManager[History | None]:
    return ledger.history() if needed else nullcontext()


def _chosen(
    environment: names.Tag, images: list[str], source: str, at: str, history: History | None
) -> ChoosePromotion:
    """Return what chooses the versions, on whatever ledger the write finds."""
    from ledger_tool.commands import promote as commands
    from ledger_tool.core.policy.reference import parse_name
    from ledger_tool.core.writes import promote as core

    if history:
        from ledger_tool.core.history.revision import parse_moment

        promotion = (
            commands.as_at(history, parse_moment(at, datetime.now(UTC)), environment, images)
            if at
            else commands.as_before(history, environment, images)
        )
        return lambda _: promotion
    if source:
        taken_from = _environment("--from", source)
        return lambda snapshot: core.taken(snapshot, taken_from, environment, images)
    return partial(core.named, references=[parse_name(image) for image in images], environment=environment)

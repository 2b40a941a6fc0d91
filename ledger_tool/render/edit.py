"""What a write did: one JSON object per image:tag for machines, one line for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from ledger_tool.commands.write import Written
from ledger_tool.core.changes.change import Change, Result
from ledger_tool.core.changes.effect import PullMove, pull_moves
from ledger_tool.core.changes.message import promoted_images
from ledger_tool.core.ledger.names import counted
from ledger_tool.core.ledger.record import Name, to_json
from ledger_tool.render import json
from ledger_tool.render.screen import Screen
from ledger_tool.render.view import View

if TYPE_CHECKING:
    from ledger_tool.core.changes.proposal import Proposed

_PAST = {
    "publish": "published", "set": "edited", "remove": "removed", "yank": "yanked", "unyank": "unyanked",
    "prune": "pruned", "promote": "promoted",
}  # fmt: skip
_ALREADY = {"yank": "already yanked with that reason", "unyank": "not yanked"}


def show(
    screen: Screen,
    written: Written,
    output: str,
    *,
    dry_run: bool,
    steps: Callable[[Written, View], Iterator[str]] | None = None,
) -> None:
    """Write the result of a write: a line for people, and with it, on stdout then, JSON unless `output` is `text`.

    Without an `output` the screen says which it is. The lines of `steps` come before the line for people; without them,
    those of a dry run do.
    """
    if written.warning:
        screen.note(f"warning: {written.warning}")
    line = summary(written, dry_run=dry_run)
    if (output or screen.usual_format) == "text":
        screen.data((steps or _before_and_after)(written, screen.view()))
        screen.told(line)
        return
    screen.data(json_lines(written))
    screen.note(line)


def _before_and_after(written: Written, view: View) -> Iterator[str]:
    """Yield what a dry run would have changed, as `diff` shows it; nothing for what was written."""
    if written.base is None or not written.change.changed:
        return
    from ledger_tool.core.judging.diff import Claims, tag_changes
    from ledger_tool.render.diff import change_lines

    before, change = written.base, written.change
    claims = Claims(reason_of=lambda _: change.reason)
    changes = tag_changes(before.ledger, change.ledger, before.policy, claims=claims)
    _, *lines = change_lines(changes, view)
    yield from [*lines, ""]


def json_lines(written: Written) -> Iterator[str]:
    """Yield the JSON object of each image:tag; `schema/written-v1.schema.json` describes it."""
    for result in written.results:
        verified = {} if written.verified is None else {"verified": result.name in written.verified}
        before = {"before": [*map(to_json, written.base.ledger.find(result.name))]} if written.base else {}
        more = _ref(result, written) | before | verified | pull_request(written.request)
        yield json.line(result_object(result) | more)


def _ref(result: Result, written: Written) -> dict[str, str]:
    repository = written.repositories.get(result.name.image)
    return {"ref": f"{repository}@{result.digest}"} if repository and result.digest else {}


def request_link(request: Proposed) -> str:
    """Return the URL of a pull request, and whether it is new."""
    return f"{request.url} ({'opened' if request.created else 'already open'})"


def pull_request(request: Proposed | None) -> dict[str, Any]:
    """Return the JSON field of a pull request, or nothing without one."""
    if request is None:
        return {}
    fields = {"url": request.url, "number": request.number, "branch": request.branch, "created": request.created}
    return {"pullRequest": fields if request.pushed is None else fields | {"pushed": request.pushed}}


def summary(written: Written, *, dry_run: bool = False) -> str:
    """Return one line that says what happened."""
    change = written.change
    names = {effect.name for effect in change.reported}
    what = _named(names)
    if change.verb == "promote" and names:
        return _promotion(written, dry_run=dry_run)
    if change.verb == "promote" and not names:
        return "nothing to do: the environment had no images, and has none now"
    if not change.changed:
        already = _ALREADY.get(change.verb, "already in the ledger")
        return f"nothing to do: {what} {'is' if len(names) == 1 else 'are'} {already}"
    if change.verb == "remove":  # of a set that an environment had, some may stay
        gone = {effect.name for effect in change.effects}
        what = _named(gone) + (f" ({len(names - gone)} unchanged)" if names - gone else "")
    elif effects := _effects(change):
        what += f" ({effects})"
    return _done(written, what, dry_run=dry_run)


def _named(names: Collection[Name]) -> str:
    return str(next(iter(names))) if len(names) == 1 else counted(len(names), "image")


def _promotion(written: Written, *, dry_run: bool) -> str:
    reported, effects = written.change.reported, written.change.effects
    what, environment = promoted_images(effects or reported)
    if not effects:
        return f"nothing to do: {environment} already has {what}"
    changed, had = ({effect.name for effect in some} for some in (effects, reported))
    taken_out = changed - {effect.name for effect in effects if effect.new}
    rest = ((len(taken_out), "taken out"), (len(had - changed), "unchanged"))
    told = ", ".join(f"{number} {what_of_it}" for number, what_of_it in rest if number)
    return _done(written, f"{what} to {environment}" + (f" ({told})" if told else ""), dry_run=dry_run)


def _done(written: Written, what: str, *, dry_run: bool) -> str:
    change = written.change
    if dry_run:
        return f"dry run: would have {_PAST[change.verb]} {what}"
    if written.request:
        return f"proposed to {change.verb} {what}: {request_link(written.request)}"
    commit = (written.results[0].commit or "")[:12]
    attempts = f", attempt {written.attempts}" if written.attempts > 1 else ""
    return f"{_PAST[change.verb]} {what} in {commit}{attempts}"


def _effects(change: Change) -> str:
    """Return what the verb alone does not convey."""
    is_one_tag = len({effect.name for effect in change.reported}) == 1
    pulled = [_pulled(move) for move in pull_moves(change.effects) if move.has_index] if is_one_tag else []
    if change.verb == "publish" and len(change.reported) == 1:
        (effect,) = change.reported
        told = effect.kind + (f" from {', '.join(effect.replaces)}" if effect.replaces and not pulled else "")
    else:
        counts = Counter(effect.kind for effect in change.reported)
        told = ", ".join(f"{counts[kind]} {kind}" for kind in counts if change.verb == "publish" or kind == "unchanged")
    return ", ".join([told, *pulled] if told else pulled)


def _pulled(move: PullMove) -> str:
    return f"pulled by {move.new[0]} instead of {move.old[0]}"


def result_object(result: Result) -> dict[str, Any]:
    """Return the JSON object of one image:tag."""
    return {
        "image": result.name.image,
        "tag": result.name.tag,
        "digest": result.digest,
        "changed": result.changed,
        "commit": result.commit,
        "records": [to_json(record) for record in result.records],
    }

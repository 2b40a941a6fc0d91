"""`diff` as text for a terminal, as JSON, and the words that `diff_markdown` shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ledger_tool.commands.diff import Diff
from ledger_tool.core.changes.promotion import unlike_platforms
from ledger_tool.core.judging.diff import TagChange
from ledger_tool.core.ledger.names import counted, escaped, shown
from ledger_tool.core.ledger.record import Record, pull_digest, pull_digests, to_json
from ledger_tool.render import json
from ledger_tool.render.files import file_lines, files_json
from ledger_tool.render.owners import grouped, signature_lines
from ledger_tool.render.view import Role, View

MOST_VALUES = 5  # per fact, such as the platforms
SETTINGS = "`ledger.yaml` also changes: check which tags may move and what a record needs"

_ROLES: Mapping[str, Role] = {
    "moved": "doubtful", "added": "good", "updated": "minor", "removed": "bad", "yanked": "bad", "promoted": "good",
}  # fmt: skip
_DIRECTIONS = {"upgrade": "upgrade", "downgrade": "DOWNGRADE", "same": "sidegrade"}


def as_json(reviewed: Diff) -> str:
    """Return the JSON object; `schema/diff-v1.schema.json` describes it."""
    value = {
        "changes": [_object(change) for change in reviewed.changes],
        "settingsChanged": reviewed.settings_changed,
        "files": files_json(reviewed.files),
        "signatures": [{"signers": list(one), "for": what} for one, what in grouped(reviewed.owned).items()],
    }
    return json.document(value)


def _object(change: TagChange) -> dict[str, Any]:
    before, now = change.versions
    value: dict[str, Any] = {
        "kind": change.kind,
        "image": change.name.image,
        "tag": change.name.tag,
        "platforms": change.platforms,
        "old": _side(change.old),
        "new": _side(change.new),
        "previous": change.previous and change.previous.tag,
        "compare": change.compare or None,
        "direction": change.direction,
        "immutable": change.immutable,
        "reverts": change.reverts or None,
        "runs": [json.run(run) for run in change.runs],
        "version": (now or None) if change.environment else None,
        "replacesVersion": (before or None) if change.environment and before != now else None,
        "reason": change.reason or None,
        "forced": next(({"replaces": one.replaces, "reason": one.reason} for one in change.marks), None),
    }
    return value


def _side(records: tuple[Record, ...]) -> dict[str, Any] | None:
    if not records:
        return None
    return {"digest": pull_digest(records), "records": [to_json(record) for record in records]}


def notes(reviewed: Diff, base: str) -> Iterator[str]:
    """Yield a note about the commits that only the base has."""
    if reviewed.behind:
        commits = counted(reviewed.behind, "commit")
        if reviewed.is_undoing:
            yield f"note: {shown(base) or 'the last commit'} is {commits} ahead; what they did is shown as undone"
            return
        yield f"note: {shown(base)} is {commits} ahead; only what was added since they parted is shown"


def as_text(reviewed: Diff, view: View) -> Iterator[str]:
    """Yield a headline, the other files that change, then the changes of each image."""
    yield headline(reviewed.changes)
    if reviewed.settings_changed:
        yield view.painted(SETTINGS, "bad")
    for line in file_lines(reviewed.files):
        yield view.painted(f"another file changes: {line}", "bad")
    yield from (view.painted(line, "heading") for line in signature_lines(reviewed.owned, escaped))
    yield from change_lines(reviewed.changes, view)


def change_lines(changes: Iterable[TagChange], view: View) -> Iterator[str]:
    """Yield the lines of each environment's and each image's changes, with every fact before and after."""
    group = ("", "")
    for change in changes:
        if (change.environment, change.group) != group:
            group = change.environment, change.group
            yield ""
            yield view.painted(f"environment {change.group}" if change.environment else change.group, "heading")
        urgent = change.gravity == 0
        kind = f"{change.kind:9}{change.name.image}" if change.environment else f"{change.kind:8}{change.name.tag}"
        title = f"{kind}{platforms(change)}{direction(change)}"
        roles: Sequence[Role] = ("heading", "bad") if urgent else (_ROLES[change.kind],)
        link = f"  {change.compare}" if change.compare and change.is_step else ""
        yield "  " + view.painted(escaped(title), *roles) + link
        for line in warnings(change, escaped):
            yield "    " + view.painted(line, "bad")
        for fact in change.facts:
            subject = f" {escaped(fact.subject)}" if fact.subject else ""
            yield f"    {fact.what}{subject}: {step(change, escaped(fact.old), escaped(fact.new))}"
        yield from (f"    run: {run}" for run in change.runs)
        if change.compare and not change.is_step:
            yield f"    compare: {change.compare}"


def headline(changes: Sequence[TagChange]) -> str:
    """Return one line: the number of image:tags, and what happens to them."""
    if not changes:
        return "no record changes"
    return f"{counted(len(changes), 'image:tag')}: {counts(changes)}"


def counts(changes: Iterable[TagChange]) -> str:
    """Return what happens to how many image:tags."""
    changes = list(changes)
    forced = sum(bool(change.marks) for change in changes if change.kind == "moved")
    return ", ".join(
        f"{count} {kind}" + (f" ({forced} by force)" if kind == "moved" and forced else "")
        for kind, count in Counter(change.kind for change in changes).items()
    )


def some(values: Sequence[str], most: int = MOST_VALUES) -> str:
    """Return the first values, and how many more there are; all of them with 0."""
    more = f" and {len(values) - most} more" if 0 < most < len(values) else ""
    return ", ".join(values[:most] if most else values) + more


def step(change: TagChange, old: str, new: str) -> str:
    """Return `old → new`, or only one of them for an added or removed image:tag."""
    if (change.kind == "added" and not old) or not change.new:
        return old or new
    return f"{old or 'none'} → {new or 'none'}"


def platforms(change: TagChange, clean: Callable[[str], str] = str, most: int = 0) -> str:
    """Return the platforms in parentheses, if known."""
    titled = () if change.is_step else change.titled_platforms
    return f" ({some([clean(one) for one in titled], most)})" if titled else ""


def direction(change: TagChange, clean: Callable[[str], str] = str) -> str:
    """Return the kind of step, and from which version to which."""
    if change.kind == "promoted":
        old, new = (clean(version) if version else "none" for version in change.versions)
        other = f", {_other_images(change, clean)}" if old == new else ""
        kind = "" if change.direction in ("unknown", "same") else f"{_DIRECTIONS[change.direction]} "
        return f", {kind}{old} → {new}{other}"
    if change.is_step:
        return f", it had {clean(change.versions[0]) or 'no version'}"
    if change.direction == "unknown" or change.kind in ("removed", "updated", "yanked"):
        return ""
    old, new = change.versions
    between = f" from {clean(old)}" if change.name.tag == new else f" {clean(old)} → {clean(new)}"
    return f", {_DIRECTIONS[change.direction]}{between if old != new else ''}"


def _other_images(change: TagChange, clean: Callable[[str], str]) -> str:
    if pull_digests(change.old) != pull_digests(change.new):
        return "another image"
    return f"other images for {clean(unlike_platforms(change.old, change.new))}"


def warnings(change: TagChange, clean: Callable[[str], str]) -> Iterator[str]:
    """Yield what a reviewer must not miss; `clean` makes foreign text safe."""
    if change.reason:
        yield f"reason: {clean(change.reason)}"
    if change.environment and change.reverts:
        yield f"reason: a revert of {clean(change.reverts)}"
    if change.unfounded:
        yield "this is not what is recorded of a version; `ledger check` says what is wrong"
    for reason in list(dict.fromkeys(mark.reason for mark in change.marks))[:MOST_VALUES]:
        yield f"forced: {clean(reason)}"
    if change.moves_back:
        yield f"this tag is immutable, and moves back: a revert of {clean(change.reverts)}"
    if change.unexplained_move:
        yield "this tag is immutable, and nothing explains why it moves"
    if change.unproved_move:
        yield "it is pulled by another digest; `ledger check --registry` shows whether the recorded images are in it"
    if change.yanked:
        yield f"not to be used: {clean(change.yanked.reason)}"

"""What a prune removes, or removed: JSON for machines; for people, tables of what goes, what stays, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger_tool.commands.deleting_registries import Place
from ledger_tool.commands.prune import Pruned
from ledger_tool.core.ledger.names import counted
from ledger_tool.core.ledger.record import Record, to_json
from ledger_tool.render import json
from ledger_tool.render.edit import pull_request, request_link
from ledger_tool.render.table import Column, table
from ledger_tool.render.view import Role, View


def as_json(done: Pruned) -> str:
    """Return the JSON object; `schema/prune-v1.schema.json` describes it."""
    value: dict[str, Any] = {
        "expired": [to_json(record) for record in done.expired],
        "deleted": [_object(one.place) | {"tags": list(one.tags)} for one in done.deleted],
        "commit": done.commit,
        "kept": [{"record": to_json(one.record), "reason": one.reason} for one in done.spared],
        "retained": [_object(one.place) | {"reason": one.reason} for one in done.retained],
        "restored": [_object(one.place) for one in done.restored],
        "staying": [_object(one.place) | {"tag": one.tag, "reason": one.reason} for one in done.staying],
        "untagged": [_object(one.place) | {"tag": tag} for one in done.untagged for tag in one.tags],
        "failed": [{"image": image, "reason": error.message} for image, error in sorted(done.failed.items())],
    }
    value["next"] = {"record": to_json(done.upcoming.record), "at": done.upcoming.at} if done.upcoming else None
    value |= pull_request(done.request)
    return json.document(value)


def _object(place: Place) -> dict[str, str]:
    return {"registry": place.registry.name, "image": place.image, "digest": place.digest}


_ROLES: Mapping[str, Role] = {"prune": "bad", "delete": "bad", "keep": "good", "stays": "good", "put back": "good"}
_ACTION = Column("", role=lambda action: _ROLES.get(action))
_RECORDS = (
    _ACTION,
    Column("IMAGE", "name"),
    Column("PLATFORM", spare=3),
    Column("DIGEST", spare=1),
    Column("PUBLISHED", spare=2),
    Column("WHY", "prose", spare=4),
)
_DIGESTS = (_ACTION, Column("REGISTRY", "name", spare=1), Column("IMAGE", "name"), Column("DIGEST"), _RECORDS[-1])
_TAGS = (_ACTION, _DIGESTS[1], Column("TAG", "name"), Column("SERVES"), _RECORDS[-1])


def as_text(done: Pruned, view: View) -> Iterator[str]:
    """Yield a table of the expired records, and of the digests and of the tags at the registries, if there are any."""
    rows = [("prune", *_cells(record, view), f"past its TTL of {record.ttl}") for record in done.expired]
    rows += [("keep", *_cells(one.record, view), view.prose(one.reason)) for one in done.spared]
    yield from table(_RECORDS, rows, view)
    places = [("delete", one.place, _with_tags(one.tags)) for one in done.deleted]
    places += [("put back", one.place, "it is needed again") for one in done.restored]
    places += [("keep", one.place, one.reason) for one in done.retained]
    if places:
        yield ""
        lines = [
            (action, place.registry.name, place.image, view.digest(place.digest), view.prose(reason))
            for action, place, reason in places
        ]
        yield from table(_DIGESTS, lines, view)
    tags = [("delete", one.place, tag, "its digest stays") for one in done.untagged for tag in one.tags]
    tags += [("stays", one.place, one.tag, one.reason) for one in done.staying]
    if tags:
        yield ""
        lines = [
            (action, place.registry.name, f"{place.image}:{tag}", view.digest(place.digest), view.prose(reason))
            for action, place, tag, reason in tags
        ]
        yield from table(_TAGS, lines, view)


def notes(done: Pruned) -> Iterator[str]:
    """Yield what a reader should know: of a file that says nothing, and of tags that stay served."""
    if done.runs_elsewhere:
        yield "warning: nothing that runs is an image of this ledger; check that `--running` names the right file"
    for name, why in sorted(done.declined.items()):
        tags = [one for one in done.staying if one.is_removable and one.place.registry.name == name]
        names = ", ".join(f"{one.place.image}:{one.tag}" for one in tags)
        yield f"note: {why}" + (f"; so these stay served: {names}" if names else "")


def summary(done: Pruned, *, dry_run: bool) -> str:
    """Return one line that says what happened, or would."""
    if not done.expired and not done.deleted:
        kept = f", {counted(len(done.spared), 'expired record')} kept" if done.spared else ""
        later = f"; the next is {done.upcoming.record.key}, at {done.upcoming.at}" if done.upcoming else ""
        return f"nothing to prune{kept}{later}"
    images = {record.name for record in done.expired}
    what = f"{counted(len(done.expired), 'record')} of {counted(len(images), 'tag')}"
    if done.deleted:
        what += f", {counted(len(done.deleted), 'manifest')} at the registries"
    if done.untagged:
        what += f", {counted(len(done.untagged), 'tag')} alone"
    if dry_run:
        return f"dry run: would prune {what}; add `--yes` to do it"
    if done.request:
        return f"proposed to prune {what}: {request_link(done.request)}"
    return f"pruned {what}" + (f" in {done.commit[:12]}" if done.commit else "")


def _with_tags(tags: Sequence[str]) -> str:
    return f"with the {'tag' if len(tags) == 1 else 'tags'} {', '.join(tags)}" if tags else ""


def _cells(record: Record, view: View) -> tuple[str, str, str, str]:
    name, published = f"{record.image}:{record.tag}", view.time(record.published_at)
    return (name, record.platform or "-", view.digest(record.digest), published)

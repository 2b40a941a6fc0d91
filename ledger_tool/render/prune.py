"""What a prune removes, or removed: JSON for machines; for people, tables of what goes, what stays, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ledger_tool.commands.deleting_registries import Place
from ledger_tool.commands.prune import Pruned
from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import counted, escaped
from ledger_tool.core.ledger.record import Record, to_json
from ledger_tool.render import json
from ledger_tool.render.edit import pull_request, request_link
from ledger_tool.render.records import short_digest
from ledger_tool.render.table import table


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
    value |= pull_request(done.request)
    return json.document(value)


def _object(place: Place) -> dict[str, str]:
    return {"registry": place.registry.name, "image": place.image, "digest": place.digest}


def as_text(done: Pruned, width: int | None) -> Iterator[str]:
    """Yield a table of the expired records, and of the digests and of the tags at the registries, if there are any."""
    rows = [("prune", *_cells(record), f"past its TTL of {record.ttl}") for record in done.expired]
    rows += [("keep", *_cells(one.record), escaped(one.reason)) for one in done.spared]
    header = ("", "IMAGE", "PLATFORM", "DIGEST", "PUBLISHED", "WHY")
    yield from table(header, rows, width, spare=(header.index("DIGEST"), header.index("PUBLISHED")))
    places = [("delete", one.place, _with_tags(one.tags)) for one in done.deleted]
    places += [("put back", one.place, "it is needed again") for one in done.restored]
    places += [("keep", one.place, one.reason) for one in done.retained]
    if places:
        yield ""
        lines = [
            (action, place.registry.name, place.image, short_digest(place.digest), _short(reason))
            for action, place, reason in places
        ]
        yield from table(("", "REGISTRY", "IMAGE", "DIGEST", "WHY"), lines, width, spare=(1,))
    tags = [("delete", one.place, tag, "its digest stays") for one in done.untagged for tag in one.tags]
    tags += [("stays", one.place, one.tag, one.reason) for one in done.staying]
    if tags:
        yield ""
        lines = [
            (action, place.registry.name, f"{place.image}:{tag}", short_digest(place.digest), _short(reason))
            for action, place, tag, reason in tags
        ]
        yield from table(("", "REGISTRY", "TAG", "SERVES", "WHY"), lines, width, spare=(1,))


def notes(done: Pruned) -> Iterator[str]:
    """Yield why registries delete no tags alone, and which tags stay served for that."""
    for name, why in sorted(done.declined.items()):
        tags = [one for one in done.staying if one.is_removable and one.place.registry.name == name]
        names = ", ".join(f"{one.place.image}:{one.tag}" for one in tags)
        yield f"note: {why}" + (f"; so these stay served: {names}" if names else "")


def summary(done: Pruned, *, dry_run: bool) -> str:
    """Return one line that says what happened, or would."""
    if not done.expired and not done.deleted:
        kept = f", {counted(len(done.spared), 'expired record')} kept" if done.spared else ""
        return f"nothing to prune{kept}"
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


def _cells(record: Record) -> tuple[str, str, str, str]:
    published = record.published_at.replace("T", " ")[:16]
    return (f"{record.image}:{record.tag}", record.platform or "-", short_digest(record.digest), published)


def _short(reason: str) -> str:
    """Return a reason with shortened digests."""
    return re.sub(rf"\b{names.DIGEST}\b", lambda match: short_digest(match[0]), escaped(reason))

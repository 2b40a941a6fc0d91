"""Two environments compared: a table for a terminal, the JSON, and Markdown for a request or a job summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ledger_tool.commands.compare import ComparedSets
from ledger_tool.core.changes.promotion import unlike_platforms
from ledger_tool.core.judging.compare import (
    STATES,
    ComparedImage,
    Comparison,
    EnvironmentSet,
    EqualizingPromotion,
    HeldVersion,
)
from ledger_tool.core.judging.diff import Direction
from ledger_tool.core.ledger.names import Timestamp, counted, escaped
from ledger_tool.core.ledger.record import pull_digests, to_json
from ledger_tool.render import json, markdown
from ledger_tool.render.markdown import cell, code, fitting, link, omitted
from ledger_tool.render.table import Column, table
from ledger_tool.render.view import Role, View

_CHANGES: Mapping[Direction, str] = {
    "upgrade": "upgrade", "downgrade": "downgrade", "same": "sidegrade", "unknown": "other version",
}  # fmt: skip
_ROLES: Mapping[str, Role] = {"upgrade": "good", "downgrade": "bad", "other digest": "bad", "same": "minor"}
_NOTHING = "-"
_ROOM = 40_000  # characters of Markdown
_LENGTHS = ((86_400, "d"), (3600, "h"), (60, "m"))  # seconds


def as_json(done: ComparedSets) -> str:
    """Return the JSON object; `schema/compare-v1.schema.json` describes it."""
    comparison = done.comparison
    states = Counter(image.state for image in comparison.images)
    value = {
        "same": not comparison.differing,
        "first": _side_as_json(comparison.first),
        "second": _side_as_json(comparison.second),
        "summary": {state: states[state] for state in STATES if states[state]},
        "images": [
            {
                "image": image.image,
                "state": image.state,
                "direction": image.direction if image.state == "other-version" else None,
                "first": _held_as_json(image.first),
                "second": _held_as_json(image.second),
                "compare": image.compare or None,
                "remarks": [escaped(text) for text in image.remarks],
            }
            for image in comparison.images
        ],
        "promote": done.equalizing and _promotion_as_json(done.equalizing),
    }
    return json.document(value)


def _side_as_json(side: EnvironmentSet) -> dict[str, Any]:
    return {"environment": side.environment, "moment": escaped(side.moment) or None, "at": side.at}


def _held_as_json(held: HeldVersion | None) -> dict[str, Any] | None:
    if not held:
        return None
    return {
        "version": held.version,
        "digest": held.digest,
        "since": held.since,
        "records": [to_json(record) for record in held.records],
    }


def _promotion_as_json(equalizing: EqualizingPromotion) -> dict[str, Any]:
    return {
        "environment": equalizing.environment,
        "command": escaped(equalizing.command),
        "whole": equalizing.is_whole,
        "refused": escaped(equalizing.why_not) or None,
    }


def as_text(comparison: Comparison, view: View) -> Iterator[str]:
    """Yield a headline, and a table of the images that differ, or of whose versions there is something to say."""
    first, second = comparison.first, comparison.second
    yield view.painted(escaped(headline(comparison)), "heading")
    rows = [
        (
            image.image,
            _version(image.first, first),
            _version(image.second, second),
            _change(image, comparison),
            view.prose(image.compare),
            "; ".join(_told(image, comparison, view, view.prose)),
        )
        for image in _shown(comparison)
    ]
    if rows:
        yield ""
        yield from table(
            (
                Column("IMAGE", "name"),
                Column(str(first), "name"),
                Column(str(second), "name"),
                Column("CHANGE", role=_ROLES.get),
                Column("SOURCE", "prose", spare=2),
                Column("REMARK", "prose", spare=1),
            ),
            rows,
            view,
        )


def as_markdown(done: ComparedSets) -> Iterator[str]:
    """Yield Markdown; nothing from a record can break out of it."""
    comparison = done.comparison
    first, second = comparison.first, comparison.second
    yield f"**{headline(comparison, code)}**"
    rows = [
        (
            cell(image.image),
            _version(image.first, first, cell),
            _version(image.second, second, cell),
            _change(image, comparison, cell),
            "; ".join(
                [
                    *([link("compare the source", image.compare)] if image.compare else []),
                    *_told(image, comparison, View(), cell),
                ]
            ),
        )
        for image in _shown(comparison)
    ]
    if rows:
        shown = fitting(["".join(row) for row in rows], _ROOM)
        header = ("image", cell(str(first)), cell(str(second)), "change", "")
        yield from markdown.table(header, rows[:shown])
        yield from omitted(len(rows) - shown)
    if equalizing := done.equalizing:
        yield ""
        yield _promotion_text(equalizing, lambda text: code(text, 1024), code)


def hints(done: ComparedSets) -> Iterator[str]:
    """Yield the command that makes the two the same, or why it would be refused."""
    if equalizing := done.equalizing:
        text = _promotion_text(equalizing, lambda words: f"`{words}`", str)
        yield f"note: {text}" if equalizing.why_not else f"hint: {text}"


def _promotion_text(equalizing: EqualizingPromotion, quoted: Callable[[str], str], clean: Callable[[str], str]) -> str:
    command = quoted(equalizing.command)
    if equalizing.why_not:
        return f"{command} would be refused: {clean(equalizing.why_not)}"
    if equalizing.is_whole:
        return f"{command} makes them the same"
    return f"{command} promotes what differs; what only {clean(equalizing.environment)} has stays"


def headline(comparison: Comparison, clean: Callable[[str], str] = str) -> str:
    """Return how many images differ, and how."""
    first, second = clean(str(comparison.first)), clean(str(comparison.second))
    if not comparison.images:
        return f"neither {first} nor {second} has an image"
    if not comparison.differing:
        return f"{first} and {second} have the same: {counted(len(comparison.images), 'image')}"
    counts = Counter(_change(image, comparison, clean) for image in comparison.differing)
    told = ", ".join(f"{count} {change}" for change, count in counts.items())
    differing = len(comparison.differing)
    verb = "differs" if differing == 1 else "differ"
    return f"{first} → {second}: {differing} of {counted(len(comparison.images), 'image')} {verb}: {told}"


def _shown(comparison: Comparison) -> list[ComparedImage]:
    return [image for image in comparison.images if image.state != "same" or image.remarks]


def _change(image: ComparedImage, comparison: Comparison, clean: Callable[[str], str] = str) -> str:
    match image.state:
        case "other-version":
            return _CHANGES[image.direction]
        case "other-digest":
            return "other digest"
        case "only-first":
            return f"only in {clean(str(comparison.first))}"
        case "only-second":
            return f"only in {clean(str(comparison.second))}"
    return "same"


def _told(image: ComparedImage, comparison: Comparison, view: View, clean: Callable[[str], str]) -> list[str]:
    """Return what must not be missed: that one version is two images, and what became of the versions."""
    if image.state != "other-digest" or not (image.first and image.second):
        return [clean(text) for text in image.remarks]
    digests = [sorted(pull_digests(held.records)) for held in (image.first, image.second)]
    known = sorted({*digests[0], *digests[1]})
    first, second = clean(str(comparison.first)), clean(str(comparison.second))
    if digests[0] == digests[1]:
        platforms = clean(unlike_platforms(image.first.records, image.second.records))
        told = f"{clean(image.first.version)} has other images in {first} than in {second}: they differ for {platforms}"
        return [told, *(clean(text) for text in image.remarks)]
    short = dict(zip(known, view.apart(known), strict=True))
    one, other = (" and ".join(clean(short[digest]) for digest in side) for side in digests)
    told = f"{clean(image.first.version)} is {one} in {first}, and {other} in {second}"
    return [told, *(clean(text) for text in image.remarks)]


def _version(held: HeldVersion | None, side: EnvironmentSet, clean: Callable[[str], str] = str) -> str:
    """Return a version, and for how long the environment has had it."""
    return f"{clean(held.version)} ({_length(held.since, side.at)})" if held else _NOTHING


def _length(since: Timestamp, at: Timestamp) -> str:
    """Return how long it was from one time to another, in whole days, hours or minutes."""
    seconds = (datetime.fromisoformat(at) - datetime.fromisoformat(since)).total_seconds()
    return next((f"{int(seconds // length)}{unit}" for length, unit in _LENGTHS if seconds >= length), "0m")

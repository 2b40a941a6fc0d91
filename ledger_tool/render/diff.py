"""`diff` for a person: text for a terminal, Markdown for a pull request, and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ledger_tool.commands.diff import Diff
from ledger_tool.core.judging.diff import ChangedFact, TagChange
from ledger_tool.core.ledger import sourceref as sourcelink
from ledger_tool.core.ledger.names import SourceRef, counted, escaped, shown
from ledger_tool.core.ledger.record import Record, pull_digest, to_json
from ledger_tool.render import json
from ledger_tool.render.markdown import LONGEST, code, link
from ledger_tool.render.records import short_digest

# GitHub accepts 65,536 characters in a comment. Counted in bytes, with room for what a bot adds.
MARKDOWN_BYTES = 60_000
_NOTE_BYTES = 250
_MOST_FACTS = 25  # per image:tag, so that one cannot crowd out the others
_MOST_VALUES = 5  # per fact, such as the platforms
_SETTINGS = "`ledger.yaml` also changes: check which tags may move and what a record needs"

_COLOURS = {"moved": "33", "added": "32", "updated": "36", "removed": "31", "yanked": "31"}
_DIRECTIONS = {"upgrade": "upgrade", "downgrade": "DOWNGRADE", "same": "sidegrade"}


def as_json(changes: Sequence[TagChange], *, settings_changed: bool = False) -> str:
    """Return the JSON object; `schema/diff-v1.schema.json` describes it."""
    value = {"changes": [_object(change) for change in changes], "settingsChanged": settings_changed}
    return json.document(value)


def _object(change: TagChange) -> dict[str, Any]:
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
        "forced": next(({"replaces": one.replaces, "reason": one.reason} for one in change.marks), None),
    }
    return value


def _side(records: tuple[Record, ...]) -> dict[str, Any] | None:
    if not records:
        return None
    return {"digest": pull_digest(records), "records": [to_json(record) for record in records]}


def notes(reviewed: Diff, base: str) -> Iterator[str]:
    """Yield a note about what is not shown."""
    if reviewed.behind:
        commits = counted(reviewed.behind, "commit")
        yield f"note: {shown(base)} is {commits} ahead; only what was added since they parted is shown"


def as_text(changes: Sequence[TagChange], *, colour: bool, settings_changed: bool = False) -> Iterator[str]:
    """Yield a headline, then the changes of each image."""

    def paint(text: str, codes: str) -> str:
        return f"\x1b[{codes}m{text}\x1b[0m" if colour else text

    yield headline(changes)
    if settings_changed:
        yield paint(_SETTINGS, "31")
    image = ""
    for change in changes:
        if change.name.image != image:
            image = change.name.image
            yield ""
            yield paint(image, "1")
        urgent = change.marks or change.unexplained_move
        title = f"{change.kind:8}{change.name.tag}{_platforms(change)}{_direction(change)}"
        yield "  " + paint(escaped(title), "1;31" if urgent else _COLOURS[change.kind])
        for line in _warnings(change, escaped):
            yield "    " + paint(line, "31")
        for fact in change.facts:
            subject = f" {escaped(fact.subject)}" if fact.subject else ""
            yield f"    {fact.what}{subject}: {_step(change, escaped(fact.old), escaped(fact.new))}"
        if change.compare:
            yield f"    compare: {change.compare}"


def headline(changes: Sequence[TagChange]) -> str:
    """Return one line: the number of image:tags, and what happens to them."""
    if not changes:
        return "no record changes"
    counts = Counter(change.kind for change in changes)
    forced = sum(bool(change.marks) for change in changes if change.kind == "moved")
    words = [f"{count} {kind}" + (f" ({forced} by force)" if kind == "moved" and forced else "")
             for kind, count in counts.items()]  # fmt: skip
    return f"{counted(len(changes), 'image:tag')}: {', '.join(words)}"


def as_markdown(changes: Sequence[TagChange], *, settings_changed: bool = False, limit: int = MARKDOWN_BYTES) -> str:
    """Return Markdown of at most `limit` bytes: first the full digests are omitted, then the least serious changes.

    It says what is omitted. Nothing in a record can break out of it.
    """
    head = f"**{headline(changes)}**\n" + (f"\n**{_SETTINGS}.**\n" if settings_changed else "")
    room = limit - len(head.encode())
    note = "\n_Full digests are omitted here; `ledger diff` shows them._\n"
    for with_digests, ending in ((True, ""), (False, note)):
        parts: list[str] = []
        remaining = room - len(ending)
        for change in changes:
            parts.append(_markdown(change, with_digests=with_digests))
            remaining -= len(parts[-1].encode())
            if remaining < 0:  # the headings are not counted yet
                break
        text = "".join(_grouped(changes, parts)) + ending
        if remaining >= 0 and len(text.encode()) <= room:
            return head + text
    return head + _shortened(changes, room - _NOTE_BYTES)


def _shortened(changes: Sequence[TagChange], room: int) -> str:
    """Return the most serious changes that fit into `room` bytes, and how many are missing."""
    kept: dict[int, str] = {}
    for position in sorted(range(len(changes)), key=lambda position: changes[position].gravity):
        part = _markdown(changes[position], with_digests=False)
        room -= len((_heading(changes[position]) + part).encode())
        if room < 0:
            break
        kept[position] = part
    shown = sorted(kept)
    text = "".join(_grouped([changes[position] for position in shown], [kept[position] for position in shown]))
    omitted = Counter(change.kind for position, change in enumerate(changes) if position not in kept)
    counts = ", ".join(f"{count} {kind}" for kind, count in omitted.items())
    more = counted(omitted.total(), "more is", "more are")
    return f"{text}\n**{more} omitted here** ({counts}), and all full digests; `ledger diff` shows them.\n"


def _grouped(changes: Sequence[TagChange], parts: Sequence[str]) -> Iterator[str]:
    image = ""
    for change, part in zip(changes, parts, strict=False):
        if change.name.image != image:
            image = change.name.image
            yield _heading(change)
        yield part


def _heading(change: TagChange) -> str:
    return f"\n### {code(change.name.image)}\n"


def _markdown(change: TagChange, *, with_digests: bool) -> str:
    title = f"**{code(change.name.tag)}** {change.kind}{_platforms(change, code, _MOST_VALUES)}"
    lines = [f"\n{title}{_direction(change, code)}\n"]
    lines += [f"- **{line}**" for line in _warnings(change, lambda words: code(words, 1024))]
    for fact in change.facts[:_MOST_FACTS]:
        subject = f" {code(fact.subject)}" if fact.subject else ""
        lines.append(f"- {fact.what}{subject}: {_values(change, fact)}")
    if len(change.facts) > _MOST_FACTS:
        lines.append(f"- and {len(change.facts) - _MOST_FACTS} more; `ledger diff` shows them")
    if change.compare:
        lines.append(f"- {link('compare the source', change.compare)}")
    digests = [fact for fact in change.facts if fact.what in ("digest", "image", "base image")] if with_digests else []
    if digests:
        lines += ["", "<details><summary>full digests</summary>", "", "```text"]
        for fact in digests[:_MOST_FACTS]:
            lines.append(f"{fact.subject or fact.what}: {_step(change, fact.old, fact.new)}")
        lines += ["```", "</details>"]
    return "\n".join(lines) + "\n"


def _values(change: TagChange, fact: ChangedFact) -> str:
    shown: Callable[[str], str] = {
        "digest": _short_code, "image": _short_code, "base image": _short_code, "source": _source,
    }.get(fact.what, code)  # fmt: skip
    return _step(change, shown(fact.old), shown(fact.new))


def _short_code(value: str) -> str:
    return _some([code(short_digest(digest)) for digest in value.split(", ") if digest])


def _source(value: str) -> str:
    """Return links to the commits of sourceRefs, as plain text if the forge is unknown."""
    links = []
    for source in filter(None, value.split(", ")):
        url, commit = sourcelink.split(SourceRef(source))
        name = url.partition("://")[2] or url
        shown = name if len(name) <= LONGEST // 2 else name[: LONGEST // 2] + "…"
        links.append(link(code(f"{shown}@{commit[:12]}"), sourcelink.commit_page(SourceRef(source))))
    return _some(links)


def _some(values: Sequence[str], most: int = _MOST_VALUES) -> str:
    more = f" and {len(values) - most} more" if 0 < most < len(values) else ""
    return ", ".join(values[:most] if most else values) + more


def _step(change: TagChange, old: str, new: str) -> str:
    """Return `old → new`, or only one of them for an added or removed image:tag."""
    if (change.kind == "added" and not old) or not change.new:
        return old or new
    return f"{old or 'none'} → {new or 'none'}"


def _platforms(change: TagChange, clean: Callable[[str], str] = str, most: int = 0) -> str:
    return f" ({_some([clean(one) for one in change.platforms], most)})" if change.platforms else ""


def _direction(change: TagChange, clean: Callable[[str], str] = str) -> str:
    """Return the kind of step, and from which version to which."""
    if change.direction == "unknown" or change.kind in ("removed", "updated", "yanked"):
        return ""
    old, new = change.versions
    between = f" from {clean(old)}" if change.name.tag == new else f" {clean(old)} → {clean(new)}"
    return f", {_DIRECTIONS[change.direction]}{between if old != new else ''}"


def _warnings(change: TagChange, clean: Callable[[str], str]) -> Iterator[str]:
    """Yield what a reviewer must not miss; `clean` makes foreign text safe."""
    for reason in list(dict.fromkeys(mark.reason for mark in change.marks))[:_MOST_VALUES]:
        yield f"forced: {clean(reason)}"
    if change.unexplained_move:
        yield "this tag is immutable, and nothing explains why it moves"
    if change.kind == "yanked" and change.yanked:
        yield f"not to be used: {clean(change.yanked.reason)}"

"""The text of changes in a Markdown review: a section for each entry, or a line for each tag.

Tags that share source, base and comparison are one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.judging.diff import TagChange
from ledger_tool.core.judging.facts import ANY_DIGEST, ChangedFact
from ledger_tool.core.ledger import sourceref as sourcelink
from ledger_tool.core.ledger.names import SourceRef, counted
from ledger_tool.render.diff import (
    MOST_VALUES,
    direction,
    platforms,
    some,
    step,
    warnings,
)
from ledger_tool.render.markdown import LONGEST, code, link
from ledger_tool.render.view import short_digest

_MOST_FACTS = 25  # per entry, so that one cannot crowd out the others
_OWN_DIGESTS = ("digest", "image")
_SHARED_FACTS = ("source", "base image")  # and the link to compare the source: what makes tags one entry


def one_line(change: TagChange, name: str) -> str:
    """Return one line about a tag: what happens to it, from which digest to which, and what must not be missed."""
    digests = [_values(change, fact) for fact in change.facts if fact.what in _OWN_DIGESTS][:1]
    told = [f"**{code(name)}** {change.kind}{_title(change)}", *digests]
    return ", ".join([*told, *(f"**{line}**" for line in warnings(change, code))])


def short_line(change: TagChange, name: str) -> str:
    """Return a shorter line about a tag: in full only if it is urgent, otherwise without its digests."""
    if not change.gravity:
        return one_line(change, name)
    return f"{code(name)} {change.kind}{direction(change, code)}"


def shortest_line(change: TagChange) -> str:
    """Return the shortest line about a tag: what happens to it, and whether a move is urgent."""
    marks = {
        "forced": change.marks,
        "unexplained": change.unexplained_move,
        "unproved": change.unproved_move,
        "reverted": change.moves_back,
    }
    urgent = next((f", **{word}**" for word, applies in marks.items() if applies), "")
    return f"{code(change.name.tag)} {change.kind}{urgent}"


def sections(changes: Sequence[TagChange]) -> Iterator[str]:
    """Yield the text of each entry, under the heading of its image."""
    before: TagChange | None = None
    for entry in _entries(changes):
        first = entry[0]
        is_new_group = before is None or (first.environment, first.group) != (before.environment, before.group)
        if is_new_group:
            yield f"\n### {'environment ' if first.environment else ''}{code(first.group)}\n"
        if first.is_step:
            if is_new_group or before is None:
                yield "\n"
            elif not before.is_step or before.kind != first.kind:  # which would otherwise go on with its list
                yield f"\n**{counted(len(entry), 'image')}** {first.kind}\n\n"
            yield "".join(f"- {_step(change)}\n" for change in entry)
        else:
            yield _section(entry)
        before = first


def _step(change: TagChange) -> str:
    """Return one line about what an environment gets, or no longer has."""
    line = one_line(change, change.name.image)
    runs = [f"run: {_run(run)}" for run in change.runs[:1]]
    return ", ".join([line, *runs, *([link("compare the source", change.compare)] if change.compare else [])])


def _entries(changes: Sequence[TagChange]) -> list[list[TagChange]]:
    """Return the changes, those of one image together that come from the same source and stand on the same base.

    What an environment gets is together, whatever the image.
    """
    entries: dict[tuple[object, ...], list[TagChange]] = {}
    for change in changes:
        shared = tuple(fact for fact in change.facts if fact.what in _SHARED_FACTS)
        key: tuple[object, ...] = change.gravity, change.kind, change.environment
        if not change.is_step:
            key += change.name.image, tuple(warnings(change, str)), shared, change.compare
        entries.setdefault(key, []).append(change)
    return list(entries.values())


def _section(entry: Sequence[TagChange]) -> str:
    """Return what happens to tags: what each has of its own, then what all of them share."""
    first = entry[0]
    common = [fact for fact in first.facts if all(fact in change.facts for change in entry[1:])]
    titles = {_title(change) for change in entry}
    are_alike = len(titles) == 1 and all(len(change.facts) == len(common) for change in entry)
    if are_alike:
        names = ", ".join(code(_own_name(change)) for change in entry)
        lines = [f"\n**{names}** {first.kind}{_title(first)}\n"]
    else:
        title = _title(first) if len(titles) == 1 else ""
        lines = [f"\n**{counted(len(entry), 'tag')}** {first.kind}{title}\n"]
    lines += [f"- **{line}**" for line in warnings(first, lambda words: code(words, 1024))]
    if not are_alike:
        lines += [f"- {_own_line(change, common, with_title=len(titles) > 1)}" for change in entry]
    lines += [f"- {_fact(first, fact)}" for fact in common[:_MOST_FACTS]]
    if len(common) > _MOST_FACTS:
        lines.append(f"- and {len(common) - _MOST_FACTS} more; `ledger diff` shows them")
    if runs := list(dict.fromkeys(run for change in entry for run in change.runs)):
        lines.append(f"- run: {some([_run(run) for run in runs])}")
    if first.compare:
        lines.append(f"- {link('compare the source', first.compare)}")
    return "\n".join(lines) + "\n"


def _own_name(change: TagChange) -> str:
    return change.name.image if change.environment else change.name.tag


def _run(run: RunClaim) -> str:
    words = link(code(run.url), run.url) if run.url else ""
    return " ".join(filter(None, (words, f"started by {code(run.actor)}" if run.actor else "")))


def _title(change: TagChange) -> str:
    return f"{platforms(change, code, MOST_VALUES)}{direction(change, code)}"


def _own_line(change: TagChange, common: Sequence[ChangedFact], *, with_title: bool) -> str:
    """Return what one tag of an entry has of its own: its digest, but not those of its platforms, and other facts."""
    own = [fact for fact in change.facts if fact not in common]
    digests = [_values(change, fact) for fact in own if fact.what in _OWN_DIGESTS][:1]
    others = [_fact(change, fact) for fact in own if fact.what not in _OWN_DIGESTS]
    told = "; ".join([*digests, some(others)] if others else digests)
    return code(_own_name(change)) + (_title(change) if with_title else "") + (f": {told}" if told else "")


def _fact(change: TagChange, fact: ChangedFact) -> str:
    subject = f" {code(fact.subject)}" if fact.subject else ""
    return f"{fact.what}{subject}: {_values(change, fact)}"


def folded(changes: Sequence[TagChange]) -> str:
    """Return the full digests, folded away."""
    lines = []
    for change in changes:
        digests = [fact for fact in change.facts if fact.what in (*_OWN_DIGESTS, "base image")]
        whose = f"{change.name} " if len(changes) > 1 else ""
        values = (f"{fact.subject or fact.what}: {step(change, fact.old, fact.new)}" for fact in digests)
        lines += [f"{whose}{value}\n" for value in islice(values, _MOST_FACTS)]
        if len(digests) > _MOST_FACTS:
            lines.append(f"{whose}and {len(digests) - _MOST_FACTS} more; `ledger diff` shows them\n")
    folded = f"\n<details><summary>full digests</summary>\n\n```text\n{''.join(lines)}```\n</details>\n"
    return folded if lines else ""


def _values(change: TagChange, fact: ChangedFact) -> str:
    shown: Callable[[str], str] = {
        "digest": _short_code, "image": _short_code, "base image": _short_code, "source": _source,
        "provenance": _short_code,
    }.get(fact.what, code)  # fmt: skip
    return step(change, shown(fact.old), shown(fact.new))


def _short_code(value: str) -> str:
    return some([code(one if one == ANY_DIGEST else short_digest(one)) for one in value.split(", ") if one])


def _source(value: str) -> str:
    """Return links to the commits of sourceRefs, as plain text if the forge is unknown."""
    links = []
    for source in filter(None, value.split(", ")):
        url, commit = sourcelink.split(SourceRef(source))
        name = url.partition("://")[2] or url
        shown = name if len(name) <= LONGEST // 2 else name[: LONGEST // 2] + "…"
        links.append(link(code(f"{shown}@{commit[:12]}"), sourcelink.commit_page(SourceRef(source))))
    return some(links)

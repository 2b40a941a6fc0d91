"""What `pin` and `bump` did and found: for people, machines, a workflow's log, and a pull request."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from ledger_tool.commands.rewrite import ManifestsReport
from ledger_tool.core.ledger.names import counted, escaped
from ledger_tool.core.manifests.pin import GRAVEST
from ledger_tool.core.manifests.remark import IN_SHORT, ManifestNote, RemarkKind
from ledger_tool.core.manifests.rewrite import Edit, ManifestFinding
from ledger_tool.render import json
from ledger_tool.render.alike import Few, first_of
from ledger_tool.render.edit import pull_request
from ledger_tool.render.github import command
from ledger_tool.render.markdown import MOST_ROWS, cell, link, table
from ledger_tool.render.view import Role, View, short_digest

_MOST_ALIKE = 10  # findings, or warnings, that say the same
_MOST_ANNOTATIONS = 10  # of each level; GitHub shows no more of a step
_NAMED = re.compile(r"`[^`]*`")
_NAMED_OR_NUMBER = re.compile(r"`[^`]*`|[0-9]+")


def as_json(done: ManifestsReport) -> str:
    """Return the JSON object; `schema/pin-v1.schema.json` describes it."""
    value = {
        "edits": [
            {
                "path": edit.path, "line": edit.line, "image": edit.image, "old": edit.old, "new": edit.new,
                "oldTag": edit.tags[0], "newTag": edit.tags[1], "digest": edit.digest, "compare": edit.compare,
            }
            for edit in done.edits
        ],
        "findings": [
            {
                "class": finding.kind, "path": finding.path, "line": finding.line, "image": finding.image,
                "message": finding.message,
            }
            for finding in done.findings
        ],
        "commit": done.commit,
        "pullRequest": None,
        "unread": [{"path": note.path, "line": note.line, "message": note.message} for note in done.faults],
        "notes": [
            {"kind": note.kind, "path": note.path, "line": note.line, "message": note.message}
            for note in done.notes
            if not note.is_fault
        ],
        "summary": _counts(done),
    }  # fmt: skip
    return json.document(value | pull_request(done.proposed))


def as_text(done: ManifestsReport, view: View, *, verbose: bool = False) -> Iterator[str]:
    """Yield one line per edit, then one per finding.

    Without `verbose`, one per unknown image, at its first place, and the first of many other findings that are alike.
    """
    for edit in done.edits:
        yield escaped(f"{edit.path}:{edit.line}: {edit.old} -> {edit.new}")
    shown = [(finding, 0) for finding in done.findings] if verbose else first_of(done.findings, _few)
    for finding, more in shown:
        role: Role = "minor" if finding.kind == "unknown" else "bad"
        kind, message = view.painted(finding.kind, role), escaped(finding.message)
        others = counted(more, "more place") if finding.kind == "unknown" else f"{more} more like this: `-v` lists them"
        yield f"{escaped(finding.path)}:{finding.line}: {kind}: {message}{f' ({others})' if more else ''}"


def _few(finding: ManifestFinding) -> Few:
    if finding.kind == "unknown":
        return Few(finding.message, 1)
    return Few((finding.kind, _NAMED.sub("", finding.message)), _MOST_ALIKE)


def as_github(done: ManifestsReport) -> Iterator[str]:
    """Yield GitHub's workflow commands: a notice for each edit, an error or a warning for each finding.

    Of each of the three, the gravest are shown, as many as GitHub shows; the last says how many more there are.
    """
    said = [("error", note.path, note.line, "unread", note.message) for note in done.faults]
    for finding in sorted(done.findings, key=lambda finding: GRAVEST.index(finding.kind)):
        level = "error" if done.checked or finding.kind != "unknown" else "warning"
        said.append((level, finding.path, finding.line, finding.kind, finding.message))
    said += [("notice", edit.path, edit.line, "changed", f"{edit.old} -> {edit.new}") for edit in done.edits]
    for (level, path, line, what, message), more in first_of(said, lambda one: Few(one[0], _MOST_ANNOTATIONS)):
        others = f" (and {more} more, which GitHub does not show: `--format json` lists all)" if more else ""
        yield command(level, message + others, path=path, line=line, title=f"ledger {what}")


def as_markdown(done: ManifestsReport) -> Iterator[str]:
    """Yield Markdown for a job summary or a pull request; nothing in a file can break out of it."""
    found, said = _totals(done)
    yield f"**{found}**" + (f" ({said})" if said else "")
    if done.edits:
        yield from edits_table(done.edits)
    if done.findings:
        yield from _findings_table(done.findings)
    if done.faults:
        rows = [(cell(f"{note.path}:{note.line}"), cell(note.message)) for note in done.faults]
        yield from table(("not read", "why"), rows)


def edits_table(edits: Sequence[Edit]) -> Iterator[str]:
    """Yield a Markdown table of edits, images first."""
    rows = [
        (
            cell(edit.image),
            cell(edit.tags[0]) or "none",
            cell(edit.tags[1]) or "none",
            cell(short_digest(edit.digest)),
            link("compare", edit.compare) if edit.compare else "",
            cell(f"{edit.path}:{edit.line}"),
        )
        for edit in edits
    ]
    return table(("image", "old", "new", "digest", "changes", "where"), rows)


def _findings_table(findings: Sequence[ManifestFinding]) -> Iterator[str]:
    """Yield a table of findings, the gravest first; those that say the same are one row, at the first place."""
    ordered = sorted(findings, key=lambda finding: GRAVEST.index(finding.kind))
    groups = first_of(ordered, lambda finding: Few((finding.kind, finding.message), 1))
    rows = [
        (
            finding.kind,
            cell(f"{finding.path}:{finding.line}") + (f" and {counted(more, 'more place')}" if more else ""),
            cell(finding.message),
        )
        for finding, more in groups[:MOST_ROWS]
    ]
    yield from table(("class", "where", "what"), rows)
    if omitted := sum(more + 1 for _, more in groups[MOST_ROWS:]):
        yield ""
        yield f"{omitted} more {'is' if omitted == 1 else 'are'} omitted here; `--format json` lists all."


def headline(done: ManifestsReport) -> str:
    """Return one line that says how many references were found, and what became of them."""
    found, said = _totals(done)
    return f"{found}: {said}" if said else found


def _totals(done: ManifestsReport) -> tuple[str, str]:
    """Return how many references were found, and what became of them, in words."""
    counts = _counts(done)
    kinds = Counter(finding.kind for finding in done.findings if finding.kind != "unknown")
    parts = [
        (counts["pinned"], "unchanged" if done.is_bump else "pinned"),
        (counts["changed"], "changed"),
        *((count, kind) for kind, count in kinds.items()),
        (counts["notInLedger"], "not in the ledger"),
        (counts["otherRegistries"], "of other registries"),
        (counts["leftAlone"], "left alone"),
        (counts["notUnderstood"], "with a mark that is not understood"),
    ]
    said = ", ".join(f"{count} {words}" for count, words in parts if count)
    read = f"{counted(done.counts.references, 'reference')} in {counted(done.files, 'file')}"
    faults = f"; {counted(len(done.faults), 'place')} not read or not understood" if done.faults else ""
    return (read, said + faults) if said else (read + faults, "")


def _counts(done: ManifestsReport) -> dict[str, int]:
    """Return how many files were read, how many references are in them, and what became of those."""
    return {
        "files": done.files,
        "references": done.counts.references,
        "pinned": done.counts.right,
        "changed": len(done.edits),
        "open": sum(finding.kind != "unknown" for finding in done.findings),
        "notInLedger": done.counts.not_in_ledger,
        "otherRegistries": done.counts.elsewhere,
        "leftAlone": done.counts.left,
        "notUnderstood": done.counts.not_understood,
    }


def _few_faults(note: ManifestNote) -> Few:
    return Few(_NAMED_OR_NUMBER.sub("", note.message), _MOST_ALIKE)


def outcome(done: ManifestsReport) -> Iterator[str]:
    """Yield the pull request or commit that holds the edits, or the branch of a request that proposes what is past."""
    if done.proposed:
        yield f"{'opened' if done.proposed.created else 'updated'} {done.proposed.url}"
    elif done.commit:
        yield f"committed as {done.commit[:12]}"
    elif done.leftover:
        yield (
            f"note: nothing is to be proposed, and the branch {done.leftover} is there from an earlier run: if its "
            "request is open, close it"
        )


def notes(done: ManifestsReport, *, verbose: bool = False) -> Iterator[str]:
    """Yield what a person should know in addition to the result: one line for each kind, or all if `verbose`.

    What could not be read or understood comes first: of many warnings that are alike, the first ones.
    """
    faults = [(note, 0) for note in done.faults] if verbose else first_of(done.faults, _few_faults)
    for note, more in faults:
        others = f" ({more} more like this: `-v` lists them)" if more else ""
        yield f"warning: {note.path}:{note.line}: {note.message}{others}"
    by_kind: dict[RemarkKind | Literal[""], list[ManifestNote]] = {}
    for note in done.notes:
        if not note.is_fault:
            by_kind.setdefault(note.kind, []).append(note)
    for kind, of_kind in by_kind.items():
        if kind and len(of_kind) > 1 and not verbose:
            yield f"note: {len(of_kind)} {IN_SHORT[kind]} (`-v` lists them)"
        else:
            yield from (f"note: {note.path}:{note.line}: {note.message}" for note in of_kind)

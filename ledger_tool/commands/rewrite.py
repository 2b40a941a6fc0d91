"""The steps that `pin` and `bump` share: read every manifest, judge its images, write those that change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ledger_tool.commands.ports import Progress
from ledger_tool.core.changes.proposal import Proposed
from ledger_tool.core.manifests.counts import NOTHING_COUNTED, ReferenceCounts
from ledger_tool.core.manifests.remark import ManifestNote
from ledger_tool.core.manifests.rewrite import Edit, Judge, ManifestFinding, Rewritten


class Manifests(Protocol):
    """The given files, and those in the given folders."""

    def rewritten(self, judge: Judge, progress: Progress, *, write: bool) -> Iterator[Rewritten]:
        """Yield a judge's result for each file, in order, unreadable ones as notes; new content only with `write`."""


class EditableManifests(Manifests, Protocol):
    """Manifests that can be edited in place."""

    def rewrite(self, path: str, raw: bytes, judge: Judge) -> Rewritten:
        """Return a judge's result for another content of one of the files."""

    def replace(self, files: Sequence[Rewritten]) -> list[str]:
        """Give files their new content, each atomically; return for each why not (it has changed since), or `""`."""


@dataclass(slots=True)
class ManifestsReport:
    """The result for all manifests. `checked` says that nothing was to be changed.

    `commit` is the resulting commit, or `""`; `proposed` is the request to merge it. `leftover` is the branch of an
    earlier request where there is nothing to propose any more. `idle` are the globs of policies that match no image of
    the ledger. `files` are those that were read, and `counts` is about
    the references in them.
    """

    checked: bool
    is_bump: bool = False
    files: int = 0
    counts: ReferenceCounts = NOTHING_COUNTED
    edits: list[Edit] = field(default_factory=list)
    findings: list[ManifestFinding] = field(default_factory=list)
    notes: list[ManifestNote] = field(default_factory=list)
    commit: str = ""
    proposed: Proposed | None = None
    leftover: str = ""
    idle: Sequence[str] = ()

    @property
    def faults(self) -> Sequence[ManifestNote]:
        """The notes on files that could not be read or understood."""
        return [note for note in self.notes if note.is_fault]

    @property
    def has_open_findings(self) -> bool:
        """Whether references remain that should be different; those not in the ledger count only in a check."""
        return any(self.checked or finding.kind != "unknown" for finding in self.findings)


def survey(manifests: Manifests, judge: Judge, progress: Progress, *, write: bool) -> list[Rewritten]:
    """Return a judge's results for all manifests; nothing is written."""
    return list(manifests.rewritten(judge, progress, write=write))


def checked(files: Sequence[Rewritten]) -> ManifestsReport:
    """Return the report on manifests that stay as they are: what an edit would fix is also a finding."""
    report = _counted(files, checked=True)
    for file in files:
        report.findings += sorted([*file.fixable, *file.findings], key=lambda finding: finding.line)
        report.notes += file.notes
    return report


def written(files: Sequence[Rewritten], replace: Callable[[Sequence[Rewritten]], list[str]] | None) -> ManifestsReport:
    """Return the report on rewritten manifests, written by `Manifests.replace`, or otherwise if there is None."""
    report = _counted(files, checked=False)
    changed = [file for file in files if file.content is not None]
    problems = dict(zip((file.path for file in changed), replace(changed), strict=True)) if replace else {}
    for file in files:
        report.findings += file.findings
        report.notes += file.notes
        if problem := problems.get(file.path):
            report.notes.append(ManifestNote(file.path, 1, f"not written: {problem}", is_fault=True))
        elif file.content is not None:
            report.edits += file.edits
    return report


def _counted(files: Sequence[Rewritten], *, checked: bool) -> ManifestsReport:
    return ManifestsReport(
        checked=checked,
        files=sum(file.was_read for file in files),
        counts=sum((file.counts for file in files), NOTHING_COUNTED),
    )

"""The steps that `pin` and `bump` share: look at every manifest, judge its images, write those that change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ledger_tool.core.changes.proposal import Proposed
from ledger_tool.core.manifests.rewrite import Edit, Judge, ManifestFinding, Note, Rewritten

Progress = Callable[[int, int], None]  # how many of how many files are done


class Manifests(Protocol):
    """The files that a person named, and those in the folders that they named."""

    def rewritten(self, judge: Judge, progress: Progress, *, write: bool) -> Iterator[Rewritten]:
        """Yield what a judge makes of each file, in their order; what can't be read becomes a note.

        Without `write` no new content is made.
        """

    def rewrite(self, path: str, raw: bytes, judge: Judge) -> Rewritten:
        """Return what a judge makes of another content of one of the files."""

    def replace(self, done: Rewritten) -> str:
        """Give a file its new content, whole or not at all; return why not, or `""`.

        A file that changed since it was looked at stays as it is.
        """


@dataclass(slots=True)
class ManifestsReport:
    """What became of all manifests. `checked` says that nothing was to be changed.

    `commit` is the commit that was made of it, or `""`; `proposed` is the request to merge that, from `branch`.
    """

    checked: bool
    edits: list[Edit] = field(default_factory=list)
    findings: list[ManifestFinding] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    commit: str = ""
    branch: str = ""
    proposed: Proposed | None = None

    @property
    def faults(self) -> Sequence[Note]:
        """The notes on files that could not be looked at, or not understood."""
        return [note for note in self.notes if note.is_fault]

    @property
    def is_left(self) -> bool:
        """Whether something stays that ought to be otherwise; what the ledger has not counts in a check only."""
        return any(self.checked or finding.kind != "unknown" for finding in self.findings)


def survey(manifests: Manifests, judge: Judge, progress: Progress, *, write: bool) -> list[Rewritten]:
    """Return what a judge makes of every manifest of which there is something to say; nothing is written."""
    return [
        one
        for one in manifests.rewritten(judge, progress, write=write)
        if one.edits or one.mendable or one.findings or one.notes
    ]


def checked(found: Sequence[Rewritten]) -> ManifestsReport:
    """Return what is to be said of manifests that stay as they are: what an edit would mend is a finding, too."""
    done = ManifestsReport(checked=True)
    for one in found:
        done.findings += sorted([*one.mendable, *one.findings], key=lambda finding: finding.line)
        done.notes += one.notes
    return done


def written(manifests: Manifests, found: Sequence[Rewritten]) -> ManifestsReport:
    """Write the new contents, each whole or not at all, and return what was done."""
    done = ManifestsReport(checked=False)
    for one in found:
        done.findings += one.findings
        done.notes += one.notes
        if one.content is None:
            continue
        if problem := manifests.replace(one):
            done.notes.append(Note(one.path, 1, f"not written: {problem}", is_fault=True))
            continue
        done.edits += one.edits
    return done

"""How many references were found, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from ledger_tool.core.manifests.pin import Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCounts:
    """All `references`, and of these: `right` are as they should be, `not_in_ledger` and `elsewhere` are unknown.

    `left` have no judgement (ignored, part of a template, or without a policy), and `not_understood` have a mark that
    nobody understands. The others are findings or edits.
    """

    references: int = 0
    right: int = 0
    not_in_ledger: int = 0
    elsewhere: int = 0
    left: int = 0
    not_understood: int = 0

    def __add__(self, other: ReferenceCounts) -> ReferenceCounts:
        return ReferenceCounts(
            references=self.references + other.references,
            right=self.right + other.right,
            not_in_ledger=self.not_in_ledger + other.not_in_ledger,
            elsewhere=self.elsewhere + other.elsewhere,
            left=self.left + other.left,
            not_understood=self.not_understood + other.not_understood,
        )


NOTHING_COUNTED = ReferenceCounts()
NOT_UNDERSTOOD = ReferenceCounts(references=1, not_understood=1)


def counts_of(judgement: Judgement | None) -> ReferenceCounts:
    """Return the counts of one reference; without a judgement, it was left alone."""
    if judgement is None or (judgement.is_left and judgement.kind != "unknown"):
        return ReferenceCounts(references=int(judgement is None or judgement.is_reference), left=1)
    if judgement.kind == "unknown":
        is_elsewhere = judgement.is_elsewhere
        return ReferenceCounts(references=1, elsewhere=int(is_elsewhere), not_in_ledger=int(not is_elsewhere))
    is_reference = int(judgement.is_reference)
    return ReferenceCounts(references=is_reference, right=0 if judgement.kind else is_reference)

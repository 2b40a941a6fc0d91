"""What a build's provenance adds to a draft, where neither the caller nor the image's own labels say it.

The caller's word goes first, then the labels and annotations, then provenance. Where provenance tells of another commit
than the one that goes first, that is said, and refused if the team requires provenance. But the source of an image that
is recorded stays: a build that changes nothing gives the same image for one commit after the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ledger_tool.core.ledger import sourceref
from ledger_tool.core.ledger.names import SourceRef, shown, some_of
from ledger_tool.core.ledger.secrets import redacted
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import LedgerError, RuleRefused, UsageError

if TYPE_CHECKING:  # a publish without provenance need not load it
    from ledger_tool.core.provenance.claim import BuildClaim


def told(
    draft: Draft,
    name: str,
    claims: Sequence[BuildClaim],
    *,
    recorded: SourceRef | None = None,
    is_required: bool = False,
) -> tuple[Draft, list[str]]:
    """Return a draft with what claims about its build tell, the first claim's word first, and notes for a person.

    `recorded` is the source that the ledger has of the image, and keeps. Raises RuleRefused if a claim is about another
    commit, neither recorded nor published now, and provenance `is_required`.
    """
    if not claims and not draft.bases:
        return draft, []
    source = draft.source_ref if not isinstance(draft.source_ref, LedgerError) else _source(claims, draft.source_ref)
    notes = []
    kept, how = recorded or source, "recorded" if recorded else "published"
    if not isinstance(kept, LedgerError):
        for other, claim in {against(kept, claim): claim for claim in claims}.items():
            if other and recorded and not isinstance(source, LedgerError) and not against(source, claim):
                notes.append(f"note: {name} is recorded as from {kept}, which stays; its provenance says {other}")
            elif other and is_required:
                hint = "publish it with the commit that it was built from, or build it from that commit, and push it"
                raise RuleRefused(f"{name} is {how} as from {kept}, and its provenance says {other}", hint)
            elif other:
                notes.append(f"warning: {name} is {how} as from {kept}; its provenance says {other}")
    bases = tuple(dict.fromkeys(base for claim in claims for base in claim.bases))
    if unreadable := list(dict.fromkeys(uri for claim in claims for uri in claim.unreadable)):
        notes.append(f"note: {name}: base images in its provenance are left out: {some_of(unreadable, 3)}")
    return replace(draft, source_ref=source, bases=bases), notes


def as_told(draft: Draft, name: str) -> tuple[Draft, list[str]]:
    """Return a draft with what its input tells of the build, and notes for a person: no registry is asked."""
    return told(draft, name, builds_of(draft))


def builds_of(draft: Draft) -> list[BuildClaim]:
    """Return what a draft's input says of the build for its platform; of all builds if it has none."""
    if not (draft.platform and draft.builds):
        return list(draft.builds.values())
    without_version = re.sub(r"\(.*\)", "", draft.platform)  # buildx may leave out that of Windows
    names = (draft.platform, without_version, "")
    return [draft.builds[platform] for platform in names if platform in draft.builds][:1]


def _source(claims: Sequence[BuildClaim], missing: LedgerError) -> SourceRef | LedgerError:
    """Return the source that claims tell, or why there is none: the working tree was not a commit's.

    If they tell less than a source, `missing` says so too.
    """
    if source := next((claim.source_ref for claim in claims if claim.source_ref), None):
        return source
    for claim in claims:
        if claim.modified_commit:
            message = (
                f"the image was built from a modified working tree of {claim.modified_commit}, says its provenance"
            )
            return UsageError(message, "commit what was modified, and build again; or say where it is from: `--source`")
    less = next(("@".join(filter(None, (claim.source, claim.commit))) for claim in claims if claim.source), "")
    return missing.adding(f"its provenance says only {shown(redacted(less))}") if less else missing


def against(source: SourceRef, claim: BuildClaim) -> str:
    """Return what a claim says instead of the commit of a source, `""` if it does not contradict it."""
    if claim.modified_commit:
        return f"a modified working tree of {claim.modified_commit}"
    if not claim.commit or claim.commit == sourceref.split(source)[1]:
        return ""
    return claim.source_ref or f"the commit {claim.commit}"

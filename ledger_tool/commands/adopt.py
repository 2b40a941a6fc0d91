"""`reconcile --adopt`: record the tags that a registry has and the ledger does not, in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger_tool.commands.inspect import Inspected, inspect
from ledger_tool.commands.leftovers import OpenPast, pruned_tags
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Registries, Store
from ledger_tool.commands.publish import recording
from ledger_tool.commands.write import Written, write
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Image, Tag, Timestamp
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.core.registry.driftreport import DriftReport, report
from ledger_tool.core.writes import publish as writes
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import LedgerError, UsageError


@dataclass(frozen=True, slots=True)
class Adopted:
    """The report without what was adopted, the write that adopted it (None if nothing), and what was not adopted."""

    report: DriftReport
    written: Written | None
    not_adopted: Sequence[str]


def adopt(
    store: Store,
    registries: Registries,
    before: DriftReport,
    *,
    now: Timestamp,
    jobs: int,
    open_past: OpenPast | None = None,
) -> Adopted:
    """Record every untracked tag of a report whose image says where it is from. Raises what `write` raises.

    If several registries have a tag, the first of `ledger.yaml` is used. What cannot be recorded (no sourceRef in its
    labels, a broken manifest) is left out, with the reason, and so is what was pruned and has not changed since.
    """
    start = store.read()
    places = {
        (port.name, image): place
        for image in {finding.image for finding in before.findings if finding.drift == "untracked"}
        for place, port in enumerate(registries.serving(start.policy, image))
    }
    untracked = {
        (finding.image, finding.tag): finding
        for finding in sorted(before.findings, key=lambda finding: -places.get((finding.registry, finding.image), 0))
        if finding.drift == "untracked"
    }
    no_source = UsageError("its labels do not say which commit it is from", "publish it with `--source`")

    def look(finding: DriftFinding) -> Inspected:
        reference = Reference("", finding.image)
        draft = Draft(reference=reference, tag=Tag(finding.tag), digest=None, published_at=now, source_ref=no_source)
        inspected = inspect([draft], start, registries, host=finding.registry, jobs=1)
        writes.publish(Snapshot("", Ledger(), start.policy), inspected.drafts)  # what the rules refuse is left out too
        return inspected

    drafts: list[Draft] = []
    notes: list[str] = []
    not_adopted = []
    pruned = pruned_tags(open_past) if untracked else {}
    for finding, answer in in_parallel(look, untracked.values(), jobs=jobs):
        if isinstance(answer, LedgerError):
            not_adopted.append(answer.within(f"{finding.image}:{finding.tag}").message)
        elif {draft.digest for draft in answer.drafts} <= pruned.get(Name(Image(finding.image), finding.tag), set()):
            not_adopted.append(
                f"{finding.image}:{finding.tag}: it was pruned and is still served; publish it to keep it"
            )
        else:
            drafts += answer.drafts
            notes += answer.notes
    if not drafts:
        return Adopted(before, None, sorted(not_adopted))
    adopted = {(draft.reference.path, draft.tag) for draft in drafts}
    drafts.sort(key=lambda draft: (draft.reference.path, draft.tag))
    written = replace(write(store, recording(start, drafts)), notes=sorted(notes))
    rest = [one for one in before.findings if one.drift != "untracked" or (one.image, one.tag) not in adopted]
    return Adopted(report(rest, at=before.at, scope=before.scope), written, sorted(not_adopted))

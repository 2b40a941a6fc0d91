"""`reconcile --adopt`: record the tags that a registry has and the ledger does not, in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger_tool.commands.checked import checked
from ledger_tool.commands.inspect import inspect
from ledger_tool.commands.inspected import CheckedFacts, Inspected
from ledger_tool.commands.leftovers import OpenPast, pruned_tags
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Registries, Store
from ledger_tool.commands.proofs import OpenProver
from ledger_tool.commands.publish import recording
from ledger_tool.commands.reconcile import Reconciled, look_at
from ledger_tool.commands.write import Written, write
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Image, Tag, Timestamp
from ledger_tool.core.ledger.record import Key, Name
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.core.registry.driftreport import report
from ledger_tool.core.writes import publish as writes
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import LedgerError, NotProved, SignatureUncheckable, Unreachable, UsageError


@dataclass(frozen=True, slots=True)
class Adopted:
    """The run with what was adopted, the write that adopted it (None if nothing), and what was not adopted.

    `refused` is the gravest error of what had to be proved and was not, None if all of that was.
    """

    reconciled: Reconciled
    written: Written | None
    not_adopted: Sequence[str]
    refused: LedgerError | None = None


def adopt(
    store: Store,
    registries: Registries,
    before: Reconciled,
    *,
    now: Timestamp,
    jobs: int,
    open_past: OpenPast | None = None,
    open_prover: OpenProver | None = None,
) -> Adopted:
    """Record every untracked tag of a run whose image says where it is from. Raises what `write` raises.

    What was adopted is then looked at, as everything else was, at every registry that serves it. If several registries
    have a tag, the first of `ledger.yaml` is used. What cannot be recorded (no sourceRef in its labels, a broken
    manifest) is left out, with the reason; so is what was pruned and has not changed since, and what somebody else has
    recorded by now.
    """
    start, findings = store.read(), before.report.findings
    places = {
        (port.name, image): place
        for image in {finding.image for finding in findings if finding.drift == "untracked"}
        for place, port in enumerate(registries.serving(start.policy, image))
    }
    untracked = {
        (finding.image, finding.tag): finding
        for finding in sorted(findings, key=lambda finding: -places.get((finding.registry, finding.image), 0))
        if finding.drift == "untracked"
    }
    no_source = UsageError(
        "neither its labels nor its provenance say which commit it is from", "publish it with `--source`"
    )

    environments = [Name(Image(image), tag) for image, tag in untracked if tag in start.policy.environments]

    def look(finding: DriftFinding) -> Inspected:
        reference = Reference("", finding.image)
        draft = Draft(reference=reference, tag=Tag(finding.tag), digest=None, published_at=now, source_ref=no_source)
        inspected = inspect([draft], start, registries, host=finding.registry, jobs=1)
        if open_prover and start.policy.provenance:
            try:
                inspected = checked(inspected, start, registries, open_prover, host=finding.registry, jobs=1)
            except (NotProved, Unreachable) as error:
                unproved.append(error)
                raise
        writes.publish(Snapshot("", Ledger(), start.policy), inspected.drafts)  # what the rules refuse is left out too
        return inspected

    unproved: list[LedgerError] = []
    drafts: list[Draft] = []
    notes: list[str] = []
    held: dict[Key, CheckedFacts] = {}
    not_adopted = [_of_environment(name) for name in environments]
    for name in environments:
        del untracked[name]
    pruned = pruned_tags(open_past) if untracked else {}
    for finding, answer in in_parallel(look, untracked.values(), jobs=jobs):
        if isinstance(answer, SignatureUncheckable):
            raise answer
        if isinstance(answer, LedgerError):
            where = f"{finding.image}:{finding.tag}"
            says_whose = answer.message.startswith((f"{where}:", f"{where} "))
            not_adopted.append(answer.message if says_whose else answer.within(where).message)
        elif {draft.digest for draft in answer.drafts} <= pruned.get(Name(Image(finding.image), finding.tag), set()):
            not_adopted.append(
                f"{finding.image}:{finding.tag}: it was pruned and is still served; publish it to keep it"
            )
        else:
            drafts += answer.drafts
            notes += answer.notes
            held |= answer.held
    if not drafts:
        return Adopted(before, None, sorted(not_adopted), _gravest(unproved))
    drafts.sort(key=lambda draft: (draft.reference.path, draft.tag))
    names = dict.fromkeys(_name(draft) for draft in drafts)
    late: dict[Name, str] = {}

    def operation(snapshot: Snapshot) -> Change:
        declared = [name for name in names if name.tag in snapshot.policy.environments]
        late.clear()
        late.update({name: _of_environment(name) for name in declared})
        late.update({name: f"{name}: it was recorded in the meantime" for name in names if snapshot.ledger.find(name)})
        rest = [draft for draft in drafts if _name(draft) not in late]
        still = {key: what for key, what in held.items() if Name(key.image, key.tag) not in late}
        return recording(start, Inspected(rest, frozenset(), held=still))(snapshot)

    written = replace(write(store, operation, now=now), notes=sorted(notes))
    not_adopted += late.values()
    after = Snapshot("", written.change.ledger, start.policy)
    rest = [one for one in findings if one.drift != "untracked" or Name(Image(one.image), one.tag) not in names]
    interrupted = False
    try:
        rest += look_at(before.looks.afresh(), after, registries, names, now)
    except KeyboardInterrupt:
        interrupted = True
    again = report(rest, interrupted=interrupted, at=before.report.at, scope=before.report.scope)
    done = replace(before, report=again, interrupted=interrupted)
    return Adopted(done, written if written.change.changed else None, sorted(not_adopted), _gravest(unproved))


def _gravest(errors: Sequence[LedgerError]) -> LedgerError | None:
    """Return the error to end with: of a statement that does not hold, before one that could not be looked at."""
    return min(errors, key=lambda error: (isinstance(error, Unreachable), error.message), default=None)


def _of_environment(name: Name) -> str:
    command = f"ledger promote {name.image}:TAG --to {name.tag}"
    return f"{name}: {name.tag} is an environment; give it a version with `{command}`"


def _name(draft: Draft) -> Name:
    return Name(Image(draft.reference.path), draft.tag)

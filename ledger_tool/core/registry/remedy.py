"""The command that puts a finding right, ready to be pasted into a shell.

A tag that should not have moved, or is gone, is put back with skopeo: from the same registry if the recorded digest
still pulls there, else from another one that has it. A tag that may move, and what the ledger does not have yet, is
recorded with `ledger publish`; its sourceRef is what the image says about itself, or left to fill in. What an image
says is foreign text, and therefore quoted.

Where several registries serve an image, the ledger follows the first of `ledger.yaml` that has the tag, as a publish
does, and the others follow the ledger: two of them never have it moved to and fro. A command is only printed if it puts
the finding right. Where none can be known to, `ledger verify` is, and the reason says why.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry import environmentcommands, shellcommands
from ledger_tool.core.registry.circumstances import Circumstances
from ledger_tool.core.registry.drift import (
    Absent,
    DriftFinding,
    Observation,
    Unknown,
    Unreadable,
    keeps_image,
)
from ledger_tool.core.registry.image import Manifest
from ledger_tool.core.registry.looks import is_whole
from ledger_tool.core.registry.shellcommands import ANY_REASON, PullPlace
from ledger_tool.core.registry.withheld import Withheld

_ANY_SOURCE = "URL@COMMIT"
_NO_SKOPEO = "many versions of skopeo refuse an IPv6 address: give the registry a host name in ledger.yaml"
_MAY_BE_ELSEWHERE = "whether another registry has it is not known"
_INCOMPLETE = "a registry takes no index without its images, and one of them is gone"
_NOT_KNOWN_OF_WHICH = "push it again; or remove the platforms that lack it, whichever they are"


@dataclass(frozen=True, slots=True)
class Remedy:
    """The command for a finding, the alternative, and what its reason has to say about them; each may be `""`."""

    command: str = ""
    alternative: str = ""
    why: str = ""


def with_commands(
    findings: Sequence[DriftFinding],
    records: Sequence[Record],
    place: PullPlace,
    seen: Observation,
    circumstances: Circumstances,
) -> list[DriftFinding]:
    """Return the findings of an image:tag at one registry with their commands."""
    commands = _TagCommands(records, findings, place, seen, circumstances)
    remedied = []
    for finding, record in zip(findings, records, strict=True):
        remedy = commands.of(finding, record)
        alternative = remedy.alternative if remedy.alternative != remedy.command else ""
        is_other = finding.served not in (None, finding.ledger) and not record.is_environment
        is_broken = circumstances.unrecordable and is_other
        broken = _unrecordable(circumstances.unrecordable) if is_broken else ""
        reason = "; ".join(filter(None, (finding.reason, broken, remedy.why)))
        remedied.append(replace(finding, command=remedy.command, alternative=alternative, reason=reason))
    return remedied


def of_untracked(
    finding: DriftFinding, place: PullPlace, environments: Container[str], unrecordable: str = ""
) -> DriftFinding:
    """Return the finding of an untracked tag with the command that records it, or why it cannot be recorded."""
    if finding.tag in environments:
        reason, promote = environmentcommands.of_untracked(finding)
        return replace(finding, command=promote, reason=reason)
    if unrecordable:
        return replace(finding, command="", reason=_unrecordable(unrecordable))
    source = finding.facts and finding.facts.source_ref
    return replace(finding, command=shellcommands.publish(finding, place, finding.served, source or _ANY_SOURCE))


def _unrecordable(why: str) -> str:
    return f"what it serves cannot be recorded: {why}"


@dataclass(frozen=True, slots=True)
class _TagCommands:
    """The commands for one image:tag at one registry."""

    records: Sequence[Record]
    findings: Sequence[DriftFinding]
    place: PullPlace
    seen: Observation
    at: Circumstances

    def of(self, finding: DriftFinding, record: Record) -> Remedy:
        """Return the remedy of a finding."""
        if record.is_environment:
            return Remedy(*environmentcommands.commands_of(finding, record, self._of_environment))
        match finding.drift:
            case "in-sync":
                return Remedy()
            case "unknown" | "untracked":
                return Remedy(shellcommands.verify(record))
            case "expired":
                return self._end(
                    finding, record, shellcommands.shell("ledger", "set", str(record.name), "--ttl", "none")
                )
            case "gone" | "tag-missing" if finding.kind == "housekeeping" and self._has_expired(record):
                return self._end(finding, record, self._without("remove", finding, record))
            case "tag-missing":
                if self.at.withheld:  # without its mark, other tags of its digest would be put back
                    return Remedy(why=self.at.withheld.reason)
                back = self._put_back(finding, record, remove := self._without("remove", finding, record))
                return back if back.command != remove else Remedy(shellcommands.verify(record), remove, _INCOMPLETE)
            case "tag-moved" | "index-moved":
                return self._of_moved(finding, record)
        return self._of_lost(finding, record)

    def _of_moved(self, finding: DriftFinding, record: Record) -> Remedy:
        """Return the remedy of a tag that serves something else: the ledger follows the tag, or the tag the ledger."""
        is_ordinary = finding.kind == "housekeeping" or (finding.drift == "index-moved" and not self._needs_force)
        recorded = self._record(finding)
        back = self._put_back(finding, record, recorded)
        if is_ordinary and recorded and self._may_follow:
            return Remedy(recorded, back.command if finding.kind == "housekeeping" and not back.why else "")
        return back

    def _of_lost(self, finding: DriftFinding, record: Record) -> Remedy:
        """Return the remedy of a record whose image is not there as recorded, or is not what is recorded."""
        remove, yank = (self._without(verb, finding, record) for verb in ("remove", "yank"))
        is_other = finding.served not in (None, finding.ledger)
        missing = self.seen.missing.get(record.pull_digest, ())
        is_missing = finding.drift == "children-missing" and bool(missing) and not isinstance(missing, Unknown)
        if (refuted := self.seen.refutation(record)) and not is_missing:
            if is_other and not self._may_follow:
                return Remedy(shellcommands.verify(record), remove, self._why_not)
            return Remedy(self._correct(finding, record, is_other_image=refuted.is_other_image) or remove, remove)
        publish = self._record(finding) if is_other else ""
        if self.at.donor and not (publish and self.at.is_mutable and self._may_follow):
            return self._put_back(finding, record, (publish if self._may_follow else "") or remove)
        if publish and self._may_follow:
            return Remedy(publish, remove)
        if publish or self.at.may_be_elsewhere:
            return Remedy(shellcommands.verify(record), remove, self._why_not if publish else _MAY_BE_ELSEWHERE)
        if is_missing and record.index:
            return Remedy(shellcommands.verify(record, "--deep"), remove, _NOT_KNOWN_OF_WHICH)
        return Remedy(remove, yank)

    @property
    def _of_environment(self) -> environmentcommands.EnvironmentTag:
        return environmentcommands.EnvironmentTag(
            self.at.withdrawal,
            is_declared=self.at.is_declared,
            is_whole=is_whole(self.records, self.seen) and not self.at.withheld,
            is_served=isinstance(self.seen.served, str),
            has_served=self.at.has_served,
            registry="" if self.place.is_only else self.place.name,
        )

    @property
    def _needs_force(self) -> bool:
        """Whether publishing what the tag serves takes a recorded image away."""
        return not (self.at.is_mutable or all(keeps_image(record, self.seen) for record in self.records))

    @property
    def _may_follow(self) -> bool:
        """Whether the ledger may follow what the tag serves here: no registry before this one leads elsewhere."""
        return isinstance(self.at.lead, Absent) or self.at.lead == self.seen.served

    @property
    def _why_not(self) -> str:
        """Why the ledger does not follow what the tag serves here."""
        if isinstance(self.at.lead, Unknown):
            return "what a registry before this one in ledger.yaml serves is not known"
        return f"a registry before this one in ledger.yaml serves {self.at.lead}"

    def _without(self, verb: str, finding: DriftFinding, record: Record) -> str:
        """Return the `remove` or `yank` of a record: for its platform only, if another's is in another state."""
        is_partial = record.platform and any(other.drift != finding.drift for other in self.findings)
        words = ["--platform", str(record.platform)] if is_partial else []
        return shellcommands.shell("ledger", verb, str(record.name), *words, "--reason", ANY_REASON)

    def _end(self, finding: DriftFinding, record: Record, keep: str) -> Remedy:
        """Return the remedy of a record past its TTL: the prune that removes it, and `keep`, which also ends it."""
        way = self.at.prune_ways.get(record.key, "plainly")
        is_there = finding.drift == "expired" or self.at.donor
        now = ["--now", self.at.stated_now] if self.at.stated_now else []
        options = [*now, "--registry-delete"] if is_there and not self.at.hold else now
        if way == "never":
            return Remedy(keep)
        if way == "last":
            return Remedy(keep, shellcommands.prune(record, *options, "--last"))
        if is_there and self.at.hold == "untracked":
            at_registry = "--registry-delete", "--with-untracked-tags"
            return Remedy(shellcommands.prune(record, *now), shellcommands.prune(record, *now, *at_registry))
        return Remedy(shellcommands.prune(record, *options), keep)

    def _put_back(self, finding: DriftFinding, record: Record, otherwise: str) -> Remedy:
        """Return the remedy that gives the tag its recorded digest again, with the alternative.

        If nobody has that, or nobody should pull it, the alternative is the remedy; but it may not undo what a registry
        before this one serves.
        """
        if self.at.withheld:
            return self._instead_of_withheld(finding, record, otherwise, self.at.withheld)
        is_here = (
            finding.drift not in ("gone", "children-missing")
            and self.seen.has(str(finding.ledger)) is True
            and all(self.seen.has(other.digest) is not False for other in self.records)
        )
        if not (is_here or self.at.donor):
            is_undone = finding.served and not self._may_follow
            return Remedy(shellcommands.verify(record), otherwise, self._why_not) if is_undone else Remedy(otherwise)
        if not (self.place.is_for_skopeo and (is_here or self._donor.is_for_skopeo)):
            return Remedy(shellcommands.verify(record), otherwise, _NO_SKOPEO)
        return Remedy(self._tagged_here(finding) if is_here else self._copied(finding), otherwise)

    def _instead_of_withheld(self, finding: DriftFinding, record: Record, otherwise: str, why: Withheld) -> Remedy:
        remove = self._without("remove", finding, record)
        if self._has_expired(record):
            end = self._end(finding, record, otherwise or remove)
            return replace(end, why=why.reason)
        if finding.served and not self._may_follow:
            return Remedy(shellcommands.verify(record), remove, f"{why.reason}; {self._why_not}")
        return Remedy(otherwise or remove, remove, why.reason)

    def _has_expired(self, record: Record) -> bool:
        return self.at.withheld is not None and record.key in self.at.withheld.expired

    def _tagged_here(self, finding: DriftFinding) -> str:
        """Return the command that tags what is here: without what is below it, which skopeo may not copy."""
        return shellcommands.skopeo_copy(self.place, self.place, str(finding.ledger), f":{finding.tag}", is_alone=True)

    def _copied(self, finding: DriftFinding) -> str:
        """Return the command that copies all that is recorded from the other registry."""
        donor, inner = self._donor, self.at.inner
        steps = [
            shellcommands.skopeo_copy(donor, self.place, one.digest, f"@{one.digest}", is_alone=one.is_alone)
            for one in inner
        ]
        last = shellcommands.skopeo_copy(
            donor, self.place, str(finding.ledger), f":{finding.tag}", is_alone=bool(inner)
        )
        return " && ".join([*steps, last])

    @property
    def _donor(self) -> PullPlace:
        assert self.at.donor
        return self.at.donor

    def _record(self, finding: DriftFinding) -> str:
        """Return the command that records what the tag serves now, or `""` if that cannot be recorded."""
        contents = self.seen.contents
        if self.at.unrecordable or (isinstance(contents, Unreadable) and contents.is_seen):
            return ""
        stated = (finding.facts.source_ref if finding.facts else None) or _ANY_SOURCE
        source = str(self.records[0].source_ref) if self._has_nothing_new else stated
        return shellcommands.publish(finding, self.place, finding.served, source, force=self._needs_force)

    @property
    def _has_nothing_new(self) -> bool:
        """Whether the tag serves nothing but recorded images: a publish keeps their sources, whichever is given."""
        contents, recorded = self.seen.contents, {record.digest for record in self.records}
        if self._needs_force or not isinstance(contents, Manifest) or contents.unreadable:
            return False
        return ({child.digest for child in contents.children} or {contents.digest}) <= recorded

    def _correct(self, finding: DriftFinding, record: Record, *, is_other_image: bool) -> str:
        """Return the command that records what the image is instead of what the record says, or `""`.

        That a record has another platform or config than its image needs no force, and keeps its source.
        """
        if finding.served not in (None, finding.ledger):
            return self._record(finding)
        if isinstance(self.seen.served, Absent):
            return ""
        refuted = [wrong for one in self.records if (wrong := self.seen.refutation(one))]
        is_forced = is_other_image or any(wrong.is_other_image for wrong in refuted)
        source = _ANY_SOURCE if is_forced or record.index else str(record.source_ref)
        return shellcommands.publish(
            finding, self.place, finding.ledger, source, force=is_forced and not self.at.is_mutable
        )

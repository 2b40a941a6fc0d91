"""The command that puts a finding right, ready to be pasted into a shell.

A tag that should not have moved, or is gone, is put back with skopeo: from the same registry if the recorded digest
still pulls there, else from another one that has it. A tag that may move, and what the ledger does not have yet, is
recorded with `ledger publish`; its sourceRef is what the image says about itself, or left to fill in. What an image
says is foreign text, and therefore quoted.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.registry.drift import Absent, DriftFinding, Observation, Unreadable, keeps_image
from ledger_tool.core.registry.image import Manifest

_ANY_SOURCE = "URL@COMMIT"
_ANY_REASON = "TEXT"
# Whether `ledger prune` removes an expired record: as it is, only with `--last`, or not at all.
PruneWay = Literal["plainly", "last", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPlace:
    """Where clients pull an image from: `repository` is `host/path`, `name` what reports call the registry.

    `is_first` says whether `publish` asks this registry without being told to.
    """

    name: str
    repository: str
    plain_http: bool = False
    is_first: bool = True


@dataclass(frozen=True, slots=True)
class InnerCopy:
    """A manifest or index that is copied before the index that has it; `is_alone` says without what is below it."""

    digest: str
    is_alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What decides, beside a finding, which command puts it right.

    `is_mutable` says whether the tag may move, `prune_ways` what a prune does with expired records. `donor` is another
    registry that has all that is recorded, and `inner` is what is copied from there first, because the index has
    indexes in it, which skopeo does not copy. `is_held` says that an untracked tag serves the pull digest.
    """

    is_mutable: bool = False
    prune_ways: Mapping[Key, PruneWay] = field(default_factory=dict)
    donor: PullPlace | None = None
    inner: Sequence[InnerCopy] = ()
    is_held: bool = False


def with_commands(
    findings: Sequence[DriftFinding],
    records: Sequence[Record],
    place: PullPlace,
    seen: Observation,
    circumstances: Circumstances,
) -> list[DriftFinding]:
    """Return the findings of an image:tag at one registry with their commands."""
    commands = _TagCommands(records, place, seen, circumstances)
    return [
        replace(finding, command=command, alternative=alternative if alternative != command else "")
        for finding, record in zip(findings, records, strict=True)
        for command, alternative in [commands.of(finding, record)]
    ]


def of_untracked(finding: DriftFinding, place: PullPlace) -> DriftFinding:
    """Return the finding of an untracked tag with the command that records it."""
    source = finding.facts and finding.facts.source_ref
    return replace(finding, command=_publish(finding, place, finding.served, source or _ANY_SOURCE))


@dataclass(frozen=True, slots=True)
class _TagCommands:
    """The commands for one image:tag at one registry."""

    records: Sequence[Record]
    place: PullPlace
    seen: Observation
    at: Circumstances

    def of(self, finding: DriftFinding, record: Record) -> tuple[str, str]:
        """Return the command and the alternative for a finding."""
        remove, yank = (
            _shell("ledger", verb, str(record.name), "--reason", _ANY_REASON) for verb in ("remove", "yank")
        )
        match finding.drift:
            case "in-sync":
                return "", ""
            case "unknown" | "untracked":
                return _shell("ledger", "verify", str(record.name)), ""
            case "expired":
                return self._end(finding, record, _shell("ledger", "set", str(record.name), "--ttl", "none"))
            case "gone" | "tag-missing" if finding.kind == "housekeeping":
                return self._end(finding, record, remove)
            case "tag-missing":
                return self._put_back(finding) or remove, remove
            case "index-moved" if not self._needs_force:
                return self._record(finding) or self._put_back(finding), ""
            case "tag-moved" | "index-moved":
                ways = self._put_back(finding), self._record(finding)
                first, second = ways[::-1] if finding.kind == "housekeeping" else ways
                return first or second, second if first else ""
        if refuted := self.seen.refutation(record):
            return self._correct(finding, record, is_other_image=refuted.is_other_image) or remove, remove
        copy = self._copy(finding) if self.at.donor else ""
        publish = self._record(finding) if finding.served not in (None, finding.ledger) else ""
        commands = [command for command in (copy, publish, remove, yank) if command]
        return commands[0], commands[1]

    @property
    def _needs_force(self) -> bool:
        """Whether publishing what the tag serves takes a recorded image away."""
        return not (self.at.is_mutable or all(keeps_image(record, self.seen) for record in self.records))

    def _end(self, finding: DriftFinding, record: Record, keep: str) -> tuple[str, str]:
        """Return the commands for a record past its TTL: the prune that removes it, and `keep`, which also ends it."""
        way = self.at.prune_ways.get(record.key, "plainly")
        is_there = finding.drift == "expired" or self.at.donor
        options = ["--registry-delete"] if is_there else []
        if way == "never":
            return keep, ""
        if way == "last":
            return keep, _prune(record, *options, "--last")
        if is_there and self.at.is_held:
            return _prune(record), _prune(record, *options, "--with-untracked-tags")
        return _prune(record, *options), keep

    def _put_back(self, finding: DriftFinding) -> str:
        """Return the command that gives the tag its recorded digest again, or `""` if nobody has that."""
        if not (finding.ledger and self.seen.has(finding.ledger) is True):
            return self._copy(finding) if self.at.donor else ""
        # What is below an index is there, and may be what skopeo does not copy.
        is_alone = any(record.is_pulled_by_index for record in self.records)
        return _skopeo(self.place, self.place, finding.ledger, f":{finding.tag}", is_alone=is_alone)

    def _copy(self, finding: DriftFinding) -> str:
        """Return the command that copies all that is recorded from the other registry."""
        assert self.at.donor
        assert finding.ledger
        donor, inner = self.at.donor, self.at.inner
        steps = [_skopeo(donor, self.place, one.digest, f"@{one.digest}", is_alone=one.is_alone) for one in inner]
        last = _skopeo(donor, self.place, finding.ledger, f":{finding.tag}", is_alone=bool(inner))
        return " && ".join([*steps, last])

    def _record(self, finding: DriftFinding) -> str:
        """Return the command that records what the tag serves now, or `""` if that cannot be recorded."""
        contents = self.seen.contents
        if isinstance(contents, Unreadable) and contents.is_seen:
            return ""
        stated = (finding.facts.source_ref if finding.facts else None) or _ANY_SOURCE
        source = str(self.records[0].source_ref) if self._has_nothing_new else stated
        return _publish(finding, self.place, finding.served, source, force=self._needs_force)

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
        return _publish(finding, self.place, finding.ledger, source, force=is_forced and not self.at.is_mutable)


def _publish(finding: DriftFinding, place: PullPlace, digest: str | None, source: str, *, force: bool = False) -> str:
    pinned = f"@{digest}" if digest else ""
    words = ["ledger", "publish", f"{finding.image}:{finding.tag}{pinned}", "--source", source]
    words += [] if place.is_first else ["--registry", place.name]
    words += ["--force", "--reason", _ANY_REASON] if force else []
    return _shell(*words)


def _skopeo(source: PullPlace, target: PullPlace, digest: str, reference: str, *, is_alone: bool) -> str:
    """Return the command that copies a digest; of an index that is copied `is_alone`, what is below it is there."""
    words = ["skopeo", "copy", "--multi-arch=index-only" if is_alone else "--all", "--preserve-digests"]
    words += ["--src-tls-verify=false"] if source.plain_http else []
    words += ["--dest-tls-verify=false"] if target.plain_http else []
    words += [f"docker://{source.repository}@{digest}", f"docker://{target.repository}{reference}"]
    return _shell(*words)


def _prune(record: Record, *options: str) -> str:
    return _shell("ledger", "prune", str(record.name), *options, "--yes")


def _shell(*words: str) -> str:
    return shlex.join(words)

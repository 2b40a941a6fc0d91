"""The command that puts a finding right, ready to be pasted into a shell.

A tag that should not have moved, or is gone, is put back with skopeo: from the same registry if the recorded digest
still pulls there, else from another one that has it. A tag that may move, and what the ledger does not have yet, is
recorded with `ledger publish`; its sourceRef is what the image says about itself, or left to fill in. What an image
says is foreign text, and therefore quoted.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.drift import DriftFinding, Observation, Unreadable

_ANY_SOURCE = "URL@COMMIT"
_ANY_REASON = "TEXT"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPlace:
    """Where clients pull an image from: `repository` is `host/path`, `name` what reports call the registry.

    `is_first` says whether `publish` asks this registry without being told to.
    """

    name: str
    repository: str
    plain_http: bool = False
    is_first: bool = True


def with_commands(
    findings: Sequence[DriftFinding],
    records: Sequence[Record],
    place: PullPlace,
    seen: Observation,
    *,
    is_mutable: bool,
    donor: PullPlace | None = None,
) -> list[DriftFinding]:
    """Return the findings of an image:tag at one registry with their commands; `donor` has all that is recorded."""
    is_grown = all(finding.drift in ("index-moved", "in-sync") for finding in findings)
    commands = _TagCommands(place, seen, needs_force=not (is_mutable or is_grown), donor=donor)
    return [
        replace(finding, command=command, alternative=alternative)
        for finding, record in zip(findings, records, strict=True)
        for command, alternative in [commands.of(finding, record)]
    ]


def of_untracked(finding: DriftFinding, place: PullPlace) -> DriftFinding:
    """Return the finding of an untracked tag with the command that records it."""
    source = finding.facts and finding.facts.source_ref
    return replace(finding, command=_publish(finding, place, source or _ANY_SOURCE))


@dataclass(frozen=True, slots=True)
class _TagCommands:
    """The commands for one image:tag at one registry."""

    place: PullPlace
    seen: Observation
    needs_force: bool
    donor: PullPlace | None

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
                return _prune(finding, "--registry-delete"), _shell("ledger", "set", str(record.name), "--ttl", "none")
            case "gone" | "tag-missing" if finding.kind == "housekeeping":
                return _prune(finding), ""
            case "tag-missing":
                return self._put_back(finding) or remove, remove
            case "index-moved" if not self.needs_force:
                return self._record(finding, str(record.source_ref)), ""
            case "tag-moved" | "index-moved":
                put_back, publish = self._put_back(finding), self._record(finding)
                first, second = (publish, put_back) if finding.kind == "housekeeping" else (put_back, publish)
                return first or second, second if first else ""
        copy = _copy(self.donor, self.place, finding) if self.donor else ""
        publish = self._record(finding) if finding.served not in (None, finding.ledger) else ""
        last = (remove, yank) if finding.drift == "gone" else (yank, remove)
        commands = [command for command in (copy, publish, *last) if command]
        return commands[0], commands[1]

    def _put_back(self, finding: DriftFinding) -> str:
        """Return the command that gives the tag its recorded digest again, or `""` if nobody has that."""
        source = self.place if finding.ledger and self.seen.has(finding.ledger) is True else self.donor
        return _copy(source, self.place, finding) if source else ""

    def _record(self, finding: DriftFinding, source: str = "") -> str:
        """Return the command that records what the tag serves now, or `""` if that cannot be recorded."""
        contents = self.seen.contents
        if isinstance(contents, Unreadable) and contents.is_seen:
            return ""
        source = source or (finding.facts.source_ref if finding.facts else None) or _ANY_SOURCE
        return _publish(finding, self.place, source, force=self.needs_force)


def _publish(finding: DriftFinding, place: PullPlace, source: str, *, force: bool = False) -> str:
    digest = f"@{finding.served}" if finding.served else ""
    words = ["ledger", "publish", f"{finding.image}:{finding.tag}{digest}", "--source", source]
    words += [] if place.is_first else ["--registry", place.name]
    words += ["--force", "--reason", _ANY_REASON] if force else []
    return _shell(*words)


def _copy(source: PullPlace, target: PullPlace, finding: DriftFinding) -> str:
    words = ["skopeo", "copy", "--all", "--preserve-digests"]
    words += ["--src-tls-verify=false"] if source.plain_http else []
    words += ["--dest-tls-verify=false"] if target.plain_http else []
    words += [f"docker://{source.repository}@{finding.ledger}", f"docker://{target.repository}:{finding.tag}"]
    return _shell(*words)


def _prune(finding: DriftFinding, *options: str) -> str:
    return _shell("ledger", "prune", f"{finding.image}:{finding.tag}", *options, "--yes")


def _shell(*words: str) -> str:
    return shlex.join(words)

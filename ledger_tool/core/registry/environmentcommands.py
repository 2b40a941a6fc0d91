"""The commands that put right what is found of an environment's record: it moves by `promote`, its tag by `restore`."""

from __future__ import annotations

from dataclasses import dataclass

from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.core.registry.shellcommands import ANY_REASON, shell, verify
from ledger_tool.core.registry.withdrawal import Withdrawal

_ANY_TAG = "TAG"


@dataclass(frozen=True, slots=True)
class EnvironmentTag:
    """What is known of an environment's record and of the tag of its name, at one registry.

    `withdrawal` says what has become of its version. `is_declared` says whether `ledger.yaml` has the environment, and
    `is_whole` whether `restore` can set the tag: all that is recorded is there, and nobody is to be kept from it.
    `has_served` says whether the ledger has what the tag serves, if it `is_served`: nothing else is moved away without
    being told to. `registry` is the name of the registry if there are others.
    """

    withdrawal: Withdrawal | None
    is_declared: bool
    is_whole: bool
    is_served: bool
    has_served: bool
    registry: str = ""


def commands_of(finding: DriftFinding, record: Record, at: EnvironmentTag) -> tuple[str, str]:
    """Return the command that puts a finding right, and the alternative; each may be `""`.

    What `ledger.yaml` no longer declares, nothing moves: it can only be removed. A tag that is served follows what the
    environment has, whether that is what it had before or another version.
    """
    image, environment = record.name
    overwriting = [] if at.has_served else ["--overwrite"]
    here = ["--registry", at.registry] if at.registry else []
    restore = shell("ledger", "restore", image, "--env", environment, *here, *overwriting, "--yes")

    def promoted(tag: str) -> str:
        return f"{promote(image, tag, environment)} && {restore}" if at.is_served else promote(image, tag, environment)

    if finding.drift == "in-sync":
        return "", ""
    if finding.drift == "unknown":
        return verify(record), ""
    if not at.is_declared:
        return shell("ledger", "remove", str(record.name), "--reason", ANY_REASON), ""
    other = promoted(_ANY_TAG)
    if finding.drift in ("tag-moved", "index-moved") and at.is_whole:
        return restore, other
    if finding.drift == "withdrawn" and at.withdrawal:
        if at.withdrawal.has_other:
            return promoted(str(record.version)), other
        if at.withdrawal.way == "expired":
            return other, shell("ledger", "set", f"{image}:{record.version}", "--ttl", "none")
    return other, ""


def promote(image: str, tag: str, environment: str) -> str:
    """Return the command that gives an environment a version."""
    return shell("ledger", "promote", f"{image}:{tag}", "--to", environment, "--reason", ANY_REASON)


def of_untracked(finding: DriftFinding) -> tuple[str, str]:
    """Return why a tag that is an environment's name is not recorded by a publish, and what gives it an image."""
    reason = f"{finding.tag} is an environment, which only `ledger promote` gives an image"
    return reason, promote(finding.image, _ANY_TAG, finding.tag)

"""The commands that put right what is found of an environment's record: it moves by `promote`, its tag by `restore`."""

from __future__ import annotations

from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.core.registry.shellcommands import ANY_REASON, shell, verify
from ledger_tool.core.registry.withdrawal import Withdrawal

_ANY_TAG = "TAG"


def commands_of(
    finding: DriftFinding, record: Record, withdrawal: Withdrawal | None, *, is_declared: bool, has_served: bool
) -> tuple[str, str]:
    """Return the command that puts a finding right, and the alternative; each may be `""`.

    `has_served` says whether the ledger has what the tag serves: nothing else is moved away without being told to. What
    `ledger.yaml` no longer declares, nothing moves: it can only be removed.
    """
    image, environment = record.name
    other = promote(image, _ANY_TAG, environment)
    if finding.drift == "in-sync":
        return "", ""
    if finding.drift == "unknown":
        return verify(record), ""
    if not is_declared:
        return shell("ledger", "remove", str(record.name), "--reason", ANY_REASON), ""
    if finding.drift in ("tag-moved", "index-moved"):
        overwriting = [] if has_served else ["--overwrite"]
        return shell("ledger", "restore", image, "--env", environment, *overwriting, "--yes"), other
    if finding.drift == "withdrawn" and withdrawal:
        if withdrawal.has_other:
            return promote(image, str(record.version), environment), other
        if withdrawal.way == "expired":
            return other, shell("ledger", "set", f"{image}:{record.version}", "--ttl", "none")
    return other, ""


def promote(image: str, tag: str, environment: str) -> str:
    """Return the command that gives an environment a version."""
    return shell("ledger", "promote", f"{image}:{tag}", "--to", environment, "--reason", ANY_REASON)


def of_untracked(finding: DriftFinding) -> tuple[str, str]:
    """Return why a tag that is an environment's name is not recorded by a publish, and what gives it an image."""
    reason = f"{finding.tag} is an environment, which only `ledger promote` gives an image"
    return reason, promote(finding.image, _ANY_TAG, finding.tag)

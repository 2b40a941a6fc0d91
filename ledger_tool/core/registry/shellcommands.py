"""Commands as a person pastes them into a shell; what is left to fill in is in capital letters."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.drift import DriftFinding

ANY_REASON = "TEXT"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPlace:
    """Where clients pull an image from: `repository` is `host/path`, `name` what reports call the registry.

    `is_first` says whether `publish` asks this registry without being told to, `is_only` whether no other serves it.
    """

    name: str
    repository: str
    plain_http: bool = False
    is_first: bool = True
    is_only: bool = True

    @property
    def is_for_skopeo(self) -> bool:
        """Whether every skopeo takes its address: many refuse an IPv6 address for a malformed reference."""
        return not self.repository.startswith("[")


def publish(finding: DriftFinding, place: PullPlace, digest: str | None, source: str, *, force: bool = False) -> str:
    """Return the command that records a digest, with force if that is needed."""
    pinned = f"@{digest}" if digest else ""
    words = ["ledger", "publish", f"{finding.image}:{finding.tag}{pinned}", "--source", source]
    words += [] if place.is_first else ["--registry", place.name]
    words += ["--force", "--reason", ANY_REASON] if force else []
    return shell(*words)


def skopeo_copy(source: PullPlace, target: PullPlace, digest: str, reference: str, *, is_alone: bool) -> str:
    """Return the command that copies a digest; of an index that is copied `is_alone`, what is below it is there."""
    words = ["skopeo", "copy", "--multi-arch=index-only" if is_alone else "--all", "--preserve-digests"]
    words += ["--src-tls-verify=false"] if source.plain_http else []
    words += ["--dest-tls-verify=false"] if target.plain_http else []
    words += [f"docker://{source.repository}@{digest}", f"docker://{target.repository}{reference}"]
    return shell(*words)


def verify(record: Record, *options: str) -> str:
    """Return the command that looks at an image:tag once more, and changes nothing."""
    return shell("ledger", "verify", str(record.name), *options)


def prune(record: Record, *options: str) -> str:
    """Return the command that removes what has expired of an image:tag."""
    return shell("ledger", "prune", str(record.name), *options, "--yes")


def shell(*words: str) -> str:
    """Return words as a shell reads them back."""
    return shlex.join(words)

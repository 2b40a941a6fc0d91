"""Whether the version that an environment has is still what it was when it was promoted."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_tool.core.changes.promotion import recorded_version, version_of
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.withdrawal import Withdrawal


def withdrawal(name: Name, ledger: Ledger, policy: Policy, at: Timestamp) -> Withdrawal | None:
    """Return what has become, by a time, of the version that an environment has of an image; None if nothing has.

    `name` is the image and the environment; any other image:tag has no version, and None. Under a mutable tag, another
    image is ordinary.
    """
    records = ledger.find(name)
    if not version_of(records):
        return None
    version = Name(name.image, version_of(records))
    source = recorded_version(version, ledger, policy)
    if not source:
        return Withdrawal("removed", f"{version} is not recorded any more")
    if yanked := next((record.yanked for record in source if record.yanked), None):
        return Withdrawal("yanked", f"{version} is yanked: {yanked.reason}")
    if _images(source) != _images(records):
        is_ordinary = policy.is_mutable(version.tag)
        return Withdrawal("replaced", f"{version} is {pull_digest(source)} now", is_ordinary=is_ordinary)
    if any(is_expired(record, at) for record in source):
        return Withdrawal("expired", f"{version} has expired", is_ordinary=True)
    return None


def _images(records: Sequence[Record]) -> set[tuple[str, str]]:
    return {(record.digest, record.pull_digest) for record in records}

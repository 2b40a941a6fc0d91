"""What has become of a version since an environment got it.

It changes nothing in the environment: that has what it was given. But whoever runs it should know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ledger_tool.core.registry.failon import FindingKind

WithdrawalWay = Literal["removed", "replaced", "yanked", "expired"]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That a version is not what it was, how, and why.

    `is_ordinary` is for what time and the tag's own rules bring; `has_other` says that what is recorded of the version
    now may be promoted instead.
    """

    way: WithdrawalWay
    reason: str
    is_ordinary: bool = False
    has_other: bool = False

    @property
    def kind(self) -> FindingKind:
        """What it means for a finding."""
        return "housekeeping" if self.is_ordinary else "drift"

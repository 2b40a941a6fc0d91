"""Whether the version that an environment has is still what it was when it was promoted."""

from __future__ import annotations

from ledger_tool.core.changes.promotion import outlived, version_of
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.ledger.yanks import yanks_of
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.withdrawal import Withdrawal


def withdrawal(name: Name, ledger: Ledger, policy: Policy, at: Timestamp) -> Withdrawal | None:
    """Return what has become, by a time, of the version that an environment has of an image; None if nothing has.

    `name` is the image and the environment; any other image:tag has no version, and None. That a version expires is
    ordinary, and so is another image under a mutable tag, unless what the environment has is yanked.
    """
    records = ledger.find(name)
    fates = list(outlived(records, ledger, at))
    if not fates:
        return None
    fate = fates[0]
    reason, yanks = f"it {fate}", yanks_of(ledger, name.image)
    own = next((why for record in records if (why := yanks.why(record))), "")
    if own and fate.way != "yanked":
        reason += f", and {own}"
    is_usual = fate.way == "expired" or (fate.way == "replaced" and policy.is_mutable(version_of(records)))
    has_other = [one.way for one in fates] == ["replaced"]
    return Withdrawal(fate.way, reason, is_ordinary=is_usual and not own, has_other=has_other)

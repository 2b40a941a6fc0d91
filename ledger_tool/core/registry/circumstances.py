"""What decides, beside a finding, which command puts it right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.registry.drift import ABSENT, Observation, Seen, Unknown
from ledger_tool.core.registry.shellcommands import PullPlace
from ledger_tool.core.registry.withdrawal import Withdrawal
from ledger_tool.core.registry.withheld import Withheld

# Whether `ledger prune` removes an expired record: as it is, only with `--last`, or not at all.
PruneWay = Literal["plainly", "last", "never"]
# Whether tags keep a digest from `ledger prune --registry-delete`: none does, only tags that the ledger does not have
# and that serve the very digest, or others as well, as far as is known.
Hold = Literal["", "untracked", "other"]


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
    indexes in it, which skopeo does not copy. `may_be_elsewhere` says that another registry may have all of it. `lead`
    is what the tag serves at the registry that the ledger follows before this one; ABSENT if there is none. `hold` says
    whether tags keep what is recorded from a prune, and `stated_now` is the time that a prune has to be given.
    `unrecordable` says why what the tag serves cannot be published. Of an environment, `withdrawal` is what has become
    of its version, `has_served` says whether the ledger has what the tag serves, and `is_declared` whether
    `ledger.yaml` still has the environment. What is `withheld`, nobody should pull: its tag is not put back.
    """

    is_mutable: bool = False
    prune_ways: Mapping[Key, PruneWay] = field(default_factory=dict)
    donor: PullPlace | None = None
    inner: Sequence[InnerCopy] = ()
    may_be_elsewhere: bool = False
    lead: Seen = ABSENT
    hold: Hold = ""
    stated_now: str = ""
    unrecordable: str = ""
    withdrawal: Withdrawal | None = None
    has_served: bool = False
    is_declared: bool = True
    withheld: Withheld | None = None


def may_be_whole(records: Sequence[Record], seen: Observation) -> bool:
    """Return whether a registry may have all that is recorded of an image:tag: nothing is known to be missing."""
    digests = {digest for record in records for digest in (record.digest, record.pull_digest)}
    missing = (seen.missing.get(record.pull_digest, ()) for record in records)
    return all(seen.has(digest) is not False for digest in digests) and all(
        isinstance(one, Unknown) or not one for one in missing
    )

"""Which tags at a registry go back to what the ledger says, which stay as they are, and why.

==========  ==========================================================================================
planned     it would be put back, in a dry run
restored    it was put back, and serves the recorded digest
withheld    its record is yanked or has expired: nobody should pull it
left        it serves what the ledger never had: its publish may be on the way, and nothing else may hold that image
lost        the recorded digest, or something below it, is not there, or is not an image or index
failed      the registry did not take it, or serves something else all the same
unknown     something could not be observed
==========  ==========================================================================================

A tag that serves the recorded digest needs nothing. Nothing is ever deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ledger_tool.core.ledger.names import some_of
from ledger_tool.core.ledger.record import Record, pull_digest
from ledger_tool.core.registry.drift import Absent, Seen, Unknown

RestoreState = Literal["planned", "restored", "failed", "unknown", "lost", "left", "withheld"]
STATES: tuple[RestoreState, ...] = get_args(RestoreState)
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreAction:
    """What is done, or not done, about a tag at a registry that does not serve what the ledger says.

    `ledger` is what it should serve, `was` what it served before; `now` is what it serves afterwards, or would in a dry
    run. None stands for no tag, and for what is not known.
    """

    registry: str
    image: str
    tag: str
    ledger: str | None
    was: str | None
    now: str | None
    state: RestoreState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSight:
    """What was seen of a tag: what it serves, what is `missing` of the recorded image, and whether the ledger had that.

    `missing` is what is not there below the pull digest, or that digest itself; a text says why that is not an image.
    `had` says whether the ledger ever had what the tag serves, under that image. `rival` names another image:tag of the
    ledger that is the same tag at this registry, and has another digest; `""` if there is none.
    """

    served: Seen
    missing: Sequence[str] | Unknown | str = ()
    had: bool | Unknown = True
    rival: str = ""


def differs(records: Sequence[Record], served: Seen) -> bool:
    """Return whether a tag is known not to serve what the ledger says."""
    return not isinstance(served, Unknown) and served != pull_digest(tuple(records))


def plan(
    records: Sequence[Record], registry: str, seen: TagSight, *, withheld: str = "", overwrite: bool = False
) -> RestoreAction | None:
    """Return what to do about the tag of some records at a registry; None if it serves what it should.

    With `overwrite`, a tag is also taken away from what the ledger never had.
    """
    recorded = pull_digest(tuple(records))
    if recorded and seen.served == recorded:
        return None
    state, reason = _judged(recorded, seen, withheld, overwrite=overwrite)
    was = None if isinstance(seen.served, Absent | Unknown) else seen.served
    return RestoreAction(
        registry=registry, image=records[0].image, tag=records[0].tag, ledger=recorded, was=was,
        now=recorded if state == "planned" else was, state=state, reason=reason,
    )  # fmt: skip


def _judged(recorded: str | None, seen: TagSight, withheld: str, *, overwrite: bool) -> tuple[RestoreState, str]:
    if isinstance(seen.served, Unknown):
        return "unknown", seen.served.reason
    if withheld:
        return "withheld", withheld
    if recorded is None:
        return "left", "its records do not agree on one digest to pull it by"
    if seen.rival:
        return "left", f"{seen.rival} is the same tag there, and the ledger has another digest of it"
    if isinstance(seen.missing, Unknown):
        return "unknown", f"whether all of the recorded image is there is not known: {seen.missing.reason}"
    if isinstance(seen.missing, str):
        return "lost", seen.missing
    if recorded in seen.missing:
        return "lost", "the recorded digest is not there"
    if seen.missing:
        return "lost", f"below the recorded digest, {some_of(list(seen.missing), _MOST_NAMED)} is missing"
    if isinstance(seen.served, Absent):
        return "planned", "the tag is gone"
    if overwrite or seen.had is True:
        return "planned", "the tag serves another digest"
    if isinstance(seen.had, Unknown):
        return "left", f"whether the ledger ever had what it serves is not known: {seen.had.reason}"
    return "left", "the ledger never had what it serves: its publish may be on the way"

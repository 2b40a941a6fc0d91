"""What the tags of a repository serve, where something may be deleted: nothing that a registry contradicts is believed.

A list that lacks a recorded tag which is served lacks others, too. A tag that is listed and said not to exist may be
one that is deleted just now, whose link is left over, or that another part of the registry still has: it is absent if
the list has lost it at a second look, or if all that is recorded of it is gone as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger_tool.commands.deleting_registries import Lookups, Place, Repository
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.untracked import not_listed, not_served
from ledger_tool.errors import LedgerError

RecordedTags = Mapping[str, Collection[str]]  # pull digests by tag
_Seen = str | Absent | LedgerError


@dataclass(frozen=True, slots=True)
class ServedTags:
    """The digest that each tag serves, by repository, and the images of which that is not known."""

    by_repository: Mapping[Repository, dict[str, str]]
    failed: dict[str, LedgerError] = field(default_factory=dict)


def served_tags(lookups: Lookups, recorded: Mapping[Repository, RecordedTags]) -> ServedTags:
    """Return what all tags of these repositories serve."""
    known = ServedTags({repository: {} for repository in recorded})
    listed: dict[Repository, Sequence[str]] = {}
    for repository, listing in lookups.tags(recorded).items():
        if isinstance(listing, LedgerError):
            known.failed.setdefault(repository[1], listing)
        else:
            listed[repository] = listing
    unlisted = [
        Place(*repository, tag) for repository, own in listed.items() for tag in recorded[repository].keys() - set(own)
    ]
    for place, seen in lookups.looks(sorted(unlisted, key=str)).items():
        if isinstance(seen, LedgerError):
            known.failed.setdefault(place.image, seen)
        elif isinstance(seen, str):
            known.failed.setdefault(place.image, not_listed(place.registry.name, place.image, place.digest))
    looks = lookups.looks(Place(*repository, tag) for repository, own in listed.items() for tag in sorted(own))
    doubted = [place for place, seen in looks.items() if isinstance(seen, Absent)]
    for place, seen in [*looks.items(), *_second_looks(lookups, doubted, recorded)]:
        if isinstance(seen, LedgerError):
            known.failed.setdefault(place.image, seen)
        elif isinstance(seen, str):
            known.by_repository[place.repository][place.digest] = seen
    return known


def _second_looks(
    lookups: Lookups, doubted: Sequence[Place], recorded: Mapping[Repository, RecordedTags]
) -> Iterator[tuple[Place, _Seen]]:
    """Yield what listed tags serve that did not exist at the first look."""
    lists = lookups.again.tags(place.repository for place in doubted)
    for place, seen in lookups.again.looks(doubted).items():
        listing, digests = lists[place.repository], recorded[place.repository].get(place.digest, ())
        if not isinstance(seen, Absent):
            yield place, seen
        elif isinstance(listing, LedgerError):
            yield place, listing
        elif place.digest in listing:
            own = lookups.again.looks(replace(place, digest=digest) for digest in digests)
            if not own or not all(isinstance(one, Absent) for one in own.values()):
                yield place, not_served(place.registry.name, place.image, place.digest)

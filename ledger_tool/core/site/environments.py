"""What the environments of a site have, and whether they are behind what they take their versions from.

An environment with `from` is compared with that environment, and any other with the newest version of each image. It is
`behind` or `ahead` only where the order of the two versions is certain, as `compare` tells it; else it `differs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.promotion import are_same_images, has_same, held, outlived, version_of
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.judging.diff import Direction, VersionsOfImages, promotion_direction, source_comparison
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.site.facts import CellState, EnvironmentCell, TagFacts

_STATES: Mapping[Direction, CellState] = {"upgrade": "behind", "downgrade": "ahead"}


def environments_of(snapshot: Snapshot) -> list[str]:
    """Return the environments in the order of `ledger.yaml`, then those that it no longer declares, by name."""
    declared = list(snapshot.policy.environments)
    recorded = {record.tag for record in snapshot.ledger.having("version")}
    return [*declared, *sorted(recorded.difference(declared))]


@dataclass(frozen=True, slots=True)
class EnvironmentCells:
    """Tells what environments have of an image in a ledger; `versions` are its versions, `at` says what has expired.

    `history` are the entries of each image, the newest first.
    """

    snapshot: Snapshot
    environments: Sequence[str]
    versions: VersionsOfImages
    at: Timestamp
    history: Mapping[str, Sequence[LogEntry]]

    def of(self, image: str, newest: TagFacts | None) -> Iterator[EnvironmentCell]:
        """Yield what each environment has of an image whose newest version is given, in their order."""
        for environment in self.environments:
            name = Name(image, environment)
            if records := held(self.snapshot.ledger, name):
                yield self._cell(name, records, newest)

    def _cell(self, name: Name, records: tuple[Record, ...], newest: TagFacts | None) -> EnvironmentCell:
        ledger, policy = self.snapshot.ledger, self.snapshot.policy
        settings = policy.environments.get(name.tag)
        against = settings.source if settings else ""
        if against:
            other = held(ledger, Name(name.image, against))
            version = version_of(other)
            is_same = has_same(records, other)
        else:
            other = newest.records if newest else ()
            version = newest.name.tag if newest else ""
            is_same = are_same_images(records, other)
        given = self._given(name, records)
        fates = list(outlived(records, ledger, self.at))
        remarks = [fate.what for fate in fates]
        if settings is None:
            remarks.append(f"ledger.yaml declares no environment `{name.tag}`")
        return EnvironmentCell(
            environment=name.tag,
            image=name.image,
            version=version_of(records),
            digest=pull_digest(records) or "",
            since=given.at if given else max(record.published_at for record in records),
            given=given,
            state="only" if not other else "same" if is_same else self._order(records, other),
            against=against,
            other=version,
            compare=source_comparison(records, other) if other and not is_same else "",
            remarks=tuple(remarks),
            is_version=are_same_images(records, ledger.find(Name(name.image, version_of(records)))),
            fates=tuple(fate.way for fate in fates),
        )

    def _given(self, name: Name, records: Sequence[Record]) -> LogEntry | None:
        """Return the last entry that gave an environment what it has: of what a merge left out, others may follow."""
        digests = {record.digest for record in records}
        entries = (entry for entry in self.history.get(name.image, ()) if entry.name == name)
        version = version_of(records)
        return next((entry for entry in entries if entry.version == version and entry.digest in digests), None)

    def _order(self, records: Sequence[Record], other: Sequence[Record]) -> CellState:
        direction = promotion_direction(records, other, self.versions, self.versions, self.snapshot.policy)
        return _STATES.get(direction, "differs")

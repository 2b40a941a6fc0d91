"""The records that a write works on, and the resulting change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ledger_tool.core.changes.change import Change, Verb
from ledger_tool.core.changes.difference import Difference
from ledger_tool.core.changes.effect import Effect, effects_of
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Key, Name, Record, by_name

Records = dict[str, Record]  # of one image:tag, by platform


class PendingRecords:
    """The records of some image:tags of a ledger: as they are, and as a write will leave them."""

    def __init__(self, ledger: Ledger, chosen: Iterable[Record] = ()) -> None:
        """Start from a ledger; `chosen` are all records of some of its image:tags, so they are not looked up again."""
        self._ledger = ledger
        self._chosen = by_name(chosen)
        self._before: dict[Name, Records] = {}
        self._after: dict[Name, Records] = {}

    def __contains__(self, name: Name) -> bool:
        return name in self._after

    def of(self, name: Name) -> Records:
        """Return the records of an image:tag, to be edited in place."""
        if name not in self._after:
            records = self._chosen.pop(name, None) or self._ledger.find(name)
            self._before[name] = {record.platform or "": record for record in records}
            self._after[name] = dict(self._before[name])
        return self._after[name]

    def change(
        self, verb: Verb, requested: Sequence[Record], *, reason: str = "", details: Sequence[tuple[str, str]] = ()
    ) -> Change:
        """Return the change to these records; `requested` are those to report on, as they will be or were before."""
        effects = {effect.key: effect for effect in effects_of(self._differences(), self._found)}
        names = dict.fromkeys(effect.name for effect in effects.values())
        changed = {name: tuple(self._after[name].values()) for name in names}
        in_order = ((effects.pop(record.key, None) or self._unchanged(record)) for record in requested)
        reported = [effect for effect in in_order if effect]
        ledger = self._ledger.replaced(changed) if changed else self._ledger
        return Change(verb, ledger, [*reported, *effects.values()], reason, details)

    def _unchanged(self, requested: Record) -> Effect | None:
        """Return the report on a record without an effect of its own; None if another effect includes it."""
        record = self._after[requested.name].get(requested.platform or "")
        return Effect("unchanged", (record,), record) if record else None

    def _found(self, name: Name) -> Sequence[Record]:
        return tuple(self._after[name].values())

    def _differences(self) -> Iterator[Difference]:
        for name in sorted(self._after):
            before, after = self._before[name], self._after[name]
            for platform in sorted(before.keys() | after.keys()):
                old, new = before.get(platform), after.get(platform)
                if old != new:
                    yield Difference(Key(*name, platform), old, new)

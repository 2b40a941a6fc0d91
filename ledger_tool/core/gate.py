"""What `check` has to say: findings with their place in the files that a reviewer has before them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ledger_tool.core import codec
from ledger_tool.core.act import Act, acts
from ledger_tool.core.compare import Difference, compare
from ledger_tool.core.explain import Fault, faults
from ledger_tool.core.ledger import Ledger
from ledger_tool.core.merge import Merged
from ledger_tool.core.names import Digest
from ledger_tool.core.policy import Policy
from ledger_tool.core.record import Key
from ledger_tool.core.told import Told
from ledger_tool.errors import InvalidValue

_COLUMN = 7  # where the fields of a record begin


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the rule, the file, line and column from 1, and what it is."""

    rule: str
    path: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Range:
    """The judge of a range of commits, told of one after the other.

    It remembers the digests that the range took away: what comes back with another one has moved all the same.
    """

    _gone: dict[Key, Digest] = field(default_factory=dict)

    def commit(self, before: Ledger, after: Ledger, told: Told | None, policy: Policy) -> Iterator[Fault]:
        """Yield what is wrong with the step from a ledger, under a policy, to the next; see `explain.faults`."""
        return self.changes(compare(before, after), told, policy)

    def changes(self, differences: Sequence[Difference], told: Told | None, policy: Policy) -> Iterator[Fault]:
        """Yield what is wrong with a step that makes these differences."""
        done = acts(differences)
        yield from faults(done, told, policy)
        for act in done:
            yield from self._returned(act, policy)
            yield from _required(act, policy)

    def _returned(self, act: Act, policy: Policy) -> Iterator[Fault]:
        if act.effect == "removed":
            self._gone[act.key] = act.record.digest
        was = self._gone.get(act.key)
        if act.effect == "added" and was not in (None, act.record.digest) and not policy.is_mutable(act.name.tag):
            yield Fault(
                "immutable",
                act.key,
                f"{act.key} was taken away as {was} and comes back as {act.record.digest}: a move is made with "
                "`ledger publish --force --reason TEXT`",
            )


def merge_commit(merged: Merged, after: Ledger) -> Iterator[Fault]:
    """Yield what a merge commit has that is not the merge of its parents. What collided is a person's to choose."""
    chosen = {one.name: (one.ours, one.theirs) for one in merged.collisions}
    for act in acts(compare(merged.ledger, after)):
        if after.find(act.name) not in chosen.get(act.name, ()):
            yield Fault("merge", act.key, f"it changes {act.key} itself, beyond what its parents bring together")


def _required(act: Act, policy: Policy) -> Iterator[Fault]:
    if act.effect in ("added", "moved"):
        try:
            policy.check_required(act.record)
        except InvalidValue as error:
            yield Fault("required", act.key, error.message)


class Places:
    """Where in `ledger.json` a reviewer sees a record: its first line that differs from `before`."""

    def __init__(self, before: Ledger, after: Ledger) -> None:
        self._before = dict(zip(before.keys, before.texts, strict=True))
        self._after = after
        self._lines = codec.first_lines(after)

    def of(self, key: Key | None) -> tuple[int, int]:
        """Return line and column of a record; of one that is gone, those of what stands there now."""
        if key is None or not self._lines:
            return 1, 1
        at = bisect_left(self._after.keys, tuple(key))
        if at == len(self._lines) or self._after.keys[at] != key:
            return self._lines[min(at, len(self._lines) - 1)], 1
        old = set(self._before.get((key.image, key.tag, key.platform), "").split("\n"))
        new = self._after.texts[at].split("\n")
        return self._lines[at] + next((number for number, line in enumerate(new) if line not in old), 0), _COLUMN


def located(found: Sequence[tuple[str, Fault]], places: Places) -> list[Finding]:
    """Return faults, each with the name of what has it, as findings in `ledger.json`, by line."""
    findings = [
        Finding(fault.rule, "ledger.json", *places.of(fault.key), f"{where}: {fault.message}")
        for where, fault in found
    ]  # fmt: skip
    return sorted(findings, key=lambda one: (one.line, one.column))

"""Whatever commands and hand-made commits lead to, `check --base` passes only what the contract allows.

An attacker may commit anything, tell anything in messages, date and revert commits at will, and change the settings and
put them back; what passes is held against an oracle that shares no code with the judge
(tests/support/values/rangeoracle.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from ledger_tool.core.changes.change import VERBS, Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.changes.message import compose, parse_message
from ledger_tool.core.changes.revert import NOTHING, Undone, undone_by
from ledger_tool.core.judging.check import RangeJudge, split_tags
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Platform, Timestamp, Ttl
from ledger_tool.core.ledger.record import Record, to_json
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes.prune import PruneCriteria
from ledger_tool.core.writes.publish import publish
from ledger_tool.errors import LedgerError
from tests.support.values.make import but, digest, draft, ledger_of, record, source
from tests.support.values.rangeoracle import objections

AMD, ARM, RISC = "linux/amd64", "linux/arm64", "linux/riscv64"
THEN, NOW = "2026-01-01T00:00:00Z", Timestamp("2026-06-01T00:00:00Z")
EARLY = Timestamp("2025-12-01T00:00:00Z")
TAGS = ("v1", "latest")
MARK = {"replaces": digest("old"), "reason": "CVE"}
YANKED = {"at": THEN, "reason": "crashes"}
POLICIES = (Policy(), Policy(mutable=("latest",)), Policy(mutable=("*",)), Policy(require=("config",)))
# The message of a change that is not committed yet may still say anything.
UNWRITTEN = "unyank it\n\nReason: why\nReason: again\nReason: CVE\n"
_FACTS: dict[str, Sequence[Any]] = {
    "forced": (None, None, MARK),
    "yanked": (None, None, YANKED),
    "ttl": (None, None, "1d", "9999w"),
    "config": (None, digest("config")),
    "dependsOn": (None, [f"debian@{digest('base')}"]),
}
_EDITS: dict[str, Sequence[Any]] = {
    **_FACTS,
    "forced": (None, MARK, *({"replaces": digest(seed), "reason": "why"} for seed in "abi")),
    "digest": [digest(seed) for seed in "abc"],
    "index": [None, *(digest(seed) for seed in "ij")],
    "platform": (None, AMD, ARM, RISC),
    "sourceRef": [source(1), source(2)],
    "publishedAt": [THEN, "2026-03-01T00:00:00Z", "2025-06-01T00:00:00Z"],
    "labels": [None, {"env": "prod"}],
}


@dataclass
class Attack:
    """A range that is being made: its states, and the messages of its commits; all that is random is from one seed."""

    random: Random
    states: list[Ledger] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def start(self) -> Ledger:
        records: list[Record] = []
        for tag in TAGS:
            facts = {name: self.random.choice(values) for name, values in _FACTS.items()}
            base = record("app", tag, digest=digest("a"), publishedAt=THEN, sourceRef=source(1), **facts)
            index = digest("i")
            records += self.random.choice(
                [
                    [base],
                    [but(base, platform=AMD)],
                    [but(base, digest=index, config=None)],
                    [but(base, platform=AMD, index=index), but(base, platform=ARM, index=index, digest=digest("b"))],
                    [but(base, platform=AMD, index=index), but(base, platform=ARM, index=index)],  # one image twice
                ]
            )
        return ledger_of(*records)

    def step(self) -> Change | None:
        now = self.states[-1]
        made = self.random.choice((self._published, self._published, self._edited, self._by_hand, self._by_hand))
        try:
            change = made(Snapshot("", now, self.random.choice(POLICIES)))
        except LedgerError:
            return None
        return change if change.changed else None

    def revert(self, line: Sequence[Ledger]) -> tuple[Ledger, Undone]:
        """Return the ledger after one commit that undoes some of the last ones of a line, and what it undoes."""
        past = line[-self.random.choice((2, 2, 3, 4)) :]
        did = [compare(*pair) for pair in pairwise(past)]
        self.random.shuffle(did)
        return past[0], undone_by(compare(past[-1], past[0]), did, past[0])

    def _published(self, snapshot: Snapshot) -> Change:
        pick = self.random.choice
        own: dict[str, Any] = {"published_at": "2026-03-01T00:00:00Z", "source_ref": source(pick((1, 2)))}
        own |= {"tag": pick(TAGS), "config": pick((None, digest("config")))}
        index, looked = pick((None, digest("i"), digest("i"), digest("j"))), pick((True, False))
        amd, arm = pick(((None, ARM), (AMD, ARM), (AMD, ARM), (ARM, AMD), (RISC, AMD)))
        one = draft("app", digest=digest(pick("aac")), platform=amd, index=index, looked_at=looked, **own)
        two = draft("app", digest=digest(pick("bba")), platform=arm, index=index, looked_at=looked, **own)
        pushed = pick(([one], [one, two], [replace(one, digest=Digest(digest("i")), index=None, looked_at=False)]))
        return publish(snapshot, pushed, force_reason=pick(("", "why", "again")))

    def _edited(self, snapshot: Snapshot) -> Change:
        name = parse_name(f"app:{self.random.choice(TAGS)}")
        platform = self.random.choice((None, None, Platform(AMD)))
        match self.random.choice(("remove", "yank", "unyank", "set", "prune")):
            case "remove":
                return edits.remove(snapshot, [name], reason="gone", platform=platform)
            case "set":
                ttl = self.random.choice((None, Ttl("1m")))
                return edits.set_facts(snapshot, ["app"], labels={"a": "b"}, ttl=ttl, clear_ttl=ttl is None)
            case "prune":
                return edits.prune(snapshot, PruneCriteria(now=NOW, last=True))
            case verb:
                return edits.yank(snapshot, [name], now=NOW, reason="crashes", platform=platform, undo=verb == "unyank")

    def _by_hand(self, snapshot: Snapshot) -> Change:
        """Make any change of one tag, with a message that tells all of it, whatever the verb."""
        name = record("app", self.random.choice(TAGS)).name
        records = list(snapshot.ledger.find(name))
        if self.random.random() < 0.3 or not records:
            records = list(self.random.choice(self.states).find(name))  # as it was
        for _ in range(self.random.choice((0, 1, 1, 2)) if records else 0):
            number, what = self.random.randrange(len(records)), self.random.choice(list(_EDITS))
            value = self.random.choice(_EDITS[what])
            for each in range(len(records)) if what in ("index", "sourceRef", "forced") else [number]:
                records[each] = but(records[each], **{what: value})
        if self.random.random() < 0.15:
            records = records[:1]
        if self.random.random() < 0.2:  # a move without force may take a mark along
            index = self.random.choice((digest("i"), digest("j")))
            records = [but(one, index=index, forced=None) if one.platform else one for one in records]
        if len({one.platform for one in records}) < len(records) or (
            len(records) > 1 and not all(one.platform for one in records)
        ):
            records = records[:1]
        after = snapshot.ledger.replaced({name: records})
        verb, reason = self.random.choice((*VERBS, *VERBS[:1] * 6)), self.random.choice(("", "why", "again"))
        return Change(verb, after, effects_of(compare(snapshot.ledger, after)), reason)


def attack(seed: int) -> tuple[bool, list[str]]:
    """Return whether a range passes, and what the oracle objects to.

    In some ranges, two lines of commits start at the base and are merged; the last change may not be committed yet.
    """
    random = Random(seed)
    made = Attack(random)
    base, start = random.choice(POLICIES), made.start()
    made.states.append(start)
    judge, ends = RangeJudge(start, base, NOW), []
    is_clean, has_merge = True, random.random() < 0.3
    for _ in range(2 if has_merge else 1):
        made.states.append(start)
        line = [start]
        for _ in range(random.choice((1, 2, 2, 3, 4, 5))):
            is_committed, undone = True, NOTHING
            if random.random() < 0.1:
                after, undone = made.revert(line)
                text = f"Revert them\n\nThis reverts commit {'c' * 40}.\n"
            elif change := made.step():
                after, text = change.ledger, compose(change, "t")
                is_committed = has_merge or random.random() < 0.9
            else:
                continue
            said = parse_message(text) if is_committed else None
            policy = random.choice((base, *POLICIES))  # the range may change the settings, and put them back
            at = random.choice((NOW, NOW, EARLY)) if is_committed else NOW
            is_clean = is_clean and not judge.commit(line[-1], compare(line[-1], after), said, policy, undone, at=at)
            line.append(after)
            made.states.append(after)
            made.messages.append(text if is_committed else UNWRITTEN)
            if not is_committed:
                break
        ends.append(made.states[-1])
    if has_merge:
        merged = merge(start, *ends)
        chosen = {one.name: random.choice((one.ours, one.theirs)) for one in merged.collisions}
        made.states.append(merged.ledger.replaced(chosen))
        is_clean = is_clean and not judge.merge(start, ends[0], ends[1], made.states[-1])
    verdict = judge.net(made.states[-1])
    passes = is_clean and not verdict.faults and not verdict.claims and not list(split_tags(made.states[-1]))
    states = [[to_json(one) for one in state.records()] for state in made.states]
    return passes, list(objections(states, made.messages, base.is_mutable, base.require, NOW))


def search(seeds: Sequence[int]) -> int:
    """Assert that no range passes to which the oracle objects; return how many passed."""
    passed = 0
    for seed in seeds:
        passes, objected = attack(seed)
        assert not (passes and objected), (seed, objected)
        passed += passes
    return passed


def test_no_range_passes_that_the_contract_does_not_allow() -> None:
    assert search(range(400)) > 100


@pytest.mark.storm
@pytest.mark.parametrize("part", range(4))
def test_no_range_of_very_many_passes_that_the_contract_does_not_allow(part: int) -> None:
    first = 400 + part * 10_000
    assert search(range(first, first + 10_000)) > 2_000

"""Promotions of versions whose platforms come, go and change below one pull digest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import compose, parse_message
from ledger_tool.core.judging.check import RangeJudge
from ledger_tool.core.judging.commit import judge_commit
from ledger_tool.core.judging.environment import judge_environments
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Platform, Tag, Timestamp
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.policy import Environment, Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit, publish
from ledger_tool.core.writes.promote import named, promote, taken
from ledger_tool.errors import LedgerError
from tests.support.values import squashes
from tests.support.values.make import digest, draft
from tests.support.values.profiles import example_count

POLICY = Policy(environments={"staging": Environment(), "prod": Environment("staging")}, mutable=("main",))
AMD, ARM, S390X = (Platform(f"linux/{name}") for name in ("amd64", "arm64", "s390x"))
NOW, LATER = Timestamp("2026-11-26T12:00:00Z"), Timestamp("2026-11-26T13:00:00Z")
Step = tuple[str, str, Platform, str, str]
Held = tuple[str, dict[str, int]]  # a version, and the number of its image by platform


def run(before: Snapshot, step: Step, number: int = 0, now: Timestamp = NOW) -> Change | None:
    """Run a step; return None if it is refused."""
    verb, tag, platform, environment, reason = step
    name = parse_name(f"app:{tag}")
    new = draft("app", tag=tag, digest=digest((tag, platform, number)), platform=platform, index=digest(f"index {tag}"))
    steps: dict[str, Callable[[], Change]] = {
        "publish": lambda: publish.publish(before, [new]),
        "remove": lambda: edit.remove(before, [name], reason="gone", platform=platform),
        "promote": lambda: promote(before, named(before, [name], Tag(environment)), now=now, reason=reason),
        "take": lambda: promote(before, taken(before, Tag("staging"), Tag("prod"), []), now=now, reason=reason),
    }
    try:
        return steps[verb]()
    except LedgerError:
        return None


class Model:
    """Versions and environments without records, and when a promotion may do what it does."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[str, int]] = {}
        self.has: dict[str, Held] = {}

    def does(self, step: Step, number: int) -> bool:
        """Do a step, and return whether it is allowed."""
        verb, tag, platform, environment, reason = step
        images = self.versions.get(tag, {})
        if verb == "publish":
            if tag != "main" and platform in images:
                return False
            self.versions[tag] = images | {platform: number}
            return True
        if verb == "remove":
            if platform not in images:
                return False
            del images[platform]
            if not images:
                del self.versions[tag]
            return True
        if verb == "take":
            if "staging" not in self.has:
                return True  # of nothing
            environment, (tag, meant) = "prod", self.has["staging"]
            images = self.versions.get(tag, {})
            if images != meant:
                return False
        wanted = tag, dict(images)
        is_tested = environment == "staging" or wanted == self.has.get("staging")
        may = bool(images) and (wanted == self.has.get(environment) or is_tested or bool(reason))
        if may:
            self.has[environment] = wanted
        return may


_steps = st.lists(
    st.tuples(
        st.sampled_from(["publish", "publish", "remove", "promote", "promote", "take"]),
        st.sampled_from(["main", "main", "v1"]),
        st.sampled_from([AMD, ARM, S390X]),
        st.sampled_from(["staging", "prod"]),
        st.sampled_from(["", "", "why"]),
    ),
    max_size=12,
)


def environment_faults(before: Ledger, after: Ledger, text: str) -> list[str]:
    """Return what is wrong with a commit at environments, by the judge of messages."""
    effects = effects_of(compare(before, after), before.find)
    faults = judge_commit(effects, parse_message(text), POLICY)
    return [fault.message for fault in faults if fault.key and fault.key.tag in POLICY.environments]


@example_count(150)
@given(_steps, st.sampled_from(sorted(squashes.FORMATS)))
def test_an_environment_has_every_image_that_was_tested_and_no_other(steps: Sequence[Step], host: str) -> None:
    now, model, judge, said = Snapshot("", Ledger(), POLICY), Model(), RangeJudge(Ledger(), POLICY), []
    for number, step in enumerate(steps):
        change = run(now, step, number)
        assert (change is not None) == model.does(step, number), step
        if change is None or not change.changed:
            continue
        text = compose(change, f"{number:016x}")
        faults = judge.commit(now.ledger, compare(now.ledger, change.ledger), parse_message(text), POLICY, at=LATER)
        assert faults == [], step
        said.append(text)
        now = Snapshot("", change.ledger, POLICY)
        for environment in POLICY.environments:
            found = now.ledger.find(Name("app", environment))
            version, images = model.has.get(environment, ("", {}))
            assert {one.version for one in found} == ({version} if version else set())
            expected = {platform: digest((version, platform, image)) for platform, image in images.items()}
            assert {one.platform: one.digest for one in found} == expected
    if len(said) > 1:
        assert environment_faults(Ledger(), now.ledger, squashes.FORMATS[host](said)) == []


def told(before: Snapshot, *steps: Step, now: Timestamp = NOW) -> tuple[Snapshot, list[str]]:
    """Return the ledger after some steps, and the message of each."""
    said = []
    for number, step in enumerate(steps):
        change = run(before, step, number, now)
        assert change is not None, step
        said.append(compose(change, f"{number:016x}"))
        before = Snapshot("", change.ledger, POLICY)
    return before, said


_BOTH: Sequence[Step] = [("publish", "v1", AMD, "", ""), ("publish", "v1", ARM, "", "")]
_PROMOTE: Step = ("promote", "v1", AMD, "staging", "")


@pytest.mark.parametrize("now", [NOW, LATER])  # the first within the second of the promotion before
@pytest.mark.parametrize("first", [("remove", "v1", ARM, "", ""), ("publish", "v1", S390X, "", "")])
def test_other_platforms_of_a_version_are_one_promotion_at_its_time(first: Step, now: Timestamp) -> None:
    start, _ = told(Snapshot("", Ledger(), POLICY), *_BOTH, _PROMOTE)
    end, said = told(start, first, _PROMOTE, now=now)
    assert said[1].startswith("promote app:v1 to staging\n")
    assert "\nVersion: v1\n" in said[1]
    assert "Replaces-Version" not in said[1]
    name = Name("app", "staging")
    was, has = start.ledger.find(name), end.ledger.find(name)
    assert {one.published_at for one in has} == {LATER if now == LATER else "2026-11-26T12:00:01Z"}
    assert len(was) != len(has)
    for host in squashes.FORMATS.values():
        assert environment_faults(start.ledger, end.ledger, host(said)) == []
        effects = effects_of(compare(start.ledger, end.ledger), start.ledger.find)
        assert list(judge_environments(effects, end.ledger, parse_message(host(said)), POLICY, at=LATER)) == []

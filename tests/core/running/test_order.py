"""Of two builds, none is said to be the later one that is not, whatever the ledger has forgotten of them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import event, given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.core.running.classes import RunningJudge, RunningVerdict, named
from ledger_tool.core.running.container import identity
from ledger_tool.core.running.records import records_by_digest
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.profiles import example_count
from tests.support.values.running import APP, HOST

POLICY = Policy(registries=(Registry(HOST, ("myorg/*",)),), mutable=("main", "v1"))
ENVIRONMENTS = ("staging", "prod")
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("build"), st.sampled_from(["main", "v1", "v1.0.{}", "sha-{}"])),
        st.tuples(st.just("tag"), st.sampled_from(["main", "v1", "release-candidate"])),
        st.tuples(st.just("promote"), st.sampled_from(ENVIRONMENTS)),
        st.tuples(st.just("remove"), st.integers(0, 3).map(str)),
    ),
    min_size=3,
    max_size=12,
)


def told(records: Sequence[Record], runs: str, environment: str) -> RunningVerdict:
    ledger = ledger_of(*records)
    resolver = Resolver(POLICY, ledger.has_image)
    image = identity(APP, [f"{APP}@{runs}"])
    found = records_by_digest(ledger, named(image, resolver).ours, [runs])
    return RunningJudge(resolver, found, Timestamp("2026-12-30T00:00:00Z"), environment).verdict(image)


@example_count(150)
@given(_steps)
def test_what_is_said_to_be_later_was_built_later(steps: Sequence[tuple[str, str]]) -> None:
    """Builds are tagged, tagged again, promoted and removed.

    An old build is never tagged again: that is published later, and that it was built before, no record says.
    """
    built: list[str] = []
    tags: dict[str, Record] = {}
    held: dict[str, Record] = {}
    for number, (what, which) in enumerate(steps):
        at = f"2026-11-{number + 1:02}T00:00:00Z"
        if what == "build":
            built.append(digest(f"build {len(built)}"))
            tag = which.format(len(built))
            tags[tag] = record("myorg/app", tag, digest=built[-1], publishedAt=at)
        elif what == "tag" and built:
            tags[which] = record("myorg/app", which, digest=built[-1], publishedAt=at)
        elif what == "promote" and tags:
            of = list(tags.values())[-1]
            held[which] = record("myorg/app", which, digest=of.digest, version=of.tag, publishedAt=at)
        elif what == "remove" and len(tags) > int(which):
            del tags[list(tags)[int(which)]]
    records = [*tags.values(), *held.values()]
    for environment, has in held.items():
        for runs in {one.digest for one in records}:
            verdict = told(records, runs, environment)
            event(verdict.category)
            order = built.index(runs) - built.index(has.digest)
            assert (verdict.category == "as-recorded") == (order == 0)
            if verdict.category == "ahead":
                assert order > 0, verdict.reason
            elif verdict.category == "behind":
                assert order < 0, verdict.reason
            words = verdict.reason.replace(",", "").split()
            assert words.count(verdict.version) < 2, verdict.reason

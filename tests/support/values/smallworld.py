"""A small world for hypothesis: few names, platforms and digests, so that they meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Ttl
from ledger_tool.core.ledger.record import Record, from_json
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.publish import publish
from tests.support.values.make import digest, draft, fields, ledger_of, source

IMAGES = st.sampled_from(["app", "app-2"])
TAGS = st.sampled_from(["latest", "v1"])
PLATFORMS = st.sampled_from([None, "linux/amd64", "linux/arm64"])
DIGESTS = st.sampled_from([digest(seed) for seed in "abc"])
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"])
LABELS = st.sampled_from([{}, {"env": "prod"}, {"env": "test"}, {"team": "core"}])
POLICIES = st.builds(
    Policy,
    mutable=st.sampled_from([(), ("latest",), ("*",)]),
    ttl=st.sampled_from([{}, {"*": Ttl("7d")}]),
    require=st.sampled_from([(), ("platform",)]),
)
DRAFTS = st.builds(
    draft,
    IMAGES,
    tag=TAGS,
    platform=PLATFORMS,
    digest=DIGESTS,
    index=st.none() | DIGESTS,
    published_at=TIMES,
    source_ref=st.sampled_from([source(1), source(2)]),
    labels=LABELS,
    ttl=st.sampled_from([None, "1d"]),
)
BATCHES = st.lists(DRAFTS, max_size=5)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    found: dict[tuple[str, str], dict[str, Record]] = {}
    for one in draw(st.lists(DRAFTS, max_size=5)):
        siblings = found.setdefault((one.reference.path, one.tag), {})
        if not siblings or (one.platform and "" not in siblings):
            siblings[one.platform or ""] = _recorded(one)
    return ledger_of(*(one for siblings in found.values() for one in siblings.values()))


def _recorded(one: Draft) -> Record:
    more: dict[str, Any] = {"platform": one.platform, "digest": one.digest, "index": one.index, "labels": one.labels}
    return from_json(fields(one.reference.path, one.tag, **more))


# What one side of a merge does: some publishes, and the tags that it removes.
CHANGES = st.tuples(BATCHES, st.sets(st.sampled_from(["latest", "v1"]), max_size=1))


def changed(ledger: Ledger, drafts: list[Draft], removed: set[str]) -> Ledger:
    """Return a ledger after some publishes, each by itself, and without some of its tags."""
    policy = Policy(mutable=("*",))
    for one in drafts:
        ledger = publish(Snapshot("", ledger, policy), [one]).ledger
    return ledger.replaced({record.name: () for record in ledger.records() if record.tag in removed})

"""A small world for hypothesis: few names, platforms and digests, so that they meet."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Ttl
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.publish import publish
from tests.support.values.make import digest, draft, ledger_of, record, source

_IMAGES, _TAGS = ["app", "app-2"], ["latest", "v1"]
_INDEXES = [None, None, None, *(digest(seed) for seed in "xyz")]
# A digest is one image, and so of one platform, whether a draft tells it or not.
_AMD, _ARM = [digest(seed) for seed in "ab"], [digest(seed) for seed in "cd"]
_IMAGE_FACTS = [
    *product(_AMD, ["linux/amd64", "linux/amd64", None]),
    *product(_ARM, ["linux/arm64", "linux/arm64", None]),
]
_LABELS: list[dict[str, str]] = [{}, {"env": "prod"}, {"env": "test"}, {"team": "core"}]

NAMES = st.sampled_from([f"{image}:{tag}" for image, tag in product(_IMAGES, _TAGS)])
POLICIES = st.sampled_from(
    [
        Policy(mutable=mutable, ttl=ttl, require=require)
        for mutable, ttl, require in product([(), ("latest",), ("*",)], [{}, {"*": Ttl("7d")}], [(), (), ("platform",)])
    ]
)


def _combined(**values: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Give every combination of an image and the values of some keywords, by one choice: many choices take long."""
    names = ["digest", "platform", *values]
    combinations = [(*image, *rest) for image, *rest in product(_IMAGE_FACTS, *values.values())]
    return st.sampled_from(combinations).map(lambda chosen: dict(zip(names, chosen, strict=True)))


DRAFTS = _combined(
    image=_IMAGES,
    tag=_TAGS,
    index=_INDEXES,
    published_at=["2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"],
    source_ref=[source(1), source(2)],
    labels=_LABELS,
    ttl=[None, "1d"],
).map(lambda given: draft(**given))
BATCHES = st.lists(DRAFTS, max_size=5)
_RECORDS = _combined(image=_IMAGES, tag=_TAGS, index=_INDEXES, labels=_LABELS).map(lambda given: record(**given))


def ledgers() -> st.SearchStrategy[Ledger]:
    """Give ledgers of the small world."""
    return st.lists(_RECORDS, max_size=5).map(_that_go_together)


def _that_go_together(records: list[Record]) -> Ledger:
    by_name: dict[Name, dict[str, Record]] = {}
    for one in records:
        siblings = by_name.setdefault(one.name, {})
        if not siblings or (one.platform and "" not in siblings):
            siblings[one.platform or ""] = one
    return ledger_of(*(one for siblings in by_name.values() for one in siblings.values()))


# What one side of a merge does: some publishes, and the tags that it removes.
CHANGES = st.tuples(BATCHES, st.sets(st.sampled_from(["latest", "v1"]), max_size=1))


def changed(ledger: Ledger, drafts: list[Draft], removed: set[str]) -> Ledger:
    """Return a ledger after some publishes, each by itself, and without some of its tags."""
    policy = Policy(mutable=("*",))
    for one in drafts:
        ledger = publish(Snapshot("", ledger, policy), [one]).ledger
    return ledger.replaced({record.name: () for record in ledger.records() if record.tag in removed})

"""A small world for hypothesis: few names, platforms and digests, so that they meet."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, product
from typing import Any

from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Ttl
from ledger_tool.core.ledger.record import Name, Provenance, Record
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


def _pushes() -> list[list[dict[str, Any]]]:
    """Return what each push of the small world says of its images: alone, or in an index that has one or two."""
    pushes: list[list[dict[str, Any]]] = [[{"digest": image, "platform": platform}] for image, platform in _IMAGE_FACTS]
    for images in [*([image] for image in _AMD + _ARM), *(list(pair) for pair in product(_AMD, _ARM))]:
        index = digest("".join(images))
        inside = [{"digest": image, "platform": _platform(image), "index": index} for image in images]
        pushes += [inside, inside[:1], [{"digest": index}]]
        pushes.append([said | {"looked_at": True} for said in inside])
        pushes += [[said | {"looked_at": True} | _proved(said["digest"], by) for said in inside] for by in ("ci", "me")]
    pushes += [[{"digest": image, "platform": _platform(image), "looked_at": True}] for image in _AMD + _ARM]
    return pushes


def _proved(image: str, builder: str) -> dict[str, Any]:
    """Return what a look finds of the provenance of an image that somebody has built."""
    attestation = Provenance(Digest(digest(f"{builder} {image}")), builder)
    return {"provenance": attestation, "bases": (f"base:{builder}@{digest('base')}",)}


def _platform(image: str) -> str:
    return "linux/amd64" if image in _AMD else "linux/arm64"


# What jobs publish of one image:tag at once: offline or looked at, alone or in an index, all of it or a part.
PUSHES: st.SearchStrategy[list[Draft]] = st.tuples(
    st.sampled_from(_pushes()),
    st.sampled_from(
        [
            dict[str, Any](image=image, tag=tag, source_ref=source(commit), labels=labels, ttl=ttl)
            for image, tag, commit, labels, ttl in product(_IMAGES, _TAGS, [1, 2], _LABELS, [None, "1d"])
        ]
    ),
).map(lambda given: [draft(**image, **given[1]) for image in given[0]])
BATCHES: st.SearchStrategy[list[Draft]] = st.lists(PUSHES, max_size=3).map(lambda pushes: list(chain(*pushes)))
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
    for name, siblings in by_name.items():  # they have one pull digest
        if len(siblings) > 1:
            index = next((Digest(one.index) for one in siblings.values() if one.index), Digest(digest("x")))
            by_name[name] = {platform: replace(one, index=index) for platform, one in siblings.items()}
    return ledger_of(*(one for siblings in by_name.values() for one in siblings.values()))


# What one side of a merge does: some publishes, and the tags that it removes.
CHANGES = st.tuples(st.lists(PUSHES, max_size=3), st.sets(st.sampled_from(["latest", "v1"]), max_size=1))


def changed(ledger: Ledger, pushes: list[list[Draft]], removed: set[str]) -> Ledger:
    """Return a ledger after some publishes, each by itself, and without some of its tags."""
    policy = Policy(mutable=("*",))
    for drafts in pushes:
        ledger = publish(Snapshot("", ledger, policy), drafts).ledger
    return ledger.replaced({record.name: () for record in ledger.records() if record.tag in removed})

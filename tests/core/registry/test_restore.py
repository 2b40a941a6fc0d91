"""What `restore` plans for a tag, against a model that is written as the docs' table is read."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.ledger.yanks import yanks_of
from ledger_tool.core.registry.drift import ABSENT, Unknown
from ledger_tool.core.registry.restore import RestoreAction, TagSight, plan
from ledger_tool.core.registry.withheld import withheld
from tests.support.values.make import digest, ledger_of, record

NOW = Timestamp("2026-11-25T00:00:00Z")
OWN, OTHER, CHILD = digest("own"), digest("other"), digest("child")
DARK = Unknown("it rains")
YANKED = {"at": "2026-11-25T00:00:00Z", "reason": "crashes"}

WORLDS = st.fixed_dictionaries(
    {
        "served": st.sampled_from([OWN, OTHER, ABSENT, DARK]),
        "missing": st.sampled_from([(), (OWN,), (CHILD,), (OWN, CHILD), DARK, "it is not an image"]),
        "had": st.sampled_from([True, False, DARK]),
        "rival": st.sampled_from(["", "", "", "nginx:v1"]),
        "withheld": st.sampled_from(["", "", "it is yanked: crashes"]),
        "overwrite": st.booleans(),
        "several": st.sampled_from([False, False, False, True]),
    }
)


def planned(world: dict[str, Any]) -> RestoreAction | None:
    records = [record(tag="v1", digest=OWN, platform="linux/amd64")]
    if world["several"]:
        records.append(record(tag="v1", digest=OTHER, platform="linux/arm64"))
    sight = TagSight(**{name: world[name] for name in ("served", "missing", "had", "rival")})
    return plan(records, "main", sight, withheld=world["withheld"], overwrite=world["overwrite"])


@given(WORLDS)
def test_a_tag_is_put_back_only_if_everything_speaks_for_it(world: dict[str, Any]) -> None:
    action = planned(world)
    served, missing = world["served"], world["missing"]
    if served == OWN and not world["several"]:
        assert action is None
        return
    assert action is not None
    is_free = served is ABSENT or world["overwrite"] or world["had"] is True
    is_seen = served is not DARK
    may = (
        is_seen and not world["withheld"] and not world["rival"] and not world["several"] and missing == () and is_free
    )
    assert (action.state == "planned") == may
    assert (action.image, action.tag, action.registry) == ("myorg/app", "v1", "main")
    assert action.ledger == (None if world["several"] else OWN)
    assert action.was == (served if isinstance(served, str) else None)
    assert action.now == (OWN if may else action.was)
    assert action.reason
    if action.state == "unknown":  # what was not seen, and nothing else
        assert DARK in (served, missing)
        assert "it rains" in action.reason
    if action.state == "withheld":
        assert is_seen
        assert world["withheld"]
    if action.state == "lost":
        assert missing not in ((), DARK)
        assert (OWN in missing) == (action.reason == "the recorded digest is not there")
    if action.state == "left":
        assert world["several"] or world["rival"] or world["had"] is not True


FATES: dict[str, dict[str, Any]] = {
    "good": {},
    "yanked": {"yanked": YANKED},
    "expired": {"ttl": "1d", "publishedAt": "2026-11-01T00:00:00Z"},
    "lives": {"ttl": "1d", "publishedAt": "2026-11-24T12:00:00Z"},
}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(sorted(FATES))), min_size=1, max_size=4))
def test_what_nobody_should_pull_is_withheld_under_every_tag_that_has_it(tags: list[tuple[str, str]]) -> None:
    records: list[Record] = [
        record(tag=f"v{number}", digest=digest(seed), **FATES[fate]) for number, (seed, fate) in enumerate(tags)
    ]
    yanks = yanks_of(ledger_of(*records), "myorg/app")
    bad = {seed for seed, fate in tags if fate == "yanked"}
    for one, (seed, fate) in zip(records, tags, strict=True):
        why = withheld([one], yanks, NOW)
        assert bool(why) == (seed in bad or fate == "expired"), why
        assert bool(why and why.expired) == (fate == "expired")
        assert bool(why and "TTL" in why.reason) == (fate == "expired" and seed not in bad)

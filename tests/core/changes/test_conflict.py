"""A conflict in `ledger.json` is one that a person can resolve, and that is recognized."""

from __future__ import annotations

import re

from hypothesis import given

from ledger_tool.core.changes import conflict
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.markers import unresolved_conflicts
from ledger_tool.core.writes.draft import Draft
from tests.support.values.make import but, digest, ledger_of, record
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import CHANGES, changed, ledgers

BASE = record(platform="linux/amd64")


@example_count(300)
@given(ledgers(), CHANGES, CHANGES)
def test_to_keep_one_side_of_every_conflict_leaves_a_valid_ledger(
    base: Ledger, one: tuple[list[list[Draft]], set[str]], other: tuple[list[list[Draft]], set[str]]
) -> None:
    merged = merge(base, changed(base, *one), changed(base, *other))
    text = conflict.compose(merged).decode()
    if not merged.collisions:
        assert codec.loads(text.encode()) == merged.ledger
        return
    assert list(unresolved_conflicts(text))
    for side in ("ours", "theirs"):
        kept = keep(text, side)
        if kept.count("{") > 1:  # of no record at all, the brackets stand otherwise
            ledger = codec.loads(kept.encode())
            for collision in merged.collisions:
                assert ledger.find(collision.name) == getattr(collision, side)


def keep(text: str, side: str) -> str:
    """Do what a person does in an editor."""
    hunk = re.compile(r"^<{7} ours\n(.*?)^\|{7} base\n.*?^={7}\n(.*?)^>{7} theirs\n", re.MULTILINE | re.DOTALL)
    return hunk.sub(lambda found: found[1] if side == "ours" else found[2], text)


def test_a_conflict_says_which_digest_is_on_which_side() -> None:
    moved, other = but(BASE, digest=digest("b")), but(BASE, digest=digest("c"))
    merged = merge(ledger_of(BASE), ledger_of(moved), ledger_of(other))
    text = conflict.compose(merged, size=9, labels=("HEAD", "parent", "topic")).decode()
    assert "<<<<<<<<< HEAD\n" in text
    assert ">>>>>>>>> topic\n" in text
    ((offset, message),) = unresolved_conflicts(text)
    assert text[offset:].startswith("<<<<<<<<<")
    assert message == (
        f"an unresolved merge conflict: myorg/app:v1 is {digest('b')} on one side and {digest('c')} on the other"
    )


def test_the_digests_of_a_collision_stand_beside_each_other_for_each_platform_that_differs() -> None:
    arm = record(platform="linux/arm64", digest=digest("arm"))
    one, other = (but(BASE, digest=digest(seed)) for seed in ("one", "other"))
    (collision,) = merge(ledger_of(BASE, arm), ledger_of(one, arm), ledger_of(other, arm)).collisions
    assert conflict.compared(collision, "ours", "theirs") == [
        ("before linux/amd64", BASE.digest, ""),
        ("ours linux/amd64", digest("one"), ""),
        ("theirs linux/amd64", digest("other"), ""),
    ]
    (collision,) = merge(ledger_of(), ledger_of(one), ledger_of(other)).collisions
    assert conflict.compared(collision, "base", "commit")[0] == ("before linux/amd64", "", "")

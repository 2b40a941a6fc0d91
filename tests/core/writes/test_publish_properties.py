"""What holds of every publish: idempotent, valid, indifferent to order, and one digest for a key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import Conflict, UsageError
from tests.support.values.oracle import is_valid
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import BATCHES, DRAFTS, POLICIES, ledgers


def _published(ledger: Ledger, policy: Policy, drafts: list[Draft], force: str = "") -> Change | None:
    try:
        return rules.publish(Snapshot("", ledger, policy), drafts, force_reason=force)
    except (Conflict, UsageError):
        return None


@example_count(200)
@given(ledgers(), POLICIES, BATCHES, st.sampled_from(["", "why"]))
def test_publishing_twice_is_publishing_once(ledger: Ledger, policy: Policy, drafts: list[Draft], force: str) -> None:
    """But for a batch that gives one image:tag with and without a platform: there, the order decides what is meant."""
    given = {(one.reference.path, one.tag): bool(one.platform) for one in drafts}
    assume(all(given[one.reference.path, one.tag] == bool(one.platform) for one in drafts))
    once = _published(ledger, policy, drafts, force)
    assume(once is not None)
    assert once is not None
    again = _published(
        once.ledger, policy, [replace(one, published_at=Timestamp("2030-01-01T00:00:00Z")) for one in drafts], force
    )
    assert again is not None
    assert not again.changed
    assert again.ledger == once.ledger


@example_count(200)
@given(ledgers(), POLICIES, BATCHES, st.sampled_from(["", "why"]))
def test_after_a_publish_the_ledger_is_valid_and_has_what_was_published(
    ledger: Ledger, policy: Policy, drafts: list[Draft], force: str
) -> None:
    change = _published(ledger, policy, drafts, force)
    assume(change is not None)
    assert change is not None
    raw = codec.dumps(change.ledger)
    assert codec.loads(raw) == change.ledger
    assert is_valid(raw)
    assert change.changed == (change.ledger != ledger)
    for one in drafts:
        platforms = {
            record.platform
            for record in change.ledger.records()
            if (record.image, record.tag, record.digest) == (one.reference.path, one.tag, one.digest)
        }
        assert one.platform in platforms if one.platform else platforms


@example_count(200)
@given(ledgers(), BATCHES)
def test_without_force_and_mutable_tags_no_key_ever_gets_another_digest(ledger: Ledger, drafts: list[Draft]) -> None:
    change = _published(ledger, Policy(), drafts)
    assume(change is not None)
    assert change is not None
    for before in ledger.records():
        (kept,) = [
            one
            for one in change.ledger.find(before.name)
            if one.platform == before.platform or (before.platform is None and one.digest == before.digest)
        ]
        assert kept.digest == before.digest
        assert (kept.published_at, kept.source_ref) == (before.published_at, before.source_ref)
        assert kept.labels.keys() >= before.labels.keys()


@example_count(200)
@given(ledgers(), POLICIES, BATCHES, st.sampled_from(["", "why"]))
def test_a_publish_leaves_all_other_images_alone(
    ledger: Ledger, policy: Policy, drafts: list[Draft], force: str
) -> None:
    change = _published(ledger, policy, drafts, force)
    assume(change is not None)
    assert change is not None
    named = {(one.reference.path, one.tag) for one in drafts}
    untouched = [one for one in ledger.records() if one.name not in named]
    assert [one for one in change.ledger.records() if one.name not in named] == untouched


@example_count(200)
@given(ledgers(), POLICIES, st.lists(DRAFTS, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_drafts_for_distinct_keys_does_not_matter(
    ledger: Ledger, policy: Policy, drafts: list[Draft], random: Any
) -> None:
    # Without a platform a draft stands for its whole image:tag, so it is distinct from no other one there.
    # Two platforms of one digest do not exist either: which of the two would a record without platform be?
    distinct: list[Draft] = []
    for one in drafts:
        rivals = [other for other in distinct if (other.reference, other.tag) == (one.reference, one.tag)]
        if not rivals or (
            one.platform and all(other.platform not in (None, one.platform) for other in rivals)
            and all(other.digest != one.digest for other in rivals)
        ):  # fmt: skip
            distinct.append(one)
    shuffled = distinct.copy()
    random.shuffle(shuffled)
    one_way, other_way = (_published(ledger, policy, order) for order in (distinct, shuffled))
    assert (one_way is None) == (other_way is None)
    if one_way is not None and other_way is not None:
        assert one_way.ledger == other_way.ledger


@example_count(150)
@given(ledgers(), BATCHES)
def test_a_refused_batch_leaves_the_ledger_that_was_given_untouched(ledger: Ledger, drafts: list[Draft]) -> None:
    before = codec.dumps(ledger)
    _published(ledger, Policy(), drafts)
    assert codec.dumps(ledger) == before

"""What holds of every publish: idempotent, valid, indifferent to order, and one digest for a key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import compose, parse_message
from ledger_tool.core.judging.commit import judge_commit
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Platform, Timestamp
from ledger_tool.core.ledger.record import Forced, Name, Record, pull_digest
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import LedgerError
from tests.support.values.make import WHEN, digest, draft, ledger_of, record, source
from tests.support.values.oracle import is_valid
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import BATCHES, DRAFTS, POLICIES, ledgers


def _published(ledger: Ledger, policy: Policy, drafts: list[Draft], force: str = "") -> Change | None:
    try:
        return rules.publish(Snapshot("", ledger, policy), drafts, force_reason=force)
    except LedgerError:
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
        records = change.ledger.find(Name(one.reference.path, one.tag))
        platforms = {record.platform for record in records if record.digest == one.digest}
        assert one.platform in platforms if one.platform else platforms or pull_digest(records) == one.digest


@example_count(300)
@given(ledgers(), st.lists(st.tuples(BATCHES, st.sampled_from(["", "why"])), min_size=1, max_size=4), POLICIES)
def test_whatever_is_published_an_image_and_tag_have_one_pull_digest_and_it_is_the_stated_one(
    ledger: Ledger, publishes: list[tuple[list[Draft], str]], policy: Policy
) -> None:
    for drafts, force in publishes:
        change = _published(ledger, policy, drafts, force)
        if change is None:
            continue
        names = {Name(record.image, record.tag) for record in change.ledger.records()}
        assert all(pull_digest(change.ledger.find(name)) for name in names)
        for one in drafts:
            assert pull_digest(change.ledger.find(Name(one.reference.path, one.tag))) == (one.index or one.digest)
        ledger = change.ledger


@example_count(300)
@given(ledgers(), BATCHES, st.sampled_from(["", "why"]))
def test_the_pull_digest_of_an_immutable_tag_changes_by_a_look_or_by_force_only(
    ledger: Ledger, drafts: list[Draft], force: str
) -> None:
    """A look has to lead to each recorded image; force marks each record with the pull digest that it replaced."""
    change = _published(ledger, Policy(), drafts, force)
    assume(change is not None)
    assert change is not None
    for name in {Name(one.reference.path, one.tag) for one in drafts}:
        before, after = ledger.find(name), change.ledger.find(name)
        if not before or pull_digest(before) == pull_digest(after):
            continue
        given_here = [one for one in drafts if (one.reference.path, one.tag) == name]
        seen = {(one.platform, one.digest) for one in given_here if one.looked_at}
        if all((one.platform, one.digest) in seen or (one.platform is None and _has(seen, one)) for one in before):
            assert all(one.looked_at for one in given_here)
        else:
            assert force
            assert {one.forced for one in after} == {Forced(before[0].pull_digest, force)}


def _has(seen: set[tuple[Platform | None, Digest | None]], record: Record) -> bool:
    return any(digest == record.digest for _, digest in seen)


@example_count(200)
@given(ledgers(), BATCHES)
def test_without_force_and_mutable_tags_no_key_ever_gets_another_digest(ledger: Ledger, drafts: list[Draft]) -> None:
    change = _published(ledger, Policy(), drafts)
    assume(change is not None)
    assert change is not None
    for before in ledger.records():
        now = change.ledger.find(before.name)
        if before.platform is None and any(one.index == before.digest for one in now):
            continue  # it was an index, and has given way to its images
        same_key = [one for one in now if one.platform == before.platform] if before.platform else []
        (kept,) = same_key or [one for one in now if one.digest == before.digest]
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
    # An image:tag has one pull digest: so only drafts with the same one go together.
    # Without a platform a draft stands for its whole image:tag, so it is distinct from no other one there.
    # Two platforms of one digest do not exist either: which of the two would a record without platform be?
    distinct: list[Draft] = []
    for one in drafts:
        rivals = [other for other in distinct if (other.reference, other.tag) == (one.reference, one.tag)]
        if not rivals or (
            one.platform and all(other.platform not in (None, one.platform) for other in rivals)
            and all(other.digest != one.digest and other.index and other.index == one.index for other in rivals)
        ):  # fmt: skip
            distinct.append(one)
    shuffled = distinct.copy()
    random.shuffle(shuffled)
    one_way, other_way = (_published(ledger, policy, order) for order in (distinct, shuffled))
    assert (one_way is None) == (other_way is None)
    if one_way is not None and other_way is not None:
        assert one_way.ledger == other_way.ledger


_PLATFORMS: list[Any] = [None, "linux/amd64", "linux/arm64", "linux/386"]
_PLACED = st.dictionaries(st.sampled_from(_PLATFORMS), st.sampled_from("abc"), min_size=1, max_size=3)


@example_count(200)
@given(_PLACED, _PLACED, st.sampled_from("wx"), st.booleans(), st.sampled_from(["", "why"]), POLICIES)
def test_an_image_that_its_tag_had_and_has_keeps_its_facts_on_whatever_platform(
    before: dict[Any, str], after: dict[Any, str], index: str, looked_at: bool, force: str, policy: Policy
) -> None:
    """Also where its platform gets another image in the same batch, or several have it; and the judge agrees."""
    facts: dict[str, Any] = {"index": digest("w"), "labels": {"team": "a"}, "yanked": {"at": WHEN, "reason": "x"}}
    before, after = ({None: one[None]} if None in one else one for one in (before, after))
    old = [record("app", platform=platform, digest=digest(seed), **facts) for platform, seed in before.items()]
    drafts = [
        draft("app", platform=platform, digest=digest(seed), index=digest(index), source_ref=source(2),
              published_at="2026-12-01T00:00:00Z", looked_at=looked_at)
        for platform, seed in after.items()
    ]  # fmt: skip
    change = _published(ledger_of(*old), policy, drafts, force)
    assume(change is not None)
    assert change is not None
    now = list(change.ledger.records())
    for one in now:
        if one.digest in {other.digest for other in old}:
            assert (one.published_at, one.yanked, one.labels) == (old[0].published_at, old[0].yanked, old[0].labels)
    said = parse_message(compose(change, "t"))
    assert judge_commit(effects_of(compare(ledger_of(*old), change.ledger), change.ledger.find), said, policy) == []


@example_count(150)
@given(ledgers(), BATCHES)
def test_a_refused_batch_leaves_the_ledger_that_was_given_untouched(ledger: Ledger, drafts: list[Draft]) -> None:
    before = codec.dumps(ledger)
    _published(ledger, Policy(), drafts)
    assert codec.dumps(ledger) == before

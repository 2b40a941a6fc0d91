"""What a commit message says: the inverse of how it is composed, and deaf to everything else."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.told import Entry, Told, read
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import LedgerError
from tests.support.git.upstream import git
from tests.support.values.make import SOURCE, digest
from tests.support.values.smallworld import BATCHES, POLICIES, ledgers
from tests.support.values.strategies import reasons, steady

BLOCK = f"Image: app:v1\nDigest: {digest()}\nSource-Ref: {SOURCE}\nTransaction-Id: 12"


@settings(steady, max_examples=200)
@given(ledgers(), POLICIES, BATCHES, st.just("") | reasons)
def test_every_fact_that_was_composed_is_read_back(
    ledger: Ledger, policy: Policy, drafts: list[Draft], force: str
) -> None:
    try:
        change = rules.publish(Snapshot("", ledger, policy), drafts, force_reason=force)
    except LedgerError:
        assume(False)
    assume(change.changed)
    told = read(message.compose(change, "0123456789abcdef"))
    assert (told.verb, told.reason, told.transaction, told.records) == ("publish", force, "0123456789abcdef", None)
    assert {(*entry.name, entry.platform): entry for entry in told.entries} == {
        act.key: Entry(act.name, act.key.platform, act.record.digest, act.replaces, act.record.source_ref)
        for act in change.acts
    }
    assert len(told.entries) == len(change.acts)


@pytest.mark.parametrize(
    "text",
    [
        f"publish\n\n{BLOCK}",
        f"publish\n\nWords of a person.\n\n{BLOCK}\n",
        f"publish\n\n{BLOCK}\n".replace("\n", "\r\n"),
        f"publish\n\n{BLOCK}\n(cherry picked from commit 1234567)\n",
        f"publish\n\n{BLOCK}\nSigned-off-by: A <a@example.com>\n",
        f"publish\n\n{BLOCK}\n\nCo-authored-by: A <a@example.com>\nReviewed-by: B <b@example.com>\n",
        f"Bump (#12)\n\n* publish\n\n{BLOCK}\n\n---------\n\nCo-authored-by: A <a@example.com>\n",
        f"publish\n\n{BLOCK}\n".replace("\n", " \t\n"),
    ],
)
def test_what_hosts_and_people_put_around_it_does_not_hide_the_trailers(text: str) -> None:
    told = read(text)
    assert (told.entries, told.transaction) == ((Entry(("app", "v1"), "", digest(), (), SOURCE),), "12")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "publish",
        BLOCK,  # the first paragraph is the subject
        f"publish\n{BLOCK}",
        f"publish\n\n{BLOCK}\n\nAnd then.\n",
        f"publish\n\n{BLOCK}\n  folded\n",
        f"publish\n\nNo trailer\n{BLOCK}",
        "publish\n\n" + BLOCK.replace("Image:", "image:"),
        f"publish\n\nDigest: {digest()}",
        "publish\n\nRecords: many",
    ],
)
def test_what_git_would_not_read_as_trailers_of_ours_says_nothing(text: str) -> None:
    assert read(text).silent


def test_the_last_paragraph_counts_as_it_does_for_git() -> None:
    text = f"publish\n\n{BLOCK}\n\n{BLOCK.replace('v1', 'v2')}\n"
    assert [entry.name.tag for entry in read(text).entries] == ["v2"]
    assert "v1" not in git("interpret-trailers", "--parse", stdin=text.encode())


def test_only_our_verbs_are_verbs() -> None:
    assert [read(f"{word} x").verb for word in ("publish", "yank", "Publish", "published", "merge")] == [
        "publish", "yank", "", "", "",
    ]  # fmt: skip
    assert read('Revert "publish x"\n') == Told("")


@pytest.mark.parametrize(
    "text", ["A: b\n\n", "Replaces: x\n", "Platform: x\n", "Source-Ref: x\n", "Image: a:b\n", " \n"]
)
def test_a_huge_message_is_read_in_time_that_grows_with_it_and_no_faster(text: str) -> None:
    """Ten times as much takes ten times as long; what copied for each line would take a hundred times."""
    times = []
    for count in (20_000, 200_000):
        started = time.process_time()
        read(f"publish x\n\nImage: a:b\nDigest: {digest()}\n" + text * count + "Reason: x\n")
        times.append(time.process_time() - started)
    assert times[1] < 40 * max(times[0], 0.01)

"""Commit messages: git and we ourselves parse from them what the change did, whatever callers wrote."""

from __future__ import annotations

import gc
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.message import MessageEntry, parse_message
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import parse_label, parse_text, parse_ttl
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import LedgerError
from tests.support.git.upstream import git
from tests.support.values.make import SOURCE, digest, draft, ledger_of, record, source
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import BATCHES, POLICIES, ledgers
from tests.support.values.strategies import label_keys, reasons, texts

AMD, ARM = "linux/amd64", "linux/arm64"
EMPTY = Ledger()
BLOCK = f"Image: app:v1\nDigest: {digest()}\nSource-Ref: {SOURCE}\nTransaction-Id: 12"


def publish(*drafts: Draft, ledger: Ledger = EMPTY, force: str = "") -> Change:
    return rules.publish(Snapshot("", ledger, Policy(mutable=("latest",))), drafts, force_reason=force)


def trailers(text: str) -> list[tuple[str, str]]:
    """Return what git's own parser finds, and make sure that there is nothing besides but one line of subject."""
    subject, empty, rest = text.split("\n", 2)
    assert empty == ""
    assert subject.strip()
    parsed = git("interpret-trailers", "--parse", stdin=text.encode())
    assert parsed == rest.rstrip("\n")
    return [(name, value) for name, _, value in (line.partition(": ") for line in parsed.split("\n"))]


def test_a_publish_names_the_image_in_its_subject_and_tells_all_in_trailers() -> None:
    text = message.compose(publish(draft(platform=AMD)), "t1")
    assert text.split("\n")[0] == "publish myorg/app:v1"
    assert trailers(text) == [
        ("Image", "myorg/app:v1"),
        ("Platform", AMD),
        ("Digest", digest()),
        ("Source-Ref", SOURCE),
        ("Transaction-Id", "t1"),
    ]


def test_a_record_without_a_platform_has_no_platform_trailer() -> None:
    assert [name for name, _ in trailers(message.compose(publish(draft()), "t"))] == [
        "Image",
        "Digest",
        "Source-Ref",
        "Transaction-Id",
    ]


def test_a_batch_has_a_block_for_each_image_and_tells_a_shared_source_once() -> None:
    change = publish(
        draft("b", platform=ARM, digest=digest("arm"), index=digest("index")),
        draft("b", platform=AMD, digest=digest("amd"), index=digest("index")),
        draft("a", tag="v2", source_ref=source("other")),
    )
    text = message.compose(change, "t")
    assert text.split("\n")[0] == "publish 2 images"
    assert trailers(text)[:-1] == [
        ("Image", "a:v2"),
        ("Digest", digest()),
        ("Source-Ref", source("other")),
        ("Image", "b:v1"),
        ("Index", digest("index")),
        ("Platform", AMD),
        ("Digest", digest("amd")),
        ("Platform", ARM),
        ("Digest", digest("arm")),
        ("Source-Ref", SOURCE),
    ]


def test_two_platforms_from_two_commits_tell_both() -> None:
    change = publish(draft(platform=AMD), draft(platform=ARM, source_ref=source("other")))
    told = [pair for pair in trailers(message.compose(change, "t")) if pair[0] in ("Platform", "Source-Ref")]
    assert told == [("Platform", AMD), ("Source-Ref", SOURCE), ("Platform", ARM), ("Source-Ref", source("other"))]


def test_what_is_unchanged_is_not_told() -> None:
    change = publish(draft("a"), draft("b"), ledger=ledger_of(record("a")))
    assert ("Image", "a:v1") not in trailers(message.compose(change, "t"))


def test_a_mutable_move_tells_what_it_replaces() -> None:
    change = publish(draft(tag="latest", digest=digest("b")), ledger=ledger_of(record(tag="latest")))
    told = trailers(message.compose(change, "t"))
    assert told[1:3] == [("Digest", digest("b")), ("Replaces", digest())]
    assert "Reason" not in dict(told)


def test_a_forced_move_tells_what_it_replaces_and_why() -> None:
    change = publish(draft(digest=digest("b")), ledger=ledger_of(record()), force="base image CVE")
    told = dict(trailers(message.compose(change, "t")))
    assert (told["Replaces"], told["Reason"]) == (digest(), "base image CVE")


def test_a_set_tells_labels_and_ttl() -> None:
    snapshot = Snapshot("", ledger_of(record("a"), record("b", labels={"old": "x"})), Policy())
    change = edits.set_facts(
        snapshot, ["*"], labels={"team": "core", "env": "prod"}, unlabel=["old"], ttl=parse_ttl("7d")
    )
    text = message.compose(change, "t")
    assert text.split("\n")[0] == "set 2 images"
    assert trailers(text)[-5:-1] == [("Label", "env=prod"), ("Label", "team=core"), ("Unlabel", "old"), ("TTL", "7d")]
    cleared = edits.set_facts(Snapshot("", ledger_of(record(ttl="7d")), Policy()), ["*"], labels={}, clear_ttl=True)
    assert ("TTL", "none") in trailers(message.compose(cleared, "t"))


def test_a_removal_tells_what_went_and_why() -> None:
    snapshot = Snapshot("", ledger_of(record(platform=AMD)), Policy())
    text = message.compose(edits.remove(snapshot, [parse_name("myorg/app:v1")], reason="never used"), "t")
    assert text.split("\n")[0] == "remove myorg/app:v1"
    assert trailers(text)[:-1] == [
        ("Image", "myorg/app:v1"),
        ("Platform", AMD),
        ("Digest", digest()),
        ("Source-Ref", SOURCE),
        ("Reason", "never used"),
    ]


def test_a_hundred_images_are_told_one_by_one_and_more_are_counted() -> None:
    hundred = [draft(tag=f"v{number}") for number in range(100)]
    told = trailers(message.compose(publish(*hundred), "t"))
    assert len([name for name, _ in told if name == "Image"]) == 100
    more = publish(*hundred, draft(tag="v100", platform=AMD, source_ref=source("other")))
    text = message.compose(more, "t")
    assert text.split("\n")[0] == "publish 101 images"
    assert trailers(text) == [
        ("Records", "101"),
        *sorted([("Source-Ref", SOURCE), ("Source-Ref", source("other"))]),
        ("Transaction-Id", "t"),
    ]


def test_more_than_a_hundred_sources_are_counted_too() -> None:
    hundred = [draft(tag=f"v{number}", source_ref=source(number % 100)) for number in range(150)]
    told = trailers(message.compose(publish(*hundred), "t"))
    assert len([name for name, _ in told if name == "Source-Ref"]) == 100
    many = [draft(tag=f"v{number}", source_ref=source(number)) for number in range(150)]
    assert trailers(message.compose(publish(*many), "t"))[:2] == [("Records", "150"), ("Source-Refs", "150")]


_HOSTILE = [
    "Signed-off-by: Someone <a@example.com>",
    "Image: other/app:v1",
    "---",
    "--- a/ledger.json",
    "# a comment",
    "-- >8 --",
    "------------------------ >8 ------------------------",
    ": no name",
    "a  b    c",
    "\u00a0\u3000",
    "%(trailers) %H $(id) `id` @{-1} \\n",
    "x" * 1024,
    "Reason: Reason: why",
    "fixes #1, closes #2, cc @everyone",
]


@pytest.mark.parametrize("hostile", _HOSTILE)
def test_no_reason_and_no_label_can_forge_or_hide_a_trailer(hostile: str) -> None:
    reason = parse_text(hostile, "reason")
    change = publish(draft(digest=digest("b")), ledger=ledger_of(record()), force=reason)
    text = message.compose(replace(change, details=[("Label", f"note={reason}")]), "t")
    assert trailers(text) == [
        ("Image", "myorg/app:v1"),
        ("Digest", digest("b")),
        ("Replaces", digest()),
        ("Source-Ref", SOURCE),
        ("Label", f"note={reason}"),
        ("Reason", reason),
        ("Transaction-Id", "t"),
    ]
    assert parse_message(text).block.reason == reason


def test_git_log_reads_the_same_trailers_as_git_interpret_trailers(tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", tmp_path)
    tree = git(f"--git-dir={tmp_path}", "mktree")
    for hostile in _HOSTILE:
        change = publish(draft(digest=digest("b")), ledger=ledger_of(record()), force=parse_text(hostile, "reason"))
        text = message.compose(change, "t")
        commit = git(f"--git-dir={tmp_path}", "commit-tree", tree, stdin=text.encode())
        logged = git(f"--git-dir={tmp_path}", "log", "-1", "--format=%(trailers:only=true,unfold=true)", commit)
        assert logged.rstrip("\n").split("\n") == [f"{name}: {value}" for name, value in trailers(text)]


@example_count(40)
@given(reasons, st.dictionaries(label_keys, texts, max_size=2))
def test_any_reason_and_label_that_the_parsers_take_come_back_from_git(reason: str, labels: dict[str, str]) -> None:
    parsed = dict(parse_label(f"{key}={value}") for key, value in labels.items())
    snapshot = Snapshot("", ledger_of(record(labels={"old": "x"})), Policy())
    change = edits.set_facts(snapshot, ["*"], labels=parsed, unlabel=["old"])
    told = trailers(message.compose(replace(change, reason=parse_text(reason, "reason")), "t"))
    assert [value for name, value in told if name == "Label"] == [f"{key}={parsed[key]}" for key in sorted(parsed)]
    assert [value for name, value in told if name == "Reason"] == [reason]


@example_count(200)
@given(ledgers(), POLICIES, BATCHES, st.just("") | reasons)
def test_every_fact_that_was_composed_is_read_back(
    ledger: Ledger, policy: Policy, drafts: list[Draft], force: str
) -> None:
    try:
        change = rules.publish(Snapshot("", ledger, policy), drafts, force_reason=force)
    except LedgerError:
        assume(False)
    assume(change.changed)
    parsed = parse_message(message.compose(change, "0123456789abcdef")).block
    assert (parsed.verb, parsed.reason, parsed.transaction, parsed.record_count) == (
        "publish",
        force,
        "0123456789abcdef",
        None,
    )
    assert {(*entry.name, entry.platform): entry for entry in parsed.entries} == {
        effect.key: MessageEntry(
            effect.name, effect.key.platform, effect.record.digest, effect.replaces, effect.record.source_ref
        )
        for effect in change.effects
    }
    assert len(parsed.entries) == len(change.effects)


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
        f"publish\n\n{BLOCK}\n\nAnd then.\n",
        f"publish\n\nNo trailer\n{BLOCK}",
        f"publish\n\n{BLOCK}\n\n{BLOCK}\n",
        f"publish\n\n- {BLOCK}\n".replace("\n", "\n- ").replace("\n- \n- -", "\n\n-"),
    ],
)
def test_what_hosts_and_people_put_around_it_does_not_hide_the_trailers(text: str) -> None:
    parsed = parse_message(text).block
    assert (parsed.entries, parsed.transaction) == ((MessageEntry(("app", "v1"), "", digest(), (), SOURCE),), "12")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "publish",
        BLOCK,  # the first paragraph is the subject
        f"publish\n{BLOCK}",
        "publish\n\n" + BLOCK.replace("Image:", "image:"),
        f"publish\n\nDigest: {digest()}",
        "publish\n\nRecords: many",
    ],
)
def test_what_is_not_a_block_of_trailers_after_the_subject_says_nothing(text: str) -> None:
    assert parse_message(text).silent


def test_every_block_of_a_message_counts() -> None:
    text = f"publish\n\n{BLOCK}\n\n{BLOCK.replace('v1', 'v2')}\n"
    assert [block.entries[0].name.tag for block in parse_message(text).blocks] == ["v1", "v2"]


@pytest.mark.parametrize("reason", ["rebuilt - after a CVE " * 9, "see 1. and 2. of the report " * 7, "a\u00a0b " * 50])
@pytest.mark.parametrize("width", range(60, 73))
def test_a_reason_survives_lines_that_a_host_breaks(reason: str, width: int) -> None:
    change = publish(draft(digest=digest("b")), ledger=ledger_of(record()), force=reason.strip())
    lines = message.compose(change).split("\n")
    broken = [textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False) for line in lines]
    for text in ("\n".join(broken), "\n    ".join("\n".join(broken).split("\n"))):
        (block,) = parse_message(text).blocks
        assert block.reason.split() == reason.split()
        assert block.entries[0] == MessageEntry.of(change.effects[0])


def test_only_our_verbs_are_verbs() -> None:
    assert [parse_message(f"{word} x").verb for word in ("publish", "yank", "Publish", "published", "merge")] == [
        "publish", "yank", "", "", "",
    ]  # fmt: skip
    assert parse_message('Revert "publish x"\n').silent


@pytest.mark.parametrize(
    "text", ["A: b\n\n", "Replaces: x\n", "Platform: x\n", "Source-Ref: x\n", "Image: a:b\n", " \n"]
)
def test_a_huge_message_is_read_in_time_that_grows_with_it_and_no_faster(text: str) -> None:
    """Ten times as much takes ten times as long; what copied for each line would take a hundred times."""

    def seconds(count: int) -> float:
        whole = f"publish x\n\nImage: a:b\nDigest: {digest()}\n" + text * count + "Reason: x\n"
        started = time.process_time()
        parse_message(whole)
        return time.process_time() - started

    gc.disable()  # what else the process holds is not this message's
    try:
        short, long = (min(seconds(count) for _ in range(2)) for count in (5_000, 50_000))
    finally:
        gc.enable()
    assert long < 40 * max(short, 0.01)

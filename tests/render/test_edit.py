"""What a write prints: one JSON object for each image:tag, and one line for people."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger_tool.commands.init import Scaffolded
from ledger_tool.commands.write import Written
from ledger_tool.core.changes.change import Change, Snapshot, results
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import Conflict
from ledger_tool.render import edit as render
from ledger_tool.render import init as scaffolded
from ledger_tool.render import publish as published
from tests.support.values.make import digest, draft, fields, ledger_of, record

COMMIT = "5f2d7e0123456789abcdef0123456789abcdef01"
AMD, ARM = "linux/amd64", "linux/arm64"
EMPTY = Ledger()


def written(change: Change, commit: str | None = COMMIT, attempts: int = 1) -> Written:
    return Written(results(change, commit), change, attempts)


def publish(*drafts: Draft, ledger: Ledger = EMPTY) -> Change:
    return rules.publish(Snapshot(COMMIT, ledger, Policy(mutable=("latest",))), drafts)


def objects(done: Written) -> list[dict[str, Any]]:
    return [json.loads(line) for line in render.json_lines(done)]


def test_a_publish_prints_one_object_with_the_digest_to_pull_by() -> None:
    assert objects(written(publish(draft(platform=AMD)))) == [
        {
            "image": "myorg/app",
            "tag": "v1",
            "digest": digest(),
            "changed": True,
            "commit": COMMIT,
            "records": [fields(platform=AMD)],
        }
    ]


def test_the_keys_stand_in_the_documented_order_on_one_line() -> None:
    (line,) = render.json_lines(written(publish(draft(labels={"city": "Zürich"}))))
    assert line.startswith(f'{{"image": "myorg/app", "tag": "v1", "digest": "{digest()}", "changed": true, "commit": "')
    assert "Zürich" in line
    assert "\n" not in line


def test_each_image_of_a_batch_has_its_object_in_the_order_given() -> None:
    done = written(publish(draft("b"), draft("a"), draft("c"), ledger=ledger_of(record("a"))))
    assert [(one["image"], one["changed"]) for one in objects(done)] == [("b", True), ("a", False), ("c", True)]


def test_the_digest_of_a_tag_for_many_platforms_is_that_of_its_index() -> None:
    change = publish(*(draft(platform=on, digest=digest(on), index=digest("index")) for on in (AMD, ARM)))
    (one,) = objects(written(change))
    assert one["digest"] == digest("index")
    assert [record["platform"] for record in one["records"]] == [AMD, ARM]


def test_nothing_to_do_has_no_commit_of_its_own() -> None:
    (one,) = objects(written(publish(draft(), ledger=ledger_of(record())), None))
    assert (one["changed"], one["commit"]) == (False, None)


def test_what_is_published_again_and_has_expired_is_warned_about() -> None:
    now = Timestamp("2026-11-26T00:00:00Z")
    ledger = ledger_of(record(ttl="1h"), record(tag="v2", ttl="1h"), record(tag="v3", ttl="9w"))
    one, two, lasting = draft(), draft(tag="v2"), draft(tag="v3")
    assert list(published.notes(written(publish(one, lasting, ledger=ledger)), [one, lasting], now, offline=False)) == [
        "warning: past its TTL, the next prune will remove it: myorg/app:v1; `--ttl` sets a longer one"
    ]
    (both,) = published.notes(written(publish(one, two, ledger=ledger)), [one, two], now, offline=False)
    assert "remove it: myorg/app:v1 and 1 more; " in both
    longer = draft(ttl="9w")
    assert list(published.notes(written(publish(longer, ledger=ledger)), [longer], now, offline=False)) == []


def test_a_removal_tells_the_digest_that_is_gone_and_no_records() -> None:
    change = edits.remove(Snapshot("", ledger_of(record()), Policy()), [parse_name("myorg/app:v1")], reason="x")
    (one,) = objects(written(change))
    assert (one["digest"], one["records"], one["changed"]) == (digest(), [], True)


def test_a_conflict_prints_what_is_recorded_and_what_was_refused() -> None:
    with pytest.raises(Conflict) as caught:
        publish(draft(digest=digest("b")), ledger=ledger_of(record()))
    assert json.loads(published.conflict_line(caught.value)) == {
        "image": "myorg/app",
        "tag": "v1",
        "digest": digest(),
        "changed": False,
        "commit": COMMIT,
        "records": [fields()],
        "conflict": digest("b"),
    }


def test_a_conflict_with_several_platforms_prints_them_all_and_the_digest_of_the_first() -> None:
    there = [record(platform=on, digest=digest(on)) for on in (AMD, ARM)]
    with pytest.raises(Conflict) as caught:
        publish(draft(digest=digest("b")), ledger=ledger_of(*there))
    told = json.loads(published.conflict_line(caught.value))
    assert told["digest"] == digest(AMD)
    assert [one["platform"] for one in told["records"]] == [AMD, ARM]


def test_a_conflict_in_a_folder_outside_git_has_no_commit() -> None:
    with pytest.raises(Conflict) as caught:
        rules.publish(Snapshot("", ledger_of(record()), Policy()), [draft(digest=digest("b"))])
    assert json.loads(published.conflict_line(caught.value))["commit"] is None


def test_the_summary_says_what_happened_to_one_image() -> None:
    assert render.summary(written(publish(draft()))) == "published myorg/app:v1 (added) in 5f2d7e012345"
    latest = ledger_of(record(tag="latest"))
    moved = publish(draft(tag="latest", digest=digest("b")), ledger=latest)
    assert f"(moved from {digest()})" in render.summary(written(moved))


def test_the_summary_counts_what_happened_to_many() -> None:
    change = publish(draft("a"), draft("b"), draft("c"), ledger=ledger_of(record("c")))
    assert render.summary(written(change)) == "published 3 images (2 added, 1 unchanged) in 5f2d7e012345"


def test_the_summary_says_when_there_was_nothing_to_do() -> None:
    one = publish(draft(), ledger=ledger_of(record()))
    two = publish(draft("a"), draft("b"), ledger=ledger_of(record("a"), record("b")))
    assert render.summary(written(one)) == "nothing to do: myorg/app:v1 is already in the ledger"
    assert render.summary(written(two)) == "nothing to do: 2 images are already in the ledger"


def test_the_summary_of_a_dry_run_says_would_and_names_no_commit() -> None:
    text = render.summary(written(publish(draft()), None, 0), dry_run=True)
    assert text == "dry run: would have published myorg/app:v1 (added)"


def test_the_summary_tells_further_attempts() -> None:
    assert render.summary(written(publish(draft()), attempts=2)).endswith("in 5f2d7e012345, attempt 2")


def test_the_summary_of_a_removal_says_it_once() -> None:
    change = edits.remove(Snapshot("", ledger_of(record()), Policy()), [parse_name("myorg/app:v1")], reason="x")
    assert render.summary(written(change)) == "removed myorg/app:v1 in 5f2d7e012345"


def test_init_tells_what_it_added_kept_and_committed_and_what_is_next() -> None:
    new = list(scaffolded.lines(Scaffolded(["ledger.json", "ledger.yaml"], [], COMMIT, False, "", "", {}, {}), "here"))
    assert new[:3] == ["added ledger.json", "added ledger.yaml", "committed as 5f2d7e012345"]
    assert "git -C here push" in new[-1]
    mixed = list(scaffolded.lines(Scaffolded(["ledger.yaml"], ["README.md"], "", True, "", "", {}, {}), "here"))
    assert mixed[:2] == ["added ledger.yaml", "kept README.md unchanged"]
    assert "git -C here add ledger.yaml" in mixed[-1]
    assert list(scaffolded.lines(Scaffolded([], ["README.md"], "", True, "", "", {}, {}), "here"))[-1].startswith(
        "nothing to do"
    )

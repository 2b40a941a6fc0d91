"""`log`: every digest that a tag ever had, told from the commits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger_tool.core.changes.change import VERBS
from ledger_tool.core.ledger.record import from_json
from tests.support.git.tamper import commit, move_branch
from tests.support.git.upstream import Upstream, git
from tests.support.stage.terminal import at_terminal
from tests.support.values.make import SOURCE, digest, ledger_bytes, record, source
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import SCHEMAS

Run = Callable[..., Outcome]
AMD, ARM = "linux/amd64", "linux/arm64"


Publish = Callable[..., str]


def log(run: Run, *options: object) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = run("log", "--format", "json", *options).json["entries"]
    return entries


def told(entries: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one["action"], f"{one['image']}:{one['tag']}", one["digest"]) for one in entries]


def test_log_shows_every_digest_that_a_tag_ever_had(run: Run, publish: Publish, upstream: Upstream) -> None:
    first = publish("myorg/app:v1", "a", "--platform", AMD)
    second = publish("myorg/app:v1", "b", "--platform", AMD, "--force", "--reason", "rebuilt")
    publish("other:v1", "o")
    run("remove", "myorg/app:v1", "--reason", "broken")
    newest, moved, added = log(run, "myorg/app:v1")
    assert moved == {
        "commit": second,
        "at": upstream.git("log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd", second),
        "by": "Test Person <person@example.com>",
        "action": "publish",
        "image": "myorg/app",
        "tag": "v1",
        "platform": AMD,
        "digest": digest("b"),
        "replaces": [digest("a")],
        "index": None,
        "replacesIndex": None,
        "version": None,
        "replacesVersion": None,
        "sourceRef": source("b"),
        "reason": "rebuilt",
        "edits": [],
        "run": None,
        "actor": None,
    }
    assert (newest["action"], newest["digest"], newest["reason"]) == ("remove", digest("b"), "broken")
    assert (added["commit"], added["replaces"], added["reason"]) == (first, [], None)


def test_log_takes_an_image_a_limit_a_time_and_a_revision(run: Run, publish: Publish, ledger: Run) -> None:
    first = publish("myorg/app:v1", "a")
    publish("myorg/app:v2", "b")
    publish("myorg/app-2:v1", "c")
    assert told(log(run, "myorg/app")) == [
        ("publish", "myorg/app:v2", digest("b")),
        ("publish", "myorg/app:v1", digest("a")),
    ]
    assert len(log(run)) == 3
    assert told(log(run, "--limit", "1")) == [("publish", "myorg/app-2:v1", digest("c"))]
    assert told(log(run, "myorg/app", "--since", first)) == [("publish", "myorg/app:v2", digest("b"))]
    assert len(log(run, "--since", "1h")) == 3
    assert log(run, "--since", "2999-01-01") == []
    assert log(run, "myorg/nope", "--since", "1h") == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("myorg/nope:v1",), 3, "the ledger never had myorg/nope:v1"),
        (("--since", "nowhere"), 2, "has no revision `nowhere`"),
        (("--since", "2026-13-01"), 2, "time `2026-13-01T00:00:00Z` is malformed"),
        (("--since", "--output=x"), 2, "is not a revision"),
        (("--since", "^HEAD"), 2, "is not one revision"),
        (("--since", ""), 2, "`--since` is given an empty value"),
        (("--limit", "0"), 2, "out of bounds"),
        ((f"a:v1@{digest()}",), 2, "ledger whence DIGEST"),
        (("registry.example.com/a:v1",), 2, "names a registry that is not in ledger.yaml"),
    ],
)
def test_log_says_what_is_wrong(
    ledger: Run, upstream: Upstream, publish: Publish, words: tuple[str, ...], code: int, says: str
) -> None:
    publish("myorg/app:v1", "a")
    done = ledger("log", "--repo", upstream.url, *words)
    assert done.code == code, done.err
    assert says in done.err


def test_log_understands_an_image_with_its_configured_registry(run: Run, publish: Publish, upstream: Upstream) -> None:
    publish("myorg/app:v1", "a")
    upstream.commit_as_other_writer({"ledger.yaml": b"registries:\n  - host: registry.example.com\n"})
    assert len(log(run, "registry.example.com/myorg/app:v1")) == 1


def test_log_is_a_table_for_people_and_lines_for_machines(run: Run, publish: Publish, upstream: Upstream) -> None:
    made = publish("myorg/app:v1", "a", "--platform", AMD)
    header, row = run("log").out.splitlines()
    assert header.split() == ["COMMIT", "AT", "ACTION", "IMAGE", "PLATFORM", "DIGEST", "SOURCE", "BY"]
    assert row.startswith(made[:12])
    assert digest("a")[:19] in row
    at_a_terminal = at_terminal("log", "--repo", upstream.url, columns=80).out
    titles = re.sub(r"\x1b\[[0-9;]*m", "", at_a_terminal.splitlines()[0])
    assert titles.split() == ["AT", "ACTION", "IMAGE", "PLATFORM", "DIGEST"]
    (line,) = run("log", "--format", "jsonl").json_lines
    assert line == log(run)[0]


def test_a_batch_that_only_counts_is_read_from_its_diff(
    run: Run, publish: Publish, upstream: Upstream, tmp_path: Path
) -> None:
    lines = [
        {"image": "many", "tag": f"v{at:03}", "digest": digest(at), "sourceRef": SOURCE, "platform": AMD}
        for at in range(120)
    ]
    (tmp_path / "batch").write_text(json.dumps(lines))
    made = run("publish", "--from", tmp_path / "batch").json_lines[0]["commit"]
    assert "Records: 120" in upstream.message()
    entries = log(run, "many")
    assert [one["digest"] for one in entries] == [digest(at) for at in range(120)]
    assert {(one["commit"], one["action"], one["sourceRef"]) for one in entries} == {(made, "publish", SOURCE)}
    assert log(run, "many:v007")[0]["digest"] == digest(7)


def test_what_is_done_by_hand_is_read_from_its_diff(run: Run, publish: Publish, upstream: Upstream) -> None:
    publish("myorg/app:v1", "a")
    upstream.commit_as_other_writer({"README.md": b"# Other\n"}, "nothing of ours")
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(record(digest=digest("x")))}, "by hand")
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes()}, "by hand again")
    entries = log(run)
    assert told(entries) == [
        ("removed", "myorg/app:v1", digest("x")),
        ("moved", "myorg/app:v1", digest("x")),
        ("publish", "myorg/app:v1", digest("a")),
    ]
    assert entries[1]["replaces"] == [digest("a")]
    assert entries[1]["by"] == "Other Writer <other@example.com>"


def test_trailers_that_no_command_writes_are_not_repeated_but_read_from_the_diff(
    run: Run, publish: Publish, upstream: Upstream
) -> None:
    publish("myorg/app:v1", "a")
    evil = f"publish x\n\nImage: \x1b[31mred:v1\nDigest: {digest('e')}\n"
    content = ledger_bytes(record(digest=digest("x")))
    move_branch(upstream, commit(upstream, evil, [upstream.tip()], {"ledger.json": content}))
    assert told(log(run))[0] == ("publish", "myorg/app:v1", digest("x"))
    assert "\x1b" not in run("log").out


def test_a_version_that_cannot_be_read_is_skipped_with_a_warning(
    run: Run, publish: Publish, upstream: Upstream
) -> None:
    publish("myorg/app:v1", "a")
    upstream.commit_as_other_writer({"ledger.json": b"{}\n"}, "break it")
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(record(tag="v2"))}, "mend it")
    done = run("log", "--format", "json")
    assert told(done.json["entries"]) == [("publish", "myorg/app:v1", digest("a"))]
    assert done.err.count("is not valid: what it did is left out") == 2


def test_a_merge_shows_only_what_none_of_its_sides_has(run: Run, publish: Publish, upstream: Upstream) -> None:
    publish("a:v1", "a")
    tip = upstream.tip()
    ours = publish("b:v1", "b")
    upstream.git("branch", "side", tip)
    run("publish", f"c:v1@{digest('c')}", "--source", SOURCE, "--branch", "side")
    both = [*map(from_json, [*upstream.records(), upstream.records("side")[1]]), record("evil")]
    merge = commit(upstream, "Merge\n", [ours, upstream.tip("side")], {"ledger.json": ledger_bytes(*both)})
    move_branch(upstream, merge)
    entries = log(run)
    assert [(one["action"], one["image"]) for one in entries if one["commit"] == merge] == [("added", "evil")]
    assert sorted(one["image"] for one in entries) == ["a", "b", "c", "evil"]


def test_log_shows_what_a_merge_threw_away(run: Run, publish: Publish, upstream: Upstream) -> None:
    """A merge that takes one side whole leaves the other without a part in the file, but not without a history."""
    first = publish("a:v1", "a")
    thrown = publish("b:v1", "b")
    side = commit(upstream, "side\n", [first], {"README.md": b"# Side\n"})
    move_branch(upstream, commit(upstream, "Merge\n", [thrown, side], tree=side))
    assert [one["commit"] for one in log(run)] == [thrown, first]
    assert [one["digest"] for one in log(run, "b:v1")] == [digest("b")]


def test_what_a_commit_says_at_length_is_cut_in_the_table(run: Run, publish: Publish, upstream: Upstream) -> None:
    """One author of a megabyte would make every other line as long."""
    publish("a:v1", "a")
    made = commit(upstream, "x\n", [upstream.tip()], {"ledger.json": ledger_bytes(record("b"))})
    message = f"publish b:v1\n\nImage: b:v1\nDigest: {digest()}\nReason: {'y' * 100_000}\n"
    heads = [f"tree {upstream.git('rev-parse', f'{made}:')}", f"parent {upstream.tip()}"]
    heads += [f"author {'x' * 100_000} <x> 1 +0000", "committer C <c> 1 +0000"]
    text = "\n".join([*heads, "", message])
    move_branch(upstream, upstream.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode()))
    lines = run("log").out.splitlines()
    assert [line[:12] for line in lines[1:]] == [one[:12] for one in upstream.commits()[:2]]
    assert max(map(len, lines)) < 2000


def test_a_repository_without_a_ledger_is_an_invalid_ledger(ledger: Run, tmp_path: Path) -> None:
    made = Upstream(tmp_path / "other.git")
    git("init", "--quiet", "--bare", "--initial-branch=main", made.path)
    made.commit_as_other_writer({"README.md": b"# Other\n"})
    for words in (("log",), ("whence", digest())):
        done = ledger(*words, "--repo", made.url)
        assert done.code == 4
        assert "has no ledger.json" in done.err


def test_a_reason_is_read_as_it_was_given_whatever_encoding_a_checkout_wants(
    ledger: Run, publish: Publish, upstream: Upstream, tmp_path: Path
) -> None:
    publish("a:v1", "a")
    git("clone", "--quiet", upstream.url, tmp_path / "clone")
    git("config", "i18n.commitEncoding", "ISO-8859-1", cwd=tmp_path / "clone")
    done = ledger("yank", "a:v1", "--reason", "stürzt ab", "--no-push", "--repo", tmp_path / "clone")
    assert done.code == 0, done.err
    assert "stürzt ab" in ledger("log", "--repo", tmp_path / "clone").out
    assert ledger("audit", "--repo", tmp_path / "clone").code == 0


def test_log_shows_what_a_tag_was_pulled_by(run: Run, publish: Publish) -> None:
    """Also where the images stay; and the same from the diff as from the message."""
    publish("myorg/app:v1", "a", "--platform", AMD, "--index", digest("i"))
    publish("myorg/app:v1", "a", "--platform", AMD, "--index", digest("j"), "--force", "--reason", "pushed again")
    moved, added = log(run, "myorg/app:v1")
    assert (added["index"], added["replacesIndex"]) == (digest("i"), None)
    assert (moved["index"], moved["replacesIndex"], moved["replaces"]) == (digest("j"), digest("i"), [])
    lines = run("log", "myorg/app:v1").out.splitlines()
    assert f"{digest('j')[:19]} was {digest('i')[:19]}" in lines[1]


def test_the_schema_knows_every_verb() -> None:
    assert set(VERBS) <= set(SCHEMAS["log-v1"]["$defs"]["action"]["enum"])

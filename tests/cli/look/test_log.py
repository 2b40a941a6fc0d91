"""`log`, `whence`, and `get` and `list --at`: what the ledger was, told from its commits."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ledger_tool.core.ledger.record import from_json
from tests.support.git.tamper import commit, move_branch
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest, ledger_bytes, record, source
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
AMD, ARM = "linux/amd64", "linux/arm64"


@pytest.fixture
def run(ledger: Run, upstream: Upstream) -> Run:
    """Return a function that runs a command on the ledger, which must succeed."""

    def run(*words: object) -> Outcome:
        done = ledger(*words, "--repo", upstream.url)
        assert done.code == 0, done.err
        return done

    return run


@pytest.fixture
def publish(run: Run) -> Callable[..., str]:
    """Return a function that publishes, and returns the ledger commit."""

    def publish(name: str, seed: object, *options: str) -> str:
        return str(run("publish", f"{name}@{digest(seed)}", "--source", source(seed), *options).json["commit"])

    return publish


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
        "sourceRef": source("b"),
        "reason": "rebuilt",
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
        (("--since", "--output=x"), 2, "is no revision"),
        (("--limit", "0"), 2, "out of bounds"),
        ((f"a:v1@{digest()}",), 2, "ledger whence DIGEST"),
        (("registry.example.com/a:v1",), 2, "names a registry that ledger.yaml does not"),
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


def test_log_is_a_table_for_people_and_lines_for_machines(run: Run, publish: Publish) -> None:
    made = publish("myorg/app:v1", "a", "--platform", AMD)
    header, row = run("log").out.splitlines()
    assert header.split() == ["COMMIT", "AT", "ACTION", "IMAGE", "PLATFORM", "DIGEST", "SOURCE", "BY"]
    assert row.startswith(made[:12])
    assert digest("a")[:19] in row
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


def test_a_version_that_can_t_be_read_is_left_out_with_a_warning(
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


def test_a_repository_that_is_no_ledger_is_an_invalid_ledger(ledger: Run, tmp_path: Path) -> None:
    made = Upstream(tmp_path / "other.git")
    git("init", "--quiet", "--bare", "--initial-branch=main", made.path)
    made.commit_as_other_writer({"README.md": b"# Other\n"})
    for words in (("log",), ("whence", digest())):
        done = ledger(*words, "--repo", made.url)
        assert done.code == 4
        assert "has no ledger.json" in done.err


def whence(run: Run, wanted: str) -> dict[str, Any]:
    found: dict[str, Any] = run("whence", wanted).json
    return found


def test_whence_finds_an_image_by_its_digest_or_the_beginning_of_it(run: Run, publish: Publish) -> None:
    made = publish("myorg/app:v1", "a", "--platform", AMD)
    publish("myorg/app:v2", "b")
    run("set", "*", "--label", "env=prod")
    found = whence(run, digest("a"))
    (match,) = found["matches"]
    assert (match["as"], match["commit"], match["until"]) == ("image", made, None)
    assert match["record"]["labels"] == {"env": "prod"}
    assert match["record"]["sourceRef"] == source("a")
    assert match["by"] == "Test Person <person@example.com>"
    for short in (digest("a")[:19], digest("a")[7:19], f"registry.example.com/myorg/app@{digest('a')}"):
        assert whence(run, short) == found


def test_whence_finds_an_index_and_a_config_and_since_when(run: Run, publish: Publish) -> None:
    publish("myorg/app:v1", "a", "--platform", AMD)
    since = publish("myorg/app:v1", "a", "--platform", AMD, "--index", digest("i"), "--config", digest("c"))
    publish("myorg/app:v1", "a", "--platform", AMD, "--label", "env=prod")
    for seed, kind in (("i", "index"), ("c", "config")):
        (match,) = whence(run, digest(seed))["matches"]
        assert (match["as"], match["commit"], match["until"]) == (kind, since, None)
        assert f"is the {kind} of myorg/app:v1 ({AMD})\n" in run("whence", digest(seed), "--format", "text").out


def test_whence_finds_what_was_replaced_or_removed_long_ago(run: Run, publish: Publish) -> None:
    first = publish("myorg/app:v1", "a", "--platform", AMD)
    second = publish("myorg/app:v1", "b", "--platform", AMD, "--force", "--reason", "rebuilt")
    removed = run("remove", "myorg/app:v1", "--reason", "broken").json["commit"]
    publish("myorg/app:v2", "b", "--platform", AMD)
    (match,) = whence(run, digest("a"))["matches"]
    assert (match["as"], match["commit"], match["record"]["digest"]) == ("replaced", first, digest("a"))
    assert (match["until"]["commit"], match["until"]["digest"]) == (second, digest("b"))
    now, then = whence(run, digest("b"))["matches"]
    assert (now["as"], now["record"]["tag"]) == ("image", "v2")
    assert (then["as"], then["record"]["tag"], then["commit"]) == ("replaced", "v1", second)
    assert (then["until"]["commit"], then["until"]["reason"], then["until"]["digest"]) == (removed, "broken", None)
    text = run("whence", digest("b"), "--format", "text").out
    assert f"is myorg/app:v2 ({AMD})\n" in text
    assert f"was myorg/app:v1 ({AMD})\n" in text
    assert "remove by Test Person <person@example.com>: broken" in text


def test_whence_follows_a_record_whose_platform_was_filled_in(run: Run, publish: Publish) -> None:
    first = publish("myorg/app:v1", "a")
    publish("myorg/app:v1", "a", "--platform", AMD)
    (match,) = whence(run, digest("a"))["matches"]
    assert (match["as"], match["commit"], match["record"]["platform"]) == ("image", first, AMD)


def test_whence_searches_all_versions_for_what_no_message_tells(run: Run, publish: Publish, upstream: Upstream) -> None:
    made = publish("myorg/app:v1", "a", "--index", digest("old"))
    until = publish("myorg/app:v1", "a", "--index", digest("new"))
    done = run("whence", digest("old"))
    assert f"reading all {len(upstream.commits())} versions of ledger.json" in done.err
    (match,) = done.json["matches"]
    assert (match["as"], match["commit"], match["until"]["commit"]) == ("index", made, until)
    assert match["record"]["index"] == digest("old")
    assert "reading" not in run("whence", digest("new")).err


def test_whence_reads_all_versions_at_once_where_a_record_changed_too_often(
    run: Run, publish: Publish, upstream: Upstream
) -> None:
    first = publish("a:v1", "a", "--index", digest("i"))
    one, stream = upstream.records()[0], [f"reset refs/heads/main\nfrom {first}\n"]
    for at in range(60):
        content = ledger_bytes(from_json(one | {"labels": {"n": str(at)}})).decode()
        message = f"set a:v1\n\nImage: a:v1\nDigest: {digest('a')}\n"
        stream.append(f"commit refs/heads/main\ncommitter A <a> 1764000000 +0000\ndata {len(message)}\n{message}\n")
        stream.append(f"M 100644 inline ledger.json\ndata {len(content)}\n{content}\n")
    upstream.git("fast-import", "--quiet", stdin="".join(stream).encode())
    found = run("whence", digest("i"))
    assert [(match["as"], match["commit"]) for match in found.json["matches"]] == [("index", first)]
    assert "reading all 62 versions" in found.err


def test_whence_repeats_no_lie(ledger: Run, run: Run, publish: Publish, upstream: Upstream) -> None:
    """A message names another digest than the record has: the one is not found, the other by a search."""
    publish("myorg/app:v1", "a")
    lie = f"publish myorg/app:v2\n\nImage: myorg/app:v2\nDigest: {digest('lie')}\nSource-Ref: {SOURCE}\n"
    content = ledger_bytes(record(digest=digest("a")), record(tag="v2", digest=digest("x")))
    made = move_branch(upstream, commit(upstream, lie, [upstream.tip()], {"ledger.json": content}))
    done = ledger("whence", digest("lie"), "--repo", upstream.url)
    assert done.code == 3
    (match,) = whence(run, digest("x"))["matches"]
    assert (match["as"], match["commit"]) == ("image", made)


def test_whence_of_nothing_is_refused_as_an_unknown_image(ledger: Run, upstream: Upstream, publish: Publish) -> None:
    publish("myorg/app:v1", "a")
    done = ledger("whence", digest("nope"), "--repo", upstream.url)
    assert done.code == 3
    assert f"neither the ledger nor its history has the digest {digest('nope')}" in done.err


@pytest.mark.parametrize("wanted", ["sha256:abc", "12345678901", digest()[:20].upper(), digest() + "0", "latest", ""])
def test_whence_of_no_digest_is_a_usage_error(ledger: Run, upstream: Upstream, wanted: str) -> None:
    done = ledger("whence", wanted, "--repo", upstream.url)
    assert done.code == 2
    assert "is malformed" in done.err


def test_the_beginning_of_several_digests_is_a_usage_error_that_lists_them(
    ledger: Run, run: Run, upstream: Upstream
) -> None:
    twins = [f"sha256:{'ab' * 10}{end * 44}" for end in "12"]
    for at, one in enumerate(twins):
        run("publish", f"myorg/app:v{at}@{one}", "--source", SOURCE)
    done = ledger("whence", "ab" * 6, "--repo", upstream.url)
    assert done.code == 2
    assert "is the beginning of 2 digests" in done.err
    assert all(one in done.err for one in twins)
    assert whence(run, "ab" * 10 + "1")["digest"] == twins[0]


@pytest.fixture
def dated(upstream: Upstream) -> list[str]:
    """Return three commits: an empty ledger, and two versions of a record, made on two days of 2030."""
    made = [upstream.tip()]
    for seed, at in (("a", "2030-01-01T12:00:00Z"), ("b", "2030-01-03T12:00:00Z")):
        made.append(_version(upstream, seed, at))
    return made


def _version(upstream: Upstream, seed: str, at: str) -> str:
    """Commit a version of a record, by a clock that says `at`."""
    tree = commit(upstream, "x", [upstream.tip()], {"ledger.json": ledger_bytes(record(digest=digest(seed)))})
    who = f"Other Writer <other@example.com> {int(datetime.fromisoformat(at).timestamp())} +0000"
    tree, parent = upstream.git("rev-parse", f"{tree}^{{tree}}"), upstream.tip()
    text = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\nby hand\n"
    return move_branch(upstream, upstream.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode()))


@pytest.mark.parametrize(
    ("at", "seed"),
    [
        ("2030-01-01T12:00:00Z", "a"),
        ("2030-01-03", "a"),
        ("2030-01-03T13:00:00+01:00", "b"),
        ("2030-02-01", "b"),
        ("main~1", "a"),
        ("main", "b"),
    ],
)
def test_get_and_list_show_the_ledger_as_it_was(run: Run, dated: list[str], at: str, seed: str) -> None:
    assert run("get", "myorg/app:v1", "--at", at, "--format", "digest").out == f"{digest(seed)}\n"
    assert [one["digest"] for one in run("list", "--at", at, "--format", "json").json] == [digest(seed)]


def test_get_at_works_in_a_checkout_whatever_its_files_say(
    ledger: Run, upstream: Upstream, dated: list[str], tmp_path: Path
) -> None:
    git("clone", "--quiet", upstream.url, tmp_path / "clone")
    (tmp_path / "clone/ledger.json").write_text("{}")
    done = ledger("get", "myorg/app:v1", "--at", dated[1], "--format", "digest", "--repo", tmp_path / "clone")
    assert (done.code, done.out) == (0, f"{digest('a')}\n")


def test_get_at_a_time_before_the_first_commit_is_a_usage_error(
    ledger: Run, upstream: Upstream, tmp_path: Path
) -> None:
    for at in ("2001-01-01", "1960-01-01"):
        done = ledger("get", "myorg/app:v1", "--repo", upstream.url, "--at", at)
        assert done.code == 2
        assert f"has no commit at or before {at}T00:00:00Z: its first one is of 20" in done.err
    git("clone", "--quiet", "--depth=1", upstream.url, tmp_path / "shallow")
    done = ledger("get", "myorg/app:v1", "--repo", tmp_path / "shallow", "--at", "2001-01-01")
    assert "git fetch --unshallow" in done.err


def test_what_was_not_there_yet_is_unknown(ledger: Run, upstream: Upstream, dated: list[str]) -> None:
    assert ledger("get", "myorg/app:v1", "--repo", upstream.url, "--at", dated[0]).code == 3


def test_a_commit_with_a_clock_that_was_wrong_counts_with_its_own_time(
    run: Run, upstream: Upstream, dated: list[str]
) -> None:
    """As in `git rev-list --first-parent --before`: nearest to the head among those that are not later."""
    _version(upstream, "z", "2030-01-02T00:00:00Z")
    assert run("get", "myorg/app:v1", "--at", "2030-01-01T13:00:00Z", "--format", "digest").out == f"{digest('a')}\n"
    assert run("get", "myorg/app:v1", "--at", "2030-01-02", "--format", "digest").out == f"{digest('z')}\n"


def test_history_is_read_from_a_remote_that_serves_no_blobs_before_they_are_asked_for(
    run: Run, publish: Publish, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.git("config", "uploadpack.allowFilter", "true")
    publish("myorg/app:v1", "a", "--index", digest("old"))
    publish("myorg/app:v1", "a", "--index", digest("new"))
    lines = [{"image": "many", "tag": f"v{at}", "digest": digest(at), "sourceRef": SOURCE} for at in range(120)]
    (tmp_path / "batch").write_text(json.dumps(lines))
    run("publish", "--from", tmp_path / "batch")
    assert len(log(run)) == 122
    assert whence(run, digest(5))["matches"][0]["record"]["image"] == "many"
    assert whence(run, digest("old"))["matches"][0]["as"] == "index"


@pytest.fixture
def partial(run: Run, upstream: Upstream, tmp_path: Path) -> Path:
    """Return a checkout that has the contents of no commit but its last."""
    upstream.git("config", "uploadpack.allowFilter", "true")
    upstream.git("config", "uploadpack.allowAnySHA1InWant", "true")
    for at in range(4):
        run("publish", f"a:v1@{digest('a')}", "--source", SOURCE, "--index", digest(at))
    git("clone", "--quiet", "--filter=blob:none", upstream.url, tmp_path / "partial")
    return tmp_path / "partial"


def test_what_a_partial_checkout_lacks_is_fetched_at_once(
    ledger: Run, upstream: Upstream, partial: Path, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    pack = f'#!/bin/sh\necho x >>{served}\nexec git upload-pack "$@"\n'
    (tmp_path / "pack").write_text(pack)
    (tmp_path / "pack").chmod(0o755)
    git("config", "remote.origin.uploadpack", tmp_path / "pack", cwd=partial)
    assert ledger("audit", "--repo", partial).code == 0
    assert ledger("whence", digest(1), "--repo", partial).json["matches"][0]["as"] == "index"
    assert served.read_text().count("x") == 1


def test_a_partial_checkout_whose_remote_is_gone_says_so(ledger: Run, upstream: Upstream, partial: Path) -> None:
    upstream.path.rename(upstream.path.with_name("gone.git"))
    for words in (("audit",), ("whence", digest(1)), ("get", "a:v1", "--at", "HEAD~1")):
        done = ledger(*words, "--repo", partial)
        assert done.code == 5
        assert "is a partial clone, and what it leaves out could not be fetched" in done.err


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

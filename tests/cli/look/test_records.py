"""`get` and `list`, and `--at`, which shows the ledger as it was."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.git.tamper import commit, move_branch
from tests.support.git.upstream import Upstream, git
from tests.support.values.clock import at_the_time_of, clock_says
from tests.support.values.make import SOURCE, digest, ledger_bytes, record, source
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def test_get_shows_the_records_of_an_image(ledger: Run, recorded: Upstream) -> None:
    done = ledger("get", "myorg/app:v1")
    assert done.code == 0
    assert done.json["digest"] == digest("i")
    assert [one["platform"] for one in done.json["records"]] == ["linux/amd64", "linux/arm64"]


def test_get_ref_is_what_docker_pull_takes(ledger: Run, recorded: Upstream) -> None:
    assert ledger("get", "myorg/app:v1", "--format", "ref").out == f"myorg/app@{digest('i')}\n"
    one = ledger("get", "myorg/app:v1", "--platform", "linux/arm64/v8", "--format", "ref")
    assert one.out == f"myorg/app@{digest('app-arm')}\n"
    assert ledger("get", "nginx:v1", "--format", "digest").out == digest("nginx") + "\n"


def test_get_of_several_images_without_an_index_asks_for_the_platform(ledger: Run, tmp_path: Path) -> None:
    """No write leaves such an image:tag; version 0.2 did."""
    images = [record(platform=platform, digest=digest(platform)) for platform in ("linux/amd64", "linux/arm64")]
    (tmp_path / "ledger.json").write_bytes(ledger_bytes(*images))
    done = ledger("get", "myorg/app:v1", "--format", "ref", "--repo", tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "linux/amd64, linux/arm64" in done.err
    assert ledger("get", "myorg/app:v1", "--repo", tmp_path).json["digest"] is None


def test_get_of_what_is_not_there_is_refused_with_a_way_on(ledger: Run, recorded: Upstream) -> None:
    done = ledger("get", "myorg/app:v9")
    assert (done.code, done.out) == (3, "")
    assert "ledger list 'myorg/app'" in done.err
    assert (
        "its platforms are: linux/amd64, linux/arm64"
        in ledger("get", "myorg/app:v1", "--platform", "windows/amd64").err
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ["app-amd", "app-arm", "app2", "nginx", "web-amd", "web-arm"]),
        (["myorg/*"], ["app-amd", "app-arm", "app2", "web-amd", "web-arm"]),
        (["*:v2"], ["app2"]),
        (["myorg/app"], ["app-amd", "app-arm", "app2"]),
        (["--label", "env=prod"], ["app-amd", "nginx"]),
        (["--label", "env=prod", "--label", "team=edge"], ["nginx"]),
        (["--source", source("web")[-40:]], ["web-amd", "web-arm"]),
        (["--since", "2026-11-25"], ["app2"]),
        (["--since", "2026-11-24T09:30:00Z"], ["app-amd", "app-arm", "app2", "nginx", "web-amd", "web-arm"]),
        (["nothing"], []),
    ],
)
def test_list_answers_queries(ledger: Run, recorded: Upstream, words: list[str], found: list[str]) -> None:
    done = ledger("list", *words, "--format", "jsonl")
    assert done.code == 0
    assert sorted(one["digest"] for one in done.json_lines) == sorted(digest(seed) for seed in found)


def test_list_sorts_by_version(ledger: Run, repo: Upstream) -> None:
    for tag in ("1.9.0", "1.10.0", "1.10.0-alpine", "latest"):
        ledger("publish", f"a:{tag}@{digest(tag)}", "--source", SOURCE, "--published-at", "2026-01-01T00:00:00Z")
    found = {order: [one["tag"] for one in ledger("list", "--sort", order, "--format", "json").json]
             for order in ("image", "version", "published")}  # fmt: skip
    assert found["image"] == ["1.10.0", "1.10.0-alpine", "1.9.0", "latest"]
    assert found["version"] == found["published"] == ["1.10.0", "1.10.0-alpine", "1.9.0", "latest"]
    assert [one["tag"] for one in ledger("list", "--latest", "--format", "json").json] == ["1.10.0"]
    assert ledger("list", "--sort", "size").code == 2
    assert [line.split()[1] for line in ledger("list").out.splitlines()[1:]] == found["version"]
    assert ledger("list", "--sort", "image").out.splitlines()[1].split()[1] == "1.10.0"


def test_list_stops_at_a_limit_and_says_how_many_more_there_are(ledger: Run, recorded: Upstream) -> None:
    whole = ledger("list", "--format", "json").json
    some = ledger("list", "--limit", "2", "--format", "json")
    assert (some.json, some.err) == (whole[:2], "note: 4 more records beyond the limit\n")
    assert ledger("list", "--limit", "6", "--format", "json").err == ""
    newest = ledger("list", "--limit", "1", "--sort", "published")
    assert newest.out.splitlines()[1].split()[:2] == ["myorg/app", "v2"]
    for wrong in ("0", "x", "1.5"):
        assert ledger("list", "--limit", wrong).code == 2
    assert recorded.tags()


def test_list_expired_is_by_the_records_own_ttl(ledger: Run, repo: Upstream) -> None:
    old = ("--ttl", "1d", "--published-at", "2020-01-01T00:00:00Z")
    with at_the_time_of(old):
        ledger("publish", f"a:old@{digest()}", "--source", SOURCE, *old)
    ledger("publish", f"a:kept@{digest()}", "--source", SOURCE, "--published-at", "2020-01-01T00:00:00Z")
    assert [one["tag"] for one in ledger("list", "--expired", "--format", "json").json] == ["old"]


def test_list_formats_say_the_same(ledger: Run, recorded: Upstream) -> None:
    as_json = ledger("list", "--format", "json").json
    assert ledger("list", "--format", "jsonl").json_lines == as_json == recorded.records()
    rows = list(csv.DictReader(io.StringIO(ledger("list", "--format", "csv").out)))
    assert [row["digest"] for row in rows] == [one["digest"] for one in as_json]
    table = ledger("list").out.splitlines()
    assert table[0].split() == ["IMAGE", "TAG", "PLATFORM", "DIGEST", "PUBLISHED", "SOURCE"]
    assert len(table) == len(as_json) + 1


def test_what_list_prints_as_json_lines_publish_takes(ledger: Run, recorded: Upstream, tmp_path: Path) -> None:
    lines = ledger("list", "--format", "jsonl").out
    (tmp_path / "lines").write_text(lines)
    copy = Upstream.create(tmp_path / "copy.git")
    with clock_says("2026-11-25T00:00:00Z"):  # when what has expired since had not
        assert ledger("publish", "--from", tmp_path / "lines", "--repo", copy.url).code == 0
    assert copy.content() == recorded.content()


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
        assert f"has no commit at or before {at}T00:00:00Z: its first is from 20" in done.err
    git("clone", "--quiet", "--depth=1", upstream.url, tmp_path / "shallow")
    done = ledger("get", "myorg/app:v1", "--repo", tmp_path / "shallow", "--at", "2001-01-01")
    assert "git fetch --unshallow" in done.err


def test_what_was_not_there_yet_is_unknown(ledger: Run, upstream: Upstream, dated: list[str]) -> None:
    assert ledger("get", "myorg/app:v1", "--repo", upstream.url, "--at", dated[0]).code == 3


def test_a_commit_that_claims_to_be_older_than_its_parent_counts_as_made_with_it(
    run: Run, upstream: Upstream, dated: list[str]
) -> None:
    _version(upstream, "z", "2030-01-02T00:00:00Z")
    for at, seed in [("2030-01-01T13:00:00Z", "a"), ("2030-01-02", "a"), ("2030-01-03T12:00:00Z", "z")]:
        assert run("get", "myorg/app:v1", "--at", at, "--format", "digest").out == f"{digest(seed)}\n"


def test_a_commit_whose_date_the_later_ones_contradict_does_not_hide_them(
    run: Run, upstream: Upstream, dated: list[str]
) -> None:
    _version(upstream, "z", "2999-01-01T00:00:00Z")
    for seed, day in (("c", 4), ("d", 5)):
        _version(upstream, seed, f"2030-01-0{day}T00:00:00Z")
    for at, seed in [("2030-01-03T13:00:00Z", "b"), ("2030-01-04T01:00:00Z", "c"), ("2030-02-01", "d")]:
        assert run("get", "myorg/app:v1", "--at", at, "--format", "digest").out == f"{digest(seed)}\n"

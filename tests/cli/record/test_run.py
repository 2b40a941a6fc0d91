"""Who did it: each write says which CI run made it and who started that, and whoever looks is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream, git
from tests.support.registries.world import World
from tests.support.values import squashes
from tests.support.values.clock import at_the_time_of
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]
RUN = "https://github.com/octocat/Hello-World/actions/runs/"
OLD = ("--ttl", "1d", "--published-at", "2026-01-01T00:00:00Z")


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that makes this a run of GitHub Actions with a number, started by an actor of that number."""

    def start(number: int) -> None:
        variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "octocat/Hello-World",
            "GITHUB_RUN_ID": str(number),
            "GITHUB_ACTOR": f"alice{number}[bot]",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return start


def publish(run: Run, name: str, seed: object, *options: object) -> Outcome:
    with at_the_time_of(options):
        return run("publish", f"{name}@{digest(seed)}", "--source", SOURCE, "--offline", *options)


def claimed(upstream: Upstream, revision: str = "main") -> tuple[str, str]:
    """Return what git's own parser finds; the last trailer is the transaction's."""
    trailers = upstream.trailers(revision)
    assert trailers[-1][0] == "Transaction-Id"
    assert [name for name, _ in trailers].count("Run") == 1
    assert [name for name, _ in trailers[-3:]] == ["Run", "Actor", "Transaction-Id"]
    return trailers[-3][1], trailers[-2][1]


def test_every_write_says_which_run_made_it_and_no_author_changes(
    run: Run, upstream: Upstream, job: Callable[[int], None]
) -> None:
    writes: list[tuple[str, ...]] = [
        ("set", "*", "--label", "env=prod"),
        ("yank", "app:v1", "--reason", "crashes"),
        ("yank", "app:v1", "--undo", "--reason", "it does not"),
        ("remove", "app:v1", "--reason", "over"),
        ("prune", "--yes"),
    ]
    job(1)
    publish(run, "app:v1", "a")
    assert claimed(upstream) == (f"{RUN}1", "alice1[bot]")
    publish(run, "app:pr-1", "b", *OLD)
    publish(run, "app:v2", "c")
    for number, words in enumerate(writes, 2):
        job(number)
        run(*words)
        assert claimed(upstream) == (f"{RUN}{number}", f"alice{number}[bot]"), words
    assert upstream.git("log", "-1", "--format=%an <%ae>") == "Test Person <person@example.com>"
    assert run("audit").code == 0


def test_an_unchanged_record_from_another_run_is_no_commit(
    run: Run, upstream: Upstream, job: Callable[[int], None]
) -> None:
    job(1)
    publish(run, "app:v1", "a")
    tip = upstream.tip()
    job(2)
    assert publish(run, "app:v1", "a").json["changed"] is False
    assert upstream.tip() == tip


def test_a_batch_says_it_once_and_one_that_only_counts_too(
    run: Run, upstream: Upstream, job: Callable[[int], None], tmp_path: Path
) -> None:
    job(1)
    for count in (2, 120):
        lines = [
            f'{{"image":"app{count}","tag":"v{at}","digest":"{digest(at)}","sourceRef":"{SOURCE}"}}'
            for at in range(count)
        ]
        (tmp_path / "batch").write_text("\n".join(lines))
        run("publish", "--offline", "--from", tmp_path / "batch")
        assert claimed(upstream) == (f"{RUN}1", "alice1[bot]")
    entries = run("log", "--format", "json").json["entries"]
    assert {(one["run"], one["actor"]) for one in entries} == {(f"{RUN}1", "alice1[bot]")}
    assert len(entries) == 122
    assert run("audit").code == 0


def test_log_whence_and_diff_show_it_and_old_commits_without_are_fine(
    run: Run, upstream: Upstream, job: Callable[[int], None]
) -> None:
    publish(run, "app:v1", "a")
    start = upstream.tip()
    job(7)
    publish(run, "app:v1", "b", "--force", "--reason", "rebuilt")
    logged = run("log", "--format", "json").json
    check_schema("log-v1", logged)
    assert [(one["run"], one["actor"]) for one in logged["entries"]] == [(f"{RUN}7", "alice7[bot]"), (None, None)]
    header, newest, first = run("log").out.splitlines()
    assert header.split()[-4:] == ["BY", "ACTOR", "REASON", "RUN"]
    assert newest.endswith(f"{RUN}7")
    assert "alice7[bot]" in newest
    assert "alice" not in first
    found = run("whence", digest("a")).json
    check_schema("whence-v1", found)
    (match,) = found["matches"]
    assert (match["run"], match["actor"]) == (None, None)
    assert (match["until"]["run"], match["until"]["actor"]) == (f"{RUN}7", "alice7[bot]")
    assert f"  run       {RUN}7, started by alice7[bot]\n" in run("whence", digest("b"), "--format", "text").out
    changes = run("diff", start, "--format", "json").json
    check_schema("diff-v1", changes)
    assert changes["changes"][0]["runs"] == [{"run": f"{RUN}7", "actor": "alice7[bot]"}]
    assert f"    run: {RUN}7, started by alice7[bot]\n" in run("diff", start).out
    assert f"- run: [`{RUN}7`]({RUN}7) started by `alice7[bot]`\n" in run("diff", start, "--format", "markdown").out


def test_diff_shows_only_the_runs_of_what_is_left_and_reads_what_a_message_does_not_list(
    run: Run, upstream: Upstream, job: Callable[[int], None], tmp_path: Path
) -> None:
    start = upstream.tip()
    job(1)
    publish(run, "app:v1", "a")
    publish(run, "gone:v1", "g")
    job(2)
    publish(run, "app:v1", "b", "--force", "--reason", "rebuilt")
    run("set", "app:*", "--label", "a=b")
    job(3)
    run("set", "app:*", "--label", "c=d")
    run("remove", "gone:v1", "--reason", "over")
    lines = [f'{{"image":"many","tag":"v{at}","digest":"{digest(at)}","sourceRef":"{SOURCE}"}}' for at in range(101)]
    (tmp_path / "batch").write_text("\n".join(lines))
    run("publish", "--offline", "--from", tmp_path / "batch")
    upstream.commit_as_other_writer(
        {"ledger.json": upstream.content().replace(b"c", b"c")}, "Run: https://x.example.com/1"
    )
    changes = run("diff", start, "--format", "json").json["changes"]
    runs = {(one["image"], one["tag"]): [told["run"] for told in one["runs"]] for one in changes}
    assert runs["app", "v1"] == [f"{RUN}2", f"{RUN}3"]
    assert runs["many", "v7"] == [f"{RUN}3"]
    assert ("gone", "v1") not in runs


def test_a_conflict_names_the_run_that_published_what_is_recorded(
    ledger: Run, run: Run, upstream: Upstream, job: Callable[[int], None]
) -> None:
    job(4)
    publish(run, "app:v1", "a")
    commit = upstream.tip()[:12]
    job(5)
    run("set", "*", "--label", "env=prod")
    refused = ledger("publish", f"app:v1@{digest('b')}", "--source", SOURCE, "--offline", "--repo", upstream.url)
    assert refused.code == 3
    assert f"in ledger commit {commit} by the run {RUN}4, started by alice4[bot]\n\nrecorded sha256" in refused.err


def test_the_squash_of_a_host_still_tells_the_run_of_each_record(
    run: Run, upstream: Upstream, job: Callable[[int], None]
) -> None:
    start = upstream.tip()
    for number, name in enumerate(("app:v1", "other:v1"), 1):
        job(number)
        publish(run, name, number)
    messages = [upstream.message(commit) for commit in reversed(upstream.commits()[:2])]
    content = upstream.content()
    for written in squashes.FORMATS.values():
        upstream.git("update-ref", "refs/heads/main", start)
        upstream.commit_as_other_writer({"ledger.json": content}, written(messages))
        entries = run("log", "--format", "json").json["entries"]
        assert {one["image"]: one["run"] for one in entries} == {"app": f"{RUN}1", "other": f"{RUN}2"}
        changes = run("diff", start, "--format", "json").json["changes"]
        assert [[told["actor"] for told in one["runs"]] for one in changes] == [["alice1[bot]"], ["alice2[bot]"]]
        assert run("audit").code == 0


def test_a_claim_that_ledger_would_not_write_is_shown_by_nobody(run: Run, upstream: Upstream) -> None:
    start = upstream.tip()
    text = f"publish app:v1\n\nImage: app:v1\nDigest: {digest()}\nSource-Ref: {SOURCE}\n"
    text += "Run: javascript:alert(1)\nActor: a\x1b[2Jb\nTransaction-Id: 12\n"
    content = ledger_bytes(record("app", "v1"))
    upstream.commit_as_other_writer({"ledger.json": content}, text)
    shown = "".join(
        run(*words).out
        for words in (
            ("log",), ("log", "--format", "json"), ("whence", digest(), "--format", "text"),
            ("diff", start), ("diff", start, "--format", "markdown"), ("audit",), ("check", "--base", start),
        )
    )  # fmt: skip
    assert "javascript" not in shown
    assert "[2J" not in shown


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LEDGER_RUN", "https://alice:hunter2@ci.example.com/1"),
        ("LEDGER_RUN", "file:///etc/passwd"),
        ("LEDGER_RUN", "https://ci.example.com/1\nReason: forged"),
        ("LEDGER_ACTOR", "alice\nReason: forged"),
        ("LEDGER_ACTOR", "alice \x1b[2J"),
        ("LEDGER_ACTOR", "ghp_0123456789abcdef"),
    ],
)
def test_a_bad_value_of_ours_is_refused_before_anything_is_written_and_readers_do_not_mind(
    ledger: Run, run: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    publish(run, "app:v1", "a")
    tip = upstream.tip()
    monkeypatch.setenv("DEPLOY_TOKEN", "ghp_0123456789abcdef")
    monkeypatch.setenv(variable, value)
    for words in (
        ("set", "*", "--label", "a=b"),
        ("remove", "app:v1", "--reason", "x", "--dry-run"),
        ("prune", "--yes"),
    ):
        done = ledger(*words, "--repo", upstream.url)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"error: {variable}: ")
        assert "hunter2" not in done.err
        assert "ghp_" not in done.err
        assert "\x1b" not in done.err
    assert upstream.tip() == tip
    assert run("list").code == 0


def test_ledgers_own_variables_are_for_other_systems_and_count_first(
    run: Run, upstream: Upstream, job: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    job(1)
    monkeypatch.setenv("LEDGER_RUN", "https://tekton.example.com/#/namespaces/ci/pipelineruns/7")
    publish(run, "app:v1", "a")
    assert claimed(upstream) == ("https://tekton.example.com/#/namespaces/ci/pipelineruns/7", "alice1[bot]")


def test_what_a_ci_system_says_amiss_is_noted_and_left_out(
    run: Run, upstream: Upstream, job: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    job(1)
    monkeypatch.setenv("GITHUB_ACTOR", "al\u202eice")
    done = publish(run, "app:v1", "a")
    assert "note: the actor that GitHub Actions names is left out of the commit: " in done.err
    assert [name for name, _ in upstream.trailers()][-2:] == ["Run", "Transaction-Id"]


def test_what_reconcile_adopts_says_it_too(world: World, job: Callable[[int], None]) -> None:
    world.pushed("v1")
    source = {"source": "https://git.example.com/team/app", "revision": "a" * 40}
    world.push("v2", labels={f"org.opencontainers.image.{name}": value for name, value in source.items()})
    job(9)
    assert world.reconcile("--adopt").code == 0
    assert claimed(world.upstream) == (f"{RUN}9", "alice9[bot]")


def test_a_local_commit_in_a_checkout_says_it_too(
    ledger: Run, upstream: Upstream, job: Callable[[int], None], tmp_path: Path
) -> None:
    git("clone", "--quiet", upstream.path, tmp_path / "clone")
    job(3)
    words = (
        "publish",
        f"app:v1@{digest()}",
        "--source",
        SOURCE,
        "--offline",
        "--no-push",
        "--repo",
        tmp_path / "clone",
    )
    assert ledger(*words).code == 0
    assert f"Run: {RUN}3\nActor: alice3[bot]\n" in git("-C", tmp_path / "clone", "log", "-1", "--format=%B")

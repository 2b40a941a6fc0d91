"""`prune` of the ledger alone: a dry run unless told otherwise, and one commit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.git.checker import check_history
from tests.support.git.upstream import Upstream
from tests.support.values.clock import at_the_time_of
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """Return a ledger with pull requests that are 5, 10, 20 and 40 days old, and live for a week."""
    records = [record("myorg/app", f"pr-{days}", publishedAt=ago(days), ttl="7d") for days in (5, 10, 20, 40)]
    old = record("myorg/app", "v1", publishedAt=ago(400))
    upstream = Upstream.create(tmp_path / "filled.git", ledger_bytes(*records, old))
    monkeypatch.setenv("LEDGER_REPO", upstream.url)
    return upstream


def test_a_prune_is_a_dry_run_and_with_yes_one_commit_that_says_so(ledger: Run, filled: Upstream) -> None:
    tip = filled.tip()
    dry = ledger("prune")
    assert (dry.code, dry.err) == (0, "dry run: would prune 3 records of 3 tags; add `--yes` to do it\n")
    assert [line.split()[:2] for line in dry.out.splitlines()[1:]] == [
        ["prune", "myorg/app:pr-10"], ["prune", "myorg/app:pr-20"], ["prune", "myorg/app:pr-40"],
    ]  # fmt: skip
    assert filled.tip() == tip
    listed = ledger("list", "--expired", "--format", "json").json
    done = ledger("prune", "--yes", "--format", "json")
    assert (done.code, done.json["expired"]) == (0, listed)
    assert done.json["commit"] == filled.tip()
    assert done.err == f"pruned 3 records of 3 tags in {filled.tip()[:12]}\n"
    assert filled.git("rev-parse", "main^") == tip
    assert filled.tags() == {"pr-5", "v1"}
    assert filled.message().startswith("prune 3 images\n")
    assert [value for name, value in filled.trailers() if name in ("Image", "Reason")] == [
        "myorg/app:pr-10", "myorg/app:pr-20", "myorg/app:pr-40", "expired",
    ]  # fmt: skip
    check_history(filled.path)


def test_a_prune_with_nothing_to_remove_makes_no_commit(ledger: Run, filled: Upstream) -> None:
    ledger("prune", "--yes")
    tip = filled.tip()
    done = ledger("prune", "--yes")
    coming = next(record for record in filled.records() if record["tag"] == "pr-5")
    at = (datetime.fromisoformat(coming["publishedAt"]) + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (done.code, done.out, done.err) == (0, "", f"nothing to prune; the next is myorg/app:pr-5, at {at}\n")
    assert ledger("prune", "--format", "json").json["next"] == {"record": coming, "at": at}
    assert ledger("prune", "--keep", "5").err == "nothing to prune\n"
    assert len(ledger("prune", "--now", at, "--format", "json").json["expired"]) == 1
    assert filled.tip() == tip


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--keep", "2"], {"pr-5", "pr-10", "v1"}),
        (["--older-than", "30d"], {"pr-5", "pr-10", "pr-20", "v1"}),
        (["*:pr-1*", "*:pr-2*"], {"pr-5", "pr-40", "v1"}),
        (["*:pr-1*", "*:pr-2*", "--keep", "1"], {"pr-5", "pr-10", "pr-40", "v1"}),
        (["other/*"], {"pr-5", "pr-10", "pr-20", "pr-40", "v1"}),
    ],
)
def test_options_keep_the_newest_the_young_and_what_no_pattern_names(
    ledger: Run, filled: Upstream, options: list[str], left: set[str]
) -> None:
    assert ledger("prune", "--yes", *options).code == 0
    assert filled.tags() == left


def test_the_last_tag_of_an_image_goes_only_if_asked(ledger: Run, filled: Upstream) -> None:
    assert ledger("remove", "myorg/app:v1", "myorg/app:pr-5", "--reason", "over").code == 0
    done = ledger("prune", "--yes", "--format", "json")
    assert [(one["record"]["tag"], one["reason"]) for one in done.json["kept"]] == [
        ("pr-10", "pr-10 is the last tag of its image")
    ]
    assert filled.tags() == {"pr-10"}
    assert ledger("prune").err == "nothing to prune, 1 expired record kept\n"
    assert ledger("prune", "--yes", "--last").code == 0
    assert filled.tags() == set()


def test_a_ttl_of_ledger_yaml_is_the_one_that_was_stored_when_published(ledger: Run, filled: Upstream) -> None:
    settings = b'tags:\n  ttl: {"pr-*": 7d}\n'
    filled.commit_as_other_writer({"ledger.yaml": settings, "ledger.json": ledger_bytes(record("myorg/app", "v1"))})
    words = ("--source", SOURCE, "--published-at", ago(30))
    with at_the_time_of(words):
        assert ledger("publish", f"myorg/app:pr-1@{digest('1')}", *words).code == 0
        assert ledger("publish", f"myorg/app:pr-2@{digest('2')}", *words).code == 0
    assert ledger("set", "myorg/app:pr-2", "--ttl", "none").code == 0
    assert ledger("prune", "--yes").code == 0
    assert filled.tags() == {"pr-2", "v1"}  # who takes a TTL away means it


@pytest.mark.parametrize(
    "options", [["--keep", "-1"], ["--keep", "x"], ["--older-than", "soon"], ["--format", "yaml"], ["--jobs", "0"]]
)
def test_what_makes_no_sense_is_a_usage_error(ledger: Run, filled: Upstream, options: list[str]) -> None:
    assert ledger("prune", "--yes", *options).code == 2
    assert len(filled.tags()) == 5


def test_in_a_checkout_without_a_push_the_commit_stays_there(ledger: Run, filled: Upstream) -> None:
    tip = filled.tip()
    filled.git("clone", "--quiet", filled.path, filled.path.parent / "checkout")
    done = ledger("prune", "--yes", "--no-push", "--repo", filled.path.parent / "checkout")
    assert done.code == 0, done.err
    assert filled.tip() == tip

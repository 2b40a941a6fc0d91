"""`yank`, its `--undo`, and who leaves out what is yanked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.git.checker import check_history
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
AMD, ARM = "linux/amd64", "linux/arm64"


@pytest.fixture
def filled(ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """Return a ledger of two versions of an image, the newer one for two platforms."""
    monkeypatch.setenv("LEDGER_REPO", upstream.url)
    for tag, platform, at in (("v1", AMD, "01"), ("v2", AMD, "02"), ("v2", ARM, "02")):
        words = [
            "--platform",
            platform,
            "--index",
            digest(tag),
            "--source",
            SOURCE,
            "--published-at",
            f"2026-11-{at}T00:00:00Z",
        ]
        assert ledger("publish", f"myorg/app:{tag}@{digest(tag + platform)}", *words).code == 0
    return upstream


def latest(ledger: Run) -> set[str]:
    return {one["tag"] for one in ledger("list", "--latest", "--format", "json").json}


def test_a_yanked_image_stays_is_warned_about_and_is_not_the_latest(ledger: Run, filled: Upstream) -> None:
    assert latest(ledger) == {"v2"}
    done = ledger("yank", "myorg/app:v2", "--reason", "crashes on start")
    assert (done.code, done.err) == (0, f"yanked myorg/app:v2 in {filled.tip()[:12]}\n")
    assert {one["yanked"]["reason"] for one in done.json["records"]} == {"crashes on start"}
    assert latest(ledger) == {"v1"}
    got = ledger("get", "myorg/app:v2")
    assert got.code == 0
    assert "warning: myorg/app:v2 is yanked: crashes on start" in got.err
    assert filled.message().startswith("yank myorg/app:v2\n")
    assert [pair for pair in filled.trailers() if pair[0] not in ("Source-Ref", "Transaction-Id")] == [
        ("Image", "myorg/app:v2"),
        ("Platform", AMD), ("Digest", digest("v2" + AMD)),
        ("Platform", ARM), ("Digest", digest("v2" + ARM)),
        ("Reason", "crashes on start"),
    ]  # fmt: skip
    check_history(filled.path)


def test_undo_is_a_commit_with_a_reason_of_its_own(ledger: Run, filled: Upstream) -> None:
    before = filled.content()
    ledger("yank", "myorg/app:v2", "--reason", "crashes on start")
    done = ledger("yank", "myorg/app:v2", "--undo", "--reason", "it was the network")
    assert (done.code, done.err) == (0, f"unyanked myorg/app:v2 in {filled.tip()[:12]}\n")
    assert filled.content() == before
    assert filled.message().startswith("unyank myorg/app:v2\n")
    assert ("Reason", "it was the network") in filled.trailers()
    assert latest(ledger) == {"v2"}
    check_history(filled.path)


def test_yank_of_one_platform_leaves_the_other_the_latest(ledger: Run, filled: Upstream) -> None:
    assert ledger("yank", "myorg/app:v2", "--platform", ARM, "--reason", "crashes").code == 0
    found = ledger("list", "--latest", "--format", "json").json
    assert [(one["tag"], one["platform"]) for one in found] == [("v2", AMD)]


def test_nothing_is_committed_for_what_is_yanked_already_or_only_tried(ledger: Run, filled: Upstream) -> None:
    tried = ledger("yank", "myorg/app:v1", "--reason", "old", "--dry-run")
    assert (tried.code, tried.err) == (0, "dry run: would have yanked myorg/app:v1\n")
    assert len(filled.commits()) == 4
    assert ledger("yank", "myorg/app:v1", "--reason", "old").code == 0
    again = ledger("yank", "myorg/app:v1", "--reason", "old")
    assert (again.code, again.json["changed"]) == (0, False)
    assert again.err == "nothing to do: myorg/app:v1 is already yanked with that reason\n"
    assert (
        ledger("yank", "myorg/app:v2", "--undo", "--reason", "x").err == "nothing to do: myorg/app:v2 is not yanked\n"
    )
    assert len(filled.commits()) == 5


def test_yank_asks_for_a_reason_and_for_images_that_are_there(ledger: Run, filled: Upstream) -> None:
    for undo in ((), ("--undo",)):
        assert ledger("yank", "myorg/app:v1", *undo).code == 2
        assert ledger("yank", "myorg/app:v1", "--reason", " ", *undo).code == 2
        assert ledger("yank", "myorg/app:v1", "myorg/app:v9", "--reason", "x", *undo).code == 3
    assert ledger("yank", "myorg/app:v1", "--reason", "x\nImage: y:v1").code == 2
    assert len(filled.commits()) == 4


def test_latest_and_expired_exclude_each_other(ledger: Run, filled: Upstream) -> None:
    assert ledger("list", "--latest", "--expired").code == 2

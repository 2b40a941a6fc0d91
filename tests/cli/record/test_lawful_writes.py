"""No write does what `check` refuses of its commit: that a record expires at once, or lacks what the team requires."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.pull import Pull
from tests.support.git.upstream import Upstream
from tests.support.values.clock import clock_says
from tests.support.values.make import SOURCE, WHEN, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
OLD = ("--published-at", "2026-01-01T00:00:00Z")
PUBLISH = ("publish", f"app:pr-1@{digest()}", "--source", SOURCE, "--offline", *OLD)
SETTINGS = 'tags:\n  mutable: ["pr-*"]\n  ttl: {"pr-*": 7d}\n'


@pytest.fixture
def url(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    monkeypatch.setenv("LEDGER_REPO", upstream.url)
    return upstream


@pytest.mark.parametrize("how", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("", (*PUBLISH, "--ttl", "1d")),
        (SETTINGS, PUBLISH),  # by the TTL that ledger.yaml has for the tag
        ("", ("set", "app", "--ttl", "1d")),
        ("", ("set", "app:v1", "--label", "a=b", "--ttl", "1m")),
    ],
)
def test_a_write_by_which_a_record_would_expire_at_once_is_refused(
    ledger: Run, url: Upstream, settings: str, words: tuple[str, ...], how: tuple[str, ...]
) -> None:
    url.commit_as_other_writer({"ledger.yaml": settings.encode()})
    assert ledger("publish", f"app:v1@{digest('v1')}", "--source", SOURCE, "--offline", *OLD).code == 0
    tip = url.tip()
    done = ledger(*words, *how)
    assert (done.code, done.out, url.tip()) == (3, "", tip)
    assert "published 2026-01-01T00:00:00Z, expires at once by its TTL of" in done.err
    assert "hint: give it a longer TTL with `--ttl`" in done.err


def test_all_that_would_expire_at_once_is_named(ledger: Run, url: Upstream) -> None:
    for number in range(6):
        named = f"app:v{number}@{digest(number)}"
        assert ledger("publish", named, "--source", SOURCE, "--offline", *OLD).code == 0
    done = ledger("set", "app", "--ttl", "1d")
    assert done.code == 3
    assert "error: app:v0, published" in done.err
    assert "; so do app:v1, app:v2, app:v3, …" in done.err


def test_what_has_expired_already_may_change_otherwise(ledger: Run, url: Upstream) -> None:
    with clock_says(WHEN):
        assert ledger("publish", f"app:pr-1@{digest()}", "--source", SOURCE, "--offline", "--ttl", "1d").code == 0
    assert ledger("set", "app", "--label", "a=b").code == 0
    assert ledger("yank", "app:pr-1", "--reason", "crashes").code == 0
    assert ledger("set", "app", "--ttl", "999w").code == 0
    assert [(one["tag"], one["ttl"]) for one in url.records()] == [("pr-1", "999w")]


def test_the_same_image_for_another_platform_is_no_way_around(ledger: Run, url: Upstream) -> None:
    """It takes over the time and the TTL of the record that is there."""
    plain = ("publish", f"app:pr-1@{digest()}", "--source", SOURCE, "--offline", "--platform")
    with clock_says(WHEN):
        assert ledger(*plain, "linux/amd64", "--ttl", "1d").code == 0
    assert ledger(*plain, "linux/arm64").code == 3
    assert ledger(*plain, "linux/arm64", "--ttl", "999w").code == 0


def test_the_same_image_for_another_platform_needs_what_the_team_requires_by_now(ledger: Run, url: Upstream) -> None:
    """It takes over the facts of the record that is there, from before the team required another one."""
    plain = ("publish", f"app:v1@{digest()}", "--source", SOURCE, "--offline", "--platform")
    assert ledger(*plain, "linux/amd64").code == 0
    url.commit_as_other_writer({"ledger.yaml": b"require: [labels.team]\n"})
    done = ledger(*plain, "linux/arm64")
    assert (done.code, "app:v1 has no labels.team, which ledger.yaml requires" in done.err) == (2, True), done.err
    assert ledger("yank", "app:v1", "--reason", "crashes").code == 0  # what is there already may change otherwise
    assert ledger(*plain, "linux/arm64", "--label", "team=core").code == 0


def test_what_a_write_refuses_check_refuses_if_it_is_written_by_hand(
    ledger: Run, upstream: Upstream, tmp_path: Path
) -> None:
    pull = Pull.open(upstream, tmp_path / "clone", ledger)
    old = record("app", "pr-1", publishedAt="2026-01-01T00:00:00Z", ttl="1d")
    pull.path().write_bytes(ledger_bytes(old))
    pull.commit(f"publish app:pr-1\n\nImage: app:pr-1\nDigest: {old.digest}\nSource-Ref: {SOURCE}\n")
    assert pull.rules() == ["ttl"]

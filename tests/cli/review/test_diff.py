"""`ledger diff`: what a pull request does, from real branches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.git.pull import Pull
from tests.support.git.servers import SshServer, http_server
from tests.support.git.upstream import Upstream
from tests.support.values.make import digest, ledger_bytes, record
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]
AMD, ARM = "linux/amd64", "linux/arm64"
GITHUB = "https://github.com/team/app"
OLD, NEW = f"{GITHUB}@{'1' * 40}", f"{GITHUB}@{'2' * 40}"
CVE = ("--force", "--reason", "CVE")
TOKEN = "ledger-token-0123456789"
BASE = (
    record("myorg/app", "v1.4.0", platform=AMD, index=digest("i4"), sourceRef=OLD),
    record("myorg/app", "v1.4.0", platform=ARM, index=digest("i4"), digest=digest("arm"), sourceRef=OLD),
    record("myorg/app", "latest", sourceRef=OLD),
    record("other", "v2", digest=digest("o")),
)


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream.create(tmp_path / "ledger.git", ledger_bytes(*BASE), "tags:\n  mutable: [latest]\n")


@pytest.fixture
def pull(upstream: Upstream, tmp_path: Path, ledger: Run) -> Pull:
    return Pull.open(upstream, tmp_path / "pull", ledger)


def changes(done: Outcome) -> list[dict[str, Any]]:
    assert done.code == 0, done.err
    check_schema("diff-v1", done.json)
    found: list[dict[str, Any]] = done.json["changes"]
    return found


def all_of_it(pull: Pull) -> None:
    """Make a pull request with everything in it."""
    pull.publish("myorg/app:v1.5.0", "amd", "--platform", AMD, "--index", digest("i"), source=NEW)
    pull.publish("myorg/app:v1.5.0", "arm5", "--platform", ARM, "--index", digest("i"), source=NEW)
    pull.publish("myorg/app:v1.4.0", "b", "--platform", AMD, "--index", digest("i4"), *CVE, source=NEW)
    pull.publish("myorg/app:latest", "b", source=NEW)
    pull.ledger("remove", "other:v2", "--reason", "superseded")


def test_each_image_and_tag_is_one_change(pull: Pull) -> None:
    all_of_it(pull)
    found = changes(pull.diff("--format", "json"))
    compare = f"{GITHUB}/compare/{'1' * 40}...{'2' * 40}"
    assert [
        (one["kind"], one["tag"], one["platforms"], one["direction"], one["compare"], one["immutable"]) for one in found
    ] == [
        ("moved", "v1.4.0", [AMD], "same", None, True),  # its platforms are from two commits now
        ("moved", "latest", [], "same", compare, False),  # from one v1.4.0 to the other
        ("added", "v1.5.0", [AMD, ARM], "upgrade", compare, True),
        ("removed", "v2", [], "unknown", None, True),
    ]
    assert found[0]["forced"] == {"replaces": digest(), "reason": "CVE"}
    assert found[2]["new"]["digest"] == digest("i")
    assert found[2]["previous"] == "v1.4.0"
    assert (found[3]["new"], found[3]["old"]["digest"]) == (None, digest("o"))


def test_text_and_markdown_say_the_same(pull: Pull) -> None:
    all_of_it(pull)
    text, markdown = pull.diff().out, pull.diff("--format", "markdown").out
    for words in ("4 image:tags", "2 moved (1 by force)", "1 added", "1 removed", "forced: ", digest("arm5")):
        assert words in text
        assert words in markdown
    assert text.index("CVE") < text.index("latest") < text.index("v1.5.0") < text.index("v2")


def test_it_starts_where_the_two_parted(upstream: Upstream, pull: Pull) -> None:
    pull.publish("myorg/app:v1.5.0", "5", source=NEW)
    pull.git("push", "--quiet", "origin", "pr")
    pull.git("checkout", "--quiet", "-B", "main", "origin/main")
    pull.publish("zzz:v1", "z")
    pull.git("push", "--quiet", "origin", "main")
    pull.git("checkout", "--quiet", "pr")
    done = pull.diff("--format", "json")
    assert [one["tag"] for one in changes(done)] == ["v1.5.0"]
    assert done.err == "note: origin/main is 1 commit ahead; only what was added since they parted is shown\n"
    assert [one["image"] for one in changes(pull.diff("main", "--format", "json", base="pr"))] == ["zzz"]
    for place in (upstream.url, upstream.path):
        there = pull.run("diff", "main", "pr", "--repo", place, "--format", "json")
        assert changes(there) == changes(done)


def test_files_that_no_commit_has_yet_are_shown_unless_a_revision_is_named(pull: Pull) -> None:
    pull.edit(digest("o"), digest("evil"))
    (change,) = changes(pull.diff("--format", "json"))
    assert (change["kind"], change["forced"]) == ("moved", None)
    assert "this tag is immutable, and nothing explains why it moves" in pull.diff().out
    assert pull.diff("HEAD").out == "no record changes\n"


@pytest.mark.parametrize("lazy", [True, False])
def test_over_ssh_and_http_with_nothing_but_a_credential(
    sshd: SshServer, upstream: Upstream, pull: Pull, ledger: Run, lazy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that can send files later does so, when they are read."""
    for setting in ("allowFilter", "allowAnySHA1InWant"):
        upstream.git("config", f"uploadpack.{setting}", str(lazy).lower())
    pull.publish("new:v1", "n")
    pull.git("push", "--quiet", "origin", "pr")

    def reviewed(url: str, *options: object) -> None:
        diff = ledger("diff", "main", "pr", "--repo", url, "--format", "json", *options)
        assert [one["image"] for one in changes(diff)] == ["new"]
        done = ledger("check", "--base", "main", "--branch", "pr", "--repo", url, *options)
        assert (done.code, done.out) == (0, ""), done.err

    reviewed(sshd.url(upstream.path), "--deploy-key", sshd.key, "--known-hosts", sshd.known_hosts)
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    with http_server(upstream.path.parent, TOKEN) as server:
        reviewed(server.url("ledger.git"))


def test_no_colour_where_nobody_sees_it(pull: Pull) -> None:
    all_of_it(pull)
    assert "\x1b" not in pull.diff().out


@pytest.mark.parametrize("words", [("nope",), ("origin/main", "nope"), ("--", "-x")])
def test_a_revision_that_is_not_there_is_a_usage_error(pull: Pull, words: tuple[str, ...]) -> None:
    done = pull.run("diff", "--repo", pull.folder, *words)
    assert (done.code, done.out) == (2, "")


def test_a_base_without_a_valid_ledger_is_said(upstream: Upstream, pull: Pull) -> None:
    upstream.commit_as_other_writer({"ledger.json": b"{}"})
    pull.git("fetch", "--quiet")
    pull.git("reset", "--quiet", "--hard", "origin/main")
    pull.path().write_bytes(ledger_bytes())
    done = pull.diff()
    assert (done.code, done.out) == (4, "")
    assert pull.git("rev-parse", "--short=12", "origin/main") in done.err


def test_ranges_mean_what_they_mean_to_git(upstream: Upstream, pull: Pull) -> None:
    """Three dots since they parted, two dots what differs: what only the base has done is undone, as a note says."""
    pull.publish("mine:v1", "m")
    later = [*BASE, record("theirs", "v1", digest=digest("t"))]
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(*later)})
    pull.git("fetch", "--quiet")
    pull.path().write_bytes(ledger_bytes(record("uncommitted", "v1")))

    def kinds(*words: str) -> dict[str, str]:
        done = pull.run("diff", *words, "--format", "json", "--repo", pull.folder)
        return {one["image"]: one["kind"] for one in changes(done)}

    assert kinds("origin/main...pr") == kinds("origin/main", "pr") == {"mine": "added"}
    assert kinds("origin/main...") == kinds("origin/main...HEAD") == {"mine": "added"}
    assert kinds("origin/main..pr") == kinds("origin/main..") == {"mine": "added", "theirs": "removed"}
    assert kinds("..origin/main") == {"mine": "removed", "theirs": "added"}
    assert kinds("...origin/main") == {"theirs": "added"}
    assert "uncommitted" in kinds("origin/main")
    for dots, what in (("..", "what they did is shown as undone"), ("...", "only what was added since they parted")):
        done = pull.run("diff", f"origin/main{dots}pr", "--repo", pull.folder)
        assert f"note: origin/main is 1 commit ahead; {what}" in done.err
    wrong = pull.run("diff", "main..pr", "HEAD", "--repo", pull.folder)
    assert (wrong.code, "is not one range of revisions" in wrong.err) == (2, True)


def test_a_range_over_the_network_ends_at_the_branch_that_is_named(upstream: Upstream, pull: Pull) -> None:
    pull.publish("mine:v1", "m")
    pull.git("push", "--quiet", "origin", "pr")
    done = pull.run("diff", "main..", "--branch", "pr", "--format", "json", "--repo", upstream.url)
    assert [one["image"] for one in changes(done)] == ["mine"]

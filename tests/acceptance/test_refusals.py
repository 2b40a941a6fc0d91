"""A server that refuses a push for good ends the run at once, with the right code; one that wants more gets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.servers import dulwich_server, file_server, http_server
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
TOKEN = "ledger-token-0123456789"


def _publish(ledger: Run, repo: str, *options: object) -> Outcome:
    where = ["--source", SOURCE, "--offline", "--repo", repo, "--verbose"]
    return ledger("publish", f"myorg/app:v1@{digest()}", *where, *options)


def _attempts(done: Outcome) -> int:
    return done.err.count("did not land")


def test_a_server_that_takes_no_push_from_a_shallow_clone_gets_one_from_a_whole_clone(
    ledger: Run, upstream: Upstream
) -> None:
    for number in range(3):
        upstream.commit_as_other_writer({"README.md": b"%d\n" % number})
    with dulwich_server(upstream.path) as url:
        done = _publish(ledger, url)
        assert done.code == 0, done.err
        assert upstream.tip() == done.json["commit"]
        assert "fetched the whole history" in done.err
        assert _publish(ledger, url).code == 0  # nothing to do


def test_a_server_that_refuses_a_shallow_push_without_saying_why_gets_one_from_a_whole_clone(
    ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.git("config", "http.receivepack", "true")
    upstream.commit_as_other_writer({"README.md": b"more\n"})
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    with http_server(upstream.path.parent, TOKEN) as server:
        server.whole_only = True
        done = _publish(ledger, server.url("ledger.git"))
    assert (done.code, _attempts(done)) == (0, 1), done.err


def test_a_push_that_is_larger_than_the_servers_limit_is_final_and_names_the_limit(
    ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.git("config", "http.receivepack", "true")
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    with http_server(upstream.path.parent, TOKEN) as server:
        server.limit = 200
        done = _publish(ledger, server.url("ledger.git"))
    assert (done.code, _attempts(done)) == (6, 1)
    assert "limits the size of a request (HTTP 413)" in done.err
    assert "client_max_body_size" in done.err


def test_a_repository_that_is_served_as_plain_files_is_a_usage_error(ledger: Run, upstream: Upstream) -> None:
    upstream.git("update-server-info")
    with file_server(upstream.path.parent) as url:
        for command in (_publish(ledger, f"{url}/ledger.git"), ledger("list", "--repo", f"{url}/ledger.git")):
            assert command.code == 2
            assert "served as plain files (dumb HTTP)" in command.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("error: GH006: Protected branch update failed for refs/heads/main.", "--pull-request"),
        ("FATAL: W refs/heads/main ledger alice DENIED by refs/heads/main", "in the server's rules"),
        ("GitLab: You can't push code to an archived project.", "unarchive it"),
    ],
)
def test_a_rule_of_the_host_is_final(ledger: Run, upstream: Upstream, words: str, hint: str) -> None:
    upstream.hook("update", f'echo "{words}" >&2; exit 1')
    done = _publish(ledger, upstream.url)
    assert (done.code, _attempts(done)) == (6, 1)
    assert words in done.err
    assert hint in done.err


def test_a_pack_that_is_larger_than_the_server_allows_is_final(ledger: Run, upstream: Upstream) -> None:
    upstream.git("config", "receive.maxInputSize", "10")
    done = _publish(ledger, upstream.url)
    assert (done.code, _attempts(done)) == (6, 1)
    assert "pack exceeds maximum allowed size" in done.err


def test_a_branch_that_is_checked_out_there_says_what_to_do(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    upstream.git("clone", "--quiet", upstream.path, tmp_path / "work")
    done = _publish(ledger, f"file://{tmp_path / 'work'}/.git")
    assert (done.code, _attempts(done)) == (6, 1)
    assert "make that repository bare" in done.err


def test_a_refusal_that_is_for_now_is_tried_again(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    upstream.once("update", 'echo "read-only for maintenance, try again later" >&2; exit 1', tmp_path / "once")
    done = _publish(ledger, upstream.url)
    assert (done.code, _attempts(done)) == (0, 1)

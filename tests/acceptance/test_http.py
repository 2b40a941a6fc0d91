"""A ledger over http and https with a token, against git's own HTTP backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.git.servers import HttpServer, http_server, make_certificate, silent_server
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
TOKEN = "ledger-token-0123456789"


@pytest.fixture
def served(upstream: Upstream) -> Iterator[HttpServer]:
    upstream.git("config", "http.receivepack", "true")
    with http_server(upstream.path.parent, TOKEN) as server:
        yield server


def _publish(ledger: Run, repo: str, *options: object) -> Outcome:
    return ledger("publish", f"myorg/app:v1@{digest()}", "--source", SOURCE, "--repo", repo, *options)


def test_a_token_in_the_environment_publishes(
    ledger: Run, served: HttpServer, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    done = _publish(ledger, served.url("ledger.git"))
    assert done.code == 0, done.err
    assert done.json["commit"] == upstream.tip()
    assert ("POST", "/ledger.git/git-receive-pack", "x-access-token") in served.requests


def test_https_with_a_private_ca_publishes(
    ledger: Run, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.git("config", "http.receivepack", "true")
    certificate, key = make_certificate(tmp_path)
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    with http_server(upstream.path.parent, TOKEN, (certificate, key)) as server:
        refused = _publish(ledger, server.url("ledger.git"))
        assert refused.code == 5
        assert "certificate" in refused.err
        monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
        done = _publish(ledger, server.url("ledger.git"))
        assert done.code == 0, done.err
    assert done.json["commit"] == upstream.tip()


def test_a_user_name_in_the_url_goes_with_the_token(
    ledger: Run, served: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitLab's job tokens want the user name `gitlab-ci-token`."""
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    done = _publish(ledger, served.url("ledger.git").replace("://", "://gitlab-ci-token@"))
    assert done.code == 0, done.err
    assert {user for _, _, user in served.requests} == {"gitlab-ci-token"}


def test_a_token_in_the_url_works_and_is_shown_nowhere(
    ledger: Run, served: HttpServer, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = served.url("ledger.git").replace("://", f"://bot:{TOKEN}@")
    seen = tmp_path / "seen"
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nps -ww -o args= -p $$ >>{seen}\necho "$0 $*" >>{seen}\nexec /usr/bin/git "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:/usr/bin:/bin")
    done = _publish(ledger, url, "--verbose")
    assert done.code == 0, done.err
    conflict = ledger("publish", f"myorg/app:v1@{digest('b')}", "--source", SOURCE, "--repo", url)
    assert conflict.code == 3
    missing = ledger("get", "myorg/app:v9", "--repo", url.replace("ledger.git", "nowhere.git"))
    assert missing.code == 6
    for text in (done.out, done.err, conflict.err, missing.err, seen.read_text(), upstream.message()):
        assert TOKEN not in text


def test_a_wrong_token_is_denied_and_not_shown(
    ledger: Run, served: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_TOKEN", "wrong-token-987654321")
    done = _publish(ledger, served.url("ledger.git"))
    assert done.code == 6
    assert "does not accept the credentials" in done.err
    assert "LEDGER_TOKEN" in done.err
    assert "wrong-token" not in done.err


def test_no_token_is_denied_without_a_prompt(ledger: Run, served: HttpServer) -> None:
    done = _publish(ledger, served.url("ledger.git"))
    assert done.code == 6
    assert "LEDGER_TOKEN" in done.err


def test_the_users_own_credential_helper_is_asked(ledger: Run, served: HttpServer, hermetic: Path) -> None:
    helper = hermetic / "helper"
    helper.write_text(f'#!/bin/sh\ntest "$1" = get && printf "username=me\\npassword={TOKEN}\\n"\n')
    helper.chmod(0o755)
    git("config", "--file", hermetic / "gitconfig", "credential.helper", helper)
    done = _publish(ledger, served.url("ledger.git"))
    assert done.code == 0, done.err
    assert {user for _, _, user in served.requests} == {"me"}


def test_a_token_that_may_only_read_is_denied(ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `http.receivepack`, git's backend answers 403 to a push."""
    upstream.git("config", "http.receivepack", "false")
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    before = upstream.tip()
    with http_server(upstream.path.parent, TOKEN) as server:
        done = _publish(ledger, server.url("ledger.git"))
    assert done.code == 6, done.err
    assert upstream.tip() == before


def test_a_server_that_never_answers_is_given_up_in_time(ledger: Run) -> None:
    with silent_server() as port:
        done = _publish(ledger, f"http://127.0.0.1:{port}/ledger.git", "--timeout", "1.5")
        assert done.code == 5
        assert "timed out after" in done.err
        assert "in fetch" in done.err
        assert _children_with(str(port)) == []


def test_a_name_that_does_not_resolve_is_try_again(ledger: Run) -> None:
    done = _publish(ledger, "https://no-such-host.invalid/ledger.git", "--timeout", "10")
    assert done.code == 5
    assert "could not reach" in done.err


def _children_with(text: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].startswith(b"git") and any(text.encode() in word for word in words):
            found.append(b" ".join(words).decode())
    return found

"""What gets the credentials of a run, how often, and what never shows them."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.git.servers import HttpServer, http_server
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
TOKEN = "ghs-token/0123456789+abc"
OTHER = "another-token-9876543210"


def _basic(token: str, user: str = "x-access-token") -> str:
    return base64.b64encode(f"{user}:{token}".encode()).decode()


def _header(token: str) -> str:
    return f"AUTHORIZATION: basic {_basic(token)}"


@pytest.fixture
def served(upstream: Upstream) -> Iterator[HttpServer]:
    upstream.git("config", "http.receivepack", "true")
    with http_server(upstream.path.parent, TOKEN) as server:
        yield server


@pytest.fixture
def checkout(upstream: Upstream, served: HttpServer, tmp_path: Path) -> Path:
    """Return a checkout whose remote is the server."""
    folder = tmp_path / "checkout"
    git("clone", "--quiet", upstream.path, folder)
    git("remote", "set-url", "origin", served.url("ledger.git"), cwd=folder)
    return folder


def _publish(ledger: Run, repo: object, *options: object) -> Outcome:
    return ledger("publish", f"myorg/app:v1@{digest()}", "--source", SOURCE, "--offline", "--repo", repo, *options)


def _persist(checkout: Path, server: HttpServer, where: str, hermetic: Path) -> None:
    """Keep the login as actions/checkout does: in the checkout's settings, or in a file that they include."""
    key = f"http.http://127.0.0.1:{server.port}/.extraheader"
    file = checkout / ".git" / "config"
    if where == "included":
        file = hermetic / "git-credentials.config"
        git("config", f"includeIf.gitdir:{checkout / '.git'}.path", file, cwd=checkout)
    if where == "global":
        file = hermetic / "gitconfig"
    git("config", "--file", file, key, _header(TOKEN))


@pytest.mark.parametrize("where", ["checkout", "included", "global"])
def test_a_login_that_actions_checkout_kept_is_sent_once_and_the_checkout_follows(
    ledger: Run, served: HttpServer, checkout: Path, hermetic: Path, where: str
) -> None:
    _persist(checkout, served, where, hermetic)
    done = _publish(ledger, checkout)
    assert (done.code, "behind" in done.err) == (0, False), done.err
    assert git("status", "--porcelain", "--branch", cwd=checkout) == "## main...origin/main"


def test_several_headers_of_a_checkout_and_of_the_user_are_all_sent_once(
    ledger: Run, served: HttpServer, checkout: Path, hermetic: Path
) -> None:
    git("config", "--file", hermetic / "gitconfig", "http.extraHeader", "X-Proxy: yes")
    git("config", f"http.http://127.0.0.1:{served.port}/.extraheader", "X-Team: ours", cwd=checkout)
    git("config", "--add", f"http.http://127.0.0.1:{served.port}/.extraheader", _header(TOKEN), cwd=checkout)
    done = _publish(ledger, checkout)
    assert (done.code, "behind" in done.err) == (0, False), done.err


def test_the_same_login_in_several_places_is_sent_once_and_of_two_the_checkouts_own(
    ledger: Run, served: HttpServer, checkout: Path, hermetic: Path
) -> None:
    settings = hermetic / "gitconfig"
    git("config", "--file", settings, "http.extraHeader", _header(OTHER))
    git("config", "--file", settings, "http.http://127.0.0.1/.extraHeader", _header(OTHER))  # another port
    git("config", "--file", settings, f"http.http://127.0.0.1:{served.port}.extraHeader", _header(TOKEN))
    _persist(checkout, served, "checkout", hermetic)
    git("config", "--file", settings, "--add", "http.extraHeader", _header(OTHER))
    done = _publish(ledger, checkout)
    assert (done.code, "behind" in done.err) == (0, False), done.err


def test_the_token_replaces_a_login_that_the_checkout_kept(
    ledger: Run, served: HttpServer, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in (f"http.http://127.0.0.1:{served.port}/.extraheader", f"http.{served.url('ledger.git')}.extraHeader"):
        git("config", key, _header(OTHER), cwd=checkout)
    git("config", "http.extraHeader", _header(OTHER), cwd=checkout)
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    done = _publish(ledger, checkout)
    assert (done.code, "behind" in done.err) == (0, False), done.err


def _helper(hermetic: Path, script: str) -> None:
    helper = hermetic / "helper"
    helper.write_text(f'#!/bin/sh\ntest "$1" = get || exit 0\n{script}\n')
    helper.chmod(0o755)
    git("config", "--file", hermetic / "gitconfig", "credential.helper", helper)


def test_a_credential_helper_sees_the_callers_environment_and_not_gits_own(
    ledger: Run, served: HttpServer, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("GH_TOKEN", "AWS_PROFILE", "CI_JOB_TOKEN", "XDG_CONFIG_HOME", "GIT_USERNAME", "GIT_PASSWORD")
    for name in names:
        monkeypatch.setenv(name, f"the {name}")
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    traps = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_SSH_COMMAND", "GIT_EXEC_PATH", "GIT_TRACE_PACKET", "GIT_ASKPASS")
    for name in traps:
        monkeypatch.setenv(name, "/nowhere/trap")
    seen = hermetic / "seen"
    _helper(hermetic, f'env >{seen}; echo username=me; echo "password=$GH_TOKEN"')
    done = _publish(ledger, served.url("ledger.git"))
    assert done.code == 0, done.err
    environment = dict(line.partition("=")[::2] for line in seen.read_text().splitlines())
    assert all(environment[name].endswith((name, TOKEN)) for name in names)
    assert "/nowhere/trap" not in environment.values()


def test_helpers_are_asked_in_gits_order_and_hear_what_worked(
    ledger: Run, served: HttpServer, checkout: Path, hermetic: Path
) -> None:
    heard = hermetic / "heard"
    for name, password in (("first", ""), ("second", f"echo username=me; echo password={TOKEN}")):
        script = f'!f() {{ echo "{name} $1" >>{heard}; test "$1" = get || return 0; {password or ":"}; }}; f'
        where = ["--file", hermetic / "gitconfig"] if name == "first" else []
        git("config", *where, "--add", "credential.helper", script, cwd=checkout)
    done = _publish(ledger, checkout)
    assert (done.code, "behind" in done.err) == (0, False), done.err
    assert heard.read_text().split("\n")[:4] == ["first get", "second get", "first store", "second store"]


def _everything(header: str, user: str, password: str) -> str:
    """Repeat a login in every spelling."""
    spelled = (header, password, quote(password, safe=""), base64.b64encode(password.encode()).decode())
    return f"{user} may not log in with {' or '.join(spelled)}"


@pytest.mark.parametrize("source", ["variable", "url", "header", "helper", "netrc"])
def test_what_a_server_repeats_of_the_login_is_masked(
    ledger: Run,
    served: HttpServer,
    checkout: Path,
    hermetic: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    served.echo = _everything
    repo: object = served.url("ledger.git")
    if source == "variable":
        monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    elif source == "url":
        repo = served.url("ledger.git").replace("://", f"://bot:{quote(TOKEN, safe='')}@")
    elif source == "header":
        _persist(checkout, served, "checkout", hermetic)
        repo = checkout
    elif source == "netrc":
        (hermetic / ".netrc").write_text(f"machine 127.0.0.1 login me password {TOKEN}\n")
        (hermetic / ".netrc").chmod(0o600)
    else:
        _helper(hermetic, f"echo username=me; echo password={TOKEN}")
    done = _publish(ledger, repo, "--verbose")
    assert (done.code, done.out) == (6, "")
    assert "may not log in with" in done.err
    secrets = (TOKEN, quote(TOKEN, safe=""), base64.b64encode(TOKEN.encode()).decode().rstrip("="))
    users = ("x-access-token", "bot", "me")
    assert [text for text in (*secrets, *(_basic(TOKEN, user)[8:-4] for user in users)) if text in done.err] == []


def test_a_token_loses_the_white_space_around_it_and_is_refused_with_a_line_break_in_it(
    ledger: Run, served: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_TOKEN", f" {TOKEN}\n")
    assert ledger("list", "--repo", served.url("ledger.git")).code == 0
    monkeypatch.setenv("LEDGER_TOKEN", f"{TOKEN}\nhost=elsewhere")
    done = ledger("list", "--repo", served.url("ledger.git"))
    assert (done.code, TOKEN in done.err) == (6, False)
    assert "a line break or a control character" in done.err


@pytest.mark.parametrize("how", ["variable", "url"])
def test_a_credential_never_goes_unencrypted_to_another_machine(
    ledger: Run, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    url = "http://git.internal/team/ledger.git"
    if how == "variable":
        monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    else:
        url = url.replace("://", f"://bot:{OTHER}@")
    done = _publish(ledger, url)
    assert done.code == 2
    assert "plain HTTP, which would expose the token" in done.err
    assert OTHER not in done.err


@pytest.fixture
def foreign(checkout: Path) -> Path:
    """Return the checkout, as somebody else's, who has set traps in it."""
    if os.getuid() != 0:
        pytest.skip("only root can give a checkout to somebody else")
    trap = f"!f() {{ echo sprung >>{checkout.parent / 'sprung'}; }}; f"
    for key in ("credential.helper", "core.sshCommand", "core.askPass", "gpg.program", "core.fsmonitor", "core.editor"):
        git("config", key, trap, cwd=checkout)
    for path in [checkout, *checkout.rglob("*")]:
        os.lchown(path, 12345, 12345)
    return checkout


def test_nothing_that_the_settings_of_somebody_elses_checkout_name_is_run(
    ledger: Run, foreign: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = _publish(ledger, foreign)
    assert (denied.code, "so its settings are not used" in denied.err) == (6, True)
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    done = _publish(ledger, foreign)
    assert done.code == 0, done.err
    assert "belongs to another user, and git does not trust it" in done.err
    assert "v1" in upstream.tags()
    assert ledger("check", "--repo", foreign).code == 0
    assert ledger("log", "--repo", foreign, "--format", "json").code == 0
    local = _publish(ledger, foreign, "--no-push")
    assert (local.code, "safe.directory" in local.err) == (2, True), local.err
    assert not (foreign.parent / "sprung").exists()
    assert {path.stat().st_uid for path in foreign.rglob("*")} == {12345}


def test_somebody_elses_checkout_that_git_trusts_is_used_as_ours(
    ledger: Run, foreign: Path, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("config", "--file", hermetic / "gitconfig", "safe.directory", foreign)
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    done = _publish(ledger, foreign)
    assert (done.code, "behind" in done.err) == (0, False), done.err

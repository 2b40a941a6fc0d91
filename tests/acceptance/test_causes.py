"""Where a ledger cannot be used, the message names the cause and the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.servers import SshServer, http_server
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 12\n" % (b"4" * 64)


def _publish(ledger: Run, repo: object, *options: object) -> Outcome:
    return ledger("publish", f"myorg/app:v1@{digest()}", "--source", SOURCE, "--offline", "--repo", repo, *options)


def test_a_checkout_with_crlf_names_the_attribute_and_it_helps(ledger: Run, checkout: Path) -> None:
    git("config", "core.autocrlf", "true", cwd=checkout)
    (checkout / "ledger.json").unlink()
    git("checkout", "--", "ledger.json", cwd=checkout)
    listed = ledger("list", "--repo", checkout)
    assert (listed.code, "lines end in CRLF, not LF" in listed.err) == (4, True)
    written = _publish(ledger, checkout, "--no-push")
    assert (written.code, "has CRLF line ends" in written.err) == (2, True)
    for done in (listed, written):
        assert "put `ledger.json text eol=lf` into `.gitattributes`" in done.err
        assert "`rm ledger.json && git checkout -- ledger.json`" in done.err
    followed = _publish(ledger, checkout)
    assert (followed.code, "since ledger.json has CRLF line ends" in followed.err) == (0, True)
    (checkout / ".gitattributes").write_text("ledger.json text eol=lf\n")
    (checkout / "ledger.json").unlink()
    git("checkout", "--", "ledger.json", cwd=checkout)
    assert ledger("list", "--repo", checkout).code == 0
    assert _publish(ledger, checkout, "--no-push").code == 0


def test_a_pointer_of_git_lfs_is_named_in_a_checkout_and_on_the_remote(
    ledger: Run, checkout: Path, upstream: Upstream
) -> None:
    (checkout / "ledger.json").write_bytes(POINTER)
    upstream.commit_as_other_writer({"ledger.json": POINTER})
    for done in (ledger("list", "--repo", checkout), _publish(ledger, upstream.url), _publish(ledger, checkout)):
        assert done.code == 4
        assert "the file is a pointer of Git LFS, not a ledger" in done.err
        assert "git lfs untrack ledger.json" in done.err
    checked = ledger("check", "--repo", checkout)
    assert (checked.code, "pointer of Git LFS" in checked.out) == (4, True)


def test_a_branch_that_only_the_remote_has_is_read_from_there(ledger: Run, checkout: Path, upstream: Upstream) -> None:
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(record("myorg/app", "v7"))})
    git("checkout", "--quiet", "-b", "mine", cwd=checkout)
    git("branch", "-D", "main", cwd=checkout)
    git("fetch", "--quiet", cwd=checkout)
    for branch in ("main", "origin/main"):
        done = ledger("get", "myorg/app:v7", "--repo", checkout, "--branch", branch)
        assert done.code == 0, done.err
        assert ledger("log", "--repo", checkout, "--branch", branch).code == 0
    git("remote", "add", "other", upstream.path, cwd=checkout)
    git("fetch", "--quiet", "other", cwd=checkout)
    several = ledger("list", "--repo", checkout, "--branch", "main")
    assert (several.code, "name one of: origin/main, other/main" in several.err) == (2, True)
    missing = ledger("list", "--repo", checkout, "--branch", "nope")
    assert (missing.code, "`git fetch` brings those of the remote" in missing.err) == (2, True)


@pytest.mark.parametrize("head", ["missing", "detached"])
def test_a_remote_whose_head_names_no_branch_lists_its_branches(ledger: Run, upstream: Upstream, head: str) -> None:
    upstream.git("branch", "topic", "main")
    if head == "missing":
        upstream.git("symbolic-ref", "HEAD", "refs/heads/nope")
    else:
        old = upstream.commit_as_other_writer({"README.md": b"moved on\n"}, branch="topic")
        upstream.commit_as_other_writer({"README.md": b"and on\n"}, branch="topic")
        upstream.git("update-ref", "--no-deref", "HEAD", old)
    done = [ledger(*words, "--repo", upstream.url) for words in (["list"], ["log"], ["check"], ["audit"])]
    done.append(_publish(ledger, upstream.url))
    for outcome in done:
        assert outcome.code == 2, outcome
        assert "has no default branch\n\nhint: pass `--branch main`, or another of its branches: topic" in outcome.err
    rebased = ledger("rebase", "--repo", upstream.url, "--branch", "topic")
    assert (rebased.code, "name the base, as in `ledger rebase main`" in rebased.err) == (2, True)
    assert _publish(ledger, upstream.url, "--branch", "main").code == 0


@pytest.mark.parametrize("how", ["setting", "variable"])
def test_a_program_for_ssh_that_is_not_used_is_named_when_access_is_denied(
    ledger: Run,
    checkout: Path,
    sshd: SshServer,
    upstream: Upstream,
    hermetic: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    git("remote", "set-url", "origin", sshd.url(upstream.path), cwd=checkout)
    command = f"ssh -i {sshd.key} -o UserKnownHostsFile={sshd.known_hosts}"
    if how == "setting":
        git("config", "core.sshCommand", command, cwd=checkout)
    else:
        monkeypatch.setenv("GIT_SSH_COMMAND", command)
    done = _publish(ledger, checkout)
    assert done.code == 6
    name = "core.sshCommand" if how == "setting" else "GIT_SSH_COMMAND"
    assert f"`{name}` is not used: put its options into `~/.ssh/config`, or pass its key with `--deploy-key" in done.err


@pytest.mark.parametrize(
    ("remote", "says"),
    [
        ("https://bitbucket.org/team/ledger.git", "pull requests on bitbucket.org are not supported"),
        ("git@ssh.dev.azure.com:v3/team/project/ledger", "pull requests on ssh.dev.azure.com are not supported"),
        ("https://git.example.com/team/ledger.git", "the kind of forge at git.example.com is unknown"),
    ],
)
def test_a_host_without_a_known_api_for_pull_requests_says_how_to_open_one_by_hand(
    ledger: Run, remote: str, says: str
) -> None:
    done = _publish(ledger, remote, "--pull-request")
    assert (done.code, says in done.err) == (2, True)
    assert "commit to a branch of a checkout (`--no-push`, `bump --commit`), push it with git" in done.err


@pytest.mark.parametrize("name", ["insteadOf", "pushInsteadOf", "pushurl"])
def test_a_rewritten_url_that_is_not_used_is_named_when_access_is_denied(
    ledger: Run, checkout: Path, upstream: Upstream, name: str
) -> None:
    with http_server(upstream.path.parent, "hidden-0123456789") as server:
        url = server.url("")
        git("remote", "set-url", "origin", f"{url}ledger.git", cwd=checkout)
        key = "remote.origin.pushurl" if name == "pushurl" else f"url.http://u:hidden-0123456789@127.0.0.1/.{name}"
        git("config", key, url, cwd=checkout)
        done = _publish(ledger, checkout)
    assert done.code == 6
    assert f"`{name}` is not used: name the whole URL with `--repo`" in done.err
    assert "hidden" not in done.err

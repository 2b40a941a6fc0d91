"""A ledger behind a real gitolite: what its rules allow works, and what they deny ends the run at once and says so."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.git.gitolite import Gitolite, gitolite
from tests.support.git.server_hook import install
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest, ledger_bytes
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitolite]:
    """Return a running gitolite."""
    folder = tmp_path_factory.mktemp("gitolite")
    with gitolite(folder / "home", Upstream.create(folder / "ledger.git")) as running:
        yield running


@pytest.fixture
def run_as(ledger: Run, served: Gitolite) -> Run:
    """Return a function that runs a command with the key of a user of gitolite."""

    def run(user: str, command: str, *words: object, repo: str = "") -> Outcome:
        access = ("--repo", repo or served.url, "--deploy-key", served.keys[user], "--known-hosts", served.known_hosts)
        return ledger(command, *words, *access, "--verbose")

    return run


def publish(run_as: Run, user: str, tag: str, *options: object, repo: str = "") -> Outcome:
    return run_as(
        user, "publish", f"myorg/app:{tag}@{digest(tag)}", "--source", SOURCE, "--offline", *options, repo=repo
    )


def attempts(done: Outcome) -> int:
    return done.err.count("did not land")


def test_what_the_rules_allow_works(run_as: Run, served: Gitolite) -> None:
    for tag in ("v1", "v2"):
        done = publish(run_as, "ci", tag)
        assert (done.code, served.upstream.tip()) == (0, done.json["commit"]), done.err
    assert digest("v2") in run_as("reader", "get", "myorg/app:v2").out


def test_a_key_that_may_only_read_is_denied_at_once(run_as: Run, served: Gitolite) -> None:
    before = served.upstream.tip()
    done = publish(run_as, "reader", "v3")
    assert (done.code, attempts(done), served.upstream.tip()) == (6, 1, before)
    assert "denies this key or token access by its rules: FATAL: W any ledger reader DENIED by fallthru" in done.err


def test_a_key_that_may_not_push_this_branch_is_denied_at_once_and_may_push_another(
    run_as: Run, served: Gitolite
) -> None:
    before = served.upstream.tip()
    done = publish(run_as, "proposer", "v4")
    assert (done.code, attempts(done), served.upstream.tip()) == (6, 1, before)
    assert "W refs/heads/main ledger proposer DENIED by refs/heads/main" in done.err
    served.upstream.git("branch", "staging", "main")
    assert publish(run_as, "proposer", "v4", "--branch", "staging").code == 0


@pytest.mark.parametrize("repo", ["", "/nowhere"])
def test_a_key_that_may_not_even_read_is_denied_whether_or_not_the_ledger_exists(
    run_as: Run, served: Gitolite, repo: str
) -> None:
    done = run_as("stranger", "list", repo=repo and served.url.removesuffix("/ledger") + repo)
    assert done.code == 6
    assert "DENIED by fallthru" in done.err


def test_the_hook_of_the_docs_works_beside_gitolites_own(run_as: Run, served: Gitolite, tmp_path: Path) -> None:
    install(served.upstream)
    try:
        done = publish(run_as, "ci", "v8")
        assert (done.code, served.upstream.tip()) == (0, done.json["commit"]), done.err
        git("clone", "-q", served.upstream.url, tmp_path / "clone")
        (tmp_path / "clone/ledger.json").write_bytes(ledger_bytes())
        git("commit", "-qam", "tidy up", cwd=tmp_path / "clone")
        ssh = f"ssh -F /dev/null -i {served.keys['ci']} -o UserKnownHostsFile={served.known_hosts} -o BatchMode=yes"
        before = served.upstream.tip()
        pushed = subprocess.run(
            ["git", "-c", f"core.sshCommand={ssh}", "push", served.url, "HEAD:main"], cwd=tmp_path / "clone",
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert served.upstream.tip() == before
        assert " unexplained: " in pushed.stderr
    finally:
        (served.upstream.path / "hooks/pre-receive").unlink()

"""`doctor`: what it says of a ledger is what the other commands then find, in a checkout and at its remote."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.forges.fake_forge import TOKEN
from tests.support.forges.fake_forges import fake_forge
from tests.support.git.processes import finish, obeying_modes, start
from tests.support.git.servers import SshServer, http_server
from tests.support.git.upstream import Upstream, git
from tests.support.values.doctor import lines, problem, states
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def clone(upstream: Upstream, tmp_path: Path) -> Path:
    """Return a checkout of the ledger, whose settings name a registry that nothing listens for."""
    git("clone", "--quiet", upstream.url, tmp_path / "clone")
    return tmp_path / "clone"


def test_a_file_that_is_broken_in_the_checkout_alone_is_what_every_command_there_fails_on(
    ledger: Run, clone: Path
) -> None:
    with (clone / "ledger.json").open("a") as file:
        file.write("garbage\n")
    assert ledger("list", "--repo", clone).code == 4
    done = ledger("doctor", "--repo", clone)
    problem(done, "ledger.json", 4, "in this folder: ledger.json, line", "; at the remote: valid: 0 records")
    assert states(done)["writing"] == "ok"
    (clone / "ledger.json").unlink()
    problem(ledger("doctor", "--repo", clone), "ledger.json", 2, "in this folder: there is no ledger.json")
    named = ledger("doctor", "--repo", clone, "--branch", "main")  # then the commands read that branch, not the files
    assert (named.code, lines(named)["ledger.json"]) == (0, ("ok", "valid: 0 records"))


def test_a_file_that_is_broken_at_the_remote_alone(ledger: Run, clone: Path, upstream: Upstream) -> None:
    upstream.commit_as_other_writer({"ledger.json": b"{}"})
    problem(
        ledger("doctor", "--repo", clone), "ledger.json", 4, "at the remote: ", "; in this folder: valid: 0 records"
    )


def test_settings_that_are_broken_in_the_checkout_alone(ledger: Run, clone: Path) -> None:
    (clone / "ledger.yaml").write_text("registries: 7\n")
    problem(ledger("doctor", "--repo", clone), "ledger.yaml", 2, "in this folder: ledger.yaml, line 1", "at the remote")


def test_two_valid_copies_that_differ_are_both_counted(ledger: Run, clone: Path) -> None:
    (clone / "ledger.json").write_bytes(ledger_bytes(record()))
    done = ledger("doctor", "--repo", clone)
    assert (done.code, lines(done)["ledger.json"][1]) == (
        0, "at the remote: valid: 0 records; in this folder: valid: 1 record",
    )  # fmt: skip


def test_a_branch_that_is_not_pushed_can_be_read_and_not_written(ledger: Run, clone: Path) -> None:
    git("-C", clone, "switch", "--quiet", "--create", "fix")
    (clone / "ledger.yaml").write_text("registries: []\n")
    assert ledger("list", "--repo", clone).code == 0
    done = ledger("doctor", "--repo", clone)
    problem(done, "writing", 2, "has no branch `fix`")
    assert lines(done)["ledger.json"] == ("ok", "in this folder: valid: 0 records")
    assert lines(done)["ledger.yaml"] == ("ok", "in this folder: valid: 0 registries")
    assert "registry" not in states(done)


def test_the_files_of_a_checkout_are_looked_at_even_if_the_remote_is_not_reached(ledger: Run, clone: Path) -> None:
    git("-C", clone, "remote", "set-url", "origin", "https://no-such-host.invalid/team/ledger.git")
    done = ledger("doctor", "--repo", clone)
    problem(done, "remote", 5, "does not resolve")
    assert lines(done)["ledger.json"] == ("ok", "in this folder: valid: 0 records")


@pytest.mark.parametrize("folder", ["objects", "refs/heads", "objects/ab"])
def test_a_repository_whose_folders_cannot_be_written_to(upstream: Upstream, folder: str) -> None:
    (upstream.path / "objects" / "ab").mkdir(exist_ok=True)
    closed = upstream.path / folder
    closed.chmod(0o555)
    done = finish(start("doctor", "--repo", upstream.url, below=obeying_modes()))
    closed.chmod(0o755)
    problem(done, "writing", 6, f"{closed} cannot be written to", "who owns the repository")
    assert finish(start("doctor", "--repo", upstream.url, below=obeying_modes())).code == 0


def test_a_push_that_the_host_cannot_store_says_where_to_look(upstream: Upstream) -> None:
    (upstream.path / "objects").chmod(0o555)
    words = ["publish", f"app:v1@{digest()}", "--source", SOURCE, "--offline", "--repo", upstream.url]
    done = finish(start(*words, below=obeying_modes()))
    (upstream.path / "objects").chmod(0o755)
    assert done.code == 6, done.err
    assert "who owns the repository on its host" in done.err
    assert "--pull-request" not in done.err


def test_a_login_that_nobody_asks_for_is_not_called_accepted(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "srv").mkdir()
    Upstream.create(tmp_path / "srv" / "l.git").git("config", "http.receivepack", "true")
    with http_server(tmp_path / "srv", "right-token-0123456789") as server:

        def run(token: str) -> Outcome:
            monkeypatch.setenv("LEDGER_TOKEN", token)
            return ledger("doctor", "--repo", server.url("l.git"))

        assert lines(run("right-token-0123456789"))["login"] == ("ok", "the token: accepted for reading")
        server.open_to_read = True
        for token, who in (("wrong-token-0123456789", "the token"), ("", "git's own credentials")):
            done = run(token)
            problem(done, "writing", 6, "does not accept the credentials")
            assert lines(done)["login"] == ("ok", f"{who}: not checked, since the host lets everybody read")
        done = run("right-token-0123456789")
        assert (done.code, lines(done)["login"][1]) == (0, "the token: not checked, since the host lets everybody read")
        assert lines(done)["writing"][1].startswith("the token: may open a push")
        server.open_to_all = True
        done = run("wrong-token-0123456789")
        assert (done.code, lines(done)["writing"][1].split(";")[0]) == (
            0, "the host lets everybody open a push, so no login was checked",
        )  # fmt: skip


def test_a_login_of_git_s_own_is_told_from_one_that_nobody_asks_for(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "srv").mkdir()
    Upstream.create(tmp_path / "srv" / "l.git").git("config", "http.receivepack", "true")
    token = "right-token-0123456789"
    login = base64.b64encode(f"x:{token}".encode()).decode()
    with http_server(tmp_path / "srv", token) as server:
        settings = {
            "header": f'[http "{server.url("")}"]\n\textraHeader = "Authorization: Basic {login}"\n',
            "helper": f'[credential]\n\thelper = "!f() {{ echo username=x; echo password={token}; }}; f"\n',
            "netrc": "",
        }
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
        for kind, text in settings.items():
            (tmp_path / "settings").write_text(text)
            if kind == "netrc":
                (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login x password {token}\n")
            for is_open, says in ((False, "accepted for reading"), (True, "not checked, since")):
                server.open_to_read = is_open
                done = ledger("doctor", "--repo", server.url("l.git"))
                assert done.code == 0, (kind, done.out)
                assert lines(done)["login"][1].startswith(f"git's own credentials: {says}"), (kind, done.out)
                assert lines(done)["writing"][1].startswith("git's own credentials: may open"), kind


def test_a_repository_that_an_ssh_host_does_not_have_was_asked_for_by_a_login_that_it_let_in(
    ledger: Run, sshd: SshServer, tmp_path: Path
) -> None:
    words = ["doctor", "--repo", sshd.url(tmp_path / "nope.git"), "--known-hosts", sshd.known_hosts]
    done = ledger(*words, "--deploy-key", sshd.key)
    problem(done, "remote", 6, "was not found")
    assert lines(done)["host key"] == ("ok", "it is the known one")
    assert lines(done)["login"] == ("ok", "the deploy key: let in by the host")


def test_what_cannot_be_tried_at_all_hides_no_line_about_ssh(ledger: Run, sshd: SshServer, upstream: Upstream) -> None:
    for options in (["--deploy-key", "ssh-ed25519 AAAA x"], ["--known-hosts", "/nowhere"]):
        assert states(ledger("doctor", "--repo", sshd.url(upstream.path), *options))["ssh"] == "ok"


def test_without_ssh_an_ssh_remote_is_a_mistake_and_not_unreachable(
    ledger: Run, sshd: SshServer, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("git", "sh"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    done = ledger("list", "--repo", sshd.url(upstream.path), "--deploy-key", sshd.key)
    assert done.code == 2
    assert "is reached by ssh, which is not installed, or not in PATH\n\nhint: install the OpenSSH client" in done.err
    examined = ledger("doctor", "--repo", sshd.url(upstream.path), "--format", "json")
    (problem,) = (check for check in examined.json["checks"] if check["state"] == "problem")
    assert (examined.code, problem["about"], problem["code"]) == (2, "ssh", 2)


@pytest.mark.parametrize("between", [" ", ""])
def test_a_deploy_key_that_lost_its_line_breaks(
    ledger: Run, sshd: SshServer, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    monkeypatch.setenv("LEDGER_DEPLOY_KEY", sshd.key.read_text().replace("\n", between))
    done = ledger("list", "--repo", sshd.url(upstream.path))
    assert done.code == 6
    assert "the deploy key has lost its line breaks" in done.err
    assert "store it with them, or with `\\n` in their place" in done.err


def test_a_branch_that_a_forge_does_not_know_is_one_problem(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_forge("github") as forge:
        path = tmp_path / "srv" / f"{forge.path}.git"
        path.parent.mkdir(parents=True)
        Upstream.create(path)
        for name, value in {
            "LEDGER_TOKEN": TOKEN, "LEDGER_FORGE_TOKEN": TOKEN,
            "LEDGER_FORGE_URL": forge.wire.url, "LEDGER_FORGE": "github",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        with http_server(tmp_path / "srv", TOKEN) as server:
            done = ledger("doctor", "--repo", server.url(f"{forge.path}.git"), "--branch", "gone")
    problem(done, "ledger.json", 2, "has no branch `gone`")
    assert lines(done)["forge"][0] == "note"
    assert "accepts the token; the rules for `gone` were not seen: " in lines(done)["forge"][1]

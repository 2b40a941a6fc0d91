"""`doctor`: what is in place and what is not, one line each, against real servers; nothing is changed by asking."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.support.forges.fake_forge import TOKEN
from tests.support.forges.fake_forges import fake_forge
from tests.support.git.servers import SshServer, free_port, http_server, make_certificate, make_key
from tests.support.git.upstream import Upstream, git
from tests.support.registries.registry import RealRegistry, real_registry
from tests.support.registries.wire import API_ROOT, Reply, Wire, wire_server
from tests.support.values import signing
from tests.support.values.doctor import lines, problem, states
from tests.support.values.make import ledger_bytes, record
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]
Doctor = Callable[..., Outcome]
SHA = "4ef5a3030654728decc420aa363a57670ae53de4"
# bcrypt of secret-password for `user`, as `htpasswd -B` writes it.
HTPASSWD = "user:$2y$05$xObh53g8Yqvcarmg9QaxQ.z5Yr65OE5U8lC2ORIcTADM0xj1ckgGm\n"


@pytest.fixture
def doctor(ledger: Run, sshd: SshServer, upstream: Upstream) -> Doctor:
    """Return a function that looks at the ledger over ssh: with the key that may write, unless told otherwise."""

    def run(*options: object, repo: object = "", key: object = "", known_hosts: object = "") -> Outcome:
        return ledger(
            "doctor", "--repo", repo or sshd.url(upstream.path), "--deploy-key", key or sshd.key,
            "--known-hosts", known_hosts or sshd.known_hosts, *options,
        )  # fmt: skip

    return run


def settle(upstream: Upstream, *hosts: str) -> None:
    """Let ledger.yaml name registries."""
    text = "registries:\n" + "".join(f"  - host: {host}\n" for host in hosts)
    upstream.commit_as_other_writer({"ledger.yaml": text.encode(), "ledger.json": ledger_bytes(record())})


def test_everything_is_in_place_and_nothing_is_changed(
    doctor: Doctor, upstream: Upstream, open_registry: RealRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(upstream, open_registry.url)
    tip, refs = upstream.tip(), upstream.git("for-each-ref")
    for name, value in {
        "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "octocat/Hello-World",
        "GITHUB_SHA": SHA, "GITHUB_RUN_ID": "7", "GITHUB_ACTOR": "alice",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    done = doctor()
    assert done.code == 0, done.out
    assert done.err == "everything that could be checked is in place\n"
    found = lines(done)
    assert list(found) == [
        "git", "ssh", "remote", "host key", "login", "ledger.json", "ledger.yaml", "writing", "forge", "registry", "ci",
        "clock",
    ]  # fmt: skip
    assert {about for about, (state, _) in found.items() if state != "ok"} == {"forge"}
    assert found["ssh"][1].startswith("OpenSSH_")
    assert found["login"][1] == "the deploy key: accepted for reading"
    assert found["ledger.json"][1] == "valid: 1 record"
    assert found["ledger.yaml"][1] == "valid: 1 registry"
    assert found["writing"][1].startswith("the deploy key: may open a push; only one that changes something shows")
    assert found["registry"][1].startswith(f"{open_registry.host} by plain HTTP: anonymous")
    run = "https://github.com/octocat/Hello-World/actions/runs/7, started by alice"
    assert found["ci"][1] == (
        f"GitHub Actions: built from https://github.com/octocat/Hello-World@{SHA}; the run is {run}"
    )
    assert (upstream.tip(), upstream.git("for-each-ref")) == (tip, refs)


def test_json_says_the_same_and_is_what_the_schema_says(doctor: Doctor, upstream: Upstream) -> None:
    settle(upstream, f"http://127.0.0.1:{free_port()}")
    done = doctor("--format", "json")
    check_schema("doctor-v1", done.json)
    assert (done.code, done.json["code"], done.json["ok"]) == (5, 5, False)
    (bad,) = [one for one in done.json["checks"] if one["state"] == "problem"]
    assert (bad["about"], bad["code"], "nothing listens" in bad["message"], bool(bad["hint"])) == (
        "registry", 5, True, True,
    )  # fmt: skip
    text = doctor()
    for check in done.json["checks"]:
        assert f"{check['state']:9}{check['about']:13}{check['message']}" in text.out


def test_a_key_that_is_not_let_in(doctor: Doctor, sshd: SshServer) -> None:
    done = doctor(key=sshd.unknown_key)
    problem(done, "login", 6, "does not accept the key", "--deploy-key")
    assert (states(done)["remote"], states(done)["host key"], states(done)["registry"]) == ("ok", "ok", "note")
    assert "ledger.json" not in states(done)


def test_a_host_key_that_nobody_knows(doctor: Doctor, sshd: SshServer, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text().split()[1]
    for text in ("", f"[127.0.0.1]:{sshd.port} ssh-ed25519 {other}\n"):
        known = tmp_path / "known"
        known.write_text(text)
        done = doctor(known_hosts=known)
        problem(done, "host key", 6, "the host key of", "is unknown" if not text else "has changed")
        assert (states(done)["remote"], states(done)["login"]) == ("ok", "note")


def test_a_key_that_may_only_read(doctor: Doctor, sshd: SshServer) -> None:
    done = doctor(key=sshd.read_only_key)
    problem(done, "writing", 6, "read", "write access")
    assert states(done)["login"] == "ok"


@pytest.mark.parametrize(("key", "says"), [("ssh-ed25519 AAAA x", "is a public key"), ("/nowhere/key", "/nowhere/key")])
def test_a_key_that_cannot_be_used_is_a_problem_before_anything_is_asked(doctor: Doctor, key: str, says: str) -> None:
    done = doctor(key=key)
    problem(done, "ledger", 6 if "public" in says else 2, says)
    assert states(done)["ci"] == "note"


def test_a_host_that_is_dead_and_one_that_is_not_there(doctor: Doctor) -> None:
    port = free_port()
    done = doctor(repo=f"ssh://git@127.0.0.1:{port}/team/ledger.git")
    problem(done, "remote", 5, f"port {port}")
    assert (states(done)["host key"], states(done)["login"]) == ("note", "note")
    problem(doctor(repo="https://no-such-host.invalid/team/ledger.git"), "remote", 5, "does not resolve")


def test_a_repository_that_is_not_there_an_empty_one_and_one_without_a_ledger(
    doctor: Doctor, sshd: SshServer, tmp_path: Path
) -> None:
    problem(doctor(repo=sshd.url(tmp_path / "gone.git")), "remote", 6, "was not found, or access to it is denied")
    git("init", "--quiet", "--bare", tmp_path / "empty.git")
    problem(doctor(repo=sshd.url(tmp_path / "empty.git")), "ledger.json", 2, "has no branch yet", "ledger init")
    code = Upstream(tmp_path / "code.git")
    git("init", "--quiet", "--bare", "--initial-branch=main", code.path)
    code.commit_as_other_writer({"README.md": b"# Code\n"})
    problem(doctor(repo=sshd.url(code.path)), "ledger.json", 4, "has no ledger.json")


def test_files_that_are_not_valid_and_the_other_one_is_read_all_the_same(doctor: Doctor, upstream: Upstream) -> None:
    upstream.commit_as_other_writer({"ledger.yaml": b"registries: [{host: a, images: 7}]\n"})
    done = doctor()
    problem(done, "ledger.yaml", 2, "ledger.yaml, line 1")
    assert states(done)["ledger.json"] == "ok"
    upstream.commit_as_other_writer({"ledger.yaml": b"{}\n", "ledger.json": b'{"schemaVersion": 1, "records": [7]}\n'})
    done = doctor()
    problem(done, "ledger.json", 4, "ledger.json, line")
    assert (states(done)["ledger.yaml"], states(done)["writing"]) == ("ok", "ok")


def test_without_ledger_yaml_no_registry_is_asked_and_that_is_no_problem(doctor: Doctor) -> None:
    done = doctor()
    assert done.code == 0
    assert lines(done)["ledger.yaml"][0] == "note"
    assert "registry" not in states(done)
    state, says = lines(done)["clock"]
    assert (state, says.startswith("no registry said its time; the ledger's last commit, of 20")) == ("note", True)


def test_registries_each_by_itself(
    doctor: Doctor, upstream: Upstream, open_registry: RealRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    with real_registry(tmp_path / "closed", htpasswd=HTPASSWD, certificate=certificate) as closed:
        dead = f"127.0.0.1:{free_port()}"
        settle(upstream, open_registry.host, dead, closed.host)
        monkeypatch.setenv("LEDGER_REGISTRY_USERNAME", "user")
        monkeypatch.setenv("LEDGER_REGISTRY_PASSWORD", "wrong-password")
        for options, of_closed in (
            ((), "its certificate is not trusted"),
            (
                ("--ca-file", certificate[0]),
                "user user, from LEDGER_REGISTRY_USERNAME and LEDGER_REGISTRY_PASSWORD: refused",
            ),
        ):
            done = doctor(*options)
            said = [line[22:] for line in done.out.splitlines() if line.startswith("problem  registry")]
            assert len(said) == 3
            assert "it does not speak TLS, but plain HTTP" in said[0]
            assert f"write `- host: {open_registry.url}` under `registries` in ledger.yaml" in said[0]
            assert "nothing listens" in said[1]
            assert of_closed in said[2]
            assert "wrong-password" not in done.out + done.err
            assert done.code == (6 if options else 5)  # a refused login outranks what may pass
        monkeypatch.setenv("LEDGER_REGISTRY_PASSWORD", "secret-password")
        settle(upstream, closed.host)
        done = doctor("--ca-file", certificate[0])
        assert done.code == 0, done.out
        assert lines(done)["registry"][1].endswith("LEDGER_REGISTRY_PASSWORD: works")
        assert "secret-password" not in done.out + done.err


@pytest.fixture
def wire() -> Iterator[Wire]:
    with wire_server() as server:
        yield server


@pytest.mark.parametrize(("minutes", "says"), [(90, "90 minutes behind that of"), (-90, "90 minutes ahead of that of")])
def test_a_clock_that_is_off_is_seen_by_the_date_of_a_registry(
    doctor: Doctor, upstream: Upstream, wire: Wire, minutes: int, says: str
) -> None:
    date = formatdate(time.time() + 60 * minutes, usegmt=True)
    wire.root = Reply(200, {**API_ROOT.headers, "Date": date}, API_ROOT.body)
    settle(upstream, wire.url)
    problem(doctor(), "clock", 5, says, wire.host, "set this machine's clock")
    assert doctor(wire.url).code == 5


def test_a_clock_that_is_behind_the_ledger_is_seen_without_a_registry(doctor: Doctor, upstream: Upstream) -> None:
    then = datetime.now(UTC) + timedelta(hours=2)
    upstream.commit_as_other_writer({"README.md": b"# Later\n"}, date=then.isoformat())
    problem(doctor(), "clock", 5, "the ledger's last commit is dated")


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
def test_a_forge_says_whether_its_token_works_and_whether_the_branch_is_protected(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with fake_forge(kind) as forge:
        path = tmp_path / "srv" / f"{forge.path}.git"
        path.parent.mkdir(parents=True)
        Upstream.create(path).git("config", "http.receivepack", "true")
        for name, value in {
            "LEDGER_TOKEN": TOKEN, "LEDGER_FORGE_TOKEN": TOKEN,
            "LEDGER_FORGE_URL": forge.wire.url, "LEDGER_FORGE": kind,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        with http_server(tmp_path / "srv", TOKEN) as server:
            url = server.url(f"{forge.path}.git")

            def run() -> Outcome:
                done = ledger("doctor", "--repo", url)
                assert TOKEN not in done.out + done.err
                return done

            free = run()
            assert free.code == 0, free.out
            assert lines(free)["login"][1] == "the token: accepted for reading"
            assert lines(free)["forge"] == ("ok", f"{forge.wire.host} accepts the token")
            assert lines(free)["protection"] == ("ok", "the forge shows this token no rule for pushes to `main`")
            forge.protected.add("main")
            state, says = lines(run())["protection"]
            assert (state, "--pull-request" in says) == ("note", True)
            assert "`main` has rules for pushes (branch protection)" in says
            if kind == "github":
                forge.protected.clear()
                forge.rules += ["deletion", "pull_request", "required_signatures", "pull_request"]
                assert "has rules for pushes (pull_request, required_signatures)" in lines(run())["protection"][1]
                monkeypatch.setenv("LEDGER_FORGE", "bitbucket")
                problem(run(), "forge", 2, "the forge `bitbucket` is unknown", "use `github`, `gitlab` or `gitea`")
                monkeypatch.setenv("LEDGER_FORGE", kind)
            monkeypatch.setenv("LEDGER_FORGE_TOKEN", "wrong-token-0123456789")
            problem(run(), "forge", 6, "does not accept the token in LEDGER_FORGE_TOKEN")
            monkeypatch.delenv("LEDGER_FORGE_TOKEN")
            without = run()
            assert (without.code, lines(without)["forge"][0]) == (0, "note")
            monkeypatch.setenv("LEDGER_TOKEN", "wrong-token-0123456789")
            problem(run(), "login", 6, "does not accept the credentials", "LEDGER_TOKEN")


def test_a_hook_that_refuses_every_change_is_not_troubled(doctor: Doctor, upstream: Upstream, tmp_path: Path) -> None:
    upstream.hook("pre-receive", f"touch {tmp_path / 'ran'}\necho 'nothing comes in here' >&2\nexit 1")
    done = doctor()
    assert done.code == 0
    assert "only one that changes something shows whether it is stored, and the rules" in lines(done)["writing"][1]
    assert not (tmp_path / "ran").exists()


def test_a_checkout_is_looked_at_through_its_remote_and_one_without_a_remote_by_itself(
    ledger: Run, upstream: Upstream, tmp_path: Path
) -> None:
    settle(upstream)
    git("clone", "--quiet", upstream.url, tmp_path / "clone")
    done = ledger("doctor", "--repo", tmp_path / "clone")
    assert done.code == 0, done.out
    assert lines(done)["remote"] == ("ok", f"{upstream.path} (main) answers")
    assert {"ledger.json", "writing"} <= set(states(done))
    assert not {"host key", "login"} & set(states(done))
    git("-C", tmp_path / "clone", "remote", "remove", "origin")
    done = ledger("doctor", "--repo", tmp_path / "clone")
    assert done.code == 0, done.out
    assert lines(done)["remote"][0] == "note"
    assert "writing" not in states(done)
    assert states(done)["ledger.json"] == "ok"


def test_without_any_ledger_it_says_what_is_missing(ledger: Run, tmp_path: Path) -> None:
    done = ledger("doctor")
    problem(done, "ledger.json", 2, "there is no ledger.json", "ledger init", "LEDGER_REPO")
    assert "is no git repository, and no ledger's URL is given: set LEDGER_REPO" in lines(done)["remote"][1]
    problem(ledger("doctor", "--repo", tmp_path / "gone"), "ledger", 2, "there is no folder")
    problem(ledger("doctor", "--repo", "ext::sh"), "ledger", 2, "would make git run a program")


def test_what_the_environment_says_amiss_about_a_run(
    ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> Outcome:
        return ledger("doctor", "--repo", upstream.url)

    monkeypatch.setenv("LEDGER_RUN", "https://user:hunter22@ci.example.com/1")
    done = run()
    problem(done, "ci", 2, "LEDGER_RUN: the run's URL has a login or a token in it")
    assert "hunter22" not in done.out
    monkeypatch.setenv("LEDGER_RUN", "https://ci.example.com/1")
    monkeypatch.setenv("LEDGER_ACTOR", "alice")
    assert lines(run())["ci"] == (
        "note",
        "no CI system is recognized: `publish` needs `--source`; the run is https://ci.example.com/1, started by alice",
    )
    monkeypatch.setenv("JENKINS_URL", "https://jenkins.example.com/")
    state, says = lines(run())["ci"]
    assert (state, "Jenkins did not set GIT_URL" in says, "--source" in says) == ("note", True, True)
    assert says.count("Jenkins") == 1
    monkeypatch.delenv("JENKINS_URL")
    values = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r"}
    for name, value in (values | {"GITHUB_SHA": "a" * 40, "GITHUB_REF": "refs/pull/7/merge"}).items():
        monkeypatch.setenv(name, value)
    state, says = lines(run())["ci"]
    assert (state, "GITHUB_SHA is a temporary merge of a pull request" in says) == ("note", True)


def test_a_machine_without_git_and_without_ssh(
    ledger: Run, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = ledger("doctor", "--repo", upstream.url)
    assert done.code == 2
    assert lines(done)["git"] == (
        "problem", "git is not installed, or not in PATH; install git 2.31 or newer",
    )  # fmt: skip
    assert states(done)["clock"] == "note"
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.25.1\n")
    old.chmod(0o755)
    assert lines(ledger("doctor", "--repo", upstream.url))["git"][1].startswith("git is too old: 2.25.1; ")


def test_the_hints_of_what_may_pass_and_of_what_is_denied_name_it_and_it_does_not_name_itself(
    ledger: Run, sshd: SshServer, upstream: Upstream, doctor: Doctor
) -> None:
    words: list[Any] = ["list", "--repo", sshd.url(upstream.path), "--known-hosts", sshd.known_hosts]
    for key, repo, code in ((sshd.unknown_key, "", 6), (sshd.key, f"ssh://x@127.0.0.1:{free_port()}/l.git", 5)):
        done = ledger(*words, "--deploy-key", key, *(["--repo", repo] if repo else []))
        assert done.code == code
        assert done.err.count("`ledger doctor`") == 1
    assert "`ledger doctor`" not in doctor(key=sshd.unknown_key).out
    assert "`ledger doctor`" not in ledger("get", "app:v1", "--repo", upstream.url).err


def test_the_command_that_it_replaces_names_it(ledger: Run) -> None:
    done = ledger("auth", "registry.example.com")
    assert done.code == 2
    assert "`ledger doctor registry.example.com`" in done.err


def test_the_libraries_that_signatures_need_are_looked_for_where_a_rule_names_a_signer(
    ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen(signer: str) -> Outcome:
        settings = f'provenance:\n  - images: ["*"]\n    signer: {signer}\n'
        upstream.commit_as_other_writer({"ledger.yaml": settings.encode(), "a.pub": signing.public_pem()})
        return ledger("doctor", "--repo", upstream.url)

    assert "signatures" not in states(ledger("doctor", "--repo", upstream.url))
    assert re.fullmatch(r"checked with cryptography \S+", lines(seen("{key: a.pub}"))["signatures"][1])
    keyless = "[{key: a.pub}, {issuer: a, identity: b}]"
    assert re.fullmatch(r"checked with cryptography \S+ and sigstore \S+", lines(seen(keyless))["signatures"][1])
    monkeypatch.setitem(sys.modules, "sigstore", None)
    assert states(seen("{key: a.pub}"))["signatures"] == "ok"
    problem(seen(keyless), "signatures", 2, "the Python library `sigstore` is not installed", "`pip install sigstore`")
    check_schema("doctor-v1", ledger("doctor", "--repo", upstream.url, "--format", "json").json)


@pytest.mark.parametrize("variable", [None, ""])
def test_a_login_without_a_deploy_key_is_not_called_a_wrong_key(
    ledger: Run, sshd: SshServer, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    """The secret of a fork, of an unprotected branch, or with a mistake in its name."""
    if variable is None:
        monkeypatch.delenv("LEDGER_DEPLOY_KEY", raising=False)
    else:
        monkeypatch.setenv("LEDGER_DEPLOY_KEY", variable)
    words = ("--repo", sshd.url(upstream.path), "--known-hosts", sshd.known_hosts)
    state = "is not set" if variable is None else "is empty"
    says = ("no deploy key is given", f"LEDGER_DEPLOY_KEY, which {state}")
    problem(ledger("doctor", *words), "login", 6, *says)
    done = ledger("list", *words)
    assert done.code == 6
    assert all(part in done.err for part in says)
    assert "does not accept the key" not in done.err


def _known(sshd: SshServer) -> tuple[str, str]:
    host, _, key = sshd.known_hosts.read_text().splitlines()[0].partition(" ")
    return host, key


@pytest.mark.parametrize("shape", ["{0} {1}\\n", "# ours\\n{0} {1}", '"{0} {1}"', "{0} {1}\r\n", "# ours\n{0} {1}"])
def test_known_hosts_that_a_ci_system_mangled(doctor: Doctor, sshd: SshServer, shape: str) -> None:
    done = doctor(known_hosts=shape.format(*_known(sshd)))
    assert states(done)["host key"] == "ok", done.out


@pytest.mark.parametrize(
    ("shape", "code", "says"),
    [
        ("{1}", 2, "has no known-hosts line in it"),
        ("# {0}\n{1} root@vm", 2, "has no known-hosts line in it"),
        ("{0} ssh-ed25519 AAAAbroken", 2, "has no known-hosts line in it"),
        ("{0} ecdsa-sha2-nistp256 AAAAC3NzaC1lZDI1NTE5AAAAIA==", 2, "has no known-hosts line in it"),
        ("/nowhere/known", 2, "the known hosts: cannot read /nowhere/known"),
        ("@revoked {0} {1}", 6, "is revoked by your known hosts"),
    ],
)
def test_known_hosts_that_are_none_are_not_called_those_of_another_host(
    doctor: Doctor, sshd: SshServer, shape: str, code: int, says: str
) -> None:
    done = doctor(known_hosts=shape.format(*_known(sshd)))
    problem(done, "ledger" if code == 2 else "host key", code, says)
    assert "is unknown" not in lines(done).get("host key", ("", ""))[1]


def test_a_deploy_key_that_is_none_is_called_the_deploy_key(doctor: Doctor, sshd: SshServer) -> None:
    problem(doctor(key="/nowhere/key"), "ledger", 2, "the deploy key: cannot read /nowhere/key", "LEDGER_DEPLOY_KEY")
    host, key = _known(sshd)
    done = doctor(key=f"{host} {key}")
    problem(done, "ledger", 6, "the deploy key is not a key, but known-hosts lines")
    assert key not in done.out

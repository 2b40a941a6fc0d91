"""A ledger over SSH, against a real sshd that lets in two keys and nobody else."""

from __future__ import annotations

import base64
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.lossy import lossy_way
from tests.support.git.processes import commands_naming
from tests.support.git.servers import SshServer, free_port, make_key
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def publish(ledger: Run, sshd: SshServer, upstream: Upstream) -> Run:
    def run(*options: object, repo: str = "", key: object = "", known_hosts: object = "") -> Outcome:
        return ledger(
            "publish", f"myorg/app:v1@{digest()}", "--source", SOURCE, "--repo", repo or sshd.url(upstream.path),
            "--deploy-key", key or sshd.key, "--known-hosts", known_hosts or sshd.known_hosts, *options,
        )  # fmt: skip

    return run


def _wrapped(program: str, script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a script in front of a program in PATH, in a folder of its own below this one."""
    wrapper = folder / "bin" / program
    wrapper.parent.mkdir()
    wrapper.write_text(script)
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:/usr/bin:/bin:/usr/sbin:/sbin")


def test_a_job_with_nothing_but_a_deploy_key_publishes(publish: Run, upstream: Upstream) -> None:
    done = publish()
    assert done.code == 0, done.err
    assert done.json["commit"] == upstream.tip()
    assert upstream.records()[0]["digest"] == digest()


def test_an_scp_like_address_works_too(
    ledger: Run, sshd: SshServer, upstream: Upstream, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such an address has no port, so that the port comes from the user's ssh set-up, and so does the key."""
    config = hermetic / "ssh_config"
    config.write_text(
        f"Host ledger-host\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {sshd.user}\n  IdentityFile {sshd.key}\n"
        f"  UserKnownHostsFile {sshd.known_hosts}\n  HostKeyAlias [127.0.0.1]:{sshd.port}\n"
    )
    _wrapped("ssh", f'#!/bin/sh\nexec /usr/bin/ssh -F {config} "$@"\n', hermetic, monkeypatch)
    done = ledger(
        "publish", f"myorg/app:v1@{digest()}", "--source", SOURCE, "--repo", f"ledger-host:{upstream.path}"
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["commit"] == upstream.tip()


def test_the_key_may_come_as_text_in_the_environment(
    publish: Run, upstream: Upstream, sshd: SshServer, ledger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CI variables mangle keys: carriage returns, `\\n` as two characters, no final newline."""
    text = sshd.key.read_text()
    for at, mangled in enumerate([text, text.replace("\n", "\r\n"), text.strip(), text.strip().replace("\n", "\\n")]):
        monkeypatch.setenv("LEDGER_DEPLOY_KEY", mangled)
        monkeypatch.setenv("LEDGER_KNOWN_HOSTS", sshd.known_hosts.read_text())
        monkeypatch.setenv("LEDGER_REPO", sshd.url(upstream.path))
        done = ledger("publish", f"myorg/app:v{at}@{digest()}", "--source", SOURCE)
        assert done.code == 0, done.err
    assert len(upstream.records()) == 4


def test_a_wrong_key_is_denied(publish: Run, sshd: SshServer, upstream: Upstream) -> None:
    before = upstream.tip()
    done = publish(key=sshd.unknown_key)
    assert done.code == 6
    assert "does not accept the key" in done.err
    assert "--deploy-key" in done.err
    assert upstream.tip() == before


def test_a_read_only_key_is_denied_in_its_own_words(publish: Run, sshd: SshServer, upstream: Upstream) -> None:
    before = upstream.tip()
    done = publish(key=sshd.read_only_key)
    assert done.code == 6
    assert "read but not write" in done.err
    assert "write access" in done.err
    assert upstream.tip() == before


def test_a_read_only_key_may_read(ledger: Run, publish: Run, sshd: SshServer, upstream: Upstream) -> None:
    assert publish().code == 0
    done = ledger(
        "get", "myorg/app:v1", "--format", "digest", "--repo", sshd.url(upstream.path),
        "--deploy-key", sshd.read_only_key, "--known-hosts", sshd.known_hosts,
    )  # fmt: skip
    assert (done.code, done.out) == (0, digest() + "\n")


def test_an_unknown_host_key_is_denied_without_a_prompt(publish: Run, tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "empty").write_text("")
    done = publish(known_hosts=tmp_path / "empty")
    assert done.code == 6
    assert "host key" in done.err
    assert "is unknown" in done.err
    assert "--known-hosts" in done.err


def test_a_changed_host_key_is_denied_and_the_check_never_questioned(
    publish: Run, tmp_path: Path, sshd: SshServer
) -> None:
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text().split()[:2]
    (tmp_path / "stale").write_text(f"[127.0.0.1]:{sshd.port} {' '.join(other)}\n")
    done = publish(known_hosts=tmp_path / "stale")
    assert done.code == 6
    assert "has changed" in done.err
    assert "disable" not in done.err
    assert "StrictHostKeyChecking" not in done.err


def test_a_missing_branch_is_a_usage_error(publish: Run) -> None:
    done = publish("--branch", "nope")
    assert done.code == 2
    assert "no branch `nope`" in done.err


def test_a_missing_repository_is_denied(publish: Run, sshd: SshServer, tmp_path: Path) -> None:
    done = publish(repo=sshd.url(tmp_path / "nowhere.git"))
    assert done.code == 6
    assert "not found, or access to it is denied" in done.err


def test_nobody_listening_is_try_again(publish: Run, tmp_path: Path) -> None:
    done = publish(repo=f"ssh://git@127.0.0.1:{free_port()}/x.git")
    assert done.code == 5
    assert "could not reach" in done.err


@pytest.mark.parametrize(
    ("mangle", "says"),
    [
        (lambda key, folder: make_key(folder / "locked", "secret").read_text(), "has a passphrase"),
        (lambda key, folder: key.with_suffix(".pub").read_text(), "is a public key"),
        (lambda key, folder: "\n", "is empty"),
        (lambda key, folder: key.read_text().replace("-----BEGIN", "BEGIN") + "\n", "does not start with"),
        (lambda key, folder: key.read_text().rpartition("-----END")[0], "is cut short"),
    ],
)
def test_a_file_that_is_not_a_key_is_denied_and_named(
    publish: Run, sshd: SshServer, tmp_path: Path, mangle: Callable[[Path, Path], str], says: str
) -> None:
    done = publish(key=mangle(sshd.key, tmp_path))
    assert done.code == 6
    assert says in done.err
    assert sshd.key.read_text().split("\n")[1] not in done.err


def test_a_commit_is_signed_with_the_deploy_key_where_there_is_no_signing_key(
    publish: Run, sshd: SshServer, upstream: Upstream, tmp_path: Path
) -> None:
    done = publish("--sign")
    assert done.code == 0, done.err
    signers = tmp_path / "signers"
    signers.write_text(f"deploy {sshd.key.with_suffix('.pub').read_text()}")
    shown = git(
        f"--git-dir={upstream.path}", "-c", f"gpg.ssh.allowedSignersFile={signers}", "log", "-1", "--format=%G? %GS"
    )
    assert shown == "G deploy"


def test_the_key_never_touches_the_disk(
    publish: Run, sshd: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrapper round ssh looks at the run's temporary folder and at every process's arguments."""
    seen = tmp_path / "seen"
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    _wrapped(
        "ssh",
        f'#!/bin/sh\ngrep -rl "PRIVATE KEY" {tmp_path / "tmp"} >>{seen}\nps -eo args >>{seen}\n'
        'exec /usr/bin/ssh "$@"\n',
        tmp_path,
        monkeypatch,
    )
    text = sshd.key.read_text()
    done = publish(key=text)
    assert done.code == 0, done.err
    assert text.split("\n")[1] not in seen.read_text()
    assert not [line for line in seen.read_text().splitlines() if line.startswith(str(tmp_path / "tmp"))]
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("encoded", [True, False])
def test_a_deploy_key_in_one_line_is_never_shown(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoded: bool
) -> None:
    key = make_key(tmp_path / "key").read_bytes()
    line = base64.b64encode(key).decode() if encoded else key.hex()
    monkeypatch.setenv("LEDGER_DEPLOY_KEY", line)
    done = ledger("list", "--repo", "ssh://git@127.0.0.1:1/x.git")
    assert done.code == (5 if encoded else 6)  # as base64 it is a good key, and nobody listens there
    assert line[:40] not in done.err
    assert "KEY" not in done.err


@pytest.mark.parametrize("value", [" ", "\n"])
def test_a_blank_deploy_key_is_empty(ledger: Run, value: str) -> None:
    done = ledger("list", "--repo", "ssh://git@127.0.0.1:1/x.git", "--deploy-key", value)
    assert done.code == 6
    assert "is empty" in done.err


def test_a_publish_logs_in_once_for_all_that_git_does(
    publish: Run, upstream: Upstream, sshd: SshServer, temporary_files: Path
) -> None:
    before, others = sshd.logins(), set(commands_naming(str(temporary_files)))  # such as the tests' fork server
    done = publish()
    assert done.code == 0, done.err
    assert upstream.records()
    assert sshd.logins() == before + 1
    end = time.monotonic() + 5
    while set(commands_naming(str(temporary_files))) - others and time.monotonic() < end:
        time.sleep(0.02)
    assert not set(commands_naming(str(temporary_files))) - others


def test_a_login_that_is_refused_is_not_tried_again(publish: Run, sshd: SshServer) -> None:
    before = sshd.log.read_text().count("Connection from ") + sshd.log.read_text().count("Connection closed")
    assert publish(key=sshd.unknown_key).code == 6
    after = sshd.log.read_text().count("Connection from ") + sshd.log.read_text().count("Connection closed")
    assert after - before <= 1


@pytest.mark.parametrize(
    "says", ["muxserver_listen: link mux listener: Operation not permitted", "ControlPath too long"]
)
def test_where_ssh_cannot_share_its_connection_git_connects_by_itself(
    publish: Run, upstream: Upstream, hermetic: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    _wrapped(
        "ssh",
        f'#!/bin/sh\ncase " $* " in *" -M "*) echo "{says}" >&2; exit 255;; esac\nexec /usr/bin/ssh "$@"\n',
        hermetic,
        monkeypatch,
    )
    done = publish()
    assert done.code == 0, done.err
    assert upstream.records()


def test_a_connection_that_ends_between_fetch_and_push_is_made_anew(
    publish: Run, upstream: Upstream, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process is killed, as by a server that closes what is idle, before the commit is written."""
    _wrapped(
        "git",
        '#!/bin/sh\ncase " $* " in *" commit-tree "*) pkill -f "ControlPath=$(dirname "${1#--git-dir=}")/ssh";; esac\n'
        'exec /usr/bin/git "$@"\n',
        hermetic,
        monkeypatch,
    )
    done = publish()
    assert done.code == 0, done.err
    assert upstream.records()


def test_a_connection_that_goes_silent_between_fetch_and_push_costs_no_push(
    publish: Run, upstream: Upstream, sshd: SshServer, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker, known_hosts = hermetic / "lost", hermetic / "known_hosts"
    _wrapped(
        "git",
        f'#!/bin/sh\ncase " $* " in *" commit-tree "*) touch {marker};; esac\nexec /usr/bin/git "$@"\n',
        hermetic,
        monkeypatch,
    )
    with lossy_way(sshd.port, marker) as port:
        known_hosts.write_text(sshd.known_hosts.read_text().replace(f":{sshd.port} ", f":{port} "))
        url = sshd.url(upstream.path).replace(f":{sshd.port}/", f":{port}/")
        done = publish("--timeout", "15", repo=url, known_hosts=known_hosts)
    assert done.code == 0, done.err
    assert marker.exists()
    assert upstream.records()


def test_a_session_that_fails_over_a_shared_connection_says_nothing_about_the_remote(
    publish: Run, upstream: Upstream, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _wrapped(
        "ssh",
        '#!/bin/sh\nfor one; do case "$one" in ControlPath=*) path="${one#*=}";; -M|-O) exec /usr/bin/ssh "$@";; esac; '
        'done\n[ -S "$path" ] && { echo "ERROR: Repository not found." >&2; exit 128; }\nexec /usr/bin/ssh "$@"\n',
        hermetic,
        monkeypatch,
    )
    done = publish()
    assert done.code == 0, done.err
    assert upstream.records()

"""`publish --sign` with a real deploy key over ssh, or with GPG, and `audit --allowed-signers` after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.servers import SshServer, make_key
from tests.support.git.tamper import commit, move_branch
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def signed(ledger: Run, sshd: SshServer, upstream: Upstream) -> Upstream:
    """Return a ledger with two publications over ssh, both signed with the deploy key."""
    for tag in ("v1", "v2"):
        done = ledger(
            "publish", f"myorg/app:{tag}@{digest(tag)}", "--source", SOURCE, "--repo", sshd.url(upstream.path),
            "--deploy-key", sshd.key, "--known-hosts", sshd.known_hosts, "--sign",
        )  # fmt: skip
        assert done.code == 0, done.err
    return upstream


@pytest.fixture
def audit(ledger: Run, sshd: SshServer, upstream: Upstream, tmp_path: Path) -> Run:
    """Return a function that audits over ssh, with the text of the file of allowed signers."""

    def run(signers: str, *options: str) -> Outcome:
        (tmp_path / "signers").write_text(signers)
        return ledger(
            "audit", "--repo", sshd.url(upstream.path), "--deploy-key", sshd.read_only_key, "--known-hosts",
            sshd.known_hosts, "--allowed-signers", tmp_path / "signers", *options,
        )  # fmt: skip

    return run


def allow(key: Path, options: str = "") -> str:
    return f"deploy {options}{key.with_suffix('.pub').read_text()}"


def test_commits_signed_with_the_deploy_key_pass_from_end_to_end(audit: Run, signed: Upstream, sshd: SshServer) -> None:
    """The first commit, which `init` made, holds no record and needs no signature: the signed ones vouch for it."""
    done = audit(f"# the keys of our jobs\n{allow(sshd.unknown_key)}{allow(sshd.key)}")
    assert (done.code, done.out) == (0, ""), done.out
    assert "ok: 3 commits, 2 signatures checked" in done.err


def test_another_key_is_not_an_allowed_signer(audit: Run, signed: Upstream, sshd: SshServer) -> None:
    done = audit(allow(sshd.unknown_key))
    assert done.code == 1
    assert [line.split(" ")[0] for line in done.out.splitlines()] == [
        one[:12] for one in reversed(signed.commits()[:2])
    ]
    assert done.out.count("which is not an allowed signer") == 2


def test_an_expired_key_is_distinguished_from_an_unknown_one(audit: Run, signed: Upstream, sshd: SshServer) -> None:
    done = audit(allow(sshd.key, 'valid-before="20200101" '))
    assert done.code == 1
    assert done.out.count("which is not allowed to sign at that time, or is expired") == 2


def test_a_key_that_may_sign_other_things_only_is_not_enough(audit: Run, signed: Upstream, sshd: SshServer) -> None:
    done = audit(allow(sshd.key, 'namespaces="file" '))
    assert done.code == 1
    assert done.out.count(" signature: ") == 2


def test_an_unsigned_commit_is_reported_unless_it_precedes_a_trusted_one(
    audit: Run, ledger: Run, signed: Upstream, sshd: SshServer
) -> None:
    done = ledger("publish", f"myorg/app:v3@{digest()}", "--source", SOURCE, "--repo", signed.url)
    assert done.code == 0
    done = audit(allow(sshd.key))
    assert (done.code, done.out) == (1, f"{signed.tip()[:12]} signature: it is not signed\n")
    assert audit(allow(sshd.key), "--since", signed.tip()).code == 0


def test_a_commit_that_was_changed_after_it_was_signed_is_named(audit: Run, signed: Upstream, sshd: SshServer) -> None:
    raw = signed.git("cat-file", "commit", "main") + "\n"
    changed = raw.replace("committer Test Person", "committer Somebody")
    assert changed != raw
    made = signed.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=changed.encode())
    move_branch(signed, made)
    done = audit(allow(sshd.key))
    assert done.code == 1
    assert done.out.startswith(f"{made[:12]} signature: its signature is bad")


def test_settings_that_come_before_the_first_record_need_no_signature_and_after_it_they_do(
    audit: Run, signed: Upstream, sshd: SshServer
) -> None:
    made = commit(signed, "let all tags move\n", [signed.tip()], {"ledger.yaml": b"tags:\n  mutable: ['*']\n"})
    move_branch(signed, made)
    done = audit(allow(sshd.key))
    assert (done.code, done.out) == (1, f"{made[:12]} signature: it is not signed\n")


def test_a_file_of_signers_that_is_not_there_is_a_usage_error(ledger: Run, upstream: Upstream) -> None:
    done = ledger("audit", "--repo", upstream.url, "--allowed-signers", "nowhere")
    assert done.code == 2
    assert "cannot read nowhere" in done.err


@pytest.fixture
def signing_gpg(gpg: Callable[..., str], hermetic: Path) -> Callable[..., str]:
    """Return a function that runs gpg on a keyring of its own, in which there is a key that may sign."""
    gpg("--passphrase", "", "--quick-generate-key", "Test Person <person@example.com>", "ed25519", "sign")
    with (hermetic / "gitconfig").open("a") as file:
        file.write("[user]\n\tsigningKey = person@example.com\n")
    return gpg


def test_a_gpg_signature_is_good_if_the_keyring_fully_trusts_its_key(
    ledger: Run, upstream: Upstream, tmp_path: Path, signing_gpg: Callable[..., str]
) -> None:
    gpg = signing_gpg
    (tmp_path / "signers").write_text("# none by ssh\n")
    done = ledger("publish", f"myorg/app:v1@{digest()}", "--source", SOURCE, "--repo", upstream.url, "--sign")
    assert done.code == 0, done.err

    def audit() -> Outcome:
        return ledger("audit", "--repo", upstream.url, "--allowed-signers", tmp_path / "signers")

    assert audit().code == 0
    fingerprint = next(line for line in gpg("--list-keys", "--with-colons").splitlines() if line.startswith("fpr"))
    key = fingerprint.split(":")[9]
    for level, says in (("2", "does not trust"), ("4", "does not trust")):
        gpg("--import-ownertrust", stdin=f"{key}:{level}:\n")
        done = audit()
        assert done.code == 1, level
        assert says in done.out
    gpg("--yes", "--delete-secret-and-public-key", key)
    done = audit()
    assert done.code == 1
    assert "the keyring does not have the key" in done.out


def test_a_key_file_that_was_made_elsewhere_does_not_matter(audit: Run, signed: Upstream, tmp_path: Path) -> None:
    done = audit(allow(make_key(tmp_path / "stranger")))
    assert done.code == 1

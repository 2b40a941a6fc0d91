"""`doctor` of a ledger with owners: whether each has a key, as whom a commit from here is signed, and what is asked."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.owned import SETTINGS, OwnedLedger, make_keys
from tests.support.git.upstream import git
from tests.support.values import signing
from tests.support.values.doctor import lines, problem, states
from tests.support.values.make import ledger_bytes, record
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_keys(tmp_path_factory.mktemp("people"))


@pytest.fixture
def owned(tmp_path: Path, keys: dict[str, Path]) -> OwnedLedger:
    made = OwnedLedger.create(tmp_path, keys)
    made.commit({"ledger.json": ledger_bytes(record())}, "start", "admin")
    return made


@pytest.fixture
def doctor(ledger: Run, owned: OwnedLedger) -> Callable[..., Outcome]:
    return lambda *options: ledger("doctor", "--repo", owned.upstream.url, *options)


def sign_with(home: Path, key: object) -> None:
    with (home / "gitconfig").open("a") as file:
        file.write(f"[gpg]\n\tformat = ssh\n[user]\n\tsigningKey = {key}\n")


def test_without_owners_nothing_is_said_of_them(ledger: Run, owned: OwnedLedger) -> None:
    owned.commit({"ledger.yaml": b""}, "nobody", "admin")
    assert {"owners", "signing"}.isdisjoint(states(ledger("doctor", "--repo", owned.upstream.url)))


@pytest.mark.parametrize("name", ["payments-ci", "release", "admin"])
def test_as_whom_a_commit_from_here_is_signed(
    doctor: Callable[..., Outcome], owned: OwnedLedger, hermetic: Path, name: str
) -> None:
    sign_with(hermetic, owned.keys[name])
    before = owned.upstream.git("count-objects", "-v"), owned.upstream.git("for-each-ref")
    done = doctor()
    found = lines(done)
    assert found["owners"] == ("ok", "3 signers of what has an owner, each with a key")
    assert found["signing"] == ("ok", f"a commit from here is signed as {name}")
    assert (done.code, (owned.upstream.git("count-objects", "-v"), owned.upstream.git("for-each-ref"))) == (0, before)
    check_schema("doctor-v1", doctor("--format", "json").json)


def test_the_deploy_key_signs_where_no_other_key_is_set(ledger: Run, owned: OwnedLedger) -> None:
    done = ledger("doctor", "--repo", owned.upstream.url, "--deploy-key", owned.keys["payments-ci"])
    assert lines(done)["signing"] == ("ok", "a commit from here is signed as payments-ci")


def test_a_key_of_nobody_and_no_key_are_notes(
    doctor: Callable[..., Outcome], owned: OwnedLedger, hermetic: Path
) -> None:
    done = doctor()
    assert done.code == 0
    assert lines(done)["signing"] == (
        "note", "git has no key to sign with, so what somebody owns cannot be changed from here",
    )  # fmt: skip
    sign_with(hermetic, owned.keys["stranger"])
    done = doctor()
    state, says = lines(done)["signing"]
    assert (done.code, state) == (0, "note")
    assert says.startswith("of a commit from here, it is signed by the key SHA256:")
    assert says.endswith("which allowed_signers does not list, so what somebody owns cannot be changed from here")


def test_a_key_that_may_ask_for_something_is_not_used(
    doctor: Callable[..., Outcome], hermetic: Path, tmp_path: Path
) -> None:
    touched = tmp_path / "touched"
    touched.with_suffix(".pub").write_text("sk-ssh-ed25519@openssh.com AAAA me\n")
    sign_with(hermetic, touched)
    state, says = lines(doctor())["signing"]
    assert (state, says.startswith("not tried, since the key may ask for something")) == ("note", True)


def test_a_key_that_cannot_be_read_is_a_note(doctor: Callable[..., Outcome], hermetic: Path, tmp_path: Path) -> None:
    sign_with(hermetic, tmp_path / "missing")
    state, says = lines(doctor())["signing"]
    assert (state, says.endswith("so what somebody owns cannot be changed from here")) == ("note", True)


def test_signers_without_a_key_are_a_problem(doctor: Callable[..., Outcome], owned: OwnedLedger) -> None:
    owned.commit({"allowed_signers": owned.line("admin").encode()}, "fewer keys", "admin")
    problem(doctor(), "owners", 1, "payments-ci, release are named as signers, and have no key in allowed_signers or")
    owned.commit({"allowed_signers": (owned.line("admin") + owned.line("release")).encode()}, "one more", "admin")
    problem(doctor(), "owners", 1, "payments-ci is named as a signer, and has no key", "list their keys")


@pytest.mark.parametrize(
    ("mode", "content", "said"),
    [
        ("", b"", "payments-ci, admin, release are named as signers, and have no key"),
        ("120000", b"/etc/passwd", "allowed_signers in the ledger repository is not a plain file, so it lists nobody"),
        ("100644", b"#" * (2**20 + 1), "allowed_signers in the ledger repository is larger than 1 MB"),
        ("100644", b"x\n", "allowed_signers:1: the line is not principals"),
    ],
)
def test_a_list_of_keys_that_is_missing_or_of_no_use_is_a_problem(
    doctor: Callable[..., Outcome], ledger: Run, owned: OwnedLedger, mode: str, content: bytes, said: str
) -> None:
    run = owned.upstream.git
    names = [line for line in run("ls-tree", "main").splitlines() if not line.endswith("\tallowed_signers")]
    if mode:
        names.append(f"{mode} blob {run('hash-object', '-w', '--stdin', stdin=content)}\tallowed_signers")
    tree = run("mktree", stdin="".join(f"{one}\n" for one in names).encode())
    run("update-ref", "refs/heads/main", run("commit-tree", "-p", "main", "-m", "odd", tree))
    done = doctor()
    assert (done.code, lines(done)["owners"][0]) == (1, "problem")
    assert said in lines(done)["owners"][1]
    checked = ledger("check", "--repo", owned.upstream.url)
    assert (checked.code, said.split(":1: ")[-1] in checked.out + checked.err) == (1 if mode else 0, bool(mode))


def test_a_gpg_key_that_is_there_is_not_used(
    doctor: Callable[..., Outcome], owned: OwnedLedger, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = hermetic / "gnupg"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    words = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "person@example.com", "ed25519"]
    subprocess.run(words, check=True, capture_output=True)
    with (hermetic / "gitconfig").open("a") as file:
        file.write("[user]\n\tsigningKey = person@example.com\n")
    assert lines(doctor())["signing"][1].startswith("not tried, since the key may ask for something")


def test_a_checkout_is_judged_by_what_is_at_its_remote(ledger: Run, owned: OwnedLedger, tmp_path: Path) -> None:
    git("clone", "--quiet", owned.upstream.url, tmp_path / "clone")
    (tmp_path / "clone" / "ledger.yaml").write_text("")
    done = ledger("doctor", "--repo", tmp_path / "clone")
    assert (states(done)["owners"], states(done)["signing"]) == ("ok", "note")


def test_a_folder_without_a_remote_says_who_has_keys(ledger: Run, owned: OwnedLedger, tmp_path: Path) -> None:
    for name in ("ledger.json", "ledger.yaml", "allowed_signers"):
        (tmp_path / name).write_bytes(owned.upstream.content(name=name))
    found = states(ledger("doctor", "--repo", tmp_path))
    assert (found["owners"], "signing" in found) == ("ok", False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "`provenance` names a.pub, and the ledger repository does not have that file"),
        (b"", "a.pub:1: it is not a public key in PEM"),
        (b" " * 2**21, "a.pub in the ledger repository is larger than 1 MB"),
        (signing.public_pem(), ""),
    ],
)
def test_a_key_of_provenance_that_is_missing_or_of_no_use_is_a_problem(
    doctor: Callable[..., Outcome], owned: OwnedLedger, content: bytes | None, said: str
) -> None:
    settings = SETTINGS + "provenance:\n  - images: ['*']\n    signer: {key: a.pub}\n"
    files = {"ledger.yaml": settings.encode()} | ({} if content is None else {"a.pub": content})
    owned.commit(files, "provenance", "admin")
    done = doctor()
    if said:
        problem(done, "signatures", 1, said)
    else:
        assert states(done)["signatures"] == "ok"

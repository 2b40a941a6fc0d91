"""Commands that change what somebody owns sign by themselves, and push nothing that no owner has signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.git.owned import SETTINGS, OwnedLedger, make_keys
from tests.support.git.upstream import git
from tests.support.registries.world import World
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]

PAY = record("payments/api", "v1", digest=digest("pay"))
OLD = record("payments/api", "pr-1", digest=digest("old"), ttl="1d")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_keys(tmp_path_factory.mktemp("people"))


@pytest.fixture
def owned(tmp_path: Path, keys: dict[str, Path]) -> OwnedLedger:
    made = OwnedLedger.create(tmp_path, keys, SETTINGS.replace('  - images: ["*"]\n    files', "  - files"))
    made.commit({"ledger.json": ledger_bytes(OLD, PAY)}, "start", "admin")
    return made


@pytest.fixture
def run(ledger: Run, owned: OwnedLedger) -> Run:
    """Return a function that runs a command as somebody, whose key is the deploy key; `""` has none."""

    def run(by: str, *words: object) -> Outcome:
        key = ("--deploy-key", owned.keys[by]) if by else ()
        return ledger(*words, "--repo", owned.upstream.url, *key)

    return run


def publish(name: str) -> tuple[str, ...]:
    return ("publish", f"{name}@{digest(name)}", "--source", SOURCE, "--offline")


COMMANDS = {
    "publish": ("payments-ci", publish("payments/api:v2")),
    "force": ("payments-ci", (*publish("payments/api:v1"), "--force", "--reason", "CVE")),
    "set": ("payments-ci", ("set", "payments/api:v1", "--label", "a=b")),
    "yank": ("payments-ci", ("yank", "payments/api:v1", "--reason", "crashes")),
    "remove": ("payments-ci", ("remove", "payments/api:v1", "--reason", "by mistake")),
    "promote": ("release", ("promote", "payments/api:v1", "--to", "prod")),
    "promote to staging": ("payments-ci", ("promote", "payments/api:v1", "--to", "staging")),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_has_an_owner_is_signed_without_being_asked(
    run: Run, owned: OwnedLedger, ledger: Run, command: str
) -> None:
    owner, words = COMMANDS[command]
    start = owned.upstream.tip()
    done = run("stranger", *words)
    assert (done.code, owned.upstream.tip()) == (6, start)
    assert "which allowed_signers does not list" in done.err
    done = run(owner, *words)
    assert done.code == 0, done.err
    done = ledger("check", "--repo", owned.upstream.url, "--branch", "main", "--base", start)
    assert done.code == 0, done.out


def test_what_nobody_owns_is_not_signed(run: Run, owned: OwnedLedger) -> None:
    assert run("stranger", *publish("web/shop:v1")).code == 0
    assert "gpgsig" not in owned.upstream.git("cat-file", "commit", "main")


def test_the_wrong_owner_is_told_who_owns_it_and_what_to_do(run: Run, owned: OwnedLedger) -> None:
    done = run("release", *publish("payments/api:v2"))
    assert done.code == 6
    assert (
        "error: nothing was written, since it changes payments/api, which payments-ci owns, and it is signed by release"
    ) in done.err
    assert "hint: sign with the key of an owner" in done.err
    assert "ledger doctor" not in done.err


def test_without_any_key_nothing_is_pushed(run: Run, owned: OwnedLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", "/nonexistent")
    start = owned.upstream.tip()
    done = run("", *publish("payments/api:v2"))
    assert (done.code, owned.upstream.tip()) == (6, start)
    assert "which payments-ci owns, and git could not sign the commit: " in done.err


def test_the_users_own_key_goes_before_the_deploy_key(
    run: Run, owned: OwnedLedger, hermetic: Path, keys: dict[str, Path]
) -> None:
    with (hermetic / "gitconfig").open("a") as file:
        file.write(f"[user]\n\tsigningKey = {keys['payments-ci']}\n[gpg]\n\tformat = ssh\n")
    assert run("stranger", *publish("payments/api:v2")).code == 0


def test_a_key_in_the_home_of_nobody_is_no_key(run: Run, owned: OwnedLedger, hermetic: Path) -> None:
    with (hermetic / "gitconfig").open("a") as file:
        file.write("[user]\n\tsigningKey = ~nobody-at-all/key\n[gpg]\n\tformat = ssh\n")
    for words in ((), ("--dry-run",)):
        done = run("", *publish("payments/api:v2"), *words)
        assert done.code == 6
        assert "which payments-ci owns, and git could not sign the commit: " in done.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_dry_run_says_what_the_write_would_say(run: Run, owned: OwnedLedger, command: str) -> None:
    by, words = COMMANDS[command]
    before = owned.upstream.tip()
    for who in ("", "stranger", "admin", by):
        tried = run(who, *words, "--dry-run")
        if who == by:
            assert tried.code == 0, tried.err
            break
        done = run(who, *words)
        assert tried.code == done.code == 6, tried.err
        assert tried.err == done.err or (who == "" and "and git has no key to sign with" in tried.err)
    assert owned.upstream.tip() == before


def test_a_dry_run_leaves_nothing_in_a_checkout(
    ledger: Run, owned: OwnedLedger, tmp_path: Path, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    git("clone", "-q", owned.upstream.url, tmp_path / "clone")
    monkeypatch.chdir(tmp_path / "clone")
    objects = tmp_path / "clone" / ".git" / "objects"
    before = sorted(objects.rglob("*"))
    for by, code in (("stranger", 6), ("payments-ci", 0)):
        done = ledger(*publish("payments/api:v2"), "--no-push", "--deploy-key", keys[by], "--dry-run")
        assert done.code == code, done.err
    assert sorted(objects.rglob("*")) == before


def test_pruning_what_has_expired_needs_no_key(run: Run, owned: OwnedLedger) -> None:
    done = run("", "prune", "--yes")
    assert done.code == 0, done.err
    assert owned.upstream.tags() == {"v1"}


def soon(minutes: int) -> str:
    return f"{datetime.now(UTC) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def test_what_has_expired_only_by_a_stated_time_needs_one(run: Run, owned: OwnedLedger) -> None:
    """A time that is a little ahead of the clock is believed; a commit is dated by the clock all the same."""
    young = record("payments/api", "pr-1", digest=digest("old"), ttl="1d", publishedAt=soon(5 - 24 * 60))
    owned.commit({"ledger.json": ledger_bytes(young, PAY)}, "publish", "payments-ci")
    for words in ((), ("--yes",)):
        done = run("", "prune", *words, "--now", soon(8))
        assert (done.code, "payments/api, which payments-ci owns" in done.err) == (6, True), done.err
    assert run("", "prune", "--now", soon(60)).code == 0  # a look into the future
    assert run("payments-ci", "prune", "--yes", "--now", soon(8)).code == 0
    assert owned.upstream.tags() == {"v1"}


@pytest.mark.parametrize("words", [(), ("--yes",)])
def test_nothing_is_deleted_at_a_registry_that_must_not_be_written(
    world: World, keys: dict[str, Path], words: tuple[str, ...]
) -> None:
    old, new = world.push("pr-1"), world.push("v1")
    young = record(world.image, "pr-1", digest=old.digest, ttl="1d", publishedAt=soon(5 - 24 * 60))
    owners = "owners: [{images: ['*'], signers: [admin]}]\n"
    files = {
        "ledger.json": ledger_bytes(young, record(world.image, "v1", digest=new.digest)),
        "ledger.yaml": (world.registry.settings() + owners).encode(),
        "allowed_signers": f"admin {keys['admin'].with_suffix('.pub').read_text()}".encode(),
    }
    tip = world.upstream.commit_as_other_writer(files)
    prune = ("prune", "--registry-delete", "--repo", world.upstream.url, "--now", soon(8), *words)
    done = world.run(*prune)
    assert (done.code, world.upstream.tip(), world.registry.has(world.image, old.digest)) == (6, tip, True), done.err
    assert world.run(*prune, "--deploy-key", keys["admin"]).code == 0


def test_one_commit_for_two_owners_is_signed_by_neither(run: Run, owned: OwnedLedger, tmp_path: Path) -> None:
    assert run("payments-ci", "promote", "payments/api:v1", "--to", "prod").code == 6
    settings = SETTINGS.replace('["payments/*"]', '["payments/api"]').replace('["*"]', '["payments/web"]')
    owned.commit({"ledger.yaml": settings.encode()}, "owners", "admin")
    (tmp_path / "images").write_text(
        "".join(
            f'{{"image": "payments/{one}", "tag": "v3", "digest": "{digest(one)}", "sourceRef": "{SOURCE}"}}\n'
            for one in ("api", "web")
        )
    )
    for by in ("payments-ci", "admin"):
        done = run(by, "publish", "--from", tmp_path / "images", "--offline")
        assert done.code == 6
        assert "hint: no key may sign all that it changes: write what each owner owns by itself" in done.err


def test_a_commit_that_stays_in_the_checkout_is_signed_too(
    ledger: Run, owned: OwnedLedger, tmp_path: Path, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    git("clone", "-q", owned.upstream.url, tmp_path / "clone")
    monkeypatch.chdir(tmp_path / "clone")
    before = git("rev-parse", "HEAD", cwd=tmp_path / "clone")
    for by, code in (("stranger", 6), ("payments-ci", 0)):
        done = ledger(*publish("payments/api:v2"), "--no-push", "--deploy-key", keys[by])
        assert done.code == code, done.err
        assert (git("rev-parse", "HEAD", cwd=tmp_path / "clone") == before) == (code == 6)
    assert ledger("check", "--base", before).code == 0


class TestRebase:
    """A rebase keeps an owner's signature by leaving the branch alone, or has an owner sign again."""

    @pytest.fixture
    def branch(self, owned: OwnedLedger) -> OwnedLedger:
        owned.upstream.git("update-ref", "refs/heads/pr", "main")
        new = record("payments/api", "v2", digest=digest("new"))
        message = f"publish payments/api:v2\n\nImage: payments/api:v2\nDigest: {new.digest}\nSource-Ref: {SOURCE}\n"
        message += "Transaction-Id: 0123456789abcdef\n"
        owned.commit({"ledger.json": ledger_bytes(OLD, PAY, new)}, message, "payments-ci", branch="pr")
        owned.commit({"README.md": b"new\n"}, "something else")
        return owned

    def test_signed_commits_of_owners_are_left_alone(self, run: Run, branch: OwnedLedger) -> None:
        before = branch.upstream.tip("pr")
        for more in ((), ("--unattended",), ("--dry-run",)):
            done = run("payments-ci", "rebase", "main", "--branch", "pr", *more)
            assert (done.code, branch.upstream.tip("pr")) == (3, before)
            assert f"commit {before[:12]} is signed, and changes payments/api, which payments-ci owns" in done.err

    def test_what_nobody_has_signed_yet_is_brought_up_to_date_as_it_is(self, run: Run, branch: OwnedLedger) -> None:
        unsigned = branch.upstream.git("cat-file", "commit", "pr").replace("gpgsig ", "x-was ")
        made = branch.upstream.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=f"{unsigned}\n".encode())
        branch.upstream.git("update-ref", "refs/heads/pr", made)
        done = run("stranger", "rebase", "main", "--branch", "pr", "--unattended")
        assert done.code == 0, done.err
        assert "gpgsig" not in branch.upstream.git("cat-file", "commit", "pr")

    def test_an_owner_signs_again_and_nobody_else_can(self, run: Run, ledger: Run, branch: OwnedLedger) -> None:
        before = branch.upstream.tip("pr")
        done = run("stranger", "rebase", "main", "--branch", "pr", "--sign")
        assert (done.code, branch.upstream.tip("pr")) == (6, before)
        done = run("payments-ci", "rebase", "main", "--branch", "pr", "--sign")
        assert done.code == 0, done.err
        assert branch.upstream.tip("pr") != before
        assert ledger("check", "--repo", branch.upstream.url, "--branch", "pr", "--base", "main").code == 0

    def test_a_rebase_of_files_needs_their_owner(self, run: Run, branch: OwnedLedger) -> None:
        branch.commit({"allowed_signers": branch.signers.encode() + b"# more\n"}, "a comment", "admin", branch="pr")
        assert run("payments-ci", "rebase", "main", "--branch", "pr", "--sign").code == 6

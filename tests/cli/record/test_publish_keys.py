"""The files of keys that rules name are those of the ledger's own commit, wherever the ledger is read from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream, git
from tests.support.registries.attesting import github, rule
from tests.support.values import signing
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

IMAGE = digest("image")
RULE = rule(signer="{key: keys/release.pub}", require=True)


@pytest.fixture
def clone(upstream: Upstream, tmp_path: Path) -> Path:
    """Return a clone of a ledger whose rule names a key in a folder."""
    folder = tmp_path / "clone"
    git("clone", "--quiet", upstream.path, folder)
    (folder / "keys").mkdir()
    (folder / "keys/release.pub").write_bytes(signing.public_pem())
    (folder / "ledger.yaml").write_text(RULE)
    commit(folder)
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    file = tmp_path / "bundle.json"
    file.write_bytes(signing.bundle(github(IMAGE)))
    return file


def commit(folder: Path, *, push: bool = True) -> None:
    git("-C", folder, "add", "--all")
    git("-C", folder, "commit", "--quiet", "--message", "x")
    if push:
        git("-C", folder, "push", "--quiet")


def publish(run: Callable[..., Outcome], repo: object, bundle: Path, *options: object) -> Outcome:
    name = f"myorg/app:v1@{IMAGE}"
    return run("publish", name, "--source", SOURCE, "--offline", "--bundle", bundle, "--repo", repo, *options)


@pytest.mark.parametrize("where", ["remote", "checkout", "no-push"])
def test_a_key_in_a_folder_is_found_wherever_the_ledger_is(
    where: str, ledger: Callable[..., Outcome], upstream: Upstream, clone: Path, bundle: Path
) -> None:
    options = ["--no-push"] if where == "no-push" else []
    done = publish(ledger, upstream.url if where == "remote" else clone, bundle, *options)
    assert done.code == 0, done.err
    assert done.json["records"][0]["provenance"]["signer"] == "key:keys/release.pub"
    repo = clone if where == "no-push" else upstream.url
    for words in ((), ("--branch", "main")):
        verified = ledger("verify", "myorg/app:v1", "--bundle", bundle, "--repo", repo, *words)
        assert (verified.code, "proved" in verified.out) == (0, True), verified.err


def test_what_is_not_committed_does_not_count_in_a_write(
    ledger: Callable[..., Outcome], clone: Path, bundle: Path
) -> None:
    (clone / "keys/release.pub").write_bytes(signing.public_pem(name="another"))
    assert publish(ledger, clone, bundle).code == 0
    assert publish(ledger, clone, bundle, "--no-push").code == 0


def test_a_key_that_was_replaced_counts_from_its_commit_on(
    ledger: Callable[..., Outcome], upstream: Upstream, clone: Path, bundle: Path
) -> None:
    (clone / "keys/release.pub").write_bytes(signing.public_pem(name="another"))
    commit(clone)
    bundle.write_bytes(signing.envelope(github(IMAGE)))
    for repo in (upstream.url, clone):
        done = publish(ledger, repo, bundle)
        assert done.code == 3
        assert "it has no valid signature by keys/release.pub" in done.err


@pytest.mark.parametrize("where", ["remote", "checkout"])
def test_a_link_is_not_followed(
    where: str, ledger: Callable[..., Outcome], upstream: Upstream, clone: Path, bundle: Path, tmp_path: Path
) -> None:
    assert publish(ledger, clone, bundle).code == 0
    outside = tmp_path / "outside"
    outside.mkdir()
    (clone / "keys/release.pub").rename(outside / "release.pub")
    (clone / "keys").rmdir()
    (clone / "keys").symlink_to(outside)
    git("-C", clone, "pull", "--quiet", "--rebase", "--autostash")
    commit(clone)
    done = ledger("verify", "myorg/app:v1", "--bundle", bundle, "--repo", upstream.url if where == "remote" else clone)
    assert (done.code, done.out) == (2, "")
    assert "keys/release.pub" in done.err

"""A stage whose git host is a real sshd, and on which everything that is started leaves its arguments behind."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.release.conftest import dist as dist  # which the tests of the kits install
from tests.support.forges.fake_forge import TOKEN
from tests.support.git.servers import SshServer
from tests.support.git.upstream import git
from tests.support.stage.stage import Stage
from tests.support.stage.strangers import EVIDENCE, put_strangers
from tests.support.values.make import WHEN, digest

SECRETS = {
    "deploy key": "OPENSSH PRIVATE KEY",
    "password": "not-a-password",
    "token": "not-a-token",
    "forge token": TOKEN,
}
# What git takes as the name of a branch, and a shell as much more.
EVIL_BRANCH = '$(touch${IFS}pwned)`touch${IFS}pwned`";touch${IFS}pwned;"'
EVIL_TITLE = "`touch pwned` $(touch pwned) '; touch pwned; ' ${{ github.token }} <!-- ledger review -->"


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Return a stage on which a job finds nothing that it does not bring along, and whose `ssh` is the real one.

    Its checkout is full of modules that are not ours, and PYTHONPATH, as some images have it, names the checkout.
    """
    with Stage.set_up(tmp_path / "stage", forking=not request.node.get_closest_marker("real_start")) as made:
        programs, log = made.root / "programs", made.root / "arguments"
        programs.mkdir()
        log.touch()
        (made.root / "bin/ssh").unlink()
        for name in ("ledger", "curl", "docker", "pip", "pipx", "git", "ssh"):
            real = shutil.which(name, path=made.environment["PATH"])
            _program(programs / name, f'printf "%s\\n" "$0 $*" >>{log}\nexec {real} "$@"\n')
        environment = {name: value for name, value in made.environment.items() if not name.startswith("LEDGER_")}
        environment |= {"PATH": f"{programs}:{environment['PATH']}", "PYTHONPATH": str(made.work)}
        put_strangers(made.work, made.root / EVIDENCE)
        yield dataclasses.replace(made, environment=environment)
        started = log.read_text()
        assert not [name for name, secret in SECRETS.items() if secret in started], started
        assert not list(made.root.rglob(EVIDENCE))


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}")
    path.chmod(0o755)


@pytest.fixture
def access(stage: Stage, sshd: SshServer, tmp_path: Path) -> dict[str, str]:
    """Return the ledger's address, and the paths of a deploy key and of known hosts, both with a space in them."""
    folder = tmp_path / "secret files"
    folder.mkdir()
    return {
        "LEDGER_REPO": sshd.url(stage.upstream.path),
        "LEDGER_DEPLOY_KEY": str(shutil.copy(sshd.key, folder / "a key")),
        "LEDGER_KNOWN_HOSTS": str(shutil.copy(sshd.known_hosts, folder / "known hosts")),
    }


def publish(stage: Stage, repo: Path, tag: str, seed: str, *more: str) -> None:
    """Publish an image of this name to a folder's ledger, without a registry."""
    words = " ".join(
        f"'{word}'" for word in (f"myorg/app:{tag}@{digest(seed)}", f"--published-at={WHEN}", f"--repo={repo}", *more)
    )
    source = "https://git.example.com/team/app@4ef5a3030654728decc420aa363a57670ae53de4"
    (said,) = stage.run([f"ledger publish {words} --offline --no-push --source {source}"])
    assert "published" in said, said


@dataclasses.dataclass(frozen=True)
class Proposal:
    """A pull request: the commits of its head and of its base branch."""

    head: str
    base: str


@pytest.fixture(scope="session")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Proposal]:
    """Return a repository with a pull request: it adds v1.1 and moves v1.0 by force; both branches have evil names."""
    root = tmp_path_factory.mktemp("proposed")
    clone = root / "clone"
    with Stage.set_up(root / "stage") as stage:
        git("clone", "--quiet", stage.upstream.url, clone)
        publish(stage, clone, "v1.0", "old")
        git("push", "--quiet", "origin", "HEAD:main", f"HEAD:refs/heads/{EVIL_BRANCH}-base", cwd=clone)
        base = git("rev-parse", "HEAD", cwd=clone)
        git("checkout", "--quiet", "-b", f"{EVIL_BRANCH}-head", "--no-track", cwd=clone)
        publish(stage, clone, "v1.1", "new", "--label=note=::add-mask::hello ##[add-mask]hello")
        publish(stage, clone, "v1.0", "forced", "--force", "--reason=::add-mask::hello <img> @team")
        git("push", "--quiet", "origin", "HEAD", cwd=clone)
        return shutil.copytree(stage.upstream.path, root / "upstream.git"), Proposal(
            git("rev-parse", "HEAD", cwd=clone), base
        )


@pytest.fixture
def proposal(stage: Stage, proposed: tuple[Path, Proposal], tmp_path: Path) -> Proposal:
    """Return the pull request on this stage; its branch is checked out in `clone`."""
    repository, made = proposed
    shutil.rmtree(stage.upstream.path)
    shutil.copytree(repository, stage.upstream.path)
    git("clone", "--quiet", "--branch", f"{EVIL_BRANCH}-head", stage.upstream.url, tmp_path / "clone")
    return made

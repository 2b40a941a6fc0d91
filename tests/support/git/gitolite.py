"""A real gitolite on loopback, behind sshd: keys of users whom its rules allow different things."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.git.servers import make_key, run_sshd, user_name
from tests.support.git.upstream import Upstream

# `ci` may do all that a job needs, `reader` may only read, `proposer` may push any branch but main.
_RULES = """\
repo ledger
    RW+                 = ci
    -   refs/heads/main = proposer
    RW                  = proposer
    R                   = reader
"""
USERS = ("ci", "reader", "proposer", "stranger")


@dataclass(frozen=True)
class Gitolite:
    """A running gitolite that serves one repository: its URL, the repository on disk, and the key of each user."""

    url: str
    upstream: Upstream
    keys: Mapping[str, Path]
    known_hosts: Path


@contextmanager
def gitolite(folder: Path, upstream: Upstream) -> Iterator[Gitolite]:
    """Serve a copy of a repository by gitolite, whose home is the folder, under the name `ledger`."""
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    keys = {user: make_key(folder / user) for user in USERS}
    environment = {**os.environ, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}

    def run(*command: str) -> str:
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    run("gitolite", "setup", "-a", "ci")
    repository = folder / "repositories/ledger.git"
    shutil.copytree(upstream.path, repository)
    (repository / "hooks").mkdir()
    (folder / ".gitolite/conf/gitolite.conf").write_text(_RULES)
    run("gitolite", "compile")
    run("gitolite", "setup", "--hooks-only")
    authorized = folder / "authorized_keys"
    shell = Path(run("gitolite", "query-rc", "GL_BINDIR").strip()) / "gitolite-shell"
    authorized.write_text(
        "".join(
            f'restrict,command="env HOME={folder} {shell} {user}" {key.with_suffix(".pub").read_text().strip()}\n'
            for user, key in keys.items()
        )
    )
    with run_sshd(folder, authorized) as (port, known_hosts):
        url = f"ssh://{user_name()}@127.0.0.1:{port}/ledger"
        yield Gitolite(url, Upstream(repository), keys, known_hosts)

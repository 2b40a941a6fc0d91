"""A ledger with owners, and the keys of people who sign its commits, owners or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.git import written
from tests.support.git.servers import make_key
from tests.support.git.upstream import Upstream

SETTINGS = """\
tags:
  mutable: ["main"]
environments:
  staging: {}
  prod: {signers: [release]}
owners:
  - images: ["payments/*"]
    signers: [payments-ci]
  - images: ["*"]
    files: [ledger.yaml, "allowed_signers*"]
    signers: [admin]
"""
PEOPLE = ("payments-ci", "release", "admin", "stranger")


@dataclass
class OwnedLedger:
    """A bare repository with a ledger that has owners, and a key for each of `PEOPLE`; `stranger`'s is not listed."""

    upstream: Upstream
    keys: Mapping[str, Path]
    signers: str = field(init=False)

    def __post_init__(self) -> None:
        self.signers = "".join(self.line(name) for name in PEOPLE if name != "stranger")

    @classmethod
    def create(cls, folder: Path, keys: Mapping[str, Path], settings: str = SETTINGS) -> OwnedLedger:
        """Make one whose first commit has the owners and their keys."""
        made = cls(Upstream.create(folder / "ledger.git", settings=settings), keys)
        made.upstream.commit_as_other_writer({"allowed_signers": made.signers.encode()}, "say who may sign")
        return made

    def line(self, name: str, options: str = "", *, key: str = "") -> str:
        """Return a line of `allowed_signers` that lets a person's key (their own) sign as them."""
        return f"{name} {options}{self.keys[key or name].with_suffix('.pub').read_text()}"

    def commit(
        self,
        files: Mapping[str, bytes],
        message: str,
        by: str = "",
        *,
        parents: Sequence[str] = (),
        date: str = "",
        branch: str = "main",
    ) -> str:
        """Commit files on a branch (or on `parents`, without moving it), signed by a person, or unsigned."""
        on = [self.upstream.git("rev-parse", parent) for parent in parents] or [self.upstream.tip(branch)]
        tree = written.tree_with(self.upstream.path, on[0], files)
        words = [word for parent in on for word in ("-p", parent)]
        sign = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={self.keys[by]}"] if by else []
        made = self.upstream.git(
            *sign, "commit-tree", *(["-S"] if by else []), *words, "-F", "-", tree, stdin=message.encode(), date=date
        )
        if not parents:
            self.upstream.git("update-ref", f"refs/heads/{branch}", made)
        return made


def make_keys(folder: Path) -> dict[str, Path]:
    """Make a key for each person."""
    folder.mkdir(parents=True, exist_ok=True)
    return {name: make_key(folder / name) for name in PEOPLE}

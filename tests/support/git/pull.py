"""A pull request on a ledger: a clone with a branch of its own, written by `ledger` and by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema


@dataclass
class Pull:
    """A clone of a ledger's repository with the branch `pr` checked out."""

    folder: Path
    run: Callable[..., Outcome]

    @classmethod
    def open(cls, upstream: Upstream, folder: Path, run: Callable[..., Outcome]) -> Pull:
        """Clone, and start the branch."""
        git("clone", "--quiet", upstream.url, folder)
        made = cls(folder, run)
        made.git("checkout", "--quiet", "-b", "pr")
        return made

    def git(self, *arguments: object, check: bool = True) -> str:
        """Run git in the clone."""
        return git("-C", self.folder, *arguments, check=check)

    def ledger(self, *argv: object) -> Outcome:
        """Run a command that has to succeed, and that pushes nothing."""
        done = self.run(*argv, "--repo", self.folder, "--no-push")
        assert done.code == 0, done.err
        return done

    def publish(self, name: str, seed: object, *options: object, source: str = SOURCE) -> str:
        """Publish the digest of a seed; return the commit."""
        self.ledger("publish", f"{name}@{digest(seed)}", "--source", source, "--offline", *options)
        return self.git("rev-parse", "HEAD")

    def path(self, name: str = "ledger.json") -> Path:
        """Return the path of a file."""
        return self.folder / name

    def text(self) -> str:
        """Return `ledger.json`."""
        return self.path().read_text("utf-8")

    def edit(self, old: str, new: str) -> None:
        """Replace a text in `ledger.json`, all over it."""
        text = self.text()
        assert old in text
        self.path().write_text(text.replace(old, new), "utf-8")

    def commit(self, message: str = "by hand", *options: object) -> str:
        """Commit all that is in the folder; return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--no-verify", *options, "-m", message)
        return self.git("rev-parse", "HEAD")

    def check(self, *options: object, base: str = "origin/main") -> Outcome:
        """Run `check --base`."""
        return self.run("check", "--base", base, "--repo", self.folder, *options)

    def diff(self, *options: object, base: str = "origin/main") -> Outcome:
        """Run `diff`."""
        return self.run("diff", base, "--repo", self.folder, *options)

    def findings(self, *options: object, base: str = "origin/main") -> list[dict[str, Any]]:
        """Return what `check --base` finds; its exit code has to agree."""
        done = self.check("--format", "json", *options, base=base)
        check_schema("check-v1", done.json)
        found: list[dict[str, Any]] = done.json["findings"]
        assert done.code in ((1, 4) if found else (0,)), done.err
        return found

    def rules(self, *options: object, base: str = "origin/main") -> list[str]:
        """Return the rules that are broken."""
        return [one["rule"] for one in self.findings(*options, base=base)]

    def line_of(self, *words: str) -> int:
        """Return the line of `ledger.json` on which the last of some texts stands, each looked for after the other."""
        lines, at = self.text().splitlines(), 0
        for word in words:
            at = next(number for number, line in enumerate(lines[at:], at + 1) if word in line)
        return at

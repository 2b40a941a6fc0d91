"""Histories that somebody tampered with: commits made again with plumbing, as no command of ours would."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.support.git.upstream import Upstream
from tests.support.values.make import ledger_bytes


def commit(
    upstream: Upstream, message: str, parents: Sequence[str], files: dict[str, bytes] | None = None, tree: str = ""
) -> str:
    """Write a commit with these parents, and `files` over the files of `tree`, or else of the first parent."""
    entries = {}
    for line in upstream.git("ls-tree", "-z", tree or parents[0]).split("\0") if tree or parents else []:
        if line:
            entries[line.partition("\t")[2]] = line
    for name, content in (files or {}).items():
        blob = upstream.git("hash-object", "-w", "--stdin", stdin=content)
        entries[name] = f"100644 blob {blob}\t{name}"
    made = upstream.git("mktree", "-z", stdin="".join(f"{entry}\0" for entry in entries.values()).encode())
    words = [word for parent in parents for word in ("-p", parent)]
    return upstream.git("commit-tree", *words, "-F", "-", made, stdin=message.encode())


def move_branch(upstream: Upstream, tip: str) -> str:
    """Make the branch end at a commit, as a forced push does."""
    upstream.git("update-ref", "refs/heads/main", tip)
    return tip


def amend(upstream: Upstream, target: str, edit: Callable[[str], str]) -> str:
    """Make one commit again with another message, and all that came after it on top; return its new id."""
    found, tip = "", ""
    for one in reversed(upstream.commits()):
        message = upstream.message(one) + "\n"
        tip = commit(upstream, edit(message) if one == target else message, [tip] if tip else [], tree=one)
        found = tip if one == target else found
    move_branch(upstream, tip)
    return found


def second_root(upstream: Upstream) -> str:
    """Write a commit that has no parent and an empty ledger."""
    return commit(upstream, "another beginning\n", [], {"ledger.json": ledger_bytes()})

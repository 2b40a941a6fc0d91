"""What branches a remote has, and what is wrong with one that lacks the branch that is looked for."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.git.connection import asked
from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.refusals import NO_PAGE
from ledger_tool.edges.git.repository import Repository
from ledger_tool.edges.git.server_words import fetch_error
from ledger_tool.errors import UsageError

_TO_LIST = 30.0  # seconds that a remote may take to say what branches it has
# What only a server of git says; see gitprotocol-http(5). A trace of curl has the headers of its answers.
_SMART = re.compile(r"Recv header: content-type: application/x-git-upload-pack-advertisement", re.IGNORECASE)


def refs_of(repository: Repository, address: Address, *patterns: str, least: float = 10.0) -> dict[str, str]:
    """Return the commit of each ref of a remote that matches a pattern; for `HEAD`, the branch that it names, or ""."""
    listing = ("ls-remote", "--symref", "--", address.url, *patterns)
    done = asked(
        lambda: repository.git(*listing, least=least, most=_TO_LIST, step="ls-remote", peer=address.shown),
        repository.connection,
        repository.deadline,
    )
    if not done.ok:
        raise fetch_error(done, address, "")
    commits = {ref: oid for oid, ref in re.findall(r"^([0-9a-f]{40,64})\t(\S+)$", done.text, re.MULTILINE)}
    if not commits and address.scheme in ("http", "https") and not _speaks_git(repository, address, least):
        raise UsageError(
            f"{address.shown} is not the address of a git repository: something else answers there, or one without a "
            "branch that is served as plain files",
            NO_PAGE,
        )
    head = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", done.text, re.MULTILINE)
    return commits | {"HEAD": head[1] if head else ""}


def _speaks_git(repository: Repository, address: Address, least: float) -> bool:
    """Return whether an http server names no branch in git's protocol: git takes any page for plain files of none."""
    environment = {**repository.environment, "GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"}
    traced = replace(repository, environment=environment).git(
        "ls-remote", "--", address.url, "HEAD", least=least, most=_TO_LIST, step="ls-remote", peer=address.shown
    )
    return not traced.ok or bool(_SMART.search(traced.stderr))  # a second request that fails shows nothing


def has_default_branch(repository: Repository) -> bool:
    """Return whether the HEAD of a clone, as the remote's, names a branch that exists."""
    return repository.git("symbolic-ref", "--quiet", "HEAD").ok and bool(repository.commit_of("HEAD"))


def no_branch(repository: Repository, address: Address, branch: str) -> UsageError:
    """Return the error for a remote whose clone lacks a branch, or with `""` its default branch."""
    refs = refs_of(repository, address, "refs/heads/*", least=1.0)
    heads = [ref.removeprefix("refs/heads/") for ref in refs if ref != "HEAD"]
    if not heads:
        return UsageError(
            f"{address.shown} is empty: it has no branch yet",
            "create a ledger with `ledger init`, and push it there",
        )
    branches = shown(", ".join(heads), 200)
    if branch:
        return UsageError(f"{address.shown} has no branch `{shown(branch)}`", f"name one of: {branches}")
    first = "main" if "main" in heads else heads[0]
    others = shown(", ".join(head for head in heads if head != first), 200)
    more = f", or another of its branches: {others}" if others else ""
    hint = f"pass `--branch {shown(shlex.quote(first))}`{more}"
    return UsageError(f"{address.shown} has no default branch", hint)

"""Whether `ledger` wrote a commit, as far as the commit shows it: what may be made anew without losing other's work."""

from __future__ import annotations

from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.ledger.names import LEDGER
from ledger_tool.edges.git.access import DEFAULT_IDENTITY
from ledger_tool.edges.git.entries import Entry
from ledger_tool.edges.git.repository import Repository

_FIELDS = "%an <%ae>%x00%cn <%ce>%x00%B"


def writing_command(repository: Repository, commit: str, parent: str) -> str:
    """Return the command that wrote a commit, such as `publish`; `""` if `ledger` did not, or somebody amended it.

    Such a commit names its command and its transaction, and changes `ledger.json` and no other file; its committer is
    its author or, if it was rebased, `ledger` or whoever this run commits as. `parent` is `""` if it was not fetched:
    then the files are not compared.
    """
    options = ("--no-show-signature", "--encoding=UTF-8", f"--format={_FIELDS}")
    author, committer, message = repository.must("log", "-1", *options, commit, "--").split("\0", 2)
    told = parse_message(message).block
    if not told.transaction or (parent and _around_ledger(repository, parent) != _around_ledger(repository, commit)):
        return ""
    return told.verb if committer in (author, DEFAULT_IDENTITY, _own_identity(repository)) else ""


def _around_ledger(repository: Repository, commit: str) -> list[Entry]:
    """Return the tree of a commit without the content of `ledger.json`: all other files, and that it is a plain one."""
    return [
        Entry(entry.mode, entry.kind, "" if entry.path == LEDGER else entry.oid, entry.path)
        for entry in repository.entries(commit)
    ]


def _own_identity(repository: Repository) -> str:
    """Return who this run commits as, in git's notation `NAME <EMAIL>`."""
    return repository.must("var", "GIT_COMMITTER_IDENT").rpartition(">")[0] + ">"

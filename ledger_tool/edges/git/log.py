"""What `git log` says about many commits: their facts, and how each changed the two files, from trees alone.

It takes a handful of git processes, not one per commit. The files' contents are read elsewhere (`contents`).
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger_tool.core.history.commit import TWICE, Commit, File, Step, Touch
from ledger_tool.core.ledger.names import LEDGER, SETTINGS
from ledger_tool.edges.git.dates import seconds_of, time_of
from ledger_tool.edges.git.repository import COMPARED, Repository

_FIELDS = "%H%x00%P%x00%an%x00%ae%x00%ct%x00%B"
# Fixed here, since a repository's own settings could change it.
_LOG = ("log", "--no-show-signature", "--no-color", "--encoding=UTF-8", "--topo-order", "--reverse", "-z")


def ids(repository: Repository, base: str, head: str) -> list[str]:
    """Return the ids of the commits of a span."""
    return repository.must("rev-list", span(base, head), "--").split()


def commits(repository: Repository, base: str, head: str) -> list[Commit]:
    """See `commands.ports.History`."""
    fields = _log(repository, f"--format={_FIELDS}", span(base, head), "--")
    return [_commit(fields[start : start + 6]) for start in range(0, len(fields) - 5, 6)]


def steps(repository: Repository, base: str, head: str, *, line: bool) -> list[Step]:
    """See `commands.ports.History`; without `line`, this includes the commits that a merge threw away."""
    walk = ["--first-parent", "--diff-merges=first-parent"] if line else ["--full-history", "--diff-merges=combined"]
    paths = [] if line else [LEDGER, SETTINGS]
    fields = _log(repository, *COMPARED, "--root", *walk, f"--format={_FIELDS}", span(base, head), "--", *paths)
    found_steps: list[Step] = []
    offset = 0
    last_files = _twice(repository, base) if base and line else {}
    while offset + 5 < len(fields):
        commit = _commit(fields[offset : offset + 6])
        offset += 6
        touched: dict[str, Touch] = {}
        others = []
        offset += fields[offset : offset + 1] == [""]  # an empty field precedes the lines of a merge
        while offset + 1 < len(fields) and fields[offset].lstrip("\n").startswith(":"):
            if fields[offset + 1] in (LEDGER, SETTINGS):
                path, touch = fields[offset + 1], _touch(fields[offset].lstrip("\n"))
                if path in touched or touch.before[0] != last_files.get(path, touch.before[0]):
                    touch = Touch(touch.before, _in_tree(repository, commit.id, path))
                touched[path] = touch
                if line:
                    last_files[path] = touch.after
            else:
                others.append(fields[offset + 1])
            offset += 2
        found_steps.append(Step(commit, touched, others=tuple(others)))
    return found_steps


def _in_tree(repository: Repository, commit: str, path: str) -> File | None:
    """Return a file at the top of a commit by its tree.

    Git would not write a tree that names a file twice, and its readers differ in which of the two they use. How such a
    tree differs from another one shows as two lines in one commit, or as a line that does not continue from the
    previous one. Then the lines do not say what is in the tree.
    """
    named = [entry for entry in repository.entries(commit) if entry.path == path]
    return File(TWICE if len(named) > 1 else named[0].mode, named[0].oid) if named else None


def _twice(repository: Repository, commit: str) -> dict[str, File | None]:
    """Return those of the two files that the tree of a commit names twice."""
    files = {path: _in_tree(repository, commit, path) for path in (LEDGER, SETTINGS)}
    return {path: file for path, file in files.items() if file and file.mode == TWICE}


def line(repository: Repository, head: str) -> list[tuple[str, int]]:
    """Return each commit of a branch's own line (the first parents), the oldest first, and the seconds of its date."""
    shape = ("log", "--no-show-signature", "--first-parent", "--reverse", "--format=%H %ct", head, "--")
    rows = (row.partition(" ") for row in repository.succeed(*shape, least=60.0).text.splitlines())
    return [(commit, seconds_of(seconds)) for commit, _, seconds in rows]


def _log(repository: Repository, *arguments: str) -> list[str]:
    return repository.succeed(*_LOG, *arguments, least=60.0).text.split("\0")


def span(base: str, head: str) -> str:
    """Return the commits that `head` has and `base` (`""`: nothing) does not have, as a revision range."""
    return f"{base}..{head}" if base else head


def _commit(fields: Sequence[str]) -> Commit:
    commit, parents, author, email, seconds, message = fields
    text = message.rstrip("\n") + "\n"
    return Commit(commit.lstrip("\n"), tuple(parents.split()), author, email, time_of(seconds), text)


def _touch(line: str) -> Touch:
    """Return the change that a line of git's raw format describes (git-diff(1), "RAW OUTPUT FORMAT")."""
    parents = len(line) - len(line.lstrip(":"))
    words = line.lstrip(":").split(" ")
    files = [
        None if mode == "000000" else File(mode, oid)
        for mode, oid in zip(words[: parents + 1], words[parents + 1 : 2 * parents + 2], strict=True)
    ]
    return Touch(tuple(files[:-1]), files[-1])

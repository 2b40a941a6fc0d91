"""Many commits at once: what each touched, the contents of files, signatures. A handful of git processes, not one each.

`git log` names what a commit did to a file from trees alone, so that contents are read only where they are needed:
in chunks of bounded size through `git cat-file --batch`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ledger_tool.core.history.commit import TWICE, Commit, File, Step, Touch
from ledger_tool.core.history.signature import Signature
from ledger_tool.core.ledger.codec import MAX_BYTES
from ledger_tool.core.ledger.names import Timestamp, format_timestamp
from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.files.ledger import LEDGER, SETTINGS
from ledger_tool.edges.git.objects import Repository, local_failure
from ledger_tool.edges.git.process import Completed
from ledger_tool.errors import UsageError

CHUNK_BYTES = 16 * 2**20
_SIGNED_AT_ONCE = 64  # commits: each costs a process or two of gpg or ssh-keygen
_SIGNATURES_SECONDS = 300.0
_LAST = 253_402_300_799  # seconds: the end of the year 9999
_FIELDS = "%H%x00%P%x00%an%x00%ae%x00%ct%x00%B"
_SIGNATURE = "%H%x00%G?%x00%GF"
# What a repository's own settings could say otherwise is said here.
_LOG = ("log", "--no-show-signature", "--no-color", "--encoding=UTF-8", "--topo-order", "--reverse", "-z")
_RAW = ("--raw", "--no-abbrev", "--no-renames", "--root")


def commits(repository: Repository, base: str, head: str) -> list[Commit]:
    """Return the commits that `head` has and `base` (`""`: nothing) has not, the oldest first."""
    fields = _log(repository, [f"--format={_FIELDS}", _span(base, head), "--"])
    return [_commit(fields[at : at + 6]) for at in range(0, len(fields) - 5, 6)]


def steps(repository: Repository, base: str, head: str, *, line: bool) -> list[Step]:
    """Return the commits of a span with what they did to the two files, the oldest first.

    With `line`: all commits of the branch's own line (the first parents), and of a merge what it brings to it.
    Else: all commits that touched the files, also those that a merge threw away, and of a merge what is in none of
    its parents.
    """
    how = ["--first-parent", "--diff-merges=first-parent"] if line else ["--full-history", "--diff-merges=combined"]
    paths = [] if line else [LEDGER, SETTINGS]
    fields = _log(repository, [*_RAW, *how, f"--format={_FIELDS}", _span(base, head), "--", *paths])
    found = []
    at = 0
    there: dict[str, File | None] = {}
    while at + 5 < len(fields):
        commit = _commit(fields[at : at + 6])
        at += 6
        touched: dict[str, Touch] = {}
        at += fields[at : at + 1] == [""]  # an empty field stands before the lines of a merge
        while at + 1 < len(fields) and fields[at].lstrip("\n").startswith(":"):
            if fields[at + 1] in (LEDGER, SETTINGS):
                _add(touched, fields[at + 1], _touch(fields[at].lstrip("\n")), there if line else {})
            at += 2
        found.append(Step(commit, touched))
    return found


def _add(touched: dict[str, Touch], path: str, touch: Touch, there: dict[str, File | None]) -> None:
    """Add what a commit did to a file; `there` are the files as the commit before it on the line left them.

    A tree that names a file twice is no tree that git would write, and its readers differ in which they take. It has
    two lines in one commit, or one that does not go on from where the last one ended.
    """
    if path in touched or touch.before[0] != there.get(path, touch.before[0]):
        touched[path] = Touch(touch.before, File(TWICE, touch.after.id if touch.after else ""))
        there.pop(path, None)
    else:
        touched[path] = touch
        there[path] = touch.after


def contents(repository: Repository, ids: Sequence[str]) -> Iterator[bytes | None]:
    """Yield the content of each blob, in order; None for one that is missing, or larger than any ledger may be."""
    chunk: list[str] = []
    size = 0
    known = _sizes(repository, ids)
    for one in ids:
        if chunk and size + known.get(one, 0) > CHUNK_BYTES:
            yield from _chunk(repository, chunk, known)
            chunk, size = [], 0
        chunk.append(one)
        size += known.get(one, 0)
    yield from _chunk(repository, chunk, known)


def fetch_missing(repository: Repository, ids: Sequence[str], remote: str) -> None:
    """Bring blobs that a partial clone lacks, all at once; left to itself, git fetches them one by one.

    This is how git does it, too (git's `promisor-remote.c`). A server that does not take it costs time only.
    """
    listed = ("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)")
    here = set(repository.git(*listed, least=60.0).text.split()) if ids else set()
    wanted = "".join(f"{one}\n" for one in dict.fromkeys(ids) if one not in here)
    if wanted:
        repository.git(
            "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
            "--recurse-submodules=no", "--filter=blob:none", "--stdin", "--", remote,
            stdin=wanted.encode(), step="fetch",
        )  # fmt: skip


def signatures(repository: Repository, ids: Sequence[str], allowed: bytes) -> Iterator[Signature]:
    """Yield git's verdict on each commit's signature; `allowed` is the file of the SSH keys that may sign."""
    with local_errors("the folder for temporary files", "write to"):
        file = tempfile.NamedTemporaryFile(prefix="ledger-signers-")  # noqa: SIM115 - closed by the block below
        file.write(allowed)
        file.flush()
    with file:
        for at in range(0, len(ids), _SIGNED_AT_ONCE):
            yield from _verdicts(repository, ids[at : at + _SIGNED_AT_ONCE], Path(file.name))


def _verdicts(repository: Repository, ids: Sequence[str], allowed: Path) -> Iterator[Signature]:
    done = _signed(repository, ids, _SIGNATURE, allowed)
    if not done.ok:
        raise local_failure(done, "log", repository.git_dir)
    fields = done.text.split("\0")
    found = [Signature(*fields[at : at + 3]) for at in range(0, len(fields) - 2, 3)]
    trust = _trust(repository, [one.commit for one in found if one.letter == "G" and not one.is_ssh], allowed)
    for one in found:
        if one.letter == "B" and not shutil.which("ssh-keygen"):
            raise UsageError("signatures by SSH keys need `ssh-keygen`, which is not in PATH", "install OpenSSH")
        yield replace(one, trust=trust.get(one.commit, "fully" if one.is_ssh else ""))


def _trust(repository: Repository, ids: Sequence[str], allowed: Path) -> Mapping[str, str]:
    """Return how far the keyring trusts the keys of good signatures.

    Asked apart, and again one by one, since git ends as for a bug where gpg says nothing of trust (seen with 2.39).
    """
    if not ids:
        return {}
    done = _signed(repository, ids, "%H%x00%GT", allowed)
    if done.ok:
        fields = done.text.split("\0")
        return dict(zip(fields[::2], fields[1::2], strict=False))
    return (
        {} if len(ids) == 1 else {at: level for one in ids for at, level in _trust(repository, [one], allowed).items()}
    )


def _signed(repository: Repository, ids: Sequence[str], form: str, allowed: Path) -> Completed:
    return repository.git(
        "-c", f"gpg.ssh.allowedSignersFile={allowed}",
        "log", "--no-walk=unsorted", "--no-show-signature", "--no-color", "-z", f"--format={form}", "--stdin",
        stdin="".join(f"{one}\n" for one in ids).encode(), least=_SIGNATURES_SECONDS,
    )  # fmt: skip


def _log(repository: Repository, arguments: Sequence[str]) -> list[str]:
    done = repository.git(*_LOG, *arguments, least=60.0)
    if not done.ok:
        raise local_failure(done, "log", repository.git_dir)
    return done.text.split("\0")


def _span(base: str, head: str) -> str:
    return f"{base}..{head}" if base else head


def _commit(fields: Sequence[str]) -> Commit:
    commit, parents, author, email, seconds, message = fields
    return Commit(
        commit.lstrip("\n"),
        tuple(parents.split()),
        author,
        email,
        time_of(seconds),
        message.rstrip("\n") + "\n",
    )


def time_of(seconds: str) -> Timestamp:
    """Return the time of git's `%ct`; git keeps, and shows, commits whose time is broken: they count as of 1970."""
    is_time = seconds.isascii() and seconds.isdigit()
    return format_timestamp(datetime.fromtimestamp(min(int(seconds), _LAST) if is_time else 0, UTC))


def _touch(line: str) -> Touch:
    """Return what a line of git's raw format says (git-diff(1), "RAW OUTPUT FORMAT")."""
    parents = len(line) - len(line.lstrip(":"))
    words = line.lstrip(":").split(" ")
    files = [
        None if mode == "000000" else File(mode, one)
        for mode, one in zip(words[: parents + 1], words[parents + 1 : 2 * parents + 2], strict=True)
    ]
    return Touch(tuple(files[:-1]), files[-1])


def _sizes(repository: Repository, ids: Sequence[str]) -> Mapping[str, int]:
    """Return the size of each id that is a blob here, and not too large."""
    wanted = "".join(f"{one}\n" for one in dict.fromkeys(ids))
    if not wanted:
        return {}
    done = repository.git("cat-file", "--batch-check", stdin=wanted.encode(), least=60.0)
    if not done.ok:
        raise local_failure(done, "cat-file", repository.git_dir)
    lines = (line.split(" ") for line in done.text.splitlines())
    return {line[0]: int(line[2]) for line in lines if line[1] == "blob" and int(line[2]) < MAX_BYTES}


def _chunk(repository: Repository, ids: Sequence[str], known: Mapping[str, int]) -> Iterator[bytes | None]:
    there = "".join(f"{one}\n" for one in ids if one in known)
    done = repository.git("cat-file", "--batch", stdin=there.encode(), least=60.0) if there else None
    if done and not done.ok:
        raise local_failure(done, "cat-file", repository.git_dir)
    at = 0
    for one in ids:
        if done is None or one not in known:
            yield None
            continue
        start = done.stdout.index(b"\n", at) + 1
        at = start + known[one]
        yield done.stdout[start:at]
        at += 1

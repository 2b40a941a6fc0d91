"""The contents of many blobs, one after the other, from one process of git that reads ahead.

A version of a file is mostly kept as what it changes in another one, and so on for dozens of them. One process
remembers the last ones that it has put together; several would each begin anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger_tool.core.ledger.codec import MAX_BYTES
from ledger_tool.edges.git.process import streamed
from ledger_tool.edges.git.repository import Repository, batch, local_failure, missing

_LEAST = 60.0  # seconds, for each of them


def contents(repository: Repository, oids: Sequence[str]) -> Iterator[bytes | None]:
    """Yield the content of each blob of `oids`; None for one that is missing or too large for a ledger.

    Raises GitFailed if the repository is broken, and Unreachable if git says nothing for too long.
    """
    if not oids:
        return
    listing = repository.succeed("cat-file", "--batch-check", stdin=batch(dict.fromkeys(oids)), least=_LEAST).text
    lines = (line.split(" ") for line in listing.splitlines())
    sizes = {line[0]: int(line[2]) for line in lines if line[1] == "blob" and int(line[2]) < MAX_BYTES}
    readable = batch(oid for oid in oids if oid in sizes)
    arguments = [f"--git-dir={repository.git_dir}", *repository.options, "cat-file", "--batch"]
    with streamed(arguments, environment=repository.environment, stdin=readable, step="cat-file") as output:
        for oid in oids:
            if oid not in sizes:
                yield None
                continue
            head = f"{oid} blob {sizes[oid]}\n".encode()
            with repository.deadline.in_git():
                read = output.read(len(head) + sizes[oid] + 1, repository.deadline.remaining(at_least=_LEAST))
            if len(read) < len(head) + sizes[oid] + 1 or read[: len(head)] != head:
                done = output.end()
                where = repository.git_dir
                raise missing(oid, where) if done.ok else local_failure(done, "cat-file", where)
            yield bytes(read[len(head) : -1])

"""The contents of many blobs, in chunks of bounded size through `git cat-file --batch`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ledger_tool.core.ledger.codec import MAX_BYTES
from ledger_tool.edges.git.repository import Repository, batch

CHUNK_BYTES = 16 * 2**20


def contents(repository: Repository, oids: Sequence[str]) -> Iterator[bytes | None]:
    """Yield the content of each blob, in order; None for one that is missing, or larger than any ledger may be."""
    chunk: list[str] = []
    size = 0
    sizes = _sizes(repository, oids)
    for oid in oids:
        if chunk and size + sizes.get(oid, 0) > CHUNK_BYTES:
            yield from _chunk(repository, chunk, sizes)
            chunk, size = [], 0
        chunk.append(oid)
        size += sizes.get(oid, 0)
    yield from _chunk(repository, chunk, sizes)


def fetch_missing(repository: Repository, oids: Sequence[str], remote: str) -> None:
    """Fetch blobs that a partial clone lacks, all at once; left to itself, git fetches them one by one.

    This is how git does it, too (git's `promisor-remote.c`). A server that does not support it only costs time.
    """
    listed = ("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)")
    here = set(repository.git(*listed, least=60.0).text.split()) if oids else set()
    if wanted := [oid for oid in dict.fromkeys(oids) if oid not in here]:
        repository.git(
            "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
            "--recurse-submodules=no", "--filter=blob:none", "--stdin", "--", remote,
            stdin=batch(wanted), step="fetch",
        )  # fmt: skip


def _sizes(repository: Repository, oids: Sequence[str]) -> Mapping[str, int]:
    """Return the size of each id that is a blob here, and not too large."""
    if not oids:
        return {}
    listing = repository.succeed("cat-file", "--batch-check", stdin=batch(dict.fromkeys(oids)), least=60.0).text
    lines = (line.split(" ") for line in listing.splitlines())
    return {line[0]: int(line[2]) for line in lines if line[1] == "blob" and int(line[2]) < MAX_BYTES}


def _chunk(repository: Repository, oids: Sequence[str], sizes: Mapping[str, int]) -> Iterator[bytes | None]:
    there = [oid for oid in dict.fromkeys(oids) if oid in sizes]
    read = dict(zip(there, repository.blobs(there), strict=True))
    return (read.get(oid) for oid in oids)

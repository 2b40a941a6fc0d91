"""Loose objects, written without git: for a repository of this run alone, where a process for each would cost more.

A wrong one could do no harm: a server computes the id of every object that it is sent.
"""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

from ledger_tool.edges.files.disk import local_errors

_HASHES = {40: "sha1", 64: "sha256"}  # by the length of an id
_PIECE = 2**20  # bytes


def write_loose(git_dir: Path, kind: str, content: bytes, id_length: int) -> str:
    """Write an object of this type, as it is, and return its id; gitformat-loose(5). Raises LocalDiskError."""
    header = f"{kind} {len(content)}\0".encode()
    hashed = hashlib.new(_HASHES[id_length], header, usedforsecurity=False)
    hashed.update(content)
    oid = hashed.hexdigest()
    packed = zlib.compressobj(0)  # deflating what lives for seconds saves nothing
    path = git_dir / "objects" / oid[:2] / oid[2:]
    with local_errors(path, "write to"):
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.write(packed.compress(header))
            for start in range(0, len(content), _PIECE):  # it may be large: no copy of it as a whole
                file.write(packed.compress(content[start : start + _PIECE]))
            file.write(packed.flush())
    return oid

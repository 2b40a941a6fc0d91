"""The text of `allowed_signers.asc`: the blocks of an export of GPG keys, each of which stands for itself.

A block is what `gpg --armor` writes (RFC 9580, "Forming ASCII Armor"): keys, or a revocation of one. GPG itself gives
up at the first block that it cannot read, and forgets a revocation of a key that comes later.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BEGIN = re.compile(rb"^-----BEGIN PGP ", re.MULTILINE)
_MOST = 1000  # blocks; what follows is one more


@dataclass(frozen=True, slots=True)
class KeyBlock:
    """A block of an export, and the line, from 1, at which it begins."""

    line: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Keyring:
    """What gpg makes of an export: the fingerprints of its keys, and the lines of blocks of which it makes nothing."""

    fingerprints: frozenset[str] = frozenset()
    unread: Sequence[int] = ()


def key_blocks(export: bytes) -> list[KeyBlock]:
    """Return the blocks of an export; one that is not armored is a single block."""
    starts = [match.start() for match in _BEGIN.finditer(export)][:_MOST]
    if not starts:
        return [KeyBlock(1, export)] if export.strip() else []
    if not export[: starts[0]].isascii():  # not a comment, but keys
        starts.insert(0, 0)
    ends = [*starts[1:], len(export)]
    return [KeyBlock(export.count(b"\n", 0, at) + 1, export[at:end]) for at, end in zip(starts, ends, strict=True)]

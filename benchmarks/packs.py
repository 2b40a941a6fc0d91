"""A history written as a pack and its index, as git would have them, in a fraction of the time (gitformat-pack(5)).

`git fast-import` has to read each version of a file in full and to look for what it has in common with the one before:
half an hour for a year of a busy team. Whoever makes the versions knows that already.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

Kind = Literal["commit", "tree", "blob"]
_TYPES: dict[Kind, int] = {"commit": 1, "tree": 2, "blob": 3}
_OFFSET_DELTA = 6
_DEPTH = 50  # of a chain of deltas, after which a version is written in full: the default of `git repack`


class Edit(NamedTuple):
    """The bytes at which a version of a file differs from the one before, with as many others in their place."""

    start: int
    end: int


class _Entry(NamedTuple):
    id: bytes
    crc: int
    offset: int


class Pack:
    """A pack to be filled, and then written into a repository. It is held in memory until then."""

    def __init__(self) -> None:
        self._parts = [b""]  # the header, which has the number of objects, comes last
        self._offset = 12
        self._entries: list[_Entry] = []
        self._last = 0  # the offset of the last version of the file
        self._depth = _DEPTH

    def add(self, kind: Kind, content: bytes) -> str:
        """Add an object in full; return its id."""
        return self._add(kind, content, _TYPES[kind], len(content), b"", content)

    def add_version(self, content: bytes, edit: Edit | None) -> str:
        """Add the next version of a file, as what it changes in the last one if that is known; return its id."""
        offset = self._offset
        if edit is None or self._depth >= _DEPTH:
            self._depth = 0
            name = self.add("blob", content)
        else:
            self._depth += 1
            delta = _delta(content, edit)
            name = self._add("blob", content, _OFFSET_DELTA, len(delta), _back(offset - self._last), delta)
        self._last = offset
        return name

    def write(self, repository: Path) -> None:
        """Write the pack and its index into a bare repository."""
        self._parts[0] = struct.pack(">4sII", b"PACK", 2, len(self._entries))
        pack = b"".join(self._parts)
        checksum = hashlib.sha1(pack).digest()
        entries = sorted(self._entries)
        firsts = [entry.id[0] for entry in entries]
        fan_out = [bisect_right(firsts, byte) for byte in range(256)]
        index = b"".join(
            [
                b"\377tOc", struct.pack(">I256I", 2, *fan_out), *(entry.id for entry in entries),
                _words([entry.crc for entry in entries]), _words([entry.offset for entry in entries]), checksum,
            ]
        )  # fmt: skip
        folder = repository / "objects/pack"
        (folder / f"pack-{checksum.hex()}.pack").write_bytes(pack + checksum)
        (folder / f"pack-{checksum.hex()}.idx").write_bytes(index + hashlib.sha1(index).digest())

    def _add(self, kind: Kind, content: bytes, written_as: int, size: int, reference: bytes, data: bytes) -> str:
        name = hashlib.sha1(f"{kind} {len(content)}\0".encode())
        name.update(content)
        entry = _head(written_as, size) + reference + zlib.compress(data)
        self._entries.append(_Entry(name.digest(), zlib.crc32(entry), self._offset))
        self._parts.append(entry)
        self._offset += len(entry)
        return name.hexdigest()


def _delta(content: bytes, edit: Edit) -> bytes:
    """Return what makes a version out of the one before, which is as long: what is before the edit, it, the rest."""
    size = _varint(len(content))
    parts = [size, size, *_copies(0, edit.start)]
    for start in range(edit.start, edit.end, 127):
        part = content[start : min(start + 127, edit.end)]
        parts += [bytes([len(part)]), part]
    return b"".join([*parts, *_copies(edit.end, len(content))])


def _copies(start: int, end: int) -> list[bytes]:
    """Return the instructions to copy what is between two offsets, at most 0xffffff bytes each."""
    steps = range(start, end, 0xFFFFFF)
    return [b"\xff" + struct.pack("<I", step) + struct.pack("<I", min(end - step, 0xFFFFFF))[:3] for step in steps]


def _head(kind: int, size: int) -> bytes:
    """Return the type of an entry and the size of its content: four bits of it, and then seven at a time."""
    first, rest = kind << 4 | size & 15, size >> 4
    return bytes([first]) if not rest else bytes([first | 128]) + _varint(rest)


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes([*written, number])


def _back(distance: int) -> bytes:
    """Return how far before an entry its base is."""
    written = [distance & 127]
    while distance := distance >> 7:
        distance -= 1
        written.append(distance & 127 | 128)
    return bytes(reversed(written))


def _words(numbers: Sequence[int]) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)

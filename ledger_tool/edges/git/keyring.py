"""GPG with the keys of an export in the ledger, and no others."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from ledger_tool.core.policy.keyring import KeyBlock, Keyring, key_blocks
from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.files.temporary import private_folder

_TO_IMPORT = 60.0  # seconds


def with_keys(environment: Mapping[str, str], export: bytes, folder: Path) -> Mapping[str, str]:
    """Return an environment in which gpg has the keys of an export, and asks nobody for more; `folder` is private.

    What it cannot read is a key less: its signatures then count for nothing.
    """
    home, files = folder / "g", _files(folder, export)
    with local_errors("the folder for temporary files", "write to"):
        home.mkdir(mode=0o700)
        (home / "gpg.conf").write_text("no-auto-key-retrieve\nno-autostart\n", "utf-8")
        for file, block in files.items():
            file.write_bytes(block.raw)
    alone = {**environment, "GNUPGHOME": str(home)}
    if files:
        # Each block is a file, or one that is damaged would end it all. The second time, every key is there that a
        # revocation may be of.
        _gpg(alone, "--import", "--", *map(str, [*files, *files]))
    return alone


def read_keyring(export: bytes) -> Keyring | None:
    """Return what gpg makes of an export; None if gpg is not installed."""
    if shutil.which("gpg") is None:
        return None
    with private_folder() as folder:
        alone, files = with_keys(os.environ, export, folder), _files(folder, export)
        unread: Sequence[int] = ()
        if files and not _imports(alone, *files):
            unread = [block.line for file, block in files.items() if not _imports(alone, file)]
        listed = _gpg(alone, "--with-colons", "--list-keys")
    rows = [line.split(":") for line in (listed.stdout if listed else b"").decode("ascii", "replace").splitlines()]
    keys = (after[9] for row, after in pairwise(rows) if row[0] == "pub" and after[0] == "fpr")
    return Keyring(frozenset(keys), unread)


def _files(folder: Path, export: bytes) -> dict[Path, KeyBlock]:
    """Return the file of each block of an export, in order."""
    return {folder / f"g{number}": block for number, block in enumerate(key_blocks(export))}


def _imports(environment: Mapping[str, str], *files: Path) -> bool:
    done = _gpg(environment, "--import", "--", *map(str, files))
    return done is not None and done.returncode == 0


def _gpg(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[bytes] | None:
    """Run gpg; None if there is none, or if it takes too long."""
    command = [shutil.which("gpg") or "gpg", "--batch", "--quiet", *words]
    try:
        return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=_TO_IMPORT)
    except (OSError, subprocess.TimeoutExpired):
        return None

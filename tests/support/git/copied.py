"""Repositories that are made once by a process of tests, for others to be copied from."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Hashable
from functools import cache
from pathlib import Path

_KEPT: dict[Hashable, Path] = {}


def copied(what: Hashable, to: Path, make: Callable[[], object]) -> None:
    """Have a folder at `to`, which may be there: what `make` writes to it, or a copy of what it wrote the first time.

    `what` says all that `make` goes by.
    """
    if what in _KEPT:
        shutil.copytree(_KEPT[what], to, symlinks=True, dirs_exist_ok=True)
    else:
        make()
        _KEPT[what] = shutil.copytree(to, _folder() / str(len(_KEPT)), symlinks=True)


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="copied-")
    atexit.register(shutil.rmtree, folder)
    return Path(folder)

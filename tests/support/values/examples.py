"""Example files: adding one to a folder of `tests/examples/` adds a test."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import EXAMPLES


def examples(folder: str, ending: str) -> list[object]:
    """Return the files of a folder as parameters, each named like its file; there must be some."""
    paths = sorted((EXAMPLES / folder).glob(f"*{ending}"))
    assert paths, f"no example in {folder}"
    return [pytest.param(path, id=path.name.removesuffix(ending)) for path in paths]


@dataclass(frozen=True)
class Expected:
    """What the `.txt` beside a bad example says: `LINE:COLUMN` and a phrase of the message."""

    line: int
    column: int
    phrase: str


def expected(path: Path) -> Expected:
    """Return what stands in the `.txt` beside an example."""
    found = re.fullmatch(r"([0-9]+):([0-9]+) (.+)\n", path.with_suffix(".txt").read_text("utf-8"))
    assert found, f"{path.with_suffix('.txt')} should be `LINE:COLUMN phrase`"
    return Expected(int(found[1]), int(found[2]), found[3])

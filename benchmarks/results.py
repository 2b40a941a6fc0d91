"""The results of a run as a file of JSON, and those that are kept: the docs have no other figures of time and memory.

A page of the docs shows some of the kept rows between `<!-- measured: NAME ... -->`, with the names of benchmarks, and
`<!-- end -->`. `python -m benchmarks --keep` measures anew and updates both; `python -m benchmarks.results` only writes
the pages anew.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import COLUMNS, Row, as_json, cells, figure, from_json
from benchmarks.world import HERE

KEPT = HERE / "results.json"
_SHOWN = re.compile(r"(<!-- measured: ([a-z -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_POINTS = 10  # of which a page shows a row each, at most


def write(path: Path, rows: Mapping[str, Sequence[Row]]) -> None:
    """Write the rows of each benchmark, and what they were measured with."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: _as_json(own) for name, own in rows.items()}, indent=1) + "\n", "utf-8")


def keep(rows: Mapping[str, Sequence[Row]]) -> None:
    """Keep the rows of these benchmarks instead of those that were kept, and write the pages that show them."""
    kept = _kept()
    kept.update({name: _as_json(own) for name, own in rows.items()})
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    update()


def update() -> None:
    """Write the kept rows into the pages that show them."""
    for page in pages():
        text = page.read_text("utf-8")
        if (shown := updated(text)) != text:
            page.write_text(shown, "utf-8")


def pages() -> list[Path]:
    """Return the pages that may show figures: all but the records of decisions and changes, which are history."""
    root = HERE.parent
    return [*sorted((root / "docs").glob("*.md")), root / "README.md", root / "CONTRIBUTING.md", HERE / "README.md"]


def updated(text: str) -> str:
    """Return the text of a page with the kept rows that it shows."""
    kept = _kept()

    def shown(block: re.Match[str]) -> str:
        table = "\n".join(_tables(kept, block[2].split()))
        return f"{block[1]}\n{table}\n\n{block[3]}"

    return _SHOWN.sub(shown, text)


def shown_in(text: str) -> list[str]:
    """Return the names of the benchmarks that a page shows."""
    return [name for block in _SHOWN.finditer(text) for name in block[2].split()]


def without_tables(text: str) -> str:
    """Return the text of a page without the kept rows that it shows."""
    return _SHOWN.sub("", text)


def _tables(kept: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table of all rows of these benchmarks, and of one of how some of them grew."""
    rows = [from_json(value) for name in names for value in kept.get(name, {"rows": []})["rows"]]
    yield from _table(COLUMNS[:-1], [cells(row) for row in rows])
    growing = [row for row in rows if row.points]
    if growing:
        numbers = list(growing[0].points)
        chosen = numbers[:: -(-len(numbers) // _POINTS)] if len(numbers) > _POINTS else numbers
        yield ""
        yield from _table(
            ["publishes", *(row.work.rpartition(": ")[2] for row in growing)],
            [[f"{number:,}", *(figure(row.points[number], row.unit) for row in growing)] for number in chosen],
        )


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---|" + "---:|" * (len(head) - 1)
    yield from (f"| {' | '.join(cell)} |".replace("|  |", "| |") for cell in lines)


def _kept() -> dict[str, Any]:
    return dict(json.loads(KEPT.read_text("utf-8"))) if KEPT.exists() else {}


def _as_json(rows: Sequence[Row]) -> dict[str, Any]:
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    return {
        "with": {"processors": os.cpu_count(), "python": platform.python_version(), "git": git},
        "rows": [as_json(row) for row in rows],
    }


if __name__ == "__main__":
    update()

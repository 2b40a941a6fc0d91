"""The files that connect a ledger repository to a CI system; they come with this program."""

from __future__ import annotations

from pathlib import Path

_KITS = Path(__file__).parents[2] / "kits"


def kit(ci: str) -> dict[str, str]:
    """Return the text of each file by its path in a ledger repository; `ci` is one of `core.writes.init.CI_SYSTEMS`."""
    folder = _KITS / ci
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

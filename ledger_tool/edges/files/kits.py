"""The files that connect a ledger repository to a CI system; they come with this program."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable


def kit(ci: str) -> dict[str, str]:
    """Return the text of each file by its path in a ledger repository; `ci` is one of `core.writes.init.CI_SYSTEMS`."""
    return dict(sorted(_texts(files("ledger_tool") / "kits" / ci)))


def _texts(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _texts(each, f"{above}{each.name}/")
        else:
            yield f"{above}{each.name}", each.read_text("utf-8")

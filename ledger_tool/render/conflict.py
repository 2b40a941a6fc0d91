"""The digests of a conflict in rows, one below the other, so that the eye can compare them."""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.errors import Conflict
from ledger_tool.render.table import Column, fullest
from ledger_tool.render.view import View


def rows(conflict: Conflict, view: View) -> Iterator[str]:
    """Yield a line for what is recorded and one for what is refused; in full if there is room."""

    def cells(view: View) -> list[tuple[str, str]]:
        names = [name for name, _, _ in conflict.compared]
        digests = view.apart([digest for _, digest, _ in conflict.compared])
        indexes = view.apart([index for _, _, index in conflict.compared])
        return [  # with one space, or a digest in full would not fit into 80 columns
            (f"{name:8} {digest}", f"in the index {index}" if index else "")
            for name, digest, index in zip(names, digests, indexes, strict=True)
        ]

    return fullest((Column(""), Column("")), cells, view)

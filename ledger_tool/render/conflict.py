"""The digests of a conflict in rows, one below the other, so that the eye can compare them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger_tool.render.table import Column, fullest
from ledger_tool.render.view import View


def rows(compared: Sequence[tuple[str, str, str]], view: View) -> Iterator[str]:
    """Yield a line for each of the digests, such as what is recorded and what is refused; in full if there is room."""
    longest = max(8, *(len(name) for name, _, _ in compared))

    def cells(view: View) -> list[tuple[str, str]]:
        digests = view.apart([digest for _, digest, _ in compared])
        indexes = view.apart([index for _, _, index in compared])
        return [  # with one space, or a digest in full would not fit into 80 columns
            (f"{name:{longest}} {digest or 'absent'}", f"in the index {index}" if index else "")
            for (name, _, _), digest, index in zip(compared, digests, indexes, strict=True)
        ]

    return fullest((Column(""), Column("")), cells, view)

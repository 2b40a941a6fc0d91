"""A plain table: aligned columns, no wider than the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_GAP = "  "
_NARROWEST = 8


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int | None,
    *,
    spare: Sequence[int] = (),
    bold: bool = False,
) -> Iterator[str]:
    """Yield the lines of a table of one-column-wide characters; nothing for no rows.

    Empty columns are omitted. If `width` is too small, the `spare` columns are dropped, in their order; then
    the widest ones are cut with an ellipsis in the middle; what still does not fit is dropped from the right.
    """
    shown = [column for column in range(len(header)) if any(row[column] for row in rows)]
    widths = {column: max(len(header[column]), *(len(row[column]) for row in rows)) for column in shown}
    if width is not None:
        widths = _fitted(widths, width, spare)
    if not widths:
        return
    first = _line([header[column] for column in widths], list(widths.values()))
    yield f"\x1b[1m{first}\x1b[0m" if bold else first
    for row in rows:
        yield _line([row[column] for column in widths], list(widths.values()))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(_cut(cell, width).ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cut(cell: str, width: int) -> str:
    if len(cell) <= width:
        return cell
    head = (width - 1 + 1) // 2
    return f"{cell[:head]}…{cell[len(cell) - (width - 1 - head) :]}"


def _fitted(widths: dict[int, int], width: int, spare: Sequence[int]) -> dict[int, int]:
    fitted = dict(widths)
    for column in spare:
        if _over(fitted, width) > 0:
            fitted.pop(column, None)
    while fitted and (over := _over(fitted, width)) > 0:
        widest = max(fitted, key=lambda column: fitted[column])
        if fitted[widest] <= _NARROWEST:
            del fitted[max(fitted)]
            continue
        others = max((size for column, size in fitted.items() if column != widest), default=_NARROWEST)
        fitted[widest] -= max(1, min(over, fitted[widest] - max(others, _NARROWEST)))
    return fitted


def _over(widths: dict[int, int], width: int) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1) - width

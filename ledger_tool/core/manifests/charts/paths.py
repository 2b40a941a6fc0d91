"""The places of values in a chart."""

from __future__ import annotations

Path = tuple[str, ...]
ANY = "*"  # each item of a list or mapping, one after the other
SOME = "?"  # one of them, and only a run would tell which
KEY = "="  # what an item of a mapping is called
VALUES: Path = ("Values",)
CHART: Path = ("Chart",)
GLOBAL = "global"


def covers(path: Path, other: Path) -> bool:
    """Return whether a node may be another one, or contain it; where templates start contains all values."""
    if path[:1] == ("",):
        return (*VALUES, *path[1:]) == other[: len(path)]
    return len(path) <= len(other) and all(a == b or a in (ANY, SOME) for a, b in zip(path, other, strict=False))


def is_at(path: Path, place: Path) -> bool:
    """Return whether a node may be the one at a place."""
    return len(path) == len(place) and covers(path, place)


def is_any(path: Path) -> bool:
    """Return whether a node stands for several."""
    return ANY in path or SOME in path


def merged_globals(path: Path) -> Path:
    """Return a place, in the `global` values of the whole chart, which all subcharts share, if it is in such ones."""
    return (*VALUES, *path[path.index(GLOBAL, 1) :]) if path[:1] == VALUES and GLOBAL in path[1:] else path

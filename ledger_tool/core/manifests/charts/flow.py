"""What may be in a variable of a template: which of a chart's values, and what was made of which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Path = tuple[str, ...]
ANY = "*"  # each item of a list or mapping, one after the other
SOME = "?"  # one of them, and only a run would tell which
VALUES: Path = ("Values",)
_GLOBAL = "global"
_MOST_PATHS = 200

Named = tuple[tuple[str, "ValueFlow"], ...]


@dataclass(frozen=True, slots=True)
class ValueFlow:
    """All that one expression may be. `paths` are nodes of the values, which still have fields; `made_of` are those
    that a text was made of, whose fields nobody can tell apart. `named` and `items` are those of a `dict` or `list`.
    """

    paths: frozenset[Path] = frozenset()
    made_of: frozenset[Path] = frozenset()
    named: Named = ()
    items: tuple[ValueFlow, ...] = ()

    def field(self, name: str) -> ValueFlow:
        """Return what a field of it may be."""
        below = ValueFlow(frozenset(new for path in self.paths for new in _below(path, name)), self.made_of)
        is_open = name in (ANY, SOME)
        return union([below, *(flow for key, flow in self.named if is_open or key in (name, SOME)), *self.items])

    @property
    def used(self) -> frozenset[Path]:
        """All the nodes that a text made of it depends on."""
        if not self.named and not self.items:
            return self.paths | self.made_of
        inner = [flow.used for _, flow in self.named] + [flow.used for flow in self.items]
        return self.paths.union(self.made_of, *inner)

    def printed(self) -> ValueFlow:
        """Return the text that it becomes."""
        return ValueFlow(made_of=self.used)


NOTHING = ValueFlow()


def union(flows: Iterable[ValueFlow]) -> ValueFlow:
    """Return what is one of several, or something of all."""
    present = list(dict.fromkeys(flow for flow in flows if flow != NOTHING))
    if len(present) < 2:
        return present[0] if present else NOTHING
    named: dict[str, list[ValueFlow]] = {}
    for flow in present:
        for key, inner in flow.named:
            named.setdefault(key, []).append(inner)
    return ValueFlow(
        _bounded(path for flow in present for path in flow.paths),
        _bounded(path for flow in present for path in flow.made_of),
        tuple((key, union(inner)) for key, inner in named.items()),
        tuple(dict.fromkeys(item for flow in present for item in flow.items)),
    )


def root(aliases: Path) -> ValueFlow:
    """Return what the templates of a subchart start from: the names of it and of those around it; none, for a chart."""
    return ValueFlow(frozenset([("", *aliases)]))


def covers(path: Path, other: Path) -> bool:
    """Return whether a node may be another one, or contain it; where templates start contains all values."""
    if path[:1] == ("",):
        return (*VALUES, *path[1:]) == other[: len(path)]
    return len(path) <= len(other) and all(a == b or a in (ANY, SOME) for a, b in zip(path, other, strict=False))


def _below(path: Path, name: str) -> Iterator[Path]:
    if path[:1] == ("",):  # where templates start: the values of a subchart are below its name in those of the chart
        yield (*VALUES, *path[1:]) if name == VALUES[0] else (name,)
        return
    yield (*path, name)
    if name == _GLOBAL and path[0] == VALUES[0]:  # these are passed on to all subcharts
        yield from ((*path[:length], _GLOBAL) for length in range(1, len(path)))


def _bounded(paths: Iterable[Path]) -> frozenset[Path]:
    found = frozenset(paths)
    return found if len(found) <= _MOST_PATHS else frozenset([VALUES])  # then it may be anything

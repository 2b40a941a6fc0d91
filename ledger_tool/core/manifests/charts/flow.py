"""What may be in a variable of a template: which of a chart's values, and what was made of which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from ledger_tool.core.manifests.charts.paths import ANY, GLOBAL, SOME, VALUES, Path
from ledger_tool.core.manifests.charts.texts import Texts, bounded, made_of, whole

_MOST_PATHS = 200
_MOST_PARTS = 300

Named = tuple[tuple[str, "ValueFlow"], ...]


@dataclass(frozen=True, slots=True)
class ValueFlow:
    """All that one expression may be. `paths` are nodes of the values, which still have fields; `made_of` are those
    that a text was made of, whose fields nobody can tell apart. `named` and `items` are those of a `dict` or `list`.
    `texts` are the texts that it may be, if there is more to say of them than that a value is printed whole.

    `size` is how many parts it has. One with very many, which templates that include each other could double each
    time, is only what it was made of.
    """

    paths: frozenset[Path] = frozenset()
    made_of: frozenset[Path] = frozenset()
    named: Named = ()
    items: tuple[ValueFlow, ...] = ()
    texts: Texts = frozenset()
    size: int = field(default=1, init=False, compare=False)

    def __post_init__(self) -> None:
        """Count the parts, and forget them if they are too many."""
        if not self.named and not self.items:
            return
        size = 1 + sum(flow.size for _, flow in self.named) + sum(flow.size for flow in self.items)
        object.__setattr__(self, "size", size)
        if size > _MOST_PARTS:
            object.__setattr__(self, "made_of", self.used)
            for name, nothing in (("paths", frozenset()), ("named", ()), ("items", ()), ("size", 1)):
                object.__setattr__(self, name, nothing)

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

    @property
    def shown(self) -> Texts:
        """The texts that it may be."""
        if self.texts:
            return self.texts
        is_value = self.paths and not (self.made_of or self.named or self.items)
        return whole(self.paths) if is_value else made_of(self.used)

    def as_text(self, texts: Texts) -> ValueFlow:
        """Return it with what is known of its texts."""
        return replace(self, texts=texts)

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
        bounded(text for flow in present for text in flow.shown)
        if any(flow.texts for flow in present)
        else frozenset(),
    )


def root(aliases: Path) -> ValueFlow:
    """Return what the templates of a subchart start from: the names of it and of those around it; none, for a chart."""
    return ValueFlow(frozenset([("", *aliases)]))


def _below(path: Path, name: str) -> Iterator[Path]:
    if path[:1] == ("",):  # where templates start: the values of a subchart are below its name in those of the chart
        yield (*VALUES, *path[1:]) if name == VALUES[0] else (name,)
        return
    yield (*path, name)
    if name == GLOBAL and path[0] == VALUES[0]:  # these are passed on to all subcharts
        yield from ((*path[:length], GLOBAL) for length in range(1, len(path)))


def _bounded(paths: Iterable[Path]) -> frozenset[Path]:
    found = frozenset(paths)
    return found if len(found) <= _MOST_PATHS else frozenset([VALUES])  # then it may be anything

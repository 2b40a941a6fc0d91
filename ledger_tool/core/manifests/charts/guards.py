"""On what it depends that a template prints a value."""

from __future__ import annotations

from ledger_tool.core.manifests.charts.flow import ValueFlow
from ledger_tool.core.manifests.charts.gotemplate import TemplatePipe
from ledger_tool.core.manifests.charts.paths import SOME, Path

_MOST_ALTERNATIVES = 64

# What has to hold: `+` if a value is there, `-` if not, `?` or `!` if more than that is asked; and of which values.
Guard = tuple[str, frozenset[Path]]


def one_like(path: Path) -> Path:
    """Return what stands for a value of a mapping when nobody knows for which."""
    return (*path[:-1], SOME) if path else path


def is_certain(path: Path, alternatives: set[frozenset[Guard]]) -> bool:
    """Return whether a value is printed whatever else holds, if it is there, when it is where one of these holds."""
    ahead, found = list(alternatives), set(alternatives)
    while ahead and len(found) < _MOST_ALTERNATIVES:
        guards = ahead.pop()
        if all(sign == "+" and all(one == path[: len(one)] for one in paths) for sign, paths in guards):
            return True
        for other in list(found):
            (mine, theirs) = guards - other, other - guards
            if (
                len(mine) == len(theirs) == 1
                and _are_opposite(*mine, *theirs)
                and (both := guards & other) not in found
            ):
                found.add(both)
                ahead.append(both)
    return False


def _are_opposite(one: Guard, other: Guard) -> bool:
    return one[1] == other[1] and {one[0], other[0]} in ({"+", "-"}, {"?", "!"})


def signs(pipe: TemplatePipe, flow: ValueFlow) -> tuple[str, str]:
    """Return the signs of guards where a condition, which is this flow, holds, and where it does not."""
    if len(flow.paths) == 1 and flow.used == flow.paths:
        return "+", "-"
    if len(pipe.commands) == 1 and len(pipe.commands[0]) == 2:
        head, argument = pipe.commands[0]
        if head.text in ("not", "empty") and argument.kind in ("dot", "variable"):
            return "-", "+"
    return "?", "!"

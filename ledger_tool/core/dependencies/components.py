"""The strongly connected components of a graph: one algorithm finds both the cycles and an order.

Source: Tarjan, "Depth-first search and linear graph algorithms" (1972), with an explicit stack instead of
recursion, so a chain may be of any length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator


def components(nodes: Iterable[int], after: Callable[[int], Iterable[int]]) -> list[list[int]]:
    """Return the components, each before all components that lead to it.

    `after` gives the nodes to which a node leads. Nodes are taken in the order of `nodes`, which makes the
    result the same every time.
    """
    closed: list[list[int]] = []
    number: dict[int, int] = {}
    lowest: dict[int, int] = {}
    open_nodes: list[int] = []
    is_open: set[int] = set()

    def enter(node: int) -> tuple[int, Iterator[int]]:
        number[node] = lowest[node] = len(number)
        open_nodes.append(node)
        is_open.add(node)
        return node, iter(after(node))

    for start in nodes:
        if start in number:
            continue
        path = [enter(start)]
        while path:
            node, rest = path[-1]
            for below in rest:
                if below not in number:
                    path.append(enter(below))
                    break
                if below in is_open:
                    lowest[node] = min(lowest[node], number[below])
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[node])
                if lowest[node] == number[node]:
                    component = [open_nodes.pop()]
                    while component[-1] != node:
                        component.append(open_nodes.pop())
                    is_open.difference_update(component)
                    closed.append(sorted(component))
    return closed


def cyclic(component: list[int], after: Callable[[int], Iterable[int]]) -> bool:
    """Return whether a component is a cycle: of several nodes, or of one that leads to itself."""
    return len(component) > 1 or component[0] in after(component[0])

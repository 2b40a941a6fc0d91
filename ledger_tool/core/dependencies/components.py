"""The strongly connected components of a graph: one algorithm tells both the cycles and an order.

Source: Tarjan, "Depth-first search and linear graph algorithms" (1972), with a stack of its own in the place of
recursion, so that a chain may be as long as it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator


def components(nodes: Iterable[int], after: Callable[[int], Iterable[int]]) -> list[list[int]]:
    """Return the components, each before all from which it can be reached: what a node leads to comes first.

    `after` gives the nodes to which a node leads. Nodes are taken in the order of `nodes`, which makes the
    result the same every time.
    """
    found: list[list[int]] = []
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
                    at = _last(open_nodes, node)
                    closed = open_nodes[at:]
                    del open_nodes[at:]
                    is_open.difference_update(closed)
                    found.append(sorted(closed))
    return found


def _last(nodes: list[int], node: int) -> int:
    at = len(nodes) - 1
    while nodes[at] != node:
        at -= 1
    return at


def cyclic(component: list[int], after: Callable[[int], Iterable[int]]) -> bool:
    """Return whether a component is a cycle: of several nodes, or of one that leads to itself."""
    return len(component) > 1 or component[0] in after(component[0])

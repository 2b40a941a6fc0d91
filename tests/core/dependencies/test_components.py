"""Cycles and order, on graphs of every shape, against the definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.dependencies.components import components, cyclic

Graphs = st.integers(1, 9).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, size - 1), max_size=4), min_size=size, max_size=size)
)


def _reach(graph: list[list[int]], start: int) -> set[int]:
    """Return what a node leads to in one step or more."""
    reached: set[int] = set()
    waiting = list(graph[start])
    while waiting:
        at = waiting.pop()
        if at not in reached:
            reached.add(at)
            waiting += graph[at]
    return reached


@given(Graphs)
def test_two_nodes_are_in_one_component_if_each_leads_to_the_other(graph: list[list[int]]) -> None:
    found = components(range(len(graph)), graph.__getitem__)
    assert sorted(at for component in found for at in component) == list(range(len(graph)))
    reach = [_reach(graph, at) for at in range(len(graph))]
    home = {at: number for number, component in enumerate(found) for at in component}
    for a in range(len(graph)):
        for b in range(len(graph)):
            mutual = a == b or (b in reach[a] and a in reach[b])
            assert (home[a] == home[b]) == mutual


@given(Graphs)
def test_what_a_node_leads_to_comes_first(graph: list[list[int]]) -> None:
    found = components(range(len(graph)), graph.__getitem__)
    home = {at: number for number, component in enumerate(found) for at in component}
    assert all(home[below] <= home[at] for at, after in enumerate(graph) for below in after)


@given(Graphs)
def test_a_component_is_a_cycle_if_its_nodes_lead_back_to_themselves(graph: list[list[int]]) -> None:
    for component in components(range(len(graph)), graph.__getitem__):
        assert cyclic(component, graph.__getitem__) == (component[0] in _reach(graph, component[0]))


def test_a_chain_and_a_ring_of_100_000_nodes_are_handled() -> None:
    size = 100_000
    chain = components(range(size), lambda at: [at + 1] if at + 1 < size else [])
    assert chain == [[at] for at in reversed(range(size))]
    assert len(components(range(size), lambda at: [(at + 1) % size])) == 1

"""The variables of a template, and what holds where one of its actions stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger_tool.core.manifests.charts.flow import NOTHING, ValueFlow, union
from ledger_tool.core.manifests.charts.guards import Guard
from ledger_tool.core.manifests.charts.paths import merged_globals
from ledger_tool.core.manifests.charts.texts import Conditions, PrintCondition, bounded, unless, when


class VariableScope:
    """The variables of a block, and those around it."""

    __slots__ = ("around", "conditions", "guards", "variables")

    def __init__(self, variables: dict[str, ValueFlow], around: VariableScope | None = None) -> None:
        self.variables, self.around = variables, around
        self.guards: dict[str, frozenset[Guard]] = {}
        self.conditions: dict[str, Conditions] = {}

    def get(self, name: str) -> ValueFlow:
        """Return what a variable may be."""
        scope: VariableScope | None = self
        while scope:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope.around
        return NOTHING

    def guards_of(self, name: str) -> frozenset[Guard]:
        """Return what holds where a variable is declared."""
        scope: VariableScope | None = self
        while scope and name not in scope.guards:
            scope = scope.around
        return scope.guards[name] if scope else frozenset()

    def conditions_of(self, name: str) -> Conditions:
        """Return the conditions of the place where a variable is declared."""
        scope: VariableScope | None = self
        while scope and name not in scope.conditions:
            scope = scope.around
        return scope.conditions[name] if scope else frozenset()

    def set(self, name: str, flow: ValueFlow, conditions: Conditions) -> None:
        """Say that a variable has another value where conditions hold."""
        before = self.get(name).shown
        self.add(name, flow)
        texts = bounded(when(flow.shown, conditions) | unless(before, conditions))
        self._replace(name, self.get(name).as_text(texts))

    def add(self, name: str, flow: ValueFlow) -> None:
        """Say that a variable may have another value as well."""
        self._replace(name, union([self.get(name), flow]))

    def _replace(self, name: str, flow: ValueFlow) -> None:
        scope: VariableScope | None = self
        while scope:
            if name in scope.variables:
                scope.variables[name] = flow
                return
            scope = scope.around


class ActionPlace(NamedTuple):
    """What holds where an action stands."""

    dot: ValueFlow
    scope: VariableScope
    guards: frozenset[Guard] = frozenset()
    conditions: Conditions = frozenset()

    def inside(self, dot: ValueFlow | None = None, conditions: Sequence[PrintCondition] = ()) -> ActionPlace:
        """Return the place of what is in a block, where more conditions hold."""
        guards = self.guards.union((sign, paths) for sign, paths, _ in conditions)
        scope = VariableScope({}, self.scope)
        merged = (one._replace(paths=frozenset(map(merged_globals, one.paths))) for one in conditions)
        return ActionPlace(self.dot if dot is None else dot, scope, guards, self.conditions.union(merged))

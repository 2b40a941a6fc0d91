"""A policy's rule in CEL, evaluated by Google's own C++ runtime as the API server does it: typed, variables in order.

The runtime brings the functions on strings that Kubernetes has, from the same extension of the language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

_GIVEN = dict.fromkeys(("object", "oldObject", "params"), cel.Type.DYN)


class CelRule:
    """The compiled `variables` and `validations` of a policy."""

    def __init__(
        self, variables: Mapping[str, str], validations: Sequence[Mapping[str, str]], *, typed: bool = True
    ) -> None:
        """Compile a rule; unless `typed`, nothing is known of the types of its variables."""
        self._types = dict(_GIVEN)
        self._variables = []
        self.types: dict[str, str] = {}
        for name, expression in variables.items():
            compiled = self._compiled(expression)
            self.types[name] = compiled.return_type().name()
            self._types[f"variables.{name}"] = compiled.return_type() if typed else cel.Type.DYN
            self._variables.append((f"variables.{name}", compiled))
        self._validations = [
            (self._compiled(one["expression"]), self._compiled(one["messageExpression"])) for one in validations
        ]

    def denials(self, pod: Any, data: Mapping[str, str], before: Any = None) -> list[str]:
        """Return why a pod is denied, or nothing: `data` is the ConfigMap's, `before` the pod that is updated."""
        known: dict[str, Any] = {"object": pod, "oldObject": before, "params": {"data": dict(data)}}
        for name, compiled in self._variables:
            known[name] = self._value(compiled, known)
        return [self._value(message, known) for holds, message in self._validations if not self._value(holds, known)]

    def _compiled(self, expression: str) -> Any:
        return self._environment().compile(expression)

    def _environment(self) -> Any:
        return cel.NewEnv(variables=self._types, extensions=[ext_strings.ExtStrings()])

    @staticmethod
    def _value(compiled: Any, known: Mapping[str, Any]) -> Any:
        value = compiled.eval(data=known).plain_value()
        if isinstance(value, Exception):
            raise value
        return value

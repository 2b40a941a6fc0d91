"""The classes of the commands and their group, which leave parameters as they were typed.

Typer converts parameters with pydantic, whose import and setup take longer than a whole `ledger get`. All our values
have their own parsers in `core.ledger.names` and `options`, with our own messages, so the parameters are text, lists of
text and flags, and need no conversion.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class _AsTyped:
    """Replaces typer's converter."""

    def coerce(self, value: Any, *, param: Any, **_: Any) -> Any:
        is_list = param.multiple or param.nargs == -1
        return list(value or ()) if is_list else value


class _Unconverted:
    """A mixin that leaves a command's parameters, including `--help`, as they are."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            param.get_runtime_param = _AsTyped
            if not param.default:  # an empty default is not worth showing
                param.show_default = False
        return params


class Command(_Unconverted, TyperCommand):
    """One command."""


class Group(_Unconverted, TyperGroup):
    """The program, with its commands."""

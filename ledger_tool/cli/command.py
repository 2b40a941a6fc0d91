"""The classes of the commands and their group: its parameters arrive as they were typed.

Typer converts parameters with pydantic, whose import and set-up take longer than a whole `ledger get`.
All our values have parsers of their own, in `core.ledger.names` and `options`, with our own messages, so that
the parameters are text, lists of text and flags, and need no conversion.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class _AsTyped:
    """In the place of typer's converter."""

    def coerce(self, value: Any, *, param: Any, **_: Any) -> Any:
        is_list = param.multiple or param.nargs == -1
        return list(value or ()) if is_list else value


class _Unconverted:
    """Mixed into a command: leave its parameters, `--help` among them, as they are."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            param.get_runtime_param = _AsTyped
            if not param.default:  # nothing is not worth showing
                param.show_default = False
        return params


class Command(_Unconverted, TyperCommand):
    """One command."""


class Group(_Unconverted, TyperGroup):
    """The program, with its commands."""

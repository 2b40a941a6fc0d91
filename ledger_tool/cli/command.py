"""The classes of the commands and their group: parameters stay as they were typed, and help is laid out to be read.

Typer converts parameters with pydantic, whose import and setup take longer than a whole `ledger get`. All our values
have their own parsers in `core.ledger.names` and `options`, with our own messages, so the parameters are text, lists of
text and flags, and need no conversion.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from typer.core import TyperCommand, TyperGroup

from ledger_tool.cli.options import RARE


class _AsTyped:
    """Replaces typer's converter."""

    def coerce(self, value: Any, *, param: Any, **_: Any) -> Any:
        is_list = param.multiple or param.nargs == -1
        return list(value or ()) if is_list else value


class _Unconverted:
    """A mixin that leaves a command's parameters, including `--help`, as they are, and shows examples in its help."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            param.get_runtime_param = _AsTyped
            _describe(param)
        return sorted(params, key=lambda param: param.rich_help_panel == RARE)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from typer import rich_utils

        from ledger_tool.cli.examples import as_lines
        from ledger_tool.render.screen import Screen
        from ledger_tool.render.terminal import has_colour

        # Typer has its own rules of when to write escapes, and of what to do when nobody reads to the end.
        rich_utils.FORCE_TERMINAL = has_colour(sys.stdout)
        with redirect_stdout(StringIO()) as shown:
            super().format_help(ctx, formatter)  # type: ignore[misc]
        width = rich_utils._get_rich_console().width
        Screen().data([*shown.getvalue().splitlines(), " Examples:", *as_lines(ctx.info_name, width)])


def _describe(param: Any) -> None:
    """Describe a parameter by its help text alone: no type, and variable and default in the same paragraph."""
    if param.param_type_name == "argument":
        usage = param.metavar if param.required else f"[{param.metavar}]"
        param.get_usage_pieces = lambda _: [usage]
        param.display_type_rich = lambda **_: None
    elif not param.metavar:  # a flag
        param.display_type_rich = lambda **_: None
    if param.envvar and param.show_envvar:
        param.help += f" [env: {param.envvar}]"
    if param.default and param.show_default and isinstance(param.default, str):
        param.help += f" [default: {param.default}]"
    param.show_envvar = param.show_default = False


class Command(_Unconverted, TyperCommand):
    """One command."""


class Group(_Unconverted, TyperGroup):
    """The program, with its commands."""

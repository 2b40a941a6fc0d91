"""The classes of the commands and their group: parameters stay as they were typed, and help is laid out to be read.

Typer converts parameters with pydantic, whose import and setup take longer than a whole `ledger get`. All our values
have their own parsers in `core.ledger.names` and `options`, with our own messages, so the parameters are text, lists of
text and flags, and need no conversion.
"""

from __future__ import annotations

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
        super().format_help(ctx, formatter)  # type: ignore[misc]
        from ledger_tool.cli.examples import EXAMPLES
        from ledger_tool.render.screen import Screen

        examples = EXAMPLES.get(ctx.info_name, ())
        lines = [f"   {line}" for what, command in examples for line in (f"# {what}", command)]
        Screen().data([" Examples:", *lines])


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

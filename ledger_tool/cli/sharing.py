"""Options that several commands share, declared once in the signature of a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

Command = Callable[..., Any]


def sharing(declared: Command, keyword: str) -> Callable[[Command], Command]:
    """Return a decorator that adds the parameters of `declared` to a command's own.

    The command's parameter `keyword` gets what `declared` returns for them; typer sees one signature.
    """

    def decorator(command: Command) -> Command:
        own, shared = (
            list(inspect.signature(function, eval_str=True).parameters.values()) for function in (command, declared)
        )
        own = [parameter for parameter in own if parameter.name != keyword]
        # Another decorator, which has to be the outer one, fills in the rest: they have no defaults.
        keywords = [parameter for parameter in own if parameter.kind is parameter.KEYWORD_ONLY]
        parameters = [*(parameter for parameter in own if parameter not in keywords), *shared, *keywords]

        def run(**given: Any) -> Any:
            options = {parameter.name: given.pop(parameter.name) for parameter in shared}
            return command(**given, **{keyword: declared(**options)})

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return decorator

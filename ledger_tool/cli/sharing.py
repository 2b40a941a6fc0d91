"""Options that several commands share, declared once, in the signature of one function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

Command = Callable[..., Any]


def sharing(said: Command, keyword: str) -> Callable[[Command], Command]:
    """Return a decorator that gives a command the parameters of `said` beside its own.

    The command has a `keyword` that gets what `said` returns for them; typer sees one signature.
    """

    def decorator(command: Command) -> Command:
        own, shared = (list(inspect.signature(one, eval_str=True).parameters.values()) for one in (command, said))
        own = [one for one in own if one.name != keyword]

        def run(**given: Any) -> Any:
            told = {one.name: given.pop(one.name) for one in shared}
            return command(**given, **{keyword: said(**told)})

        run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in (*own, *shared)}
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return decorator

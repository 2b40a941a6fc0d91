"""The templates of the pages, which Jinja2 escapes, and the one place that imports it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

_FOLDER = files(__package__).joinpath("templates")


def template(name: str) -> Template:
    """Return a template, by the name of its file; each is compiled once a run."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    return Environment(
        autoescape=True,
        auto_reload=False,
        cache_size=-1,
        keep_trailing_newline=True,
        loader=FunctionLoader(lambda name: _FOLDER.joinpath(name).read_text("utf-8")),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )

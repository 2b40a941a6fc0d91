"""The templates of the pages: Jinja2, which escapes whatever they are given. Nothing else imports it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ledger_tool.core.ledger.names import escaped
from ledger_tool.render.site import wording
from ledger_tool.render.site.links import environment_id, source_link, web_link
from ledger_tool.render.view import short_digest, short_source

_ASSETS = files(__package__)


def markup(name: str, **values: Any) -> Markup:
    """Return what a template makes from values: markup, which other templates take as it is."""
    return Markup(_environment().get_template(name).render(**values))  # noqa: S704 the template has escaped the values


def asset(name: str) -> str:
    """Return the text of a file that a site has as it is."""
    return _ASSETS.joinpath("assets", name).read_text("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        auto_reload=False,
        cache_size=-1,
        finalize=_visible,
        keep_trailing_newline=True,
        loader=FunctionLoader(lambda name: _ASSETS.joinpath("templates", name).read_text("utf-8")),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(_FILTERS)
    return environment


def _visible(value: object) -> object:
    """Return what is put into a page: with the characters written out that a reader would not see.

    Macros give markup, in which that has been done.
    """
    if type(value) is Markup:
        return value
    text = str(value)
    return text if text.isascii() and text.isprintable() else escaped(text)


_FILTERS: dict[str, Callable[..., Any]] = {
    "by_image": wording.by_image,
    "cell_words": wording.cell_words,
    "counted": wording.counted_words,
    "environment_id": environment_id,
    "moment": wording.moment,
    "note_badge": wording.note_badge,
    "shown_person": wording.shown_person,
    "prose": wording.prose,
    "short_digest": short_digest,
    "short_source": short_source,
    "source_link": source_link,
    "web_link": web_link,
    "who": wording.who,
}

"""Images that the actions of a template name themselves: `image: {{ .Values.image | default "myorg/app:v1" }}`.

One that is a text in quotes, and printed whole, is edited inside its quotes. One that actions put together, or choose
from several, is judged and reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from ledger_tool.core.manifests.charts.around import FileCharts, no_charts
from ledger_tool.core.manifests.charts.gotemplate import TemplateFault, TemplateNode, TemplatePipe, parse_template
from ledger_tool.core.manifests.charts.spoken import SpokenText, TemplateWords, assigned, spoken
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.shapes.whole import has_tag
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.templateactions import actions
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.policy.reference import split

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_SETS = re.compile(r"\{\{-?\s*\$\w+\s*:?=")
_SETS_OTHERS = re.compile(r"(?:\{%[-+]?\s*set|<%-?)\s+(@?[A-Za-z_]\w*)\s*(?:\|\|)?=(?!=)")
_VARIABLE = re.compile(r"(?<![\w.\"'])@?[A-Za-z_]\w*")
_ACTIONS_BEHIND = re.compile(r"(?:[ \t]*\{\{[^{}\r\n]*\}\})+")
_LOCKED = "actions put it together, or choose it from several texts: write its digest there"
_BLANK = re.compile(r"\s")
_QUOTED = re.compile(r"\\?[\"'`]([^\s\"'`\\]+)\\?[\"'`]")
_PLUS = re.compile(r"([\"'])[ \t]*[~+][ \t]*\1")
_MAKES_OTHERS = re.compile(r"[=!]=|\b(?:cat|eq|ne|printf?|replace\w*|regex\w*|split\w*|in)\b")
_LONGEST = 5_000  # characters of a scalar with actions


def as_written(token: TextToken, text: str) -> TextToken:
    """Return a scalar of a covered text as the text has it, without its quotes."""
    properties = _PROPERTIES.match(text, token.start, token.end)
    start, end = properties.end() if properties else token.start, token.end
    is_quoted = token.style in ("'", '"')
    return token._replace(text=text[start + is_quoted : end - is_quoted])


def in_actions(site: Site, text: str, ours: OurImages, charts: Callable[[], FileCharts] = no_charts) -> list[Site]:
    """Return the sites of the images that the actions in a site name, or the site if they name none."""
    if not site.whole or len(site.fields) != 1:
        return [site]
    token = site.fields[0].token
    said = text[token.start : min(token.end, token.start + _LONGEST)]
    if not _has_opening(said) or token.end - token.start > _LONGEST or token.style in ("|", ">"):
        return [site]
    token = as_written(token, text)
    if beside := _beside_comments(token.text):
        return [_named(site, token, beside, is_whole=True)]
    behind = "" if token.style else _ACTIONS_BEHIND.match(text, token.end)  # `{{ end }}` prints nothing
    said = token.text + (behind[0] if behind else "")
    variables = _variables(text) if "$" in said else {}
    chart = charts().of_chart()
    defined = dict(_defined(text)) if _names_template(said) else {}
    if _names_template(said):
        is_part = token.text.count("{{") > 1 or not token.text.startswith("{{")
        # One that an action prints whole is judged where it is defined.
        for other in chart.templates.values() if chart and is_part else ():
            defined = {**_defined(other), **defined}
    words = TemplateWords(variables, defined, chart)
    found = [one for one in spoken(said, words) if one.start >= 0 or _is_ours(one.text, ours)]
    found = found or [
        SpokenText(one)
        for one in dict.fromkeys((*_quoted(said), *_quoted(site.fields[0].token.text), *_of_variables(said, text)))
        if _is_ours(one, ours)
    ]
    is_alone = len(found) == 1 and token.text.count("{{") == 1 and token.text.startswith("{{")
    return [_named(site, token, one, is_whole=is_alone and one.start >= 0) for one in found] or [site]


def _beside_comments(text: str) -> SpokenText | None:
    """Return the one word of a text whose actions are comments, which print nothing, or None."""
    spans = actions(text)
    if not all(one.is_comment for one in spans):
        return None
    bare, end = [], 0
    for one in spans:
        bare += [text[end : one.start], " " * (one.end - one.start)]
        end = one.end
    left = "".join([*bare, text[end:]])
    said = left.strip()
    return SpokenText(said, left.index(said)) if said and not _BLANK.search(said) else None


def _named(site: Site, token: TextToken, said: SpokenText, *, is_whole: bool) -> Site:
    reference = split(said.text)
    end = said.start + len(said.text)
    opening, closing = (token.text[: said.start], token.text[end:]) if is_whole else ("", "")
    return replace(
        site,
        text=said.text,
        name=reference.name,
        tag=reference.tag or "",
        digest=reference.digest or "",
        fields=(replace(site.fields[0], token=token, opening=opening, closing=closing),),
        locked=site.locked or ("" if is_whole else _LOCKED),
        unsettled="",
    )


def _has_opening(text: str) -> bool:
    return "{{" in text or "<%" in text


def _quoted(text: str) -> Iterator[str]:
    """Yield the references in the texts in quotes of other engines' actions, as of `x | default('REF')` of Jinja.

    One that an action compares with something, or makes something else of, is none that it prints; nor is one with
    other text around the action.
    """
    if action := _only_printing(text):
        yield from _texts(action)


def _only_printing(text: str) -> str:
    """Return the one action that prints something, if a text has nothing else in it, or `""`."""
    spans = actions(text)
    starts, ends = [*(one.start for one in spans), len(text)], [0, *(one.end for one in spans)]
    printing = [text[one.start : one.end] for one in spans if not one.is_silent]
    is_alone = not any(text[end:start].strip() for end, start in zip(ends, starts, strict=True))
    return printing[0] if len(printing) == 1 and is_alone else ""


def _texts(action: str) -> list[str]:
    said = _PLUS.sub("", action)
    return [] if _MAKES_OTHERS.search(said) else [one for one in _QUOTED.findall(said) if has_tag(one)]


def _of_variables(said: str, text: str) -> Iterator[str]:
    """Yield the references to which a file sets the variables that the one printing action of a text has."""
    action = _only_printing(said)
    for name in _VARIABLE.findall(action) if action and not _MAKES_OTHERS.search(action) else ():
        yield from _set_to(text).get(name, ())


@lru_cache(4)
def _set_to(text: str) -> Mapping[str, Sequence[str]]:
    """Return the references in the texts to which the actions of Jinja and ERB set variables."""
    found: dict[str, list[str]] = {}
    for one in actions(text):
        if setting := _SETS_OTHERS.match(text, one.start, one.end):
            found.setdefault(setting[1], []).extend(_texts(text[setting.end() : one.end]))
    return found


def _is_ours(text: str, ours: OurImages) -> bool:
    return ours.has_reference(text) or ours.has_name(text)


def _names_template(text: str) -> bool:
    return "include" in text or "template" in text


@lru_cache(4)
def _variables(text: str) -> Mapping[str, Sequence[TemplatePipe]]:
    return assigned(text, [(one.start, one.end) for one in actions(text) if _SETS.match(text, one.start)])


@lru_cache(256)
def _defined(text: str) -> Mapping[str, Sequence[TemplateNode]]:
    try:
        return parse_template(text).defined
    except TemplateFault:
        return {}

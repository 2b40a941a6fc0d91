"""One site for each place of a document: where several charts may have the values there, and what templates print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.site import Site

_MOST_NAMED = 5
_MOST_OTHERS = 100
_TAGS = "several charts may get this name, with different tags: write the tag beside it"
_NAMES = "several charts may get this tag, and it would be one of {}: write the repository beside it"


def of_both(site: Site, other: Site) -> Site:
    """Return one site for two with the same name and fields, of two charts."""
    if not site.values or not other.values:
        return site if site.values else other
    charts = dict.fromkeys((*site.values.charts, *other.values.charts))
    is_same = (site.tag, site.digest) == (other.tag, other.digest)
    unsettled = site.unsettled or ("" if is_same else _TAGS)
    values = replace(site.values, charts=tuple(charts))
    if other.values.above != values.above and len(values.others) < _MOST_OTHERS:
        values = replace(values, others=(*values.others, other.values))
    return replace(site, values=values, unsettled=unsettled)


def settled(sites: Sequence[Site], ours: OurImages) -> list[Site]:
    """Return one site for each place. A tag without a name is one only if no template prints it behind a name."""
    printed: dict[int, list[Site]] = {}
    for site in sites:
        if site.is_printed:
            printed.setdefault(_numbers(site)[0], []).append(site)
    named = {number for site in sites if site.name or site.whole for number in _numbers(site)}
    places: dict[tuple[object, ...], list[Site]] = {}
    for at, site in enumerate(_as_printed(sites, printed)):
        if site.name or site.whole or named.isdisjoint(_numbers(site)):
            above = site.values.above if site.values and site.values.charts else at
            places.setdefault((_numbers(site), above), []).append(site)
    return [found[0] if len(found) == 1 else _one_of(found, ours) for found in places.values()]


def _numbers(site: Site) -> tuple[int, ...]:
    return tuple(field.token.number for field in site.fields)


def _as_printed(sites: Sequence[Site], printed: dict[int, list[Site]]) -> Iterator[Site]:
    """Yield the sites, those in one mapping with the name that a template prints: it may write the registry in front.

    One that is put together from several values is another image, unless it is such a site too.
    """
    known: set[tuple[str, int]] = set()
    others = []
    for site in sites:
        if site.is_printed:
            others.append(site)
            continue
        if site.values and printed:
            longer = {
                one.name for at in _numbers(site) for one in printed.get(at, ()) if one.name.endswith(f"/{site.name}")
            }
            if site.name and len(longer) == 1:
                name = longer.pop()
                site = replace(site, name=name, text=name + site.text.removeprefix(site.name))
            known.update((site.name, at) for at in _numbers(site))
        yield site
    yield from (site for site in others if (site.name, _numbers(site)[0]) not in known)


def _one_of(sites: Sequence[Site], ours: OurImages) -> Site:
    """Return the finding for a place that belongs to several charts, which have different images there."""
    first = min(sites, key=lambda site: not ours.has_name(site.name))
    names = sorted({site.name for site in sites})
    shown = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
    charts = tuple(dict.fromkeys(one for site in sites if site.values for one in site.values.charts))
    values = first.values and replace(first.values, charts=charts)
    return replace(first, unsettled=_NAMES.format(shown), values=values)

"""Images whose name and tag are in different places of a chart's values: its templates put them together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from ledger_tool.core.manifests.charts.around import ChartAround, node_at
from ledger_tool.core.manifests.charts.chart import HelmChart
from ledger_tool.core.manifests.charts.paths import CHART, Path
from ledger_tool.core.manifests.charts.printed import PrintedReference
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.shapes.keys import role
from ledger_tool.core.manifests.shapes.visit import FoundSite, Visit, key_token, marks_at, owner_at, text_at
from ledger_tool.core.manifests.site import Site, SiteField
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import YamlNode, YamlPlace, keys, look_up
from ledger_tool.core.policy.reference import split

_IN_VALUES = (
    "its chart puts it together from several values ({}): write the digest behind its tag, if no other image has this "
    "tag"
)
_IN_TEMPLATE = "its chart has the tag in a template, behind a value ({}): write the digest there"
_IN_CHART = "its tag is what its chart says of itself ({}): let a value have it, and write the digest behind that"
_MOST_ITEMS = 200
_VERSIONS = ("tag", "imageTag", "digest", "sha", "imageDigest")
_WITHOUT_DIGEST = re.compile(r"@(?:sha256:)?\Z")  # one that is empty


def of_templates(visit: Visit, charts: Sequence[ChartAround]) -> Iterator[FoundSite]:
    """Yield the images that templates of these charts put together from the values at their root, and others."""
    found: dict[tuple[int, str], Site] = {}
    for around in charts:
        for printed in around.chart.printed:
            for site in _sites(visit, around, printed):
                found.setdefault((site.fields[0].token.number, site.name), site)
    yield from map(FoundSite, found.values())


def is_judged_by_values(chart: HelmChart | None, path: str, site: Site, ours: OurImages) -> bool:
    """Return whether an image in a template, behind an action, is one that the values of its chart make whole."""
    rest, root = site.text.partition("/")[2], chart.values() if chart else None

    def read(at: Path) -> str:
        node = node_at(root, at[1:-1])
        return text_at(look_up(node, at[-1])) if node else ""

    literal = [one for one in chart.printed if one.has_tag] if chart else []
    same = [one for one in literal if f"/{rest}".startswith(str(one.pieces[-1]).partition("@")[0])]
    # What several lines print is known by the first.
    here = [one for one in same if f"/{path}:{site.line}".endswith(f"/{one.where}")] or same
    return bool(here) and all(_is_known(one, read, ours) for one in here)


def _is_known(printed: PrintedReference, read: Callable[[Path], str], ours: OurImages) -> bool:
    """Return whether values make a reference whole: one of others, or one of ours that is found where they are.

    Values are looked into if they name a registry of ours.
    """
    text = "".join(printed.spans(read)) if all(map(read, printed.used)) else ""
    name = split(text).name
    return bool(name) and (not ours.has_name(name) or any(ours.has_host(read(at)) for at in printed.used))


def _sites(visit: Visit, around: ChartAround, printed: PrintedReference) -> Iterator[Site]:
    defaults: dict[Path, YamlNode | None] = {}

    def place_of(path: Path) -> YamlPlace | None:
        above = path[1:-1]
        if above not in defaults:
            defaults[above] = around.defaults(above)
        beside = defaults[above]
        return _place(visit.node, path) or (look_up(beside, path[-1]) if beside else None)

    def read(path: Path) -> str:
        if path[:1] == CHART:
            return around.chart.says(path, printed.where)
        place = place_of(path)
        return text_at(place) if place and place.node.token.kind == "scalar" else "{}" if place else ""

    def items(path: Path) -> Sequence[Path]:
        place = place_of(path) if len(path) > 1 else None
        if not place:
            return []
        if place.node.items:
            return [(*path[:-1], f"{path[-1]}[{number}]") for number in range(min(len(place.node.items), _MOST_ITEMS))]
        return [(*path, key) for key in [*keys(place.node)][:_MOST_ITEMS]]

    for one in printed.bound(items):
        # A field for the tag, even an empty one, is read where it is.
        has_tag = any(place_of((*one.defaulted[:-1], key)) for key in _VERSIONS if one.defaulted)
        site = None if has_tag else _site(visit, one, read)
        if site:
            yield replace(site, text=site.name, tag="", locked="") if one.defaulted else site


def _site(visit: Visit, printed: PrintedReference, read: Callable[[Path], str]) -> Site | None:
    own = {path: place for path in printed.used if (place := _place(visit.node, path))}
    spans = printed.spans(read) if own else []
    text, tagged = _WITHOUT_DIGEST.sub("", "".join(spans)), None
    if not text:
        return None
    reference = split(text)
    name, tag, digest = reference.name, reference.tag or "", reference.digest or ""
    start = len(name) + 1
    for piece, span, end in zip(printed.pieces, spans, accumulate(map(len, spans)), strict=True):
        is_in_tag = end > start and end - len(span) < start + len(tag)
        tagged = piece if is_in_tag and span and isinstance(piece, tuple) and not tagged else tagged
    ours = visit.file.ours
    what = role(tagged[-1]) if tagged else None
    is_tag = what is not None and what.part == "tag"
    is_ours = ours.has_name(name) and (printed.is_image or is_tag or ours.has_host(name))  # `nginx:80` may be a server
    is_image = is_ours or (printed.is_image and is_tag)
    if not name or not tag or not is_image:
        return None
    at = tagged if tagged in own else next(iter(own))
    assert at
    place = own[at]
    why = _IN_TEMPLATE if not tagged else _IN_CHART if tagged[:1] == CHART else _IN_VALUES
    beside = (_key(visit.node, at) or place.token, place.token, place.node.token)
    return Site(
        line=place.token.line,
        text=text,
        name=name,
        tag=tag,
        digest=digest,
        fields=(SiteField("tagged" if at == tagged else "name", place.node.token, place=place.token.number),),
        is_printed=True,
        locked=why.format(printed.where),
        marks=marks_at(visit.file, *beside),
        owner=owner_at(visit.file.text, *beside),
    )


def _place(root: YamlNode, path: Path) -> YamlPlace | None:
    node = node_at(root, path[1:-1])
    return look_up(node, path[-1]) if node else None


def _key(root: YamlNode, path: Path) -> TextToken | None:
    node = node_at(root, path[1:-1])
    return key_token(node, path[-1]) if node else None

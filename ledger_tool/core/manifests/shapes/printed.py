"""Images whose name and tag are in different places of a chart's values: its templates put them together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ledger_tool.core.manifests.charts.around import ChartAround, node_at
from ledger_tool.core.manifests.charts.chart import HelmChart
from ledger_tool.core.manifests.charts.paths import Path
from ledger_tool.core.manifests.charts.printed import PrintedReference
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.shapes.keys import role
from ledger_tool.core.manifests.shapes.visit import FoundSite, Visit, key_token, marks_at, owner_at, text_at
from ledger_tool.core.manifests.site import Site, SiteField
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import YamlNode, YamlPlace, look_up

_IN_VALUES = (
    "its chart puts it together from several values ({}): write the digest behind its tag, if no other image has this "
    "tag"
)
_IN_TEMPLATE = "its chart has the tag in a template, behind a value ({}): write the digest there"


def of_templates(visit: Visit, charts: Sequence[ChartAround]) -> Iterator[FoundSite]:
    """Yield the images that templates of these charts put together from the values at their root, and others."""
    found: dict[tuple[int, str], Site] = {}
    for around in charts:
        for printed in around.chart.printed:
            if site := _site(visit, around, printed):
                found.setdefault((site.fields[0].token.number, site.name), site)
    yield from map(FoundSite, found.values())


def is_judged_by_values(chart: HelmChart | None, path: str, site: Site, ours: OurImages) -> bool:
    """Return whether an image in a template, behind an action, is one that the values of its chart make whole."""
    rest, root = site.text.partition("/")[2], chart.values() if chart else None

    def read(at: Path) -> str:
        node = node_at(root, at[1:-1])
        return text_at(look_up(node, at[-1])) if node else ""

    literal = [one for one in chart.printed if isinstance(one.tag, str)] if chart else []
    same = [one for one in literal if f"/{rest}".startswith(f"{one.name[-1]}:{one.tag}")]
    # What several lines print is known by the first.
    here = [one for one in same if f"/{path}:{site.line}".endswith(f"/{one.where}")] or same
    return bool(here) and all(_is_known(one, read, ours) for one in here)


def _is_known(printed: PrintedReference, read: Callable[[Path], str], ours: OurImages) -> bool:
    """Return whether values make a reference whole: one of others, or one of ours that is found where they are.

    Values are looked into if they name a registry of ours.
    """
    name = printed.named(read) if all(map(read, printed.used)) else ""
    return bool(name) and (not ours.has_name(name) or any(ours.has_host(read(at)) for at in printed.used))


def _site(visit: Visit, around: ChartAround, printed: PrintedReference) -> Site | None:
    own = {path: place for path in printed.used if (place := _place(visit.node, path))}
    if not own:
        return None
    defaults: dict[Path, YamlNode | None] = {}

    def read(path: Path) -> str:
        above = path[1:-1]
        if above not in defaults:
            defaults[above] = around.defaults(above)
        beside = defaults[above]
        place = _place(visit.node, path) or (look_up(beside, path[-1]) if beside else None)
        return text_at(place) if place and place.node.token.kind == "scalar" else "{}" if place else ""

    def said(part: str | Path) -> str:
        return part if isinstance(part, str) else read(part)

    name, (tag, _, behind) = printed.named(read), said(printed.tag).partition("@")
    ours = visit.file.ours
    what = role(printed.tag[-1]) if isinstance(printed.tag, tuple) else None
    is_tag = what is not None and what.part == "tag"
    is_ours = ours.has_name(name) and (printed.is_image or is_tag or ours.has_host(name))  # `nginx:80` may be a server
    is_image = is_ours or (printed.is_image and is_tag)
    if not name or not tag or not is_image:
        return None
    digest = behind or said(printed.digest)
    digest = f"sha256:{digest}" if digest and ":" not in digest else digest
    at = printed.tag if isinstance(printed.tag, tuple) and printed.tag in own else next(iter(own))
    place = own[at]
    beside = (_key(visit.node, at) or place.token, place.token, place.node.token)
    part = "tagged" if at == printed.tag else "name"
    return Site(
        line=place.token.line,
        text=f"{name}:{tag}" + (f"@{digest}" if digest else ""),
        name=name,
        tag=tag,
        digest=digest,
        fields=(SiteField(part, place.node.token),),
        is_printed=True,
        locked=(_IN_TEMPLATE if isinstance(printed.tag, str) else _IN_VALUES).format(printed.where),
        marks=marks_at(visit.file, *beside),
        owner=owner_at(visit.file.text, *beside),
    )


def _place(root: YamlNode, path: Path) -> YamlPlace | None:
    node = node_at(root, path[1:-1])
    return look_up(node, path[-1]) if node else None


def _key(root: YamlNode, path: Path) -> TextToken | None:
    node = node_at(root, path[1:-1])
    return key_token(node, path[-1]) if node else None

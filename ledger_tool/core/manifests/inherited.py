"""Which values would give the digest of those below them to a tag or a name of their own.

Helm lays values over the `values.yaml` of a chart, key by key. A digest in a field of its own stays when others set
only the tag, and then decides alone what runs; one behind the tag stays when others set only the name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ledger_tool.core.manifests import yamltree
from ledger_tool.core.manifests.charts.around import FileCharts, OverlaidSite, Overlays, SitesOfFile
from ledger_tool.core.manifests.environment import nothing_set
from ledger_tool.core.manifests.formats import Parse, format_of
from ledger_tool.core.manifests.marks import Style
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.pin import Judgement
from ledger_tool.core.manifests.replacements import TakenApart, judged_whole
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.splice import SpliceRefused, splices
from ledger_tool.core.manifests.style import styled
from ledger_tool.core.manifests.tokens import TextFault
from ledger_tool.errors import LedgerError

_OF_ITS_OWN = ("digest", "hex")
_ITS_OWN = "@"  # no tag
_VERSION = re.compile(r"(?:[tT]ag|[dD]igest|\bsha|[iI]mage|[rR]epository|[rR]egistry)[\"']?\s*:")


def sites_in(
    path: str,
    raw: bytes | None,
    parse: Parse,
    charts: Callable[[], FileCharts],
    ours: OurImages,
    taken_apart: Callable[[], Sequence[TakenApart]],
) -> SitesOfFile:
    """Return the sites of a file; `raw` is None for one that cannot be read, or is too large to be.

    `taken_apart` returns what kustomizations replace in it.
    """
    if raw is None:
        return SitesOfFile((), "it is very large, or not open to read" if charts().is_values else "")
    form = format_of(path, parse, ours, nothing_set, charts)
    found: list[tuple[Site, str]] = []
    try:
        text = yamltree.decoded(raw)
        for document in form.documents(text):
            if form.may_have_sites(text[document.start : document.end]):
                reading = form.read(path, text, document)
                found += [(site, text) for site in judged_whole(reading.sites, reading.tokens, taken_apart)]
    except TextFault as fault:
        may_set = charts().is_values or _VERSION.search(raw.decode("utf-8", "replace"))
        return SitesOfFile(found, fault.message if may_set else "")
    return SitesOfFile(found)


def heir(site: Site, tag: str, judgement: Callable[[Site], Judgement | None], wanted: Style, ours: OurImages) -> str:
    """Return what lays another tag or name over a site, and would get the digest that it has or gets, or `""`.

    `site` is as it is written (see `style`), and `tag` the one that it will have. `wanted` is the style of all.
    """
    is_behind = _is_behind(site)
    has_digest = is_behind or site.missing or any(field.part in _OF_ITS_OWN for field in site.fields)
    if not has_digest or site.values is None:
        return ""
    for around, overlays in ((one, one.overlays) for one in site.values.charts if one.overlays):
        for overlaid in overlays.at(site.values.above, ours):
            if overlaid.site.whole or (around.beside and overlaid.file.name == around.beside):
                continue
            is_other = bool(overlaid.site.name) and not ours.is_mirror(site.name, overlaid.site.name)
            is_named = not _has_tag(overlaid.site)
            if (is_named or is_behind) and not (is_named and is_other):
                continue
            if around.beside and is_other:  # values for something else
                continue
            if is_behind or _inherits(overlays, overlaid, "" if is_other else tag, judgement, wanted):
                where = f"{overlaid.file.name}:{overlaid.site.line}"
                has = "another name" if is_named else "a tag of its own"
                what = "tag" if is_behind else "digest field"
                return f"{where} has {has} but no {what}, so Helm would give it this digest: write one there first"
        if not is_behind and (unread := overlays.unread(ours)):
            return unread
    return ""


def _inherits(
    overlays: Overlays, overlaid: OverlaidSite, tag: str, judgement: Callable[[Site], Judgement | None], style: Style
) -> bool:
    """Return whether a site will have no digest field of its own, and another tag, or name if `tag` is `""`."""
    if overlaid not in overlays.versions:
        overlays.versions[overlaid] = _version(overlaid, judgement, style)
    version = overlays.versions[overlaid]
    return version != _ITS_OWN and not (tag and version == tag)


def _version(overlaid: OverlaidSite, judgement: Callable[[Site], Judgement | None], style: Style) -> str:
    """Return the tag that a site will have without a digest, `""` if it is not known, or `_ITS_OWN` with a field."""
    is_inherited = any(field.part == "name" for field in overlaid.site.fields)
    if not is_inherited and any(field.part in _OF_ITS_OWN for field in overlaid.site.fields):
        return _ITS_OWN
    site = overlaid.site
    try:
        site, _ = styled(site, style)
        wanted = (judged.wanted if (judged := judgement(site)) else None) if overlaid.file.is_judged else None
        if wanted and splices(site, wanted, overlaid.text) and site.missing and not _is_behind(site):
            return _ITS_OWN
        if wanted and splices(site, wanted, overlaid.text) and _is_behind(site):
            return ""  # there would be two digests
    except (LedgerError, SpliceRefused):
        wanted = None
    return "" if site.owner or site.misprint or site.digest else wanted.tag if wanted else site.tag


def _has_tag(site: Site) -> bool:
    """Return whether a site sets a tag, and not only a name or a digest."""
    parts = {field.part for field in site.fields}
    return "name" not in parts and not parts.isdisjoint(("tag", "tagged"))


def _is_behind(site: Site) -> bool:
    return any(field.part in ("tagged", "emptied") for field in site.fields)

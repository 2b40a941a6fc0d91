"""Which file would give the digest of a chart's `values.yaml` to a tag of its own.

Helm lays files over the `values.yaml` of a chart, key by key. A digest in a field of its own stays when such a file
sets only the tag, and then decides alone what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ledger_tool.core.manifests import yamltree
from ledger_tool.core.manifests.charts.around import ChartAround, OverlaidSite
from ledger_tool.core.manifests.environment import nothing_set
from ledger_tool.core.manifests.formats import Parse, format_of
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.pin import Judgement
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.splice import SpliceRefused, splices
from ledger_tool.core.manifests.style import Styles, styled
from ledger_tool.core.manifests.tokens import TextFault
from ledger_tool.errors import LedgerError

_OF_ITS_OWN = ("digest", "hex")


def sites_in(
    path: str, raw: bytes, parse: Parse, around: Callable[[], ChartAround | None], ours: OurImages
) -> Iterator[tuple[Site, str]]:
    """Yield the sites of a file, each with the file's text; none of what cannot be read."""
    form = format_of(path, parse, ours, nothing_set, around)
    try:
        text = yamltree.decoded(raw)
        for document in form.documents(text):
            if form.may_have_sites(text[document.start : document.end]):
                yield from ((site, text) for site in form.read(path, text, document).sites)
    except TextFault:
        return


def heir(site: Site, tag: str, judgement: Callable[[Site], Judgement | None], styles: Styles, ours: OurImages) -> str:
    """Return where a file sets another tag, and would get the digest that a site has in a field, or `""`.

    `site` is as it is written (see `style`), and `tag` the one that it will have.
    """
    has_field = site.missing or any(field.part in _OF_ITS_OWN for field in site.fields)
    if not has_field or _is_behind(site) or site.values is None or site.values.in_object:
        return ""
    around = styles.around()
    for overlaid in around.overlays.at(site.values.above, ours) if around and around.overlays else ():
        if _inherits(overlaid, tag, judgement, styles):
            return f"{overlaid.file.name}:{overlaid.site.line}"
    return ""


def _inherits(overlaid: OverlaidSite, tag: str, judgement: Callable[[Site], Judgement | None], styles: Styles) -> bool:
    """Return whether a site will have no digest field of its own, and another tag."""
    if any(field.part in _OF_ITS_OWN for field in overlaid.site.fields):
        return False
    site = overlaid.site
    try:
        site, _ = styled(site, Styles(styles.wanted, overlaid.file.around))
        wanted = (judged.wanted if (judged := judgement(site)) else None) if overlaid.file.is_judged else None
        if wanted and splices(site, wanted, overlaid.text) and site.missing and not _is_behind(site):
            return False
    except (LedgerError, SpliceRefused):
        wanted = None
    is_same = not site.digest and (wanted.tag if wanted else site.tag) == tag
    return bool(site.owner) or not is_same


def _is_behind(site: Site) -> bool:
    return any(field.part in ("tagged", "emptied") for field in site.fields)

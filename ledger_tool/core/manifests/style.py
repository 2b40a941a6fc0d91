"""Where the digest of an image in Helm values goes: into a field of its own, or behind the tag.

A chart that prints `repository:tag` deploys a digest behind the tag as it should, and ignores one in a field. So the
field is for charts that read it, and the tag for those that do not, and for those of which nobody can tell.
"""

from __future__ import annotations

from dataclasses import replace

from ledger_tool.core.manifests.charts.chart import DigestReading
from ledger_tool.core.manifests.marks import Style, style_in
from ledger_tool.core.manifests.remark import Remark
from ledger_tool.core.manifests.shapes.visit import value
from ledger_tool.core.manifests.site import ImageFields, Site

_DOUBTS = ("ignored", "unknown", "read")  # of several charts, the first counts
_STRANGE = (
    "nobody can tell where its reader wants the digest; write `# ledger: style:tag` behind it if the reader puts name "
    "and tag together, `# ledger: style:digest` if it knows a field for it"
)

_TWO = "the values below it have a digest in `{}`, and there would be two: write this field here too"


def styled(site: Site, wanted: Style = "") -> tuple[Site, Remark | None]:
    """Return a site as it is to be judged and written, and a remark if a chart has decided that.

    `wanted` is what a person wants for all sites, or `""`.

    Raises InvalidValue for a mark that is no style.
    """
    done, note = _styled(site, wanted, style := style_in(site.marks))
    if style != "tag" and done.shared_at and not done.digest and not done.misprint and _is_extended(done):
        what = "text" if done.whole else "tag"
        why = f"through an alias, this {what} is also used in line {done.shared_at}, which would get the digest as well"
        mark = "`# ledger: style:tag`"
        return replace(done, misprint=f"{why}; write {mark} behind it if it may have one there"), None
    return done, note


def _is_extended(site: Site) -> bool:
    """Return whether a digest would go behind the text that is there."""
    return any(field.part in ("whole", "tagged") for field in site.fields)


def _styled(site: Site, wanted: Style, style: Style) -> tuple[Site, Remark | None]:
    if site.values is None or style == "digest":
        return replace(site, unread="") if site.unread else site, None
    if site.values.is_whole:
        return site if style else _as_printed(site, site.values), None
    if any(field.part == "tagged" for field in site.fields):
        done, note = replace(site, unread=""), None
    elif site.unread:
        done, note = _in_tag(site, site.unread), None
    elif style == "tag" or (wanted == "tag" and not style):
        done, note = _in_tag(site, "the style is `tag`"), None
    elif site.values.is_strange and site.missing and wanted != "digest":
        done, note = replace(site, missing=None, locked=site.locked or _STRANGE), None
    else:
        done, note = _by_chart(site, site.values, wanted)
    done = done if style else _as_printed(done, site.values)
    if wanted != "tag" and _is_above_a_digest(done, site.values):
        return replace(done, unsettled=done.unsettled or _TWO.format(site.values.digest)), None
    return done, None if done.misprint else note


def _is_above_a_digest(site: Site, values: ImageFields) -> bool:
    """Return whether a digest behind the tag would stand beside one in a field of the values over which it is laid."""
    parts = {field.part for field in site.fields}
    if "tagged" not in parts or not parts.isdisjoint(("digest", "hex", "emptied")):
        return False
    for one in values.charts:
        below = one.defaults(values.above)
        if below and value(below, values.digest):
            return not one.chart.is_here or one.chart.reads_digest(values).outcome != "ignored"
    return False


def _as_printed(site: Site, values: ImageFields) -> Site:
    """Return a site that is known not to be what its chart prints, if it is not in one of its places."""
    for one in (values, *values.others):
        if (held := _as_printed_at(site, one)).misprint:
            return held
        site = held if one is values else site
    return site


def _as_printed_at(site: Site, values: ImageFields) -> Site:
    charts = values.charts if site.tag or site.digest else ()
    has_digest = not (values.is_whole or any(field.part == "tagged" for field in site.fields))
    if where := next(filter(None, (one.chart.misprint(values, has_digest=has_digest) for one in charts)), ""):
        mark = "style:digest" if has_digest else "style:tag"
        why = f"its chart may print another image than these values name ({where})"
        return replace(site, misprint=f"{why}; write `# ledger: {mark}` behind it if it does not")
    extended = "" if has_digest or site.digest else site.text if values.is_whole else site.tag
    if extended and (
        where := next(filter(None, (one.chart.other_use(values, extended=extended) for one in charts)), "")
    ):
        what = f"its chart uses this {'text' if values.is_whole else 'tag'} for more than the image ({where})"
        return replace(site, misprint=f"{what}; write `# ledger: style:tag` behind it if it may have a digest there")
    forms = {form for one in charts if has_digest for form in one.chart.digest_forms(values)}
    if len(forms) > 1:
        return replace(site, misprint="its chart prints the digest in two forms")
    if forms:
        return _with_form(site, is_hex="sha256:" in forms)
    is_bare = site.digest and any(field.part == "hex" for field in site.fields)
    if is_bare and not values.digest.lower().endswith("sha"):
        return replace(site, misprint=f"`{values.digest}` has no `sha256:` in front")
    return site


def _with_form(site: Site, *, is_hex: bool) -> Site:
    """Return a site with its digest as the chart wants it: with its algorithm in front, or without."""
    part = "hex" if is_hex else "digest"
    fields = []
    for field in site.fields:
        if field.part in ("hex", "digest") and field.part != part:
            if field.token.text.strip():
                what = "after `@sha256:`" if is_hex else "without `sha256:` in front"
                return replace(site, misprint=f"its chart prints the digest {what}")
            field = replace(field, part=part)
        fields.append(field)
    missing = site.missing and replace(site.missing, is_hex=is_hex)
    return replace(site, fields=tuple(fields), missing=missing)


def _by_chart(site: Site, values: ImageFields, wanted: Style) -> tuple[Site, Remark | None]:
    if not (site.tag or site.digest):
        return site, None
    charts = [one for one in values.charts if one.chart.is_here]
    readings = [one.chart.reads_digest(values) for one in charts]
    outcome, why = min(readings, key=lambda one: _DOUBTS.index(one.outcome), default=DigestReading("read", ""))
    if outcome == "ignored":
        reason = f"its chart does not read `{values.digest}` ({why})"
        return _in_tag(site, reason), Remark("digest-ignored", f"{reason}, so the digest goes behind the tag")
    if outcome == "read" or wanted == "digest" or not any(one.is_values for one in charts):
        return site, None
    if site.digest:
        return replace(site, doubt=why), None
    note = f"nobody can tell whether its chart reads `{values.digest}` ({why}), so the digest goes behind the tag"
    return _in_tag(site, ""), Remark("digest-in-doubt", note)


def _in_tag(site: Site, unread: str) -> Site:
    """Return a site with its digest behind the tag. One in a field of its own counts for nothing, and is emptied."""
    fields = []
    for field in site.fields:
        if field.part == "tag":
            fields.append(replace(field, part="tagged"))
        elif site.digest:
            fields.append(replace(field, part="emptied"))
    has_tag = any(field.part == "tagged" for field in fields)
    return replace(
        site,
        text=site.name + (f":{site.tag}" if site.tag else ""),
        digest="",
        fields=tuple(fields) or site.fields,
        missing=None,
        locked=site.locked or ("" if has_tag else "it has no tag to write the digest behind"),
        unread=unread if site.digest else "",
    )

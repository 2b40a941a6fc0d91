"""The last changes of the ledger as an Atom feed (RFC 4287): a commit an entry.

No id depends on where the site stands: one that has moved does not repeat its entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from uuid import UUID, uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

from ledger_tool.core.history.log import GONE, LogEntry
from ledger_tool.core.ledger.names import SourceRef, escaped
from ledger_tool.core.ledger.sourceref import commit_page
from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import ChangeFacts, SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site.headline import headline, replaced
from ledger_tool.render.view import short_digest, short_source

_NAMESPACE = "http://www.w3.org/2005/Atom"
_IDS = UUID("5cbb9ee2-1e0c-4c38-a3a5-2b0fd3a1f2c6")  # of ours alone, and for ever: readers know entries by their ids
_ACTION, _IMAGE = "urn:ledger-tool:action", "urn:ledger-tool:image"
_MOST_CHANGES = 50
_MOST_NAMES = 100  # image:tags of a commit
_NOBODY = "unknown"


def files(facts: SiteFacts) -> Iterator[SiteFile]:
    """Yield the feed."""
    changes = facts.changes[:_MOST_CHANGES]
    feed = Element("feed", {"xmlns": _NAMESPACE, "xml:lang": "en"})
    _text(feed, "id", _id("ledger", facts.origin or facts.title))
    _text(feed, "title", facts.title or "ledger")
    _text(feed, "subtitle", "What changed in the ledger")
    _text(feed, "updated", changes[0].at if changes else facts.at)
    _link(feed, "self", facts.url + paths.FEED, "application/atom+xml")
    _link(feed, "alternate", facts.url + paths.START, "text/html")
    _text(SubElement(feed, "author"), "name", facts.title or "ledger")
    _text(feed, "generator", "ledger")
    pages = {image.image for image in facts.images}
    for change in changes:
        _add(feed, change, facts.url, pages)
    content = tostring(feed, encoding="utf-8", xml_declaration=True, short_empty_elements=True)
    yield SiteFile(paths.FEED, content + b"\n")


def _id(kind: str, name: str) -> str:
    return uuid5(_IDS, f"{kind}:{name}").urn


def _add(feed: Element, change: ChangeFacts, url: str, pages: set[str]) -> None:
    entry = SubElement(feed, "entry")
    _text(entry, "id", _id("commit", change.commit))
    _text(entry, "title", headline(change.entries) or f"commit {change.commit[:12]}")
    _text(entry, "updated", change.at)
    _text(entry, "published", change.at)
    _text(SubElement(entry, "author"), "name", change.by.partition(" <")[0].strip() or _NOBODY)
    if change.run.actor:
        _text(SubElement(entry, "contributor"), "name", change.run.actor)
    images = sorted({one.name.image for one in change.entries})
    shown = images[0] if len(images) == 1 and images[0] in pages else ""
    _link(entry, "alternate", url + (paths.image_page(shown) if shown else paths.START), "text/html")
    for page in filter(None, (change.page, change.run.url)):
        _link(entry, "related", page, "text/html")
    for action in sorted({one.action for one in change.entries}):
        SubElement(entry, "category", {"term": action, "scheme": _ACTION})
    for image in images[:_MOST_NAMES]:
        SubElement(entry, "category", {"term": image, "scheme": _IMAGE})
    _text(entry, "content", _html(change)).set("type", "html")


def _text(parent: Element, name: str, text: str) -> Element:
    """Add an element; what XML cannot hold, and what a reader would not see, is written out."""
    element = SubElement(parent, name)
    element.text = escaped(text)
    return element


def _link(parent: Element, relation: str, address: str, kind: str) -> None:
    SubElement(parent, "link", {"rel": relation, "type": kind, "href": escaped(address)})


def _html(change: ChangeFacts) -> str:
    """Return the HTML that says what a commit did to each image:tag, and who claims to have made it."""
    named = [list(same) for _, same in groupby(change.entries, key=lambda entry: (entry.action, entry.name))]
    items = [f"<li>{_item(same)}</li>" for same in named[:_MOST_NAMES]]
    if len(named) > _MOST_NAMES:
        items.append(f"<li>and {len(named) - _MOST_NAMES} more</li>")
    run = f"<p>Run: {_anchor(change.run.url, change.run.url)}</p>" if change.run.url else ""
    commit = _anchor(change.page, change.commit[:12]) if change.page else f"<code>{change.commit[:12]}</code>"
    return f"<ul>{''.join(items)}</ul><p>Commit: {commit}</p>{run}"


def _item(entries: Sequence[LogEntry]) -> str:
    """Return what was done to an image:tag, whose platforms these entries are."""
    first = entries[0]
    told = [f"{escape(first.action)} <b>{escape(str(first.name))}</b>"]
    if first.version:
        was = f", was {escape(first.replaces_version)}" if first.replaces_version else ""
        told.append(f"version {escape(first.version)}{was}")
    if platforms := [entry.platform for entry in entries if entry.platform]:
        told.append(escape(", ".join(platforms)))
    if first.action not in GONE:
        told += [f"<code>{digest}</code>" for digest in sorted({entry.index or entry.digest for entry in entries})]
    told += [f"replaces <code>{short_digest(digest)}</code>" for digest in [replaced(first)] if digest]
    told += [_source(ref) for ref in sorted({entry.source_ref for entry in entries if entry.source_ref})]
    told += [f"reason: {escape(escaped(reason))}" for reason in sorted({one.reason for one in entries if one.reason})]
    return ", ".join(told)


def _source(ref: str) -> str:
    page, text = commit_page(SourceRef(ref)), short_source(ref)
    return _anchor(page, text) if page else escape(escaped(text))


def _anchor(address: str, text: str) -> str:
    return f'<a href="{escape(escaped(address))}">{escape(escaped(text))}</a>'

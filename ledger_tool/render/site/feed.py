"""The last changes of the ledger as an Atom feed (RFC 4287): a commit an entry.

No id depends on where the site stands: one that has moved does not repeat its entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from uuid import UUID, uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

from ledger_tool.core.ledger.names import counted, escaped
from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import ChangeFacts, SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site.headline import headline
from ledger_tool.render.site.links import Places, source_link, web_link
from ledger_tool.render.site.wording import LogStep, prose, shown_person, steps
from ledger_tool.render.view import short_source

_NAMESPACE = "http://www.w3.org/2005/Atom"
_IDS = UUID("5cbb9ee2-1e0c-4c38-a3a5-2b0fd3a1f2c6")  # of ours alone, and for ever: readers know entries by their ids
_ACTION, _IMAGE = "urn:ledger-tool:action", "urn:ledger-tool:image"
_MOST_CHANGES = 50
_MOST_NAMES = 100  # image:tags of a commit
_MOST_IMAGES = 1000  # of a commit, by which readers may filter
_NOBODY = "unknown"  # an entry must have an author


def files(facts: SiteFacts) -> Iterator[SiteFile]:
    """Yield the feed."""
    changes = facts.changes[:_MOST_CHANGES]
    feed = Element("feed", {"xmlns": _NAMESPACE, "xml:lang": "en"})
    _text(feed, "id", _id("ledger", facts.origin))
    _text(feed, "title", facts.title or "ledger")
    _text(feed, "subtitle", "What changed in the ledger")
    _text(feed, "updated", max((change.at for change in changes), default=facts.at))
    _link(feed, "self", facts.url + paths.FEED, "application/atom+xml")
    _link(feed, "alternate", facts.url + paths.START, "text/html")
    _text(SubElement(feed, "author"), "name", facts.title or "ledger")
    _text(feed, "generator", "ledger")
    places = Places(facts)
    for change in changes:
        _add(feed, change, facts, places)
    content = tostring(feed, encoding="utf-8", xml_declaration=True)
    yield SiteFile(paths.FEED, content + b"\n")


def _id(kind: str, name: str) -> str:
    return uuid5(_IDS, f"{kind}:{name}").urn


def _add(feed: Element, change: ChangeFacts, facts: SiteFacts, places: Places) -> None:
    entry = SubElement(feed, "entry")
    _text(entry, "id", _id("commit", change.commit))
    _text(entry, "title", headline(change.entries) or f"commit {change.commit[:12]}")
    _text(entry, "updated", change.at)
    _text(entry, "published", change.at)
    _text(SubElement(entry, "author"), "name", shown_person(change.by) or _NOBODY)
    if change.run.actor:
        _text(SubElement(entry, "contributor"), "name", shown_person(change.run.actor))
    images = sorted({one.name.image for one in change.entries})
    _link(entry, "alternate", facts.url + _place(change, images, places), "text/html")
    for page in filter(None, map(web_link, (change.page, change.run.url))):
        _link(entry, "related", page, "text/html")
    for action in sorted({one.action for one in change.entries}):
        SubElement(entry, "category", {"term": escaped(action), "scheme": _ACTION})
    for image in images[:_MOST_IMAGES]:
        SubElement(entry, "category", {"term": escaped(image), "scheme": _IMAGE})
    _text(entry, "content", _html(change, facts)).set("type", "html")


def _place(change: ChangeFacts, images: Sequence[str], places: Places) -> str:
    """Return where the site shows what a commit changed: an image:tag, an image, or else the start page."""
    names = {one.name for one in change.entries}
    if len(names) == 1:
        return places.name(names.pop()) or paths.START
    return (places.image(images[0]) if len(images) == 1 else "") or paths.START


def _text(parent: Element, name: str, text: str) -> Element:
    """Add an element; what XML cannot hold, and what a reader would not see, is written out."""
    element = SubElement(parent, name)
    element.text = escaped(text)
    return element


def _link(parent: Element, relation: str, address: str, kind: str) -> None:
    SubElement(parent, "link", {"rel": relation, "type": kind, "href": escaped(address)})


def _html(change: ChangeFacts, facts: SiteFacts) -> str:
    """Return the HTML that says what a commit did to each image:tag, and who claims to have made it."""
    done = list(steps(change.entries, facts.rollbacks))
    items = [f"<li>{_item(step)}</li>" for step in done[:_MOST_NAMES]]
    if len(done) > _MOST_NAMES:
        items.append(f"<li>and {counted(len(done) - _MOST_NAMES, 'more image')}</li>")
    run = f"<p>Run: {_anchor(change.run.url, change.run.url)}</p>" if change.run.url else ""
    return f"<ul>{''.join(items)}</ul><p>Commit: {_anchor(change.page, change.commit[:12])}</p>{run}"


def _item(step: LogStep) -> str:
    """Return what was done to an image:tag."""
    entry = step.entry
    was = f" (was {entry.replaces_version})" if entry.replaces_version else ""
    told = [f"{_escaped(entry.action)} <b>{_escaped(str(step.name))}</b>"]
    told += [_escaped(f"version {entry.version}{was}")] if entry.version else []
    told += [_escaped(step.platforms)] if step.platforms else []
    told += [f"digest {_code(step.digest)}"] if step.digest else []
    told += [f"replaces {_code(digest)}" for digest in step.replaces]
    told += [_anchor(source_link(entry.source_ref), short_source(entry.source_ref))] if entry.source_ref else []
    told += [_escaped(words) for words in step.edits]
    told += [f"reason: {_escaped(entry.reason)}"] if entry.reason else []
    return "<br>".join(told)


def _code(text: str) -> str:
    return f"<code>{_escaped(text)}</code>"


def _escaped(text: str) -> str:
    return escape(prose(text))


def _anchor(address: str, text: str) -> str:
    link = web_link(address)
    return f'<a href="{escape(link)}">{_escaped(text)}</a>' if link else _escaped(text)

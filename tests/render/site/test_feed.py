"""The feed is valid Atom (RFC 4287), whatever it tells of, and readers get each change once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import Element, fromstring

import html5lib
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.site.facts import SiteFacts
from ledger_tool.render.site import feed
from ledger_tool.render.site.headline import headline
from ledger_tool.render.site.site import site_files
from tests.support.values.make import digest
from tests.support.values.site import PAGE, change_of, commit, entry, hostile_facts, site_facts

_ATOM = "{http://www.w3.org/2005/Atom}"
# Any character of Python's, and those that matter to XML, to HTML and to a terminal more often.
words = st.lists(st.sampled_from(["<", "&", "]]>", "\x00", "\x1b", "\ud800", "\ufffe", "\r\n", "\u202e", '"', "a b"])
                 | st.text(st.characters(), max_size=4), max_size=6).map("".join)  # fmt: skip


def parsed(facts: SiteFacts) -> Element:
    ((path, content),) = feed.files(facts)
    assert path == "feed.xml"
    return fromstring(content)


def texts(parent: Element, name: str) -> list[str]:
    return [child.text or "" for child in parent.findall(_ATOM + name)]


def assert_dates_and_ids(parent: Element) -> None:
    """Assert what sections 4.1.1 and 4.1.2 want of feeds and entries alike."""
    (one,) = texts(parent, "id")
    assert UUID(one.removeprefix("urn:uuid:")).urn == one
    (_,) = texts(parent, "title")
    (updated,) = texts(parent, "updated")
    assert datetime.fromisoformat(updated).tzinfo
    links = [child.attrib for child in parent.findall(_ATOM + "link")]
    alternates = [(link["type"], link.get("hreflang")) for link in links if link["rel"] == "alternate"]
    assert len(alternates) == len(set(alternates)) == 1
    for link in links:
        assert re.fullmatch(r"(?:https?://[!-~]+|[\w.~/#-]+)", link["href"])
    people = [name for role in ("author", "contributor") for child in parent.findall(_ATOM + role)
              for name in texts(child, "name")]  # fmt: skip
    assert people
    assert all(name.strip() for name in people)


def assert_valid(root: Element) -> None:
    assert root.tag == f"{_ATOM}feed"
    assert_dates_and_ids(root)
    assert [link.get("rel") for link in root.findall(f"{_ATOM}link")] == ["self", "alternate"]
    entries = root.findall(f"{_ATOM}entry")
    for each in entries:
        assert_dates_and_ids(each)
        (content,) = each.findall(f"{_ATOM}content")
        assert content.get("type") == "html"
        markup = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parseFragment(content.text or "")
        assert {node.tag for node in markup.iter()} <= {
            "DOCUMENT_FRAGMENT", "ul", "li", "p", "b", "br", "code", "a",
        }  # fmt: skip
        for node in markup.iter("a"):
            assert list(node.attrib) == ["href"]
            assert node.attrib["href"].startswith(("https://", "http://"))
        assert all(child.get("term") and child.get("scheme") for child in each.findall(f"{_ATOM}category"))
    assert len({texts(each, "id")[0] for each in entries}) == len(entries)


def test_a_feed_says_what_happened_and_why() -> None:
    root = parsed(site_facts())
    assert_valid(root)
    entries = root.findall(f"{_ATOM}entry")
    assert [texts(each, "title")[0] for each in entries] == [
        "publish myorg/app:v1.5.0",
        "promote myorg/app:v1.4.2 to prod (was v1.4.1)",
        f"publish myorg/app:v1.4.2 (replaces {digest('old')[:19]}): rebuilt after the CVE in the base image",
        "yank myorg/app:v1.4.1: crashes on start",
    ]
    first = entries[0]
    assert [link.get("href") for link in first.findall(f"{_ATOM}link")] == [
        "https://ledger.example.com/images/myorg/app.html#v1.5.0",
        f"{PAGE}/commit/{commit(1)}",
        "https://ci.example.com/runs/4711",
    ]
    assert {child.get("term") for child in first.findall(f"{_ATOM}category")} == {"publish", "myorg/app"}
    assert [texts(child, "name") for child in first.findall(f"{_ATOM}contributor")] == [["alice"]]
    assert texts(root, "updated") == texts(first, "updated")


def test_a_site_that_moves_repeats_nothing() -> None:
    here, there = parsed(site_facts()), parsed(replace(site_facts(), url="", title="other", ledger_page=""))
    assert texts(there.findall(f"{_ATOM}link")[0], "href") == []
    for root in (here, there):
        assert_valid(root)
    ids = [[texts(each, "id") for each in root.findall(f"{_ATOM}entry")] for root in (here, there)]
    assert ids[0] == ids[1]


def test_the_feed_itself_is_the_same_feed_wherever_the_ledger_is_and_whatever_it_is_called() -> None:
    facts = replace(site_facts(), origin=commit("first"))
    assert texts(parsed(facts), "id") == texts(parsed(replace(facts, title="other", url="https://a.example/")), "id")
    assert texts(parsed(facts), "id") != texts(parsed(replace(facts, origin=commit("other"))), "id")


def test_a_feed_is_bounded() -> None:
    many = [entry(f"myorg/app-{number}:v1", seed="many") for number in range(3000)]
    facts = replace(
        site_facts(), changes=[change_of(many)] * 1 + [change_of([entry("a:v1", seed=n)]) for n in range(99)]
    )
    ((_, content),) = feed.files(facts)
    root = fromstring(content)
    assert_valid(root)
    assert len(root.findall(f"{_ATOM}entry")) == 50
    assert "and 2900 more images" in texts(root.findall(f"{_ATOM}entry")[0], "content")[0]
    assert len(root.findall(f"{_ATOM}entry")[0].findall(f"{_ATOM}category")) == 1 + 1000
    assert len(content) < 250_000


def test_a_feed_is_as_new_as_its_newest_entry() -> None:
    """Which may not be the first, where a clock was wrong."""
    changes = [change_of([entry("a:v1", seed=hours, hours=hours)]) for hours in (5, 1, 3)]
    root = parsed(replace(site_facts(), changes=changes))
    assert_valid(root)
    assert texts(root, "updated") == [changes[1].at]


def test_a_ledger_without_commits_has_an_empty_feed() -> None:
    root = parsed(replace(site_facts(), changes=[]))
    assert_valid(root)
    assert texts(root, "updated") == [site_facts().at]


def test_hostile_words_do_not_break_it() -> None:
    assert_valid(parsed(hostile_facts()))


@given(words, words, words, words)
@settings(max_examples=60)
def test_no_words_break_it(title: str, by: str, reason: str, actor: str) -> None:
    made: Any = entry("myorg/app:v1", reason=reason, by=by, action=reason or "publish", source_ref=title)
    change = replace(change_of([made]), by=by, run=RunClaim(actor, actor), page=title)
    facts = replace(site_facts(), title=title, changes=[change])
    assert_valid(parsed(facts))


def test_a_headline_counts_what_is_too_much_to_name() -> None:
    entries = [entry("a:v1"), entry("a:v1", platform="linux/arm64"), entry("b:v1"), entry("c:v2", "yank", reason="bad")]
    assert headline(entries) == "publish 2 images, yank c:v2"
    promoted = [entry(f"{image}:prod", "promote", version="v1") for image in "ab"]
    assert headline(promoted) == "promote 2 images to prod"
    several = [entry("a:v1", action) for action in ("set", "yank", "unyank", "publish", "remove")]
    assert headline(several) == "publish a:v1, remove a:v1, set a:v1, more"
    moved = replace(entry("a:latest"), replaces=(digest("x"),), name=Name("a", "latest"))
    assert headline([moved]) == f"publish a:latest (replaces {digest('x')[:19]})"


def test_the_links_of_a_feed_lead_to_what_changed() -> None:
    facts = replace(site_facts(), url="")
    files = dict(site_files(facts))
    links = [
        link.attrib for link in fromstring(files["feed.xml"]).iter(f"{_ATOM}link") if link.get("rel") == "alternate"
    ]
    for href in (link["href"] for link in links):
        path, _, place = href.partition("#")
        assert path in files
        assert not place or f'id="{place}"'.encode() in files[path]
    assert any("#" in link["href"] for link in links)

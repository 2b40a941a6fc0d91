"""Where the links of a site lead: only to the web, and to the page on which something is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.render.site.links import TAGS_PER_PAGE, Places, source_link, web_link
from tests.support.values.make import record
from tests.support.values.site import image_of, many_facts, tag


@pytest.mark.parametrize(
    "address",
    [
        "https://ci.example.com/runs/1?a=b&c=d#e",
        "http://localhost:3000/x",
        "https://[::1]/",
        "https://a.example/@team/x",
    ],
)
def test_addresses_of_the_web_are_linked(address: str) -> None:
    assert web_link(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "", "javascript:alert(1)", "JAVASCRIPT:alert(1)", " https://a.example", "https://a.example\n", "https://",
        "data:text/html,x", "//a.example", "ftp://a.example", "https:a.example", "https://a.example/\x00",
        "https://user:secret@a.example/", 'https://a.example/"onclick="x', "https://a.example/<b>", "https://a.example/\\",
    ],
)  # fmt: skip
def test_nothing_else_is(address: str) -> None:
    assert web_link(address) == ""


@given(st.text() | st.builds("{}{}".format, st.sampled_from(["https://", "http://a", "https://a/"]), st.text()))
def test_what_is_linked_can_end_no_attribute_and_begins_like_the_web(address: str) -> None:
    link = web_link(address)
    assert link in ("", address)
    assert not set(link) & set('"<> \n\t\\`')
    assert not link or link.startswith(("https://", "http://"))


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("https://github.com/myorg/app@" + "a" * 40, "https://github.com/myorg/app/commit/" + "a" * 40),
        ("git@gitlab.com:myorg/app.git@" + "a" * 40, "https://gitlab.com/myorg/app/-/commit/" + "a" * 40),
        ("https://git.example.com/app@" + "a" * 40, "https://git.example.com/app"),
        ("javascript:alert(1)@" + "a" * 40, ""),
    ],
)
def test_a_source_leads_to_its_commit_or_at_least_to_its_repository(source: str, link: str) -> None:
    assert source_link(source) == link


def test_a_tag_is_on_the_page_that_shows_it() -> None:
    tags = [tag(record("a", f"v{number}")) for number in range(TAGS_PER_PAGE + 1)]
    places = Places(replace(many_facts(0), images=[image_of("a", tags)], environments=("prod",)))
    assert places.tag("a", "v0") == "images/a.html#v0"
    assert places.tag("a", f"v{TAGS_PER_PAGE}") == f"images/a~2.html#v{TAGS_PER_PAGE}"
    assert places.tag("a", "prod") == "images/a.html#~env-prod"
    assert places.tag("a", "gone") == "images/a.html"
    assert places.tag("b", "v0") == places.image("b") == ""

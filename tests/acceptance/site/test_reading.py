"""What a reader does on the pages: search, filter, copy, follow links; with a mouse, a keyboard, or no scripts."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from selenium.webdriver import Keys

from tests.acceptance.site.conftest import Sites
from tests.support.browser.browser import Browser, View
from tests.support.values.make import digest

PHONE, DESK = View(360, 740), View()
# Over HTTP and from a disk, where a browser lets a page do less; on a phone and at a desk.
PLACES = pytest.mark.parametrize(("scheme", "view"), [("http", PHONE), ("file", DESK)])
HITS = "#\\~results li"
APP, WEB, BASE = "myorg/app", "myorg/web", "platform/base"
NEWEST = digest("myorg/app:v1.5.0")


def hits(browser: Browser, first: str) -> list[str]:
    """Return the first line of each result, once there is this one at the top."""
    script = (
        f"(document.querySelector('{HITS.replace(chr(92), chr(92) * 2)} .name') || {{}}).innerText === arguments[0]"
    )
    browser.wait(script, first)
    return browser.texts(f"{HITS} .name")


@PLACES
def test_the_search_finds_images_tags_and_digests(browser: Browser, sites: Sites, scheme: str, view: View) -> None:
    base = sites.base("full", scheme)
    browser.open(base + "index.html", view)
    browser.press("/")
    browser.wait("document.activeElement.id === '~search'")
    browser.press("app")
    assert hits(browser, APP) == [APP]
    browser.wait("location.hash === '#q=app'")
    browser.press(":v1.4")
    assert hits(browser, f"{APP}:v1.4.2") == [f"{APP}:v1.4.2", f"{APP}:v1.4.1"]
    assert "yanked" in browser.texts(HITS)[1]
    for words in (NEWEST[7:19], NEWEST, f"registry.example.com/{APP}@{NEWEST}"):
        browser.press(Keys.ESCAPE)
        browser.paste(words)
        assert hits(browser, f"{NEWEST[:19]}…") == 2 * [f"{NEWEST[:19]}…"]  # two images have it
        assert f"{APP}:v1.5.0" in "".join(browser.texts(HITS))
    browser.press(Keys.ESCAPE, "nothing-like-it")
    browser.wait("document.querySelector('#\\\\~results .status').innerText === 'Nothing found'")
    browser.press(Keys.ESCAPE)
    assert browser.text("#\\~content")
    assert not browser.trouble(base)


@PLACES
def test_what_people_paste_leads_to_the_record(browser: Browser, sites: Sites, scheme: str, view: View) -> None:
    """A command, a shortened digest, a reference with a registry or in quotes."""
    base = sites.base("full", scheme)
    browser.open(base + "index.html", view)
    found = f"{NEWEST[:19]}…"
    for words in (
        f"docker pull registry.example.com/{APP}@{NEWEST}", f"docker pull {APP}@{NEWEST}", found, f"{NEWEST[7:30]}...",
        f'image: "registry.example.com/{APP}@{NEWEST}"',
    ):  # fmt: skip
        browser.press("/", Keys.ESCAPE)
        browser.paste(words)
        assert hits(browser, found) == [found, found]
    for words in (
        f"registry.example.com/{APP}:v1.4.2", f"https://ghcr.io/{APP}:v1.4.2", f"docker run -it {APP}:v1.4.2 sh -c ls",
        f"kubectl set image deploy/x app=registry.example.com/{APP}:v1.4.2",
    ):  # fmt: skip
        browser.press(Keys.ESCAPE)
        browser.paste(words)
        assert hits(browser, f"{APP}:v1.4.2") == [f"{APP}:v1.4.2"]
    for image, told in {APP: f"{APP}:v1.5.0 (linux/amd64, linux/arm64)", "myorg/twin": "myorg/twin:v1.0.0"}.items():
        browser.press(Keys.ESCAPE)
        browser.paste(f"ghcr.io/{image}:v9@{NEWEST}")
        browser.wait(
            f"document.querySelector('{HITS.replace(chr(92), chr(92) * 2)}')?.innerText.includes(arguments[0])", told
        )
        marks = [bool(browser.texts(f"{HITS}:nth-child({number}) .badge")) for number in (1, 2)]
        assert marks == [image != APP, image == APP]  # each is one of its own image
    browser.press(Keys.ESCAPE)
    browser.paste(f"{APP}@{NEWEST[:17]}")
    browser.wait("document.querySelector('#\\\\~results .status').innerText.includes('needs at least 12 digits')")
    assert not browser.trouble(base)


def test_the_search_says_what_must_not_be_used_and_what_may_be_meant(browser: Browser, sites: Sites) -> None:
    base = sites.base("full", "http")
    browser.open(base + "index.html", PHONE)
    browser.press("/")
    browser.paste(digest("v1.4.1"))
    hits(browser, f"{digest('v1.4.1')[:19]}…")
    assert "yanked" in browser.text(HITS)
    for typed, meant in {
        "platform/bsae": BASE, "myorg/wbe": WEB, "old/web": WEB,
        f"harbor.example.org/proxy/{APP}:v1.4.2": f"{APP}:v1.4.2",
    }.items():  # fmt: skip
        browser.press(Keys.ESCAPE, typed)
        assert hits(browser, meant) == [meant]
    assert "Did you mean" in browser.text("#\\~results .status")
    browser.press(Keys.ESCAPE, "yanked")
    browser.wait("document.title.startsWith('Search: yanked')")
    browser.click(f"{HITS} a")
    assert hits(browser, f"{APP}:v1.4.1") == [f"{APP}:v1.4.1"]
    assert "ago" in browser.text(HITS)
    browser.click(".clear")
    assert browser.text("#\\~content")
    browser.wait("!document.title.startsWith('Search')")
    browser.open(f"{base}images/myorg/app.html#v0.9.9", PHONE)
    browser.wait("document.querySelector('#\\\\~missing')?.innerText.includes('no tag v0.9.9')")
    assert not browser.trouble(base)


@PLACES
def test_a_search_can_be_shared_and_narrowed(browser: Browser, sites: Sites, scheme: str, view: View) -> None:
    """By its address, also as `?q=`; by state and environment; and counts lead to what is counted."""
    base = sites.base("full", scheme)
    browser.open(f"{base}index.html?q=platform", view)
    assert hits(browser, BASE) == [BASE]
    browser.open(f"{base}index.html#q=&state=behind&env=prod", view)
    assert hits(browser, APP) == [APP]
    assert "prod v1.4.2" in browser.text(HITS)
    browser.run("const it = document.querySelector('select[name=state]'); it.value = 'yanked'; "
                "it.dispatchEvent(new Event('change'))")  # fmt: skip
    browser.run("const it = document.querySelector('select[name=env]'); it.value = ''; "
                "it.dispatchEvent(new Event('change'))")  # fmt: skip
    assert hits(browser, f"{APP}:v1.4.1") == [f"{APP}:v1.4.1"]
    browser.wait("location.hash === '#q=&state=yanked'")
    browser.open(f"{base}index.html#q=app:v&env=prod", view)  # those tags that it has, under their names and its own
    assert hits(browser, f"{APP}:v1.4.2") == [f"{APP}:v1.4.2"]
    for gone in ("state=ahead&env=prod", "env=gone"):  # what was shared still asks for what it did
        browser.run("location.hash = arguments[0]", f"q=&{gone}")
        browser.wait("document.querySelector('#\\\\~results .status').innerText === 'Nothing found'")
    browser.run("location.hash = arguments[0]", f"q={NEWEST}&state=yanked")
    hits(browser, f"{NEWEST[:19]}…")
    browser.wait("document.querySelector('select[name=state]').value === ''")
    browser.open(f"{base}environments.html", view)
    browser.click("a[href='#q=&state=behind&env=prod']")
    assert hits(browser, APP) == [APP]
    assert not browser.trouble(base)


def test_everything_can_be_done_with_a_keyboard(browser: Browser, sites: Sites) -> None:
    base = sites.base("full", "http")
    browser.open(base + "index.html", DESK)
    browser.press(Keys.TAB)
    assert browser.focused() == "a# Skip to content"
    browser.press(Keys.ENTER)
    assert browser.focused().startswith("main#~main")
    browser.press("/", "myorg")
    hits(browser, APP)
    browser.press(Keys.DOWN)
    assert browser.focused().startswith(f"a# {APP}")
    browser.press(Keys.DOWN)
    assert browser.focused().startswith(f"a# {WEB}")
    browser.press(Keys.UP, Keys.UP)
    assert browser.focused().startswith("input#~search")
    browser.press(Keys.DOWN, Keys.DOWN, Keys.ENTER)
    browser.wait("location.pathname.endsWith('/images/myorg/web.html')")
    browser.run("history.back()")
    browser.wait("location.hash === '#q=myorg'")
    hits(browser, APP)
    browser.run("document.querySelector('#\\\\~search').focus()")
    browser.press(Keys.ENTER)
    browser.wait("location.pathname.endsWith('/images/myorg/app.html')")
    assert not browser.trouble(base)


def test_what_has_the_focus_is_seen_and_comes_in_the_order_of_the_page(browser: Browser, sites: Sites) -> None:
    browser.open(sites.base("full", "http") + "images/myorg/app.html", DESK)
    tops = []
    count = browser.run("return document.querySelectorAll('a[href], button, input, summary, [tabindex=\"0\"]').length")
    for _ in range(min(count, 25)):
        browser.press(Keys.TAB)
        seen = browser.run(
            "const it = document.activeElement; const style = getComputedStyle(it);"
            "return [it.getBoundingClientRect().top + scrollY, style.outlineStyle, parseFloat(style.outlineWidth)]"
        )
        tops.append(seen[0])
        assert seen[1] != "none", browser.focused()
        assert seen[2] >= 1, browser.focused()
    assert all(after > before - 40 for before, after in pairwise(tops[2:])), tops  # things in a row differ a little


@PLACES
def test_a_digest_and_a_command_are_copied(browser: Browser, sites: Sites, scheme: str, view: View) -> None:
    browser.open(sites.base("full", scheme) + "images/myorg/app.html", view)
    browser.clipboard()  # the browser asks nobody then
    for label, text in {
        "Copy digest of v1.5.0": NEWEST,
        "Copy command that pulls v1.5.0": f"docker pull registry.example.com/{APP}@{NEWEST}",
    }.items():
        browser.click(f"#v1\\.5\\.0 button[aria-label='{label}']")
        what = label.removeprefix("Copy ")
        browser.wait("document.querySelector('#\\\\~said').innerText === arguments[0]", f"Copied the {what}")
        assert browser.clipboard() == text


def test_copying_works_where_there_is_no_clipboard(browser: Browser, sites: Sites) -> None:
    """As on plain HTTP: the old way is taken."""
    browser.open(sites.base("full", "http") + "images/myorg/app.html", DESK)
    browser.run(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        "document.addEventListener('copy', () => { window.taken = getSelection().toString() })"
    )
    browser.click("button[aria-label='Copy digest of v1.5.0']")
    browser.wait("document.querySelector('#\\\\~said').innerText.startsWith('Copied')")
    assert browser.run("return window.taken") == NEWEST


@PLACES
def test_links_lead_into_pages(browser: Browser, sites: Sites, scheme: str, view: View) -> None:
    base = sites.base("full", scheme)
    browser.open(f"{base}images/myorg/app.html#v1.4.1", view)
    top = "document.querySelector('#v1\\\\.4\\\\.1').getBoundingClientRect().top"
    browser.wait(f"{top} >= 0 && {top} < innerHeight / 2")
    assert "crashes on start" in browser.text("#v1\\.4\\.1")
    assert browser.run("return document.querySelector('#v1\\\\.4\\\\.1 details').open")
    for asked, answer in {
        NEWEST: f"is the index of {APP}:v1.5.0",
        NEWEST[7:19]: f"is the index of {APP}:v1.5.0",
        digest("old"): f"was {APP}:v1.4.2",
        "f" * 12: "Not found",
        NEWEST[7:15]: "Too short: give at least 12 digits; these are 8",
        "no digest": "This is not a digest",
    }.items():
        browser.open(f"{base}digest.html#{asked}", view)
        browser.wait("document.querySelector('#\\\\~answer').innerText.includes(arguments[0])", answer)
    browser.click("#\\~digest")
    browser.run("document.activeElement.select()")
    browser.paste(NEWEST)
    browser.wait("document.querySelector('#\\\\~answer a')")
    browser.click("#\\~answer h2 a")
    browser.wait("location.href.endsWith('images/myorg/app.html#v1.5.0')")
    assert not browser.trouble(base)


@PLACES
def test_long_lists_are_reached_page_by_page(browser: Browser, sites: Sites, scheme: str, view: View) -> None:
    """A link to a tag finds the page that the tag is on, and the search shows more when asked."""
    base = sites.base("long", scheme)
    image = "team-0/service-000000"
    browser.open(f"{base}images/{image}.html#v1.1.0", view)
    browser.wait("location.pathname.endsWith('~5.html') && document.getElementById('v1.1.0')")
    browser.click("a[rel=prev]")
    browser.wait("!document.getElementById('v1.1.0')")
    browser.open(f"{base}index.html#q={image}:v", view)
    assert len(hits(browser, f"{image}:v1.250.0")) == 50
    assert browser.text("#\\~results .status") == "250 results"
    browser.click("#\\~results > button")
    assert len(browser.texts(HITS)) == 100
    assert browser.focused().startswith(f"a# {image}:v1.200.0")
    assert not browser.trouble(base)


def test_dark_is_dark_and_light_is_light(browser: Browser, sites: Sites) -> None:
    for colours in ("light", "dark"):
        browser.open(sites.base("full", "http") + "index.html", View(colours=colours))
        page, words = background(browser), brightness(browser.run("return getComputedStyle(document.body).color"))
        assert (min(page, words) < 60, max(page, words) > 200) == (True, True)
        assert (page > words) == (colours == "light")


def background(browser: Browser) -> float:
    """Return how bright the page is, from 0 to 255."""
    script = "return [document.body, document.documentElement].map(it => getComputedStyle(it).backgroundColor)"
    return brightness(next((each for each in browser.run(script) if each != "rgba(0, 0, 0, 0)"), "rgb(255, 255, 255)"))


def brightness(colour: str) -> float:
    """Return that of a colour as browsers write it, `rgb(1, 2, 3)`."""
    parts = [float(part) for part in re.findall(r"[0-9.]+", colour)[:3]]
    return sum(parts) / 3


def test_without_scripts_all_that_is_text_is_there(browser: Browser, sites: Sites) -> None:
    base = sites.base("full", "file")
    view = View(360, 740, scripts=False)
    browser.open(base + "images/myorg/app.html", view)
    text = browser.text()
    for words in (
        NEWEST,
        f"docker pull registry.example.com/{APP}@{NEWEST}",
        "crashes on start",
        "2026-11-24 07:30 UTC",
    ):
        assert words in text, words
    assert not browser.texts("input, button, .scripted")
    browser.click("#v1\\.5\\.0 summary")
    assert digest("myorg/app:v1.5.0 linux/arm64") in browser.text("#v1\\.5\\.0")
    browser.open(base + "digest.html", view)
    assert "ledger whence" in browser.text()
    browser.open(base + "index.html", view)
    browser.click("a[href='environments.html']")
    assert "behind" in browser.text("td[data-environment=prod]")
    assert not browser.trouble(base)


def test_times_are_those_of_the_reader_and_of_utc(browser: Browser, sites: Sites) -> None:
    at_eleven = 1_795_518_000_000  # 2026-11-24T11:00:00Z
    browser.open(sites.base("full", "http") + "images/myorg/app.html", View(zone="Asia/Tokyo", now=at_eleven))
    newest = browser.text("#v1\\.5\\.0 time")
    assert newest.startswith("3 hours ago, ")
    assert "4:30" in newest
    assert "07:30 UTC" in newest
    assert "in 6 days" in browser.text("#pr-7")


def test_a_page_that_is_old_says_so(browser: Browser, sites: Sites) -> None:
    base = sites.base("full", "http")
    day = 86_400_000
    for days, words in {0: "", 3: "as of 3 days ago"}.items():
        browser.open(base + "index.html", replace(PHONE, now=1_795_518_000_000 + days * day))
        browser.wait("document.querySelector('#\\\\~old').innerText.includes(arguments[0])", words)
        assert browser.run("return document.querySelector('#\\\\~old').hidden") == (not words)


def test_what_is_printed_is_the_page_and_not_its_controls(browser: Browser, sites: Sites) -> None:
    browser.open(sites.base("full", "http") + "images/myorg/app.html", View(colours="dark", medium="print"))
    assert not browser.texts("nav, input, button")
    assert NEWEST in browser.text()
    assert background(browser) == 255
    paper = browser.tell("Page.printToPDF", printBackground=False)
    assert paper["data"].startswith("JVBERi")  # %PDF

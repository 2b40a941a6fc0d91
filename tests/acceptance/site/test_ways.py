"""Where links and addresses lead: to findings, to what was meant, and back after a connection was cut."""

from __future__ import annotations

from selenium.webdriver import Keys

from tests.acceptance.site.conftest import Sites
from tests.acceptance.site.test_reading import APP, HITS, NEWEST, PHONE, WEB, hits
from tests.support.browser.browser import Browser


def test_what_could_not_be_loaded_is_not_taken_for_unknown(browser: Browser, sites: Sites) -> None:
    """As where a connection is cut; the next try may succeed."""
    browser.tell("Network.enable")
    browser.tell("Network.setBlockedURLs", urls=["*/search/images.js"])
    try:
        browser.open(f"{sites.base('full', 'http')}index.html", PHONE)
        browser.press("/", "app")
        browser.wait("document.querySelector('#\\\\~results .status')?.innerText.includes('could not be loaded')")
    finally:
        browser.tell("Network.setBlockedURLs", urls=[])
    browser.press(Keys.ESCAPE)
    assert not browser.texts("#\\~results .status")
    browser.press("app")
    assert hits(browser, APP) == [APP]
    browser.tell("Network.setBlockedURLs", urls=["*/search/digests/*"])
    try:
        browser.open(f"{sites.base('full', 'http')}digest.html#{NEWEST}", PHONE)
        said = "document.querySelector('#\\\\~answer').innerText.includes(arguments[0])"
        browser.wait(said, "could not be loaded")
        browser.press("/")
        browser.paste(NEWEST)
        browser.wait("document.querySelector('#\\\\~results .status')?.innerText.includes('could not be loaded')")
    finally:
        browser.tell("Network.setBlockedURLs", urls=[])
    browser.press(Keys.ESCAPE)
    browser.paste(NEWEST)
    assert hits(browser, f"{NEWEST[:19]}…") == 2 * [f"{NEWEST[:19]}…"]


def test_an_address_that_does_not_exist_leads_to_what_was_meant(browser: Browser, sites: Sites) -> None:
    """At any depth, as a host serves it."""
    base = sites.base("full", "http")
    for path, meant in {
        "images/myorg/ap.html": APP, f"{APP}/v1.4.2": f"{APP}:v1.4.2", f"v1/digests/ab/{NEWEST[7:]}.json": NEWEST[:19],
    }.items():  # fmt: skip
        browser.open(base + path, PHONE)
        browser.wait("document.querySelector('#\\\\~meant a')?.innerText.includes(arguments[0])", meant)
    assert not [each for each in browser.trouble(base) if "404" not in each]
    assert not browser.barriers()
    browser.press("/", "web")
    assert hits(browser, WEB) == [WEB]
    browser.click(f"{HITS} a")
    browser.wait("location.pathname.endsWith('/images/myorg/web.html')")


def test_counts_and_boxes_lead_to_the_finding(browser: Browser, sites: Sites) -> None:
    base = sites.base("full", "http")
    for page, link in {
        "index.html": "[data-attention=drift] li a.told",
        "images/myorg/app.html": "[aria-labelledby='~findings'] li a.told",
        "drift.html": ".tally a", "running.html": ".tally a",
    }.items():  # fmt: skip
        browser.open(base + page, PHONE)
        browser.click(link)
        browser.wait("document.querySelector('.findings > li:target')")
        assert APP in browser.text(".findings > li:target")

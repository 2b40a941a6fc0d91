"""Whatever page is opened, and however: nothing goes wrong on it, nothing leaves it, and nobody is shut out of it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.site.conftest import Sites
from tests.support.browser.browser import Browser, View
from tests.support.values.make import digest

# Pages with all that a page may consist of, and those that have less of the same.
RICH = ("index.html", "environments.html", "drift.html", "digest.html", "images/myorg/app.html")
PLAIN = (
    "all.html", "running.html", "yanked.html", "outdated.html", "changes.html", "expiring.html", "states.html",
    "404.html",
)  # fmt: skip
PHONE, DESK = View(360, 740), View(1280, 800, "dark")
NARROWEST = View(320, 640)
# What links lead to, and whether markup of others became part of the page.
LINKS = "return [...document.querySelectorAll('[href], [src]')].map(it => it.href || it.src)"


def too_wide(browser: Browser, view: View) -> list[str]:
    """Return what makes a page wider than its window, if it is."""
    script = """
        if (document.documentElement.scrollWidth <= arguments[0]) return [];
        const wide = [...document.body.querySelectorAll('*')].filter(
            it => it.getBoundingClientRect().right > arguments[0] + 1 && !it.closest('.scroll'));
        return ['the page is ' + document.documentElement.scrollWidth + ' px wide',
            ...wide.slice(0, 5).map(it => it.outerHTML.slice(0, 200))]
    """
    return list(browser.run(script, view.width))


def small(browser: Browser) -> list[str]:
    """Return what a finger may miss: what stands alone is 44 px high, and a link in a text 24 (WCAG 2.2, 2.5.8)."""
    script = """
        const found = [];
        for (const it of document.querySelectorAll('a[href], button, input, select, summary')) {
            if (!it.checkVisibility() || it.matches('.skip')) continue;
            const line = it.closest('p, li, dd, dt, h1, h2, h3, th, td, summary, nav, label') ?? it.parentElement;
            const seen = [...line.childNodes].filter(each => !/unseen|copy/.test(each.className));
            const text = seen.map(each => each.textContent).join('');
            const isAlone = it.localName !== 'a' || text.trim() === it.textContent.trim();
            const height = Math.min(...[...it.getClientRects()].map(each => each.height));
            if (height < (isAlone ? 44 : 24)) found.push(`${height} px: ${it.outerHTML} in ${line.localName}`);
        }
        return found;
    """
    return list(browser.run(script))


def test_what_must_not_happen_is_seen(browser: Browser, tmp_path: Path) -> None:
    """Or else the other tests here would say nothing."""
    (tmp_path / "bad.html").write_text(
        "<!doctype html><title>bad</title><img src='http://127.0.0.1:9/x.png'>"
        "<p style='width: 900px; color: #ccc'>wide</p><a href='#x' style='font-size: 20px'>a</a>"
        "<script>window.__pwned = 1; undefined.x</script>"
    )
    base = tmp_path.as_uri()
    browser.open(f"{base}/bad.html", PHONE)
    assert browser.run("return window.__pwned") == 1
    assert {rule.split(" ")[0] for rule in browser.barriers()} == {"color-contrast", "html-has-lang", "image-alt"}
    assert len(small(browser)) == 1
    assert too_wide(browser, PHONE)[1:] == ['<p style="width: 900px; color: #ccc">wide</p>']
    seen = browser.trouble(base)
    assert "loads: http://127.0.0.1:9/x.png" in seen
    assert any("Uncaught TypeError" in each for each in seen)
    (tmp_path / "bad.html").write_text("<!doctype html><title>bad</title><script>alert('hello')</script>")
    browser.open(f"{base}/bad.html", PHONE)
    assert "asks: hello" in browser.trouble(base)


@pytest.mark.parametrize(
    ("pages", "view"), [(RICH, DESK), ((*RICH, *PLAIN), PHONE)], ids=["on a desk, dark", "on a phone, light"]
)
def test_every_kind_of_page_is_open_to_everybody(
    browser: Browser, sites: Sites, pages: tuple[str, ...], view: View
) -> None:
    """axe-core finds no serious barrier."""
    found = []
    base = sites.base("full", "http")
    assert {*RICH, *PLAIN} == {page for page in sites.pages("full") if "/" not in page} | {"images/myorg/app.html"}
    for page in pages:
        browser.open(base + page, view)
        found += [f"{page}: {one}" for one in [*browser.barriers(), *browser.trouble(base), *too_wide(browser, view)]]
        found += [f"{page}: {one}" for one in small(browser) if view == PHONE]
    assert not found, "\n".join(found)


def test_the_search_is_open_to_everybody(browser: Browser, sites: Sites) -> None:
    base = sites.base("full", "http")
    browser.open(f"{base}index.html#q=app", PHONE)
    browser.wait("document.querySelector('#\\\\~results li')")
    assert not browser.barriers()
    browser.open(f"{base}digest.html#{digest('old')}", DESK)
    browser.wait("document.querySelector('#\\\\~answer article')")
    assert not browser.barriers()


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_pages_of_the_sample_ledger_go_nowhere_else_and_have_no_errors(
    browser: Browser, sites: Sites, scheme: str
) -> None:
    """Over HTTP below a path, and from a disk; at the width of the narrowest phones."""
    found = []
    base = sites.base("sample", scheme)
    for page in sites.pages("sample"):
        browser.open(base + page, NARROWEST)
        found += [f"{page}: {one}" for one in [*browser.trouble(base), *too_wide(browser, NARROWEST)]]
        tops = browser.run("return [...document.querySelectorAll('.bar nav a')].map(it => it.offsetTop)")
        found += [f"{page}: the ways to other pages are not in a line"] if len(set(tops)) > 1 else []
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_hostile_words_stay_words(browser: Browser, sites: Sites, *, scripts: bool) -> None:
    """Nothing of them runs, loads or asks; no link leads to anything but the web and the site; no page gets wider."""
    view = View(320, 640, scripts=scripts)
    base = sites.base("hostile", "file")
    found = []
    for page in sites.pages("hostile"):
        browser.open(base + page, view)
        found += [f"{page}: {one}" for one in [*browser.trouble(base), *too_wide(browser, view)]]
        if browser.run("return typeof window.__pwned") != "undefined":
            found.append(f"{page}: it runs what others wrote")
        for link in browser.run(LINKS):
            if not link.startswith(base) and urlsplit(link).scheme not in {"http", "https"}:
                found.append(f"{page}: leads to {link}")
    assert not found, "\n".join(found)


def test_hostile_words_stay_words_in_what_the_search_finds(browser: Browser, sites: Sites) -> None:
    base = sites.base("hostile", "file")
    browser.open(f"{base}index.html#q=app", NARROWEST)
    browser.wait("document.querySelector('#\\\\~results li')")
    known = next((sites.folder / "team/hostile/v1/digests").rglob("*.json")).stem
    seen = [browser.trouble(base), too_wide(browser, NARROWEST)]
    browser.open(f"{base}digest.html#{known}", NARROWEST)
    browser.wait("document.querySelector('#\\\\~answer article')")
    seen += [browser.trouble(base), too_wide(browser, NARROWEST)]
    assert not any(seen), seen
    assert browser.run("return typeof window.__pwned") == "undefined"
    assert "<img src=x" in browser.text("#\\~answer")

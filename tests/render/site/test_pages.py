"""The pages of a site: valid HTML, no way out of it, and links that lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from posixpath import dirname, normpath
from posixpath import join as joined
from typing import NamedTuple
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import DependentFacts, SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site import changes, image, matrix, start
from ledger_tool.render.site.links import TAGS_PER_PAGE
from ledger_tool.render.site.shell import Shell
from ledger_tool.render.site.site import site_files
from tests.support.values.html import Shape, ids, links, parsed, shapes, text_of
from tests.support.values.make import digest, record
from tests.support.values.site import change_of, entry, hostile_facts, image_of, many_facts, site_facts, tag

_FACTS = {"plain": site_facts, "hostile": hostile_facts}
_KINDS = tuple(_FACTS)


class Site(NamedTuple):
    """All files of a site, and its pages as a browser reads them."""

    files: dict[str, bytes]
    pages: dict[str, Element]


@cache
def site(kind: str) -> Site:
    return site_of(site_files(_FACTS[kind]()))


def site_of(written: Iterable[SiteFile]) -> Site:
    files: dict[str, bytes] = {}
    for file in written:
        assert file.path not in files
        files[file.path] = file.content
    return Site(files, {path: parsed(content) for path, content in files.items() if path.endswith(".html")})


@pytest.mark.parametrize("kind", _KINDS)
def test_every_page_is_there_and_valid(kind: str) -> None:
    found = site(kind).pages
    assert set(found) == {
        "index.html", "all.html", "environments.html", "drift.html", "running.html", "yanked.html", "expiring.html",
        "digest.html", "outdated.html", "changes.html", "states.html", "404.html", "images/myorg/app.html",
        "images/myorg/web.html", "images/platform/base.html",
    }  # fmt: skip
    for path, root in found.items():
        assert len(set(ids(root))) == len(ids(root)), path
        assert len(root.findall(".//main")) == 1


def test_headings_are_in_order() -> None:
    for path, root in site("plain").pages.items():
        content = next(each for each in root.iter() if each.attrib.get("id") == "~content")
        levels = [int(str(each.tag)[1]) for each in content.iter() if re.fullmatch("h[1-6]", str(each.tag))]
        assert levels[0] == 1, path
        assert levels.count(1) == 1, path
        assert all(after <= before + 1 for before, after in pairwise(levels)), (path, levels)


@pytest.mark.parametrize("kind", _KINDS)
def test_no_page_has_a_style_or_a_script_of_its_own(kind: str) -> None:
    for path, root in site(kind).pages.items():
        for each in root.iter():
            assert each.tag not in {"style", "iframe", "object", "embed", "form", "base", "img"}, path
            assert not [name for name in each.attrib if name == "style" or name.startswith("on")], path
        (script,) = root.findall(".//script")
        assert (script.attrib["src"], script.text) == (f"{root_of(path)}site.js", None)
        (policy,) = (each.attrib["content"] for each in root.findall(".//meta[@http-equiv]"))
        assert policy == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'none'; "
            "base-uri 'none'; form-action 'none'"
        )


def root_of(path: str) -> str:
    """Return the way from a page to the root of the site, which is served at the root of a host here."""
    return "/" if path == paths.MISSING else paths.root_from(path)


@pytest.mark.parametrize("kind", _KINDS)
def test_every_link_leads_to_the_web_or_to_a_place_in_the_site(kind: str) -> None:
    check_links(site(kind))


def check_links(found: Site) -> None:
    for path, root in found.pages.items():
        for link in links(root):
            if re.match("https?://[a-z]", link):
                continue
            target, _, fragment = link.partition("#")
            file = normpath(joined(dirname(path), target)).lstrip("/") if target else path
            assert file in found.files, f"{path} links to {link}"
            if fragment and file != paths.DIGEST:
                assert fragment in ids(found.pages[file]), f"{path} links to {link}"


def test_what_the_pages_show() -> None:
    pages = {path: text_of(root) for path, root in site("plain").pages.items()}
    start = pages["index.html"]
    assert "3 images, 7 tags, 2 environments, as of 2026-11-24 09:30 UTC" in start
    assert "tag-moved myorg/app:v1.5.0 main, first seen 2026-11-21 21:30 UTC" in start
    assert "replaced myorg/app:v1.4.2 3 containers in eu-1, expected v1.4.2 also in prod behind in prod" in start
    assert "2026-11-23 publish" not in start
    assert "forced publish myorg/app:v1.4.2 instead of sha256:" in start
    app = pages["images/myorg/app.html"]
    assert f"docker pull registry.example.com/myorg/app@{digest('myorg/app:v1.5.0')}" in app
    assert "yanked: crashes on start" in app
    assert "forced: rebuilt after the CVE in the base image" in app
    assert "Signer payments-ci" in app
    assert f"has moved platform/base:2.1.0 is now {digest('rebuilt')[:19]}" in app
    assert "promote prod v1.4.1 → to v1.4.2" in app
    assert "Published by alice, run" in app
    assert "v1.4.2 forced in prod" in app
    assert "docker pull" not in app.partition("yanked: crashes on start")[2].partition("Source")[0]
    assert "promoted 2026-11-23 13:30 UTC by ledger" in app
    assert "To fix ledger restore myorg/app:v1.5.0" in pages["drift.html"]
    assert "12 records compared with the registries" in pages["drift.html"]
    assert "eu-1 / payments / api Deployment, 3 containers" in pages["running.html"]


def test_times_are_in_utc_for_those_who_have_no_script() -> None:
    for root in site("plain").pages.values():
        for each in root.findall(".//time"):
            at = each.attrib["datetime"]
            assert each.text == f"{at[:10]} {at[11:16]} UTC"


def test_hostile_words_are_only_words() -> None:
    """Nothing becomes an element or an attribute that no plain site has, and nothing invisible stays as it is."""
    plain = {shape for root in site("plain").pages.values() for shape in shapes(root)}
    hostile = {shape for root in site("hostile").pages.values() for shape in shapes(root)}
    assert hostile <= plain | {Shape("article", ("aria-label", "class", "id"))}
    for path in site("hostile").pages:
        assert not re.search("[\x00\x1b\u202e\u2028\u2029]", site("hostile").files[path].decode()), path
    app = text_of(site("hostile").pages["images/myorg/app.html"])
    assert "</script><script>window.__pwned=1</script><img src=x" in app
    assert "{{7*7}} {% x %}" in app


def test_the_scripts_that_are_searched_are_data() -> None:
    for kind in _KINDS:
        for path, content in site(kind).files.items():
            if path.startswith("search/"):
                assert content.isascii(), path
                assert not set(content) & set(b"<>"), path
                assert re.fullmatch(rb"ledgerSite\.take\(\.\.\.\[.*\]\);\n", content), path


_words = st.text(max_size=40) | st.text("<>\"'&;{}%`=/ \t\n\x00\u2028", max_size=20)


@settings(max_examples=15)
@given(words=_words)
def test_whatever_the_words_are_the_elements_are_the_same(words: str) -> None:
    def shape_of(text: str) -> list[Shape]:
        facts = _with_words(text)
        shell = Shell.of(facts)
        written = [*start.pages(facts, shell), *image.pages(facts, shell)]
        return [shape for file in written for shape in shapes(parsed(file.content))]

    assert shape_of(f"x{words}x") == shape_of("plain")


def _with_words(words: str) -> SiteFacts:
    """Return the facts of a site of one image with given words wherever there may be any."""
    plain = site_facts()
    assert plain.drift
    labelled = record("a", "v1", labels={"key": words}, provenance={"digest": digest(), "builder": words})
    first = tag(labelled, yanked=words, owners=(words,))
    log = (entry("a:v1", reason=words, by=words),)
    drift = replace(plain.drift.notes[0], registry=words, reason=words, image=words, category=words)
    note = replace(plain.running[0].notes[0], image=words, reason=words, category=words, expected=words)
    return replace(
        plain, title=words, images=[image_of("a", [first], timeline=log, drift=(drift,), running=(note,))],
        changes=[replace(plain.changes[0], by=words, entries=log)], expiring=[], yanked=[first],
        drift=replace(plain.drift, notes=[drift]), running=[replace(plain.running[0], notes=[note])], digests={},
    )  # fmt: skip


def test_an_image_with_many_tags_and_a_long_history_has_more_pages() -> None:
    tags = [tag(record("a", f"v{number}")) for number in range(2 * TAGS_PER_PAGE + 1)]
    log = [entry(f"a:v{number}", seed=number) for number in range(350)]
    base = image_of("b", [tag(record("b", "v1"), dependents=(DependentFacts(Name("a", f"v{TAGS_PER_PAGE}")),))])
    facts = replace(many_facts(0), images=[image_of("a", tags, timeline=log), base], changes=[])
    found = site_of(site_files(facts))
    check_links(found)
    assert [path for path in found.pages if path.startswith("images/a")] == [
        "images/a.html", "images/a~2.html", "images/a~3.html", "images/a~4.html",
    ]  # fmt: skip
    assert ids(found.pages["images/a~2.html"]).count(f"v{TAGS_PER_PAGE}") == 1
    assert f"../images/a~2.html#v{TAGS_PER_PAGE}" in links(found.pages["images/b.html"])


def test_an_empty_ledger_has_pages_too() -> None:
    found = site_of(site_files(replace(many_facts(0), environments=())))
    check_links(found)
    assert "The ledger has no records." in text_of(found.pages["index.html"])


def test_the_start_page_stays_small() -> None:
    """However many images and environments there are, and however long their names and the words may be."""
    count = 100_000
    plain = hostile_facts()
    assert plain.drift
    name = "/".join(["abcdefghijklmnopqrstuvwxyz0123"] * 8)
    versions = [tag(record(name, "v" * 128, platform="linux/amd64"), yanked="é" * 1024)]
    cells = [replace(plain.images[0].environments[1], environment=f"{'e' * 120}{at}") for at in range(200)]
    here = [replace(cell, image=name, version="v" * 128) for cell in cells[:3]]
    large = image_of(name, versions, environments=here)
    entries = [entry(f"{name}:{'v' * 120}{at}", by="ö" * 300, reason="<" * 1024) for at in range(100)]
    facts = replace(
        plain, images=[large] * count, environments=[cell.environment for cell in cells], yanked=versions * count,
        changes=[replace(plain.changes[0], entries=entries)] * 50, expiring=list(plain.expiring) * count,
        drift=replace(plain.drift, notes=list(plain.drift.notes) * count),
    )  # fmt: skip
    (page,) = start.pages(facts, Shell.of(facts))
    assert len(page.content) < 150_000


def test_a_matrix_of_many_images_has_more_pages_and_shows_first_what_is_behind() -> None:
    facts = many_facts(500)
    facts = replace(facts, images=[replace(facts.images[0], environments=()), *facts.images[1:]])
    found = [parsed(file.content) for file in matrix.pages(facts, Shell.of(facts))]
    assert len(found) == 3
    assert sum(len(page.findall(".//tbody/tr")) for page in found) == 499
    assert "prod 499 images 499 behind" in text_of(found[0])


def test_changes_are_listed_by_days_of_utc() -> None:
    """Late in one zone is early the next day in another: all readers see the same pages."""
    times = ("2026-11-28T00:05:00Z", "2026-11-27T23:55:00Z", "2026-11-27T01:00:00Z")
    log = [replace(entry("a:v1", seed=number), at=Timestamp(at)) for number, at in enumerate(times)]
    facts = replace(site_facts(), changes=[change_of([each]) for each in log])
    (page,) = (parsed(file.content) for file in changes.pages(facts, Shell.of(facts)))
    days = [text_of(section) for section in page.iter() if section.tag.endswith("section")][1:]
    assert [day.count("a:v1") for day in days] == [1, 2]
    assert [name in day for name, day in zip(("2026-11-28", "2026-11-27"), days, strict=True)] == [True, True]

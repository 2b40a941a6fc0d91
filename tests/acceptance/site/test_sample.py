"""The sample ledger with a history, and its pictures: what the docs show is what there is."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ledger_tool.core.ledger import codec
from tests.acceptance.site.conftest import Sites
from tests.support import ROOT
from tests.support.browser.browser import Browser, View
from tests.support.browser.pictures import FOLDER, MOST_BYTES, PICTURES, look_alike
from tests.support.git.sample import PREVIEW, sample
from tests.support.git.upstream import git
from tests.support.values.outcome import Outcome


def test_it_has_the_records_of_the_sample_ledger_and_keeps_the_rules(
    ledger: Callable[..., Outcome], tmp_path: Path
) -> None:
    """One of them is yanked, and a preview is added."""
    made = sample(tmp_path / "one")
    original = codec.loads((ROOT / "sample-ledger/ledger.json").read_bytes())
    records = codec.loads((made.repository / "ledger.json").read_bytes()).records()
    assert list(original.records()) == [replace(each, yanked=None) for each in records if each.tag != PREVIEW]
    assert ledger("audit", "--repo", made.repository).code == 0
    again = sample(tmp_path / "two")
    assert git("rev-parse", "main", cwd=made.repository) == git("rev-parse", "main", cwd=again.repository)


def test_the_docs_have_its_pictures_and_they_are_small() -> None:
    """`make docs` takes them again when they look different."""
    text = (ROOT / "docs/site.md").read_text("utf-8")
    assert {path.stem for path in FOLDER.iterdir()} == set(PICTURES)
    for name, (_, view) in PICTURES.items():
        raw = (FOLDER / f"{name}.png").read_bytes()
        assert raw[16:24] == struct.pack(">II", view.width, view.height)  # PNG, "IHDR Image header"
        assert len(raw) <= MOST_BYTES
        assert f"(pictures/{name}.png)" in text


def test_a_picture_is_told_from_one_that_looks_different(browser: Browser, sites: Sites) -> None:
    """As if letters were drawn a little differently, the page is moved by half a point."""

    def seen(page: str = "index.html", script: str = "", width: int = 360, **more: Any) -> bytes:
        browser.open(sites.base("sample", "file") + page, View(width, 640, **more))
        browser.run(script)
        return browser.picture()

    plain = seen()
    assert look_alike(browser, plain, seen(script="document.body.style.transform = 'translate(0.5px, 0.5px)'"))
    assert not look_alike(browser, plain, seen("environments.html"))
    assert not look_alike(browser, plain, seen(colours="dark"))
    assert not look_alike(browser, plain, seen(width=361))
    assert not look_alike(browser, plain, seen(script="document.querySelector('.card').remove()"))


def test_how_long_the_first_result_takes_can_be_measured(browser: Browser, sites: Sites) -> None:
    assert 0 < browser.seconds_to_first_result(sites.base("sample", "file") + "index.html#q=sdk") < 60

"""What the script of a site searches."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ledger_tool.core.site.facts import SiteFacts
from ledger_tool.core.site.paths import DIGEST_SEARCH, IMAGE_SEARCH, digest_search
from ledger_tool.render.site import search
from tests.support import ROOT
from tests.support.values.make import digest, record
from tests.support.values.site import PAGE, image_of, site_facts, tag

_FOLDER = ROOT / "ledger_tool/render/site"


def taken(facts: SiteFacts) -> dict[str, Any]:
    """Return what the scripts hand over, by its name."""
    found = {}
    for file in search.files(facts):
        call = re.fullmatch(r"ledgerSite\.take\(\.\.\.(\[.*\])\);\n", file.content.decode())
        assert call, file.path
        name, value = json.loads(call[1])
        assert file.path == f"search/{name}.js"
        found[file.path] = value
    return found


def test_images_have_their_tags_and_states_in_few_letters() -> None:
    data = taken(site_facts())[IMAGE_SEARCH]
    assert data["environments"] == ["staging", "prod"]
    assert data["prefixes"] == [["mirror.example.net/", ""], ["registry.example.com/", ""]]
    *app, times = data["images"][0]
    assert app == ["myorg/app", "v1.5.0!n v1.4.2!f v1.4.1!y pr-7!e pr-5!z", "xr", "v1.5.0 v1.4.2!bu"]
    published = [datetime.fromtimestamp(60 * int(digits, 36), UTC) for digits in times.split()]
    assert published == [datetime.fromisoformat(tag.published_at) for tag in site_facts().images[0].tags]
    assert data["images"][1][:4] == ["myorg/web", "v2.0.0!n", "", ""]


def test_references_and_names_that_begin_differently_are_both_known() -> None:
    """As where a registry has a path, and the ledger a prefix of its own for it."""
    elsewhere = tag(record("oth/team/lib"), pulls=(f"other.example.com/acme/team/lib@{digest()}",))
    facts = replace(site_facts(), images=[image_of("oth/team/lib", [elsewhere])])
    assert taken(facts)[IMAGE_SEARCH]["prefixes"] == [["other.example.com/acme/", "oth/"]]


def test_of_a_digest_with_very_many_places_the_first_are_searched_and_the_others_counted() -> None:
    places = next(iter(site_facts().digests.values()))
    name = places[0].digest
    found = taken(replace(site_facts(), digests={name: list(places[:1]) * 1000}))[digest_search(name)][name]
    assert len(found) == 201
    assert found[-1] == 800


def test_each_digest_is_in_the_shard_of_its_first_digits() -> None:
    facts = site_facts()
    found = taken(facts)
    assert found[DIGEST_SEARCH] == sorted(path for path in found if path.startswith("search/digests/"))
    for each in facts.digests:
        assert len(found[digest_search(each)][each]) == len(facts.digests[each])
    (was,) = found[digest_search(digest("old"))][digest("old")]
    assert was[:4] == ["replaced", "myorg/app", "v1.4.2", "linux/amd64"]
    at, by, action, commit, link, run, reason = was[9]
    assert (at, by, action, run) == (
        "2026-11-23T07:30:00Z", "alice", "publish", "https://ci.example.com/runs/4711",
    )  # fmt: skip
    assert (link, reason) == (f"{PAGE}/commit/{commit}", "rebuilt after the CVE in the base image")
    assert was[10] == "images/myorg/app.html#v1.4.2"


def test_the_script_puts_in_text_and_nothing_else() -> None:
    for path in (_FOLDER / "assets").glob("*.js"):
        text = path.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text), (
            path
        )
        assert len(text.splitlines()) <= 300


def test_the_templates_quote_attributes_and_mark_nothing_as_safe() -> None:
    for path in (_FOLDER / "templates").glob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"\|\s*safe|autoescape|Markup", text), path
        assert not re.search(r"\s[\w-]+=(?:\{[{%]|')", text), path

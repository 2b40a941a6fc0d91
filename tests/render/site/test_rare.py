"""Pages of facts that are rarely so: times that go back, workloads without names, several tags of one image."""

from __future__ import annotations

from dataclasses import replace

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.site.facts import DependentFacts, RunningPlace
from ledger_tool.render.site import changes, image, lists, start
from ledger_tool.render.site.shell import Shell
from tests.support.values.html import parsed, text_of
from tests.support.values.make import record
from tests.support.values.site import change_of, entry, image_of, many_facts, site_facts, tag


def test_a_day_is_listed_once_though_times_go_back() -> None:
    times = ("2026-11-28T01:00:00Z", "2026-11-27T09:00:00Z", "2026-11-28T00:30:00Z")
    log = [replace(entry("a:v1", seed=number), at=Timestamp(at)) for number, at in enumerate(times)]
    facts = replace(many_facts(0), changes=[change_of([each]) for each in log])
    for pages in (changes.pages, start.pages):
        (page,) = (parsed(file.content) for file in pages(facts, Shell.of(facts)))
        headings = [text_of(each) for each in page.iter() if each.tag in {"h2", "h3"}]
        assert [each for each in headings if each.startswith("2026-")] == ["2026-11-28", "2026-11-27"]


def test_what_runs_at_a_place_without_a_name_is_said_to_do_so() -> None:
    plain = site_facts()
    (report,) = plain.running
    note = replace(report.notes[0], places=(RunningPlace("", "", "", "", 1), RunningPlace("eu", "", "api", "Pod", 2)))
    facts = replace(plain, drift=None, running=[replace(report, notes=(note,))])
    (text,) = (text_of(parsed(f.content)) for f in lists.pages(facts, Shell.of(facts)) if f.path == "running.html")
    assert " ".join(text.partition("Where")[2].split()).startswith("not stated 1 container eu / api Pod, 2 containers")


def test_what_was_built_on_a_tag_is_counted_in_tags() -> None:
    names = [Name("app", "v1"), Name("app", "v2")]
    base = tag(record("base", "v1"), dependents=tuple(DependentFacts(name, is_stale=True) for name in names))
    facts = replace(many_facts(0), images=[image_of("base", [base])])
    (page,) = image.pages(facts, Shell.of(facts))
    assert "2 tags, built on it before it moved" in text_of(parsed(page.content))

"""What the pages say of the facts: once, of the right version, and of the right person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim
from ledger_tool.core.history.log import FactEdit, LogEntry
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.registry.drift import CLASSES
from ledger_tool.core.running.classes import RUNNING_CLASSES
from ledger_tool.core.site.facts import DigestPlace, EnvironmentCell, SiteFacts, SiteImage
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site import changes, image, lists, missing, start, states
from ledger_tool.render.site.attention import Card, cards
from ledger_tool.render.site.findings import Findings
from ledger_tool.render.site.shell import Shell
from tests.support.values.html import links, parsed, text_of
from tests.support.values.make import digest, record
from tests.support.values.site import AT, change_of, entry, image_of, many_facts, site_facts, tag


def test_what_is_left_out_of_a_commit_is_counted_in_steps_and_several_runs_make_no_person() -> None:
    runs = [RunClaim(f"https://ci.example.com/{name}", name) for name in ("ann", "bob")]
    done = [
        entry("a:v1", action, 1, platform=f"linux/{at}", run=runs[at % 2])
        for at, action in enumerate(["publish", "set", "yank", "remove"])
    ]
    facts = replace(site_facts(), changes=[change_of(done)])
    shown = changes.shown_change(replace(facts.changes[0], run=NO_RUN), facts, 3)
    assert (len(shown.steps), shown.total, shown.who) == (3, 4, "ledger")
    made = replace(facts.images[0], timeline=done)
    (page,) = (text_of(parsed(file.content)) for file in pages_of(replace(facts, images=[made])))
    assert "by ann" not in page.partition("History")[2]
    assert "by ledger" in page.partition("History")[2]


def pages_of(facts: SiteFacts) -> Iterable[SiteFile]:
    return image.pages(facts, Shell.of(facts))


def test_a_tag_was_published_by_whom_gave_it_what_it_has() -> None:
    """That is not the last publish if somebody has moved it since, or taken that back."""
    has = record("a", "v1", digest=digest("D1"))

    def told(*since: LogEntry | None) -> str:
        place = DigestPlace("image", has.key, has.digest, "", since=since[0], record=has)
        log = [entry("a:v1", "publish", "other", by="bob", run=NO_RUN)]
        facts = replace(many_facts(0), images=[image_of("a", [tag(has)], timeline=log)], digests={has.digest: [place]})
        (file,) = pages_of(facts)
        return text_of(parsed(file.content)).partition("1 tag")[2].partition("History")[0]

    assert "Published by ann" in told(entry("a:v1", by="ann", run=NO_RUN))
    assert "Moved by cyd" in told(entry("a:v1", "moved", by="cyd", run=NO_RUN))
    assert " by " not in told(None)
    assert " by " not in told(entry("a:v1", "set", by="dan"))


def test_an_image_that_is_gone_keeps_its_page_with_its_history() -> None:
    facts = replace(site_facts(), gone=[SiteImage("was", (), None, (), (entry("was:v1", "remove"),))])
    shell = Shell.of(facts)
    page = next(text_of(parsed(file.content)) for file in pages_of(facts) if file.path == "images/was.html")
    assert "no tag of this image any more" in page
    assert "remove v1" in page
    assert shell.places.image("was") == "images/was.html"


def test_what_was_edited_is_told() -> None:
    edits = (FactEdit("labels", "team", "storefront"), FactEdit("labels", "old", None), FactEdit("ttl", "", None))
    facts = replace(many_facts(0), images=[image_of("a", [], timeline=[entry("a:v1", "set", edits=edits)])])
    (file,) = pages_of(facts)
    assert "set v1 label team=storefront, label old removed, TTL removed" in text_of(parsed(file.content))


def test_a_version_is_told_once_on_the_start_page() -> None:
    """In the gravest of the cards, with what the others would say beside it."""
    plain = site_facts()
    facts = replace(plain, yanked=[plain.images[0].tags[0], *plain.yanked])
    kinds = {card.kind: [str(name) for name in names(card)] for card in cards(facts, Shell.of(facts).findings)}
    assert kinds == {
        "drift": ["myorg/app:v1.5.0"], "running": ["myorg/app:v1.4.2"], "yanked": ["myorg/app:v1.4.1"],
        "expiring": ["myorg/app:pr-5", "myorg/app:pr-7"],
    }  # fmt: skip
    first = next(cards(facts, Shell.of(facts).findings)).items[0]
    assert [each.badge.word for each in first.beside] == ["outdated base", "yanked"]


def test_what_is_to_be_rebuilt_is_told_with_the_environments_that_have_it() -> None:
    """Not with one that has what the tag had before it was replaced."""
    tags = [tag(record("a", "v1"), rebuild_step=1), tag(record("b", "v1"), rebuild_step=1)]
    cells = [
        EnvironmentCell(name, "a", "v1", digest(), AT, "same", is_version=name != "old")
        for name in ("dev", "old", "prod")
    ]
    made = [image_of("a", [tags[0]], environments=cells), image_of("b", [tags[1]])]
    facts = replace(many_facts(0), images=made, outdated=tags)
    told = [text_of(parsed(file.content)) for make in (lists, start) for file in make.pages(facts, Shell.of(facts))]
    assert [text.count("after its bases · in dev, prod") for text in told if "after its bases" in text] == [1, 1]


def names(card: Card) -> list[Name]:
    return [
        item.fact.name if hasattr(item.fact, "name") else Name(item.fact.image, item.fact.tag) for item in card.items
    ]


def test_every_state_has_a_meaning() -> None:
    known = {group.id: {badge.word for badge, _ in group.states} for group in states.GROUPS}
    assert known["drift"] == set(CLASSES)
    assert known["running"] == set(RUNNING_CLASSES)
    assert known["environments"] >= {"same as", "newest", "behind", "ahead", "differs", "unfit"}


def test_a_finding_keeps_its_address_while_what_is_said_of_it_changes() -> None:
    plain = site_facts()
    assert plain.drift
    note, other = plain.drift.notes
    before, after = (
        Findings(replace(plain, drift=replace(plain.drift, notes=notes)))
        for notes in ([note, other], [replace(note, served=digest("again"), reason="again"), note, other])
    )
    assert before.drift[0].place == after.drift[0].place == before.place(note)
    assert len({each.id for each in after.drift}) == 3


def test_a_page_for_what_does_not_exist_is_found_at_any_depth() -> None:
    for url, root in (("https://a.example/team/ledger/", "/team/ledger/"), ("https://a.example//x/", "/x/")):
        facts = replace(site_facts(), url=url)
        (file,) = missing.pages(url, Shell.of(facts))
        assert file.path == "404.html"
        assert all(link.startswith((root, "#", "https://github.com/")) for link in links(parsed(file.content)))
    assert not list(missing.pages("", Shell.of(site_facts())))

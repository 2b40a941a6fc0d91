"""What images were built on, what was built on them, and which environments have them."""

from __future__ import annotations

from dataclasses import replace

from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.site.bases import MOST_DEPENDENTS
from tests.core.site.test_images import facts_of, tags_of
from tests.support.values.make import digest, record


def test_a_base_that_has_moved_on_is_the_tag_that_was_named_and_not_another_one_that_still_has_it() -> None:
    app = record("app", "v1", digest=digest("app"), dependsOn=[f"base:latest@{digest('old')}"])
    exact = record("base", "v1.0.0", digest=digest("old"))
    moved = record("base", "latest", digest=digest("new"))
    ((base,),) = (image.tags[0].bases for image in facts_of(app, exact, moved).images if image.image == "app")
    assert (base.name, base.follows, base.now) == (Name("base", "v1.0.0"), Name("base", "latest"), digest("new"))


def test_an_environment_has_a_version_if_it_has_its_image() -> None:
    """One that was replaced by force since is another image of that name."""
    old = record("myorg/app", "v1", digest=digest("old"), dependsOn=[f"myorg/base:latest@{digest('base')}"])
    bases = [record("myorg/base", "latest", digest=digest("moved")), record("myorg/base", "v0", digest=digest("base"))]
    newest = record("myorg/app", "v2", digest=digest("v2"), publishedAt="2026-11-24T23:59:00Z")
    for now, has in ((old, True), (replace(old, digest=Digest(digest("new"))), False)):
        held = record("myorg/app", "prod", version="v1", digest=digest("old"), publishedAt="2026-11-01T00:00:00Z")
        facts = facts_of(now, newest, held, *bases)
        (cell,) = facts.images[0].environments
        tags = tags_of(facts.images[0])
        assert (cell.has(tags["v1"]), cell.has(tags["v2"])) == (has, False)
        assert [tag.name.tag for tag in facts.outdated] == (["v1"] if has else [])


def test_of_very_many_dependents_the_first_are_listed_with_a_tag_and_all_with_the_digest() -> None:
    many = [
        record("app", f"v{number:04}", digest=digest(number), dependsOn=[f"base:v1@{digest('base')}"])
        for number in range(MOST_DEPENDENTS + 50)
    ]
    stale = record("late", "v1", digest=digest("late"), dependsOn=[f"base:v1@{digest('former')}"])
    facts = facts_of(*many, stale, record("base", "v1", digest=digest("base")))
    (tag,) = next(image.tags for image in facts.images if image.image == "base")
    assert len(tag.dependents) == MOST_DEPENDENTS
    assert tag.dependent_count == MOST_DEPENDENTS + 51
    assert [each.name.image for each in tag.dependents if each.is_stale] == ["late"]
    assert [name.tag for name in facts.dependents[digest("base")]] == [each.tag for each in many]

"""What environments have, against what they take their versions from: behind only where that is certain."""

from __future__ import annotations

from typing import Any

import pytest

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Environment, Policy
from ledger_tool.core.site.facts import EnvironmentCell
from ledger_tool.core.site.site import site_facts
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.site import entry

AT = Timestamp("2026-11-25T00:00:00Z")
POLICY = Policy(environments={"staging": Environment(), "prod": Environment("staging")}, mutable=("latest", "edge"))


def cells(*records: Record, policy: Policy = POLICY) -> dict[str, EnvironmentCell]:
    facts = site_facts(Snapshot("", ledger_of(*records), policy), [], made_at=AT, title="site")
    return {cell.environment: cell for image in facts.images for cell in image.environments}


def version(tag: str, seed: object = "", **more: Any) -> Record:
    day = "2026-11-0" + str(seed or 1)
    return record(tag=tag, digest=digest(seed or tag), publishedAt=f"{day}T00:00:00Z", **more)


def has(environment: str, of: Record, **more: Any) -> Record:
    return record(tag=environment, digest=of.digest, version=of.tag, publishedAt="2026-11-20T00:00:00Z", **more)


OLD, NEW = version("v1.4.2", 1), version("v1.5.0", 2)


@pytest.mark.parametrize(
    ("source", "target", "state"),
    [(NEW, NEW, "same"), (NEW, OLD, "behind"), (OLD, NEW, "ahead"), (None, NEW, "only")],
)
def test_an_environment_is_compared_with_the_one_that_it_takes_from(
    source: Record | None, target: Record, state: str
) -> None:
    given = [has("staging", source)] if source else []
    cell = cells(OLD, NEW, *given, has("prod", target))["prod"]
    assert (cell.state, cell.against, cell.version) == (state, "staging", target.tag)
    assert cell.other == (source.tag if source else "")
    assert (cell.digest, cell.since, cell.remarks) == (target.digest, "2026-11-20T00:00:00Z", ())


def test_one_that_takes_from_none_is_compared_with_the_newest_version() -> None:
    assert cells(OLD, NEW, has("staging", NEW))["staging"].state == "same"
    cell = cells(OLD, NEW, has("staging", OLD))["staging"]
    assert (cell.state, cell.against, cell.other) == ("behind", "", "v1.5.0")


def test_the_newest_version_under_another_tag_is_the_same() -> None:
    also = record(tag="v1.5", digest=NEW.digest, publishedAt="2026-11-01T00:00:00Z")
    cell = cells(OLD, NEW, also, has("staging", also))["staging"]
    assert (cell.state, cell.version, cell.other) == ("same", "v1.5", "v1.5.0")


@pytest.mark.parametrize(("held", "newest"), [("edge", "latest"), ("nightly-a", "nightly-b"), ("v1.5.0", "build-7")])
def test_versions_without_a_certain_order_only_differ(held: str, newest: str) -> None:
    first, last = version(held, 1), version(newest, 2)
    assert cells(first, last, has("staging", first))["staging"].state == "differs"


def test_one_version_with_two_images_differs() -> None:
    moved = record(tag="v1.5.0", digest=digest("old"))
    cell = cells(NEW, has("staging", NEW), has("prod", moved))["prod"]
    assert (cell.state, cell.version, cell.other) == ("differs", "v1.5.0", "v1.5.0")
    assert (cell.remarks, cell.fates) == (("has v1.5.0, which is another image now",), ("replaced",))
    assert not cell.is_version


def test_facts_that_were_added_to_a_version_later_leave_what_an_environment_has_fit() -> None:
    filled = version("v1.5.0", 2, config=digest("config"), dependsOn=[f"base:1@{digest('base')}"])
    cell = cells(filled, has("staging", NEW))["staging"]
    assert (cell.remarks, cell.fates, cell.is_version) == ((), (), True)


def test_what_became_of_a_version_is_remarked() -> None:
    yanked = version("v1.5.0", 2, yanked={"at": "2026-11-21T00:00:00Z", "reason": "broken"})
    expired = version("pr-1", 3, ttl="1d")

    def told(*records: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
        cell = cells(*records)["prod"]
        return cell.remarks, cell.fates

    assert told(OLD, yanked, has("prod", yanked)) == (("has v1.5.0, which is yanked: broken",), ("yanked",))
    assert told(OLD, expired, has("prod", expired)) == (("has pr-1, which has expired",), ("expired",))
    assert told(OLD, has("prod", NEW)) == (("has v1.5.0, which is no longer recorded",), ("removed",))


def test_what_became_of_a_version_comes_before_what_became_of_its_environment() -> None:
    yanked = version("v1.5.0", 2, yanked={"at": "2026-11-21T00:00:00Z", "reason": "broken"})
    cell = cells(yanked, has("gone", yanked))["gone"]
    assert cell.fates == ("yanked",)
    assert cell.remarks == ("has v1.5.0, which is yanked: broken", "ledger.yaml declares no environment `gone`")


def test_an_environment_has_a_version_since_the_last_commit_that_gave_it_that() -> None:
    """What a merge left out is in the log, too, and may come later."""
    ours = entry("myorg/app:staging", "promote", hours=2, version="v1.5.0", digest=NEW.digest)
    theirs = entry("myorg/app:staging", "promote", hours=1, version="v1.4.2", digest=OLD.digest)
    snapshot = Snapshot("", ledger_of(NEW, OLD, has("staging", NEW)), POLICY)
    for log, given in (([theirs, ours], ours), ([theirs], None)):
        (cell,) = site_facts(snapshot, log, made_at=AT, title="site").images[0].environments
        assert (cell.given, cell.since) == (given, given.at if given else "2026-11-20T00:00:00Z")


def test_the_sources_of_the_two_are_compared() -> None:
    host = "https://github.com/myorg/app@"
    old, new = (version(tag, seed, sourceRef=host + str(seed) * 40) for tag, seed in (("v1.0.0", 1), ("v2.0.0", 2)))
    held = has("staging", old, sourceRef=old.source_ref)
    assert cells(old, new, held)["staging"].compare.endswith(f"/compare/{'1' * 40}...{'2' * 40}")


def test_environments_are_in_the_order_of_the_settings_and_one_that_is_gone_from_there_comes_last() -> None:
    records = [NEW, *(has(name, NEW) for name in ("eu", "prod", "staging"))]
    facts = site_facts(Snapshot("", ledger_of(*records), POLICY), [], made_at=AT, title="site")
    assert facts.environments == ["staging", "prod", "eu"]
    assert [cell.environment for cell in facts.images[0].environments] == ["staging", "prod", "eu"]
    assert "declares no environment `eu`" in facts.images[0].environments[-1].remarks[0]


def test_a_tag_that_is_named_like_an_environment_is_a_tag() -> None:
    facts = site_facts(Snapshot("", ledger_of(record(tag="prod")), POLICY), [], made_at=AT, title="site")
    assert [tag.name.tag for tag in facts.images[0].tags] == ["prod"]
    assert facts.images[0].environments == []

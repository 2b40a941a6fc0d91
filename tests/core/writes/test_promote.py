"""What a promotion does to a ledger: the environment has what is recorded of the version, or nothing changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import compose, parse_message
from ledger_tool.core.judging.check import RangeJudge
from ledger_tool.core.judging.environment import judge_environments
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Platform, Tag, Timestamp
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import Environment, Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit, publish
from ledger_tool.core.writes.promote import Promotion, named, promote, taken
from ledger_tool.errors import Contended, LedgerError, RuleRefused, UnknownImage, UsageError
from tests.support.values.make import but, digest, draft, ledger_of, record, source
from tests.support.values.profiles import example_count

NOW = Timestamp("2026-11-26T12:00:00Z")
POLICY = Policy(
    environments={"staging": Environment(), "prod": Environment("staging"), "edge": Environment()},
    require=("labels.team",),
    mutable=("main",),
)
V1 = record("myorg/app", "v1", platform="linux/amd64", labels={"team": "core"}, dependsOn=["docker.io/library/a:1"])
V2 = [
    record("myorg/app", "v2", digest=digest("2a"), index=digest("2"), platform="linux/amd64", sourceRef=source(2)),
    record("myorg/app", "v2", digest=digest("2b"), index=digest("2"), platform="linux/arm64", sourceRef=source(2)),
]
WEB = record("myorg/web", "v7", digest=digest("web"), ttl="90d", labels={"team": "web"})


def snapshot(*records: Record) -> Snapshot:
    return Snapshot("", ledger_of(*(records or (V1, *V2, WEB))), POLICY)


def promoted(before: Snapshot, *images: str, to: str, reason: str = "", now: Timestamp = NOW) -> Change:
    chosen = named(before, [parse_name(image) for image in images], Tag(to))
    return promote(before, chosen, now=now, reason=reason)


def then(change: Change) -> Snapshot:
    return Snapshot("", change.ledger, POLICY)


def test_the_environment_has_what_is_recorded_of_the_version_and_none_of_how_its_tag_is_kept() -> None:
    change = promoted(snapshot(), "myorg/app:v1", "myorg/web:v7", to="staging")
    assert change.ledger.find(Name("myorg/app", "staging")) == (
        but(V1, tag="staging", version="v1", publishedAt=NOW, labels=None),
    )
    assert change.ledger.find(Name("myorg/web", "staging")) == (
        but(WEB, tag="staging", version="v7", publishedAt=NOW, labels=None, ttl=None),
    )


def test_all_platforms_go_together_and_those_of_the_old_version_go() -> None:
    first = promoted(snapshot(), "myorg/app:v2", to="staging")
    change = promoted(then(first), "myorg/app:v1", to="staging")
    assert [one.platform for one in first.ledger.find(Name("myorg/app", "staging"))] == ["linux/amd64", "linux/arm64"]
    assert [one.platform for one in change.ledger.find(Name("myorg/app", "staging"))] == ["linux/amd64"]


def test_what_it_has_already_is_no_change_and_keeps_its_time() -> None:
    first = promoted(snapshot(), "myorg/app:v1", to="staging")
    again = promoted(then(first), "myorg/app:v1", to="staging", now=Timestamp("2026-11-27T00:00:00Z"))
    assert not again.changed
    assert again.ledger == first.ledger


def test_a_marked_version_of_another_environment_is_meant_by_its_tag() -> None:
    first = promoted(snapshot(), "myorg/app:v1", to="staging")
    change = promoted(then(first), "myorg/app:staging", to="prod")
    assert [one.version for one in change.ledger.find(Name("myorg/app", "prod"))] == ["v1"]


def test_a_whole_set_is_taken_or_the_images_that_patterns_name() -> None:
    first = promoted(snapshot(), "myorg/app:v2", "myorg/web:v7", to="staging")
    whole = promote(then(first), taken(then(first), Tag("staging"), Tag("prod"), []), now=NOW)
    part = promote(then(first), taken(then(first), Tag("staging"), Tag("prod"), ["myorg/w*"]), now=NOW)
    assert {effect.name.image for effect in whole.effects} == {"myorg/app", "myorg/web"}
    assert {effect.name.image for effect in part.effects} == {"myorg/web"}
    with pytest.raises(UnknownImage, match="myorg/none in staging"):
        taken(then(first), Tag("staging"), Tag("prod"), ["myorg/none"])


@pytest.mark.parametrize(
    ("records", "image", "why"),
    [
        ((V1,), "myorg/app:v3", "the ledger has no record of myorg/app:v3"),
        ((but(V1, yanked={"at": NOW, "reason": "crashes"}),), "myorg/app:v1", "myorg/app:v1 is yanked: crashes"),
        ((but(V1, ttl="1h"),), "myorg/app:v1", "myorg/app:v1 has expired"),
        ((V1,), "myorg/app:prod", "the ledger has no record of myorg/app:prod"),
    ],
)
def test_what_no_environment_may_have_is_refused(records: tuple[Record, ...], image: str, why: str) -> None:
    with pytest.raises(RuleRefused, match=why):
        promoted(snapshot(*records), image, to="staging")


def test_what_the_other_environment_does_not_have_needs_a_reason() -> None:
    with pytest.raises(RuleRefused, match="prod takes what staging has, and staging has no myorg/app"):
        promoted(snapshot(), "myorg/app:v1", to="prod")
    first = promoted(snapshot(), "myorg/app:v2", to="staging")
    with pytest.raises(RuleRefused, match="staging has v2 of myorg/app"):
        promoted(then(first), "myorg/app:v1", to="prod")
    assert promoted(then(first), "myorg/app:v1", to="prod", reason="hot fix").reason == "hot fix"


def test_a_version_that_is_another_image_now_is_not_what_was_tested() -> None:
    main = record("myorg/app", "main", digest=digest("old"))
    first = promoted(snapshot(main), "myorg/app:main", to="staging")
    moved = publish.publish(then(first), [draft("myorg/app", tag="main", digest=digest("new"), labels={"team": "a"})])
    with pytest.raises(RuleRefused, match=r"was sha256:.* when it was promoted before, and is sha256:"):
        promoted(then(moved), "myorg/app:staging", to="prod")
    with pytest.raises(RuleRefused, match="other images under main of myorg/app"):
        promoted(then(moved), "myorg/app:main", to="prod")


def test_a_platform_that_was_filled_in_since_is_the_same_image() -> None:
    whole = record("myorg/app", "v1")
    first = promoted(snapshot(whole), "myorg/app:v1", to="staging")
    known = [draft("myorg/app", platform="linux/amd64", labels={"team": "core"})]
    filled = publish.publish(then(first), known)
    change = promoted(then(filled), "myorg/app:v1", to="prod")
    assert [one.platform for one in change.ledger.find(Name("myorg/app", "prod"))] == ["linux/amd64"]


def test_only_declared_environments_get_versions() -> None:
    with pytest.raises(UsageError, match="declares no environment `test`") as raised:
        promoted(snapshot(), "myorg/app:v1", to="test")
    assert raised.value.hint == "its environments are staging, prod, edge"


def test_one_image_gets_one_version() -> None:
    with pytest.raises(UsageError, match="myorg/app is given twice, as v1 and v2"):
        promoted(snapshot(), "myorg/app:v1", "myorg/app:v2", to="staging")


def test_a_promotion_that_was_worked_out_from_another_state_is_run_again() -> None:
    seen = Promotion(Tag("prod"), {"myorg/app": Tag("v1")}, seen={"myorg/app": (but(V1, tag="prod", version="v1"),)})
    with pytest.raises(Contended, match="prod got another version of myorg/app meanwhile"):
        promote(snapshot(), seen, now=NOW, reason="back")


def test_no_other_command_changes_what_an_environment_has() -> None:
    first = then(promoted(snapshot(), "myorg/app:v1", to="staging"))
    with pytest.raises(RuleRefused, match="only a promotion changes") as raised:
        publish.publish(first, [draft("myorg/app", tag="staging")], force_reason="why")
    assert raised.value.hint.endswith("`ledger promote myorg/app:TAG --to staging`")
    with pytest.raises(RuleRefused, match="only a promotion changes"):
        publish.publish(first, [draft("myorg/app", tag="edge")])
    with pytest.raises(RuleRefused, match="a mark belongs to a version"):
        edit.yank(first, [parse_name("myorg/app:staging")], now=NOW, reason="bad")
    with pytest.raises(RuleRefused, match="neither labels nor a TTL"):
        edit.set_facts(first, ["*:staging"], labels={"a": "b"})
    everything = edit.set_facts(first, ["*"], labels={"a": "b"})
    assert "staging" not in {effect.name.tag for effect in everything.effects}
    removed = edit.remove(first, [parse_name("myorg/app:staging")], reason="not run any more")
    assert removed.ledger.find(Name("myorg/app", "staging")) == ()


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["promote", "promote", "promote", "take", "yank", "unyank", "remove", "publish", "drop"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["v1", "v2", "main"]),
        st.sampled_from(["staging", "prod", "edge"]),
        st.sampled_from(["", "why"]),
    ),
    max_size=12,
)


class Model:
    """What a promotion may do, told again without records: versions with a digest, and what environments have."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], int] = {(image, tag): 0 for image in "ab" for tag in ("v1", "v2", "main")}
        self.yanked: set[tuple[str, str]] = set()
        self.has: dict[tuple[str, str], tuple[str, int]] = {}

    def may(self, image: str, tag: str, environment: str, reason: str) -> bool:
        if (image, tag) not in self.versions or (image, tag) in self.yanked:
            return False
        wanted = tag, self.versions[image, tag]
        is_there = self.has.get((image, environment)) == wanted  # nothing changes
        is_tested = environment != "prod" or self.has.get((image, "staging")) == wanted
        return bool(reason) or is_there or is_tested


def _step(model: Model, now: Snapshot, step: tuple[str, str, str, str, str]) -> Change | None:
    """Run a step on both; return its change, or None if both refuse it."""
    verb, image, tag, environment, reason = step
    name = parse_name(f"{image}:{tag}")
    key = image, tag
    match verb:
        case "promote":
            may = model.may(image, tag, environment, reason)
            change = _tried(lambda: promoted(now, str(name), to=environment, reason=reason))
            if may:
                model.has[image, environment] = tag, model.versions[key]
        case "take":
            tag, number = model.has.get((image, "staging"), ("", -1))
            same = bool(tag) and model.versions.get((image, tag)) == number
            may = environment != "staging" and same and model.may(image, tag, environment, reason)
            change = _tried(
                lambda: promote(now, taken(now, Tag("staging"), Tag(environment), [image]), now=NOW, reason=reason)
            )
            if may:
                model.has[image, environment] = tag, number
        case "yank" | "unyank":
            may, undo = key in model.versions, verb == "unyank"
            change = _tried(lambda: edit.yank(now, [name], now=NOW, reason="bad", undo=undo))
            if may:
                model.yanked = model.yanked - {key} if undo else model.yanked | {key}
        case "remove":
            may = key in model.versions
            change = _tried(lambda: edit.remove(now, [name], reason="gone"))
            model.versions.pop(key, None)
            model.yanked.discard(key)
        case "drop":
            may = (image, environment) in model.has
            change = _tried(lambda: edit.remove(now, [parse_name(f"{image}:{environment}")], reason="gone"))
            model.has.pop((image, environment), None)
        case _:
            may = key not in model.versions or tag == "main"
            number = model.versions.get(key, 0) + 1
            change = _tried(lambda: publish.publish(now, [_draft(image, tag, number)]))
            if may:
                model.versions[key] = number
                model.yanked.discard(key)
    assert (change is not None) == may, step
    return change


def _tried(write: Any) -> Change | None:
    try:
        change: Change = write()
    except LedgerError:
        return None
    return change


def _draft(image: str, tag: str, number: int) -> Any:
    return draft(image, tag=tag, digest=digest((image, tag, number)), labels={"team": "core"})


@example_count(150)
@given(_STEPS)
def test_a_sequence_of_promotions_does_what_the_model_does_and_the_judge_finds_nothing(steps: Any) -> None:
    records = [
        record(image, tag, digest=digest((image, tag, 0)), labels={"team": "core"})
        for image in "ab"
        for tag in ("v1", "v2", "main")
    ]
    now, model = Snapshot("", ledger_of(*records), POLICY), Model()
    judge = RangeJudge(now.ledger, POLICY)
    for step in steps:
        change = _step(model, now, step)
        if change is None or not change.changed:
            continue
        differences, message = compare(now.ledger, change.ledger), parse_message(compose(change, "t"))
        assert judge.commit(now.ledger, differences, message, POLICY, at=NOW) == []
        now = then(change)
        found = {(one.image, one.tag): one for one in now.ledger.records() if one.version}
        assert {key: (one.version, one.digest) for key, one in found.items()} == {
            key: (tag, digest((key[0], tag, number))) for key, (tag, number) in model.has.items()
        }


def test_a_message_says_from_what_to_what() -> None:
    first = promoted(snapshot(), "myorg/app:v1", to="staging")
    change = promoted(then(first), "myorg/app:v2", "myorg/web:v7", to="staging")
    assert compose(first).splitlines()[:3] == ["promote myorg/app:v1 to staging", "", "Image: myorg/app:staging"]
    assert compose(change).splitlines()[:5] == [
        "promote 2 images to staging",
        "",
        "Image: myorg/app:staging",
        "Version: v2",
        "Replaces-Version: v1",
    ]
    entries = parse_message(compose(change)).block.entries
    assert [(entry.name.image, entry.version, entry.replaces_version) for entry in entries] == [
        ("myorg/app", "v2", "v1"),
        ("myorg/app", "v2", "v1"),
        ("myorg/web", "v7", ""),
    ]


def faults(before: Ledger, after: Ledger, text: str, policy: Policy = POLICY) -> list[str]:
    effects = effects_of(compare(before, after), after.find)
    return [one.message for one in judge_environments(effects, after, parse_message(text), policy, at=NOW)]


def test_the_judge_knows_what_a_message_must_say() -> None:
    change = promoted(snapshot(), "myorg/app:v1", to="staging")
    text = compose(change, "t")
    before, after = snapshot().ledger, change.ledger
    assert faults(before, after, text) == []
    assert faults(before, after, text.replace("Version: v1", "Version: v2")) == [
        "its message says that myorg/app:staging changes to v2 from nothing, which it did not"
    ]
    assert faults(before, after, text.replace("promote myorg", "publish myorg", 1)) == [
        "myorg/app:staging is what an environment has, which only `ledger promote` changes, and this is a `publish`"
    ]


def test_an_environment_takes_the_place_of_no_tag() -> None:
    posing = Snapshot("", ledger_of(V1, *V2), Policy(environments={"v1": Environment()}))
    with pytest.raises(RuleRefused, match=r"is the record of a tag, and ledger\.yaml declares an environment"):
        promoted(posing, "myorg/app:v2", to="v1")


def test_what_an_environment_has_is_taken_out_as_a_whole() -> None:
    first = then(promoted(snapshot(), "myorg/app:v2", to="staging"))
    with pytest.raises(RuleRefused, match="for all platforms of v2"):
        edit.remove(first, [parse_name("myorg/app:staging")], reason="x", platform=Platform("linux/arm64"))


def test_facts_that_were_filled_in_since_do_not_change_the_time_of_a_promotion() -> None:
    whole = record("myorg/app", "v1", labels={"team": "core"})
    first = promoted(snapshot(whole), "myorg/app:v1", to="staging")
    filled = publish.publish(then(first), [draft("myorg/app", platform="linux/amd64", labels={"team": "core"})])
    change = promoted(then(filled), "myorg/app:v1", to="staging", now=Timestamp("2026-11-27T00:00:00Z"))
    (new,) = change.ledger.find(Name("myorg/app", "staging"))
    assert (new.platform, new.published_at) == ("linux/amd64", NOW)
    differences, message = compare(filled.ledger, change.ledger), parse_message(compose(change, "t"))
    assert RangeJudge(filled.ledger, POLICY).commit(filled.ledger, differences, message, POLICY, at=NOW) == []


def test_a_tag_of_an_environment_that_is_no_longer_declared_is_not_promoted_to() -> None:
    first = promoted(snapshot(), "myorg/app:v1", to="staging")
    with pytest.raises(RuleRefused, match="no longer declares") as raised:
        publish.publish(Snapshot("", first.ledger, Policy()), [draft("myorg/app", tag="staging")])
    assert raised.value.hint.startswith("remove it with `ledger remove myorg/app:staging")

"""What `set`, `remove` and `yank` do, and how `get` finds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger_tool.core.changes.change import Change, Snapshot, results
from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp, parse_platform, parse_timestamp, parse_ttl
from ledger_tool.core.ledger.record import Record, Yanked
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes import publish as rules
from ledger_tool.errors import UnknownImage, UsageError
from tests.support.values.make import digest, draft, ledger_of, record

AMD, ARM = "linux/amd64", "linux/arm64"
DEFAULT = Policy()
LEDGER = ledger_of(
    record("base", labels={"env": "prod"}),
    record("myorg/app", tag="v1", platform=AMD, digest=digest(AMD), labels={"env": "test", "team": "core"}, ttl="7d"),
    record("myorg/app", tag="v1", platform=ARM, digest=digest(ARM)),
    record("myorg/app", tag="v2"),
)


def snapshot(ledger: Ledger = LEDGER, policy: Policy = DEFAULT) -> Snapshot:
    return Snapshot("", ledger, policy)


def by_key(change: Change) -> dict[str, Record]:
    return {str(one.key): one for one in change.ledger.records()}


def remove(*names: str, platform: str = "", policy: Policy = DEFAULT) -> Change:
    references = [parse_name(name) for name in names]
    on = parse_platform(platform) if platform else None
    return edits.remove(snapshot(policy=policy), references, reason="gone", platform=on)


def test_set_adds_and_overwrites_labels_of_all_that_match_and_keeps_the_others() -> None:
    change = edits.set_facts(snapshot(), ["myorg/*"], labels={"env": "prod"})
    labels = {key: dict(one.labels) for key, one in by_key(change).items()}
    assert labels == {
        "base:v1": {"env": "prod"},
        "myorg/app:v1 (linux/amd64)": {"env": "prod", "team": "core"},
        "myorg/app:v1 (linux/arm64)": {"env": "prod"},
        "myorg/app:v2": {"env": "prod"},
    }
    assert [one.kind for one in change.reported] == ["updated"] * 3


def test_set_touches_nothing_but_labels_and_ttl() -> None:
    change = edits.set_facts(snapshot(), ["*"], labels={"a": "b"}, ttl=parse_ttl("1d"))
    before, after = by_key(Change("set", LEDGER, [])), by_key(change)
    for key, one in after.items():
        assert replace(one, labels=before[key].labels, ttl=before[key].ttl) == before[key]


def test_unlabel_takes_a_label_away_where_it_is() -> None:
    change = edits.set_facts(snapshot(), ["*"], labels={}, unlabel=["team", "nowhere"])
    assert [str(effect.key) for effect in change.effects] == ["myorg/app:v1 (linux/amd64)"]
    assert dict(change.effects[0].record.labels) == {"env": "test"}


def test_a_label_that_is_both_set_and_taken_away_is_set() -> None:
    change = edits.set_facts(snapshot(), ["base"], labels={"env": "new"}, unlabel=["env"])
    assert dict(by_key(change)["base:v1"].labels) == {"env": "new"}


def test_set_gives_keeps_and_clears_a_ttl() -> None:
    given = edits.set_facts(snapshot(), ["myorg/app:v1"], labels={}, ttl=parse_ttl("1d"))
    kept = edits.set_facts(snapshot(), ["myorg/app:v1"], labels={"a": "b"})
    cleared = edits.set_facts(snapshot(), ["myorg/app:v1"], labels={}, clear_ttl=True)
    found = [[one.record.ttl for one in change.reported] for change in (given, kept, cleared)]
    assert found == [["1d", "1d"], ["7d", None], [None, None]]
    assert [one.kind for one in cleared.reported] == ["updated", "unchanged"]


def test_setting_what_is_set_already_changes_nothing() -> None:
    once = edits.set_facts(snapshot(), ["*"], labels={"a": "b"}, unlabel=["env"], ttl=parse_ttl("1d"))
    again = edits.set_facts(snapshot(once.ledger), ["*"], labels={"a": "b"}, unlabel=["env"], ttl=parse_ttl("1d"))
    assert once.changed
    assert not again.changed
    assert again.ledger == once.ledger


def test_a_record_that_two_patterns_match_is_edited_once() -> None:
    change = edits.set_facts(snapshot(), ["myorg/app:v2", "myorg/*:v*"], labels={"a": "b"})
    assert [str(one.record.key) for one in change.reported].count("myorg/app:v2") == 1


def test_a_pattern_that_matches_nothing_refuses_the_whole_edit() -> None:
    with pytest.raises(UnknownImage) as caught:
        edits.set_facts(snapshot(), ["base", "nothing/*:v9"], labels={"a": "b"})
    assert "nothing/*:v9" in caught.value.message
    assert caught.value.exit_code == 3


def test_remove_takes_every_platform_of_a_tag_and_nothing_else() -> None:
    change = remove("myorg/app:v1")
    assert list(by_key(change)) == ["base:v1", "myorg/app:v2"]
    assert [(one.kind, one.record.platform) for one in change.reported] == [("removed", AMD), ("removed", ARM)]
    assert change.reason == "gone"


def test_remove_of_one_platform_keeps_the_others() -> None:
    change = remove("myorg/app:v1", platform=ARM)
    assert [str(one.record.key) for one in change.reported] == ["myorg/app:v1 (linux/arm64)"]
    assert "myorg/app:v1 (linux/amd64)" in by_key(change)


def test_remove_of_a_name_given_twice_removes_it_once() -> None:
    assert len(remove("base:v1", "base:v1").reported) == 1


def test_the_result_of_a_removal_tells_the_digest_that_went() -> None:
    (result,) = results(remove("base:v1"), "c0ffee")
    assert (result.digest, result.changed, result.records) == (digest(), True, ())


@pytest.mark.parametrize(
    ("name", "platform", "told"),
    [
        ("nothing:v1", "", "the ledger has no record of nothing:v1"),
        ("base:v9", "", "the ledger has no record of base:v9"),
        ("base:v1", ARM, "base:v1 has no record for linux/arm64"),
        ("nothing:v1", ARM, "the ledger has no record of nothing:v1"),
    ],
)
def test_remove_of_what_is_not_there_is_refused_and_named(name: str, platform: str, told: str) -> None:
    with pytest.raises(UnknownImage) as caught:
        remove("myorg/app:v1" if platform == ARM else "myorg/app:v2", name, platform=platform)
    assert caught.value.message == told


def test_remove_understands_a_configured_registry_and_no_other() -> None:
    policy = Policy(registries=(Registry("registry.example.com"),))
    assert remove("registry.example.com/base:v1", policy=policy).changed
    with pytest.raises(UsageError):
        remove("ghcr.io/base:v1", policy=policy)


def test_find_gives_all_platforms_or_the_one_asked_for() -> None:
    name = parse_name("myorg/app:v1")
    assert [one.platform for one in snapshot().find(name)] == [AMD, ARM]
    assert [one.platform for one in snapshot().find(name, parse_platform("linux/aarch64"))] == [ARM]


def test_find_of_a_platform_that_is_not_there_tells_which_are() -> None:
    with pytest.raises(UnknownImage) as caught:
        snapshot().find(parse_name("myorg/app:v1"), parse_platform("linux/386"))
    assert caught.value.message == "myorg/app:v1 has no record for linux/386"
    assert f"{AMD}, {ARM}" in caught.value.hint


def test_find_of_an_unknown_image_tells_how_to_look() -> None:
    with pytest.raises(UnknownImage) as caught:
        snapshot().find(parse_name("myorg/app:v7"))
    assert "myorg/app:v7" in caught.value.message
    assert "ledger list 'myorg/app'" in caught.value.hint


def test_every_outcome_of_an_edit_is_a_record_of_the_ledger_afterwards() -> None:
    before = snapshot()
    change = edits.set_facts(before, ["*"], labels={"a": "b"})
    pairs = zip(before.ledger.records(), change.ledger.records(), strict=True)
    assert [Effect("updated", (old,), new) for old, new in pairs] == list(change.reported)


THEN, LATER = parse_timestamp("2026-11-25T08:00:00Z"), parse_timestamp("2026-11-26T08:00:00Z")


def yank(
    *names: str, ledger: Ledger = LEDGER, reason: str = "broken", platform: str = "", undo: bool = False,
    at: Timestamp = THEN,
) -> Change:  # fmt: skip
    references = [parse_name(name) for name in names]
    on = parse_platform(platform) if platform else None
    return edits.yank(snapshot(ledger), references, now=at, reason=reason, platform=on, undo=undo)


def test_yank_marks_every_platform_and_touches_nothing_else() -> None:
    change = yank("myorg/app:v1")
    assert (change.verb, change.reason) == ("yank", "broken")
    before, after = by_key(Change("yank", LEDGER, [])), by_key(change)
    marked = {key for key, one in after.items() if one.yanked}
    assert marked == {"myorg/app:v1 (linux/amd64)", "myorg/app:v1 (linux/arm64)"}
    assert {one.yanked for key, one in after.items() if key in marked} == {Yanked(THEN, "broken")}
    assert {key: replace(one, yanked=None) for key, one in after.items()} == before


def test_yank_of_one_platform_leaves_the_others() -> None:
    change = yank("myorg/app:v1", platform=ARM)
    assert [str(one.key) for one in by_key(change).values() if one.yanked] == ["myorg/app:v1 (linux/arm64)"]


def test_yank_of_one_platform_marks_the_same_image_for_the_others_too() -> None:
    twins = [record("app", "v1", platform=one, index=digest("i")) for one in (AMD, ARM)]
    done = yank("app:v1", ledger=ledger_of(*twins), platform=ARM)
    assert {one.yanked for one in done.ledger.records()} == {Yanked(THEN, "broken")}
    half = ledger_of(twins[0], *(one for one in done.ledger.records() if one.platform == ARM))
    again = yank("app:v1", ledger=half, platform=AMD, at=LATER)
    assert {one.yanked for one in again.ledger.records()} == {Yanked(THEN, "broken")}
    undone = yank("app:v1", ledger=done.ledger, platform=AMD, undo=True, reason="it was the network")
    assert undone.ledger == ledger_of(*twins)


def test_yank_again_changes_nothing_and_another_reason_keeps_the_time() -> None:
    once = yank("base:v1").ledger
    assert not yank("base:v1", ledger=once, at=LATER).changed
    again = yank("base:v1", ledger=once, at=LATER, reason="leaks a password")
    assert by_key(again)["base:v1"].yanked == Yanked(THEN, "leaks a password")


def test_undo_gives_back_the_ledger_as_it_was_before_the_yank() -> None:
    change = yank("myorg/app:v1", ledger=yank("myorg/app:v1").ledger, undo=True, reason="it was the network")
    assert (change.verb, change.reason, change.ledger) == ("unyank", "it was the network", LEDGER)
    assert not yank("base:v1", undo=True).changed


@pytest.mark.parametrize("undo", [False, True])
def test_yank_of_what_is_not_there_is_refused_as_a_whole(undo: bool) -> None:
    with pytest.raises(UnknownImage):
        yank("base:v1", "base:v9", undo=undo)


def test_the_same_digest_keeps_the_mark_and_a_forced_move_drops_it() -> None:
    yanked = snapshot(yank("base:v1").ledger)
    same = rules.publish(yanked, [draft("base", labels={"a": "b"})])
    assert by_key(same)["base:v1"].yanked == Yanked(THEN, "broken")
    moved = rules.publish(yanked, [draft("base", digest=digest("mended"))], force_reason="mended")
    assert by_key(moved)["base:v1"].yanked is None

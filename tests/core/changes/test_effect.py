"""What became of each record, told from the ledgers before and after."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from ledger_tool.core.changes import effect as effects
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Record, changed_fields, lost_fields, to_json
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.smallworld import ledgers

AMD, ARM, S390 = "linux/amd64", "linux/arm64", "linux/s390x"


def at(platform: str | None, seed: str = "a", **more: Any) -> Record:
    return record(platform=platform, digest=digest(seed), **more)


def below(platform: str, seed: str = "a", **more: Any) -> Record:
    return at(platform, seed, index=digest("i"), **more)


def mark(seed: str) -> dict[str, str]:
    return {"replaces": digest(seed), "reason": "rebuilt"}


@pytest.mark.parametrize(
    ("old", "new", "done"),
    [
        ([], [at(AMD)], [("added", AMD, ())]),
        ([at(AMD)], [], [("removed", AMD, ())]),
        ([at(AMD)], [at(AMD, ttl="7d")], [("updated", AMD, ())]),
        ([at(AMD)], [at(AMD, "b")], [("moved", AMD, ("a",))]),
        ([at(None)], [at(AMD)], [("updated", AMD, ())]),  # its platform is filled in
        ([at(None)], [at(AMD, "b")], [("moved", AMD, ("a",))]),
        ([at(AMD), at(ARM, "b")], [at(None, "c")], [("moved", "", ("a", "b"))]),
        ([at(AMD), at(ARM, "b")], [at(AMD), at(ARM, "c")], [("moved", ARM, ("b",))]),
        ([at(None)], [at(AMD, "b"), at(ARM)], [("added", AMD, ()), ("updated", ARM, ())]),
        ([at(None)], [at(AMD, "b"), at(ARM, "c")], [("moved", AMD, ("a",)), ("added", ARM, ())]),
        ([at(AMD)], [at(ARM, "b")], [("moved", ARM, ("a",))]),  # it is pulled by something else
        ([below(AMD), below(ARM, "b")], [below(AMD, ttl="7d")], [("removed", ARM, ()), ("updated", AMD, ())]),
        ([below(AMD), below(ARM, "b")], [below(AMD), below(S390, "c")], [("added", S390, ()), ("removed", ARM, ())]),
        ([below(AMD), below(ARM, "b")], [below(AMD, "c")], [("moved", AMD, ("a",)), ("removed", ARM, ())]),
        ([below(AMD)], [below(ARM, "b")], [("added", ARM, ()), ("removed", AMD, ())]),
        ([below(AMD), below(ARM, "b")], [at(AMD)], [("moved", AMD, ("b",))]),  # with the index, its images go
        ([below(AMD), below(ARM, "b")], [below(AMD, forced=mark("b"))], [("moved", AMD, ("b",))]),
        ([below(AMD), below(ARM, "b"), below(S390, "c")], [below(AMD, forced=mark("c"))], [("moved", AMD, ("b", "c"))]),
        ([below(AMD), below(ARM, "b")], [below(AMD, forced=mark("i"))], [("removed", ARM, ()), ("updated", AMD, ())]),
        (  # the mark tells of an earlier move
            [below(AMD, forced=mark("b")), below(ARM, "b")],
            [below(AMD, forced=mark("b"), ttl="7d")],
            [("removed", ARM, ()), ("updated", AMD, ())],
        ),
        ([at(AMD, "i")], [below(ARM)], [("moved", ARM, ("i",))]),  # what was recorded as an image is its index
        ([below(AMD), below(ARM, "b")], [below(ARM)], [("moved", ARM, ("b",))]),  # the image gets another platform
    ],
)
def test_each_change_is_what_a_person_calls_it(
    old: list[Record], new: list[Record], done: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    found = effects_of(compare(ledger_of(*old), ledger_of(*new)))
    assert sorted((effect.kind, effect.key.platform, effect.replaces) for effect in found) == sorted(
        (effect, platform, tuple(map(digest, seeds))) for effect, platform, seeds in done
    )


def test_an_update_knows_what_it_changed_and_what_it_took_away() -> None:
    full = at(AMD, labels={"a": "1", "b": "2"}, ttl="7d")
    (effect,) = effects_of(compare(ledger_of(full), ledger_of(at(AMD, labels={"a": "3"}, index=digest("i")))))
    assert effect.fields() == {"labels", "ttl", "index"}
    assert effect.lost() == {"labels", "ttl"}


@given(ledgers(), ledgers())
def test_every_record_that_differs_is_in_one_effect_and_no_other_is(old: Ledger, new: Ledger) -> None:
    differences = compare(old, new)
    done = effects_of(differences)
    assert sorted(effect.new.key for effect in done if effect.new) == sorted(one.key for one in differences if one.new)
    assert sorted(one.key for effect in done for one in effect.old) == sorted(one.key for one in differences if one.old)
    assert effects_of(compare(new, new)) == []


@given(ledgers(), ledgers())
def test_what_cannot_take_the_place_of_another_record_is_told_as_by_the_whole_rule(old: Ledger, new: Ledger) -> None:
    empty = Ledger()
    for before, after in ((old, new), (empty, new), (old, empty)):
        told = effects_of(compare(before, after), after.find)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(effects, "_kind_of_all", lambda _: None)
            whole = effects_of(compare(before, after), after.find)
        assert told == whole
        assert [one.copies for one in told] == [one.copies for one in whole]


@given(ledgers(), ledgers())
def test_the_fields_that_an_update_changed_and_lost_are_those_of_its_json(old: Ledger, new: Ledger) -> None:
    for one in compare(old, new):
        if one.old and one.new:
            was, now = to_json(one.old), to_json(one.new)
            assert changed_fields(one.old, one.new) == {
                name for name in was.keys() | now.keys() if was.get(name) != now.get(name)
            }
            assert lost_fields(one.old, one.new) == was.keys() - now.keys()

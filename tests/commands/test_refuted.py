"""A record that says something else of its image than the image itself is wrong, and every other one is right."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger_tool.commands.inspect import inspect
from ledger_tool.commands.listed import refuted_at
from ledger_tool.commands.observe import Allowance, Looks
from ledger_tool.commands.once import OncePerRun
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.registry.drift import classify
from ledger_tool.core.registry.refutation import Refutation
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import LedgerError, RuleRefused
from tests.support.registries.documents import IMAGE, NAMES, PLATFORMS, Documents, chosen, registries
from tests.support.values.make import digest, draft, record
from tests.support.values.profiles import example_count

AMD, ARM = PLATFORMS[:2]


def _refuted(made: Documents, one: Record) -> Refutation | None:
    return refuted_at(OncePerRun(), made, one)


def _reason(made: Documents, one: Record) -> str:
    refuted = _refuted(made, one)
    return refuted.reason if refuted else ""


def _recorded(one: Draft) -> Record:
    assert one.digest
    return record(digest=one.digest, platform=one.platform, index=one.index, config=one.config)


def _published(made: Documents, **given: Any) -> list[Record]:
    try:
        wanted = draft(**{"digest": None} | given)
        found = inspect([wanted], Snapshot("", Ledger(), Policy((Registry(made.name),))), made)
    except RuleRefused:
        return []
    return [_recorded(one) for one in found.drafts]


@given(registries(), st.none() | st.sampled_from(NAMES), st.data())
@example_count(150)
def test_what_a_publish_records_is_never_wrong(made: Documents, name: str | None, data: st.DataObject) -> None:
    given_digest = data.draw(st.none() | st.sampled_from(sorted(made.documents)))
    for one in _published(made, platform=name, digest=given_digest):
        assert _refuted(made, one) is None, one


@given(registries(), st.sampled_from(NAMES), st.data())
@example_count(200)
def test_a_record_is_wrong_where_clients_pull_another_image_than_it_says(
    made: Documents, name: str, data: st.DataObject
) -> None:
    images = {one: json.loads(raw) for one, (raw, kind) in made.documents.items() if kind == IMAGE}
    claimed = data.draw(st.sampled_from([*sorted(made.documents), digest("not there")]))
    config = data.draw(st.none() | st.sampled_from([digest("not this"), *sorted(made.blobs)]))
    pulled = chosen(made, made.tagged, PLATFORMS[NAMES.index(name)])
    one = record(digest=claimed, platform=name, index=made.tagged, config=config)
    try:
        refuted = _refuted(made, one)
    except LedgerError:  # an index that no publish takes, either
        return
    if claimed not in images or pulled not in ("", claimed):
        assert refuted
        assert refuted.is_other_image
    elif pulled == claimed:
        is_right = config in (None, images[claimed]["config"]["digest"])
        assert (refuted is None) == is_right
        assert refuted is None or not refuted.is_other_image


def _drift(made: Documents, one: Record) -> str:
    looks = Looks(jobs=1, allowance=Allowance(999))
    observed = list(looks.all([(made, [one])]))
    for _, seen in looks.explain(observed):
        observed = [(observed[0][0], seen)]
    (finding,) = classify([one], "r", observed[0][1], Timestamp("2026-11-25T00:00:00Z"))
    return finding.drift


@given(registries(), st.sampled_from(NAMES), st.data())
@example_count(200)
def test_a_tag_that_moved_serves_the_same_image_only_where_clients_pull_that(
    made: Documents, name: str, data: st.DataObject
) -> None:
    wanted = PLATFORMS[NAMES.index(name)]
    own = {one: made.blobs[json.loads(raw)["config"]["digest"]] for one, (raw, kind) in made.documents.items()
           if kind == IMAGE}  # fmt: skip
    assume(images := sorted(one for one, config in own.items() if config == {"seed": config["seed"], **wanted}))
    one = record(digest=data.draw(st.sampled_from(images)), platform=data.draw(st.sampled_from([name, None])))
    pulled = chosen(made, made.tagged, wanted)
    found = _drift(made, one)
    assert found in ("tag-moved", "index-moved")
    try:
        refuted = _refuted(made, replace(one, index=Digest(made.tagged)))
    except LedgerError:  # an index that no publish takes, either
        return
    if one.platform and pulled:
        assert found == ("index-moved" if pulled == one.digest else "tag-moved")
    assert (found == "index-moved") == (refuted is None)


def test_another_image_that_clients_get_first_has_moved_the_tag(made: Documents) -> None:
    """Also for a record without a platform, and where only the configs say which of two is for a platform."""
    first, ours, other = made.image(3, AMD), made.image(4, AMD), made.image(5, ARM)
    of_amd = {"platform": AMD}
    for entries, platform, expected in (
        ([first | of_amd, ours | of_amd], None, "tag-moved"),
        ([ours | of_amd, first | of_amd], None, "index-moved"),
        ([first, ours], "linux/amd64", "tag-moved"),
        ([other, ours], "linux/amd64", "index-moved"),
        ([other, ours], None, "index-moved"),
        ([first | of_amd, ours], None, "tag-moved"),
    ):
        made.tagged = made.index(entries)["digest"]
        assert _drift(made, record(digest=ours["digest"], platform=platform)) == expected


def _classes(made: Documents, *records: Record) -> list[tuple[str, str]]:
    seen = Looks(jobs=1, scope="deep").look(made, records)
    return [(one.drift, one.reason) for one in classify(records, "r", seen, Timestamp("2026-11-25T00:00:00Z"))]


@pytest.fixture
def made() -> Documents:
    """Return a registry whose tag serves an index of an image for amd64 and one for arm64."""
    made = Documents()
    amd, arm = made.image(1, AMD), made.image(2, ARM)
    made.tagged = made.index([amd | {"platform": AMD}, arm | {"platform": ARM}])["digest"]
    return made


def test_each_lie_about_an_image_of_an_index_is_a_class_of_drift_with_what_was_seen(made: Documents) -> None:
    amd, arm = (chosen(made, made.tagged, one) for one in (AMD, ARM))
    other = made.image(3, AMD)["digest"]
    right = {"digest": amd, "platform": "linux/amd64", "index": made.tagged}
    assert _classes(made, record(**right)) == [("in-sync", "")]
    config = json.loads(made.documents[amd][0])["config"]["digest"]
    for lie, reason in (
        ({"platform": "linux/arm64"}, f"the recorded index leads to {arm} for linux/arm64, not to the recorded image"),
        ({"platform": "linux/s390x"}, "the recorded image is for linux/amd64, not for linux/s390x"),
        ({"digest": other}, f"the recorded index leads to {amd} for linux/amd64, not to the recorded image"),
        (
            {"digest": other, "platform": "linux/s390x"},
            "the recorded index does not lead to the recorded image",
        ),
        ({"config": digest("x")}, f"the config of the recorded image is {config}, not the recorded {digest('x')}"),
    ):
        assert _classes(made, record(**right | lie)) == [("children-missing", reason)]


def test_each_lie_about_an_image_without_an_index_is_a_class_of_drift_too(made: Documents) -> None:
    made.tagged = made.image(1, AMD)["digest"]
    index = made.index([])["digest"]
    right = {"digest": made.tagged, "platform": "linux/amd64"}
    assert _classes(made, record(**right)) == [("in-sync", "")]
    assert _classes(made, record(digest=made.tagged)) == [("in-sync", "")]
    assert _reason(made, record(**right | {"platform": "linux/arm64"})) == (
        "the recorded image is for linux/amd64, not for linux/arm64"
    )
    assert "not the recorded" in _reason(made, record(**right | {"config": digest("x")}))
    assert _reason(made, record(digest=index, index=made.tagged)) == (
        f"the recorded index is an image, and not the recorded {index}"
    )
    assert _refuted(made, record(**right | {"index": made.tagged})) == Refutation("the recorded index is an image")


def test_a_digest_that_is_an_index_is_right_only_where_nobody_looked(made: Documents) -> None:
    assert _refuted(made, record(digest=made.tagged)) is None
    assert "is an index, which leads to" in _reason(made, record(digest=made.tagged, platform="linux/amd64"))
    assert "no config" in _reason(made, record(digest=made.tagged, config=digest("x")))

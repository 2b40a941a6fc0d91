"""Messages that count what they did: each count speaks for what its verb does, in the environment that it names."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import compose, parse_message
from ledger_tool.core.changes.promotion import promoted
from ledger_tool.core.judging.check import RangeJudge
from ledger_tool.core.judging.commit import judge_commit
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Tag, Timestamp
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import Environment, Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit
from ledger_tool.core.writes.promote import Promotion, promote
from tests.support.values import squashes
from tests.support.values.make import digest, ledger_of, record

NOW, LATER = Timestamp("2026-11-26T12:00:00Z"), Timestamp("2026-11-26T13:00:00Z")
POLICY = Policy(
    environments={"staging": Environment(), "canary": Environment("staging"), "prod": Environment("staging")}
)
IMAGES = [f"app-{number:03}" for number in range(101)]
VERSIONS = ("v1", "v2")
RECORDS = {(image, tag): record(image, tag, digest=digest((image, tag))) for image in IMAGES for tag in VERSIONS}
Why = tuple[str, ...]


def having(**versions: str) -> Ledger:
    """Return a ledger where each of these environments has one version of all images."""
    held: list[Record] = []
    for environment, version in versions.items():
        for image in IMAGES:
            held += promoted([RECORDS[image, version]], Tag(environment), NOW)
    return ledger_of(*RECORDS.values(), *held)


START, END = having(staging="v1", canary="v1", prod="v1"), having(staging="v1", canary="v1", prod="v2")


def promotion(before: Ledger, to: str, version: str, reason: str = "why") -> Change:
    versions = {image: Tag(version) for image in IMAGES}
    return promote(Snapshot("", before, POLICY), Promotion(Tag(to), versions), now=LATER, reason=reason)


def told(change: Change, number: int, *, reason: bool = True) -> str:
    text = compose(change, f"{number:016x}")
    return text if reason else text.replace("Reason: why\n", "")


def faults(before: Ledger, after: Ledger, text: str, policy: Policy = POLICY) -> set[str]:
    """Return which rules a commit with this message breaks, each with the beginning of what is said."""
    judge = RangeJudge(before, policy)
    found = judge.commit(before, compare(before, after), parse_message(text), policy, at=LATER)
    return {f"{fault.rule}: {fault.message}" for fault in found}


def rules(before: Ledger, after: Ledger, text: str) -> set[str]:
    return {fault.partition(":")[0] for fault in faults(before, after, text)}


MOVED = promotion(START, "prod", "v2")


def test_a_promotion_that_counts_names_its_environment() -> None:
    text = told(MOVED, 1)
    assert text.startswith("promote 101 images to prod\n\nRecords: 101\nEnvironment: prod\nSource-Ref: ")
    assert parse_message(text).block.environments == ("prod",)
    assert faults(START, MOVED.ledger, text) == set()
    removed = edit.remove(Snapshot("", START, POLICY), [parse_name(f"{image}:prod") for image in IMAGES], reason="why")
    assert "Environment:" not in compose(removed)
    assert faults(START, removed.ledger, compose(removed)) == set()


@pytest.mark.parametrize("host", sorted(squashes.FORMATS))
def test_no_host_s_squash_loses_the_environment(host: str) -> None:
    canary = promotion(MOVED.ledger, "canary", "v2")
    message = parse_message(squashes.FORMATS[host]([told(MOVED, 1), told(canary, 2)]))
    assert sorted(block.environments for block in message.blocks) == [("canary",), ("prod",)]
    assert faults(START, canary.ledger, squashes.FORMATS[host]([told(MOVED, 1), told(canary, 2)])) == set()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("to prod", "to canary", "it promotes to canary and to prod, and it changes app-000:prod"),
        ("Environment: prod", "Environment: canary", "it promotes to canary and to prod, and it changes app-000:prod"),
        ("prod", "canary", "it promotes to canary, and it changes app-000:prod"),
        ("promote 101 images to prod", "Release (#12)", ""),
        ("Environment: prod\n", "", ""),
        ("promote 101 images to prod\n\nRecords: 101\nEnvironment: prod\n", "Release (#12)\n\nRecords: 101\n",
         "counts records, and does not name the environment `prod`"),
    ],
)  # fmt: skip
def test_a_count_of_another_environment_is_not_what_the_commit_did(old: str, new: str, why: str) -> None:
    found = faults(START, MOVED.ledger, told(MOVED, 1).replace(old, new))
    assert len(found) == bool(why)
    assert all(fault.startswith("trailers: ") and fault.endswith(why) for fault in found)


def test_a_promotion_that_names_its_images_does_not_call_another_environment_its_own() -> None:
    one = Promotion(Tag("prod"), {IMAGES[0]: Tag("v2")})
    change = promote(Snapshot("", START, POLICY), one, now=LATER, reason="why")
    text = compose(change, "1")
    assert faults(START, change.ledger, text) == set()
    (found,) = faults(START, change.ledger, text.replace("to prod", "to canary", 1))
    assert found == "trailers: its message says that it promotes to canary, and it changes app-000:prod"


def squashed(*said: str, host: str = "github") -> str:
    return squashes.FORMATS[host](said)


BARE = told(MOVED, 1, reason=False)
CANARY = promotion(START, "canary", "v2")
NOWHERE = told(MOVED, 2).replace("prod", "nowhere")
YANKED = edit.yank(
    Snapshot("", START, POLICY), [parse_name(f"{image}:v1") for image in IMAGES], now=LATER, reason="why"
)


@pytest.mark.parametrize(
    "said",
    [
        [BARE, told(CANARY, 2)],
        [told(CANARY, 2), BARE],
        [BARE, NOWHERE],
        [BARE, NOWHERE.replace("Environment: nowhere\n", "")],
        [BARE, told(CANARY, 2).replace("Environment: canary", "Environment: prod")],  # its subject says canary
        [BARE, told(MOVED, 2)],  # nobody can tell which one it was
        [told(MOVED, 2), told(promotion(MOVED.ledger, "prod", "v1"), 3), BARE],
        [BARE, told(YANKED, 2)],
    ],
)
@pytest.mark.parametrize("host", sorted(squashes.FORMATS))
def test_a_reason_of_another_count_is_none_for_what_is_there(said: Sequence[str], host: str) -> None:
    found = faults(START, END, squashed(*said, host=host))
    assert any("changes without a `Reason`" in fault for fault in found), found


def test_counts_that_all_give_a_reason_give_one() -> None:
    back = promotion(MOVED.ledger, "prod", "v1")
    again = promotion(back.ledger, "prod", "v2")
    assert faults(START, again.ledger, squashed(told(MOVED, 1), told(back, 2), told(again, 3))) == set()


def test_a_count_of_one_environment_explains_no_change_of_another() -> None:
    both = promotion(MOVED.ledger, "canary", "v2").ledger
    text = squashed(told(MOVED, 1), told(promotion(START, "prod", "v2", "other"), 2))
    assert "unexplained" in rules(START, both, text)
    published = told(MOVED, 2).replace("promote", "publish").replace(" to prod", "").replace("Environment: prod\n", "")
    assert "unexplained" in rules(having(staging="v1"), START, squashed(published, published.replace("why", "x")))


REMOVED = edit.remove(Snapshot("", START, POLICY), [parse_name(f"{image}:v2") for image in IMAGES], reason="why")


@pytest.mark.parametrize(
    "other", [told(YANKED, 2), told(CANARY, 2), told(MOVED, 2).replace("promote", "publish").replace(" to prod", "")]
)
def test_a_reason_of_another_count_is_none_for_a_removal_or_a_mark(other: str) -> None:
    bare = told(REMOVED, 1, reason=False)
    assert "reason" in rules(START, REMOVED.ledger, squashed(bare, other))
    assert rules(START, REMOVED.ledger, squashed(told(REMOVED, 1), other)) <= {"unexplained"}
    marks = told(YANKED, 1, reason=False), told(REMOVED, 2)
    assert {"reason"} <= rules(START, YANKED.ledger, squashed(*marks))


@pytest.mark.parametrize("other", ["publish", "yank", "set"])
def test_a_reason_of_another_verb_is_none_for_the_removal_of_what_it_names(other: str) -> None:
    gone = RECORDS[IMAGES[0], "v1"]
    block = f"Image: {gone.name}\nDigest: {gone.digest}\nSource-Ref: {gone.source_ref}\n"
    said = [f"remove {gone.name}\n\n{block}", f"{other} {gone.name}\n\n{block}Reason: why\n"]
    before, after = ledger_of(gone), Ledger()
    found = judge_commit(effects_of(compare(before, after)), parse_message(squashed(*said)), Policy())
    assert [fault.rule for fault in found] == ["reason"]
    own = [f"remove {gone.name}\n\n{block}Reason: why\n", said[1]]
    assert judge_commit(effects_of(compare(before, after)), parse_message(squashed(*own)), Policy()) == []


def test_a_reason_for_one_platform_is_none_for_the_removal_of_another() -> None:
    both = [record("app", platform=f"linux/{one}", digest=digest(one), index=digest("i")) for one in ("amd64", "arm64")]
    said = [
        f"remove app:v1\n\nImage: app:v1\nPlatform: {one.platform}\nDigest: {one.digest}\n{why}"
        for one, why in zip(both, ("Reason: why\n", "Transaction-Id: 2\n"), strict=True)
    ]
    before = ledger_of(*both)
    found = judge_commit(effects_of(compare(before, Ledger())), parse_message(squashed(*said)), Policy())
    assert [(fault.rule, fault.key and fault.key.platform) for fault in found] == [("reason", "linux/arm64")]


def test_a_count_of_promotions_explains_no_publish() -> None:
    new = [record(f"new-{number:03}", digest=digest(number)) for number in range(202)]
    publish = f"publish 101 images\n\nRecords: 101\nSource-Ref: {new[0].source_ref}\nTransaction-Id: 1\n"
    after = ledger_of(*START.records(), *new)
    assert "unexplained" in rules(START, after, squashed(publish, told(MOVED, 2)))
    assert rules(START, after, squashed(publish, publish.replace("Id: 1", "Id: 2"))) == set()


def test_only_the_images_that_it_names_have_the_reason_of_a_promotion() -> None:
    tested, evil = digest("tested"), digest("evil")

    def held(environment: str, arm: str, version: str | None = "v1") -> list[Record]:
        more = {"version": version, "publishedAt": LATER} if version else {}
        return [
            record("app", environment, platform=f"linux/{platform}", digest=one, index=digest("i"), **more)
            for platform, one in (("amd64", digest("amd")), ("arm64", arm))
        ]

    def block(records: Sequence[Record], more: str) -> str:
        lines = [f"Platform: {one.platform}\nDigest: {one.digest}\n" for one in records]
        return f"promote app:v1 to prod\n\nImage: app:prod\nVersion: v1\n{''.join(lines)}{more}"

    version = held("v1", evil, None)
    policy = Policy(environments=POLICY.environments, mutable=("v1",))
    before, after = ledger_of(*version), ledger_of(*version, *held("prod", evil))
    said = [block(held("prod", tested), "Reason: hot fix\n"), block(held("prod", evil), "Transaction-Id: 2\n")]
    found = faults(before, after, squashed(*said), policy)
    assert any("app:prod changes without a `Reason`" in fault for fault in found), found
    name = Name("app", "prod")
    assert after.find(name)

"""What a publish makes of provenance and of the bases that it tells, beside what the ledger has."""

from __future__ import annotations

from typing import Any

import pytest

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.ledger.record import Provenance, Record
from ledger_tool.core.policy.policy import Policy, ProvenanceRule, TrustedSigner
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import NotProved
from tests.support.values.make import digest, draft, ledger_of, record

A, B = Digest(digest("a")), Digest(digest("b"))
_BASE, _OTHER = f"base:1@{digest('base')}", f"base:2@{digest('base')}"


def _proof(seed: str, signer: str = "") -> Provenance:
    return Provenance(Digest(digest(seed)), f"https://ci/{seed}", signer)


def _json(proof: Provenance | None) -> dict[str, str] | None:
    if proof is None:
        return None
    given = {"digest": proof.digest, "builder": proof.builder, "signer": proof.signer}
    return {name: value for name, value in given.items() if value}


def _publish(ledger: Ledger, *drafts: Draft, **more: Any) -> Change:
    return rules.publish(Snapshot("c", ledger, Policy(mutable=("v1",))), drafts, **more)


def _after(old: Record, new: Draft) -> Record:
    (after,) = _publish(ledger_of(old), new).ledger.records()
    return after


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        (None, _proof("x"), _proof("x")),
        (_proof("x"), None, _proof("x")),
        (_proof("x"), _proof("y"), _proof("y")),
        (_proof("x"), _proof("y", "ada"), _proof("y", "ada")),
        (_proof("x", "ada"), _proof("y", "ben"), _proof("y", "ben")),
        (_proof("x", "ada"), _proof("x"), _proof("x", "ada")),
        (_proof("x", "ada"), _proof("y"), _proof("x", "ada")),  # what was checked is not given up for what was not
    ],
)
def test_what_is_found_takes_the_place_of_what_was_unless_that_is_signed(
    old: Provenance | None, new: Provenance | None, kept: Provenance | None
) -> None:
    after = _after(record(digest=A, provenance=_json(old)), draft(digest=A, provenance=new))
    assert after.provenance == kept
    assert not _publish(ledger_of(after), draft(digest=A, provenance=new)).changed


@pytest.mark.parametrize(
    ("old", "index", "new", "signer"),
    [
        (None, B, None, "ada"),  # what was checked was about the image itself
        (B, B, None, "ada"),
        (B, digest("other"), None, ""),
        (B, None, None, ""),
        (B, digest("other"), _proof("y"), ""),
        (B, digest("other"), _proof("y", "ben"), "ben"),
    ],
)
def test_what_was_checked_for_an_index_is_not_for_another(
    old: str | None, index: str | None, new: Provenance | None, signer: str
) -> None:
    known = record(digest=A, index=old, platform="linux/amd64", provenance=_json(_proof("x", "ada")))
    given = draft(digest=A, index=Digest(index) if index else None, platform="linux/amd64", provenance=new)
    after = _after(known, given)
    assert after.provenance == (new or _proof("x", signer))
    assert after.signer == signer
    rule = ProvenanceRule(("*",), (TrustedSigner(key="release.pub"),))
    policy = Policy(mutable=("v1",), require=("provenance",), provenance=(rule,))
    if not signer:
        with pytest.raises(NotProved, match="has no signed statement that was checked, which"):
            rules.publish(Snapshot("c", ledger_of(known), policy), [given])


def test_another_image_has_nothing_of_the_one_before_it() -> None:
    old = record(digest=A, provenance=_json(_proof("x", "ada")), dependsOn=[_BASE])
    assert (_after(old, draft(digest=B)).provenance, _after(old, draft(digest=B)).depends_on) == (None, ())
    moved = _after(old, draft(digest=B, provenance=_proof("y"), bases=(_OTHER,)))
    assert (moved.provenance, moved.depends_on) == (_proof("y"), (_OTHER,))


@pytest.mark.parametrize(
    ("recorded", "given", "told", "kept"),
    [
        ((), (), (_BASE,), (_BASE,)),
        ((), (_OTHER,), (_BASE,), (_OTHER,)),
        ((_OTHER,), (), (_BASE,), (_OTHER,)),
        ((_BASE,), (_OTHER,), (), (_OTHER,)),
    ],
)
def test_bases_that_provenance_tells_count_where_nobody_has_said_any(
    recorded: tuple[str, ...], given: tuple[str, ...], told: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    old = record(digest=A, dependsOn=list(recorded) or None)
    assert _after(old, draft(digest=A, depends_on=given, bases=told)).depends_on == kept


def test_bases_that_were_said_of_an_index_are_said_of_its_images() -> None:
    index = Digest(digest("index"))
    old = record(digest=index, dependsOn=[_OTHER])
    images = [
        draft(digest=one, index=index, platform=platform, looked_at=True, bases=(_BASE,), provenance=_proof(platform))
        for one, platform in ((A, "linux/amd64"), (B, "linux/arm64"))
    ]
    after = list(_publish(ledger_of(old), *images).ledger.records())
    assert [one.depends_on for one in after] == [(_OTHER,)] * 2
    assert [one.provenance for one in after] == [_proof("linux/amd64"), _proof("linux/arm64")]


def test_an_image_that_comes_to_one_more_platform_has_its_provenance_there_too() -> None:
    old = record(digest=A, platform="linux/amd64", provenance=_json(_proof("x", "ada")))
    more = [draft(digest=A, platform=platform, looked_at=True) for platform in ("linux/amd64", "linux/amd64/v2")]
    after = list(_publish(ledger_of(old), *more).ledger.records())
    assert [one.provenance for one in after] == [_proof("x", "ada")] * 2

"""What was checked is what is written, whatever others write in the meantime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from ledger_tool.commands.proofs import OpenProver
from ledger_tool.commands.provenance import Prover, given_documents
from ledger_tool.commands.publish import CHECKS, Overtaken, publish
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.policy import Policy, ProvenanceRule, TrustedSigner
from ledger_tool.core.writes import publish as writes
from ledger_tool.edges.provenance.trust import Trust
from ledger_tool.errors import NotProved
from tests.support.registries.attesting import github
from tests.support.values import signing
from tests.support.values.make import WHEN, digest, draft, source
from tests.support.values.memory import MemoryStore

_KEY = TrustedSigner(key="release.pub")
_RULE = ProvenanceRule(("*",), (_KEY,))
_FILES = {"release.pub": signing.public_pem(), "other.pub": signing.public_pem(name="other")}


def store(
    *rules: ProvenanceRule, require: tuple[str, ...] = (), rivals: list[Callable[[Snapshot], Change]] | None = None
) -> MemoryStore:
    return MemoryStore(policy=Policy(provenance=rules, require=require), files=_FILES, rivals=rivals or [])


def proving(of: MemoryStore, raw: bytes) -> OpenProver:
    return lambda snapshot: Prover(Trust(partial(of.file, snapshot)), given_documents(raw, "bundle.json"))


def run(of: MemoryStore, raw: bytes) -> None:
    publish(of, [draft()], now=Timestamp(WHEN), registries=None, open_prover=proving(of, raw), has_bundle=True)


def test_a_proved_image_is_recorded_with_its_signer() -> None:
    made = store(_RULE, require=("provenance",))
    run(made, signing.bundle(github(digest())))
    (record,) = made.ledger.find(Name("myorg/app", "v1"))
    assert record.provenance is not None
    assert record.provenance.signer == "key:release.pub"


def test_a_source_that_somebody_else_records_in_the_meantime_is_not_proved() -> None:
    made = store(_RULE, rivals=[lambda snapshot: writes.publish(snapshot, [draft(source_ref=source("another"))])])
    with pytest.raises(NotProved, match="it says commit"):
        run(made, signing.bundle(github(digest())))
    (record,) = made.ledger.find(Name("myorg/app", "v1"))
    assert (record.source_ref, record.provenance) == (source("another"), None)


def test_what_others_write_elsewhere_does_not_matter() -> None:
    made = store(_RULE, rivals=[lambda snapshot: writes.publish(snapshot, [draft("other/app")])])
    run(made, signing.bundle(github(digest())))
    assert len(made.ledger) == 2


def test_a_rule_that_changes_in_the_meantime_is_the_one_that_counts() -> None:
    made = store(_RULE)

    def rival(snapshot: Snapshot) -> Change:
        made.policy = replace(made.policy, provenance=(ProvenanceRule(("*",), (TrustedSigner(key="other.pub"),)),))
        return writes.publish(snapshot, [draft("other/app")])

    made.rivals.append(rival)
    with pytest.raises(NotProved):
        run(made, signing.bundle(github(digest())).replace(signing.hint().encode(), b""))


def test_a_ledger_that_always_changes_ends_the_run() -> None:
    made = store(_RULE)

    def rival(snapshot: Snapshot) -> Change:
        number = len(made.policy.provenance)
        made.policy = replace(made.policy, provenance=(_RULE,) * (number + 1))
        return writes.publish(snapshot, [draft(f"other/app{number}")])

    made.rivals += [rival] * CHECKS
    with pytest.raises(Overtaken):
        run(made, signing.bundle(github(digest())))

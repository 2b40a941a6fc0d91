"""Records that change while their statements are looked at are judged by what they are then."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ledger_tool.commands.provenance import Prover, given_documents
from ledger_tool.commands.reconcile_provenance import unproved
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, ProvenanceRule, TrustedSigner
from ledger_tool.core.provenance.envelope import parse_document
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.edges.provenance.trust import Trust
from tests.support.registries.attesting import github
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.values import signing
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.memory import MemoryStore

_POLICY = Policy(provenance=(ProvenanceRule(("*",), (TrustedSigner(key="release.pub"),)),))
_RAW = signing.bundle(github(digest()))
_NOW = {"digest": parse_document(_RAW).digest, "signer": "key:release.pub"}
_BEFORE = {"digest": digest("old"), "signer": "key:release.pub"}


def found(before: Record, meanwhile: Callable[[MemoryStore], None]) -> list[DriftFinding]:
    """Return the findings of a run that reads a ledger which then changes."""
    store = MemoryStore(ledger_of(before), _POLICY, files={"release.pub": signing.public_pem()})
    snapshot = store.read()
    meanwhile(store)

    def prover(of: Snapshot) -> Prover:
        return Prover(Trust(partial(store.file, of)), given_documents(_RAW, "bundle.json"))

    registry = FakeRegistry("registry.example.com")
    return unproved(store, snapshot, [[before]], {before.image: [registry]}, prover, jobs=1)


def test_a_statement_that_is_recorded_meanwhile_was_not_replaced() -> None:
    before = record(platform="linux/amd64", provenance=_BEFORE)
    (one,) = found(before, lambda _: None)
    assert (one.drift, one.ledger, one.served) == ("provenance-replaced", digest("old"), _NOW["digest"])

    def publish(store: MemoryStore) -> None:
        store.ledger = ledger_of(record(platform="linux/amd64", provenance=_NOW))

    assert found(before, publish) == []


def test_a_record_that_is_removed_meanwhile_has_no_finding() -> None:
    def remove(store: MemoryStore) -> None:
        store.ledger = ledger_of()

    assert found(record(platform="linux/amd64", provenance=_BEFORE), remove) == []


def test_a_rule_that_changes_meanwhile_counts() -> None:
    def drop_the_rule(store: MemoryStore) -> None:
        store.policy = Policy()

    (one,) = found(record(platform="linux/amd64", provenance=_BEFORE), drop_the_rule)
    assert one.drift == "provenance-revoked"

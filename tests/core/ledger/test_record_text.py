"""What is read from a record's canonical text without parsing it is what the record says."""

from __future__ import annotations

from hypothesis import given

from ledger_tool.core.ledger.ledger import Ledger, pull_digest_in
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.strategies import ledgers


@given(ledgers())
def test_the_pull_digest(ledger: Ledger) -> None:
    assert list(map(pull_digest_in, ledger.texts)) == [one.pull_digest for one in ledger.records()]


def test_labels_and_provenance_do_not_pass_for_it() -> None:
    other = digest("other")
    labels = {"index": other, "digest": other, "x": f'"\n      "index": "{other}"'.replace("\n", " ")}
    one = record(labels=labels, provenance={"digest": other, "builder": "https://b.example/"})
    assert pull_digest_in(ledger_of(one).texts[0]) == one.digest

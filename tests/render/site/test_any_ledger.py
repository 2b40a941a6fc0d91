"""Whatever a valid ledger, its commits and the reports say: the files of its site parse, and stand apart."""

from __future__ import annotations

import json
from xml.etree.ElementTree import fromstring

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.runclaim import read_claim
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.site.facts import DriftFacts, DriftNote, RunningFacts, RunningNote, RunningPlace
from ledger_tool.core.site.site import site_facts
from ledger_tool.render.site.site import site_files
from tests.core.site.test_paths import assert_apart
from tests.render.site.test_data import schema_of
from tests.render.site.test_feed import assert_valid, words
from tests.support.values.schemas import check_schema
from tests.support.values.site import commit
from tests.support.values.strategies import ledgers

_AT = Timestamp("2026-11-24T09:30:00Z")


def entry_of(record: Record, action: str, by: str, reason: str, run: str) -> LogEntry:
    return LogEntry(
        commit(1), _AT, by, action, record.name, record.platform or "", record.digest, reason=reason,
        source_ref=record.source_ref, version=record.version or "", run=read_claim(run, by),
    )  # fmt: skip


@given(ledgers(), st.sampled_from(["publish", "yank", "removed", "promote"]), words, words, words)
@settings(max_examples=15)
def test_the_files_of_any_ledgers_site_parse(ledger: Ledger, action: str, by: str, reason: str, run: str) -> None:
    log = [entry_of(record, action, by, reason, run) for record in ledger.records()]
    snapshot = Snapshot(commit("head"), ledger, Policy())
    drift = [
        DriftNote("gone", "drift", by, *record.name, record.platform or "", record.pull_digest, "", reason)
        for record in ledger.records()
    ]
    runs = [
        RunningNote("foreign", "none", record.image, by, "", reason, "", run, 1, (RunningPlace(by, run, by, run, 1),))
        for record in ledger.records()
    ]
    facts = site_facts(
        snapshot, log, made_at=_AT, title="ledger", drift=DriftFacts(_AT, False, len(drift), {"gone": 1}, drift),
        running=[RunningFacts(_AT, "", False, 1, {"foreign": 1}, runs)],
    )  # fmt: skip
    files = dict(site_files(facts))
    assert_apart(list(files))
    for path, content in files.items():
        text = content.decode("utf-8")
        if path.startswith("v1/"):
            check_schema(schema_of(path), json.loads(text))
    assert_valid(fromstring(files["feed.xml"]))

"""No file of a site has a credential or a mail address, whichever free text of a ledger or a report has one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.history.log import FactEdit, LogEntry
from ledger_tool.core.ledger.names import Tag, Timestamp
from ledger_tool.core.policy.policy import Owner, Policy
from ledger_tool.core.site.public import person
from ledger_tool.core.site.reports import parse_drift, parse_running
from ledger_tool.core.site.site import site_facts
from ledger_tool.render.site.site import site_files
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.site import AT

SECRETS = ("s3cr3t-password", "s3cr3t-token", "ghp_S3cr3tS3cr3t1234", "corp.example")
TEXT = f"see https://u:{SECRETS[0]}@h.example/x and https://h.example/x?a=b&access_token={SECRETS[1]}#c {SECRETS[2]}"
WHO = ("me@corp.example <me@corp.example>", "me@corp.example", "A B <me@corp.example>")


def entry(number: int) -> LogEntry:
    return LogEntry(
        f"{number:040}", Timestamp(AT), WHO[number % 3], "publish", record().name, "linux/amd64", digest(), reason=TEXT,
        run=RunClaim("https://ci.example.com/1", WHO[number // 3]), edits=(FactEdit("labels", "url", TEXT),),
    )  # fmt: skip


def test_no_file_has_a_credential_or_a_mail_address() -> None:
    more: Mapping[str, Any] = {
        "platform": "linux/amd64", "labels": {"url": TEXT}, "forced": {"replaces": digest("old"), "reason": TEXT},
        "yanked": {"at": AT, "reason": TEXT},
        "provenance": {"digest": digest("att"), "builder": TEXT.replace(" ", "/"), "signer": f"{WHO[1]} (https://a.example)"},
    }  # fmt: skip
    held = record(tag="prod", version=Tag("v1"), platform="linux/amd64")
    ledger = ledger_of(record(**more), record(tag="latest"), held)
    finding = {
        "class": "tag-moved", "kind": "drift", "registry": TEXT, "image": "myorg/app", "tag": "v1", "reason": TEXT,
    }  # fmt: skip
    drift = {"at": AT, "complete": True, "checked": 1, "summary": {}, "findings": [finding]}
    place = {"cluster": TEXT, "namespace": TEXT, "workload": TEXT, "kind": TEXT, "containers": 1}
    runs = {
        "class": "foreign", "kind": "none", "image": TEXT, "tag": TEXT, "digest": TEXT, "reason": TEXT, "containers": 1,
        "places": [place],
    }  # fmt: skip
    running = {"at": AT, "complete": True, "containers": 1, "summary": {}, "images": [runs], "nowhere": []}
    policy = Policy(owners=(Owner(("myorg/*",), (WHO[1],)),))
    facts = site_facts(
        Snapshot("c" * 40, ledger, policy), [entry(number) for number in range(9)], made_at=Timestamp(AT),
        title=TEXT, drift=parse_drift(json.dumps(drift).encode(), "drift", Timestamp(AT)),
        running=[parse_running(json.dumps(running).encode(), "running", Timestamp(AT))],
    )  # fmt: skip
    files = {path: content.decode() for path, content in site_files(facts)}
    assert [(path, secret) for path, text in files.items() for secret in SECRETS if secret in text] == []
    assert "see https://***@h.example/x" in files["v1/images/myorg/app.json"]


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Alice <alice@corp.example>", "Alice"),
        ("alice@corp.example <alice@corp.example>", "alice"),
        ("<alice@corp.example>", "alice"),
        ("alice@corp.example", "alice"),
        ("Alice (alice@corp.example)", "Alice (alice)"),
        ("alice @corp.example", "alice"),
        ("alice@ corp.example", "alice"),
        ("alice%40corp.example", "alice"),
        ("alice\uff20corp.example", "alice"),
        ("@alice", "@alice"),
        ("dependabot[bot]", "dependabot[bot]"),
        ("", ""),
    ],
)
def test_a_person_is_called_by_name_without_an_address(name: str, called: str) -> None:
    assert person(name) == called

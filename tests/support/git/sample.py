"""The sample ledger as a repository with a history, and reports about it.

Its records are published in the order of their times, and its environments promoted. What else a site shows is made up,
and of the same bytes in every run: moves of `latest`, a tag that is yanked, tags with a TTL, drift, and what runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Tag, Timestamp, Ttl
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.reference import parse_reference
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.edit import yank
from ledger_tool.core.writes.promote import named, promote
from ledger_tool.core.writes.publish import publish
from ledger_tool.edges.yaml import settings
from tests.support import ROOT
from tests.support.git.upstream import git
from tests.support.values.make import digest

ADDRESS = "https://github.com/myorg/ledger"
REPORT_AT = Timestamp("2026-08-21T03:17:00Z")
YANKED = "8.0.30-nanoserver-1809"
PREVIEW = "pr-8123"
_RUNS = RunClaim("https://ci.example.com/team/images/runs/", "")
_PEOPLE = ("alice", "bob", "release-bot")


@dataclass(frozen=True, slots=True)
class Sample:
    """The repository, and the files of a report of `reconcile` and of one of `running`."""

    repository: Path
    drift: Path
    running: Path


def sample(folder: Path) -> Sample:
    """Make all of it in a new folder; each run makes the same commits."""
    repository = folder / "ledger"
    repository.mkdir(parents=True)
    git("init", "--quiet", "--initial-branch=main", cwd=repository)
    git("remote", "add", "origin", f"{ADDRESS}.git", cwd=repository)
    git("fast-import", "--quiet", cwd=repository, stdin=b"".join(_commits()))
    git("reset", "--quiet", "--hard", "main", cwd=repository)
    made = Sample(repository, folder / "drift.json", folder / "running.json")
    snapshot = _snapshot(codec.loads((repository / "ledger.json").read_bytes()))
    made.drift.write_text(json.dumps(_drift(snapshot.ledger)), "utf-8")
    made.running.write_text(json.dumps(_running(snapshot.ledger)), "utf-8")
    return made


def _settings() -> bytes:
    raw = (ROOT / "sample-ledger/ledger.yaml").read_bytes()
    return raw.replace(b"mutable: [latest, ", b'mutable: [latest, "pr-*", ')


def _snapshot(ledger: Ledger) -> Snapshot:
    return Snapshot("", ledger, settings.load(_settings()))


def _commits() -> Iterator[bytes]:
    """Yield the commits for git fast-import."""
    yaml = b"M 100644 inline ledger.yaml\n" + _data(_settings())
    start = codec.dumps(Ledger())
    yield _commit(Timestamp("2026-08-10T08:00:00Z"), "start the ledger\n", start) + yaml
    snapshot = _snapshot(Ledger())
    for number, (at, change) in enumerate(_changes(snapshot)):
        run = replace(_RUNS, url=f"{_RUNS.url}{4100 + number}", actor=_PEOPLE[number % len(_PEOPLE)])
        yield _commit(at, message.compose(change, f"{number:016x}", run), codec.dumps(change.ledger))


def _commit(at: Timestamp, text: str, ledger: bytes) -> bytes:
    when = f"{int(datetime.fromisoformat(at).timestamp())} +0000"
    head = f"commit refs/heads/main\ncommitter ledger <ledger@example.com> {when}\n".encode()
    return head + _data(text.encode()) + b"M 100644 inline ledger.json\n" + _data(ledger)


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"


def _changes(snapshot: Snapshot) -> Iterator[tuple[Timestamp, Change]]:
    """Yield what each commit does, and when."""
    sample = codec.loads((ROOT / "sample-ledger/ledger.json").read_bytes())
    steps: list[tuple[str, Callable[[Snapshot, Timestamp], Change]]] = [*_made_up(sample)]
    for _, group in groupby(sample.records(), lambda record: record.name):
        records = tuple(group)
        if not records[0].is_environment:
            steps.append((max(record.published_at for record in records), partial(_published, records)))
    for at, names, environment in _PROMOTIONS:
        steps.append((at, partial(_promoted, names, Tag(environment))))
    for at, step in sorted(steps, key=lambda each: each[0]):
        change = step(snapshot, Timestamp(at))
        yield Timestamp(at), change
        snapshot = _snapshot(change.ledger)


def _made_up(sample: Ledger) -> Iterator[tuple[str, Callable[[Snapshot, Timestamp], Change]]]:
    earlier = [replace(record, tag=Tag("latest")) for record in sample.find(Name("dotnet/aspnet", "9.0"))]
    yield "2026-08-10T17:04:30Z", partial(_published, earlier)
    newest = sample.find(Name("dotnet/sdk", "10.0.400"))[0]
    preview = replace(
        newest, tag=Tag(PREVIEW), digest=Digest(digest("preview")), index=None, config=None, ttl=Ttl("14d"),
        published_at=Timestamp("2026-08-16T10:21:07Z"),
    )  # fmt: skip
    yield preview.published_at, partial(_published, [preview])
    reference = parse_reference(f"dotnet/runtime:{YANKED}")
    reason = "its Windows base image gets no updates any more"
    yield "2026-08-19T13:40:00Z", lambda snapshot, now: yank(snapshot, [reference], now=now, reason=reason)


# When which versions came to which environment; the last ones are those of the sample ledger.
_PROMOTIONS = (
    ("2026-08-11T09:00:00Z", ("dotnet/aspnet:8.0.30",), "staging"),
    ("2026-08-12T09:30:00Z", ("dotnet/aspnet:8.0.30",), "prod"),
    ("2026-08-13T09:05:00Z", ("dotnet/monitor:9.0.5",), "staging"),
    ("2026-08-14T08:30:11Z", ("dotnet/monitor:9.0.5",), "prod"),
    ("2026-08-18T09:12:40Z", ("dotnet/aspnet:10.0.11", "dotnet/monitor:10.0.3"), "staging"),
    ("2026-08-20T14:03:05Z", ("dotnet/aspnet:10.0.11",), "prod"),
)


def _published(records: Sequence[Record], snapshot: Snapshot, _: Timestamp) -> Change:
    drafts = [
        Draft(
            reference=parse_reference(record.image), tag=record.tag, digest=record.digest,
            published_at=record.published_at, source_ref=record.source_ref, platform=record.platform,
            index=record.index, config=record.config, labels=record.labels, depends_on=record.depends_on,
            ttl=record.ttl, looked_at=True,
        )
        for record in records
    ]  # fmt: skip
    return publish(snapshot, drafts)


def _promoted(names: Sequence[str], environment: Tag, snapshot: Snapshot, now: Timestamp) -> Change:
    return promote(snapshot, named(snapshot, [parse_reference(name) for name in names], environment), now=now)


def _drift(ledger: Ledger) -> dict[str, Any]:
    """Return a report of `reconcile`: a tag has moved, another is gone, and one is not in the ledger."""
    moved, missing = ledger.find(Name("dotnet/sdk", "10.0.400")), ledger.find(Name("dotnet/monitor", "9.0.5"))
    findings = [
        _finding(
            "tag-moved", "drift", moved[0], served=digest("moved"), since="2026-08-20T03:17:00Z",
            reason="the tag serves another digest than the recorded one",
        ),
        _finding(
            "tag-missing", "drift", missing[0], since=REPORT_AT,
            reason="the registry has no such tag; the recorded digest can still be pulled",
        ),
        _finding("untracked", "housekeeping", None, served=digest("untracked"), reason="the ledger has no such tag"),
    ]  # fmt: skip
    return {
        "complete": True, "at": REPORT_AT, "scope": "images", "checked": len(ledger),
        "summary": {"in-sync": len(ledger) - 2, "tag-moved": 1, "tag-missing": 1, "untracked": 1},
        "kinds": {"drift": 2, "housekeeping": 1}, "findings": findings,
    }  # fmt: skip


def _finding(category: str, kind: str, record: Record | None, **more: str) -> dict[str, Any]:
    of_record = (
        {"image": record.image, "tag": record.tag, "platform": record.platform, "ledger": record.pull_digest}
        if record
        else {"image": "dotnet/samples", "tag": "aspnetapp", "platform": None, "ledger": None}
    )
    empty = {"served": None, "since": None, "serves": None, "command": "", "alternative": ""}
    return {"class": category, "kind": kind, "registry": "mcr.microsoft.com", **of_record, **empty, **more}


def _running(ledger: Ledger) -> dict[str, Any]:
    """Return a report of `running` for prod: one image is an older version, the other is as recorded."""
    old, new = (ledger.find(Name("dotnet/aspnet", tag))[0] for tag in ("8.0.30", "10.0.11"))
    monitor = ledger.find(Name("dotnet/monitor", "9.0.5"))[0]
    expected = {"image": new.image, "tag": "prod", "version": new.tag, "digest": new.pull_digest}
    return {
        "complete": True, "at": REPORT_AT, "environment": "prod", "containers": 7, "leftOut": 0,
        "summary": {"behind": 2, "as-recorded": 5}, "kinds": {"drift": 1}, "nowhere": [],
        "images": [
            _runs("behind", "drift", old, "shop", 2, expected=expected, reason="prod has 10.0.11"),
            _runs("as-recorded", "none", new, "accounts", 4),
            _runs("as-recorded", "none", monitor, "monitor", 1),
        ],
    }  # fmt: skip


def _runs(category: str, kind: str, record: Record, workload: str, containers: int, **more: Any) -> dict[str, Any]:
    place = {"cluster": "eu-1", "namespace": workload, "workload": workload, "kind": "Deployment"}
    return {
        "class": category, "kind": kind, "image": record.image, "tag": record.tag, "version": record.tag,
        "digest": record.pull_digest, "expected": None, "reason": "", "containers": containers, "whence": [],
        "places": [place | {"containers": containers}],
    } | more  # fmt: skip

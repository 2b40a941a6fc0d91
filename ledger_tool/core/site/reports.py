"""The reports that a site shows, read from the JSON that `reconcile` and `running` print.

A report comes from another job, so each field that is used is checked; what is not used may be anything. Fields are
only ever added, so a report of a later version is read, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from ledger_tool.core.ledger.jsontext import JsonFault, parse_bytes
from ledger_tool.core.ledger.names import (
    Timestamp,
    parse_digest,
    parse_image,
    parse_platform,
    parse_tag,
    parse_timestamp,
    shown,
)
from ledger_tool.core.ledger.query import is_far_ahead
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.registry.drift import CLASSES
from ledger_tool.core.registry.failon import KINDS
from ledger_tool.core.running.classes import RUNNING_CLASSES
from ledger_tool.core.site.facts import DriftFacts, DriftNote, RunningFacts, RunningNote, RunningPlace
from ledger_tool.core.site.public import public_text
from ledger_tool.errors import InvalidValue, UsageError

MAX_REPORT_BYTES = 256 * 2**20
_LONGEST = 10_000  # characters of a text

T = TypeVar("T")
R = TypeVar("R", DriftFacts, RunningFacts)


class _MalformedReport(ValueError):
    """A report that no run has printed."""


def parse_drift(raw: bytes, what: str, now: Timestamp) -> DriftFacts:
    """Return a report of `reconcile`, given its JSON; `what` is the file, and `now` the clock's time.

    Raises UsageError if it is not one, or if it is of a later time.
    """
    return _parsed(raw, what, "`ledger reconcile`", "`ledger reconcile --format json >FILE`", now, _drift)


def parse_running(raw: bytes, what: str, now: Timestamp) -> RunningFacts:
    """Return a report of `running`; see `parse_drift`."""
    return _parsed(raw, what, "`ledger running`", "`ledger running --format json >FILE`", now, _running)


def _parsed(raw: bytes, what: str, command: str, writing: str, now: Timestamp, read: Callable[[_Fields], R]) -> R:
    file, hint = shown(what, 300), f"write one with {writing}"
    try:
        report = read(_Fields(parse_bytes(raw)))
    except JsonFault as fault:
        raise UsageError(f"{file} is not JSON: {fault.reason}", hint) from None
    except (InvalidValue, _MalformedReport) as error:
        raise UsageError(f"{file} is not a report of {command}: {error}", hint) from None
    if report.at and is_far_ahead(report.at, now):  # it would decide what has expired
        raise UsageError(f"{file} is from {report.at}, and it is {now} now", "check this machine's clock, and " + hint)
    return report


class _Fields:
    """A JSON object of a report; each method raises what makes it no report."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise _MalformedReport("there is something else in the place of an object")
        self._fields: Mapping[str, Any] = value

    def _get(self, name: str, kind: type[T]) -> T:
        value = self._fields.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _MalformedReport(f"`{name}` is missing or malformed")
        return value

    def text(self, name: str) -> str:
        """Return any text, without credentials."""
        return public_text(self._get(name, str)[:_LONGEST])

    def one_of(self, name: str, known: Collection[str]) -> str:
        if (value := self.text(name)) not in known:
            raise _MalformedReport(f"`{name}` is `{shown(value)}`, which is not known")
        return value

    def flag(self, name: str) -> bool:
        return self._get(name, bool)

    def count(self, name: str) -> int:
        if (value := self._get(name, int)) < 0:
            raise _MalformedReport(f"`{name}` is below 0")
        return value

    def named(self, name: str, parse: Callable[[str], str]) -> str:
        """Return a value of a grammar, `""` for null and for what is left out or empty."""
        if not (value := self.optional(name)):
            return ""
        return parse(value)

    def optional(self, name: str) -> str:
        """Return any text, `""` for null and for what is left out."""
        return "" if self._fields.get(name) is None else self.text(name)

    def time(self, name: str) -> Timestamp | None:
        value = self.optional(name)
        return parse_timestamp(value, name) if value else None

    def counts(self, name: str, known: Sequence[str]) -> Mapping[str, int]:
        counted = _Fields(self._get(name, dict))
        for one in counted._fields:
            if one not in known:
                raise _MalformedReport(f"`{name}` has `{shown(one)}`, which is not known")
        return {one: counted.count(one) for one in known if one in counted._fields}

    def objects(self, name: str) -> Sequence[_Fields]:
        return [_Fields(value) for value in self._get(name, list)]

    def object(self, name: str) -> _Fields | None:
        return None if self._fields.get(name) is None else _Fields(self._fields[name])


def _drift(report: _Fields) -> DriftFacts:
    return DriftFacts(
        report.time("at"),
        report.flag("complete"),
        report.count("checked"),
        report.counts("summary", CLASSES),
        [_drift_note(finding) for finding in report.objects("findings")],
    )


def _drift_note(finding: _Fields) -> DriftNote:
    return DriftNote(
        category=finding.one_of("class", CLASSES),
        kind=finding.one_of("kind", KINDS),
        registry=finding.text("registry"),
        image=parse_image(finding.text("image")),
        tag=finding.named("tag", parse_tag),
        platform=finding.named("platform", parse_platform),
        ledger=finding.named("ledger", parse_digest),
        served=finding.named("served", parse_digest),
        reason=finding.text("reason"),
        since=finding.time("since") or "",
        command=finding.optional("command"),
    )


def _running(report: _Fields) -> RunningFacts:
    return RunningFacts(
        report.time("at"),
        report.named("environment", parse_tag),
        report.flag("complete"),
        report.count("containers"),
        report.counts("summary", RUNNING_CLASSES),
        [_running_note(image) for image in report.objects("images")],
        [
            Name(parse_image(image.text("image")), parse_tag(image.text("version")))
            for image in report.objects("nowhere")
        ],
    )


def _running_note(image: _Fields) -> RunningNote:
    expected = image.object("expected")
    return RunningNote(
        category=image.one_of("class", RUNNING_CLASSES),
        kind=image.one_of("kind", (*KINDS, "none")),
        image=image.text("image"),
        tag=image.optional("tag"),
        version=image.named("version", parse_tag),
        digest=image.optional("digest"),
        expected=(expected.named("version", parse_tag) or parse_tag(expected.text("tag"))) if expected else "",
        expected_digest=parse_digest(expected.text("digest")) if expected else "",
        reason=image.text("reason"),
        containers=image.count("containers"),
        places=tuple(
            RunningPlace(
                place.text("cluster"), place.text("namespace"), place.text("workload"), place.text("kind"),
                place.count("containers"),
            )
            for place in image.objects("places")
        ),
    )  # fmt: skip

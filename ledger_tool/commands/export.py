"""`export`: the ledger's images in the form that another tool reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger_tool.commands.ports import Source
from ledger_tool.core.export.keys import IDENTIFIER, SERVICE, parse_keys, service, value_key, variable, versions_by_key
from ledger_tool.core.export.selection import (
    ImageVersion,
    Selection,
    check_pullable,
    check_single,
    image_versions,
    latest_each,
    select,
)
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy

# Formats with room for one version of each image, and those with room for all.
SINGLE = ("kustomize", "helm-values", "compose", "dotenv")
BY_RECORD = ("csv", "cyclonedx")
FORMATS = (*SINGLE, "imgpkg", *BY_RECORD)
_KEYS = {
    "helm-values": (value_key, IDENTIFIER),
    "compose": (service, SERVICE),
    "dotenv": (variable, IDENTIFIER),
}
KEYED = tuple(_KEYS)


@dataclass(frozen=True, slots=True)
class Exported:
    """What to write: the image:tags that were chosen, and their records; `keys` is empty where a format has none.

    `left` are versions that were passed over as yanked or expired; `doubtful` those that are among the chosen
    nevertheless, since they were asked for, with the reason against them.
    """

    records: Sequence[Record]
    policy: Policy
    versions: Sequence[ImageVersion]
    keys: Mapping[str, ImageVersion] = field(default_factory=dict)
    left: Sequence[ImageVersion] = ()
    doubtful: Mapping[str, str] = field(default_factory=dict)


def export(
    source: Source,
    form: str,
    selection: Selection,
    *,
    now: Timestamp,
    latest: bool = False,
    keys: Sequence[str] = (),
) -> Exported:
    """Return what `form`, one of FORMATS, needs of the records that are selected.

    Raises UnknownImage where none is; RuleRefused where an image has several tags and the format has room
    for one; UsageError for keys that clash.
    """
    default, grammar = _KEYS.get(form, (None, ""))
    asked = parse_keys(keys, grammar) if default else {}
    snapshot = source.read()
    resolved = snapshot.resolver.pattern
    selection = replace(selection, patterns=[resolved(pattern) for pattern in selection.patterns])
    given: dict[str, list[str]] = {}
    for image, wanted in asked.items():
        given.setdefault(resolved(image), []).extend(wanted)
    records = select(snapshot.ledger, selection)
    chosen = image_versions(records, snapshot.policy, by_platform=selection.platform is not None)
    left: Sequence[ImageVersion] = ()
    if latest:
        chosen, left = latest_each(chosen, snapshot.policy, now)
    elif form in SINGLE:
        check_single(chosen)
    if form not in BY_RECORD:
        check_pullable(chosen)
    records = [record for version in chosen for record in version.records]
    default_keys = {version.name.image: default(version.name.image) for version in chosen} if default else {}
    by_key = versions_by_key(chosen, default_keys, given) if default else {}
    return Exported(records, snapshot.policy, chosen, by_key, left, _doubtful(records, now))


def _doubtful(records: Sequence[Record], now: Timestamp) -> dict[str, str]:
    doubts: dict[str, str] = {}
    for record in records:
        if record.yanked:
            doubts[str(record.name)] = f"is yanked: {record.yanked.reason}"
        elif is_expired(record, now):
            doubts.setdefault(str(record.name), f"is past its TTL of {record.ttl}")
    return doubts

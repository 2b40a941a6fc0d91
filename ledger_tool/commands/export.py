"""`export`: the ledger's images in another tool's format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger_tool.commands.ports import Source
from ledger_tool.core.changes.promotion import outlived
from ledger_tool.core.export.admission import Admission, ConfigMapName, admission, default_config_map
from ledger_tool.core.export.keys import IDENTIFIER, SERVICE, parse_keys, service, value_key, variable, versions_by_key
from ledger_tool.core.export.selection import (
    ImageVersion,
    Selection,
    check_pullable,
    check_single,
    each_once,
    image_versions,
    latest_each,
    select,
    usable,
    versions_first,
)
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.ledger.yanks import yanks_of
from ledger_tool.core.policy.policy import Policy, check_environment

# Formats with room for one version of each image, and those with room for all.
SINGLE = ("kustomize", "helm-values", "compose", "dotenv")
BY_RECORD = ("csv", "cyclonedx")
POLICIES = ("admission", "kyverno")
ONCE = ("imgpkg", "images", "cyclonedx")  # each image once, though environments have it, too
FORMATS = (*SINGLE, "imgpkg", "images", *POLICIES, *BY_RECORD)
_KEYS = {
    "helm-values": (value_key, IDENTIFIER),
    "compose": (service, SERVICE),
    "dotenv": (variable, IDENTIFIER),
}
KEYED = tuple(_KEYS)


@dataclass(frozen=True, slots=True)
class Exported:
    """What to write: the chosen image:tags and their records; `keys` is empty if the format has none.

    `skipped` are versions left out as yanked or expired; `doubtful` are such versions that were chosen
    because they were requested, with the reason against them. `admission` is what a policy needs.
    """

    records: Sequence[Record]
    policy: Policy
    versions: Sequence[ImageVersion]
    keys: Mapping[str, ImageVersion] = field(default_factory=dict)
    skipped: Sequence[ImageVersion] = ()
    doubtful: Mapping[str, str] = field(default_factory=dict)
    admission: Admission | None = None


def export(
    source: Source,
    form: str,
    selection: Selection,
    *,
    now: Timestamp,
    latest: bool = False,
    keys: Sequence[str] = (),
    config_map: ConfigMapName | None = None,
) -> Exported:
    """Return what `form`, one of FORMATS, needs of the selected records.

    A policy admits no version that is yanked or expired, but all that an environment has. Raises UnknownImage if none
    match; RuleRefused if an image has several tags and the format has room for one; UsageError for keys that clash, for
    an environment that `ledger.yaml` does not declare, a policy without registries, or with more digests than a
    ConfigMap holds.
    """
    default, grammar = _KEYS.get(form, (None, ""))
    parsed_keys = parse_keys(keys, grammar) if default else {}
    snapshot = source.read()
    if selection.environment:
        check_environment(selection.environment, snapshot.policy)
    resolved = snapshot.resolver.pattern
    selection = replace(selection, patterns=[resolved(pattern) for pattern in selection.patterns])
    given: dict[str, list[str]] = {}
    for image, image_keys in parsed_keys.items():
        given.setdefault(resolved(image), []).extend(image_keys)
    if form in POLICIES:
        snapshot.policy.check_registries("admit images of")
    records = select(snapshot.ledger, selection)
    chosen = image_versions(records, snapshot.policy, by_platform=selection.platform is not None)
    skipped: Sequence[ImageVersion] = ()
    yanks = yanks_of(snapshot.ledger)
    if latest:
        chosen, skipped = latest_each(chosen, snapshot.policy, now, yanks)
    elif form in POLICIES:
        chosen, skipped = usable(chosen, now, yanks)
    elif form in SINGLE:
        chosen = versions_first(chosen)
        check_single(chosen)
    elif form in ONCE:
        chosen = each_once(chosen)
    if form not in (*BY_RECORD, *POLICIES):
        check_pullable(chosen)
    records = [record for version in chosen for record in version.records]
    default_keys = {version.name.image: default(version.name.image) for version in chosen} if default else {}
    by_key = versions_by_key(chosen, default_keys, given) if default else {}
    admitted = None
    if form in POLICIES:
        place = config_map or default_config_map(records)
        admitted = admission(place, records, snapshot.policy, by_platform=selection.platform is not None)
    return Exported(
        records, snapshot.policy, chosen, by_key, skipped, _doubtful(snapshot.ledger, records, now), admitted
    )


def _doubtful(ledger: Ledger, records: Sequence[Record], now: Timestamp) -> dict[str, str]:
    doubts: dict[str, str] = {}
    yanks = yanks_of(ledger)
    for record in records:
        if record.is_environment:
            doubts |= {str(record.name): fate.what for fate in outlived(ledger.find(record.name), ledger, now)}
        elif why := yanks.why(record):
            doubts[str(record.name)] = why
        elif is_expired(record, now):
            doubts.setdefault(str(record.name), f"is past its TTL of {record.ttl}")
    return doubts

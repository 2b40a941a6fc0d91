"""What was observed of image:tags, classified, each finding with the command that puts it right."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ledger_tool.commands.observe import Looks, Observed
from ledger_tool.commands.ports import Registries, RegistryPort
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Image, Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Key, Name
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.drift import DriftFinding, classify, is_whole
from ledger_tool.core.registry.remedy import Circumstances, InnerCopy, PruneWay, PullPlace, with_commands
from ledger_tool.core.writes.prune import PruneCriteria, choose

Serving = Mapping[Image, Sequence[RegistryPort]]  # in the order of `ledger.yaml`
Inner = Mapping[tuple[RegistryPort, str], Sequence[InnerCopy]]  # by the registry to copy from, and the index
HeldDigest = tuple[str, str]  # an image, a digest


def repositories(registries: Registries, policy: Policy, image: Image) -> Sequence[RegistryPort]:
    """Return the registries that serve an image; of those that have it in one repository, the first alone."""
    by_place: dict[tuple[bool, str], RegistryPort] = {}
    for registry in registries.serving(policy, image):
        by_place.setdefault((registry.plain_http, registry.repository(image)), registry)
    return list(by_place.values())


def inner_copies(looks: Looks, observed: Sequence[Observed], serving: Serving) -> Inner:
    """Return what is below the indexes that another registry may be given, if indexes are among it."""
    donors = _donors(observed, serving)
    names = {records[0].name: records[0] for (_, records), seen in observed if not is_whole(records, seen)}
    return {
        (donor, record.pull_digest): inner
        for name, record in names.items()
        if record.is_pulled_by_index
        for donor in donors.get(name, ())
        if (inner := looks.inner(donor, record.image, record.pull_digest))
    }


def _donors(observed: Sequence[Observed], serving: Serving) -> Mapping[Name, Sequence[RegistryPort]]:
    """Return the registries that have all that is recorded of image:tags that several serve."""
    donors: dict[Name, list[RegistryPort]] = {}
    for (registry, records), seen in observed:
        if len(serving[records[0].image]) > 1 and is_whole(records, seen):
            donors.setdefault(records[0].name, []).append(registry)
    return donors


def classified(
    observed: Sequence[Observed],
    serving: Serving,
    snapshot: Snapshot,
    now: Timestamp,
    *,
    inner: Inner,
    held: Collection[HeldDigest] = (),
) -> Iterator[list[DriftFinding]]:
    """Yield, for each observation, the findings of its records, in their order.

    `inner` is from `inner_copies`, and `held` is what tags serve that the ledger does not have, as far as is known.
    """
    donors = _donors(observed, serving)
    prune_ways: Mapping[Key, PruneWay] | None = None
    for (registry, records), seen in observed:
        image, is_mutable = records[0].image, snapshot.policy.is_mutable(records[0].tag)
        findings = classify(records, registry.name, seen, now, is_mutable=is_mutable)
        if any(finding.drift != "in-sync" for finding in findings):
            if prune_ways is None and any(is_expired(record, now) for record in records):
                prune_ways = _prune_ways(snapshot, now)
            donor = next((other for other in donors.get(records[0].name, ()) if other is not registry), None)
            circumstances = Circumstances(
                is_mutable=is_mutable,
                prune_ways=prune_ways or {},
                donor=pull_place(donor, image, serving) if donor else None,
                inner=inner.get((donor, records[0].pull_digest), ()) if donor else (),
                is_held=any((image, record.pull_digest) in held for record in records),
            )
            findings = with_commands(findings, records, pull_place(registry, image, serving), seen, circumstances)
        yield findings


def _prune_ways(snapshot: Snapshot, now: Timestamp) -> Mapping[Key, PruneWay]:
    """Return which expired records a prune keeps, and whether it would remove them with `--last`."""
    kept = {spared.record.key for spared in choose(snapshot.ledger, PruneCriteria(now=now)).spared}
    never = {spared.record.key for spared in choose(snapshot.ledger, PruneCriteria(now=now, last=True)).spared}
    return {key: "never" if key in never else "last" for key in kept}


def pull_place(registry: RegistryPort, image: Image, serving: Serving) -> PullPlace:
    """Return where clients pull an image from a registry."""
    return PullPlace(
        name=registry.name,
        repository=registry.repository(image),
        plain_http=registry.plain_http,
        is_first=serving[image][0] is registry,
    )

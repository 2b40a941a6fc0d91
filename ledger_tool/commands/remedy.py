"""What was observed of image:tags, classified, each finding with the command that puts it right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ledger_tool.commands.observe import Observed
from ledger_tool.commands.ports import Registries, RegistryPort
from ledger_tool.core.ledger.names import Image, Timestamp
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.drift import DriftFinding, classify, is_whole
from ledger_tool.core.registry.remedy import PullPlace, with_commands

Serving = Mapping[Image, Sequence[RegistryPort]]  # in the order of `ledger.yaml`


def repositories(registries: Registries, policy: Policy, image: Image) -> Sequence[RegistryPort]:
    """Return the registries that serve an image; of those that have it in one repository, the first alone."""
    by_place: dict[tuple[bool, str], RegistryPort] = {}
    for registry in registries.serving(policy, image):
        by_place.setdefault((registry.plain_http, registry.repository(image)), registry)
    return list(by_place.values())


def classified(
    observed: Sequence[Observed], serving: Serving, policy: Policy, now: Timestamp
) -> Iterator[list[DriftFinding]]:
    """Yield, for each observation, the findings of its records, in their order."""
    whole: dict[Name, list[RegistryPort]] = {}
    for (registry, records), seen in observed:
        if len(serving[records[0].image]) > 1 and is_whole(records, seen):
            whole.setdefault(records[0].name, []).append(registry)
    for (registry, records), seen in observed:
        image, is_mutable = records[0].image, policy.is_mutable(records[0].tag)
        findings = classify(records, registry.name, seen, now, is_mutable=is_mutable)
        if any(finding.drift != "in-sync" for finding in findings):
            donors = (other for other in whole.get(records[0].name, ()) if other is not registry)
            donor = next((pull_place(other, image, serving) for other in donors), None)
            place = pull_place(registry, image, serving)
            findings = with_commands(findings, records, place, seen, is_mutable=is_mutable, donor=donor)
        yield findings


def pull_place(registry: RegistryPort, image: Image, serving: Serving) -> PullPlace:
    """Return where clients pull an image from a registry."""
    return PullPlace(
        name=registry.name,
        repository=registry.repository(image),
        plain_http=registry.plain_http,
        is_first=serving[image][0] is registry,
    )

"""`reconcile --untracked`: the tags that registries have and the ledger does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ledger_tool.commands.observe import Looks
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Registries, RegistryPort
from ledger_tool.commands.remedy import Serving, pull_place
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Image
from ledger_tool.core.ledger.query import matches
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.core.registry.remedy import of_untracked
from ledger_tool.core.registry.untracked import untracked
from ledger_tool.errors import LedgerError

_Repository = tuple[bool, str]  # whether by plain HTTP, and its host and path


def list_untracked(
    snapshot: Snapshot, registries: Registries, places: Sequence[tuple[RegistryPort, str]], pattern: str, *, jobs: int
) -> Iterator[DriftFinding]:
    """Yield a finding for each tag of these images that a registry has and the ledger does not, by any of its names.

    What `reconcile: ignore:` of `ledger.yaml` names is left out. Tags that cannot be listed are unknown.
    """
    recorded: dict[str, set[str]] = {}
    for image, tag, _ in snapshot.ledger.keys:
        recorded.setdefault(image, set()).add(tag)
    known: dict[_Repository, set[str]] = {}
    for image, tags in recorded.items():
        for registry in registries.serving(snapshot.policy, image):
            known.setdefault(_repository(registry, image), set()).update(tags)
    once = {_repository(*place): place for place in reversed(places)}
    asked = [place for place in places if once[_repository(*place)] == place]
    ignore = snapshot.policy.reconcile_ignore
    for (registry, image), answer in in_parallel(lambda place: list(place[0].tags(place[1])), asked, jobs=jobs):
        if isinstance(answer, LedgerError):
            yield DriftFinding(
                drift="unknown", kind="unknown", registry=registry.name, image=image, tag="", reason=answer.message
            )
        else:
            for finding in untracked(registry.name, image, answer, known[_repository(registry, image)], ignore=ignore):
                if matches(pattern, image, finding.tag):
                    yield finding


def describe_untracked(
    looks: Looks, findings: Sequence[DriftFinding], serving: Serving
) -> Iterator[tuple[int, DriftFinding]]:
    """Yield, with its number, each finding with what the tag serves, and with the command that records it."""
    order = sorted(range(len(findings)), key=lambda number: (findings[number].image, findings[number].tag))
    numbers = [number for number in order if findings[number].drift == "untracked"]
    tags = [port_of(findings[number], serving) for number in numbers]
    ports = [port for port, _, _ in tags]
    for number, port in zip(numbers, ports, strict=True):
        yield number, of_untracked(findings[number], pull_place(port, Image(findings[number].image), serving))
    for place, served, described in looks.untracked(tags):
        finding = replace(findings[numbers[place]], served=served, facts=described)
        yield numbers[place], of_untracked(finding, pull_place(ports[place], Image(finding.image), serving))


def port_of(finding: DriftFinding, serving: Serving) -> tuple[RegistryPort, str, str]:
    """Return the registry, the image and the tag of a finding."""
    port = next(port for port in serving[Image(finding.image)] if port.name == finding.registry)
    return port, finding.image, finding.tag


def _repository(registry: RegistryPort, image: str) -> _Repository:
    return registry.plain_http, registry.repository(image)

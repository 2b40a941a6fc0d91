"""`reconcile --untracked`: the tags that registries have and the ledger does not."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace

from ledger_tool.commands.observe import Looks, TaggedPlace, TagList
from ledger_tool.commands.ports import Registries, RegistryPort
from ledger_tool.commands.remedy import Serving, pull_place, unrecordable_of
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Image
from ledger_tool.core.ledger.query import matches
from ledger_tool.core.registry.drift import Absent, DriftFinding, Unknown
from ledger_tool.core.registry.remedy import of_untracked
from ledger_tool.core.registry.untracked import not_listed, not_served, untracked

_Repository = tuple[bool, str]  # whether by plain HTTP, and its host and path


def list_untracked(
    looks: Looks, snapshot: Snapshot, registries: Registries, places: Sequence[TagList], pattern: str
) -> Iterator[DriftFinding]:
    """Yield a finding for each tag of these images that a registry has and the ledger does not, by any of its names.

    What `reconcile: ignore:` of `ledger.yaml` names is left out. Tags that cannot be listed are unknown, and so is
    what else there is where a list lacks a recorded tag that is served, and a tag that is listed and does not exist.
    """
    recorded: dict[str, set[str]] = {}
    for image, tag, _ in snapshot.ledger.keys:
        recorded.setdefault(image, set()).add(tag)
    known: dict[_Repository, set[str]] = {}
    for image, tags in recorded.items():
        for registry in registries.serving(snapshot.policy, image):
            known.setdefault(_repository(registry, image), set()).update(tags)
    once = {_repository(*place): place for place in reversed(places)}
    listed = dict(looks.lists(place for place in places if once[_repository(*place)] == place))
    doubts = _doubts(looks, {place: known[_repository(*place)] for place in listed}, listed)
    ignore = snapshot.policy.reconcile_ignore
    found: dict[TaggedPlace, DriftFinding] = {}
    for (registry, image), answer in listed.items():
        if doubt := doubts.get((registry, image)):
            yield DriftFinding(
                drift="unknown", kind="unknown", registry=registry.name, image=image, tag="", reason=doubt.reason
            )
        own = () if isinstance(answer, Unknown) else answer
        for finding in untracked(registry.name, image, own, known[_repository(registry, image)], ignore=ignore):
            if matches(pattern, image, finding.tag):
                found[registry, image, finding.tag] = finding
    yield from _there(looks, found)


def _there(looks: Looks, found: Mapping[TaggedPlace, DriftFinding]) -> Iterator[DriftFinding]:
    """Yield these findings without those of tags that have gone; one that is listed, and does not exist, is unknown."""
    missing = [place for place, seen in looks.served(found).items() if isinstance(seen, Absent)]
    lists = dict(looks.lists({(registry, image): None for registry, image, _ in missing}))
    again = looks.served(missing, anew=True)
    for place, finding in found.items():
        if not isinstance(again.get(place), Absent):
            yield finding
            continue
        registry, image, tag = place
        listing = lists[registry, image]
        if isinstance(listing, Unknown) or tag in listing:
            reason = not_served(registry.name, image, tag).in_full
            yield replace(finding, drift="unknown", kind="unknown", reason=reason)


def _doubts(
    looks: Looks, recorded: Mapping[TagList, set[str]], listed: Mapping[TagList, Sequence[str] | Unknown]
) -> dict[TagList, Unknown]:
    """Return why lists are not known to be complete: they cannot be read, or a recorded tag that is served lacks."""
    doubts = {
        place: Unknown(f"its tags cannot be listed: {answer.reason}")
        for place, answer in listed.items()
        if isinstance(answer, Unknown)
    }
    unlisted = [
        (*place, tag)
        for place, answer in listed.items()
        if not isinstance(answer, Unknown)
        for tag in sorted(recorded[place] - set(answer))
    ]
    seen = looks.served(unlisted)
    again = looks.served([place for place, served in seen.items() if isinstance(served, str)], anew=True)
    for (registry, image, tag), served in (seen | again).items():
        if isinstance(served, Unknown):
            reason = f"whether the list of tags is complete is not known: {served.reason}"
            doubts.setdefault((registry, image), Unknown(reason))
        elif isinstance(served, str):
            doubts[registry, image] = Unknown(not_listed(registry.name, image, tag).in_full)
    return doubts


def describe_untracked(
    looks: Looks, findings: Sequence[DriftFinding], serving: Serving, environments: Container[str], *, jobs: int
) -> Iterator[tuple[int, DriftFinding]]:
    """Yield, with its number, each finding with what the tag serves, and with the command that records it."""
    order = sorted(range(len(findings)), key=lambda number: (findings[number].image, findings[number].tag))
    numbers = [number for number in order if findings[number].drift == "untracked"]
    tags = [port_of(findings[number], serving) for number in numbers]
    ports = [port for port, _, _ in tags]
    for number, port in zip(numbers, ports, strict=True):
        place_of_tag = pull_place(port, Image(findings[number].image), serving)
        yield number, of_untracked(findings[number], place_of_tag, environments)
    seen = list(looks.untracked(tags))
    unrecordable = unrecordable_of(
        looks, [(ports[place], tags[place][1], served) for place, served, _ in seen], jobs=jobs
    )
    for place, served, described in seen:
        finding = replace(findings[numbers[place]], served=served, facts=described)
        why = unrecordable.get((ports[place], finding.image, served), "")
        pulled = pull_place(ports[place], Image(finding.image), serving)
        yield numbers[place], of_untracked(finding, pulled, environments, why)


def port_of(finding: DriftFinding, serving: Serving) -> tuple[RegistryPort, str, str]:
    """Return the registry, the image and the tag of a finding."""
    port = next(port for port in serving[Image(finding.image)] if port.name == finding.registry)
    return port, finding.image, finding.tag


def _repository(registry: RegistryPort, image: str) -> _Repository:
    return registry.plain_http, registry.repository(image)

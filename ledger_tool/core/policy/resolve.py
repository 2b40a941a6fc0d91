"""Which image of the ledger a reference means, however it is written: with a registry in front, a mirror's, or bare.

A bare name is the ledger's image of that name, if there is one or a registry of `ledger.yaml` serves it; otherwise it
means Docker Hub, as in a Dockerfile. There `nginx` is short for `library/nginx` (distribution `reference` package).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.reference import Reference
from ledger_tool.errors import UsageError

_HUB = "docker.io"
_HUB_HOSTS = {_HUB, "index.docker.io", "registry-1.docker.io"}


@dataclass(frozen=True, slots=True)
class Place:
    """What a reference names: an image as the ledger calls it (`ours`), or `host/path` of somebody else's."""

    name: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Places:
    """Where the images of a ledger live."""

    policy: Policy
    images: Set[str]
    by_address: Mapping[str, str]

    def of(self, reference: Reference) -> Place:
        """Return what a reference names. Its tag and digest don't matter."""
        path = reference.path
        if not reference.registry and (path in self.images or any(one.serves(path) for one in self.policy.registries)):
            return Place(path, True)
        there = address(reference.registry or _HUB, path)
        if there in self.by_address:
            return Place(self.by_address[there], True)
        try:
            return Place(self.policy.image(reference), True) if reference.registry else Place(there, False)
        except UsageError:
            return Place(there, False)

    def addresses(self, place: Place) -> list[tuple[str, str]]:
        """Return the host and the whole address of each repository that is known to hold an image."""
        if not place.ours:
            return [(place.name.partition("/")[0], place.name)]
        serving = [one for one in self.policy.registries if one.serves(place.name)]
        return [(same_host(one.host), _address_at(one, place.name)) for one in serving]


def places(policy: Policy, images: Iterable[str]) -> Places:
    """Return where these images of a ledger live; the first of two that share an address has it."""
    found: dict[str, str] = {}
    known = frozenset(images)
    for image in sorted(known):
        for registry in policy.registries:
            if registry.serves(image):
                found.setdefault(_address_at(registry, image), image)
    return Places(policy, known, found)


def address(host: str, path: str) -> str:
    """Return the one way to write a repository's address."""
    host = same_host(host)
    return f"{host}/library/{path}" if host == _HUB and "/" not in path else f"{host}/{path}"


def same_host(host: str) -> str:
    """Return a registry's host in lower case, and the one name of Docker Hub for each of its hosts."""
    host = host.lower()
    return _HUB if host in _HUB_HOSTS else host


def _address_at(registry: Registry, image: str) -> str:
    return address(registry.host, "/".join(part for part in (registry.prefix, image) if part))

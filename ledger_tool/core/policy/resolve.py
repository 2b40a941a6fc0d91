"""Which image of the ledger a reference means, and where an image is pulled from.

A reference means a repository:

| the reference                            | means                                                                |
|------------------------------------------|----------------------------------------------------------------------|
| `registry/path`                          | that path at that registry                                           |
| a bare name, typed or in `dependsOn`     | that of the first registry that serves the name; else Docker Hub's  |
| a bare name in a manifest                | Docker Hub's; as typed if `ledger.yaml` names no registry            |

The ledger may have that repository under several names, one for each registry of `ledger.yaml` that has this host,
this prefix in front of the path, and a pattern that matches the image. The image's name in the ledger is the rest of
the path, behind the registry's `ledgerPrefix`: so two registries may serve different images of one name. A typed bare
name with records is a name of its own, whoever serves it. The first of these rules that tells two names apart decides:

1. an image with records comes before one without,
2. the typed bare name comes before any other,
3. registries are in the order of `ledger.yaml`,
4. the path as written comes before the one with, or without, `library/`.

A repository without a name in the ledger is somebody else's, and is not an image of the ledger.

Registry hosts are compared without regard to case, and ports 80 and 443 are the host's own. Docker Hub has several
hosts; `library/` may be left out there in front of a name without a slash, and nothing lies deeper than
`NAMESPACE/NAME` (distribution's `reference` package, `normalize.go`, `splitDockerDomain`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol, TypeVar

from ledger_tool.core.ledger.names import Image, shown
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.reference import Reference, parse_reference
from ledger_tool.errors import InvalidValue, UsageError

HUB = "docker.io"
HUB_HOSTS = (HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")
_OFFICIAL = "library/"
_PORT = re.compile(r":0*([0-9]+)\Z")


@lru_cache(maxsize=1024)  # a reconcile asks for one host thousands of times
def same_host(host: str) -> str:
    """Return a registry's host in the form for comparison: in lower case, Docker Hub's under one name.

    Ports 80 and 443 are the host's own, so they are left out.
    """
    host = host.lower()
    if port := _PORT.search(host):
        host = host[: port.start()] + ("" if port[1] in ("80", "443") else f":{port[1]}")
    return HUB if host in HUB_HOSTS else host


def full_name(reference: Reference) -> str:
    """Return the host and the path of a repository, in full; a reference without a registry means Docker Hub's."""
    host = same_host(reference.registry or HUB)
    return f"{host}/{_full(host, reference.path)}"


class AddressedRegistry(Protocol):
    """A registry that a person can name: by the name that reports use, or by its host."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def host(self) -> str:
        """The host as written in `ledger.yaml`, without `http://`."""

    @property
    def plain_http(self) -> bool:
        """Whether it is a plain-HTTP registry."""


R = TypeVar("R", bound=AddressedRegistry)


def addressed(registries: Iterable[R], typed: str) -> list[R]:
    """Return the registries that a person typed: those of that name, else those at that host, of that scheme if any."""
    choices = list(registries)
    scheme, _, host = typed.rpartition("://")
    return [registry for registry in choices if registry.name == typed] or [
        registry
        for registry in choices
        if same_host(registry.host) == same_host(host) and scheme in ("", "http" if registry.plain_http else "https")
    ]


def pulled_from(registry: Registry, image: str) -> tuple[str, str]:
    """Return the host and the path by which clients pull an image from a registry; in full for Docker Hub."""
    host = HUB if same_host(registry.host) == HUB else registry.host
    return host, _full(host, registry.path(image))


def written_as(repository: str) -> list[str]:
    """Return the usual ways to write a repository in a manifest: in full, and Docker Hub's in short as well."""
    host, _, path = repository.partition("/")
    short = _spellings(host, path)[-1]
    return list(dict.fromkeys([repository, f"{host}/{short}", short])) if host == HUB else [repository]


def pull_repository(policy: Policy, image: str) -> str:
    """Return the repository to pull `image` from: the first registry that serves it, else the bare image."""
    return next(("/".join(pulled_from(registry, image)) for registry in policy.serving(image)), image)


@dataclass(frozen=True, slots=True)
class NamedImage:
    """What a reference names: an image by its name in the ledger (`ours`), or the `host/path` of somebody else's."""

    name: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves references by `ledger.yaml` and by which images have records."""

    policy: Policy
    has_records: Callable[[str], bool]

    def resolve(self, reference: Reference) -> NamedImage:
        """Return what a typed or recorded reference names. Its tag and digest do not matter."""
        served = self._served(reference)
        own = [] if reference.registry else [reference.path]
        image = next(filter(self.has_records, own + served), served[0] if served else "")
        if image:
            return NamedImage(image, ours=True)
        return NamedImage(self.address(reference), ours=False)

    def resolve_in_manifest(self, reference: Reference) -> NamedImage:
        """Return what a manifest's reference names."""
        is_hubs = not reference.registry and self.policy.registries
        return self.resolve(replace(reference, registry=HUB) if is_hubs else reference)

    def image(self, reference: Reference) -> Image:
        """Return the image that a typed reference names; an unknown bare name is a new image of the ledger.

        Raises UsageError for a registry that is not in `ledger.yaml`, or does not serve the image there.
        """
        named = self.resolve(reference)
        if named.ours or not reference.registry:
            return Image(named.name if named.ours else reference.path)
        given, registry = shown(reference.name), shown(reference.registry)
        hosts = {one.host for one in self.policy.registries}
        if same_host(reference.registry) in map(same_host, hosts):
            raise UsageError(
                f"ledger.yaml does not say that {registry} serves `{given}`",
                "correct the name, or the registry's `images` and `prefix` in ledger.yaml",
            )
        raise UsageError(
            f"`{given}` names a registry that is not in ledger.yaml; configured: {', '.join(sorted(hosts)) or 'none'}",
            f"leave the registry out, or add `- host: {registry}` under `registries` in ledger.yaml",
        )

    def pattern(self, text: str, *, others: bool = False) -> str:
        """Return a pattern in the ledger's names: a full image name is resolved, a glob stays as it is.

        A tag that follows, glob or not, also stays. Raises UsageError as `image` does; with `others`, somebody else's
        image is written in full.
        """
        head, slash, last = text.rpartition("/")
        name, colon, tag = last.partition(":")
        image = head + slash + name
        if re.search(r"[*?\[]", image) or self.has_records(image):
            return text
        try:
            reference = parse_reference(image)
            return (self.resolve(reference).name if others else self.image(reference)) + colon + tag
        except InvalidValue:  # it matches nothing
            return text

    def names(self, reference: Reference) -> list[str]:
        """Return every name that a typed reference may have in the ledger, the likeliest first."""
        own = [] if reference.registry else [reference.path]
        return list(dict.fromkeys(own + self._served(reference)))

    def host(self, reference: Reference) -> str:
        """Return the host of the registry that a typed or recorded reference means, in the form for comparison."""
        return self._repository(reference)[0]

    def address(self, reference: Reference) -> str:
        """Return the host and the path of the repository that a typed or recorded reference means."""
        host, path = self._repository(reference)
        return full_name(Reference(host, path))

    def repositories(self, named: NamedImage) -> list[tuple[str, str]]:
        """Return the host and the full address of each repository that is known to hold an image."""
        if not named.ours:
            return [(named.name.partition("/")[0], named.name)]
        homes = [pulled_from(registry, named.name) for registry in self.policy.serving(named.name)]
        return [(same_host(host), f"{same_host(host)}/{path}") for host, path in homes]

    def _repository(self, reference: Reference) -> tuple[str, str]:
        if reference.registry:
            return same_host(reference.registry), reference.path
        for registry in self.policy.serving(reference.path):
            host, path = same_host(registry.host), registry.path(reference.path)
            return (HUB, reference.path) if host == HUB and path.count("/") > 1 else (host, path)
        return HUB, reference.path

    def _served(self, reference: Reference) -> list[str]:
        """Return the names under which registries of `ledger.yaml` serve the repository that a reference means."""
        host, path = self._repository(reference)
        names = [
            name
            for registry in self.policy.registries
            if same_host(registry.host) == host
            for spelling in _spellings(host, path)
            if (name := self.policy.name_at(registry, spelling)) is not None
        ]
        is_own = not reference.registry and reference.path in names
        return [reference.path, *names] if is_own else names


def _full(host: str, path: str) -> str:
    return f"{_OFFICIAL}{path}" if host == HUB and "/" not in path else path


def _spellings(host: str, path: str) -> list[str]:
    """Return the ways to write a path, the given one first: on Docker Hub, with and without `library/`."""
    short = path.removeprefix(_OFFICIAL)
    return list(dict.fromkeys([path, _OFFICIAL + short, short])) if host == HUB and "/" not in short else [path]

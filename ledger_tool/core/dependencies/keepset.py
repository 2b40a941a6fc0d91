"""What a garbage collector must keep: every digest that a record, its index, its image's children or a base needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ledger_tool.core.dependencies.uses import ROLES, DigestUse, Role
from ledger_tool.core.policy.resolve import NamedImage, Resolver, same_host


@dataclass(frozen=True, slots=True)
class Kept:
    """One digest of one image that must stay, all its roles, and the repositories that may have it."""

    digest: str
    image: str
    roles: Sequence[Role]
    tags: Sequence[str]
    repositories: Sequence[str]


@dataclass(frozen=True, slots=True)
class Scope:
    """The repositories to keep digests in: those whose image matches a glob, at one registry (`""`: at any).

    It selects repositories, not records: a base is kept for the sake of the images built on it, and what another
    name of the ledger has in the same repository is kept as well.
    """

    pattern: str = "*"
    registry: str = ""

    @property
    def host(self) -> str:
        """The registry, in the form for comparison."""
        return same_host(self.registry)

    def select(self, uses: Iterable[DigestUse], resolver: Resolver) -> list[DigestUse]:
        """Return the uses in the repositories in scope."""
        all_uses = list(uses)
        addresses = {use.named: frozenset(self.addresses(use.named, resolver)) for use in all_uses}
        matching = {named for named in addresses if fnmatchcase(named.name, self.pattern)}
        inside = frozenset[str]().union(*(addresses[named] for named in matching))
        chosen = {
            named
            for named, own in addresses.items()
            if not inside.isdisjoint(own) or (named in matching and not self.registry)
        }
        return [use for use in all_uses if use.named in chosen]

    def addresses(self, named: NamedImage, resolver: Resolver) -> list[str]:
        """Return the repositories of an image, at the registry that is in scope."""
        homes = resolver.repositories(named)
        return list(dict.fromkeys(address for host, address in homes if not self.registry or host == self.host))


def kept_digests(uses: Iterable[DigestUse], resolver: Resolver, scope: Scope) -> list[Kept]:
    """Return what must stay in the repositories of a scope, by image and digest."""
    groups: dict[tuple[str, str], list[DigestUse]] = {}
    for use in scope.select(uses, resolver):
        groups.setdefault((use.named.name, use.digest), []).append(use)
    result = []
    for (image, digest), group in sorted(groups.items()):
        roles = sorted({use.role for use in group}, key=ROLES.index)
        tags = sorted({use.tag for use in group} - {""})
        result.append(Kept(digest, image, roles, tags, scope.addresses(group[0].named, resolver)))
    return result

"""What a garbage collector must keep: every digest that a record, its index, its image's children or a base needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal, get_args

from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.policy.reference import split
from ledger_tool.core.policy.resolve import NamedImage, Resolver, same_host

Role = Literal["image", "index", "child", "base"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class DigestUse:
    """One reason to keep a digest of an image; `tag` is that of the record or of the base's reference, or `""`."""

    named: NamedImage
    digest: str
    role: Role
    tag: str = ""


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

    It selects repositories, not records: a base is kept for the sake of the images built on it.
    """

    pattern: str = "*"
    registry: str = ""

    def has(self, resolver: Resolver, named: NamedImage) -> bool:
        """Return whether an image's repository is in scope."""
        if not fnmatchcase(named.name, self.pattern):
            return False
        return not self.registry or any(host == self.host for host, _ in resolver.repositories(named))

    @property
    def host(self) -> str:
        """The registry, in the form for comparison."""
        return same_host(self.registry)


def uses_of(ledger: Ledger, resolver: Resolver) -> list[DigestUse]:
    """Return every use of a digest in a ledger; expired and yanked records count: until pruned, they can be pulled."""

    @cache
    def base(text: str) -> DigestUse:
        reference = split(text)
        return DigestUse(resolver.resolve(reference), str(reference.digest), "base", reference.tag or "")

    uses = []
    for record in ledger.records():
        image = NamedImage(record.image, ours=True)
        uses.append(DigestUse(image, record.digest, "image", record.tag))
        if record.index:
            uses.append(DigestUse(image, record.index, "index", record.tag))
        uses += map(base, record.depends_on)
    return uses


def kept_digests(uses: Iterable[DigestUse], resolver: Resolver, scope: Scope) -> list[Kept]:
    """Return what must stay in the repositories of a scope, by image and digest."""
    groups: dict[tuple[str, str], list[DigestUse]] = {}
    for use in uses:
        if scope.has(resolver, use.named):
            groups.setdefault((use.named.name, use.digest), []).append(use)
    result = []
    for (image, digest), group in sorted(groups.items()):
        roles = sorted({use.role for use in group}, key=ROLES.index)
        tags = sorted({use.tag for use in group} - {""})
        homes = resolver.repositories(group[0].named)
        repositories = dict.fromkeys(path for host, path in homes if not scope.registry or host == scope.host)
        result.append(Kept(digest, image, roles, tags, list(repositories)))
    return result

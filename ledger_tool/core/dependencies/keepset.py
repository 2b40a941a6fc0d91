"""What a garbage collector must keep: every digest that a record, its index, its image's children or a base needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_reference
from ledger_tool.core.policy.resolve import Place, Places, places, same_host

Role = Literal["image", "index", "child", "base"]
ROLES: tuple[Role, ...] = ("image", "index", "child", "base")


@dataclass(frozen=True, slots=True)
class Use:
    """One reason to keep a digest of an image; `tag` is that of the record or of the base's reference, or `""`."""

    place: Place
    digest: str
    role: Role
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """One digest of one image that must stay, everything that it is, and the repositories that may hold it."""

    digest: str
    image: str
    roles: Sequence[Role]
    tags: Sequence[str]
    repositories: Sequence[str]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which repositories are asked of: those whose image matches a glob, and those at one registry (`""` is all).

    It picks repositories, and not records: an image that another one is built on is kept on that one's account.
    """

    pattern: str = "*"
    registry: str = ""

    def has(self, where: Places, place: Place) -> bool:
        """Return whether an image's repository is asked of."""
        if not fnmatchcase(place.name, self.pattern):
            return False
        return not self.registry or any(host == self.host for host, _ in where.addresses(place))

    @property
    def host(self) -> str:
        """The registry, as hosts are compared."""
        return same_host(self.registry)


def uses(ledger: Ledger, policy: Policy) -> tuple[list[Use], Places]:
    """Return every use of a digest that a ledger tells of, and where its images live.

    Records that are expired or yanked count: until they are pruned, they can be pulled.
    """
    records = list(ledger.records())
    where = places(policy, (record.image for record in records))
    found = []
    for record in records:
        here = Place(record.image, True)
        found.append(Use(here, record.digest, "image", record.tag))
        if record.index:
            found.append(Use(here, record.index, "index", record.tag))
        for text in record.depends_on:
            base = parse_reference(text)
            found.append(Use(where.of(base), str(base.digest), "base", base.tag or ""))
    return found, where


def kept(found: Iterable[Use], where: Places, scope: Scope) -> list[Kept]:
    """Return what must stay in the repositories of a scope, by image and digest."""
    groups: dict[tuple[str, str], list[Use]] = {}
    for use in found:
        if scope.has(where, use.place):
            groups.setdefault((use.place.name, use.digest), []).append(use)
    result = []
    for (image, digest), group in sorted(groups.items()):
        roles = {use.role for use in group}
        repositories = [
            address for host, address in where.addresses(group[0].place) if scope.registry == "" or host == scope.host
        ]
        result.append(
            Kept(
                digest,
                image,
                [role for role in ROLES if role in roles],
                sorted({use.tag for use in group} - {""}),
                list(dict.fromkeys(repositories)),
            )
        )
    return result

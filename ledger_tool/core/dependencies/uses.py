"""Which digests a ledger needs, and in which repositories: the one answer for `keepset` and for `prune`.

A use belongs to a repository at a registry, not to a name: the ledger may know one repository under several names, a
base may be written in several ways, and a mirror has the same content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.reference import split
from ledger_tool.core.policy.resolve import NamedImage, Resolver

Role = Literal["image", "index", "child", "base", "running"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class DigestUse:
    """One use of a digest of an image.

    `tag` is that of the record or of the base's reference, or `""`; `record` is what uses it, None for a child and for
    what only runs.
    """

    named: NamedImage
    digest: str
    role: Role
    tag: str = ""
    record: Record | None = None

    @property
    def reason(self) -> str:
        """Why the digest has to stay, for people."""
        name = self.record.name if self.record else ""
        words = {"image": f"it is {name}", "index": f"{name} is served through it", "base": f"{name} is built on it"}
        return words.get(self.role, "it is in an index that is in use")

    @property
    def may_be_index(self) -> bool:
        """Whether the ledger calls it an index, or does not say what it is."""
        return self.role != "image" or (self.record is not None and self.record.may_be_index)


def uses_of(records: Iterable[Record], resolver: Resolver) -> list[DigestUse]:
    """Return every use of a digest; expired and yanked records count: until they are pruned, they can be pulled."""

    @cache
    def base(text: str) -> tuple[NamedImage, str, str]:
        reference = split(text)
        return resolver.resolve(reference), str(reference.digest), reference.tag or ""

    uses = []
    for record in records:
        image = NamedImage(record.image, ours=True)
        uses.append(DigestUse(image, record.digest, "image", record.tag, record))
        if record.index:
            uses.append(DigestUse(image, record.index, "index", record.tag, record))
        uses += [DigestUse(named, digest, "base", tag, record) for named, digest, tag in map(base, record.depends_on)]
    return uses


@dataclass(frozen=True, slots=True)
class RepositoryUses:
    """The digests in use, by the path of the repository that they may be in.

    Hosts do not count: a mirror has the same content under the same path, and one registry may have several hosts. A
    base is somebody's word: it may come through a cache, or be the origin of one, or leave out `library/`. So the
    path of one may also be the end of the other.
    """

    own: Mapping[str, Mapping[str, bool]]
    bases: Mapping[str, Mapping[str, bool]]
    resolver: Resolver

    def digests(self, image: str) -> dict[str, bool]:
        """Return the digests that may be in use in one of the repositories of an image of the ledger.

        The value says whether the ledger calls it an index, or does not say what it is.
        """
        groups: list[Mapping[str, bool]] = []
        for path in sorted(self._paths(image)):
            groups += [self.own.get(path, {}), self.bases.get(path, {})]
            groups += [self.bases.get(f"/{end}", {}) for end in _ends(path)]
        return _merged(groups)

    def indexes(self, image: str) -> set[str]:
        """Return the recorded digests of an image, under whatever name, that may be indexes; bases are not recorded."""
        return {digest for path in self._paths(image) for digest, may_be in self.own.get(path, {}).items() if may_be}

    def _paths(self, image: str) -> set[str]:
        return {image, *paths_of(NamedImage(image, ours=True), self.resolver)}


def paths_of(named: NamedImage, resolver: Resolver) -> set[str]:
    """Return the path of each repository of an image, without the registry; the name if none is known."""
    paths = {address.partition("/")[2] for _, address in resolver.repositories(named)}
    return paths or {named.name}


def by_repository(uses: Iterable[DigestUse], resolver: Resolver) -> RepositoryUses:
    """Return the digests of these uses by repository."""
    own: dict[str, dict[str, bool]] = {}
    bases: dict[str, dict[str, bool]] = {}

    @cache
    def paths(named: NamedImage) -> set[str]:
        return paths_of(named, resolver)

    @cache
    def base_keys(named: NamedImage) -> set[str]:  # with all that it ends in, and, marked by a slash, in full
        return {key for path in paths(named) for key in (f"/{path}", path, *_ends(path))}

    for use in uses:
        is_base = use.role == "base"
        for key in base_keys(use.named) if is_base else paths(use.named):
            digests = (bases if is_base else own).setdefault(key, {})
            digests[use.digest] = digests.get(use.digest, False) or use.may_be_index
    return RepositoryUses(own, bases, resolver)


def _merged(groups: Iterable[Mapping[str, bool]]) -> dict[str, bool]:
    result: dict[str, bool] = {}
    for digest, is_index in (item for group in groups for item in group.items()):
        result[digest] = result.get(digest, False) or is_index
    return result


def _ends(path: str) -> Iterator[str]:
    """Yield what a path ends in: for `a/b/c`, `b/c` and `c`."""
    rest = path
    while "/" in rest:
        rest = rest.partition("/")[2]
        yield rest

"""`keepset`: every digest that a garbage collector must keep, or nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Progress, Registries, RegistryPort, Source
from ledger_tool.commands.walk import RegistryDigest, WalkAnswer, contents, is_no_index, walk_uses
from ledger_tool.core.dependencies.keepset import Kept, Scope, kept_digests
from ledger_tool.core.dependencies.uses import DigestUse, RepositoryUses, by_repository, uses_of
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import parse_digest
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.resolve import NamedImage, Resolver, same_host
from ledger_tool.core.registry.drift import ABSENT, Absent
from ledger_tool.core.registry.driftreport import looks_half_empty
from ledger_tool.core.registry.image import Manifest
from ledger_tool.core.running.container import RunningContainer
from ledger_tool.core.running.inuse import InUse, PulledImage, in_use, pulled_images, unmatched
from ledger_tool.core.running.records import digests_of
from ledger_tool.errors import LedgerError, UnknownImage, Unreachable, UsageError

Index = RegistryDigest[RegistryPort]


@dataclass(frozen=True, slots=True)
class Keepset:
    """What must stay; `live` says whether registries were asked for the children of every index.

    `gone` are recorded images that none of their registries has. `unseen` are those that may be an index
    whose images are not in the ledger: nobody looked, neither when they were published nor now.
    """

    kept: Sequence[Kept]
    live: bool
    gone: Sequence[str] = ()
    unseen: Sequence[str] = ()


def keepset(
    source: Source,
    registries: Registries | None,
    scope: Scope,
    *,
    jobs: int,
    progress: Progress,
    running: Sequence[RunningContainer] = (),
) -> Keepset:
    """Return what a garbage collector must keep in the repositories of a scope; what runs there is kept, too.

    With `registries`, they are asked what every recorded digest and base is, and for all children of every index,
    including attestations. Raises UnknownImage if there is nothing to keep, because a collector would read an empty
    list as "delete all"; Unreachable if any request gets no answer; UsageError if an image is in no known registry.
    """
    snapshot = source.read()
    if scope.registry and scope.host not in {same_host(registry.host) for registry in snapshot.policy.registries}:
        hint = "use one that is listed there under `registries`"
        raise UsageError(f"ledger.yaml does not name the registry {scope.registry}", hint)
    resolver = snapshot.resolver
    scope = replace(scope, pattern=resolver.pattern(scope.pattern, others=True))
    pulled, unpinned = _running_uses(pulled_images(running, resolver, snapshot.ledger), snapshot.ledger)
    unpinned = scope.select(unpinned, resolver)
    recorded, used = uses_of(snapshot.ledger.records(), resolver), in_use(running, resolver)
    if registries is not None:
        asked = [(use, use.tag) for use in unpinned]
        asked += [(use, use.digest) for use in _anywhere(used, scope.select(recorded, resolver))]
        pulled += _served(asked, used.pulled, resolver, registries, scope, jobs=jobs)
    all_uses = recorded + pulled
    uses = scope.select(all_uses, resolver)
    if not uses:
        raise UnknownImage(
            "the ledger keeps nothing there, and an empty list would let a garbage collector delete everything",
            "a pattern is a glob of images, such as `myorg/*`, and has no tag; `ledger list` shows all images",
        )
    if registries is None:
        unseen = {f"{use.named.name}@{use.digest}" for use in _never_seen(uses, all_uses)}
        unseen |= {f"{use.named.name}:{use.tag}" for use in unpinned}
        named = {use.digest for use in pulled}
        unseen |= {one for one in _unrecorded(used, snapshot.ledger.records()) if one not in named}
        return Keepset(kept_digests(uses, resolver, scope), live=False, unseen=sorted(unseen))
    roots = by_repository(all_uses, resolver)
    children, gone = _children(uses, roots, registries, scope, jobs=jobs, progress=progress)
    _check_known(used, snapshot.ledger.records(), children)
    return Keepset(kept_digests(uses + children, resolver, scope), live=True, gone=gone)


def _children(
    uses: Sequence[DigestUse],
    roots: RepositoryUses,
    registries: Registries,
    scope: Scope,
    *,
    jobs: int,
    progress: Progress,
) -> tuple[list[DigestUse], list[str]]:
    """Return the contents of every index in use, and the digests that none of their registries has."""
    known = {(use.named.name, use.digest) for use in uses if use.named.ours}
    recorded = {(use.named.name, use.digest) for use in uses if use.named.ours and use.role != "running"}
    starts: dict[bool, list[Index]] = {True: [], False: []}  # those that the ledger calls an index, and the others
    for image, needed in {use.named.name: use.role != "base" for use in _bases_first(uses)}.items():
        for port in _serving(image, roots.resolver, registries, scope, needed=needed):
            for digest, is_index in roots.digests(image).items():
                starts[is_index].append(RegistryDigest(port, image, digest))

    others = {(place.image, place.digest) for places in starts.values() for place in places} - known

    def ask(index: Index) -> WalkAnswer:
        manifest = contents(index)
        for child in manifest.referenced if isinstance(manifest, Manifest) else ():
            parse_digest(child)
        return manifest

    def look(level: Sequence[Index]) -> Iterator[tuple[Index, WalkAnswer]]:
        for done, answered in enumerate(in_parallel(ask, level, jobs=jobs), 1):
            yield answered
            progress(done, len(level))

    children: list[DigestUse] = []
    is_there: dict[tuple[str, str], bool] = {}
    for index, answer in walk_uses(starts[True], starts[False], look):
        if isinstance(answer, LedgerError):  # an incomplete list would let the rest be deleted
            raise Unreachable(
                f"{index.registry.name} could not be asked for {index}, so nothing is printed: {answer.message}",
                answer.hint or "run it again; `ledger doctor HOST` says which credential a registry gets",
            )
        name = index.image, index.digest
        is_there[name] = is_there.get(name, False) or not isinstance(answer, Absent)
        if isinstance(answer, Manifest):
            named = NamedImage(index.image, ours=True)
            children += [DigestUse(named, child, "child") for child in answer.referenced]
            if name in others:  # a base that is written in another way
                children.append(DigestUse(named, index.digest, "base"))
    _check_visible(uses, is_there)
    gone = {name for name, seen in is_there.items() if not seen} & recorded
    _check_read(gone, roots)
    return children, sorted(f"{image}@{digest}" for image, digest in gone)


def _running_uses(pulled: Sequence[PulledImage], ledger: Ledger) -> tuple[list[DigestUse], list[DigestUse]]:
    """Return what runs as uses: those with a digest, and those by a tag alone of which there is no record."""
    uses = [DigestUse(NamedImage(image.image, ours=True), image.digest, "running", image.tag) for image in pulled]
    unpinned = [use for use in uses if not use.digest and not ledger.find(Name(use.named.name, use.tag))]
    return [use for use in uses if use.digest], unpinned


def _never_seen(uses: Iterable[DigestUse], all_uses: Iterable[DigestUse]) -> Iterator[DigestUse]:
    """Yield the uses of what may be an index, and nobody has looked: what was published so, and what only runs."""
    recorded = {use.digest for use in all_uses if use.role in ("image", "index")}
    for use in uses:
        if (use.role == "image" and use.may_be_index) or (use.role == "running" and use.digest not in recorded):
            yield use


def _unrecorded(used: InUse, records: Iterable[Record]) -> list[str]:
    """Return the digests that run, and the beginnings of ids, which no record has: they may be an index of ours."""
    known = {digest for record in records for digest in digests_of(record)}
    return [*(used.digests.keys() - known), *(f"sha256:{short}" for short in unmatched(used.ids, known))]


def _anywhere(used: InUse, uses: Iterable[DigestUse]) -> list[DigestUse]:
    """Return what runs as a use of each image that is recorded and has no use of it: it may be an index there."""
    digests: dict[NamedImage, set[str]] = {}
    for use in uses:
        digests.setdefault(use.named, set()).add(use.digest)
    return [
        DigestUse(named, digest, "running")
        for named, own in digests.items()
        if named.ours
        for digest in used.digests
        if digest not in own
    ]


def _served(
    uses: Sequence[tuple[DigestUse, str]],
    pulled: Collection[str],
    resolver: Resolver,
    registries: Registries,
    scope: Scope,
    *,
    jobs: int,
) -> list[DigestUse]:
    """Return the uses, each with a tag or a digest, that are there: with the digests that the registries have.

    What is not among those by which something was `pulled` may be the id of a config, which is nobody's index.
    """
    asked = [
        (port, use, reference)
        for use, reference in uses
        for port in _serving(use.named.name, resolver, registries, scope, needed=True)
    ]

    def look(task: tuple[RegistryPort, DigestUse, str]) -> str | Absent:
        port, use, reference = task
        may_be_config = bool(use.digest) and use.digest not in pulled
        if may_be_config and is_no_index(RegistryDigest(port, use.named.name, reference)):
            return ABSENT
        return port.look(use.named.name, reference)

    served = []
    for (port, use, reference), digest in in_parallel(look, asked, jobs=jobs):
        if isinstance(digest, LedgerError):
            name = f"{use.named.name}@{reference}" if use.digest else f"{use.named.name}:{reference}"
            raise Unreachable(
                f"{port.name} could not be asked for {name}, which runs, so nothing is printed: {digest.message}",
                digest.hint or "run it again; `ledger doctor HOST` says which credential a registry gets",
            )
        if not isinstance(digest, Absent):
            served.append(replace(use, digest=digest))
    return served


def _bases_first(uses: Sequence[DigestUse]) -> list[DigestUse]:
    return sorted((use for use in uses if use.named.ours), key=lambda use: use.role != "base")


def _serving(
    image: str, resolver: Resolver, registries: Registries, scope: Scope, *, needed: bool
) -> list[RegistryPort]:
    """Return the registries in scope that serve an image. Raises UsageError if there is none although it is needed."""
    ports = registries.serving(resolver.policy, image)
    serving = [port for port in ports if not scope.registry or same_host(port.host) == scope.host]
    if not serving and needed:
        raise UsageError(
            f"no registry of ledger.yaml serves {image}, so what its indexes refer to is not known",
            "name its registry under `registries` in ledger.yaml, or leave it out with a pattern",
        )
    return serving


def _check_known(used: InUse, records: Iterable[Record], children: Iterable[DigestUse]) -> None:
    """Raise Unreachable for the beginning of an id that nothing known has: no registry can be asked for it."""
    known = {digest for record in records for digest in digests_of(record)} | {use.digest for use in children}
    for short, reason in unmatched(used.ids, known).items():
        raise Unreachable(
            f"what has an id that begins with {short} {reason}, and nothing tells what that is, so nothing is printed",
            "give what `docker inspect` prints in place of `docker ps`",
        )


def _check_read(gone: Iterable[tuple[str, str]], roots: RepositoryUses) -> None:
    """Raise Unreachable for a recorded digest that is gone and may be an index: its contents are not known."""
    if unread := sorted(f"{image}@{digest}" for image, digest in gone if digest in roots.indexes(image)):
        raise Unreachable(
            f"{unread[0]} is in none of its registries, so what it refers to is not known, and nothing is printed",
            "check with `ledger reconcile` whether it is gone; then remove its record, or publish what is there now",
        )


def _check_visible(uses: Sequence[DigestUse], is_there: Mapping[tuple[str, str], bool]) -> None:
    """Raise Unreachable for an image of which nothing is there: some registries hide what an account may not see."""
    for what, roles in (("indexes", ("index",)), ("digests", ("index", "image"))):
        recorded = {(use.named.name, use.digest) for use in uses if use.role in roles}
        visible = {image for image, digest in recorded if is_there.get((image, digest), True)}
        if hidden := sorted({image for image, _ in recorded} - visible):
            raise Unreachable(
                f"none of the {what} of {hidden[0]} is in its registries, so nothing is printed",
                "check with `ledger reconcile` whether they are gone; `ledger doctor HOST` names the credential",
            )
    recorded = {(use.named.name, use.digest) for use in uses if use.role not in ("base", "running")}
    gone = sum(not is_there.get(name, True) for name in recorded)
    if looks_half_empty(gone, len(recorded)):
        raise Unreachable(
            f"the registries look half empty: {gone} of {len(recorded)} digests are gone, so nothing is printed",
            "check with `ledger reconcile` what happened to them",
        )

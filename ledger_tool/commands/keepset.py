"""`keepset`: every digest that a garbage collector must keep, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Progress, Registries, RegistryPort, Source
from ledger_tool.commands.walk import RegistryDigest, WalkAnswer, walk_indexes
from ledger_tool.core.dependencies.keepset import DigestUse, Kept, Scope, kept_digests, uses_of
from ledger_tool.core.ledger.names import parse_digest
from ledger_tool.core.policy.resolve import NamedImage, Resolver, same_host
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.image import Manifest
from ledger_tool.errors import LedgerError, UnknownImage, Unreachable, UsageError


@dataclass(frozen=True, slots=True)
class Keepset:
    """What must stay; `live` says whether registries were asked for the children of every index."""

    kept: Sequence[Kept]
    live: bool
    gone: Sequence[str] = ()


def keepset(
    source: Source,
    registries: Registries | None,
    scope: Scope,
    *,
    jobs: int,
    progress: Progress,
) -> Keepset:
    """Return what a garbage collector must keep in the repositories of a scope.

    With `registries`, they are asked for all children of every index and base, including attestations. Raises
    UnknownImage if there is nothing to keep, because a collector would read an empty list as "delete all"; Unreachable
    if any request gets no answer; UsageError if an index is in no known registry.
    """
    snapshot = source.read()
    if scope.registry and scope.host not in {same_host(registry.host) for registry in snapshot.policy.registries}:
        hint = "use one that is listed there under `registries`"
        raise UsageError(f"ledger.yaml does not name the registry {scope.registry}", hint)
    resolver = snapshot.resolver
    scope = replace(scope, pattern=resolver.pattern(scope.pattern, others=True))
    uses = uses_of(snapshot.ledger, resolver)
    if not kept_digests(uses, resolver, scope):
        raise UnknownImage(
            "the ledger keeps nothing there, and an empty list would let a garbage collector delete everything",
            "a pattern is a glob of images, such as `myorg/*`, and has no tag; `ledger list` shows all images",
        )
    gone: list[str] = []
    if registries is not None:
        inside = [use for use in uses if use.role in ("index", "base") and scope.has(resolver, use.named)]
        children, gone = _children(inside, resolver, registries, scope, jobs=jobs, progress=progress)
        uses += children
    return Keepset(kept_digests(uses, resolver, scope), registries is not None, gone)


def _children(
    inside: Sequence[DigestUse],
    resolver: Resolver,
    registries: Registries,
    scope: Scope,
    *,
    jobs: int,
    progress: Progress,
) -> tuple[list[DigestUse], list[str]]:
    """Return the children of every index, and the digests that none of their registries has."""
    starts: list[RegistryDigest[RegistryPort]] = []
    for named, digest, role in dict.fromkeys((use.named, use.digest, use.role) for use in inside):
        ports = registries.serving(resolver.policy, named.name) if named.ours else ()
        serving = [port for port in ports if scope.registry == "" or same_host(port.host) == scope.host]
        if not serving and role == "index":
            raise UsageError(
                f"no registry of ledger.yaml serves {named.name}, so the children of {digest} are not known",
                "name its registry under `registries` in ledger.yaml, or leave it out with a pattern",
            )
        starts += [RegistryDigest(port, named.name, digest) for port in serving]

    def ask(index: RegistryDigest[RegistryPort]) -> Manifest | Absent:
        manifest = index.registry.manifest(index.image, index.digest)
        for child in manifest.referenced if isinstance(manifest, Manifest) else ():
            parse_digest(child)
        return manifest

    def look(
        level: Sequence[RegistryDigest[RegistryPort]],
    ) -> Iterator[tuple[RegistryDigest[RegistryPort], WalkAnswer]]:
        for done, answered in enumerate(in_parallel(ask, level, jobs=jobs), 1):
            yield answered
            progress(done, len(level))

    children: list[DigestUse] = []
    exists: dict[tuple[str, str], bool] = {}
    for index, answer in walk_indexes(starts, look):
        if isinstance(answer, LedgerError):  # an incomplete list would let the rest be deleted
            raise Unreachable(
                f"{index.registry.name} could not be asked for {index}, so nothing is printed: {answer.message}",
                "run it again; `ledger auth HOST` says which credential a registry gets",
            )
        name = index.image, index.digest
        exists[name] = exists.get(name, False) or isinstance(answer, Manifest)
        if isinstance(answer, Manifest):
            children += [DigestUse(NamedImage(index.image, ours=True), child, "child") for child in answer.referenced]
    # Some registries hide what an account may not see.
    visible = {image for (image, _), is_there in exists.items() if is_there}
    if hidden := sorted({use.named.name for use in inside if use.role == "index"} - visible):
        raise Unreachable(
            f"none of the indexes of {hidden[0]} is in its registries, so nothing is printed",
            "check with `ledger reconcile` whether they are gone; `ledger auth HOST` says which credential is used",
        )
    return children, sorted(f"{image}@{digest}" for (image, digest), is_there in exists.items() if not is_there)

"""`keepset`: every digest that a garbage collector must keep, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger_tool.commands.observe import in_parallel
from ledger_tool.commands.ports import Registries, RegistryPort, Source
from ledger_tool.core.dependencies import keepset as rules
from ledger_tool.core.dependencies.keepset import Kept, Scope, Use
from ledger_tool.core.ledger.names import parse_digest
from ledger_tool.core.policy.resolve import Place, Places, same_host
from ledger_tool.core.registry.drift import Absent, Unknown
from ledger_tool.core.registry.image import Manifest
from ledger_tool.errors import LedgerError, UnknownImage, Unreachable, UsageError

_Question = tuple[int, Place, str]  # the registry by its place in a list, the image, a digest of it
_DEEPEST = 8  # an index in an index in an index …: no tool makes three of them


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
    progress: Callable[[int, int], None],
) -> Keepset:
    """Return what a garbage collector must keep in the repositories of a scope.

    With `registries`, they are asked for all children of every index and base, attestations included. Raises
    UnknownImage where nothing is to be kept, for a collector would take an empty list for "delete all";
    Unreachable where any of the questions has no answer; UsageError where an index is in no known registry.
    """
    snapshot = source.read()
    if scope.registry and scope.host not in {same_host(one.host) for one in snapshot.policy.registries}:
        raise UsageError(
            f"ledger.yaml does not name the registry {scope.registry}", "name one that is under `registries` there"
        )
    uses, where = rules.uses(snapshot.ledger, snapshot.policy)
    if not rules.kept(uses, where, scope):
        raise UnknownImage(
            "the ledger keeps nothing there, and an empty list would let a garbage collector delete everything",
            "a pattern is a glob of images, such as `myorg/*`, and has no tag; `ledger list` shows what there is",
        )
    gone: list[str] = []
    if registries is not None:
        inside = [use for use in uses if use.role in ("index", "base") and scope.has(where, use.place)]
        found, gone = _children(inside, where, registries, scope, jobs=jobs, progress=progress)
        uses += found
    return Keepset(rules.kept(uses, where, scope), registries is not None, gone)


def _children(
    inside: Sequence[Use],
    where: Places,
    registries: Registries,
    scope: Scope,
    *,
    jobs: int,
    progress: Callable[[int, int], None],
) -> tuple[list[Use], list[str]]:
    """Return the children of every index, and what is in none of the registries that should have it."""
    ports: list[RegistryPort] = []
    waiting: list[_Question] = []
    for place, digest, role in dict.fromkeys((use.place, use.digest, use.role) for use in inside):
        serving = _serving(place, where, registries, scope)
        if not serving and role == "index":
            raise UsageError(
                f"no registry of ledger.yaml serves {place.name}, so that the children of {digest} can't be asked for",
                "name its registry under `registries` in ledger.yaml, or leave it out with a pattern",
            )
        for port in serving:
            number = next((at for at, known in enumerate(ports) if known is port), len(ports))
            if number == len(ports):
                ports.append(port)
            waiting.append((number, place, digest))
    waiting = list(dict.fromkeys(waiting))
    asked = set(waiting)
    answers: dict[tuple[str, str], bool] = {}
    found: list[Use] = []

    def ask(question: _Question) -> Manifest | None:
        number, place, digest = question
        manifest = ports[number].manifest(place.name, digest)
        if isinstance(manifest, Absent):
            return None
        for child in manifest.referenced:
            parse_digest(child)
        return manifest

    for _ in range(_DEEPEST):
        fresh: list[_Question] = []
        for done, (question, manifest) in enumerate(_answered(ask, ports, waiting, jobs), 1):
            number, place, digest = question
            answers[place.name, digest] = answers.get((place.name, digest), False) or manifest is not None
            found += [Use(place, child, "child") for child in (manifest.referenced if manifest else ())]
            fresh += [(number, place, child) for child in (manifest.nested if manifest else ())]
            progress(done, len(waiting))
        waiting = [one for one in dict.fromkeys(fresh) if one not in asked]
        asked.update(waiting)
        if not waiting:
            break
    else:
        raise Unreachable("a registry serves indexes in indexes without an end", "look at what was pushed there")
    _check_seen({use.place.name for use in inside if use.role == "index"}, answers)
    return found, sorted(f"{image}@{digest}" for (image, digest), there in answers.items() if not there)


def _check_seen(images: set[str], answers: Mapping[tuple[str, str], bool]) -> None:
    """Raise Unreachable for an image none of whose indexes is there: some registries hide what one may not see."""
    seen = {image for (image, _), there in answers.items() if there}
    if hidden := sorted(images - seen):
        raise Unreachable(
            f"none of the indexes of {hidden[0]} is in its registries, so that nothing is printed",
            "see with `ledger reconcile` whether they are gone; `ledger auth HOST` says which credential is used",
        )


def _answered(
    ask: Callable[[_Question], Manifest | None],
    ports: Sequence[RegistryPort],
    questions: Sequence[_Question],
    jobs: int,
) -> Iterable[tuple[_Question, Manifest | None]]:
    """Yield each question with its answer, or raise for the first that has none: half a list would delete the rest."""

    def tried(question: _Question) -> Manifest | Unknown | None:
        try:
            return ask(question)
        except LedgerError as error:
            return Unknown(error.message)

    for question, answer in in_parallel(tried, questions, jobs=jobs):
        if isinstance(answer, Unknown):
            number, place, digest = question
            what = f"{place.name}@{digest}"
            raise Unreachable(
                f"{ports[number].name} could not be asked for {what}, so that nothing is printed: {answer.reason}",
                "run it again; `ledger auth HOST` says which credential a registry gets",
            )
        yield question, answer


def _serving(place: Place, where: Places, registries: Registries, scope: Scope) -> Sequence[RegistryPort]:
    if not place.ours:
        return ()
    ports = registries.serving(where.policy, place.name)
    return [port for port in ports if scope.registry == "" or same_host(port.name) == scope.host]

"""What the tags of bases serve now, according to the registries. What cannot be observed is Unknown, not moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Progress, Registries, RegistryPort
from ledger_tool.commands.walk import reached_from, served_manifest
from ledger_tool.core.dependencies.graph import Base
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.core.registry.drift import Absent, Unknown
from ledger_tool.errors import LedgerError, UnreadableManifest

_Question = tuple[RegistryPort, str, str]  # the registry, the image, the tag


@dataclass(frozen=True, slots=True)
class Newest:
    """What the tags serve now, by the text of the reference.

    `now` has the digest of a tag that has moved on, `""` for one that has not, or why it is Unknown. `gone` are
    those whose tag is gone; `unasked` those at registries that are not in `ledger.yaml`.
    """

    now: Mapping[str, str | Unknown]
    gone: Sequence[str]
    unasked: Sequence[str]

    @property
    def unknown(self) -> dict[str, str]:
        """The reasons, by reference."""
        return {text: seen.reason for text, seen in sorted(self.now.items()) if isinstance(seen, Unknown)}


def newest(
    resolver: Resolver, registries: Registries, bases: Iterable[Base], *, jobs: int, progress: Progress
) -> Newest:
    """Ask for the tag of each base that has one, each tag once, at the registry that the reference names.

    Only registries that `ledger.yaml` names are asked: a record must not decide where our credentials go.
    """
    questions: dict[_Question, dict[str, str]] = {}
    unasked: set[str] = set()
    for base in bases:
        if not base.reference.tag:
            continue
        address = resolver.address(base.reference)
        serving = registries.serving(resolver.policy, base.named.name) if base.named.ours else ()
        registry = next((port for port in serving if port.repository(base.named.name) == address), None)
        if registry is None:
            unasked.add(base.text)
        else:
            questions.setdefault((registry, base.named.name, base.reference.tag), {})[base.text] = base.digest
    now: dict[str, str | Unknown] = {}
    gone: list[str] = []

    def look(question: _Question) -> Mapping[str, str] | Absent:
        """Return the current digest for each old one, or `""` if the tag still leads to it."""
        registry, image, tag = question
        digests = set(questions[question].values())
        served = registry.look(image, tag)
        if isinstance(served, Absent):
            return served
        current: Set[str] = {served}
        if digests - current:  # an image of the served index is current
            current = _reached(registry, image, tag, served)
        return {digest: "" if digest in current else served for digest in digests}

    for done, (question, seen) in enumerate(in_parallel(look, questions, jobs=jobs), 1):
        for text, digest in questions[question].items():
            if isinstance(seen, Absent):
                gone.append(text)
                now[text] = ""
            else:
                now[text] = Unknown(seen.message) if isinstance(seen, LedgerError) else seen[digest]
        progress(done, len(questions))
    return Newest(now, sorted(gone), sorted(unasked))


def _reached(registry: RegistryPort, image: str, tag: str, served: str) -> Set[str]:
    try:
        manifest = served_manifest(registry, image, tag, served)
    except UnreadableManifest:  # whatever it is, the tag has moved on to it
        return {served}
    return reached_from(registry, image, manifest)

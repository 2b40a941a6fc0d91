"""Asking each registry for each tag and digest once in a run, whoever needs the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event, Lock
from typing import Any, NamedTuple, TypeVar

from ledger_tool.commands.ports import RegistryPort
from ledger_tool.core.provenance.claim import BuildClaim, claim_of, may_be_provenance
from ledger_tool.core.provenance.statement import MAX_BYTES, parse_statement
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.image import Manifest
from ledger_tool.errors import LedgerError, UnreadableManifest

T = TypeVar("T")
_Question = tuple[str, bool, str, str]  # what is asked, plain HTTP, the repository, the tag or digest


class AttestedClaim(NamedTuple):
    """What a statement says of a build, None if it says something else, and the digests of all that it is about."""

    about: frozenset[str]
    claim: BuildClaim | None


class OncePerRun:
    """The answers of a run, errors too. Threads that ask the same at the same time wait for the one that asks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: dict[_Question, Any] = {}
        self._waiting: dict[_Question, Event] = {}

    def served(self, registry: RegistryPort, image: str, tag: str, *, anew: bool = False) -> str | Absent:
        """Return what a tag serves, asked again if `anew`. Raises what `RegistryPort.look` raises."""
        question = _question("tag", registry, image, tag)
        if anew:
            with self._lock:
                self._answers.pop(question, None)
        return self._ask(question, lambda: registry.look(image, tag))

    def exists(self, registry: RegistryPort, image: str, digest: str) -> bool:
        """Return whether a manifest or index exists. Raises what `RegistryPort.look` raises."""
        answer = self._answers.get(_question("manifest", registry, image, digest))
        if isinstance(answer, Manifest | Absent | UnreadableManifest):
            return not isinstance(answer, Absent)
        return self._ask(
            _question("exists", registry, image, digest),
            lambda: not isinstance(registry.look(image, digest), Absent),
        )

    def manifest(self, registry: RegistryPort, image: str, digest: str) -> Manifest | Absent:
        """Return what a digest serves. Raises what `RegistryPort.manifest` raises."""
        return self._ask(
            _question("manifest", registry, image, digest), lambda: registry.manifest(image, digest)
        )  # fmt: skip

    def config(self, registry: RegistryPort, image: str, digest: str) -> Mapping[str, object]:
        """Return an image's config. Raises what `RegistryPort.config` raises."""
        return self._ask(_question("config", registry, image, digest), lambda: registry.config(image, digest))

    def attested(self, registry: RegistryPort, image: str, digest: str) -> AttestedClaim:
        """Return what a statement says of a build. Raises what `RegistryPort.blob` raises, and InvalidStatement."""

        def look() -> AttestedClaim:
            statement = parse_statement(registry.blob(image, digest, limit=MAX_BYTES, what="statement"))
            is_other = not may_be_provenance(statement.predicate_type)
            return AttestedClaim(statement.about, None if is_other else claim_of(statement))

        return self._ask(_question("statement", registry, image, digest), look)

    def has_blob(self, registry: RegistryPort, image: str, digest: str) -> bool:
        """Return whether a blob exists. Raises what `RegistryPort.has_blob` raises."""
        if isinstance(self._answers.get(_question("config", registry, image, digest)), Mapping):
            return True
        return self._ask(_question("blob", registry, image, digest), lambda: registry.has_blob(image, digest))

    def _ask(self, question: _Question, look: Callable[[], T]) -> T:
        while True:
            with self._lock:
                if question in self._answers:
                    answer = self._answers[question]
                    break
                asked = self._waiting.get(question)
                if asked is None:
                    self._waiting[question] = Event()
            if asked is None:
                self._answer(question, look)
            else:
                asked.wait()
        if isinstance(answer, LedgerError):
            raise answer
        return answer  # type: ignore[no-any-return]

    def _answer(self, question: _Question, look: Callable[[], T]) -> None:
        """Ask, and wake those who wait; if that fails for a reason that is no answer, the next of them asks."""
        try:
            try:
                self._answers[question] = look()
            except LedgerError as error:
                self._answers[question] = error
        finally:
            with self._lock:
                self._waiting.pop(question).set()


def _question(what: str, registry: RegistryPort, image: str, digest: str) -> _Question:
    return what, registry.plain_http, registry.repository(image), digest

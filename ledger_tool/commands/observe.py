"""Looking at registries: what each shows of an image:tag, by as few requests as the classes need.

One HEAD for a tag that is as it should be. Only a difference costs more: a GET of what the tag serves now,
and a HEAD for a recorded digest that it does not lead to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

from ledger_tool.commands.ports import RegistryPort
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry import drift
from ledger_tool.core.registry.drift import Absent, Observation, Seen, Unknown
from ledger_tool.core.registry.image import Manifest
from ledger_tool.errors import LedgerError

T = TypeVar("T")
R = TypeVar("R")
LONGEST_LOOK = 180.0  # seconds for one image:tag, whatever a registry does with its connections


def observe(registry: RegistryPort, records: Sequence[Record], *, deep: bool = False) -> Observation:
    """Return what a registry shows of the records of one image:tag. Raises nothing: a failure is Unknown."""
    image, tag = records[0].name
    served: Seen = _tried(lambda: registry.look(image, tag))
    manifest: Manifest | Unknown | None = None
    if drift.needs_manifest(records, served):
        found = _tried(lambda: registry.manifest(image, str(served)))
        manifest = Unknown("the tag moved while it was looked at") if isinstance(found, Absent) else found
    digests: dict[str, bool | Unknown] = {}
    for digest in drift.needs_digests(records, served, manifest):
        looked = _tried(lambda digest=digest: registry.look(image, digest))  # type: ignore[misc]
        digests[digest] = looked if isinstance(looked, Unknown) else not isinstance(looked, Absent)
    missing: dict[str, Sequence[str] | Unknown] = {}
    if deep and not isinstance(served, Unknown):
        for record in records:
            if digests.get(record.digest, True) is True:
                missing[record.digest] = _tried(lambda record=record: _missing(registry, image, record.digest))  # type: ignore[misc]
    return Observation(served=served, manifest=manifest, digests=digests, missing=missing)


def _missing(registry: RegistryPort, image: str, digest: str) -> list[str]:
    """Return what an image refers to and the registry does not have, itself included."""
    manifest = registry.manifest(image, digest)
    if isinstance(manifest, Absent):
        return [digest]
    if manifest.is_index:
        return [child.digest for child in manifest.children if isinstance(registry.look(image, child.digest), Absent)]
    return [blob for blob in dict.fromkeys(manifest.blobs) if not registry.has_blob(image, blob)]


def _tried(look: Callable[[], T]) -> T | Unknown:
    try:
        return look()
    except LedgerError as error:
        return Unknown(error.message)


def in_parallel(
    work: Callable[[T], R], items: Iterable[T], *, jobs: int, longest: float = LONGEST_LOOK
) -> Iterator[tuple[T, R | Unknown]]:
    """Yield each item with its result as they come, from `jobs` threads.

    An item that is not done `longest` seconds after the last one that was is given up as Unknown. When the
    caller stops, what has not begun is not begun, and what has begun holds up nobody: the threads are daemons.
    """
    tasks = list(items)
    numbers = iter(range(len(tasks)))  # shared: each thread takes the next
    ended: SimpleQueue[tuple[int, Future[R]]] = SimpleQueue()
    stopped = Event()

    def run() -> None:
        for at in numbers:
            if stopped.is_set():
                return
            future: Future[R] = Future()
            try:
                future.set_result(work(tasks[at]))
            except Exception as error:  # noqa: BLE001 - raised again by whoever takes the result
                future.set_exception(error)
            ended.put((at, future))

    for _ in range(min(jobs, len(tasks))):
        Thread(target=run, name="look", daemon=True).start()
    pending = dict.fromkeys(range(len(tasks)))
    try:
        while pending:
            try:
                at, future = ended.get(timeout=longest)
            except Empty:
                for at in pending:
                    yield tasks[at], Unknown(f"no answer within {longest:.0f} s")
                return
            del pending[at]
            yield tasks[at], future.result()
    finally:
        stopped.set()

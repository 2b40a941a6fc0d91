"""Observing registries: what each shows for an image:tag, with as few requests as the classes need.

A tag in sync costs one HEAD. Only a difference costs more: a GET of what the tag serves now, and a
HEAD for a recorded digest that it does not lead to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ParamSpec, TypeVar

from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import RegistryPort
from ledger_tool.commands.walk import missing_below, served_manifest
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry import drift
from ledger_tool.core.registry.drift import Absent, Observation, Seen, Unknown
from ledger_tool.core.registry.image import Manifest
from ledger_tool.errors import LedgerError

P = ParamSpec("P")
T = TypeVar("T")
Task = tuple[RegistryPort, Sequence[Record]]


def observe_all(tasks: Iterable[Task], *, deep: bool, jobs: int) -> Iterator[tuple[Task, Observation]]:
    """Yield what each registry shows for the records of one image:tag, as the answers arrive from `jobs` threads."""
    for task, seen in in_parallel(lambda task: observe(*task, deep=deep), tasks, jobs=jobs):
        yield task, Observation(served=Unknown(seen.message)) if isinstance(seen, LedgerError) else seen


def observe(registry: RegistryPort, records: Sequence[Record], *, deep: bool = False) -> Observation:
    """Return what a registry shows for the records of one image:tag. Raises nothing: a failure is Unknown."""
    image, tag = records[0].name
    served: Seen = _tried(registry.look, image, tag)
    manifest: Manifest | Unknown | None = None
    if drift.needs_manifest(records, served):
        manifest = _tried(served_manifest, registry, image, tag, str(served))
    digests: dict[str, bool | Unknown] = {}
    for digest in drift.needs_digests(records, served, manifest):
        seen = _tried(registry.look, image, digest)
        digests[digest] = seen if isinstance(seen, Unknown) else not isinstance(seen, Absent)
    is_deep = deep and not isinstance(served, Unknown)
    below = [record.digest for record in records if is_deep and digests.get(record.digest, True) is True]
    missing: Mapping[str, Sequence[str] | Unknown] = {
        digest: _tried(missing_below, registry, image, digest) for digest in below
    }
    return Observation(served=served, manifest=manifest, digests=digests, missing=missing)


def _tried(look: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Unknown:
    try:
        return look(*args, **kwargs)
    except LedgerError as error:
        return Unknown(error.message)

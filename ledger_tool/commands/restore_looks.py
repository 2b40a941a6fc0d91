"""What `restore` looks at: what tags serve, whether the recorded images are there, and what the ledger ever had.

Only a tag that does not serve what the ledger says costs more than one HEAD.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ledger_tool.commands.deleting_registries import LONGEST
from ledger_tool.commands.once import OncePerRun
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import History, Progress, RegistryPort
from ledger_tool.commands.walk import missing_below
from ledger_tool.commands.whence import whence_each
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.ledger.yanks import Yanks, yanks_of
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.resolve import addressed
from ledger_tool.core.registry.drift import Seen, Unknown
from ledger_tool.core.registry.image import ServedDocument
from ledger_tool.core.registry.restore import RestoreAction, TagSight, differs, plan
from ledger_tool.core.registry.withheld import withheld
from ledger_tool.errors import LedgerError, UnreadableManifest, UsageError

OpenPast = Callable[[], AbstractContextManager[History]]
_Place = tuple[bool, str, str]  # whether by plain HTTP, the repository, the tag


class RestoringRegistry(RegistryPort, Protocol):
    """A registry whose tags can be set."""

    def put(self, image: str, reference: str, document: ServedDocument) -> None:
        """Store a manifest or index under a tag. Raises Denied where that is not allowed, and Unreachable."""


class RestoringRegistries(Protocol):
    """All the registries of a policy."""

    def serving(self, policy: Policy, image: str) -> Sequence[RestoringRegistry]:
        """Return the registries that serve an image, in the policy's order."""


@dataclass(frozen=True, slots=True)
class RestoreTask:
    """A tag at a registry, with its records."""

    registry: RestoringRegistry
    records: Sequence[Record]

    @property
    def name(self) -> Name:
        """The image and the tag."""
        return self.records[0].name

    @property
    def place(self) -> _Place:
        """What is one tag, whatever the ledger calls it."""
        return self.registry.plain_http, self.registry.repository(self.name.image), self.name.tag


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreLooks:
    """Looks at tags from `jobs` threads, and says what to do about each that does not serve what the ledger says.

    With `overwrite`, nobody has to know whether the ledger ever had what a tag serves. `only` is the registry to look
    at, as a person typed it; `""` for all.
    """

    registries: RestoringRegistries
    only: str = ""
    open_past: OpenPast
    now: Timestamp
    jobs: int
    overwrite: bool
    note: Callable[[str], None]
    progress: Progress

    def tasks(self, snapshot: Snapshot, groups: Iterable[Sequence[Record]]) -> list[RestoreTask]:
        """Return each tag once for each registry that serves it, of those to look at."""
        names = {registry.name for registry in addressed(snapshot.policy.registries, self.only)} if self.only else None
        tasks: dict[tuple[Name, bool, str, str], RestoreTask] = {}
        for records in groups:
            for registry in self.registries.serving(snapshot.policy, records[0].image):
                if names is not None and registry.name not in names:
                    continue
                task = RestoreTask(registry, records)
                tasks.setdefault((task.name, *task.place), task)
        return list(tasks.values())

    def planned(
        self, snapshot: Snapshot, tasks: Sequence[RestoreTask], put: Container[tuple[str, str]] = ()
    ) -> list[tuple[RestoreTask, RestoreAction]]:
        """Return what to do about each tag that does not serve what the ledger says.

        `put` are the images and digests that this very run has put: the ledger had them.
        """
        once = OncePerRun()
        served = self._served(once, tasks)
        differing = [number for number, seen in enumerate(served) if differs(tasks[number].records, seen)]
        rivals = self._rivals(snapshot, [tasks[number] for number in differing])
        yanks = yanks_of(snapshot.ledger) if differing else Yanks()
        kept = {number: self._withheld(yanks, tasks[number].records) for number in differing}
        due = [one for one in differing if not kept[one] and not rivals.get(tasks[one].place)]
        missing = self._missing(once, tasks, due)
        whole = [one for one in due if missing.get(one) == []]
        others = {(tasks[one].name.image, seen) for one in whole if isinstance(seen := served[one], str)}
        had = self._had(snapshot, {other for other in others if other not in put})
        planned = []
        for number, (task, seen) in enumerate(zip(tasks, served, strict=True)):
            sight = TagSight(
                served=seen,
                missing=missing.get(number, ()),
                had=had.get((task.name.image, str(seen)), True),
                rival=rivals.get(task.place, ""),
            )
            action = plan(
                task.records, task.registry.name, sight,
                withheld=kept.get(number, ""), overwrite=self.overwrite,
            )  # fmt: skip
            planned += [(task, action)] if action else []
        return planned

    def _served(self, once: OncePerRun, tasks: Sequence[RestoreTask]) -> list[Seen]:
        served: list[Seen] = [Unknown("it was not looked at")] * len(tasks)

        def look(number: int) -> Seen:
            return once.served(tasks[number].registry, *tasks[number].name)

        looks = in_parallel(look, range(len(tasks)), jobs=self.jobs)
        for done, (number, seen) in enumerate(looks, 1):
            served[number] = Unknown(seen.in_full) if isinstance(seen, LedgerError) else seen
            self.progress(done, len(tasks))
        return served

    def _withheld(self, yanks: Yanks, records: Sequence[Record]) -> str:
        found = withheld(records, yanks, self.now)
        return found.reason if found else ""

    def _rivals(self, snapshot: Snapshot, tasks: Sequence[RestoreTask]) -> Mapping[_Place, str]:
        """Return, for each tag that the ledger has under several names with different digests, one of the others."""
        wanted = {task.name.tag for task in tasks}
        digests: dict[_Place, dict[str | None, Name]] = {}
        for name in dict.fromkeys(Name(*key[:2]) for key in snapshot.ledger.keys if key[1] in wanted):
            for registry in self.registries.serving(snapshot.policy, name.image) if wanted else ():
                records = snapshot.ledger.find(name)
                place = RestoreTask(registry, records).place
                digests.setdefault(place, {}).setdefault(pull_digest(records), name)
        rivals = {}
        for task in tasks:
            own = pull_digest(tuple(task.records))
            others = [name for other, name in digests.get(task.place, {}).items() if other != own]
            rivals[task.place] = str(others[0]) if others else ""
        return rivals

    def _missing(
        self, once: OncePerRun, tasks: Sequence[RestoreTask], numbers: Sequence[int]
    ) -> Mapping[int, Sequence[str] | Unknown | str]:
        """Return what is not there of the recorded images, or why they are none."""

        def look(number: int) -> Sequence[str] | str:
            task = tasks[number]
            digest = pull_digest(tuple(task.records))
            try:
                return missing_below(once, task.registry, task.name.image, digest) if digest else []
            except UnreadableManifest as error:  # bytes of another digest are not those: what is there is not known
                return error.message

        answers = in_parallel(look, numbers, jobs=self.jobs, longest=LONGEST)
        return {number: Unknown(seen.in_full) if isinstance(seen, LedgerError) else seen for number, seen in answers}

    def _had(self, snapshot: Snapshot, served: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], bool | Unknown]:
        """Return whether the ledger has, or ever had, digests under images; the history is only read if it matters."""
        had: dict[tuple[str, str], bool | Unknown] = {}
        for image, digest in served:
            own = snapshot.ledger.of_image(image)
            had[image, digest] = any(digest in (record.digest, record.pull_digest) for record in own)
        foreign = [place for place, known in had.items() if not known]
        if not foreign or self.overwrite:
            return had
        with self.open_past() as history:
            try:
                digests = dict.fromkeys(digest for _, digest in foreign)
                found = whence_each(history, list(digests), note=self.note, progress=lambda *_: None)
            except UsageError as error:  # a shallow clone
                return had | dict.fromkeys(foreign, Unknown(error.in_full))
        for image, digest in foreign:
            had[image, digest] = any(match.record.image == image and match.kind != "config" for match in found[digest])
        return had

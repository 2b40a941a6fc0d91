"""What a site shows, as plain values: put together once, and the source of every page and of every file of data.

The same ledger and the same reports give the same values: nothing depends on the clock. What is expired or expires soon
is judged at `SiteFacts.at`, the latest time that the ledger's head or a report states. All words of people are as
everybody may read them (`public.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ledger_tool.core.changes.promotion import FateWay
from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Key, Name, Record

CellState = Literal["same", "behind", "ahead", "differs", "only"]
PlaceKind = Literal["image", "index", "config", "replaced"]


@dataclass(frozen=True, slots=True)
class BaseFacts:
    """An image that another one was built on: the reference as recorded, and the image:tag of the ledger that it is.

    `follows` is the image:tag that the reference names, if that has moved on since, and `now` the digest that it has
    now, or `""`. Of a base that no record has any more, `name` is the one that has moved on; None if the ledger has
    neither.
    """

    reference: str
    name: Name | None = None
    now: str = ""
    follows: Name | None = None


@dataclass(frozen=True, slots=True)
class DependentFacts:
    """An image:tag that was built on another one; `is_stale` if that one has moved on since."""

    name: Name
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class TagFacts:
    """An image:tag. `digest` is the pull digest, `""` if its records do not share one.

    `pulls` are the references by digest that clients take, the first registry's first; `compare` is the page that
    compares its source with that of `previous`, the one before it (see `previous.py`). `yanked` says why it must not
    be used, and `expires` is the end of its TTL. `dependents` are the first of the image:tags that were built on it, or
    on what it was before it moved; `dependent_count` says how many there are. `rebuild_step` says when to rebuild it,
    after its bases, because one that it was built on has moved on: from 1, and 0 if there is no need.
    """

    name: Name
    records: tuple[Record, ...]
    digest: str
    pulls: tuple[str, ...]
    published_at: Timestamp
    sources: tuple[str, ...]
    previous: str = ""
    compare: str = ""
    yanked: str = ""
    expires: Timestamp | None = None
    is_expired: bool = False
    is_mutable: bool = False
    bases: tuple[BaseFacts, ...] = ()
    dependents: tuple[DependentFacts, ...] = ()
    dependent_count: int = 0
    rebuild_step: int = 0
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentCell:
    """What an environment has of an image.

    `state` compares it with what the environment takes its versions from: `against` is the name of that environment, or
    `""` for the newest version of the image; `other` is the version there. `remarks` are what became of the version, in
    words, and `fates` what the first of them say, in one word each. `is_version` says that it has what the tag of its
    version has, and not what that had before it was replaced. `given` is what gave it that, as far as the log
    tells, and `since` the time of that commit, or else of the record.
    """

    environment: str
    image: str
    version: str
    digest: str
    since: Timestamp
    state: CellState
    against: str = ""
    other: str = ""
    compare: str = ""
    remarks: tuple[str, ...] = ()
    fates: tuple[FateWay, ...] = ()
    is_version: bool = True
    given: LogEntry | None = None

    @property
    def held(self) -> Name | None:
        """The image:tag that has the same; None if that was replaced since."""
        return Name(self.image, self.version) if self.is_version else None

    def has(self, tag: TagFacts) -> bool:
        """Return whether the environment has what an image:tag has."""
        return self.held == tag.name


@dataclass(frozen=True, slots=True)
class DriftNote:
    """A finding of `reconcile`, as its report has it, with the command that puts it right.

    What there is none of is `""`.
    """

    category: str
    kind: str
    registry: str
    image: str
    tag: str
    platform: str
    ledger: str
    served: str
    reason: str
    since: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class DriftFacts:
    """The last report of `reconcile`."""

    at: Timestamp | None
    complete: bool
    checked: int
    summary: Mapping[str, int]
    notes: Sequence[DriftNote]


@dataclass(frozen=True, slots=True)
class RunningPlace:
    """Where something runs, and in how many containers."""

    cluster: str
    namespace: str
    workload: str
    kind: str
    containers: int


@dataclass(frozen=True, slots=True)
class RunningNote:
    """An image that runs, as the report of `running` has it; what there is none of is `""`.

    `expected` is the version that should run instead, or else the tag, and `expected_digest` its pull digest.
    """

    category: str
    kind: str
    image: str
    tag: str
    version: str
    digest: str
    expected: str
    reason: str
    containers: int
    places: tuple[RunningPlace, ...]
    expected_digest: str = ""


@dataclass(frozen=True, slots=True)
class RunningFacts:
    """A report of `running`; `nowhere` are image and version of what runs nowhere."""

    at: Timestamp | None
    environment: str
    complete: bool
    containers: int
    summary: Mapping[str, int]
    notes: Sequence[RunningNote]
    nowhere: Sequence[Name] = ()


@dataclass(frozen=True, slots=True)
class SiteImage:
    """An image: its tags, the newest first, without those of environments; what environments have of it; its history.

    `newest` is its newest version (`newest.py`), None if everything is yanked or expired. The newest entry of
    `timeline` comes first.
    """

    image: str
    tags: Sequence[TagFacts]
    newest: TagFacts | None
    environments: Sequence[EnvironmentCell]
    timeline: Sequence[LogEntry]
    drift: Sequence[DriftNote] = ()
    running: Sequence[RunningNote] = ()

    def is_newest(self, tag: TagFacts) -> bool:
        """Return whether one of its tags is its newest version."""
        return self.newest is not None and tag.name == self.newest.name


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """A commit of the ledger, and what it did to each record."""

    commit: str
    at: Timestamp
    by: str
    entries: Sequence[LogEntry]
    run: RunClaim = NO_RUN
    page: str = ""


@dataclass(frozen=True, slots=True)
class DigestPlace:
    """A record that has or had a digest, and in which role; `until` is None if it still has it.

    `since` is None where no commit message tells it. `record` is the record as it is, None if it no longer has it.
    """

    kind: PlaceKind
    key: Key
    digest: str
    source_ref: str
    version: str = ""
    yanked: str = ""
    since: LogEntry | None = None
    until: LogEntry | None = None
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """Everything that a site shows.

    `title` is what the site is called; `url` the address that it is served at, which ends with a slash, or `""`;
    `ledger_page` the page of the ledger's repository at its host, or `""`. `commit` and `at` say of which state it is,
    and `origin` is the first commit of the ledger's history, which stays what it is wherever the ledger moves.
    `images` are by name, `environments` in the order of ledger.yaml, and `changes` the last ones, the newest first;
    `expiring` are the tags with a TTL, the first to end first, `yanked` the marked ones, `outdated` those in use that
    have to be rebuilt, as a base has moved on. `dependents` are all image:tags that were built on a digest. `digests`
    has every digest that the ledger has or, as far as commit messages tell, had. `rollbacks` are the commits that put a
    lower version into an environment, and which. `gone` are images that the ledger once had.
    """

    title: str
    url: str
    ledger_page: str
    commit: str
    at: Timestamp
    images: Sequence[SiteImage]
    environments: Sequence[str]
    changes: Sequence[ChangeFacts]
    expiring: Sequence[TagFacts]
    yanked: Sequence[TagFacts]
    digests: Mapping[str, Sequence[DigestPlace]]
    drift: DriftFacts | None = None
    running: Sequence[RunningFacts] = ()
    outdated: Sequence[TagFacts] = ()
    dependents: Mapping[str, Sequence[Name]] = field(default_factory=dict)
    rollbacks: Collection[tuple[str, Name]] = ()
    gone: Sequence[SiteImage] = ()
    origin: str = ""

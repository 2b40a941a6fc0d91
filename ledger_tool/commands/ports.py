"""What the commands need from the outside world, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ledger_tool.core.changes.change import Change, Landed, Snapshot
    from ledger_tool.core.changes.proposal import Proposal, Proposed
    from ledger_tool.core.history.commit import Commit, Step
    from ledger_tool.core.history.signature import Signature
    from ledger_tool.core.judging.files import ChangedFile, PathAttributes
    from ledger_tool.core.ledger.names import Digest, Timestamp
    from ledger_tool.core.policy.keyring import Keyring
    from ledger_tool.core.policy.policy import Policy, ProvenanceRule
    from ledger_tool.core.provenance.envelope import SignedDocument
    from ledger_tool.core.provenance.proof import SignatureVerdict
    from ledger_tool.core.registry.drift import Absent
    from ledger_tool.core.registry.image import Manifest, ServedDocument
    from ledger_tool.core.registry.referrers import Referrer
    from ledger_tool.core.site.files import SiteFile, SiteWritten
    from ledger_tool.errors import InvalidLedger, InvalidSettings

Progress = Callable[[int, int], None]  # how many of how many are done


class Source(Protocol):
    """A ledger to read from."""

    def read(self) -> Snapshot:
        """Return the ledger as it is now. Raises InvalidLedger, TryAgain, Denied or UsageError."""


class FileSource(Source, Protocol):
    """A ledger to read from, and further files of its repository."""

    def file(self, snapshot: Snapshot, path: str) -> bytes | None:
        """Return a file as it is in a snapshot that `read` has returned, None if there is none. Raises UsageError."""


class Store(FileSource, Protocol):
    """A ledger to read from and write to."""

    def past(self) -> History:
        """Return the latest history of the branch, as far back as a few seconds allow. Raises LedgerError."""

    def transact(self, operation: Callable[[Snapshot], Change]) -> Landed:
        """Run `operation` on the latest ledger and write what it returns, all of it or nothing.

        `operation` may be called many times, and only the last call counts; what it raises ends the
        transaction with nothing written. A change that changes nothing writes no commit.
        Also raises Contended, Unreachable, PushRefused or Denied.
        """

    def rehearse(self, base: Snapshot, change: Change) -> None:
        """Raise NotTheOwner if `transact` would, for a change of what `read` returned: as far as that shows unasked."""

    def written_at(self, commit: str) -> Timestamp:
        """Return when a commit was made that `read` returned, as its author's clock had it."""


class History(Protocol):
    """A ledger repository's commits. An unknown revision raises UsageError."""

    def head(self) -> str:
        """Return the commit id of the default revision."""

    def resolve(self, revision: str) -> str:
        """Return the commit id of a revision (gitrevisions(7))."""

    def full_ref(self, ref: str) -> str:
        """Return the ref that a symbolic one names, such as HEAD; else, the ref itself. Raises UsageError."""

    def merge_base(self, commit: str, other: str) -> str:
        """Return the commit where two commits parted. Raises UsageError if a shallow clone does not show that."""

    def commits(self, base: str, head: str) -> Sequence[Commit]:
        """Return the commits that `head` has and `base` (`""`: nothing) does not have, the oldest first.

        Raises UsageError if a shallow clone lacks some of them.
        """

    def files(self, commit: str) -> tuple[bytes, bytes | None]:
        """Return the bytes of `ledger.json` and of `ledger.yaml` (None if there is none) at a commit."""

    def files_apart(self, commit: str) -> tuple[bytes | InvalidLedger, bytes | InvalidSettings | None]:
        """Return what `files` returns, and for each of the two files that it could not, what it would raise."""

    def ledger_file(self, commit: str) -> bytes:
        """Return the bytes of `ledger.json` at a commit, whatever its `ledger.yaml` is. Raises InvalidLedger."""

    def touching(self, commit: str, path: str, most: int) -> Sequence[str]:
        """Return the last commits of a commit's own line (the first parents) that changed a file, the newest first."""

    def snapshot(self, commit: str) -> Snapshot:
        """Return the ledger at a commit. Raises InvalidLedger or UsageError."""

    def current_files(self) -> tuple[bytes, bytes | None]:
        """Return the bytes of the two files as they are now, possibly uncommitted."""

    def current_file(self, path: str) -> bytes | None:
        """Return another file of the repository as it is now, None if there is none. Raises UsageError."""

    def current(self) -> Snapshot:
        """Return the ledger as it is now; its commit is `""` in a checkout."""

    def steps(self, base: str, head: str, *, line: bool) -> Sequence[Step]:
        """Return the commits of a span with what they did to the two files, the oldest first.

        With `line`: all commits of the branch's own line (the first parents), and what a merge brings to it.
        Otherwise: the commits that contributed to the files, and what a merge has that none of its parents has; those
        at which a shallow clone is cut off are among them. With `line`, such a clone raises UsageError.
        """

    def contents(self, ids: Sequence[str]) -> Iterator[bytes | None]:
        """Yield the content of each file that `steps` named, in order; None for one that is missing or too large."""

    def contains(self, commit: str, head: str) -> bool:
        """Return whether `commit` is `head` or an ancestor of it."""

    def roots(self, base: str, head: str) -> Sequence[str]:
        """Return the commits of a span that have no parent."""

    def times(self, commits: Sequence[str]) -> Sequence[Timestamp]:
        """Return when each commit was committed, by the committer's clock."""

    def changed_files(self, base: str, head: str) -> Sequence[ChangedFile]:
        """Return every file that differs between two commits."""

    def entries(self, commit: str) -> Mapping[str, str]:
        """Return what is at the top of a commit, by its name: text that is the same for the same file or folder."""

    def merged_as_text(self, base: str, merge: Commit, paths: Sequence[str]) -> Collection[str]:
        """Return which files of a merge with two parents are what git makes of the text of these and of their base."""

    def attributes(self, commit: str) -> tuple[PathAttributes, str]:
        """Return git's attributes of the two files at a commit, and the text of its `.gitattributes`."""

    def at(self, time: Timestamp) -> str:
        """Return the last commit of the branch's own line at or before a time. Raises UsageError."""

    def must_be_whole(self) -> None:
        """Raise UsageError for a shallow clone, whose history is cut off."""

    def plain_files(self, commit: str, paths: Sequence[str]) -> Sequence[bytes]:
        """Return the bytes of files at the top of a commit; `b""` for what is not a plain file, or too large to be one.

        `""` is the folder as it is now, possibly uncommitted, or else the head.
        """

    def keyring(self, export: bytes) -> Keyring | None:
        """Return what gpg makes of an export of public keys; None if gpg is not installed."""

    def is_criss_cross(self, commit: str, other: str) -> bool:
        """Return whether two commits have several last commits in common: then no one knows what changed since."""

    def signatures(self, commits: Sequence[str], allowed: bytes, keyring: bytes | None = None) -> Iterator[Signature]:
        """Yield git's verdict on the signature of each commit; `allowed` is the file of the SSH keys that may sign.

        GPG has the keys of the `keyring` and no others; with None, the user's.
        """


class RegistryPort(Protocol):
    """A registry to read from. What cannot be observed raises Unreachable, Denied or BadManifest.

    ABSENT, and False of a blob, are for what it has shown not to exist; a 404 that does not show that raises, too.
    """

    @property
    def name(self) -> str:
        """What reports call it: the name in `ledger.yaml`, else the host and the prefix."""

    @property
    def host(self) -> str:
        """The host, as `ledger.yaml` has it."""

    @property
    def plain_http(self) -> bool:
        """Whether it is asked by plain HTTP."""

    def repository(self, image: str) -> str:
        """Return the host and the path by which clients pull an image: the same for all names of one repository."""

    def look(self, image: str, reference: str) -> Digest | Absent:
        """Return the digest that a tag serves, or an existing digest."""

    def manifest(self, image: str, reference: str) -> Manifest | Absent:
        """Return what a tag or digest serves; its digest is computed from its bytes."""

    def document(self, image: str, digest: str) -> ServedDocument | Absent:
        """Return a manifest or index as it is served, its bytes checked against the digest."""

    def config(self, image: str, digest: str) -> Mapping[str, object]:
        """Return an image's config, checked against its digest."""

    def blob(self, image: str, digest: str, *, limit: int, what: str = "blob") -> bytes:
        """Return a blob, checked against its digest; RuleRefused if it is missing or larger than `limit` bytes.

        `what` is what messages call it.
        """

    def has_blob(self, image: str, digest: str) -> bool:
        """Return whether a blob exists."""

    def referrers(self, image: str, digest: str) -> Sequence[Referrer] | None:
        """Return what refers to a digest, None if the registry has no API for that."""

    def tags(self, image: str) -> Iterable[str]:
        """Return all tags of an image; a list that cannot be read to its end raises."""


class Registries(Protocol):
    """All the registries of a policy."""

    def serving(self, policy: Policy, image: str) -> Sequence[RegistryPort]:
        """Return the registries that serve an image, in the policy's order."""


class TrustPort(Protocol):
    """Who may sign statements, by the files of one commit of the ledger."""

    def verdict(self, document: SignedDocument, rule: ProvenanceRule) -> SignatureVerdict:
        """Return who has signed a document. Raises SignatureUncheckable."""


class Forge(Protocol):
    """Where a repository's pull or merge requests are."""

    def push_options(self, proposal: Proposal) -> tuple[str, ...]:
        """Return the options for the push of the branch."""

    def propose(self, proposal: Proposal) -> Proposed:
        """Open the request of a pushed branch, or update the open one. Raises Denied, UsageError or Unreachable."""


class SiteFolder(Protocol):
    """The folder that a site is written to."""

    def check(self) -> None:
        """Raise UsageError if the folder holds anything that no run has written, and Contended if a run is writing."""

    def write(self, files: Iterable[SiteFile]) -> SiteWritten:
        """Make these files all that the folder has; what is unchanged is not touched. Raises as `check` does.

        Also raises LocalDiskError, and what `files` raises: the folder is then as it was, or a mixture of whole files
        of both states, which the next run completes.
        """

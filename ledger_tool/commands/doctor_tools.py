"""What `doctor` checks with: the place of the ledger, the registries, and what is known of this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from ledger_tool.core.history.signature import Signature
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.policy.keyring import Keyring
from ledger_tool.core.policy.policy import Policy, Registry, TrustedSigner
from ledger_tool.errors import LedgerError


class LedgerPlace(Protocol):
    """What `--repo` names. Without a remote, `scheme` is `""`; `login` says what it is asked with.

    Methods raise what keeps them from their result.
    """

    @property
    def shown(self) -> str:
        """Its address, fit for messages."""

    @property
    def scheme(self) -> str:
        """How the remote is reached: file, ssh, http or https."""

    @property
    def url(self) -> str:
        """The remote's address for git, or `""`."""

    @property
    def is_repository(self) -> bool:
        """Whether it is a git repository, in which something can be committed."""

    @property
    def branch(self) -> str:
        """The ledger's branch, or `""` as long as it is not known."""

    @property
    def login(self) -> str:
        """What the remote is asked with, in words; `""` if nobody asks for a login."""

    def reach(self) -> tuple[Literal["remote", "host key", "login", "repository"], LedgerError] | None:
        """Ask the remote; return how far that came if it failed, and why.

        It is `repository` if the host let the login in, and shows it no such repository.
        """

    def check_login(self) -> str:
        """Return what is to be seen of the login, once `reach` got there."""

    def check_writing(self) -> str:
        """Try to write to the branch in a way that cannot change anything; return what was seen."""

    def files(self) -> tuple[bytes, bytes | None]:
        """Return the bytes of `ledger.json` and of `ledger.yaml`, None if there is none."""

    def folder_files(self) -> tuple[bytes, bytes | None] | None:
        """Return the same of a checkout that has a remote, for commands read it; None for anything else."""

    def file(self, path: str) -> bytes | None:
        """Return another file of those that `files` returns, None if there is none. Raises UsageError."""

    def signature(self, keyring: bytes) -> Signature | None:
        """Return what a commit from here would be signed with; None for a key that may ask for something.

        A GPG key is looked for in the keyring. Raises UsageError if no key is configured, or if it cannot be used.
        """

    def keyring(self, export: bytes) -> Keyring | None:
        """Return what gpg makes of an export of public keys; None if gpg is not installed."""

    def committed_at(self) -> Timestamp | None:
        """Return when the commit of these files was made, if they are those of one."""


class ConfiguredCredential(Protocol):
    """A configured credential; `username` is `""` for an identity token, `source` says where it comes from."""

    @property
    def username(self) -> str:
        """The user's name."""

    @property
    def source(self) -> str:
        """Where the credential is configured."""


class LoginRegistry(Protocol):
    """A registry to log in to. `clock_ahead` is by how many seconds our clock is ahead of its, if it said its time."""

    @property
    def plain_http(self) -> bool:
        """Whether it is asked by plain HTTP."""

    @property
    def clock_ahead(self) -> float | None:
        """By how many seconds this machine's clock is ahead of the registry's."""

    def check_login(self) -> tuple[ConfiguredCredential | None, bool, str]:
        """Return the credential or None, whether it was seen to be needed and accepted, and why it was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorTools:
    """What the checks are made with.

    `look_at_forge` returns what there is to open pull requests at a remote with, and the rules for pushes to a branch,
    if they show. `signature_libraries` says with what the signatures of some signers are checked, and raises
    SignatureUncheckable if something for that is missing. `is_secret` tells whether a text has a secret in it,
    `is_ledger_named` whether there should be a ledger.
    """

    git_version: Callable[[], str]
    ssh_version: Callable[[], str]
    open_place: Callable[[], AbstractContextManager[LedgerPlace]]
    is_ledger_named: bool
    read_ledger: Callable[[bytes], Ledger]
    read_policy: Callable[[bytes | None], Policy]
    client: Callable[[Registry, bool], LoginRegistry]  # whether somebody typed it, and ledger.yaml does not name it
    signature_libraries: Callable[[Sequence[TrustedSigner]], str]
    look_at_forge: Callable[[str, str], tuple[str, Sequence[str] | None]]
    environment: Mapping[str, str]
    is_secret: Callable[[str], bool]
    now: Callable[[], Timestamp]

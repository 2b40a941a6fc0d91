"""What git's text about a remote means: enough to say what to do about it, never to decide whether a push landed.

Hosts word a lost race in a dozen ways, some of them exactly like a hook's refusal, so an offer checks the remote's
state instead (`offer`). The text only selects the message once the state has decided.
Source of the porcelain format: git-push(1), "OUTPUT".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.git.process import Completed
from ledger_tool.errors import Denied, LedgerError, LocalDiskError, Unreachable, UsageError

_SERVER_WORDS = 600
_NOISE = re.compile(
    r"hint:|To |failed to push some refs|Everything up-to-date|Please make sure you have|and the repository exists"
    r"|[@*]+$"
)
# Texts of OpenSSH, git and the hosts about access, what they mean, and what to do. The first match counts.
_ACCESS = (
    (
        r"HOST IDENTIFICATION HAS CHANGED",
        "the host key of {where} has changed: another machine may be answering in its place",
        "compare the new fingerprint with the one that the host publishes; only then replace its known-hosts line",
    ),
    (
        r"Host key verification failed|host key is known for",
        "the host key of {where} is unknown",
        "get the host's key from its own documentation, and pass it with `--known-hosts FILE`",
    ),
    (
        r"read[- ]only|not allowed to (?:push|upload)|write access|permission to [^\n]{0,300} denied|denied to ",
        "{where} lets this key or token read but not write: {says}",
        "allow the deploy key write access in the repository's settings",
    ),
    (
        r"Permission denied \([a-z,-]*(?:publickey|password|keyboard)",
        "{where} does not accept the key: {says}",
        "check that the deploy key is registered with the repository, or pass another with `--deploy-key FILE`",
    ),
    (
        r"Load key [^\n]{0,300}(?:invalid format|error in libcrypto)",
        "ssh cannot read the deploy key for {where}",
        "create a new one with `ssh-keygen -t ed25519 -N ''`",
    ),
    (
        r"Authentication failed|could not read (?:Username|Password)|Invalid username or|error: 40[13]"
        r"|terminal prompts disabled|HTTP Basic: Access denied",
        "{where} does not accept the credentials: {says}",
        "pass a token that may write to the repository in LEDGER_TOKEN",
    ),
    (
        r"does not appear to be a git repository|repository [^\n]{0,300}not found|does not exist|not found$|error: 404",
        "{where} was not found, or access to it is denied: {says}",
        "check the URL, and that the key or token is for that repository",
    ),
    (
        r"insufficient permission|unable to (?:create|write)[^\n]{0,300}Permission denied|Read-only file system",
        "{where} cannot be written to: {says}",
        "check who owns the repository, and its permissions",
    ),
    (
        r"dubious ownership",
        "git does not trust the owner of {where}",
        "run as the repository's owner, or add it to git's `safe.directory`",
    ),
)


class PushStatus(Enum):
    """How a push ended, as far as its text shows."""

    LANDED = "landed"
    REJECTED = "rejected"  # a lost race, a lock, a hook: the remote's state shows which
    DENIED = "denied"  # no access
    BROKEN = "broken"  # the connection or the server failed


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """How a push ended, and the server's text about it, fit for a terminal."""

    status: PushStatus
    words: str = ""

    @property
    def is_lock(self) -> bool:
        """Whether the server could not lock its branch: somebody else's push, or a lock that a crash left."""
        return bool(re.search(r"cannot lock ref|\.lock'?: File exists|failed to update ref", self.words))


def read_push(done: Completed, mask: Callable[[str], str] = str) -> PushAnswer:
    """Return what `git push --porcelain` said; `mask` takes the credentials out of the server's words."""
    line = re.search(r"^([ +*=!-])\t\S+\t(.*)$", mask(done.text), re.MULTILINE)
    if line and line[1] in " +*=" and done.ok:
        return PushAnswer(PushStatus.LANDED)
    words = "; ".join(filter(None, (line[2] if line and line[1] == "!" else "", server_words(done.stderr))))
    if line and line[1] == "!" and re.match(r"\[(?:remote )?rejected\]", line[2]):
        return PushAnswer(PushStatus.REJECTED, words)
    denied = access_error(done.stderr, "the remote")
    return PushAnswer(PushStatus.DENIED if denied else PushStatus.BROKEN, words)


def server_words(stderr: str) -> str:
    """Return the informative lines of git's stderr, without prefixes and noise, escaped and cut."""
    lines = (re.sub(r"^(?:remote:|fatal:|error:)\s*", "", line).strip() for line in re.split(r"[\r\n]+", stderr))
    informative = dict.fromkeys(line for line in lines if line and not _NOISE.match(line))
    return shown(" ".join(informative), _SERVER_WORDS)


def access_error(stderr: str, where: str) -> Denied | None:
    """Return the error for text about access, or None for text about something else."""
    for pattern, message, hint in _ACCESS:
        if re.search(pattern, stderr, re.IGNORECASE | re.MULTILINE):
            return Denied(message.format(where=where, says=server_words(stderr)), hint)
    return None


def fetch_error(done: Completed, where: str, branch: str) -> LedgerError:
    """Return the error for a fetch or clone that failed."""
    words = done.stderr
    if branch and re.search(r"couldn't find remote ref|Remote branch .* not found|did not match any", words):
        return UsageError(
            f"{where} has no branch `{shown(branch)}`", "name an existing one with `--branch`, or push it first"
        )
    if re.search(r"No space left on device|Disk quota exceeded", words):
        return LocalDiskError(
            "the disk for temporary files is full", "free some disk space, or set TMPDIR to another folder"
        )
    return access_error(words, where) or Unreachable(
        f"could not reach {where}: {server_words(words) or 'the remote closed the connection'}",
        "run it again; if that keeps failing, check the network",
    )

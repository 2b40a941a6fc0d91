"""What git's text about a remote means: enough to say what to do about it, never to decide whether a push landed.

Hosts word a lost race in a dozen ways, some of them exactly like a hook's refusal, so an offer checks the remote's
state instead (`offer`). The text only selects the message once the state has decided.
Source of the porcelain format: git-push(1), "OUTPUT".
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.process import Completed
from ledger_tool.edges.git.refusals import Refusal, refusal_in
from ledger_tool.errors import Denied, LedgerError, LocalDiskError, Unreachable, UsageError

_SERVER_WORDS = 600
_NOISE = re.compile(
    r"hint:|To |failed to push some refs|Everything up-to-date|Please make sure you have|and the repository exists"
    r"|[@*]+$"
)


class PushStatus(Enum):
    """How a push ended, as far as its text shows."""

    LANDED = "landed"
    REJECTED = "rejected"  # a lost race, a lock, a hook: the remote's state shows which
    DENIED = "denied"  # no access, or nothing of the kind is accepted there
    BROKEN = "broken"  # the connection or the server failed


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """How a push ended, and the server's text about it, fit for a terminal."""

    status: PushStatus
    words: str = ""
    refusal: Refusal | None = None

    @property
    def is_about_history(self) -> bool:
        """Whether the server wants more history than a shallow clone has."""
        return "shallow" in self.words

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
    refusal = refusal_in(done.stderr)
    return PushAnswer(PushStatus.DENIED if refusal else PushStatus.BROKEN, words, refusal)


def server_words(stderr: str) -> str:
    """Return the informative lines of git's stderr, without prefixes and noise, escaped and cut."""
    lines = (re.sub(r"^(?:remote:|fatal:|error:)\s*", "", line).strip() for line in re.split(r"[\r\n]+", stderr))
    informative = dict.fromkeys(line for line in lines if line and not _NOISE.match(line))
    return shown(" ".join(informative), _SERVER_WORDS)


def fetch_error(done: Completed, address: Address, branch: str, where: str = "") -> LedgerError:
    """Return the error for a fetch or clone that failed; `where` is what messages call the remote, or its address."""
    # Imported here, since it needs TLS, and most runs fetch what they want.
    from ledger_tool.edges.git.unreached import proxy_failure, unreached

    words, where = done.stderr, where or address.shown
    if address.scheme == "ssh" and shutil.which("ssh") is None:
        return UsageError(
            f"{where} is reached by ssh, which is not installed, or not in PATH", "install the OpenSSH client"
        )
    if branch and re.search(r"couldn't find remote ref|Remote branch .* not found|did not match any", words):
        return UsageError(
            f"{where} has no branch `{shown(branch)}`", "name an existing one with `--branch`, or push it first"
        )
    local = re.sub(r"^remote:.*$", "", words, flags=re.MULTILINE)
    if re.search(r"No space left on device|Disk quota exceeded", local):
        return LocalDiskError(
            "the disk for temporary files is full", "free some disk space, or set TMPDIR to another folder"
        )
    told = proxy_failure(local, address)
    if told is None and (refusal := refusal_in(words)):
        meant = refusal if address.is_ledgers else refusal.of_origin()
        return meant.error(where, server_words(words))
    told = told or unreached(local, address)
    says = re.sub(
        r"unable to access '[^']*': |(?<=\S) Could not read from remote repository\.", "", server_words(words)
    )
    if told is None and re.search(r"(?:returned error: |HTTP )429", words):
        return Unreachable(f"{where} limits the rate of requests (429): {says}", "run it again later, or less often")
    if told is None:
        reason = says or "the remote closed the connection"
        return Unreachable(
            f"could not reach {where}: {reason}", "run it again; if that keeps failing, check the network"
        )
    kind = Denied if told.is_denied else Unreachable
    return kind(f"could not reach {where}: {told.says} ({says})", told.hint)

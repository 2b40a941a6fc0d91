"""Both judges of what landed in a ledger with owners."""

from __future__ import annotations

from collections.abc import Callable

from ledger_tool.core.ledger.record import Record
from tests.support.git.owned import OwnedLedger
from tests.support.values.make import but, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]

PAY, WEB = record("payments/api", "v1", digest=digest("pay")), record("web/shop", "v1", digest=digest("web"))


def records(*changed: Record, without: tuple[Record, ...] = ()) -> dict[str, bytes]:
    """Return the ledger's file with these records in the place of those of the start."""
    every = {one.key: one for one in (PAY, WEB)} | {one.key: one for one in changed}
    return {"ledger.json": ledger_bytes(*(one for key, one in every.items() if key not in {o.key for o in without}))}


MOVED = but(PAY, digest=digest("evil"))
NEW = record("payments/api", "v2", digest=digest("new"))


class Gate:
    """Both judges of what landed since the ledger was made."""

    def __init__(self, run: Run, owned: OwnedLedger) -> None:
        self.run, self.owned, self.start = run, owned, owned.upstream.tip()

    def check(self, base: str = "", head: str = "main") -> list[tuple[str, str]]:
        """Return the file and the message of each finding about owners, without its commit."""
        done = self.run(
            "check", "--repo", self.owned.upstream.url, "--branch", head, "--base", base or self.start,
            "--format", "json",
        )  # fmt: skip
        assert done.code in (0, 1), done.err
        said = [(one["path"], one["message"]) for one in done.json["findings"] if one["rule"] == "owner"]
        return [(path, message.partition(": ")[2]) for path, message in said]

    def audit(self, since: str = "") -> list[str]:
        """Return the message of each finding of `audit` about owners."""
        done = self.run("audit", "--repo", self.owned.upstream.url, "--since", since or self.start, "--format", "json")
        return [one["message"] for one in done.json["findings"] if one["rule"] == "owner"]

    def both(self, base: str = "") -> list[str]:
        """Return the messages, which are the same to both."""
        found = [message for _, message in self.check(base)]
        assert self.audit(base) == found
        return found

"""What `ledger doctor` said, taken apart."""

from __future__ import annotations

from tests.support.values.outcome import Outcome


def lines(done: Outcome) -> dict[str, tuple[str, str]]:
    """Return state and text of each check, by what it is about; of several, the last."""
    assert all(len(line) > 22 for line in done.out.splitlines()), done.out
    return {line[9:22].strip(): (line[:9].strip(), line[22:]) for line in done.out.splitlines()}


def states(done: Outcome) -> dict[str, str]:
    return {about: state for about, (state, _) in lines(done).items()}


def problem(done: Outcome, about: str, code: int, *parts: str) -> None:
    """Check that this is the only problem, that it says so, and that the exit code is its own."""
    found = lines(done)
    assert [one for one, (state, _) in found.items() if state == "problem"] == [about], done.out
    assert done.code == code, done.out
    assert all(part in found[about][1] for part in parts), found[about]
    assert done.err == "1 problem\n"

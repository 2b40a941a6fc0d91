"""The time limit of a run: an error that it causes says where the time went."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger_tool.edges import deadline as deadlines
from ledger_tool.edges.deadline import UNLIMITED, Deadline, usual_deadline, within
from ledger_tool.edges.git import repository
from ledger_tool.edges.git.repository import Repository
from ledger_tool.errors import Unreachable, UsageError


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(deadlines, "time", made)
    return made


@pytest.mark.parametrize(
    ("elsewhere", "in_git", "told"),
    [
        (190, 10, ": 190 of 200 s had gone elsewhere, such as to registries"),
        (90, 20, ""),  # there is time left
        (10, 190, ""),
    ],
)
def test_a_deadline_says_what_took_the_time_if_that_was_not_git(
    clock: Clock, elsewhere: int, in_git: int, told: str
) -> None:
    deadline = Deadline(120.0)
    clock.now += elsewhere
    with deadline.in_git():
        clock.now += in_git
    assert deadline.spent_elsewhere == told


def test_a_command_that_has_no_time_left_says_why(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object, timeout: float, **__: object) -> None:
        clock.now += timeout
        raise Unreachable(f"timed out after {timeout:.0f} s in fetch", "check the network")

    monkeypatch.setattr(repository, "run", run)
    slow = Repository(tmp_path, {}, Deadline(120.0))
    with pytest.raises(Unreachable, match=r"^timed out after 120 s in fetch$") as caught:
        slow.git("fetch")
    assert caught.value.hint == "check the network"
    late = Repository(tmp_path, {}, Deadline(120.0))
    clock.now += 600
    with pytest.raises(Unreachable, match=r"timed out after 10 s in fetch: 600 of 610 s had gone elsewhere") as caught:
        late.git("fetch")
    assert caught.value.hint == "give it longer with `--timeout`"


def test_what_does_not_end_is_left_behind_and_what_it_raises_is_raised() -> None:
    over = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, over.wait)
    over.set()
    assert within(60.0, over.wait)
    with pytest.raises(UsageError, match="no"):
        within(60.0, lambda: _raise(UsageError("no")))


def _raise(error: Exception) -> None:
    raise error


def test_a_limit_that_nobody_has_chosen_is_gits_alone() -> None:
    assert usual_deadline().of_hosts is UNLIMITED
    chosen = Deadline(3.0)
    assert chosen.of_hosts is chosen
    assert not UNLIMITED.is_over

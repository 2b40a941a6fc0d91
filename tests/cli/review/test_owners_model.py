"""Whoever signs whatever, in any order, while keys come and go: both judges say what a model of the rules says."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ledger_tool.cli.main import main
from ledger_tool.core.ledger.record import Record
from tests.support.git.owned import SETTINGS, OwnedLedger
from tests.support.values.make import digest, ledger_bytes, record
from tests.support.values.profiles import example_count

LISTED = {name: {name} for name in ("payments-ci", "release", "admin")}  # who may sign as whom
# What a commit may change, and whose that is.
OWNERS = {
    "payments/api": "payments-ci", "web/shop": "admin", "payments/api:prod": "release", "web/shop:prod": "release",
    "ledger.yaml": "admin", "allowed_signers": "admin", "README.md": "",
}  # fmt: skip
NEW_KEYS = [
    LISTED,
    LISTED | {"payments-ci": {"payments-ci", "stranger"}},
    LISTED | {"payments-ci": set()},
    LISTED | {"release": {"stranger"}, "admin": {"admin", "release"}},
]


@dataclass(frozen=True)
class Step:
    """A commit: what it changes, who may sign from then on if it changes that, and who signs it (`""`: nobody)."""

    changes: frozenset[str]
    keys: int
    by: str


STEPS = st.lists(
    st.builds(
        Step,
        st.frozensets(st.sampled_from(sorted(OWNERS)), min_size=1, max_size=3),
        st.integers(0, len(NEW_KEYS) - 1),
        st.sampled_from(["", "payments-ci", "release", "admin", "admin", "stranger"]),
    ),
    min_size=1,
    max_size=4,
)


class History:
    """A ledger to which steps are committed, and what the model expects of each."""

    def __init__(self, folder: Path, keys: dict[str, Path]) -> None:
        self.owned = OwnedLedger.create(folder, keys, SETTINGS)
        self.records = {name: self.record(name, 0) for name in OWNERS if "." not in name and "_" not in name}
        self.base = self.owned.commit({"ledger.json": ledger_bytes(*self.records.values())}, "start", "admin")
        self.by_parent: set[tuple[str, str]] = set()  # commits, and what nobody who may signed in them
        self.by_base: set[tuple[str, str]] = set()
        self.may = LISTED

    def record(self, name: str, at: int) -> Record:
        image, _, environment = name.partition(":")
        more = {"version": "v1"} if environment else {}
        return record(image, environment or "v1", digest=digest(f"{image}{0 if environment else at}"), **more,
                      publishedAt=f"2026-11-25T09:30:{at:02}Z")  # fmt: skip

    def commit(self, at: int, step: Step) -> None:
        """Commit a step, and note what the model finds in it."""
        files = {path: f"{SETTINGS}# {at}\n".encode() for path in step.changes & {"ledger.yaml", "README.md"}}
        for name in step.changes & self.records.keys():
            self.records[name] = self.record(name, at)
        files["ledger.json"] = ledger_bytes(*self.records.values())
        after = NEW_KEYS[step.keys] if "allowed_signers" in step.changes else self.may
        if "allowed_signers" in step.changes:
            lines = [self.owned.line(name, key=who) for name, whose in after.items() for who in sorted(whose)]
            files["allowed_signers"] = f"# {at}\n{''.join(lines)}".encode()
        made = self.owned.commit(files, f"step {at}", step.by)
        for what in step.changes:
            if OWNERS[what] and step.by not in self.may[OWNERS[what]]:
                self.by_parent.add((made[:12], what))
            if OWNERS[what] and step.by not in LISTED[OWNERS[what]]:
                self.by_base.add((made[:12], what))
        self.may = after


def compare_with_the_model(keys: dict[str, Path], steps: list[Step]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        history = History(folder, keys)
        for at, step in enumerate(steps, 1):
            history.commit(at, step)
        where = ("--repo", history.owned.upstream.url, "--format", "json")
        checked = run("check", *where, "--branch", "main", "--base", history.base)["findings"]
        said = [one["message"].partition("commit ")[2] for one in checked if one["rule"] == "owner"]
        found = {(words[:12], words.partition("it changes ")[2].partition(",")[0]) for words in said}
        assert found == history.by_parent | history.by_base
        assert len(said) == len(found)
        audited = run("audit", *where, "--since", history.base)["findings"]
        assert {
            (one["commit"][:12], one["message"].partition("it changes ")[2].partition(",")[0])
            for one in audited
            if one["rule"] == "owner"
        } == history.by_parent
    finally:
        shutil.rmtree(folder)


def run(*argv: str) -> Any:
    """Run a command line, and return the JSON that it prints."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()):
        assert main(list(argv)) in (0, 1)
    return json.loads(out.getvalue())


@example_count(10)
@given(steps=STEPS)
def test_both_judges_find_what_the_model_finds(keys: dict[str, Path], steps: list[Step]) -> None:
    compare_with_the_model(keys, steps)


@pytest.mark.storm
@settings(max_examples=150)
@given(steps=STEPS)
def test_both_judges_find_what_the_model_finds_in_a_storm(keys: dict[str, Path], steps: list[Step]) -> None:
    compare_with_the_model(keys, steps)


@dataclass(frozen=True)
class Node:
    """A commit of a graph: its parents among those before it, whose state of each image it takes, and who signs it.

    A state is taken from the parent of that number; -1 is a new one.
    """

    parents: tuple[int, ...]
    taken: tuple[int, int]
    by: str


def nodes(at: int) -> st.SearchStrategy[Node]:
    """Return commits on those before number `at`, the last ones more often than others; 0 is the base."""
    before = st.integers(max(0, at - 3), at - 1)
    taken = st.sampled_from([0, 0, 1, 1, -1])
    by = st.sampled_from(["payments-ci", "payments-ci", "payments-ci", "stranger", ""])
    return st.builds(Node, st.one_of(st.tuples(before), st.tuples(before, before)), st.tuples(taken, taken), by)


GRAPHS = st.integers(2, 7).flatmap(lambda count: st.tuples(*(nodes(at) for at in range(1, count + 1))))
IMAGES = ("payments/a", "payments/b")


def no_graph_lets_an_unsigned_or_outdated_state_through(keys: dict[str, Path], graph: tuple[Node, ...]) -> None:
    """Whatever commits and merges lead there: what a check lets through is the last state that the owner signed."""
    folder = Path(tempfile.mkdtemp())
    try:
        owned = OwnedLedger.create(folder, keys, SETTINGS)
        states = [(0, 0)]
        content = {"ledger.json": ledger_bytes(*(record(image, digest=digest(0)) for image in IMAGES))}
        ids = [owned.commit(content, "start", "payments-ci")]
        ancestors: list[set[int]] = [set()]
        signed: list[set[int]] = [set(), set()]  # of each image, the commits in which its owner set its state
        changed: list[set[int]] = [set(), set()]
        for at, node in enumerate(graph, 1):
            parents = tuple(dict.fromkeys(node.parents))
            state = tuple(
                at if taken < 0 else states[parents[min(taken, len(parents) - 1)]][number]
                for number, taken in enumerate(node.taken)
            )
            states.append((state[0], state[1]))
            ancestors.append({*parents, *(one for parent in parents for one in ancestors[parent])})
            for number in (0, 1):
                if len(parents) == 2 or state[number] != states[parents[0]][number]:
                    (signed if node.by == "payments-ci" else changed)[number].add(at)
                if len(parents) == 1 and state[number] != states[parents[0]][number]:
                    changed[number].add(at)
            images = (record(image, digest=digest(own)) for image, own in zip(IMAGES, state, strict=True))
            message = f"commit {at}"
            ids.append(
                owned.commit(
                    {"ledger.json": ledger_bytes(*images)}, message, node.by, parents=[ids[one] for one in parents]
                )
            )
        owned.upstream.git("update-ref", "refs/heads/pr", ids[-1])
        where = ("--repo", owned.upstream.url, "--format", "json", "--branch", "pr", "--base", ids[0])
        findings = {one["rule"] for one in run("check", *where)["findings"]}
        event("refused" if findings & {"owner", "merge"} else "let through")
        if findings & {"owner", "merge"}:
            return
        tip = len(graph)
        past = ancestors[tip] | {tip}
        for number in (0, 1):
            final = states[tip][number]
            setters = [one for one in past if states[one][number] == final and (one == 0 or one in signed[number])]
            later = {one for one in past & changed[number] if states[one][number] != final}
            assert any(not any(one in ancestors[other] for other in later) for one in setters), (number, states, ids)
    finally:
        shutil.rmtree(folder)


@example_count(10)
@given(graph=GRAPHS)
def test_no_graph_of_merges_lets_through_what_no_owner_signed(keys: dict[str, Path], graph: tuple[Node, ...]) -> None:
    no_graph_lets_an_unsigned_or_outdated_state_through(keys, graph)


@pytest.mark.storm
@settings(max_examples=250)
@given(graph=GRAPHS)
def test_no_graph_of_merges_lets_through_what_no_owner_signed_in_a_storm(
    keys: dict[str, Path], graph: tuple[Node, ...]
) -> None:
    no_graph_lets_an_unsigned_or_outdated_state_through(keys, graph)

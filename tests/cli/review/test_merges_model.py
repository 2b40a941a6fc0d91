"""Whatever is merged with whatever: `audit` of the branch says what `check` would have said of each push to it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ledger_tool.commands.audit import audit
from ledger_tool.commands.check import check
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.changes.message import compose
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Image, SourceRef, Tag, Timestamp
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit, promote, publish
from ledger_tool.core.writes.draft import Draft
from ledger_tool.edges.files.ledger import read_ledger, read_policy, schema
from ledger_tool.edges.git.location import Credentials
from ledger_tool.edges.git.served import open_served
from ledger_tool.edges.git.session import SessionOptions
from ledger_tool.errors import LedgerError
from ledger_tool.render.screen import Screen
from tests.support.git.upstream import Upstream
from tests.support.values.make import but, digest, ledger_of, record, source
from tests.support.values.profiles import example_count

NOW = Timestamp("2026-11-27T00:00:00Z")
FIRST = 1_795_600_000  # seconds, shortly before that
SETTINGS = [
    "tags:\n  mutable: [main]\nenvironments:\n  dev: {}\n",
    "tags:\n  mutable: ['*']\nenvironments:\n  dev: {}\n",
]
START = ledger_of(*(record("app", tag, digest=digest(tag)) for tag in ("v1", "v2", "main")))
VERBS = ("publish", "publish", "force", "label", "remove", "yank", "promote", "settings", "evil", "readme")


@dataclass(frozen=True)
class Node:
    """A commit: its parents, by number; what it does, to which tag; what a merge does beyond merging."""

    parents: tuple[int, ...]
    verb: str
    tag: str
    seed: int
    evil: str


def nodes(at: int) -> st.SearchStrategy[Node]:
    """Return commits on those before number `at`; 0 is the start. Most merges are fair."""
    before = st.integers(max(0, at - 3), at - 1)
    one, two = st.tuples(before), st.tuples(before, before)
    evil = st.sampled_from(["", "", "", "", "ours", "theirs", "label", "settings"])
    tags = st.sampled_from(["v1", "v2", "main", "new"])
    return st.builds(Node, st.one_of(one, two), st.sampled_from(VERBS), tags, st.integers(0, 2), evil)


GRAPHS = st.integers(2, 7).flatmap(lambda count: st.tuples(*(nodes(at) for at in range(1, count + 1))))


@dataclass(frozen=True)
class State:
    """What a commit has: its ledger, and which of the settings."""

    ledger: Ledger
    settings: int = 0


def stepped(before: State, node: Node) -> tuple[State, str, bool]:
    """Return what a commit on one parent leaves, its message, and whether a command made it."""
    name, snapshot = f"app:{node.tag}", Snapshot("", before.ledger, read_policy(SETTINGS[before.settings].encode()))
    try:
        match node.verb:
            case "publish" | "force":
                draft = Draft(
                    reference=parse_name(name), tag=Tag(node.tag), digest=Digest(digest(f"{node.tag} {node.seed}")),
                    source_ref=SourceRef(source(node.seed)), published_at=Timestamp("2026-11-24T00:00:00Z"),
                )  # fmt: skip
                change = publish.publish(snapshot, [draft], force_reason="why" if node.verb == "force" else "")
            case "label":
                change = edit.set_facts(snapshot, [name], labels={"a": str(node.seed)}, unlabel=[])
            case "remove":
                change = edit.remove(snapshot, [parse_name(name)], reason="over")
            case "yank":
                change = edit.yank(snapshot, [parse_name(name)], now=NOW, reason="bad", undo=node.seed == 0)
            case "promote":
                change = promote.promote(
                    snapshot, promote.named(snapshot, [parse_name(name)], Tag("dev")), now=NOW, reason="x"
                )
            case "settings":
                return State(before.ledger, 1 - before.settings), "change the settings\n", True
            case "evil":
                found = before.ledger.find(Name(Image("app"), Tag(node.tag)))
                if not found:
                    return before, "nothing\n", True
                after = before.ledger.replaced({found[0].name: (but(found[0], digest=digest("evil")),)})
                return State(after, before.settings), "tidy up\n", after == before.ledger
            case _:
                return before, "write about it\n", True
    except LedgerError:
        return before, "nothing\n", True
    return State(change.ledger, before.settings), compose(change, "t") if change.changed else "nothing\n", True


class Graph:
    """The commits of a graph in a repository, and what the model knows of each."""

    def __init__(self, folder: Path, graph: Sequence[Node]) -> None:
        self.upstream = Upstream.create(folder / "ledger.git")
        self.parents: list[tuple[int, ...]] = [()]
        self.states = [State(START)]
        self.past: list[set[int]] = [{0}]
        self.is_fair = [True]
        stream = [self._commit(0, "start\n")]
        for at, node in enumerate(graph, 1):
            parents = tuple(dict.fromkeys(node.parents))
            is_fast_forward = len(parents) == 2 and parents[1] in self.past[parents[0]]  # git would not merge that
            self.parents.append(parents[:1] if is_fast_forward else parents)
            self.past.append({at}.union(*(self.past[one] for one in self.parents[at])))
            state, message, is_fair = self._made(at, node)
            self.states.append(state)
            self.is_fair.append(is_fair)
            stream.append(self._commit(at, message))
        self.upstream.git("fast-import", "--quiet", "--force", stdin="".join(stream).encode())
        names = [f"refs/heads/n{at}" for at in range(len(self.states))]
        self.ids = self.upstream.git("rev-parse", *names).split()
        self.upstream.git("update-ref", "refs/heads/main", self.ids[-1])

    def _made(self, at: int, node: Node) -> tuple[State, str, bool]:
        parents = [self.states[one] for one in self.parents[at]]
        if len(parents) == 1:
            return stepped(parents[0], node)
        ours, theirs = parents
        bases = self.bases(*self.parents[at])
        base = self.states[max(bases)]
        merged = merge(base.ledger, ours.ledger, theirs.ledger)
        plain = State(merged.ledger, theirs.settings if ours.settings == base.settings else ours.settings)
        state = plain
        match node.evil:
            case "ours":
                state = ours
            case "theirs":
                state = theirs
            case "label":
                found = plain.ledger.find(Name(Image("app"), Tag(node.tag)))
                new = tuple(but(one, labels={"evil": str(node.seed)}) for one in found)
                state = State(plain.ledger.replaced({new[0].name: new}), plain.settings) if new else plain
            case "settings":
                state = State(plain.ledger, 1 - plain.settings)
        is_fair = state == plain and not merged.collisions and len(bases) == 1
        return state, "Merge branch\n", is_fair

    def bases(self, one: int, other: int) -> set[int]:
        """Return the last commits that two have in common."""
        common = self.past[one] & self.past[other]
        return {at for at in common if not any(at in self.past[later] - {later} for later in common)}

    def _commit(self, at: int, message: str) -> str:
        parents = self.parents[at]
        words = [f"from refs/heads/n{parents[0]}\n"] if parents else []
        words += [f"merge refs/heads/n{other}\n" for other in parents[1:]]
        content = codec.dumps(self.states[at].ledger).decode()
        files = {"ledger.json": content, "ledger.yaml": SETTINGS[self.states[at].settings], "README.md": str(at)}
        return "".join(
            [
                f"commit refs/heads/n{at}\ncommitter A <a@example.com> {FIRST + at} +0000\n{data(message)}", *words,
                *(f"M 100644 inline {name}\n{data(text)}" for name, text in files.items()), "\n",
            ]
        )  # fmt: skip

    def line(self) -> list[int]:
        """Return the branch's own commits after the start, the oldest first."""
        line = [len(self.states) - 1]
        while line[-1]:
            line.append(self.parents[line[-1]][0])
        return line[-2::-1]


def data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"


def audit_says_what_check_says_of_each_push(graph: Sequence[Node]) -> None:
    """And neither lets anything through but commits that do what they say, and merges that decide nothing."""
    folder = Path(tempfile.mkdtemp())
    try:
        made = Graph(folder, graph)
        with open_served(str(made.upstream.path), SessionOptions(credentials=Credentials()), Screen()) as session:
            whole, of_records = session.history(), schema("ledger-v1")
            audited = audit(
                replace(whole, revision=made.ids[-1]), since=made.ids[0], read_ledger=read_ledger,
                read_policy=read_policy, schema=lambda: of_records, clock=NOW, progress=lambda done, total: None,
            )  # fmt: skip
            blamed: dict[str, list[str]] = {}
            for finding in audited.findings:
                blamed.setdefault(finding.commit, []).append(f"{finding.rule}: {finding.message}")
            for at in made.line():
                before = made.parents[at][0]
                checked = check(
                    replace(whole, revision=made.ids[at]), base=made.ids[before], head=made.ids[at],
                    schema=lambda: of_records, read_policy=read_policy, clock=NOW,
                )  # fmt: skip
                brought = made.past[at] - made.past[before]
                of_audit = [said for one in sorted(brought) for said in blamed.get(made.ids[one], ())]
                found = [f"{one.rule}: {one.message}" for one in checked.findings]
                assert bool(found) == bool(of_audit), (at, found, of_audit)
                if not found:
                    assert all(made.is_fair[one] for one in brought), at
                kind = "merge" if len(made.parents[at]) > 1 else "commit"
                event(f"{kind}: {'refused' if found else 'let through'}")
    finally:
        shutil.rmtree(folder)


@example_count(40)
@given(graph=GRAPHS)
def test_audit_says_what_check_says_of_each_push(graph: tuple[Node, ...]) -> None:
    audit_says_what_check_says_of_each_push(graph)


@pytest.mark.storm
@settings(max_examples=600)
@given(graph=GRAPHS)
def test_audit_says_what_check_says_of_each_push_in_a_storm(graph: tuple[Node, ...]) -> None:
    audit_says_what_check_says_of_each_push(graph)

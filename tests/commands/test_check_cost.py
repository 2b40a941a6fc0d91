"""What `check --base` reads: as much as the range is long, whatever its shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ledger_tool.commands.check import Checked, check
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.edges.files.ledger import read_policy, schema
from ledger_tool.edges.git.location import Credentials
from ledger_tool.edges.git.session import SessionOptions, open_session
from ledger_tool.render.screen import Screen
from tests.support.git.upstream import git
from tests.support.values.make import ledger_bytes, record, source

BROKEN = b'{\n  "schemaVersion": 1,\n  "records": [%d]\n}\n'


class CountingHistory:
    """A history that counts what is asked of it."""

    def __init__(self, history: object) -> None:
        self._history = history
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*arguments: Any, **options: Any) -> Any:
            self.asked[name] += 1
            return getattr(self._history, name)(*arguments, **options)

        return ask


def made(folder: Path, chain: int, children: int) -> None:
    """Make a repository with a chain of invalid versions, and valid ones on the last of them that are then merged."""
    git("init", "--quiet", "--initial-branch=main", folder)
    stream: list[bytes] = []

    def commit(content: bytes, *parents: int) -> int:
        number = sum(part.startswith(b"commit ") for part in stream) + 1
        lines = f"commit refs/heads/pr\nmark :{number}\ncommitter A <a@example.com> {1_700_000_000 + number} +0000\n"
        links = "".join(f"{word} :{parent}\n" for word, parent in zip(("from", "merge"), parents, strict=False))
        file = b"M 100644 inline ledger.json\ndata %d\n%s\n" % (len(content), content)
        stream.append(f"{lines}data 1\nx\n{links}".encode() + file)
        return number

    base = tip = commit(ledger_bytes(record()))
    stream.append(b"reset refs/heads/main\nfrom :1\n\n")
    for number in range(chain):
        tip = commit(BROKEN % number, tip)
    heads = [commit(ledger_bytes(record(sourceRef=source(number))), tip) for number in range(children)]
    tip = heads[0]
    for head in heads[1:]:
        tip = commit(ledger_bytes(record()), tip, head)
    assert base == 1
    git("-C", folder, "fast-import", "--quiet", "--force", stdin=b"".join(stream))
    git("-C", folder, "checkout", "--quiet", "pr")


def cost(folder: Path, chain: int, children: int) -> tuple[Checked, Counter[str]]:
    """Return what `check` finds, what it asks of the history, and how often it diagnoses a broken file."""
    made(folder, chain, children)
    with open_session(str(folder), SessionOptions(credentials=Credentials()), Screen()) as session:
        history = CountingHistory(session.history())

        def asked_schema() -> Any:
            history.asked["diagnosis"] += 1
            return schema("ledger-v1")

        checked = check(
            history,
            base="main",
            schema=asked_schema,
            read_policy=read_policy,
            clock=Timestamp("2026-11-27T00:00:00Z"),
        )
    return checked, history.asked


def test_a_file_is_read_and_diagnosed_once_whatever_is_built_on_a_chain_of_invalid_versions(tmp_path: Path) -> None:
    """Once, and a ledger that many commits are compared with a second time; so the cost grows with the range alone."""
    chain, children = 8, 4
    commits = chain + children + children - 1
    checked, asked = cost(tmp_path / "one", chain, children)
    assert checked.commits == commits
    assert [finding.rule for finding in checked.findings].count("invalid") == chain
    assert asked["diagnosis"] == chain
    assert asked["files_apart"] + asked["ledger_file"] <= 2 * commits
    _, more = cost(tmp_path / "two", 2 * chain, 2 * children)
    for what, number in more.items():
        assert number <= 2 * asked[what] + 2, what

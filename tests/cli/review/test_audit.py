"""`audit` over histories that real publishes made, and over those that somebody tampered with."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.cli.options import now
from ledger_tool.commands.audit import audit as replay
from ledger_tool.commands.check import check
from ledger_tool.core.judging.check import CheckFinding
from ledger_tool.edges.files.ledger import read_ledger, read_policy, schema
from ledger_tool.edges.git.location import Credentials
from ledger_tool.edges.git.served import open_served
from ledger_tool.edges.git.session import Session, SessionOptions, open_session
from ledger_tool.errors import LedgerError
from ledger_tool.render.screen import Screen
from tests.support.git.tamper import amend, commit, move_branch, second_root
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest, fields, ledger_bytes, record
from tests.support.values.operations import OPERATIONS, Operation
from tests.support.values.outcome import Outcome
from tests.support.values.profiles import example_count

Run = Callable[..., Outcome]
SETTINGS = "tags:\n  mutable: [latest]\n"


@pytest.fixture
def upstream(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, ledger: Run) -> Upstream:
    """Return a ledger with a history of every kind of write: a copy of the one that the first test made."""
    made = Upstream(tmp_path / "ledger.git")
    if not (first := tmp_path_factory.getbasetemp() / "audited.git").exists():
        shutil.copytree(_written(made.path, ledger).path, first)
    else:
        shutil.copytree(first, made.path)
    return made


def _written(path: Path, ledger: Run) -> Upstream:
    made = Upstream.create(path, settings=SETTINGS)

    def run(*words: str) -> None:
        done = ledger(*words, "--repo", made.url)
        assert done.code == 0, done.err

    def publish(name: str, seed: str, *options: str) -> None:
        run("publish", f"{name}@{digest(seed)}", "--source", SOURCE, *options)

    publish("myorg/app:v1", "a", "--platform", "linux/amd64", "--index", digest("i"))
    publish("myorg/app:v1", "b", "--platform", "linux/arm64", "--index", digest("i"))
    publish("myorg/app:latest", "a")
    publish("myorg/app:latest", "b")
    publish("myorg/app:v1", "c", "--platform", "linux/amd64", "--index", digest("i"), "--force", "--reason", "rebuilt")
    run("set", "*", "--label", "env=prod", "--ttl", "999w")
    publish("myorg/app:v2", "d")
    run("yank", "myorg/app:v2", "--reason", "crashes")
    run("remove", "myorg/app:v2", "--reason", "broken")
    publish("myorg/app:v2", "e")
    return made


@pytest.fixture
def audit(ledger: Run, upstream: Upstream) -> Callable[..., tuple[int, list[tuple[str, str, str]]]]:
    """Return a function that audits; it returns the exit code, and rule, commit and image:tag of each finding."""

    def run(*options: str) -> tuple[int, list[tuple[str, str, str]]]:
        done = ledger("audit", "--repo", upstream.url, "--format", "json", *options)
        found = [
            (one["rule"], one["commit"], f"{one['image']}:{one['tag']}" if one["image"] else "")
            for one in done.json["findings"]
        ]
        assert done.json["ok"] == (not found)
        return done.code, found

    return run


Audit = Callable[..., tuple[int, list[tuple[str, str, str]]]]


def edited(upstream: Upstream, message: str, edit: Callable[[list[dict[str, Any]]], object], **files: bytes) -> str:
    """Commit `ledger.json` with its records edited, canonically, under a message."""
    records = upstream.records()
    edit(records)
    content = {"schemaVersion": 1, "records": records}
    raw = (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
    named = {f"ledger.{name}": one for name, one in files.items()}
    return move_branch(upstream, commit(upstream, message, [upstream.tip()], {"ledger.json": raw, **named}))


def at(records: list[dict[str, Any]], tag: str) -> dict[str, Any]:
    return next(one for one in records if one["tag"] == tag)


def test_what_the_commands_wrote_passes_the_audit(ledger: Run, upstream: Upstream) -> None:
    done = ledger("audit", "--repo", upstream.url)
    assert (done.code, done.out) == (0, ""), done.out
    assert f"ok: 11 commits, up to {upstream.tip()}" in done.err


def test_an_amended_commit_is_named(audit: Audit, upstream: Upstream) -> None:
    made = amend(upstream, upstream.commits()[0], lambda _: "tidy up\n")
    assert audit() == (1, [("unexplained", made, "myorg/app:v2")])


def test_forged_trailers_are_named(audit: Audit, upstream: Upstream) -> None:
    target = upstream.commits()[2]
    made = amend(upstream, target, lambda text: text.replace(digest("d"), digest("x")))
    assert made != target
    assert audit() == (1, [("trailers", made, "myorg/app:v2")])


def test_trailers_of_a_commit_that_changes_nothing_are_named(audit: Audit, upstream: Upstream) -> None:
    made = commit(upstream, upstream.message() + "\n", [upstream.tip()], {"README.md": b"# Other\n"})
    move_branch(upstream, made)
    assert audit() == (1, [("trailers", made, "myorg/app:v2")])


def test_a_silent_edit_of_a_record_is_named(audit: Audit, upstream: Upstream) -> None:
    made = edited(upstream, "tidy up\n", lambda records: at(records, "v2").update(publishedAt="2020-01-01T00:00:00Z"))
    assert audit() == (1, [("unexplained", made, "myorg/app:v2"), ("facts", made, "myorg/app:v2")])


def side_of(upstream: Upstream, ledger: Run, name: str = "other:v1", *options: str) -> str:
    """Publish on a branch that starts where the ledger's is; return the commit."""
    upstream.git("branch", "--force", "side", upstream.tip())
    words = ("--source", SOURCE, "--repo", upstream.url, "--branch", "side", *options)
    return str(ledger("publish", f"{name}@{digest()}", *words).json["commit"])


def test_a_merge_is_no_finding_if_it_decides_nothing_and_all_that_it_brings_is_in_order(
    audit: Audit, upstream: Upstream, ledger: Run
) -> None:
    tip, side = upstream.tip(), side_of(upstream, ledger)
    move_branch(upstream, commit(upstream, "Merge branch 'side'\n", [tip, side], tree=side))
    assert audit() == audit("--since", tip) == (0, [])
    done = ledger("audit", "--repo", upstream.url, "--since", tip)
    assert done.err.startswith("ok: 2 commits since commit")


def test_what_is_wrong_with_a_commit_that_a_merge_brings_is_named_by_that_commit(
    audit: Audit, upstream: Upstream, ledger: Run
) -> None:
    tip = upstream.tip()
    bad = edited(upstream, "tidy up\n", lambda records: at(records, "v2").update(ttl="1d"))
    move_branch(upstream, tip)
    merge = move_branch(upstream, commit(upstream, "Merge\n", [tip, bad], tree=bad))
    assert audit() == (1, [("unexplained", bad, "myorg/app:v2")])
    good = commit(upstream, "back\n", [bad], tree=tip)
    move_branch(upstream, commit(upstream, "Merge\n", [tip, good], tree=tip))
    assert [one[:2] for one in audit()[1]] == [("unexplained", bad), ("unexplained", good)]
    assert audit("--since", merge)[1][0] == ("rewritten", merge, "")


def test_what_a_merge_decides_itself_is_named(audit: Audit, upstream: Upstream, ledger: Run) -> None:
    tip, side = upstream.tip(), side_of(upstream, ledger)
    evil = edited(upstream, "x\n", lambda records: at(records, "v2").update(ttl="1d"))
    merge = move_branch(upstream, commit(upstream, "Merge\n", [tip, side], tree=evil))
    assert set(audit()[1]) == {("linear", merge, "myorg/app:v2"), ("linear", merge, "other:v1")}
    own = commit(upstream, "Merge\n", [tip, side], {"ledger.yaml": b"tags: {mutable: ['*']}\n"}, tree=side)
    move_branch(upstream, own)
    assert audit()[1] == [("linear", own, "")]


def test_an_octopus_that_moves_an_immutable_tag_is_named_twice(audit: Audit, upstream: Upstream) -> None:
    tip = upstream.tip()
    sides = [commit(upstream, f"side {name}\n", [tip], {name: b"x\n"}) for name in "ab"]
    made = edited(upstream, "moved\n", lambda records: at(records, "v2").update(digest=digest("m")))
    octopus = commit(upstream, "Merge a and b\n", [tip, *sides], tree=made)
    move_branch(upstream, octopus)
    assert audit() == (1, [("linear", octopus, ""), ("immutable", octopus, "myorg/app:v2")])


def test_a_second_root_is_named(audit: Audit, upstream: Upstream) -> None:
    tip, root = upstream.tip(), second_root(upstream)
    merge = commit(upstream, "Merge\n", [tip, root])
    move_branch(upstream, merge)
    assert audit() == (1, [("linear", root, ""), ("linear", merge, "")])
    assert audit("--since", tip) == (1, [("linear", root, ""), ("linear", merge, "")])


def test_a_line_that_a_trusted_commit_joined_from_the_side_is_named(audit: Audit, upstream: Upstream) -> None:
    tip, root = upstream.tip(), second_root(upstream)
    merge = move_branch(upstream, commit(upstream, "Merge\n", [root, tip]))
    _, found = audit("--since", tip)
    assert ("linear", root, "") in found
    assert ("linear", merge, "") in found


def test_a_rewritten_history_is_named_whether_the_trusted_commit_is_still_there_or_not(
    audit: Audit, upstream: Upstream
) -> None:
    trusted = upstream.tip()
    old = upstream.commits()[1]
    made = move_branch(upstream, commit(upstream, "nothing\n", [old], {"README.md": b"# Other\n"}))
    assert audit("--since", trusted) == (1, [("rewritten", trusted, "")])  # the fresh clone does not have it
    upstream.git("branch", "backup", trusted)
    assert audit("--since", trusted) == (1, [("rewritten", trusted, "")])
    assert audit("--since", old) == (0, [])
    assert audit("--since", made) == (0, [])


def test_a_history_that_has_nothing_in_common_with_the_trusted_commit_is_audited_from_its_own_beginning(
    audit: Audit, upstream: Upstream
) -> None:
    trusted = upstream.tip()
    upstream.git("branch", "backup", trusted)
    move_branch(upstream, second_root(upstream))
    made = edited(upstream, "by hand\n", lambda records: records.append(fields()))
    assert audit("--since", trusted) == (1, [("rewritten", trusted, ""), ("unexplained", made, "myorg/app:v1")])


def test_since_goes_on_from_a_trusted_commit(audit: Audit, upstream: Upstream, ledger: Run) -> None:
    bad = edited(upstream, "tidy up\n", lambda records: at(records, "v2").update(ttl="1d"))
    good = ledger("publish", f"other:v1@{digest()}", "--source", SOURCE, "--repo", upstream.url).json["commit"]
    worse = edited(upstream, "tidy up\n", lambda records: at(records, "v2").update(ttl="2d"))
    assert audit() == (1, [("unexplained", bad, "myorg/app:v2"), ("unexplained", worse, "myorg/app:v2")])
    assert audit("--since", bad) == (1, [("unexplained", worse, "myorg/app:v2")])
    assert audit("--since", good) == audit("--since", bad)
    assert audit("--since", worse) == (0, [])


def test_a_removal_without_a_reason_is_named(audit: Audit, upstream: Upstream) -> None:
    gone = at(upstream.records(), "v2")
    message = f"remove myorg/app:v2\n\nImage: myorg/app:v2\nDigest: {gone['digest']}\nSource-Ref: {SOURCE}\n"
    made = edited(upstream, message, lambda records: records.remove(at(records, "v2")))
    assert audit() == (1, [("reason", made, "myorg/app:v2")])


def moved(upstream: Upstream, **files: bytes) -> str:
    """Move an immutable tag, and say so in trailers that are right, with a reason, but without the record's mark."""
    message = (
        f"publish myorg/app:v2\n\nImage: myorg/app:v2\nDigest: {digest('m')}\nReplaces: {digest('e')}\n"
        f"Source-Ref: {SOURCE}\nReason: because\n"
    )
    return edited(upstream, message, lambda records: at(records, "v2").update(digest=digest("m")), **files)


def test_an_immutable_tag_that_moved_without_force_is_named(audit: Audit, upstream: Upstream) -> None:
    made = moved(upstream)
    assert audit() == (1, [("immutable", made, "myorg/app:v2")])


def test_a_rule_that_is_loosened_in_the_same_commit_does_not_count(audit: Audit, upstream: Upstream) -> None:
    made = moved(upstream, yaml=b"tags:\n  mutable: ['*']\n")
    assert audit() == (1, [("immutable", made, "myorg/app:v2")])


def test_a_rule_that_was_loosened_before_counts(audit: Audit, upstream: Upstream) -> None:
    upstream.commit_as_other_writer({"ledger.yaml": b"tags:\n  mutable: ['*']\n"}, "let all tags move")
    moved(upstream)
    assert audit() == (0, [])


def test_a_version_that_is_not_canonical_is_named_and_only_that_one(audit: Audit, upstream: Upstream) -> None:
    good = upstream.content()
    made = upstream.commit_as_other_writer({"ledger.json": good.replace(b"  ", b"\t")}, "reformat")
    upstream.commit_as_other_writer({"ledger.json": good}, "restore")
    assert audit() == (1, [("invalid", made, "")])


def test_what_a_broken_version_hides_is_named_when_the_next_valid_one_comes(audit: Audit, upstream: Upstream) -> None:
    broken = upstream.commit_as_other_writer({"ledger.json": b"{}\n"}, "break it")
    restored = json.loads(upstream.content("main~1"))["records"]
    at(restored, "v2")["digest"] = digest("m")
    raw = (json.dumps({"schemaVersion": 1, "records": restored}, indent=2) + "\n").encode()
    made = upstream.commit_as_other_writer({"ledger.json": raw}, "restore")
    assert audit() == (1, [("invalid", broken, ""), ("immutable", made, "myorg/app:v2")])


@pytest.mark.parametrize("mode", ["120000", "gone"])
def test_a_ledger_that_is_gone_or_no_plain_file_is_named(audit: Audit, upstream: Upstream, mode: str) -> None:
    tip = upstream.tip()
    blob = upstream.git("rev-parse", f"{tip}:ledger.json")
    entry = f"120000 blob {blob}\tledger.json\n" if mode == "120000" else ""
    tree = upstream.git("mktree", stdin=entry.encode())
    made = move_branch(upstream, upstream.git("commit-tree", "-p", tip, "-m", "x", tree))
    assert audit() == (1, [("invalid", made, "")])


def test_a_broken_ledger_yaml_is_named_where_a_change_needs_it_and_the_last_good_one_counts(
    audit: Audit, upstream: Upstream
) -> None:
    good = upstream.content(name="ledger.yaml")
    upstream.commit_as_other_writer({"ledger.yaml": b"tags: ["}, "break it")
    made = moved(upstream)
    assert audit() == (1, [("settings", made, ""), ("immutable", made, "myorg/app:v2")])
    move_branch(upstream, upstream.commits()[1])
    upstream.commit_as_other_writer({"ledger.yaml": good}, "restore")
    assert audit() == (0, [])


def test_a_version_that_is_missing_in_the_repository_is_named(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    """Fetched into a repository of its own, all objects are files, and one of them is lost."""
    folder = tmp_path / "clone"
    git("init", "--quiet", "--initial-branch=main", folder)
    git("fetch", "--quiet", upstream.url, "main:refs/heads/copy", cwd=folder)
    git("checkout", "--quiet", "copy", cwd=folder)
    lost = upstream.commits()[5]
    blob = upstream.git("rev-parse", f"{lost}:ledger.json")
    (folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    done = ledger("audit", "--repo", folder)
    assert done.code == 1
    assert (
        done.out
        == f"{lost[:12]} invalid: its ledger.json is missing from the repository, or larger than any git host accepts\n"
    )


@pytest.mark.parametrize("committer", ["Nobody <>", "Nobody <n@example.com> 99999999999999999999 +0000", "", "x> -1 0"])
def test_a_commit_that_git_would_not_write_is_judged_like_any_other(
    audit: Audit, upstream: Upstream, ledger: Run, committer: str
) -> None:
    text = f"tree {upstream.git('rev-parse', 'main^{tree}')}\nparent {upstream.tip()}\nauthor A <a> 1 +0000\n"
    text += f"committer {committer}\nencoding nonsense\n\n\udcff odd\n"
    raw = text.encode("utf-8", "surrogateescape")
    made = move_branch(upstream, upstream.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw))
    assert {rule for rule, _, _ in audit()[1]} <= {"date"}  # a broken one counts as from 1970
    bad = edited(upstream, "by hand\n", lambda records: at(records, "v2").update(ttl="1d"))
    assert [one for one in audit()[1] if one[0] != "date"] == [("unexplained", bad, "myorg/app:v2")]
    since = audit("--since", made)[1]
    assert [one for one in since if one[0] != "date"] == [("unexplained", bad, "myorg/app:v2")]
    assert ledger("log", "--repo", upstream.url).code == 0


def test_a_ledger_yaml_that_is_huge_or_no_plain_file_is_not_read(audit: Audit, upstream: Upstream) -> None:
    upstream.commit_as_other_writer({"ledger.yaml": SETTINGS.encode() + b"#" * 2**20}, "grow")
    made = moved(upstream)
    assert audit() == (1, [("settings", made, ""), ("immutable", made, "myorg/app:v2")])


def test_many_findings_of_one_commit_are_counted(audit: Audit, ledger: Run, tmp_path: Path) -> None:
    records = [record(tag=f"v{at:03}") for at in range(150)]
    made = Upstream.create(tmp_path / "import.git", ledger_bytes(*records))
    done = ledger("audit", "--repo", made.url)
    assert done.code == 1
    assert len(done.out.splitlines()) == 101
    assert "and 50 more findings of this commit" in done.out
    assert ledger("audit", "--repo", made.url, "--since", "HEAD").code == 0


def test_the_ledger_may_begin_later_than_the_repository(ledger: Run, tmp_path: Path) -> None:
    made = Upstream(tmp_path / "late.git")
    git("init", "--quiet", "--bare", "--initial-branch=main", made.path)
    made.commit_as_other_writer({"README.md": b"# First\n"}, "first")
    nothing = ledger("audit", "--repo", made.url)
    assert nothing.code == 4
    assert "has no ledger.json" in nothing.err
    made.commit_as_other_writer({"ledger.json": ledger_bytes()}, "start the ledger")
    assert ledger("publish", f"a:v1@{digest()}", "--source", SOURCE, "--repo", made.url).code == 0
    assert ledger("audit", "--repo", made.url).code == 0


@pytest.mark.parametrize("evil_first", [True, False])
def test_a_tree_that_names_a_file_twice_is_named_whichever_of_the_two_a_reader_takes(
    audit: Audit, ledger: Run, upstream: Upstream, evil_first: bool
) -> None:
    """`git show` takes the first, `git ls-tree` shows both; hosts refuse it, a plain git server does not."""
    tip = upstream.tip()
    good = upstream.git("rev-parse", f"{tip}:ledger.json")
    evil = upstream.git("hash-object", "-w", "--stdin", stdin=upstream.content().replace(b"sha256:", b"sha256:0", 1))
    entries = [("README.md", upstream.git("rev-parse", f"{tip}:README.md"))]
    entries += [("ledger.json", one) for one in ([evil, good] if evil_first else [good, evil])]
    entries += [("ledger.yaml", upstream.git("rev-parse", f"{tip}:ledger.yaml"))]
    raw = b"".join(f"100644 {name}".encode() + b"\0" + bytes.fromhex(one) for name, one in entries)
    tree = upstream.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    made = move_branch(upstream, upstream.git("commit-tree", "-p", tip, "-m", "x", tree))
    assert audit() == (1, [("invalid", made, "")])
    read = ledger("list", "--repo", upstream.url)
    assert read.code == 4
    assert "twice" in read.err


def test_a_tag_with_the_branch_s_name_hides_nothing(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    upstream.git("tag", "main", upstream.tip())
    bad = edited(upstream, "tidy up\n", lambda records: at(records, "v2").update(ttl="1d"))
    git("clone", "--quiet", upstream.url, tmp_path / "clone")
    git("switch", "--quiet", "--create", "work", cwd=tmp_path / "clone")
    for branch in ("main", "origin/main"):
        done = ledger("audit", "--repo", tmp_path / "clone", "--branch", branch)
        assert done.code == 1
        assert f"{bad[:12]} unexplained: " in done.out


def test_a_shallow_clone_is_a_usage_error(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    git("clone", "--quiet", "--depth=1", upstream.url, tmp_path / "shallow")
    done = ledger("audit", "--repo", tmp_path / "shallow")
    assert done.code == 2
    assert "git fetch --unshallow" in done.err


def test_grafts_and_replacements_of_a_checkout_do_not_hide_a_commit(
    ledger: Run, upstream: Upstream, tmp_path: Path
) -> None:
    bad = edited(upstream, "tidy up\n", lambda records: at(records, "v2").update(ttl="1d"))
    clone = tmp_path / "clone"
    git("clone", "--quiet", upstream.url, clone)
    git("replace", bad, f"{bad}~1", cwd=clone)
    (clone / ".git/info").mkdir(exist_ok=True)
    (clone / ".git/info/grafts").write_text(f"{bad}\n")
    done = ledger("audit", "--repo", clone)
    assert done.code == 1
    assert f"{bad[:12]} unexplained: " in done.out


@pytest.mark.parametrize("parents", ["", "the first commit"])
def test_grafts_and_replacements_of_a_bare_repository_do_not_hide_a_commit(
    ledger: Run, upstream: Upstream, parents: str
) -> None:
    bad = edited(upstream, "tidy up\n", lambda records: at(records, "v2").update(ttl="1d"))
    top = upstream.commit_as_other_writer({"README.md": b"# More\n"})
    upstream.git("replace", bad, f"{bad}~1")
    (upstream.path / "info").mkdir(exist_ok=True)
    (upstream.path / "info" / "grafts").write_text(f"{top} {upstream.commits()[-1] if parents else ''}".rstrip() + "\n")
    for repo in (upstream.path, upstream.url):
        done = ledger("audit", "--repo", repo)
        assert (done.code, f"{bad[:12]} unexplained: " in done.out) == (1, True), done.err


def test_an_unknown_revision_is_a_usage_error(ledger: Run, upstream: Upstream) -> None:
    done = ledger("audit", "--repo", upstream.url, "--since", "nowhere")
    assert done.code == 2
    assert "has no revision `nowhere`" in done.err


def test_findings_come_as_junit_too(ledger: Run, upstream: Upstream) -> None:
    done = ledger("audit", "--repo", upstream.url, "--format", "junit")
    assert 'tests="1" failures="0"' in done.out
    made = edited(upstream, "tidy <up>\n", lambda records: at(records, "v2").update(ttl="1d"))
    done = ledger("audit", "--repo", upstream.url, "--format", "junit")
    assert done.code == 1
    assert 'tests="1" failures="1"' in done.out
    assert f'<testcase classname="{made}" name="unexplained: ' in done.out


def test_what_a_message_smuggles_reaches_no_terminal(ledger: Run, upstream: Upstream) -> None:
    evil = f"publish x\n\nImage: \x1b[31m\u202ered:v1\nDigest: {digest()}\n"
    move_branch(upstream, commit(upstream, evil, [upstream.tip()], {"README.md": b"# Other\n"}))
    for form in ("text", "json", "junit"):
        done = ledger("audit", "--repo", upstream.url, "--format", form)
        assert done.code == 1
        assert "\x1b" not in done.out
        assert "\u202e" not in done.out


def _session(upstream: Upstream) -> Session:
    return open_session(upstream.url, SessionOptions(credentials=Credentials()), Screen())


class _Operations:
    """What clients do, on a real repository."""

    def __init__(self, folder: Path) -> None:
        self.upstream = Upstream.create(folder / "ledger.git", settings=SETTINGS)

    def run(self, operation: Operation) -> None:
        try:
            with _session(self.upstream) as session:
                session.store().transact(operation)
        except LedgerError:
            pass  # refused: nothing was written


@example_count(8)
@given(st.lists(OPERATIONS, min_size=1, max_size=6))
def test_any_sequence_of_operations_audits_clean(operations: list[Operation]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        clients = _Operations(folder)
        for one in operations:
            clients.run(one)
        with _session(clients.upstream) as session:
            history = session.history(blobs=True)
            found = replay(
                history,
                read_ledger=read_ledger,
                read_policy=read_policy,
                schema=lambda: schema("ledger-v1"),
                clock=now(),
                progress=lambda done, total: None,
            )
        assert found.findings == []
        assert found.commits == len(clients.upstream.commits())
    finally:
        shutil.rmtree(folder)


@example_count(8)
@given(st.lists(OPERATIONS, min_size=1, max_size=6))
def test_any_sequence_of_operations_passes_a_servers_hook(operations: list[Operation]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        clients = _Operations(folder)
        for one in operations:
            clients.run(one)
        assert list(_refused_at_the_server(clients.upstream)) == []
    finally:
        shutil.rmtree(folder)


def _refused_at_the_server(upstream: Upstream) -> Iterator[CheckFinding]:
    """Yield what a server's hook would have found in each push of one commit."""
    with open_served(str(upstream.path), SessionOptions(credentials=Credentials()), Screen()) as session:
        whole, of_records = session.history(), schema("ledger-v1")
        for pushed, base in pairwise(upstream.commits()):
            at = whole.times([pushed])[0]
            history = replace(whole, revision=pushed)
            checked = check(
                history, base=base, head=pushed, schema=lambda: of_records, read_policy=read_policy, clock=at
            )
            # The times of the operations are long ago, or to come.
            yield from (finding for finding in checked.findings if finding.rule not in ("ttl", "date"))

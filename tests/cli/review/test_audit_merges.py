"""Merges on the ledger's branch, made by real git: what `check` lets through, `audit` does not report."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.git.owned import OwnedLedger, make_keys
from tests.support.git.pull import Pull
from tests.support.git.tamper import commit
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]
LONG_AGO = "2026-01-01T00:00:00Z"
SETTINGS = "tags:\n  mutable: [main]\n\n\n\nreconcile:\n  ignore: []\n"


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    content = ledger_bytes(record("app", "main"), record("app", "v1"), record("web", "v1"))
    return Upstream.create(tmp_path / "ledger.git", content, SETTINGS)


@pytest.fixture
def pull(upstream: Upstream, tmp_path: Path, ledger: Run) -> Pull:
    """Return a clone in which `main` is checked out, and `pr` starts where it is; the merge driver is installed."""
    made = Pull.open(upstream, tmp_path / "pull", ledger)
    made.git("branch", "start")
    made.git("checkout", "--quiet", "main")
    assert ledger("merge-driver", "--install", "--repo", made.folder).code == 0
    made.path(".gitattributes").write_text("ledger.json merge=ledger\n")
    made.commit("install the driver")
    made.git("branch", "--force", "start")
    made.git("branch", "--force", "pr")
    return made


def on(pull: Pull, branch: str) -> Pull:
    pull.git("checkout", "--quiet", branch)
    return pull


def merged(pull: Pull, other: str = "pr", *options: str) -> Pull:
    """Merge a branch as a host does."""
    pull.git("merge", "--quiet", "--no-ff", "-m", f"Merge branch '{other}'", *options, other)
    return pull


def audited(pull: Pull, *options: str) -> list[str]:
    """Return the rules that `audit` finds broken on the branch, which are those that `check` finds in its last push."""
    done = pull.run("audit", "--repo", pull.folder, "--since", "start", "--format", "json", *options)
    check_schema("audit-v1", done.json)
    found = [one["rule"] for one in done.json["findings"]]
    assert done.code == bool(found)
    if not options:
        rules = {"linear" if rule == "merge" else rule for rule in pull.rules(base="HEAD^")}
        assert rules == set(found)
    return found


def test_a_request_that_was_brought_up_to_date_by_merges_lands_by_a_merge(pull: Pull) -> None:
    on(pull, "pr").publish("app:v2", "2")
    on(pull, "main").publish("web:v2", "w")
    merged(on(pull, "pr"), "main")
    pull.publish("app:v3", "3")
    pull.ledger("set", "app:v3", "--label", "a=b")
    on(pull, "main").publish("app:main", "m")
    merged(on(pull, "main"))
    assert audited(pull) == []
    entries = pull.run("log", "--repo", pull.folder, "--format", "json").json["entries"]
    assert [one["tag"] for one in entries if one["image"] == "app" and one["action"] == "publish"].count("v3") == 1
    found = pull.run("whence", digest("2"), "--repo", pull.folder).json["matches"]
    assert [one["record"]["tag"] for one in found] == ["v2"]


def test_what_the_message_of_a_merge_says_is_nobody_s_fact(pull: Pull) -> None:
    """A host may repeat a request's description there; and whoever merges may write what he likes."""
    on(pull, "pr").publish("app:v2", "2")
    on(pull, "main").publish("web:v2", "w")
    message = f"publish app:v9\n\nImage: app:v9\nDigest: {digest('evil')}\nSource-Ref: {SOURCE}\n"
    pull.git("merge", "--quiet", "--no-ff", "-m", message, "pr")
    assert audited(pull) == []
    entries = pull.run("log", "--repo", pull.folder, "--format", "json").json["entries"]
    assert sorted(f"{one['image']}:{one['tag']}" for one in entries if one["action"] == "publish") == [
        "app:v2",
        "web:v2",
    ]
    assert pull.run("whence", digest("evil"), "--repo", pull.folder).code == 3


def test_a_revert_of_a_merge_undoes_what_it_brought(pull: Pull) -> None:
    on(pull, "pr").publish("app:v2", "2")
    pull.publish("app:v3", "3")
    on(pull, "main").publish("web:v2", "w")
    merged(pull)
    pull.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert audited(pull) == []


def test_a_merge_that_settles_a_collision_is_a_finding_whatever_it_chose(pull: Pull) -> None:
    on(pull, "pr").publish("app:main", "theirs")
    on(pull, "main").publish("app:main", "ours")
    pull.git("merge", "--no-commit", "--strategy=ours", "pr")
    pull.commit("Merge branch 'pr'")
    assert audited(pull) == ["linear"]


@pytest.mark.parametrize("where", ["main", "pr"])
def test_a_merge_made_in_a_request_may_decide_nothing_either(pull: Pull, where: str) -> None:
    """What it chose there, the merge of the request brings."""
    on(pull, "pr").publish("app:main", "theirs")
    on(pull, "main").publish("app:main", "ours")
    on(pull, "pr").git("merge", "--no-commit", "--strategy=ours", "main")
    if where == "main":
        pull.git("checkout", "main", "--", "ledger.json")
    pull.commit("Merge branch 'main'")
    merged(on(pull, "main"))
    assert audited(pull) == ["linear"]


def test_two_changes_of_the_settings_are_what_git_makes_of_them(pull: Pull) -> None:
    for branch, old, new in (("pr", "[main]", "[main, dev]"), ("main", "ignore: []", "ignore: ['*:x']")):
        on(pull, branch)
        pull.path("ledger.yaml").write_text(pull.path("ledger.yaml").read_text().replace(old, new))
        pull.commit("change the settings")
    merged(pull)
    assert audited(pull) == []
    pull.path("ledger.yaml").write_text(SETTINGS.replace("[main]", "['*']"))
    pull.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    assert audited(pull) == ["linear"]


def test_a_criss_cross_and_a_merge_of_three_are_findings(pull: Pull) -> None:
    on(pull, "pr").publish("app:v2", "2")
    on(pull, "main").publish("web:v2", "w")
    pull.git("branch", "before")
    merged(pull)
    merged(on(pull, "pr"), "before")
    merged(on(pull, "main"))
    assert audited(pull) == ["linear"]
    pull.git("reset", "--quiet", "--hard", "start")
    for name in ("one", "two"):
        on(pull, "start").git("checkout", "--quiet", "-b", name)
        pull.path(name).write_text(name)
        pull.commit(name)
    merged(on(pull, "main"), "one", "two")
    assert audited(pull) == ["linear"]


def test_what_one_change_may_not_do_no_merge_brings(pull: Pull) -> None:
    on(pull, "pr").ledger("remove", "app:v1", "--reason", "over")
    pull.publish("app:v1", "evil")
    merged(on(pull, "main"))
    assert audited(pull) == ["immutable"]
    pull.git("reset", "--quiet", "--hard", "start")
    on(pull, "pr").git("reset", "--quiet", "--hard", "start")
    pull.path("ledger.yaml").write_text(SETTINGS.replace("[main]", "['*']"))
    pull.commit("let all tags move")
    pull.publish("app:v1", "evil")
    merged(on(pull, "main"))
    assert set(audited(pull)) == {"immutable"}


def test_what_had_run_out_when_it_was_merged_is_no_matter_of_history(pull: Pull) -> None:
    """`check` would not have let it land then: the next prune takes it."""
    on(pull, "pr").publish("app:pr-1", "1", "--ttl", "1m")
    head, found, rest = pull.text().partition('"tag": "pr-1"')
    pull.path().write_text(head + found + re.sub(r'(?<="publishedAt": ")[^"]*', LONG_AGO, rest, count=1))
    pull.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    merged(on(pull, "main"))
    assert pull.rules(base="HEAD^") == ["ttl"]
    assert pull.run("audit", "--repo", pull.folder, "--since", "start").code == 0


def test_a_dated_back_commit_of_a_request_is_named(upstream: Upstream, pull: Pull) -> None:
    commit = on(pull, "pr").publish("app:v2", "2")
    raw = pull.git("cat-file", "commit", commit) + "\n"
    lines = [f"{line[: line.index('> ')]}> 1000000000 +0000" if "> " in line else line for line in raw.split("\n")]
    old = pull.path("raw")
    old.write_text("\n".join(lines))
    made = pull.git("hash-object", "-t", "commit", "-w", old)
    old.unlink()
    merged(on(pull, "main"), made)
    found = audited(pull)
    assert found.count("date") >= 1
    assert set(found) == {"date"}


@pytest.mark.parametrize("begins", ["main", "pr"])
def test_merges_from_before_there_was_a_ledger_are_no_matter_of_it(tmp_path: Path, ledger: Run, begins: str) -> None:
    """Nor are those commits of a branch that brings the ledger."""
    made = Upstream(tmp_path / "late.git")
    git("init", "--quiet", "--bare", "--initial-branch=main", made.path)
    root = commit(made, "first\n", [], {"README.md": b"# First\n"})
    side = commit(made, "side\n", [root], {"side": b"x\n"})
    merge = commit(made, "Merge\n", [root, side], tree=side)
    start = commit(made, "start the ledger\n", [merge if begins == "main" else side], {"ledger.json": ledger_bytes()})
    if begins == "pr":
        start = commit(made, "Merge\n", [merge, start], tree=start)
    made.git("update-ref", "refs/heads/main", start)
    assert ledger("publish", f"a:v1@{digest()}", "--source", SOURCE, "--repo", made.url).code == 0
    done = ledger("audit", "--repo", made.url)
    assert (done.code, done.out) == (0, ""), done.out


class TestSigned:
    """With `--allowed-signers`, and with owners."""

    @pytest.fixture
    def owned(self, tmp_path: Path) -> OwnedLedger:
        made = OwnedLedger.create(tmp_path / "owned", make_keys(tmp_path / "people"))
        made.commit({"ledger.json": ledger_bytes(record("payments/api", "v1"))}, "start", "admin")
        return made

    def rules(self, run: Run, owned: OwnedLedger, since: str, *options: object) -> list[str]:
        done = run("audit", "--repo", owned.upstream.url, "--since", since, "--format", "json", *options)
        return [one["rule"] for one in done.json["findings"]]

    def land(self, owned: OwnedLedger, by: Sequence[str], files: Mapping[str, bytes]) -> None:
        """Land commits on a side, each signed by somebody, and the last of them by the merge."""
        tip = owned.upstream.tip()
        side = tip
        for at, one in enumerate(by[:-1]):
            side = owned.commit({**files, "README.md": str(at).encode()}, f"write {at}", one, parents=[side])
        made = owned.commit({**files, "README.md": str(len(by) - 2).encode()}, "Merge", by[-1], parents=[tip, side])
        owned.upstream.git("update-ref", "refs/heads/main", made)

    @pytest.mark.parametrize(
        ("by", "count"), [(["admin", "admin", "admin"], 0), (["", "admin", "admin"], 1), (["admin", "admin", ""], 1)]
    )
    def test_every_commit_that_a_merge_brings_needs_a_signature(
        self, owned: OwnedLedger, ledger: Run, tmp_path: Path, by: list[str], count: int
    ) -> None:
        start = owned.upstream.tip()
        (tmp_path / "signers").write_text(owned.line("admin"))
        self.land(owned, by, {})
        assert self.rules(ledger, owned, start, "--allowed-signers", tmp_path / "signers") == ["signature"] * count
        assert self.rules(ledger, owned, start) == []

    @pytest.mark.parametrize(("by", "rules"), [("payments-ci", []), ("", ["owner"]), ("admin", ["owner"])])
    def test_what_owners_have_signed_lands_by_a_merge_that_nobody_signs(
        self, owned: OwnedLedger, ledger: Run, by: str, rules: list[str]
    ) -> None:
        new = record("payments/api", "v2", digest=digest("new"))
        message = (
            f"publish payments/api:v2\n\nImage: payments/api:v2\nDigest: {new.digest}\nSource-Ref: {new.source_ref}\n"
        )
        start = owned.upstream.tip()
        files = {"ledger.json": ledger_bytes(record("payments/api", "v1"), new)}
        side = owned.commit(files, message, by, parents=[start])
        made = owned.commit(files, "Merge pull request #1", parents=[start, side])
        owned.upstream.git("update-ref", "refs/heads/main", made)
        assert self.rules(ledger, owned, start) == rules
        done = ledger("check", "--repo", owned.upstream.path, "--head", made, "--base", start, "--format", "json")
        assert [one["rule"] for one in done.json["findings"]] == rules

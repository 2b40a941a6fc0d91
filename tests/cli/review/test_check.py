"""`ledger check` as the gate of a pull request, on real branches and merges made with git."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.record import Name
from tests.support.git.pull import Pull
from tests.support.git.upstream import Upstream, git
from tests.support.registries.world import World
from tests.support.values.make import SOURCE, digest, ledger_bytes, record, source
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
AMD, ARM = "linux/amd64", "linux/arm64"
BASE = (
    record("myorg/app", "v1", platform=AMD, index=digest("i")),
    record("myorg/app", "v1", platform=ARM, index=digest("i"), digest=digest("arm")),
    record("myorg/app", "latest", digest=digest("l")),
    record("other", "v2", digest=digest("o")),
)
SETTINGS = "tags:\n  mutable: [latest]\n"
FORCE = ("--force", "--reason", "rebuilt")
INDEX = ("--index", digest("i"))


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream.create(tmp_path / "ledger.git", ledger_bytes(*BASE), SETTINGS)


@pytest.fixture
def pull(upstream: Upstream, tmp_path: Path, ledger: Run) -> Pull:
    return Pull.open(upstream, tmp_path / "pull", ledger)


def main_moves_on(upstream: Upstream, pull: Pull) -> None:
    """Publish on `main` meanwhile, and fetch that."""
    ahead = Pull.open(upstream, pull.folder.parent / "ahead", pull.run)
    ahead.publish("zzz:v1", "z")
    ahead.git("push", "--quiet", "origin", "pr:main")
    pull.git("fetch", "--quiet")


# ---- what the commands write passes


def test_what_the_commands_write_passes(pull: Pull, tmp_path: Path) -> None:
    pull.publish("myorg/app:v1", "b", "--platform", AMD, *INDEX, *FORCE)
    pull.publish("myorg/app:latest", "m")
    pull.publish("new:v1", "n")
    pull.publish("new:v1", "n", "--platform", AMD)  # fills in the platform
    pull.publish("myorg/app:v1", "v7", "--platform", "linux/arm/v7", *INDEX)
    pull.ledger("set", "myorg/*", "--label", "env=prod", "--ttl", "999w")
    pull.ledger("set", "myorg/*", "--unlabel", "env", "--ttl", "none")
    pull.ledger("remove", "other:v2", "--reason", "superseded")
    batch = tmp_path / "batch.jsonl"
    lines = [{"image": f"many/{at}", "tag": "v1", "digest": digest(at), "sourceRef": source(at)} for at in range(101)]
    batch.write_text("\n".join(json.dumps(line) for line in [*lines, lines[7]]))
    pull.ledger("publish", "--from", batch, "--offline")
    done = pull.check()
    assert (done.code, done.out, done.err) == (0, "", "ok: 106 records, 9 commits\n")


def test_an_empty_range_passes_and_so_does_a_commit_of_other_files(pull: Pull) -> None:
    assert pull.check().err == "ok: 4 records\n"
    pull.path("README.md").write_text("# Ours\n")
    pull.commit("set up a README")  # no verb of ours
    assert pull.check().err == "note: another file changes: README.md (changed)\nok: 4 records, 1 commit\n"


# ---- how branches come together


def test_commits_of_the_base_are_not_the_pull_requests(upstream: Upstream, pull: Pull) -> None:
    pull.publish("myorg/app:v0", "0")
    main_moves_on(upstream, pull)
    assert pull.check().err == "ok: 5 records, 1 commit\n"
    pull.git("merge", "--quiet", "--no-edit", "origin/main")
    done = pull.check()
    assert (done.code, done.err.splitlines()[-1]) == (0, "ok: 6 records, 2 commits")
    assert "note: the base was merged into these commits, so they must not land by a fast-forward" in done.err


def test_the_test_merge_of_a_host_passes(upstream: Upstream, pull: Pull) -> None:
    """`refs/pull/N/merge` is checked out as a detached HEAD whose first parent is the base."""
    pull.publish("myorg/app:v0", "0")
    main_moves_on(upstream, pull)
    pull.git("checkout", "--quiet", "--detach", "origin/main")
    pull.git("merge", "--quiet", "--no-ff", "-m", "Merge 1234 into 5678", "pr")
    assert pull.check().err == "ok: 6 records, 2 commits\n"


def test_rebased_and_cherry_picked_commits_still_say_what_they_do(upstream: Upstream, pull: Pull) -> None:
    commit = pull.publish("myorg/app:v0", "0")
    main_moves_on(upstream, pull)
    pull.git("rebase", "--quiet", "origin/main")
    assert pull.rules() == []
    pull.git("checkout", "--quiet", "-B", "pr", "origin/main")
    pull.git("cherry-pick", "-x", commit)
    assert pull.rules() == []


def test_a_squash_of_one_commit_passes_and_so_does_one_of_several(pull: Pull) -> None:
    """Every block of trailers in the message counts, not only the last one as git reads it."""
    pull.publish("myorg/app:v0", "0")
    message = pull.git("log", "-1", "--format=%B") + "\nCo-authored-by: Ada <ada@example.com>\n"
    pull.git("reset", "--quiet", "--soft", "origin/main")
    pull.commit(message.replace("publish myorg/app:v0", "publish myorg/app:v0 (#12)").replace("\n", "\r\n"))
    assert pull.rules() == []
    pull.publish("myorg/app:v3", "3")
    both = pull.git("log", "--reverse", "--format=* %s%n%n%b", "origin/main..HEAD")
    pull.git("reset", "--quiet", "--soft", "origin/main")
    pull.commit(f"Two images (#13)\n\n{both}")
    assert pull.rules() == []


def merged_by_hand(pull: Pull, choose: str) -> None:
    """Merge `origin/main`, and take all records of myorg/app:v1 from our side whatever the other has."""
    name = Name(*choose.split(":"))
    ours = codec.loads(pull.path().read_bytes())
    pull.git("merge", "--no-commit", "--strategy=ours", "origin/main")
    theirs = codec.loads((pull.git("show", "origin/main:ledger.json") + "\n").encode())
    pull.path().write_bytes(codec.dumps(theirs.replaced({name: ours.find(name)})))
    pull.commit("Merge main")


def test_a_merge_that_brings_more_than_its_parents_is_found(upstream: Upstream, pull: Pull) -> None:
    pull.publish("myorg/app:v0", "0")
    main_moves_on(upstream, pull)
    pull.git("merge", "--quiet", "--no-commit", "origin/main")
    pull.edit(digest("o"), digest("evil"))
    pull.commit("Merge main")
    assert pull.rules() == ["merge", "merge"]


def test_a_merge_does_not_let_an_old_branch_win_over_the_base(upstream: Upstream, pull: Pull) -> None:
    """The branch starts before v1 was published, publishes it as something else, and its merge takes its own side."""
    pull.git("checkout", "--quiet", "-B", "pr", "origin/main")
    pull.path().write_bytes(ledger_bytes(*BASE[2:]))
    before = pull.commit("before v1")
    upstream.git("fetch", "--quiet", pull.folder, "pr:old")
    upstream.git("update-ref", "refs/heads/main", before)
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(*BASE)}, "publish v1")
    pull.git("fetch", "--quiet", "origin")
    pull.publish("myorg/app:v1", "evil", "--platform", AMD, *INDEX)
    merged_by_hand(pull, "myorg/app:v1")
    found = pull.findings()
    assert {one["rule"] for one in found} == {"merge"}
    assert pull.line_of('"v1"', "digest") in {one["line"] for one in found}


def test_an_octopus_is_refused_and_so_is_a_history_that_has_nothing_to_do_with_the_base(pull: Pull) -> None:
    for name in ("one", "two"):
        pull.git("checkout", "--quiet", "-b", name, "origin/main")
        pull.path(name).write_text(name)
        pull.commit(name)
    pull.git("checkout", "--quiet", "pr")
    pull.git("merge", "--quiet", "--no-ff", "-m", "both", "one", "two")
    assert pull.rules() == ["merge"]
    pull.git("checkout", "--quiet", "--orphan", "island")
    pull.commit("from nowhere")
    done = pull.check()
    assert done.code == 2
    assert "no commit in common" in done.err


# ---- what is wrong is found, and on its line


def test_a_hand_edit_is_found_on_the_line_that_moved(pull: Pull) -> None:
    pull.edit(digest("arm"), digest("evil"))
    (uncommitted,) = pull.findings()
    assert (uncommitted["rule"], uncommitted["line"], uncommitted["column"]) == (
        "immutable", pull.line_of('"v1"', ARM, "digest"), 7,
    )  # fmt: skip
    commit = pull.commit("tidy up")
    found = pull.findings()
    assert [(one["rule"], one["line"]) for one in found] == [
        ("unexplained", uncommitted["line"]), ("immutable", uncommitted["line"]),
    ]  # fmt: skip
    assert all(one["message"].startswith(f"commit {commit[:12]}: ") for one in found)
    pull.git("checkout", "--quiet", "--detach")
    assert pull.findings() == found


def test_each_change_of_facts_is_found_on_its_line(pull: Pull) -> None:
    lines = pull.text().splitlines()
    where = pull.line_of('"v2"', "sourceRef")
    lines[where - 1] = f'      "sourceRef": "{source("elsewhere")}"'
    pull.path().write_text("\n".join(lines) + "\n")
    pull.commit(f"set other:v2\n\nImage: other:v2\nDigest: {digest('o')}\nSource-Ref: {source('elsewhere')}")
    (found,) = pull.findings()
    assert (found["rule"], found["line"]) == ("facts", where)


def test_a_removal_without_a_reason_is_found_where_the_record_stood(pull: Pull) -> None:
    pull.path().write_bytes(ledger_bytes(*BASE[:1], *BASE[2:]))
    pull.commit(
        f"remove myorg/app:v1\n\nImage: myorg/app:v1\nPlatform: {ARM}\nDigest: {digest('arm')}\nSource-Ref: {SOURCE}"
    )
    (found,) = pull.findings()
    assert (found["rule"], found["line"]) == ("reason", pull.line_of('"other"'))


def test_a_removal_of_the_last_record_has_a_place_too(pull: Pull) -> None:
    pull.path().write_bytes(ledger_bytes(*BASE[:3]))
    pull.commit("gone")
    assert {one["line"] for one in pull.findings()} == {pull.line_of('"v1"', ARM) - 2}
    pull.path().write_bytes(ledger_bytes())
    assert {one["line"] for one in pull.findings()} == {1}


def test_a_digest_can_not_move_by_way_of_a_removal(pull: Pull) -> None:
    pull.ledger("remove", "myorg/app:v1", "--platform", AMD, "--reason", "broken")
    pull.publish("myorg/app:v1", "evil", "--platform", AMD, *INDEX)
    (found,) = pull.findings()
    assert (found["rule"], found["line"]) == ("immutable", pull.line_of('"v1"', "digest"))


def test_a_tag_that_the_same_pull_request_makes_mutable_does_not_move(pull: Pull) -> None:
    pull.path("ledger.yaml").write_text("tags:\n  mutable: ['*']\n")
    pull.commit("let all tags move")
    pull.publish("other:v2", "evil")
    (found,) = pull.findings()
    assert (found["rule"], found["line"]) == ("immutable", pull.line_of('"v2"', "digest"))
    assert "`ledger.yaml` also changes" in pull.diff().out


def test_what_the_settings_require_is_asked_of_new_records(upstream: Upstream, pull: Pull) -> None:
    pull.publish("new:v1", "n")
    upstream.commit_as_other_writer({"ledger.yaml": b"require: [labels.team]\n"})
    text = pull.git("log", "-1", "--format=%B")
    content = pull.path().read_bytes()
    pull.git("fetch", "--quiet")
    pull.git("reset", "--quiet", "--hard", "origin/main")
    pull.path().write_bytes(content)
    pull.commit(text)
    (found,) = pull.findings()
    assert (found["rule"], found["line"]) == ("required", pull.line_of('"new"'))


def test_all_is_found_at_once(pull: Pull) -> None:
    """Two records of the file, its settings, and two commits before that; each on its line."""
    pull.path("ledger.yaml").write_text("tags:\n  mutabel: [latest]\n")
    pull.commit("settings")
    pull.edit('"tag": "v2"', '"tag": "v9"')
    commit = pull.commit("rename")
    pull.edit('"digest": "sha256:', '"digest": "SHA256:')
    pull.edit('"myorg/app"', '"MyOrg/app"')
    found = pull.findings()
    assert pull.check().code == 4
    assert [(one["path"], one["line"], one["rule"]) for one in found if one["line"] > 1] == [
        ("ledger.yaml", 2, "settings"),
        *(("ledger.json", number, "schema")
          for number, line in enumerate(pull.text().splitlines(), 1) if "MyOrg" in line or "SHA256" in line),
    ]  # fmt: skip
    assert sorted(one["rule"] for one in found if commit[:12] in one["message"]) == [
        "reason", "unexplained", "unexplained",
    ]  # fmt: skip


def test_a_broken_base_may_only_be_restored_to_its_last_valid_state(upstream: Upstream, pull: Pull) -> None:
    good = pull.text()
    upstream.commit_as_other_writer({"ledger.json": good.replace('"v2"', '""').encode()}, "break it")
    pull.git("fetch", "--quiet")
    pull.git("reset", "--quiet", "--hard", "origin/main")
    done = pull.check()
    assert (done.code, done.out) == (4, f'ledger.json:{pull.line_of("other") + 1}:14: schema: `tag` is malformed: ""\n')
    pull.path().write_text(good)
    pull.commit("mend it")
    assert pull.rules() == []
    pull.edit(digest("o"), digest("evil"))
    pull.commit("mend it", "--amend")
    assert pull.rules() == ["unexplained", "immutable"]


def test_a_commit_that_breaks_a_file_is_reported_even_if_a_later_one_fixes_it(pull: Pull) -> None:
    good = pull.text()
    pull.path().write_text(good.replace("\n", "\r\n"))
    broken = pull.commit("CRLF")
    pull.path("README.md").write_text("x")
    pull.commit("more of the same")
    pull.path().write_text(good)
    pull.path("ledger.yaml").write_text("tag: x\n")
    settings = pull.commit("LF")
    pull.path("ledger.yaml").write_text(SETTINGS)
    pull.commit("settings")
    yaml, text = pull.findings()
    assert (yaml["rule"], yaml["path"], yaml["line"]) == ("settings", "ledger.yaml", 1)
    assert (text["rule"], text["path"], text["line"]) == ("invalid", "ledger.json", 1)
    assert yaml["message"].startswith(f"commit {settings[:12]}: ")
    assert text["message"].startswith(f"commit {broken[:12]}: ")
    assert "CRLF" in text["message"]


@pytest.mark.parametrize("way", ["deleted", "renamed", "symlink", "folder"])
def test_a_ledger_json_that_is_gone_or_no_file_is_found(pull: Pull, way: str) -> None:
    if way == "renamed":
        pull.git("mv", "ledger.json", "records.json")
    else:
        pull.path().rename(pull.folder.parent / "elsewhere.json")
    if way == "symlink":
        pull.path().symlink_to(pull.folder.parent / "elsewhere.json")
    if way == "folder":
        pull.path().mkdir()
        pull.path("ledger.json/x").write_text("x")
    pull.commit(way)
    assert set(pull.rules()) == {"invalid"}
    assert pull.check().code == 4


def test_a_first_ledger_passes(tmp_path: Path, ledger: Run) -> None:
    """The base has no ledger.json at all."""
    origin = tmp_path / "empty.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", origin)
    bare = Upstream(origin)
    bare.commit_as_other_writer({"README.md": b"x\n"})
    pull = Pull.open(bare, tmp_path / "pull", ledger)
    pull.path().write_bytes(ledger_bytes())
    pull.commit("start the ledger")
    pull.publish("new:v1", "n")
    assert pull.rules() == []


# ---- places: folders, remotes, revisions


def test_it_works_in_a_worktree_on_remotes_and_not_in_a_subfolder(
    upstream: Upstream, pull: Pull, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull.publish("new:v1", "n")
    pull.git("push", "--quiet", "origin", "pr")
    pull.git("worktree", "add", "--quiet", "--detach", tmp_path / "tree", "HEAD")
    passed = "ok: 5 records, 1 commit\n"
    assert pull.run("check", "--base", "origin/main", "--repo", tmp_path / "tree").err == passed
    for place in (upstream.url, upstream.path):
        assert pull.run("check", "--base", "main", "--branch", "pr", "--repo", place).err == passed
    monkeypatch.chdir(pull.folder)
    assert pull.run("check", "--base", "origin/main").err == passed
    (pull.folder / "docs").mkdir()
    monkeypatch.chdir(pull.folder / "docs")
    assert pull.run("check", "--base", "origin/main").err == passed


def test_before_the_first_commit_the_file_alone_is_checked(tmp_path: Path, ledger: Run) -> None:
    folder = tmp_path / "new"
    git("init", "--quiet", folder)
    (folder / "ledger.json").write_bytes(ledger_bytes(*BASE))
    assert ledger("check", "--repo", folder).err == "ok: 4 records\n"
    assert ledger("check", "--repo", folder, "--base", "HEAD").code == 2


def test_an_empty_file_is_not_a_valid_ledger(tmp_path: Path, ledger: Run) -> None:
    (tmp_path / "ledger.json").write_bytes(b"")
    done = ledger("check", "--repo", tmp_path)
    assert (done.code, done.out) == (4, "ledger.json:1:1: json: the file is empty\n")


def test_a_ledger_emptied_by_a_commit_is_found_now_and_in_that_commit(pull: Pull) -> None:
    (pull.folder / "ledger.json").write_bytes(b"")
    pull.git("commit", "--quiet", "--all", "--message", "empty it")
    done = pull.check()
    assert done.code == 4
    assert "ledger.json:1:1: json: the file is empty" in done.out
    assert "its ledger is not valid" in done.out


def test_settings_that_are_too_large_are_a_finding_on_their_own_file(pull: Pull) -> None:
    (pull.folder / "ledger.yaml").write_text("#" * 70_000)
    pull.git("add", "ledger.yaml")
    pull.git("commit", "--quiet", "--message", "many remarks")
    for done in (pull.check(), pull.run("check", "--repo", pull.folder)):
        assert (done.code, done.out) == (1, "ledger.yaml:1:1: settings: the file is larger than 64 KiB\n")


@pytest.mark.parametrize("base", ["nope", "--all", "HEAD:ledger.json", "a\nb", "0" * 40, "@{upstream}"])
def test_a_base_that_is_not_a_revision_is_a_usage_error(pull: Pull, base: str) -> None:
    done = pull.run("check", f"--base={base}", "--repo", pull.folder)
    assert (done.code, done.out) == (2, "")
    assert "revision" in done.err


def test_a_shallow_clone_says_how_to_get_the_rest(upstream: Upstream, pull: Pull, tmp_path: Path) -> None:
    pull.publish("new:v1", "1")
    pull.publish("new:v2", "2")
    pull.git("push", "--quiet", "origin", "pr")
    for depth, code in ((2, 2), (3, 0)):
        folder = tmp_path / str(depth)
        git("clone", "--quiet", f"--depth={depth}", "--no-single-branch", "--branch=pr", upstream.url, folder)
        done = pull.run("check", "--base", "origin/main", "--repo", folder)
        assert done.code == code
        assert ("fetch-depth: 0" in done.err) == (code == 2)


# ---- formats


def test_annotations_are_orders_to_the_host_and_nothing_else_is(pull: Pull) -> None:
    """The message of a commit may say anything; `##[…]` is an order wherever it stands in a line."""
    pull.edit(digest("o"), digest("evil"))
    odd = "100%, a:b ::error::x ##[add-mask]y ##vso[task.complete]z"
    pull.commit(f"publish\n\nImage: {odd}:v1\nDigest: \x1b[31m{digest()}")
    done = pull.check("--format", "github")
    assert done.code == 1
    other, *ours = done.out.splitlines()
    assert other.startswith("::error file=ledger.json,line=")
    assert r"::error::x #\x23[add-mask]y #\x23vso[task.complete]z:v1" in other
    assert "100%25, a:b" in other
    where = f"::error file=ledger.json,line={pull.line_of('v2', 'digest')},col=7,title=ledger "
    assert [line.startswith(where) for line in ours] == [True, True]  # unexplained, immutable
    assert not {"##", "\x1b"} & {done.out[at : at + size] for at in range(len(done.out)) for size in (1, 2)}


def test_gitlab_gets_a_fingerprint_for_each_finding(pull: Pull) -> None:
    pull.edit(f'"digest": "{digest("arm")}"', '"digest": "bad"')
    pull.edit(f'"digest": "{digest("o")}"', '"digest": "bad"')
    found = pull.check("--format", "gitlab").json
    assert [one["location"]["lines"]["begin"] for one in found] == [
        number for number, line in enumerate(pull.text().splitlines(), 1) if '"bad"' in line
    ]
    assert len({one["fingerprint"] for one in found}) == len(found) == 2
    for one in found:
        assert set(one) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert one["location"]["path"] == "ledger.json"


def test_junit_has_a_case_for_each_finding(pull: Pull) -> None:
    suite = ET.fromstring(pull.check("--format", "junit").out)
    assert (suite.get("tests"), suite.get("failures"), len(suite)) == ("1", "0", 1)
    pull.edit(digest("o"), digest("evil"))
    pull.commit("<&\"'>")
    suite = ET.fromstring(pull.check("--format", "junit").out)
    assert (suite.get("tests"), suite.get("failures"), len(suite.findall("testcase/failure"))) == ("2", "2", 2)


def test_yanked_records_are_warned_about(pull: Pull) -> None:
    yanked = record("yanked", "v1", yanked={"at": "2026-01-01T00:00:00Z", "reason": "crashes"})
    pull.path().write_bytes(ledger_bytes(*BASE, yanked))
    done = pull.run("check", "--repo", pull.folder)
    assert (done.code, done.err) == (0, "warning: yanked:v1 is yanked: crashes\nok: 5 records\n")


# ---- with registries


def test_digests_that_no_registry_has_are_found(world: World, tmp_path: Path) -> None:
    world.pushed("v1")
    pull = Pull.open(world.upstream, tmp_path / "pull", world.run)
    layout = world.push("v2", "multi", (AMD, ARM))
    pull.ledger("publish", f"{world.image}:v2", "--source", SOURCE)
    pull.publish(f"{world.image}:v3", "never pushed")
    assert pull.rules() == []
    assert [one["rule"] for one in pull.findings("--registry")] == ["registry"]
    (found,) = pull.findings("--registry")
    assert found["line"] == pull.line_of('"v3"') - 1
    world.registry.delete_manifest(world.image, layout.digest)
    assert pull.rules("--registry") == ["registry", "registry"]  # the index, too


def test_a_registry_that_does_not_answer_exits_with_5_and_is_not_a_finding(world: World, tmp_path: Path) -> None:
    world.upstream.commit_as_other_writer({"ledger.yaml": b"registries: [{host: 'http://127.0.0.1:9'}]\n"})
    pull = Pull.open(world.upstream, tmp_path / "pull", world.run)
    pull.publish("new:v1", "n")
    done = pull.check("--registry")
    assert (done.code, done.out) == (5, "")
    assert "warning: not checked: new:v1: " in done.err
    pull.edit(digest("n"), digest("evil"))
    assert pull.check("--registry").code == 1


def test_a_pull_request_does_not_say_where_credentials_go(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LEDGER_REGISTRY_PASSWORD goes to the registries of the base, and to no other."""
    monkeypatch.setitem(os.environ, "LEDGER_REGISTRY_USERNAME", "ci")
    monkeypatch.setitem(os.environ, "LEDGER_REGISTRY_PASSWORD", "secret-password")
    world.upstream.commit_as_other_writer({"ledger.yaml": b"tags: {mutable: [latest]}\n"})
    pull = Pull.open(world.upstream, tmp_path / "pull", world.run)
    pull.path("ledger.yaml").write_text("registries: [{host: 'http://127.0.0.1:9'}]\n")
    pull.commit("our registry")
    pull.publish("new:v1", "n")
    done = pull.check("--registry")
    assert (done.code, done.out) == (0, "")
    assert "note: 1 digest belongs to an image that no configured registry serves" in done.err


def test_without_a_registry_there_is_nothing_to_ask(pull: Pull) -> None:
    done = pull.run("check", "--registry", "--repo", pull.folder)
    assert done.code == 2
    assert "names no registry" in done.err


# ---- files without git, and files that are links


def test_a_folder_without_git_is_checked_as_it_is(tmp_path: Path, ledger: Run) -> None:
    (tmp_path / "ledger.json").write_bytes(ledger_bytes(*BASE))
    done = ledger("check", "--repo", tmp_path)
    assert (done.code, done.err) == (0, "ok: 4 records\n")
    assert ledger("check", "--repo", tmp_path, "--base", "main").code == 2


@pytest.mark.parametrize("name", ["ledger.json", "ledger.yaml"])
def test_a_link_in_the_place_of_a_file_is_not_followed(name: str, pull: Pull, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top secret\n")
    (pull.folder / name).unlink()
    (pull.folder / name).symlink_to(secret)
    for words in (("check",), ("list",), ("check", "--base", "origin/main")):
        done = pull.run(*words, "--repo", pull.folder)
        assert done.code in (1, 4 if name == "ledger.json" else 2)
        assert "not a plain file" in done.out + done.err
        assert "secret" not in done.out + done.err

"""`check --base` judges a range as one change, too: two commits may not do what one may not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_tool.core.ledger.record import to_json
from tests.support.git.pull import Pull
from tests.support.git.upstream import Upstream, git
from tests.support.registries.world import World
from tests.support.values.clock import clock_says
from tests.support.values.make import SOURCE, WHEN, but, digest, ledger_bytes, record, source
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]
AMD, ARM = "linux/amd64", "linux/arm64"
INDEX = ("--index", digest("i"))
FORCE = ("--force", "--reason", "rebuilt")
BASE = (
    record("app", "v1", platform=AMD, index=digest("i")),
    record("app", "v1", platform=ARM, index=digest("i"), digest=digest("arm")),
    record("forced", "v1", digest=digest("f"), forced={"replaces": digest("e"), "reason": "CVE"}),
    record("other", "v1", digest=digest("o")),
    record("pr", "pr-7", digest=digest("p"), publishedAt="2025-01-01T00:00:00Z", ttl="1d"),
    record("yanked", "v1", digest=digest("y"), yanked={"at": "2026-11-25T00:00:00Z", "reason": "crashes"}),
)
SETTINGS = "tags:\n  mutable: [latest]\n"


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream.create(tmp_path / "ledger.git", ledger_bytes(*BASE), SETTINGS)


@pytest.fixture
def pull(upstream: Upstream, tmp_path: Path, ledger: Run) -> Pull:
    return Pull.open(upstream, tmp_path / "pull", ledger)


def settings(pull: Pull, text: str) -> None:
    pull.path("ledger.yaml").write_text(text)
    pull.commit("settings")


# ---- what two commits do, and one may not


def test_a_tag_does_not_move_by_way_of_settings_that_are_put_back(pull: Pull) -> None:
    """The settings themselves may change, and change back."""
    settings(pull, "tags:\n  mutable: ['*']\nrequire: [labels.team]\n")
    settings(pull, "tags:\n  mutable: ['*']\n")
    pull.ledger("remove", "other:v1", "--reason", "tidying up")
    assert pull.rules() == []
    pull.publish("other:v1", "evil")
    settings(pull, SETTINGS)
    (found,) = pull.findings()
    assert (found["rule"], found["line"]) == ("immutable", pull.line_of('"other"', "digest"))
    assert found["message"].startswith("all commits together: other:v1 was ")


def test_facts_do_not_change_by_way_of_a_removal(pull: Pull) -> None:
    pull.path().write_bytes(ledger_bytes(*BASE[:2]))
    gone = "".join(f"Image: {one.name}\nDigest: {one.digest}\n" for one in BASE[2:])
    pull.commit(f"remove 4 images\n\n{gone}Reason: tidying up\n")
    assert pull.rules() == []
    back = [
        but(BASE[2], forced=None),
        but(BASE[3], sourceRef=source("elsewhere")),
        but(BASE[4], ttl=None, publishedAt="2020-01-01T00:00:00Z"),
        but(BASE[5], yanked=None),
    ]
    pull.path().write_bytes(ledger_bytes(*BASE[:2], *back))
    came = "".join(f"Image: {one.name}\nDigest: {one.digest}\nSource-Ref: {one.source_ref}\n" for one in back)
    pull.commit(f"publish 4 images\n\n{came}")
    found = pull.findings()
    assert [one["rule"] for one in found] == ["forced", "facts", "facts"]  # pr-7 had expired: it may come back so
    assert "sourceRef of other:v1 changed" in found[1]["message"]
    assert "the `yanked` mark of yanked:v1 went" in found[2]["message"]


def test_what_the_base_requires_is_asked_of_a_range_that_takes_the_requirement_away(
    upstream: Upstream, pull: Pull
) -> None:
    required = "require: [labels.team]\n"
    upstream.commit_as_other_writer({"ledger.yaml": required.encode()})
    pull.git("pull", "--quiet", "--rebase", "origin", "main")
    settings(pull, SETTINGS)
    pull.publish("new:v1", "n")
    settings(pull, required)
    assert pull.rules() == ["required"]


# ---- what stays open


def test_forced_moves_a_yank_that_is_undone_and_a_prune_before_a_publish_stay_open(pull: Pull) -> None:
    """So do a sourceRef that is corrected by force, and whatever is back as it was."""
    pull.publish("other:v1", "2", *FORCE)
    pull.publish("other:v1", "o", "--force", "--reason", "back", source=source("other"))
    pull.ledger("yank", "yanked:v1", "--undo", "--reason", "does not")
    pull.ledger("prune", "--yes", "--last")
    pull.publish("pr:pr-7", "other")
    pull.publish("forced:v1", "f", "--force", "--reason", "built there", source=source("corrected"))
    corrected = record("forced", "v1", digest=digest("f"), sourceRef=source("corrected"))
    assert [one for one in json.loads(pull.text())["records"] if one["image"] == "forced"] == [
        to_json(but(corrected, forced={"replaces": digest("f"), "reason": "built there"}))
    ]
    with clock_says(WHEN):
        pull.ledger("set", "app", "--label", "a=b", "--ttl", "1m")
    pull.ledger("set", "app", "--unlabel", "a", "--ttl", "none")
    assert pull.rules() == []


def test_a_merge_in_the_range_changes_nothing_of_that(upstream: Upstream, pull: Pull) -> None:
    pull.ledger("remove", "other:v1", "--reason", "tidying up")
    upstream.commit_as_other_writer({"README.md": b"# Moved on\n"})
    pull.git("fetch", "--quiet")
    pull.git("merge", "--quiet", "--no-edit", "origin/main")
    assert pull.rules() == []
    pull.publish("other:v1", "evil")
    assert pull.rules() == ["immutable"]


@pytest.mark.parametrize(("first", "is_fault"), [("yank", True), ("promotion", False)])
def test_a_merge_that_brings_a_promotion_and_a_yank_together_is_for_audit_what_it_is_for_check(
    ledger: Run, pull: Pull, first: str, is_fault: bool
) -> None:
    """By git, without our merge driver. What the branch had yanked, an environment cannot get by a merge."""
    settings(pull, "environments:\n  dev: {}\n")
    for number in (1, 2, 3):
        pull.publish(f"other:w{number}", number)
    pull.git("tag", "fork")
    pull.git("checkout", "--quiet", "-b", "yank")
    pull.ledger("yank", "other:w3", "--reason", "crashes")
    pull.git("checkout", "--quiet", "-b", "promotion", "fork")
    pull.ledger("promote", "other:w3", "--to", "dev")
    pull.git("checkout", "--quiet", first)
    pull.git("merge", "--quiet", "--no-ff", "-m", "merge", "yank" if first == "promotion" else "promotion")
    for base in ("fork", pull.git("rev-parse", "HEAD^").strip()):
        assert [one["rule"] for one in pull.findings(base=base)] == ["environment"] * is_fault, base
    done = ledger("audit", "--repo", pull.folder, "--format", "json")
    found = [one["rule"] for one in done.json["findings"] if one["rule"] in ("linear", "environment")]
    assert found == ["environment"] * is_fault


# ---- the pull digest


def test_a_changed_index_of_an_immutable_tag_is_found_unless_a_mark_tells_of_it(pull: Pull) -> None:
    pull.edit(digest("i"), digest("evil"))
    assert [one["rule"] for one in pull.findings()] == ["index"]
    block = "\n".join(
        f"Platform: {platform}\nDigest: {image}" for platform, image in ((AMD, digest()), (ARM, digest("arm")))
    )
    told = f"publish app:v1\n\nImage: app:v1\n{block}\nSource-Ref: {SOURCE}\n"
    pull.commit(told)
    (found,) = pull.findings()
    assert (found["rule"], found["line"]) == ("index", pull.line_of('"app"', "index"))
    assert digest("i") in found["message"]
    assert digest("evil") in found["message"]


def test_a_changed_index_of_a_mutable_tag_is_none_of_it(upstream: Upstream, pull: Pull) -> None:
    upstream.commit_as_other_writer({"ledger.yaml": b"tags: {mutable: [v1]}\n"})
    pull.git("pull", "--quiet", "--rebase", "origin", "main")
    pull.edit(digest("i"), digest("evil"))
    assert pull.rules() == []


def test_a_registry_proves_that_an_index_grew(world: World, tmp_path: Path) -> None:
    """The new index leads to each image that was recorded, which is there, by the very digest that was recorded."""
    first = world.push("v1", "app", (AMD,))
    world.publish("v1")
    pull = Pull.open(world.upstream, tmp_path / "pull", world.run)
    grown = world.push("v1", "app", (AMD, ARM))
    pull.edit(f'"index": "{first.digest}"', f'"index": "{grown.digest}"')
    assert pull.rules() == ["index"]
    assert pull.rules("--registry") == []
    other = world.push("v1", "another", (AMD, ARM))
    pull.edit(f'"index": "{grown.digest}"', f'"index": "{other.digest}"')
    assert pull.rules("--registry") == ["registry", "index"]  # and clients get another image from it


def test_a_file_with_two_pull_digests_under_one_tag_is_valid_and_a_finding(tmp_path: Path, ledger: Run) -> None:
    """As 0.2.0 could leave it. A range that has nothing to do with it is not blamed for it a second time."""
    split = record("app", "v1", platform=ARM, index=digest("j"), digest=digest("arm"))
    origin = Upstream.create(tmp_path / "old.git", ledger_bytes(BASE[0], split, *BASE[3:4]))
    pull = Pull.open(origin, tmp_path / "clone", ledger)
    done = ledger("check", "--repo", pull.folder)
    assert done.code == 1
    assert done.out.startswith("ledger.json:5:7: index: app:v1 has 2 pull digests, ")
    assert ledger("list", "--repo", pull.folder).code == 0
    pull.publish("new:v1", "n")
    assert pull.rules() == ["index"]


def test_an_image_that_is_its_own_index_is_valid_and_a_finding_and_is_published_again(
    tmp_path: Path, ledger: Run
) -> None:
    """As 0.2.0 could leave it. What labels have under the same names says nothing."""
    own = record("app", "v1", platform=AMD, digest=digest("a"), index=digest("a"))
    named = record("app", "v2", platform=AMD, labels={"digest": digest("b"), "index": digest("b")})
    pull = Pull.open(Upstream.create(tmp_path / "old.git", ledger_bytes(own, named)), tmp_path / "clone", ledger)
    done = ledger("check", "--repo", pull.folder)
    assert (done.code, len(done.out.splitlines())) == (1, 1)
    assert done.out.startswith("ledger.json:5:7: index: app:v1 (linux/amd64) has one digest for the image and for its ")
    pull.publish("app:v1", "a", "--platform", AMD)
    assert pull.rules() == []


def test_a_range_that_leaves_two_pull_digests_is_found(pull: Pull) -> None:
    pull.edit(f'"digest": "{digest("arm")}",\n      "index": "{digest("i")}"',
              f'"digest": "{digest("arm")}",\n      "index": "{digest("j")}"')  # fmt: skip
    assert pull.rules() == ["index"]


# ---- dates


def dated(pull: Pull, seconds: int) -> None:
    """Commit some seconds after the last commit."""
    last = int(pull.git("log", "-1", "--format=%ct"))
    tree = pull.git("rev-parse", "HEAD^{tree}")
    who = "Ada <ada@example.com>"
    raw = (
        f"tree {tree}\nparent {pull.git('rev-parse', 'HEAD')}\nauthor {who} {last} +0000\n"
        f"committer {who} {last + seconds} +0000\n\nby hand\n"
    )
    commit = git("-C", pull.folder, "hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode())
    pull.git("reset", "--quiet", "--hard", commit)


def test_a_commit_that_is_dated_well_before_its_parent_or_after_now_is_found(pull: Pull) -> None:
    dated(pull, -600)
    dated(pull, -601)
    (back,) = pull.findings()
    assert (back["rule"], back["line"]) == ("date", 1)
    dated(pull, 7200)
    assert pull.rules() == ["date", "date"]


def test_a_record_that_is_dated_ahead_of_its_commit_is_found(pull: Pull) -> None:
    new = record("new", "v1", digest=digest("n"), publishedAt="2999-01-01T00:00:00Z")
    pull.path().write_bytes(ledger_bytes(*BASE, new))
    pull.commit(f"publish new:v1\n\nImage: new:v1\nDigest: {new.digest}\nSource-Ref: {SOURCE}\n")
    assert pull.rules() == ["date", "date"]  # of the commit, and of the file
    assert "ahead of this machine's clock" in pull.run("check", "--repo", pull.folder).out


def test_a_ttl_that_would_let_a_record_expire_at_once_is_found(pull: Pull) -> None:
    with clock_says(WHEN):
        pull.ledger("set", "other", "--ttl", "1m")
    (found,) = pull.findings()
    assert (found["rule"], found["line"]) == ("ttl", pull.line_of('"other"', "sourceRef"))
    pull.ledger("set", "other", "--ttl", "9999w")
    assert pull.rules() == []


# ---- other files


def test_other_files_are_named_and_are_no_findings(pull: Pull) -> None:
    (pull.folder / ".github" / "workflows").mkdir(parents=True)
    pull.path(".github/workflows/x.yml").write_text("on: push\n")
    pull.path("README.md").unlink()
    pull.path("link").symlink_to("/etc/passwd")
    pull.path("ledger.json").chmod(0o755)
    pull.commit("other files")
    done = pull.check("--format", "json")
    assert (done.code, done.json["findings"]) == (0, [])
    assert done.json["files"] == [
        {"path": ".github/workflows/x.yml", "change": "added", "note": None},
        {"path": "README.md", "change": "removed", "note": None},
        {"path": "ledger.json", "change": "changed", "note": "a file before, an executable file now"},
        {"path": "link", "change": "added", "note": "a symbolic link"},
    ]
    assert "note: another file changes: link (added, a symbolic link)\n" in done.err
    reviewed = pull.diff("--format", "json").json
    check_schema("diff-v1", reviewed)
    assert reviewed["files"] == done.json["files"]


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("ledger.json -diff merge=ours\n", ["diff", "merge"]),
        ("[attr]quiet -diff\n\"led\\147er.json\" quiet\n", ["diff"]),
        ("/ledger.yaml linguist-generated\nledger.* filter=x\n", ["filter", "filter", "linguist-generated"]),
        ("ledger.json text eol=lf merge=ledger\nledger.yaml text eol=lf\n", []),
        ("*.md -diff\nledger.json export-ignore\nsub/ledger.json -diff\n*.yaml binary\n", ["diff", "merge", "text"]),
    ],
)  # fmt: skip
def test_attributes_that_hide_the_ledger_are_found(pull: Pull, text: str, attributes: list[str]) -> None:
    pull.git("config", "merge.ledger.driver", "true")
    (pull.folder / ".git" / "info").mkdir(exist_ok=True)
    (pull.folder / ".git" / "info" / "attributes").write_text("ledger.json merge=ledger diff\n")
    pull.path(".gitattributes").write_text(text)
    pull.commit("attributes")
    found = pull.findings()
    assert {(one["rule"], one["path"]) for one in found} <= {("files", ".gitattributes")}
    assert sorted(one["message"].split("`")[1] for one in found) == attributes


def test_a_file_that_is_taken_for_the_ledger_is_found(pull: Pull) -> None:
    pull.path("LEDGER.json").write_bytes(ledger_bytes())
    pull.commit("shout")
    assert [(one["rule"], one["path"]) for one in pull.findings()] == [("files", "LEDGER.json")]


# ---- shallow clones


def test_a_shallow_clone_that_lacks_the_last_valid_ledger_is_refused(
    upstream: Upstream, tmp_path: Path, ledger: Run
) -> None:
    """Otherwise whatever the range did would be compared with nothing."""
    upstream.commit_as_other_writer({"ledger.json": b"{}\n"}, "break it")
    folder = tmp_path / "shallow"
    git("clone", "--quiet", "--depth=1", upstream.url, folder)
    pull = Pull(folder, ledger)
    pull.path().write_bytes(ledger_bytes(record("other", "v1", digest=digest("evil"))))
    pull.commit("mend it")
    done = pull.check()
    assert done.code == 2
    assert "fetch-depth: 0" in done.err

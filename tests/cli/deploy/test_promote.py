"""`promote`: what an environment has, in one commit, from wherever it is taken, and back again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.git.checker import check_history
from tests.support.git.clone import Clone
from tests.support.git.processes import together
from tests.support.git.upstream import Upstream, git
from tests.support.values.clock import clock_says
from tests.support.values.make import SOURCE, WHEN, digest, fields
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]
SETTINGS = "environments:\n  staging: {}\n  prod: {from: staging}\n"


@pytest.fixture
def team(ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """Return a ledger of two versions of two images, and two environments."""
    upstream = Upstream.create(tmp_path / "team.git", settings=SETTINGS)
    monkeypatch.setenv("LEDGER_REPO", upstream.url)
    records = [
        fields(f"myorg/{image}", tag, platform="linux/amd64", digest=digest((image, tag)), publishedAt=at)
        for image in ("app", "web")
        for tag, at in (("v1", "2026-11-24T00:00:00Z"), ("v2", "2026-11-25T00:00:00Z"))
    ]
    (tmp_path / "records").write_text(json.dumps(records))
    assert ledger("publish", "--from", tmp_path / "records").code == 0
    return upstream


def has(upstream: Upstream, environment: str, revision: str = "main") -> dict[str, str]:
    records = upstream.records(revision)
    return {one["image"].removeprefix("myorg/"): one["version"] for one in records if one["tag"] == environment}


def promote(ledger: Run, *words: object) -> Outcome:
    done = ledger("promote", *words)
    assert done.code == 0, done.err
    return done


@pytest.mark.parametrize("rule", ["", 'provenance: [{images: ["myorg/*"], signer: {key: release.pub}}]\n'])
def test_a_version_without_the_provenance_that_new_ones_need_is_promoted_with_a_note(
    ledger: Run, team: Upstream, rule: str
) -> None:
    """It was recorded before that was required, and an environment has to be able to go back to it."""
    team.commit_as_other_writer({"ledger.yaml": f"{SETTINGS}{rule}require: [provenance]\n".encode()})
    done = promote(ledger, "myorg/app:v1", "--to", "staging")
    assert done.err.startswith("note: myorg/app:v1 lacks the provenance that ledger.yaml requires of new versions\n")
    assert "note:" not in promote(ledger, "myorg/app:v1", "--to", "staging").err


def test_versions_go_from_one_environment_to_the_next(ledger: Run, team: Upstream) -> None:
    done = promote(ledger, "myorg/app:v1", "myorg/web:v2", "--to", "staging")
    assert done.err.endswith(f"promoted 2 images to staging in {team.tip()[:12]}\n")
    assert has(team, "staging") == {"app": "v1", "web": "v2"}
    done = promote(ledger, "--from", "staging", "--all", "--to", "prod", "--format", "text")
    assert [line.split() for line in done.out.splitlines()[:3]] == [
        ["IMAGE", "ENVIRONMENT", "FROM", "TO"],
        ["myorg/app", "prod", "-", "v1"],
        ["myorg/web", "prod", "-", "v2"],
    ]
    assert ledger("get", "myorg/app:prod", "--format", "digest").out.strip() == digest(("app", "v1"))
    again = promote(ledger, "--from", "staging", "myorg/app", "--to", "prod")
    assert again.err == "nothing to do: prod already has myorg/app:v1\n"
    assert ledger("check", "--base", "main~2", "--repo", team.url).code == 0
    assert ledger("audit").code == 0
    check_history(team.path)


def test_the_commit_says_from_what_to_what_and_why(ledger: Run, team: Upstream) -> None:
    promote(ledger, "myorg/app:v1", "--to", "prod", "--reason", "first release")
    promote(ledger, "myorg/app:v2", "--to", "prod", "--reason", "hot fix")
    assert team.message().startswith("promote myorg/app:v2 to prod\n")
    told = dict(team.trailers())
    assert (told["Image"], told["Version"], told["Replaces-Version"]) == ("myorg/app:prod", "v2", "v1")
    assert told["Reason"] == "hot fix"
    entry = ledger("log", "myorg/app:prod", "--format", "json").json["entries"][0]
    assert (entry["action"], entry["reason"]) == ("promote", "hot fix")
    assert (entry["version"], entry["replacesVersion"]) == ("v2", "v1")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["myorg/app:v1", "--to", "prod"], 3, "prod takes what staging has, and staging has no myorg/app"),
        (["myorg/app:v1", "--to", "test"], 2, "ledger.yaml declares no environment `test`"),
        (["myorg/app:v9", "--to", "staging"], 3, "the ledger has no record of myorg/app:v9"),
        (["--to", "staging"], 2, "nothing is named to be promoted"),
        (["--all", "--to", "staging"], 2, "`--all` needs `--from`"),
        (["--from", "staging", "--to", "prod"], 2, "`--from` is given with neither images nor `--all`"),
        (["--from", "staging", "--all", "myorg/*", "--to", "prod"], 2, "with images and `--all`"),
        (["--from", "prod", "--all", "--to", "prod"], 2, "`--from` and `--to` are both prod"),
        (["--back", "--to", "prod", "--reason", "x"], 2, "nothing is named to be promoted"),
        (["--back", "myorg/app", "--to", "prod"], 2, "going back needs a `--reason`"),
        (["--at", "1h", "--back", "myorg/app", "--to", "prod", "--reason", "x"], 2, "`--back` and `--at` cannot be"),
        (["--back", "myorg/app", "--to", "prod", "--reason", "x"], 3, "the ledger has no record of myorg/app in prod"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    ledger: Run, team: Upstream, words: list[str], code: int, told: str
) -> None:
    before = team.tip()
    done = ledger("promote", *words)
    assert done.code == code
    assert told in done.err
    assert team.tip() == before


def test_back_is_what_it_had_before_and_whoever_squashed_the_commits(ledger: Run, team: Upstream) -> None:
    promote(ledger, "myorg/app:v1", "--to", "staging")
    promote(ledger, "myorg/web:v1", "--to", "staging")
    promote(ledger, "myorg/app:v2", "myorg/web:v2", "--to", "staging")
    done = promote(ledger, "--back", "myorg/app", "--to", "staging", "--reason", "v2 crashes")
    assert done.err.endswith(f"promoted myorg/app:v1 to staging in {team.tip()[:12]}\n")
    assert has(team, "staging") == {"app": "v1", "web": "v2"}
    never = ledger("promote", "--back", "myorg/*", "--to", "prod", "--reason", "x")
    assert (never.code, "myorg/* in prod" in never.err) == (3, True)
    first = team.commit_as_other_writer({"ledger.json": team.content("main~2")}, "by hand, and silent")
    assert has(team, "staging", first) == {"app": "v1", "web": "v1"}
    promote(ledger, "--back", "myorg/web", "--to", "staging", "--reason", "v1 is worse")
    assert has(team, "staging") == {"app": "v1", "web": "v2"}
    alone = ledger("promote", "--back", "myorg/app", "--to", "staging", "--reason", "x", "--dry-run")
    assert alone.code == 0


def test_what_it_never_had_is_not_made_up(ledger: Run, team: Upstream) -> None:
    promote(ledger, "myorg/app:v1", "--to", "staging")
    before = team.tip()
    done = ledger("promote", "--back", "myorg/app", "--to", "staging", "--reason", "x")
    assert (done.code, team.tip()) == (3, before)
    assert "myorg/app:staging had no other version before v1" in done.err


def test_what_cannot_be_looked_at_is_not_said_to_be_nothing(ledger: Run, team: Upstream) -> None:
    promote(ledger, "myorg/app:v1", "--to", "staging")
    promote(ledger, "myorg/app:v2", "--to", "staging")
    whole = team.content()
    team.commit_as_other_writer({"ledger.json": b"broken"}, "break it")
    team.commit_as_other_writer({"ledger.json": whole}, "put it back")
    before = team.tip()
    done = ledger("promote", "--back", "myorg/app", "--to", "staging", "--reason", "x")
    assert (done.code, team.tip()) == (2, before)
    assert "what myorg/app:staging had before cannot be told" in done.err
    promote(ledger, "--at", "main~3", "--to", "staging", "--reason", "x")
    assert has(team, "staging") == {"app": "v1"}


def test_a_whole_environment_goes_back_to_what_it_was(ledger: Run, team: Upstream) -> None:
    promote(ledger, "myorg/app:v1", "--to", "staging")
    then = team.tip()
    promote(ledger, "myorg/app:v2", "myorg/web:v2", "--to", "staging")
    assert has(team, "staging") == {"app": "v2", "web": "v2"}
    promote(ledger, "--at", then, "--to", "staging", "--reason", "the release of today is bad")
    assert has(team, "staging") == {"app": "v1"}
    assert ledger("audit").code == 0
    assert ledger("check", "--base", then).code == 0
    actions = {one["image"]: one["action"] for one in ledger("log", "--limit", "2", "--format", "json").json["entries"]}
    assert actions == {"myorg/app": "promote", "myorg/web": "removed"}


def test_a_shallow_clone_does_not_tell_what_it_had(ledger: Run, team: Upstream, tmp_path: Path) -> None:
    promote(ledger, "myorg/app:v1", "--to", "staging")
    promote(ledger, "myorg/app:v2", "--to", "staging")
    git("clone", "--quiet", "--depth=1", team.url, tmp_path / "clone")
    for words in (["--back", "myorg/app"], ["--at", "1m"]):
        done = ledger("promote", *words, "--to", "staging", "--reason", "x", "--repo", tmp_path / "clone")
        assert (done.code, "lacks part of the history" in done.err) == (2, True)
        assert "git fetch --unshallow" in done.err


def test_a_clone_that_is_behind_does_not_go_back_from_what_it_does_not_know(
    ledger: Run, team: Upstream, tmp_path: Path
) -> None:
    promote(ledger, "myorg/app:v1", "--to", "staging")
    promote(ledger, "myorg/app:v2", "--to", "staging")
    git("clone", "--quiet", team.url, tmp_path / "clone")
    promote(ledger, "myorg/app:v1", "--to", "staging", "--repo", team.url)
    before = team.tip()
    done = ledger("promote", "--back", "myorg/app", "--to", "staging", "--reason", "x", "--repo", tmp_path / "clone")
    assert (done.code, team.tip()) == (5, before)
    assert "staging got another version of myorg/app meanwhile" in done.err


def test_a_dry_run_writes_nothing(ledger: Run, team: Upstream) -> None:
    before = team.tip()
    done = promote(ledger, "myorg/app:v1", "--to", "staging", "--dry-run", "--format", "text")
    assert "myorg/app  staging      -     v1" in done.out
    assert done.out.endswith("dry run: would have promoted myorg/app:v1 to staging\n")
    assert team.tip() == before


def test_two_promotions_race_and_each_is_whole(team: Upstream, ledger: Run) -> None:
    runs = together(
        [
            ["promote", f"myorg/{image}:{tag}", "--to", "staging", "--repo", team.url]
            for image, tag in (("app", "v1"), ("web", "v2"), ("app", "v2"))
        ]
    )
    assert [run.code for run in runs] == [0, 0, 0], runs
    state = has(team, "staging")
    assert (state["web"], state["app"] in ("v1", "v2")) == ("v2", True)
    assert ledger("audit").code == 0
    check_history(team.path)


def test_a_promotion_request_whose_base_moved(ledger: Run, team: Upstream, tmp_path: Path) -> None:
    promote(ledger, "myorg/app:v1", "--to", "staging")
    git("clone", "--quiet", team.url, tmp_path / "clone")
    git("-C", tmp_path / "clone", "checkout", "--quiet", "-b", "request")
    promote(ledger, "myorg/app:v1", "--to", "prod", "--no-push", "--repo", tmp_path / "clone")
    promote(ledger, "myorg/web:v1", "--to", "staging")
    git("-C", tmp_path / "clone", "fetch", "--quiet")
    assert ledger("rebase", "origin/main", "--repo", tmp_path / "clone").code == 0
    assert ledger("check", "--base", "origin/main", "--repo", tmp_path / "clone").code == 0
    promote(ledger, "myorg/app:v2", "--to", "staging")
    git("-C", tmp_path / "clone", "fetch", "--quiet")
    done = ledger("rebase", "origin/main", "--repo", tmp_path / "clone")
    assert done.code == 3
    assert "prod takes what staging has, and staging has v2 of myorg/app" in done.err


def test_a_prune_keeps_what_an_environment_has(ledger: Run, team: Upstream) -> None:
    promote(ledger, "myorg/app:v1", "--to", "prod", "--reason", "release")
    with clock_says(WHEN):
        assert ledger("set", "*", "--ttl", "1d").code == 0
    done = ledger("prune", "--yes", "--last", "--format", "text")
    assert done.code == 0, done.err
    assert {(one["image"], one["tag"]) for one in team.records()} == {("myorg/app", "v1"), ("myorg/app", "prod")}
    assert ledger("audit").code == 0
    again = ledger("promote", "myorg/app:v1", "--to", "staging")
    assert (again.code, "myorg/app:v1 has expired" in again.err) == (3, True)


def test_a_promotion_and_a_prune_race_and_nothing_is_promoted_that_is_gone(ledger: Run, team: Upstream) -> None:
    with clock_says(WHEN):
        assert ledger("set", "myorg/app", "--ttl", "1d").code == 0
    pruned, promoted = together(
        [
            ["prune", "--yes", "--last", "--repo", team.url],
            ["promote", "myorg/web:v1", "--to", "staging", "--repo", team.url],
        ]
    )
    assert (pruned.code, promoted.code) == (0, 0)
    assert has(team, "staging") == {"web": "v1"}
    assert {one["image"] for one in team.records()} == {"myorg/web"}
    assert ledger("audit").code == 0
    check_history(team.path)


def test_diff_shows_a_line_an_image_with_the_last_reason_for_what_it_has_now(ledger: Run, team: Upstream) -> None:
    promote(ledger, "myorg/app:v1", "myorg/web:v1", "--to", "staging")
    promote(ledger, "--from", "staging", "--all", "--to", "prod")
    base = team.tip()
    promote(ledger, "myorg/app:v2", "--to", "prod", "--reason", "hot fix")
    promote(ledger, "--back", "myorg/app", "--to", "prod", "--reason", "it was none")
    promote(ledger, "myorg/app:v2", "--to", "prod", "--reason", "it is one now")
    promote(ledger, "myorg/web:v2", "--to", "staging")
    promote(ledger, "--from", "staging", "myorg/web", "--to", "prod")

    def told(*revisions: str) -> list[list[Any]]:
        done = ledger("diff", *revisions, "--format", "json")
        check_schema("diff-v1", done.json)
        names = ("kind", "image", "tag", "version", "replacesVersion", "direction", "reason")
        return [[one[name] for name in names] for one in done.json["changes"]]

    assert told(base) == [
        ["promoted", "myorg/app", "prod", "v2", "v1", "upgrade", "it is one now"],
        ["promoted", "myorg/web", "staging", "v2", "v1", "upgrade", None],
        ["promoted", "myorg/web", "prod", "v2", "v1", "upgrade", None],
    ]
    ledger("remove", "myorg/app:prod", "--reason", "retired")
    assert told("HEAD~1")[0] == ["removed", "myorg/app", "prod", None, "v2", "unknown", "retired"]
    assert told(base)[0] == ["removed", "myorg/app", "prod", None, "v1", "unknown", "retired"]
    promote(ledger, "myorg/app:v2", "--to", "staging")
    promote(ledger, "--from", "staging", "myorg/app", "--to", "prod")
    assert ["promoted", "myorg/app", "prod", "v2", None, "unknown", None] in told("HEAD~2")
    assert told(f"{base}..HEAD")[0][-1] is None  # what staging has needs no reason, whoever gave one before


@pytest.fixture
def clone(team: Upstream, tmp_path: Path) -> Path:
    """Return a clone with the merge driver, on a branch of its own."""
    folder = tmp_path / "clone"
    git("clone", "--quiet", team.url, folder)
    git("-C", folder, "checkout", "--quiet", "-b", "request")
    return folder


def test_two_promotions_of_one_image_collide_and_the_message_names_the_versions(
    ledger: Run, team: Upstream, clone: Path
) -> None:
    assert ledger("merge-driver", "--install", "--repo", clone).code == 0
    promote(ledger, "myorg/app:v1", "--to", "staging", "--no-push", "--repo", clone)
    promote(ledger, "myorg/app:v2", "--to", "staging")
    git("-C", clone, "fetch", "--quiet")
    done = ledger("rebase", "origin/main", "--repo", clone)
    assert done.code == 3
    assert "collides with changes in the base: myorg/app:staging (base v2, commit v1); nothing was changed" in done.err
    assert f"base v2 linux/amd64   {digest(('app', 'v2'))}\n" in done.err
    assert f"commit v1 linux/amd64 {digest(('app', 'v1'))}\n" in done.err
    assert "again on the base with `ledger promote`" in done.err
    merged = Clone(clone, ledger).try_git("merge", "origin/main").stderr
    assert "conflict: myorg/app:staging (ours v1, theirs v2) is another on each side" in merged
    assert ledger("check", "--repo", clone).code == 4


def test_a_promotion_collides_with_what_takes_its_version_away(ledger: Run, team: Upstream, clone: Path) -> None:
    promote(ledger, "myorg/app:v1", "--to", "staging", "--no-push", "--repo", clone)
    assert ledger("yank", "myorg/app:v1", "--reason", "bad").code == 0
    git("-C", clone, "fetch", "--quiet")
    done = ledger("rebase", "origin/main", "--repo", clone)
    assert done.code == 3
    assert "myorg/app:staging (v1, which one side promotes, and the other takes away)" in done.err


def test_promotions_of_other_images_and_versions_merge(ledger: Run, team: Upstream, clone: Path) -> None:
    assert ledger("merge-driver", "--install", "--repo", clone).code == 0
    promote(ledger, "myorg/app:v1", "--to", "staging", "--no-push", "--repo", clone)
    promote(ledger, "myorg/web:v2", "--to", "staging")
    assert ledger("publish", f"myorg/app:v3@{digest('3')}", "--source", SOURCE, "--offline").code == 0
    assert ledger("yank", "myorg/app:v2", "--reason", "bad").code == 0
    git("-C", clone, "fetch", "--quiet")
    git("-C", clone, "branch", "merged")
    assert ledger("rebase", "origin/main", "--repo", clone).code == 0
    assert ledger("check", "--base", "origin/main", "--repo", clone).code == 0
    git("-C", clone, "checkout", "--quiet", "merged")
    git("-C", clone, "merge", "--quiet", "--message", "merge", "origin/main")
    assert ledger("check", "--base", "origin/main", "--repo", clone).code == 0


def test_whoever_takes_a_version_away_is_told_which_environments_have_it(ledger: Run, team: Upstream) -> None:
    promote(ledger, "myorg/app:v1", "myorg/web:v1", "--to", "staging")
    promote(ledger, "--from", "staging", "--all", "--to", "prod")
    done = ledger("yank", "myorg/app:v1", "--reason", "it eats data")
    note = "note: prod, staging have myorg/app:v1, which is yanked now: promote another\n"
    assert (done.code, done.err.startswith(note)) == (0, True), done.err
    got = ledger("get", "myorg/app:prod")
    assert (got.code, got.err) == (0, "warning: myorg/app:prod has v1, which is yanked: it eats data\n")
    done = ledger("remove", "myorg/web:v1", "--reason", "never mind")
    assert (done.code, done.err.partition("\n")[0]) == (
        0,
        "note: prod, staging have myorg/web:v1, which stays there, and without its record cannot be promoted again",
    )
    for name in ("myorg/web:prod", "myorg/web:v2"):
        assert "note:" not in ledger("remove", name, "--reason", "never mind").err
    checked = ledger("check")
    assert checked.code == 0
    assert checked.err.splitlines()[1:-1] == [
        "warning: myorg/app:prod has v1, which is yanked: it eats data",
        "warning: myorg/app:staging has v1, which is yanked: it eats data",
        "warning: myorg/web:staging has v1, which is no longer recorded",
    ]
    outlived = ledger("check", "--format", "json")
    check_schema("check-v1", outlived.json)
    assert (outlived.json["ok"], [(one["environment"], one["way"]) for one in outlived.json["outlived"]]) == (
        True, [("prod", "yanked"), ("staging", "yanked"), ("staging", "removed")]
    )  # fmt: skip
    assert outlived.json["outlived"][2] == {
        "image": "myorg/web", "environment": "staging", "version": "v1", "way": "removed",
        "message": "myorg/web:staging has v1, which is no longer recorded",
    }  # fmt: skip
    assert "note:" not in ledger("yank", "myorg/app:v1", "--undo", "--reason", "it does not").err


def test_whence_finds_a_digest_as_the_version_of_an_environment(ledger: Run, team: Upstream) -> None:
    promote(ledger, "myorg/app:v1", "--to", "staging")
    promote(ledger, "myorg/app:v2", "--to", "staging")
    found = ledger("whence", digest(("app", "v1")), "--format", "text").out
    assert "\nis myorg/app:v1 (linux/amd64)\n" in found
    assert "\nwas myorg/app:staging as v1 (linux/amd64)\n" in found
    matches = ledger("whence", digest(("app", "v2"))).json["matches"]
    check_schema("whence-v1", ledger("whence", digest(("app", "v2"))).json)
    assert {(one["as"], one["record"]["tag"], one["record"].get("version"), one["action"]) for one in matches} == {
        ("image", "staging", "v2", "promote"),
        ("image", "v2", None, "publish"),
    }

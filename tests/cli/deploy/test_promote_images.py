"""What an environment has is every image of its version: seen from the command line, as a person meets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.copied import copied
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
SETTINGS = "environments:\n  staging: {}\n  prod: {from: staging}\ntags: {mutable: [main]}\n"
AMD, ARM, EVIL = "linux/amd64", "linux/arm64", digest("evil")


@pytest.fixture
def team(ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """Return a ledger in which staging has `main`, an index of two images; so is `m1`, and `v2` is another one."""
    upstream = Upstream(tmp_path / "team.git")
    monkeypatch.setenv("LEDGER_REPO", upstream.url)

    def make() -> None:
        Upstream.create(upstream.path, settings=SETTINGS)
        for tag in ("main", "m1", "v2"):
            for platform in (AMD, ARM):
                published(ledger, tag, platform, digest((tag, platform)))
        promoted(ledger, "myorg/app:main", "--to", "staging")

    copied("main in staging", upstream.path, make)
    return upstream


def published(ledger: Run, tag: str, platform: str, image: str) -> None:
    words = ("--platform", platform, "--index", digest(f"index {tag}"), "--source", SOURCE, "--offline")
    done = ledger("publish", f"myorg/app:{tag}@{image}", *words)
    assert done.code == 0, done.err


def promoted(ledger: Run, *words: object) -> Outcome:
    done = ledger("promote", *words, "--format", "text")
    assert done.code == 0, done.err
    return done


def step(done: Outcome) -> list[str]:
    return done.out.splitlines()[1].split()


def test_an_image_that_was_not_tested_does_not_go_along_below_the_same_pull_digest(ledger: Run, team: Upstream) -> None:
    published(ledger, "main", ARM, EVIL)
    for words in (["--from", "staging", "--all"], ["myorg/app:main"], ["myorg/app:staging"]):
        done = ledger("promote", *words, "--to", "prod")
        assert (done.code, done.out) == (3, "")
    assert "myorg/app:main had other images when it was promoted before than it has now: they differ for" in done.err
    assert "warning: myorg/app:staging has main, which has other images now" in ledger("check").err
    assert "which has other images now" in ledger("get", "myorg/app:staging").err
    promoted(ledger, "myorg/app:main", "--to", "prod", "--reason", "hot fix")
    compared = ledger("compare", "staging", "prod", "--format", "text")
    assert compared.code == 1
    assert "main has other images in staging than in prod: they differ for linux/arm64" in compared.out


@pytest.mark.parametrize("words", [["--back", "myorg/app"], ["--at", "BASE"]])
def test_what_has_other_images_now_does_not_come_back(ledger: Run, team: Upstream, words: list[str]) -> None:
    base = team.tip()
    promoted(ledger, "myorg/app:v2", "--to", "staging")
    published(ledger, "main", ARM, EVIL)
    words = [base if word == "BASE" else word for word in words]
    done = ledger("promote", *words, "--to", "staging", "--reason", "v2 crashes")
    assert (done.code, "they differ for linux/arm64" in done.err) == (3, True)


def test_a_version_without_one_of_its_platforms_is_promoted_from_itself_to_itself(ledger: Run, team: Upstream) -> None:
    promoted(ledger, "myorg/app:m1", "--to", "staging")
    base = team.tip()
    assert ledger("remove", "myorg/app:m1", "--platform", ARM, "--reason", "gone").code == 0
    done = promoted(ledger, "myorg/app:m1", "--to", "staging")
    assert step(done) == ["myorg/app", "staging", "m1", "m1"]
    assert done.out.splitlines()[-1] == f"promoted myorg/app:m1 to staging in {team.tip()[:12]}"
    assert team.message().startswith("promote myorg/app:m1 to staging\n")
    shown = ledger("diff", base, "main").out
    assert "promoted myorg/app, m1 → m1, other images for linux/arm64" in shown
    published(ledger, "m1", "linux/s390x", digest("s390x"))
    assert step(promoted(ledger, "myorg/app:m1", "--to", "staging")) == ["myorg/app", "staging", "m1", "m1"]
    assert ledger("check", "--base", base, "--repo", team.url).code == 0
    assert ledger("audit").code == 0


def test_the_record_of_an_ordinary_tag_is_not_what_an_environment_has(
    ledger: Run, team: Upstream, tmp_path: Path
) -> None:
    team.commit_as_other_writer({"ledger.yaml": b"{}\n"}, "declare none")
    image = digest("plain")
    for name in ("staging", "prod"):
        done = ledger("publish", f"myorg/web:{name}@{image}", "--source", SOURCE, "--offline")
        assert done.code == 0, done.err
    since = team.tip()
    assert ledger("publish", f"myorg/web:v1@{digest('web')}", "--source", SOURCE, "--offline").code == 0
    team.commit_as_other_writer({"ledger.yaml": SETTINGS.encode()}, "declare them again")
    (tmp_path / "running").write_text(f"myorg/web@{image}\n")
    done = ledger("running", tmp_path / "running", "--env", "staging")
    assert (done.code, "staging has no myorg/web" in done.out) == (1, True)
    done = ledger("promote", "--back", "myorg/web", "--to", "staging", "--reason", "x")
    assert (done.code, "myorg/web:staging is the record of a tag" in done.err) == (3, True)
    for reason in ([], ["--reason", "x"]):
        done = ledger("promote", "myorg/web:v1", "--to", "prod", *reason)
        assert (done.code, "myorg/web:prod is the record of a tag" in done.err) == (3, True)
    before = team.tip()
    for moment in (since, f"{since}~2"):  # with the records, and without: nothing of theirs is taken out
        done = ledger("promote", "--at", moment, "--to", "prod", "--reason", "x")
        assert (done.code in (2, 3), team.tip()) == (True, before)


def test_what_it_had_before_it_was_taken_out_is_found_by_time(ledger: Run, team: Upstream) -> None:
    promoted(ledger, "myorg/app:v2", "--to", "staging")
    assert ledger("remove", "myorg/app:staging", "--reason", "not run").code == 0
    promoted(ledger, "myorg/app:m1", "--to", "staging")
    done = ledger("promote", "--back", "myorg/app", "--to", "staging", "--reason", "x")
    assert done.code == 3
    assert "myorg/app:staging had no other version before m1 since it came to staging" in done.err
    assert "`--at TIME|REV` goes back beyond that" in done.err


def test_a_set_that_only_takes_out_promotes_nothing(ledger: Run, team: Upstream) -> None:
    base = team.tip()
    for image in ("web", "api"):
        assert ledger("publish", f"myorg/{image}:v1@{digest(image)}", "--source", SOURCE, "--offline").code == 0
    promoted(ledger, "myorg/web:v1", "myorg/api:v1", "--to", "staging")
    words = ("--at", base, "--to", "staging", "--reason", "too early")
    dry = promoted(ledger, *words, "--dry-run")
    assert dry.out.endswith("dry run: would have removed 2 images (1 unchanged)\n")
    done = promoted(ledger, *words)
    assert done.out.splitlines()[-1] == f"removed 2 images (1 unchanged) in {team.tip()[:12]}"
    assert team.message().startswith("remove 2 images\n")
    assert ledger("check", "--base", base, "--repo", team.url).code == 0
    assert ledger("audit").code == 0


def test_an_environment_is_declared_before_it_is_promoted_to(ledger: Run, team: Upstream) -> None:
    base = team.tip()
    team.commit_as_other_writer(
        {"ledger.yaml": SETTINGS.replace("  staging", "  free: {}\n  staging").encode()}, "free"
    )
    declared = team.tip()
    promoted(ledger, "myorg/app:v2", "--to", "free")
    done = ledger("check", "--base", base, "--repo", team.url)
    assert done.code == 1
    assert "the ledger.yaml before these commits declares no environment `free`: let that land first" in done.out
    assert ledger("check", "--base", declared, "--repo", team.url).code == 0
    assert ledger("audit").code == 0

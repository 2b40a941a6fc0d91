"""`reconcile`, `verify` and `check --registry` of what environments have, against a real registry."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.git.upstream import git
from tests.support.registries.world import World, classes
from tests.support.values.schemas import check_schema

ENVIRONMENTS = "environments:\n  staging: {}\n  prod: {from: staging}\n"


@pytest.fixture
def promoted(world: World) -> World:
    """Return a world in which staging has v1, and the registry has no tag of that name."""
    world.upstream.commit_as_other_writer({"ledger.yaml": (world.registry.settings() + ENVIRONMENTS).encode()})
    for tag, platforms in (("v1", ("linux/amd64", "linux/arm64")), ("v2", ())):
        world.push(tag, "", platforms)
        assert world.publish(tag).code == 0
    done = world.run("promote", f"{world.image}:v1", "--to", "staging", "--repo", world.upstream.url)
    assert done.code == 0, done.err
    return world


def test_an_environment_without_a_tag_is_in_sync(promoted: World, tmp_path: Path) -> None:
    done = promoted.reconcile("--deep", "--untracked", "--format", "json")
    assert (done.code, done.json["summary"], done.json["complete"]) == (0, {"in-sync": 5}, True)
    assert promoted.verify("staging", "--deep").code == 0
    git("clone", "--quiet", f"file://{promoted.upstream.path}", tmp_path / "clone")
    checked = promoted.run("check", "--repo", tmp_path / "clone", "--base", "HEAD~1", "--registry")
    assert checked.code == 0, checked.out + checked.err


def test_a_withdrawn_version_is_in_every_format_and_fails_as_asked(promoted: World, tmp_path: Path) -> None:
    named = f"{promoted.image}:v1"
    assert promoted.run("yank", named, "--reason", "crashes", "--repo", promoted.upstream.url).code == 0
    done = promoted.reconcile("--format", "json", "--metrics", tmp_path / "prom")
    assert done.code == 1
    check_schema("reconcile-v1", done.json)
    assert classes(done) == {"staging linux/amd64": "withdrawn", "staging linux/arm64": "withdrawn"}
    reason = "it has v1, which is yanked: crashes"
    assert {one["reason"] for one in done.json["findings"]} == {reason}
    other = f"ledger promote {promoted.image}:TAG --to staging --reason TEXT"
    assert {one["command"] for one in done.json["findings"]} == {other}
    assert 'class="withdrawn"} 2' in (tmp_path / "prom").read_text()
    assert reason in promoted.reconcile().out
    assert f"`{reason}`" in promoted.reconcile("--format", "markdown").out
    failures = ET.fromstring(promoted.reconcile("--format", "junit").out).iter("failure")
    assert {one.get("type") for one in failures} == {"withdrawn"}
    for fail_on, code in (("withdrawn", 1), ("gone", 0), ("none", 0)):
        assert promoted.reconcile("--fail-on", fail_on).code == code
    back = promoted.run("promote", f"{promoted.image}:v2", "--to", "staging", "--repo", promoted.upstream.url)
    assert back.code == 0, back.err
    assert promoted.reconcile().code == 0


def test_what_is_gone_is_gone_for_the_environment_too(promoted: World) -> None:
    digest = next(one["index"] for one in promoted.upstream.records() if one["tag"] == "v1")
    promoted.registry.delete_manifest(promoted.image, digest)
    done = promoted.reconcile("--format", "json")
    assert {one["class"] for one in done.json["findings"] if one["tag"] == "staging"} == {"gone"}
    assert promoted.verify("staging").code == 1


def test_a_tag_with_an_environments_name_is_not_adopted(promoted: World) -> None:
    labels = {
        "org.opencontainers.image.source": "https://git.example.com/team/app",
        "org.opencontainers.image.revision": "a" * 40,
    }
    for tag in ("prod", "v3"):
        promoted.push(tag, labels=labels)
    done = promoted.reconcile("--adopt", "--format", "json")
    assert f"note: not adopted: {promoted.image}:prod: prod is an environment" in done.err
    assert promoted.upstream.tags() == {"v1", "v2", "v3", "staging"}
    assert classes(done) == {"prod": "untracked"}

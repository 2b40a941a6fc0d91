"""Each command that `reconcile` prints for what an environment has puts the finding right, in a real registry."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import product
from pathlib import Path

import pytest

from tests.cli.registry.test_reconcile_report import _obeyed
from tests.support.registries.direct import Direct
from tests.support.registries.registry import real_registry
from tests.support.registries.world import World
from tests.support.values.clock import clock_says
from tests.support.values.make import SOURCE

DECLARED = "environments: {staging: {}}\n"
TAGS = ("", "m1", "v2", "other")  # what the registry serves under the environment's name
LOSSES = ("", "image", "index")  # what the registry does not have any more of what the environment has
FATES = ("", "yanked", "expired", "moved", "removed", "undeclared")  # what has become of its version
STATES = sorted(set(product(TAGS, LOSSES, FATES)) - {("", "", "")})
IN_SYNC = (("m1", "", ""), ("", "", "undeclared"), ("m1", "", "undeclared"))
# Those that are tried each time; a storm tries all.
SOME = [
    *(("other", loss, "") for loss in LOSSES), ("v2", "image", ""), ("v2", "", ""), ("", "image", ""),
    ("m1", "image", ""), ("m1", "", "yanked"), ("other", "", "yanked"), ("v2", "", "expired"),
    ("other", "index", "moved"), ("m1", "", "removed"), ("other", "", "undeclared"), ("m1", "", "moved"),
]  # fmt: skip


def environment(world: World, tag: str, loss: str, fate: str) -> None:
    """Let staging have m1, of two platforms; then let its tag serve something, lose a part, and change its version."""
    direct, image, url = Direct(world.registry), world.image, world.upstream.url
    settings = world.registry.settings()
    world.upstream.commit_as_other_writer({"ledger.yaml": (settings + DECLARED).encode()})
    images = [direct.push_image(image, text, text) for text in ("amd64", "arm64")]
    served = {
        "m1": direct.push_index(image, images)["digest"],
        "v2": direct.push_image(image, "v2")["digest"],
        "other": direct.push_index(image, [direct.push_image(image, "other")])["digest"],
    }
    for one in ("m1", "v2"):
        direct.tag(image, one, served[one])
        assert world.publish(one, "--published-at", "2026-01-01T00:00:00Z").code == 0
    assert world.run("promote", f"{image}:m1", "--to", "staging", "--repo", url).code == 0
    if tag:
        direct.tag(image, "staging", served[tag])
    if fate == "moved":
        direct.tag(image, "m1", served["other"])
    named, why = (f"{image}:m1", "--repo", url), ("--reason", "bad")
    if fate == "undeclared":
        world.upstream.commit_as_other_writer({"ledger.yaml": settings.encode()})
    words: dict[str, tuple[str, ...]] = {
        "yanked": ("yank", *named, *why), "removed": ("remove", *named, *why),
        "expired": ("set", *named, "--ttl", "1d"), "moved": ("publish", *named, "--source", SOURCE, "--force", *why),
    }  # fmt: skip
    with clock_says("2026-01-01T12:00:00Z") if fate == "expired" else nullcontext():
        assert fate not in words or world.run(*words[fate]).code == 0
    if loss:
        world.registry.delete_manifest(image, {"image": images[1]["digest"], "index": served["m1"]}[loss])


def commands(world: World) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the command and the alternative of each finding of staging, by class and platform."""
    report = world.reconcile("--format", "json").json
    return {
        (one["class"], one["platform"]): (one["command"], one["alternative"])
        for one in report["findings"]
        if one["tag"] == "staging"
    }


def check(world: World, state: tuple[str, str, str], *, is_alternative: bool) -> None:
    environment(world, *state)
    before = commands(world)
    assert bool(before) == (state not in IN_SYNC)
    for finding in sorted(before):
        command = commands(world).get(finding, ("", ""))[is_alternative].replace(":TAG ", ":v2 ")
        if command:
            done = _obeyed(world, command)
            assert done.code == 0, (state, command, done.err)
            assert finding not in commands(world), (state, command)
    if not is_alternative:
        assert commands(world) == {}, state


@pytest.mark.parametrize("state", SOME, ids="-".join)
def test_the_command_for_what_an_environment_has_puts_the_finding_right(
    world: World, state: tuple[str, str, str]
) -> None:
    check(world, state, is_alternative=False)


@pytest.mark.storm
@pytest.mark.parametrize("is_alternative", [False, True])
@pytest.mark.parametrize("state", STATES, ids="-".join)
def test_each_command_for_what_an_environment_has_puts_the_finding_right(
    world: World, state: tuple[str, str, str], is_alternative: bool
) -> None:
    check(world, state, is_alternative=is_alternative)


def test_the_tag_is_set_where_it_was_found_and_not_where_the_image_is_missing(world: World, tmp_path: Path) -> None:
    environment(world, "other", "", "")
    with real_registry(tmp_path / "mirror") as mirror:
        settings = f"registries: [{{host: '{world.registry.url}'}}, {{host: '{mirror.url}'}}]\n{DECLARED}"
        world.upstream.commit_as_other_writer({"ledger.yaml": settings.encode()})
        (command,) = {one for (drift, _), (one, _) in commands(world).items() if drift == "tag-moved"}
        done = _obeyed(world, command)
        assert done.code == 0, done.out + done.err
        assert not any(drift == "tag-moved" for drift, _ in commands(world))

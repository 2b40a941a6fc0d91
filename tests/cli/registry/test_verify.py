"""`verify` against a real registry: image, index and config digests, what moved and what is missing."""

from __future__ import annotations

import pytest

from tests.support.git.servers import free_port
from tests.support.registries.world import World
from tests.support.values.make import digest

BOTH = ("linux/amd64", "linux/arm64")


def test_an_image_that_is_served_as_recorded_is_verified(world: World) -> None:
    (layout,) = world.pushed("v1")
    done = world.verify("v1", "--format", "json")
    assert done.code == 0, done.err
    (check,) = done.json["checks"]
    assert done.json["ok"] is True
    assert (check["state"], check["match"], check["served"]) == ("ok", "image", layout.digest)
    assert world.verify("v1").out.startswith(f"ok        {world.image}:v1 (linux/amd64) against {world.registry.host}")


def test_a_given_digest_is_found_as_the_images_the_indexs_or_the_configs(world: World) -> None:
    layout = world.push("v1", "multi", BOTH)
    world.publish("v1")
    image = layout.images()["linux/arm64"]
    config = layout.read(image)["config"]["digest"]
    for given, match in ((image, "image"), (layout.digest, "index"), (config, "config")):
        done = world.verify("v1", "--digest", given, "--format", "json")
        assert done.code == 0
        first = done.json["checks"][0]
        assert (first["registry"], first["match"], first["state"]) == (None, match, "ok")
        assert [check["match"] for check in done.json["checks"][1:]] == ["index", "index"]


def test_another_digest_than_the_recorded_is_a_mismatch(world: World) -> None:
    (layout,) = world.pushed("v1")
    done = world.verify("v1", "--digest", digest("other"), "--format", "json")
    assert done.code == 1
    assert done.json["ok"] is False
    first = done.json["checks"][0]
    assert (first["expected"], first["match"], first["state"]) == (layout.digest, "none", "mismatch")
    assert world.verify("v1", "--digest", digest("other")).out.startswith("mismatch  ")


def test_a_digest_is_another_one_only_if_all_that_the_tag_leads_to_was_seen(world: World) -> None:
    """Here the ledger has the index alone: a machine shows an image of it, or the config of one."""
    layout = world.push("v1", "multi", BOTH)
    world.publish(f"v1@{layout.digest}", "--offline")
    image = layout.images()["linux/arm64"]
    config = layout.read(image)["config"]["digest"]
    for given, match in ((image, "image"), (config, "config")):
        done = world.verify("v1", "--digest", given, "--format", "json")
        assert (done.code, done.json["checks"][0]["match"], done.json["checks"][0]["state"]) == (0, match, "ok")
    assert world.verify("v1", "--digest", digest("other")).code == 1
    unpushed = world.layout("another", ("linux/amd64",))
    world.publish(f"v2@{unpushed.digest}", "--offline")
    done = world.verify("v2", "--digest", unpushed.images()["linux/amd64"], "--format", "json")
    given_check = done.json["checks"][0]
    assert (given_check["match"], given_check["state"]) == ("none", "unknown")
    assert f"could not be seen: {world.registry.host} does not have {unpushed.digest}" in given_check["reason"]


@pytest.mark.parametrize("settings", ["", "registries:\n  - host: http://127.0.0.1:{port}\n"])
def test_a_digest_that_may_be_the_config_of_what_nobody_shows_is_unknown(world: World, settings: str) -> None:
    layout = world.push("v1")
    world.publish(f"v1@{layout.digest}", "--offline", "--platform", "linux/amd64")
    world.upstream.commit_as_other_writer({"ledger.yaml": settings.format(port=free_port()).encode()})
    done = world.verify("v1", "--digest", layout.read(layout.digest)["config"]["digest"], "--format", "json")
    assert (done.code, done.json["checks"][0]["state"]) == (5, "unknown")
    assert world.verify("v1", "--digest", layout.digest, "--format", "json").json["checks"][0]["state"] == "ok"


def test_a_tag_that_moved_is_a_mismatch(world: World) -> None:
    world.pushed("v1")
    other = world.push("v1", "other")
    done = world.verify("v1", "--format", "json")
    assert done.code == 1
    (check,) = done.json["checks"]
    assert (check["state"], check["served"]) == ("mismatch", other.digest)


def test_an_index_that_moved_with_the_same_image_in_it_is_a_mismatch_of_the_index_only(world: World) -> None:
    world.push("v1", "multi", BOTH[:1])
    world.publish("v1")
    world.push("v1", "multi", BOTH)
    done = world.verify("v1", "--format", "json")
    assert done.code == 1
    assert "same image for this platform" in done.json["checks"][0]["reason"]


def test_a_tag_that_is_gone_is_missing(world: World) -> None:
    (layout,) = world.pushed("v1")
    world.registry.delete_tag(world.image, "v1")
    done = world.verify("v1", "--format", "json")
    assert (done.code, done.json["checks"][0]["state"]) == (1, "missing")
    assert "still pulls" in done.json["checks"][0]["reason"]
    world.registry.delete_manifest(world.image, layout.digest)
    gone = world.verify("v1", "--format", "json")
    assert (gone.code, gone.json["checks"][0]["state"]) == (1, "missing")


def test_deep_finds_what_a_look_at_the_tag_does_not(world: World) -> None:
    (layout,) = world.pushed("v1")
    assert world.verify("v1", "--deep").code == 0
    layer = layout.read(layout.digest)["layers"][0]["digest"]
    world.registry.delete_blob(world.image, layer)
    assert world.verify("v1").code == 0
    done = world.verify("v1", "--deep", "--format", "json")
    assert (done.code, done.json["checks"][0]["state"]) == (1, "missing")
    assert layer in done.json["checks"][0]["reason"]


def test_an_image_of_an_index_that_is_gone_is_missing_and_deep_judges_the_whole_index(world: World) -> None:
    layout = world.push("v1", "multi", BOTH)
    world.publish("v1")
    world.registry.delete_manifest(world.image, layout.images()["linux/arm64"])
    for options, amd64 in (((), "ok"), (("--deep",), "missing")):
        done = world.verify("v1", *options, "--format", "json")
        assert done.code == 1
        assert [(check["platform"], check["state"]) for check in done.json["checks"]] == [
            ("linux/amd64", amd64), ("linux/arm64", "missing"),
        ]  # fmt: skip


def test_a_registry_that_does_not_answer_is_unknown_and_not_missing(world: World) -> None:
    world.pushed("v1")
    dead = f"registries:\n  - host: http://127.0.0.1:{free_port()}\n"
    world.upstream.commit_as_other_writer({"ledger.yaml": dead.encode()})
    done = world.verify("v1", "--format", "json")
    assert done.code == 5
    (check,) = done.json["checks"]
    assert (check["state"], check["match"], check["served"]) == ("unknown", "none", None)
    assert "did not answer" in check["reason"]


def test_an_unknown_name_and_a_ledger_without_registries_are_refused(world: World) -> None:
    unknown = world.verify("v1")
    assert unknown.code == 3
    assert world.image in unknown.err
    world.pushed("v1")
    world.upstream.commit_as_other_writer({"ledger.yaml": b""})
    assert world.verify("v1").code == 2
    given = world.verify("v1", "--digest", digest("x"))
    assert given.code == 5  # it may be the config of the image, which nobody can be asked for
    assert given.err == f"note: no registry of ledger.yaml serves {world.image}:v1: only the digest was compared\n"

"""`publish` looks at a real registry before it writes."""

from __future__ import annotations

import json

from tests.support.registries.registry import DOCKER_MANIFEST
from tests.support.registries.world import World
from tests.support.values.make import SOURCE, digest

PREFIX = "org.opencontainers.image."
COMMIT = "5ef5a3030654728decc420aa363a57670ae53de4"
BASE = "sha256:" + "b" * 64
FROM = {
    f"{PREFIX}source": "https://git.example.com/team/labelled",
    f"{PREFIX}revision": COMMIT,
    f"{PREFIX}base.name": "docker.io/library/debian:bookworm",
    f"{PREFIX}base.digest": BASE,
}
BOTH = ("linux/amd64", "linux/arm64")


def test_a_tag_without_a_digest_is_resolved(world: World) -> None:
    layout = world.push("v1")
    done = world.publish("v1")
    assert done.code == 0, done.err
    assert done.json["digest"] == layout.digest
    assert done.json["verified"] is True
    (record,) = world.upstream.records()
    assert record["platform"] == "linux/amd64"
    assert record["config"] == layout.read(layout.digest)["config"]["digest"]


def test_an_image_with_dockers_media_types_is_resolved_too(world: World) -> None:
    layout = world.layout("docker")
    served = world.registry.push(layout, f"{world.image}:v1", media="docker")
    done = world.publish("v1")
    assert done.json["digest"] == served != layout.digest
    assert DOCKER_MANIFEST  # what skopeo sends for `v2s2`


def test_a_given_digest_that_the_tag_serves_is_recorded_as_verified(world: World) -> None:
    layout = world.push("v1")
    done = world.publish(f"v1@{layout.digest}")
    assert (done.code, done.json["verified"]) == (0, True)


def test_a_tag_that_was_overwritten_since_the_push_is_refused(world: World) -> None:
    mine = world.push("v1", "mine")
    theirs = world.push("v1", "theirs")
    done = world.publish(f"v1@{mine.digest}")
    assert done.code == 3
    assert "somebody has overwritten it" in done.err
    assert mine.digest in done.err
    assert theirs.digest in done.err
    assert world.upstream.records() == []


def test_a_digest_that_is_not_there_is_refused_with_a_hint_about_the_push(world: World) -> None:
    world.push("v1")
    done = world.publish(f"v1@{digest('never pushed')}")
    assert done.code == 3
    assert "hint: publish after the push" in done.err


def test_a_tag_that_is_not_there_is_refused_with_a_hint_about_the_push(world: World) -> None:
    done = world.publish(f"v1@{digest()}")
    assert done.code == 3
    assert f"has no {world.image}:v1" in done.err
    assert "hint: publish after the push" in done.err


def test_an_index_becomes_a_record_for_each_platform_and_attestations_are_left_out(world: World) -> None:
    layout = world.push("v1", "multi", BOTH, attest=True)
    done = world.publish("v1")
    assert done.code == 0, done.err
    assert done.json["digest"] == layout.digest
    assert {one["platform"]: (one["digest"], one["index"]) for one in world.upstream.records()} == {
        platform: (image, layout.digest) for platform, image in layout.images().items()
    }


def test_an_index_given_by_its_digest_is_expanded_too(world: World) -> None:
    layout = world.push("v1", "multi", BOTH)
    done = world.publish(f"v1@{layout.digest}")
    assert done.code == 0, done.err
    assert [one["platform"] for one in world.upstream.records()] == list(BOTH)
    assert "index's" not in done.err


def test_an_index_is_never_recorded_as_an_image_whatever_else_is_said_of_it(world: World) -> None:
    layout = world.push("v1", "multi", BOTH)
    image = layout.images()["linux/amd64"]
    options = ("--platform", "linux/amd64", "--config", layout.read(image)["config"]["digest"])
    assert world.publish(f"v1@{layout.digest}", *options).code == 0
    assert [one["digest"] for one in world.upstream.records()] == [image]


def test_an_image_that_is_not_in_the_given_index_is_refused(world: World) -> None:
    layout = world.push("v1", "multi", BOTH)
    other = world.push("v2", "other")
    options = ("--index", layout.digest, "--platform", "linux/amd64", "--config", digest("some config"))
    done = world.publish(f"v1@{other.digest}", *options)
    assert done.code == 3
    assert world.upstream.records() == []


def test_platform_picks_one_image_of_an_index(world: World) -> None:
    layout = world.push("v1", "multi", BOTH)
    done = world.publish("v1", "--platform", "linux/arm64")
    assert done.code == 0, done.err
    (record,) = world.upstream.records()
    assert (record["platform"], record["digest"]) == ("linux/arm64", layout.images()["linux/arm64"])


def test_a_platform_missing_from_the_index_is_refused_and_the_others_are_listed(world: World) -> None:
    world.push("v1", "multi", BOTH)
    done = world.publish("v1", "--platform", "linux/s390x")
    assert done.code == 3
    assert "hint: its platforms are: linux/amd64, linux/arm64" in done.err


def test_labels_say_where_an_image_is_from(world: World) -> None:
    world.push("v1", labels=FROM)
    done = world.publish("v1", source="")
    assert done.code == 0, done.err
    (record,) = world.upstream.records()
    assert record["sourceRef"] == f"https://git.example.com/team/labelled@{COMMIT}"
    assert record["dependsOn"] == [f"docker.io/library/debian:bookworm@{BASE}"]


def test_annotations_say_it_before_labels(world: World) -> None:
    world.push("v1", labels=FROM, annotations={f"{PREFIX}source": "https://git.example.com/team/annotated"})
    assert world.publish("v1", source="").code == 0
    assert world.upstream.records()[0]["sourceRef"] == f"https://git.example.com/team/annotated@{COMMIT}"


def test_what_the_caller_says_is_never_overridden(world: World) -> None:
    world.push("v1", labels=FROM)
    mine = "docker.io/library/alpine@" + digest("alpine")
    assert world.publish("v1", "--depends-on", mine).code == 0
    (record,) = world.upstream.records()
    assert (record["sourceRef"], record["dependsOn"]) == (SOURCE, [mine])


def test_a_platform_or_config_that_is_not_the_images_is_refused(world: World) -> None:
    world.push("v1")
    platform = world.publish("v1", "--platform", "linux/arm64")
    assert platform.code == 3
    assert "is an image for linux/amd64" in platform.err
    config = world.publish("v1", "--config", digest("some config"))
    assert config.code == 3
    assert "has the config sha256:" in config.err
    assert world.upstream.records() == []


def test_an_image_that_says_no_source_needs_one(world: World) -> None:
    world.push("v1", labels={f"{PREFIX}source": "not a URL", f"{PREFIX}revision": "\x1b]0;x"})
    done = world.publish("v1", source="")
    assert done.code == 2
    assert "sourceRef" in done.err or "source" in done.err


def test_offline_asks_no_registry_and_says_so(world: World) -> None:
    done = world.publish(f"v1@{digest()}", "--offline")
    assert done.code == 0, done.err
    assert "offline" in done.err
    assert "verified" not in done.json or done.json["verified"] is False


def test_a_registry_that_is_not_configured_is_a_usage_error(world: World) -> None:
    world.push("v1")
    done = world.publish("v1", "--registry", "registry.example.com")
    assert done.code == 2
    assert "registry.example.com" in done.err


def test_many_images_are_looked_at_before_one_commit_is_made(world: World) -> None:
    world.push("v1")
    world.push("v2")
    lines = [json.dumps({"image": world.image, "tag": tag, "sourceRef": SOURCE}) for tag in ("v1", "v2", "v3")]
    batch = world.folder / "batch.jsonl"
    batch.write_text("\n".join(lines))
    refused = world.run("publish", "--from", batch, "--repo", world.upstream.url)
    assert refused.code == 3
    assert "line 3" in refused.err
    assert world.upstream.records() == []
    batch.write_text("\n".join(lines[:2]))
    done = world.run("publish", "--from", batch, "--repo", world.upstream.url)
    assert done.code == 0, done.err
    assert [one["verified"] for one in done.json_lines] == [True, True]
    assert len(world.upstream.commits()) == 2

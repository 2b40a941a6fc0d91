"""`reconcile` and `verify` look at what `get` and `pin` hand out: the pull digest and each image, not the tag alone."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream
from tests.support.registries.registry import OCI_INDEX, real_registry
from tests.support.registries.wire import INDEX, Reply, Wire, image, served, sha256, wire_server
from tests.support.registries.world import World, classes
from tests.support.values.make import ledger_bytes, record
from tests.support.values.outcome import Outcome

BOTH = ("linux/amd64", "linux/arm64")
APP = "/v2/myorg/app/manifests"
Run = Callable[..., Outcome]


def _reasons(done: Outcome) -> str:
    return "\n".join(finding["reason"] for finding in done.json["findings"])


def test_an_index_that_was_deleted_is_gone_although_its_images_are_there(world: World) -> None:
    layout = world.push("v1", "multi", BOTH)
    world.publish("v1")
    world.registry.delete_manifest(world.image, layout.digest)
    assert all(world.registry.has(world.image, digest) for digest in layout.images().values())
    for options in ((), ("--deep",), ("--tags",)):
        done = world.reconcile("--format", "json", *options)
        assert (done.code, set(classes(done).values())) == (1, {"gone"})
        assert "what the ledger hands out does not pull any more" in _reasons(done)
    verified = world.verify("v1", "--format", "json")
    assert (verified.code, {check["state"] for check in verified.json["checks"]}) == (1, {"missing"})


def test_an_index_that_grew_and_whose_old_index_was_cleaned_up_no_longer_pulls(world: World) -> None:
    old = world.push("v1", "multi", BOTH[:1])
    world.publish("v1")
    world.push("v1", "multi", BOTH)
    assert classes(world.reconcile("--format", "json")) == {"v1 linux/amd64": "index-moved"}
    world.registry.delete_manifest(world.image, old.digest)
    done = world.reconcile("--format", "json")
    assert classes(done) == {"v1 linux/amd64": "gone"}
    assert "does not pull any more; the tag serves another index, with the same image" in _reasons(done)
    (check,) = world.verify("v1", "--format", "json").json["checks"]
    assert (check["state"], "does not pull any more" in check["reason"]) == ("mismatch", True)


def test_images_that_a_garbage_collector_took_from_below_a_tagged_index_are_gone(ledger: Run, tmp_path: Path) -> None:
    """Deleting what is untagged takes the images below an index: no tag serves them."""
    with real_registry(tmp_path / "registry") as registry:
        world = World.create(registry, tmp_path, ledger)
        layout = world.push("v1", "multi", BOTH)
        world.publish("v1")
        world.pushed("v2")
        assert world.reconcile().code == 0
        registry.collect_garbage("--delete-untagged")
        assert not any(registry.has(world.image, digest) for digest in layout.images().values())
        done = world.reconcile("--format", "json")
        assert (done.code, classes(done)) == (1, {f"v1 {platform}": "gone" for platform in BOTH})
        assert "although its index is" in _reasons(done)
        assert world.reconcile("--tags").code == 0


def test_an_image_that_is_in_the_index_and_not_in_the_ledger_is_missed_by_deep(world: World) -> None:
    layout = world.push("v1", "multi", BOTH, attest=True)
    world.publish("v1", "--platform", "linux/amd64")
    world.registry.delete_manifest(world.image, layout.images()["linux/arm64"])
    assert world.reconcile().code == 0
    done = world.reconcile("--deep", "--format", "json")
    assert classes(done) == {"v1 linux/amd64": "children-missing"}
    assert layout.images()["linux/arm64"] in _reasons(done)


def _push_odd_index(world: World, tag: str, child: str) -> str:
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": child, "size": 1}
    odd = {"os": "linux", "architecture": "amd64", "os.version": "x y"}
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry | {"platform": odd}]}).encode()
    url = f"{world.registry.url}/v2/{world.image}/manifests/{tag}"
    request = urllib.request.Request(url, body, {"Content-Type": OCI_INDEX}, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()
    return sha256(body)


def test_a_tag_that_was_overwritten_by_an_index_with_an_odd_entry_has_moved(world: World) -> None:
    world.pushed("v1")
    odd = _push_odd_index(world, "v1", world.push("other").digest)
    done = world.reconcile("--format", "json")
    assert (done.code, classes(done), done.json["complete"]) == (1, {"v1 linux/amd64": "tag-moved"}, True)
    assert done.json["findings"][0]["served"] == odd
    (check,) = world.verify("v1", "--format", "json").json["checks"]
    assert (check["state"], check["served"]) == ("mismatch", odd)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with wire_server() as server:
        server.on("/v2/", Reply(headers={"Docker-Distribution-Api-Version": "registry/2.0"}, body=b"{}"))
        yield server


def _recorded(wire: Wire, folder: Path) -> Upstream:
    wire.on(f"{APP}/{sha256(image())}", served(image()))
    settings = f"registries:\n  - host: {wire.url}\n"
    content = ledger_bytes(record(tag="v1", digest=sha256(image())))
    return Upstream.create(folder / "ledger.git", content=content, settings=settings)


ODD = {
    "layers of text": (image(layers="x"), "application/vnd.oci.image.manifest.v1+json"),
    "not JSON": (b"\x00" * 20, "application/vnd.oci.image.manifest.v1+json"),
    "a page": (b"<html>Sign in</html>", "text/html"),
    "schema 1": (b'{"schemaVersion": 1}', "application/vnd.docker.distribution.manifest.v1+prettyjws"),
    "another type": (image(), INDEX),
    "an artifact": (image(mediaType="application/vnd.oci.artifact.manifest.v1+json"), "application/json"),
    "an index of text": (json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": "x"}).encode(), INDEX),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_a_tag_that_serves_something_that_cannot_be_read_has_moved_and_is_not_unknown(
    ledger: Run, wire: Wire, tmp_path: Path, odd: tuple[bytes, str]
) -> None:
    body = odd[0] + b" "
    upstream = _recorded(wire, tmp_path)
    wire.on(f"{APP}/v1", served(body, odd[1]))
    wire.on(f"{APP}/{sha256(body)}", served(body, odd[1]))
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json")
    assert (done.code, classes(done)) == (1, {"v1": "tag-moved"})
    (finding,) = done.json["findings"]
    assert finding["served"] == sha256(body)
    assert "can't be read" in finding["reason"]
    assert "skopeo copy" in finding["command"]
    (check,) = ledger("verify", "myorg/app:v1", "--repo", upstream.url, "--format", "json").json["checks"]
    assert (check["state"], check["served"]) == ("mismatch", sha256(body))


@pytest.mark.parametrize("answer", [Reply(404), Reply(403), Reply(429, {"Retry-After": "3600"})])
def test_what_moved_and_may_not_be_read_has_moved_too(ledger: Run, wire: Wire, tmp_path: Path, answer: Reply) -> None:
    upstream = _recorded(wire, tmp_path)
    wire.on(f"{APP}/v1", served(image("other")))
    wire.on(f"GET {APP}/{sha256(image('other'))}", answer)
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json")
    assert (done.code, classes(done)) == (1, {"v1": "tag-moved"})
    assert "could not be looked at" in _reasons(done)


def test_differences_are_explained_by_so_many_gets_and_no_more(ledger: Run, wire: Wire, tmp_path: Path) -> None:
    upstream = _recorded(wire, tmp_path)
    tags = [f"v{number}" for number in range(30)]
    upstream.commit_as_other_writer(
        {"ledger.json": ledger_bytes(*(record(tag=tag, digest=sha256(image())) for tag in sorted(tags)))}
    )
    for tag in tags:
        made = image(tag, config={"digest": sha256(tag.encode())})  # one that they share is read once
        wire.on(f"{APP}/{tag}", served(made))
        wire.on(f"{APP}/{sha256(made)}", served(made))
    wire.asked.clear()
    for explain, most in (("0", 0), ("7", 7), ("50", 50)):
        done = ledger("reconcile", "--repo", upstream.url, "--format", "json", "--explain", explain)
        assert (done.code, done.json["summary"]) == (1, {"tag-moved": 30})
        assert wire.count("/v2/myorg/app/", "GET") == most
        assert wire.count(f"{APP}/{sha256(image())}", "HEAD") == 1
        wire.asked.clear()


def test_an_image_that_two_tags_share_is_asked_for_once(ledger: Run, wire: Wire, tmp_path: Path) -> None:
    upstream = _recorded(wire, tmp_path)
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
    records = [record(tag=f"v{number}", digest=sha256(image()), index=sha256(index)) for number in range(9)]
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(*records)})
    for number in range(9):
        wire.on(f"{APP}/v{number}", served(index, INDEX))
    assert ledger("reconcile", "--repo", upstream.url).out == "9 in-sync\n"
    assert wire.count(f"{APP}/{sha256(image())}") == 1
    assert wire.count(f"{APP}/v") == 9

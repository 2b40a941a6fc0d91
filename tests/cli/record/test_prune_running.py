"""`prune --running`: what runs is never deleted, neither its records nor its manifests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.support.git.upstream import Upstream
from tests.support.registries.registry import real_registry
from tests.support.registries.world import World
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome
from tests.support.values.running import (
    APP,
    HOST,
    cri_container,
    docker_container,
    docker_ps,
    listed,
    owner,
    pod,
    running_pod,
    workload,
)

Run = Callable[..., Outcome]
AMD, ARM = "linux/amd64", "linux/arm64"
OLD = ("--ttl", "1d", "--published-at", "2026-01-01T00:00:00Z")
EXPIRED: dict[str, Any] = {"ttl": "1d", "publishedAt": "2026-01-01T00:00:00Z"}
MIRROR = "mirror.example.net/cache/myorg/app"
SETTINGS = f"registries:\n- {{host: {HOST}, images: ['myorg/*']}}\n- {{host: mirror.example.net, prefix: cache}}\n"


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """Return a ledger in which all tags but `v1` have expired."""
    records = [
        record("myorg/app", "v1", digest=digest("v1")),
        record(
            "myorg/app", "pr-1", digest=digest("d1"), config=digest("c1"), index=digest("i1"), platform=AMD, **EXPIRED
        ),
        record("myorg/app", "pr-1", digest=digest("d1arm"), index=digest("i1"), platform=ARM, **EXPIRED),
        record("myorg/app", "pr-2", digest=digest("d2"), config=digest("c2"), **EXPIRED),
    ]
    made = Upstream.create(tmp_path / "old.git", ledger_bytes(*records), SETTINGS)
    monkeypatch.setenv("LEDGER_REPO", made.url)
    monkeypatch.chdir(tmp_path)
    return made


def kept(done: Outcome) -> dict[str, str]:
    assert done.code == 0, done.err
    return {one["record"]["tag"]: one["reason"] for one in done.json["kept"]}


def lines(*values: object) -> bytes:
    return "\n".join(value if isinstance(value, str) else json.dumps(value) for value in values).encode()


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        (listed(running_pod("quay.io/x/y:1", f"quay.io/x/y@{digest('i1')}")), {"pr-1": "runs in shop/web"}),
        (listed(running_pod(f"{APP}:nope", f"{APP}@{digest('d1arm')}")), {"pr-1": "runs in shop/web"}),
        (listed(running_pod("x:1", digest("c2"))), {"pr-2": "runs in shop/web"}),
        (listed(running_pod(f"{APP}:pr-2", f"{APP}@{digest('other')}")), {"pr-2": "runs in shop/web"}),
        (listed(running_pod(f"{MIRROR}:pr-1", "")), {"pr-1": "runs in shop/web"}),
        (listed(pod(images={"app": f"{APP}@{digest('d2')}"}, phase="Pending")), {"pr-2": "runs in shop/web"}),
        (
            listed(running_pod(f"{APP}:pr-2", "", phase="Failed", owners=[owner("Job", "job")])),
            {"pr-2": "is used in shop/job"},
        ),
        (listed(workload("Deployment", "off", f"{APP}:pr-2", replicas=0)), {"pr-2": "is used in shop/off"}),
        (lines(docker_ps("web", f"{APP}:pr-1")), {"pr-1": "runs in web"}),
        (lines(docker_ps("web", digest("c2")[7:19])), {"pr-2": "runs in web"}),
        (lines(docker_ps("web", f"{APP}:pr-1", State="exited")), {"pr-1": "is used in web"}),
        (lines([docker_container("web", "x", digest("c1"))]), {"pr-1": "runs in web"}),
        (lines("myorg/app:pr-1"), {"pr-1": "runs in -"}),
        (lines(f"{APP}:pr-1@{digest('d2')}"), {"pr-1": "runs in -", "pr-2": "runs in -"}),
        (lines("nginx:1.27", f"{HOST}/other:pr-1"), {}),
    ],
)  # fmt: skip
def test_a_record_stays_by_each_digest_and_name_that_is_in_use(
    ledger: Run, old: Upstream, content: bytes, reasons: dict[str, str]
) -> None:
    Path("running").write_bytes(content)
    done = ledger("prune", "--running", "running", "--yes", "--format", "json")
    assert kept(done) == reasons
    assert old.tags() == {"v1", *reasons}


def test_several_files_count_and_each_says_its_cluster(ledger: Run, old: Upstream) -> None:
    Path("a").write_bytes(listed(running_pod(f"{APP}:pr-1", "")))
    Path("b").write_bytes(lines(f"{APP}:pr-2"))
    done = ledger("prune", "--running", "eu=a", "--running", "b")
    assert done.code == 0
    assert "runs in eu: shop/web" in done.out
    assert "nothing to prune, 3 expired records kept" in done.err


def test_a_file_that_has_nothing_of_ours_is_doubted(ledger: Run, old: Upstream) -> None:
    for content, is_doubted in (
        (lines("quay.io/x/y:1"), True),
        (lines(f"{APP}:gone"), False),
        (lines(digest("c2")), False),
    ):
        Path("running").write_bytes(content)
        done = ledger("prune", "--running", "running")
        assert done.code == 0
        assert ("warning: nothing that runs is an image of this ledger" in done.err) == is_doubted


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", listed(), b"No resources found", b'{"kind":"Status","apiVersion":"v1"}']
)
@pytest.mark.parametrize("command", ["prune", "keepset"])
def test_a_file_that_cannot_be_understood_is_never_nothing(
    ledger: Run, old: Upstream, content: bytes, command: str
) -> None:
    Path("running").write_bytes(content)
    words = ("--yes",) if command == "prune" else ()
    for files in (("running",), ("nowhere",)):
        done = ledger(command, "--running", *files, *words)
        assert (done.code, done.out) == (2, "")
    assert old.tags() == {"v1", "pr-1", "pr-2"}


@pytest.fixture
def world(tmp_path: Path, ledger: Run) -> Iterator[World]:
    """Return a ledger with a registry of its own, whose garbage may be collected."""
    with real_registry(tmp_path / "registry") as registry:
        yield World.create(registry, tmp_path, ledger)


def prune(world: World, *lines: str, options: Sequence[str] = ()) -> Outcome:
    file = world.folder / "running"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(lines))
    options = ["--yes", *options] if "--dry-run" not in options else []
    words = ("--registry-delete", *options, "--format", "json", "--running", file)
    return world.run("prune", *words, "--repo", world.upstream.url)


def test_the_manifests_of_what_runs_can_be_pulled_after_a_prune_and_the_garbage_collector(
    world: World, tmp_path: Path
) -> None:
    """By a name, by an image that is not recorded and in a recorded index, and by an index that is not recorded."""
    assert world.push("v1")
    assert world.publish("v1").code == 0
    named = world.push("pr-1", "named")
    assert world.publish("pr-1", *OLD).code == 0
    partly = world.push("pr-2", "partly", (AMD, ARM))
    assert world.publish("pr-2", "--platform", AMD, *OLD).code == 0
    whole = world.push("whole", "whole", (AMD, ARM))
    child = whole.images()[AMD]
    assert world.publish(f"pr-3@{child}", "--offline", "--platform", AMD, *OLD).code == 0
    world.registry.delete_tag(world.image, "whole")
    gone = world.push("pr-4", "gone")
    assert world.publish("pr-4", *OLD).code == 0
    repository = f"{world.registry.host}/{world.image}"
    images = [f"{repository}:pr-1", f"{repository}@{partly.images()[ARM]}", f"{repository}@{whole.digest}"]
    done = prune(world, *images)
    assert set(kept(done)) == {"pr-1", "pr-2", "pr-3"}
    assert {one["digest"] for one in done.json["deleted"]} == {gone.digest}
    world.registry.collect_garbage()
    for digest_ in (named.digest, partly.digest, partly.images()[ARM], whole.digest, child):
        assert world.registry.pulls(f"{world.image}@{digest_}", tmp_path), digest_
    assert not world.registry.pulls(f"{world.image}@{gone.digest}", tmp_path)
    assert kept(prune(world, "nginx:1.27")) == {}


def test_what_runs_and_is_at_no_registry_any_more_holds_nothing_else(world: World) -> None:
    assert world.push("v1")
    assert world.publish("v1").code == 0
    old = world.push("pr-1")
    assert world.publish("pr-1", *OLD).code == 0
    done = prune(world, f"{world.registry.host}/{world.image}@{digest('lost')}")
    assert kept(done) == {}
    assert {one["digest"] for one in done.json["deleted"]} == {old.digest}


def config_of(world: World, digest_: str) -> str:
    """Return the digest of an image's config, as the registry has it."""
    url = f"{world.registry.url}/v2/{world.image}/manifests/{digest_}"
    accepted = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    with urlopen(Request(url, headers=accepted)) as answer:
        return str(json.load(answer)["config"]["digest"])


def test_an_image_that_runs_by_the_id_of_its_config_stays_though_no_record_has_that(world: World) -> None:
    """Recorded without its config, in an index of which only another image is recorded, or by the beginning of it."""
    assert world.push("v1")
    assert world.publish("v1").code == 0
    plain = world.push("pr-1", "plain")
    assert world.publish(f"pr-1@{plain.digest}", "--offline", *OLD).code == 0
    partly = world.push("pr-2", "partly", (AMD, ARM))
    assert world.publish("pr-2", "--platform", AMD, *OLD).code == 0
    short = world.push("pr-3", "short")
    assert world.publish(f"pr-3@{short.digest}", "--offline", *OLD).code == 0
    gone = world.push("pr-4", "gone")
    assert world.publish(f"pr-4@{gone.digest}", "--offline", *OLD).code == 0
    configs = [config_of(world, one) for one in (plain.digest, partly.images()[ARM], short.digest)]
    containers = [docker_container("a", "x", configs[0]), docker_container("b", "x", configs[1])]
    done = prune(world, json.dumps(containers), json.dumps(docker_ps("c", configs[2][7:19])))
    assert set(kept(done)) == {"pr-1", "pr-2", "pr-3"}
    assert kept(done)["pr-1"] == f"{configs[0]}, which is its config, runs in a"
    assert {one["digest"] for one in done.json["deleted"]} == {gone.digest}


def test_an_index_that_runs_by_its_id_keeps_its_images(world: World) -> None:
    assert world.push("v1")
    assert world.publish("v1").code == 0
    whole = world.push("whole", "whole", (AMD, ARM))
    child = whole.images()[AMD]
    assert world.publish(f"pr-3@{child}", "--offline", "--platform", AMD, *OLD).code == 0
    world.registry.delete_tag(world.image, "whole")
    done = prune(world, json.dumps([docker_container("a", f"{world.registry.host}/{world.image}:x", whole.digest)]))
    assert set(kept(done)) == {"pr-3"}
    assert done.json["deleted"] == []


def children_of_an_index_without_a_tag(world: World) -> tuple[str, str]:
    """Return the digest of an index that only runs, and of the image in it that `pr-3` has, and nothing else."""
    assert world.push("v1")
    assert world.publish("v1").code == 0
    whole = world.push("whole", "whole", (AMD, ARM))
    child = whole.images()[AMD]
    assert world.publish(f"pr-3@{child}", "--offline", "--platform", AMD, *OLD).code == 0
    world.registry.delete_tag(world.image, "whole")
    return whole.digest, child


@pytest.mark.parametrize(
    "runs",
    [
        lambda index: index,
        lambda index: f"quay.io/x/y@{index}",
        lambda index: json.dumps([docker_container("a", index, index)]),
        lambda index: json.dumps({"containers": [cri_container("a", index, index)]}),
        lambda index: json.dumps(docker_ps("a", index)),
        lambda index: listed(running_pod("quay.io/x/y:1", f"quay.io/x/y@{index}")).decode(),
    ],
)
def test_an_index_that_runs_by_its_digest_alone_keeps_its_images(world: World, runs: Callable[[str], str]) -> None:
    index, _ = children_of_an_index_without_a_tag(world)
    for options in ((), ("--dry-run",)):
        done = prune(world, runs(index), options=options)
        assert kept(done)["pr-3"].startswith(f"it is in {index}, which runs in ")
        assert done.json["deleted"] == []
    assert world.upstream.tags() == {"v1", "pr-3"}


def test_an_index_that_is_recorded_elsewhere_keeps_its_images_where_it_runs(world: World) -> None:
    index, _ = children_of_an_index_without_a_tag(world)
    copy = world.image.replace("/app", "/copy")
    words = ("--source", SOURCE, "--repo", world.upstream.url)
    assert world.run("publish", f"{copy}:v1@{index}", "--offline", *words).code == 0
    assert set(kept(prune(world, index))) == {"pr-3"}


def test_what_cannot_be_asked_for_keeps_everything(world: World) -> None:
    """By the beginning of an id, which no registry knows; it is told once the beginning is that of something known."""
    index, _ = children_of_an_index_without_a_tag(world)
    done = prune(world, json.dumps(docker_ps("a", index[7:19])))
    assert (done.code, done.json["deleted"]) == (5, [])
    assert f"what has an id that begins with {index[7:19]} runs in a, and nothing tells what that is" in done.err
    assert world.upstream.tags() == {"v1", "pr-3"}


def test_a_tag_that_runs_and_is_not_recorded_is_not_deleted_with_the_digest(world: World) -> None:
    assert world.push("v1")
    assert world.publish("v1").code == 0
    old = world.push("pr-1")
    assert world.publish("pr-1", *OLD).code == 0
    world.registry.push(old, f"{world.image}:nightly")
    runs = f"{world.registry.host}/{world.image}:nightly"
    done = prune(world, runs, options=("--with-untracked-tags",))
    assert kept(done) == {"pr-1": "the tag `nightly`, which runs in -, serves it"}
    assert done.json["deleted"] == []

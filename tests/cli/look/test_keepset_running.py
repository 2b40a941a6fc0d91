"""`keepset --running`: what runs is kept, whether the ledger has it or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream
from tests.support.registries.world import World
from tests.support.values.make import digest, ledger_bytes, record
from tests.support.values.outcome import Outcome
from tests.support.values.running import APP, HOST, docker_ps, listed, running_pod
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]
AMD, ARM = "linux/amd64", "linux/arm64"


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    records = [record("myorg/app", "v1", digest=digest("v1"), index=digest("i"), config=digest("c"), platform=AMD)]
    settings = f"registries: [{{host: {HOST}, images: ['myorg/*']}}]\n"
    made = Upstream.create(tmp_path / "world.git", ledger_bytes(*records), settings)
    monkeypatch.setenv("LEDGER_REPO", made.url)
    monkeypatch.chdir(tmp_path)
    return made


def keepset(run: Run, content: str | bytes, *options: str) -> Outcome:
    Path("running").write_bytes(content.encode() if isinstance(content, str) else content)
    return run("keepset", "--running", "running", *options)


@pytest.mark.parametrize(
    "runs", [f"{APP}:v1", f"{APP}@{digest('i')}", digest("c"), "nginx:1", f"{APP}:gone@{digest('v1')}"]
)
def test_what_is_recorded_is_kept_as_ever(ledger: Run, recorded: Upstream, runs: str) -> None:
    done = keepset(ledger, runs)
    assert (done.code, done.out.split()) == (0, sorted([digest("v1"), digest("i")])), done.err
    report = keepset(ledger, runs, "--format", "json").json
    check_schema("keepset-v1", report)
    assert ("running" in report["digests"][0]["as"] + report["digests"][1]["as"]) == ("@" in runs)


def test_what_the_ledger_no_longer_has_is_kept_and_nobody_has_looked_into_it(ledger: Run, recorded: Upstream) -> None:
    pods = listed(running_pod(f"{APP}:v0", f"{APP}@{digest('old')}"))
    done = keepset(ledger, pods)
    assert (done.code, done.out) == (5, "")
    assert f"nobody has looked at myorg/app@{digest('old')}: it may be an index" in done.err
    report = keepset(ledger, pods, "--format", "json").json
    kept = {one["digest"]: one for one in report["digests"]}
    assert (kept[digest("old")]["as"], kept[digest("old")]["repositories"]) == (["running"], [f"{HOST}/myorg/app"])
    assert report["unseen"] == [f"myorg/app@{digest('old')}"]


def test_a_tag_that_runs_and_is_neither_pinned_nor_recorded_stops_the_list(ledger: Run, recorded: Upstream) -> None:
    done = keepset(ledger, f"{APP}:nightly")
    assert (done.code, done.out) == (5, "")
    assert "nobody has looked at myorg/app:nightly: it runs without a digest" in done.err
    assert keepset(ledger, f"{APP}:nightly", "--format", "json").json["unseen"] == ["myorg/app:nightly"]


def test_live_asks_for_what_runs_and_all_that_is_in_it(world: World, tmp_path: Path) -> None:
    first = world.push("v1")
    assert world.publish("v1").code == 0
    index = world.push("old", "old", (AMD, ARM), attest=True)
    nightly = world.push("nightly")
    (tmp_path / "running").write_text(
        "\n".join(
            f"{world.registry.host}/{world.image}{rest}"
            for rest in (f"@{index.digest}", ":nightly", ":never", f"@{digest('lost')}")
        )
    )
    words = ("keepset", "--live", "--running", tmp_path / "running", "--repo", world.upstream.url)
    done = world.run(*words)
    assert done.code == 0, done.err
    inside = [one["digest"] for one in index.read(index.digest)["manifests"]]
    assert done.out.split() == sorted([first.digest, index.digest, *inside, nightly.digest, digest("lost")])
    report = world.run(*words, "--format", "json").json
    check_schema("keepset-v1", report)
    roles = {one["digest"]: one["as"] for one in report["digests"]}
    assert (roles[index.digest], roles[nightly.digest], roles[inside[0]]) == (["running"], ["running"], ["child"])
    world.upstream.commit_as_other_writer({"ledger.yaml": b"registries: [{host: 'http://127.0.0.1:9'}]\n"})
    (tmp_path / "running").write_text(f"{world.image}:nightly")
    done = world.run(*words)
    assert (done.code, done.out) == (5, "")


@pytest.mark.parametrize("runs", [digest("old"), f"quay.io/x/y@{digest('old')}"])
def test_what_runs_under_no_name_of_ours_may_be_an_index_that_nobody_has_looked_at(
    ledger: Run, recorded: Upstream, runs: str
) -> None:
    done = keepset(ledger, runs)
    assert (done.code, done.out) == (5, "")
    assert f"nobody has looked at {digest('old')}: it may be an index" in done.err
    report = keepset(ledger, runs, "--format", "json").json
    check_schema("keepset-v1", report)
    assert report["unseen"] == [digest("old")]


def test_the_beginning_of_an_id_that_nothing_has_stops_the_list(ledger: Run, recorded: Upstream) -> None:
    assert keepset(ledger, json.dumps(docker_ps("web", digest("c")[7:19]))).code == 0
    short = digest("old")[:19]
    done = keepset(ledger, json.dumps(docker_ps("web", short[7:])))
    assert (done.code, done.out) == (5, "")
    assert f"nobody has looked at {short}: it runs without a digest" in done.err


def test_live_asks_each_repository_for_what_runs_under_no_name_of_ours(world: World, tmp_path: Path) -> None:
    first = world.push("v1")
    assert world.publish("v1").code == 0
    index, other = world.push("old", "old", (AMD, ARM)), world.push("other", "other", (AMD, ARM))
    config = first.read(first.digest)["config"]["digest"]  # some registries fail if it is asked for as a manifest
    file = tmp_path / "running"
    file.write_text(f"{index.digest}\nquay.io/x/y@{other.digest}\n{digest('lost')}\n{config}\n")
    words = ("keepset", "--live", "--running", file, "--repo", world.upstream.url)
    done = world.run(*words)
    assert done.code == 0, done.err
    inside = [one["digest"] for one in (*index.read(index.digest)["manifests"], *other.read(other.digest)["manifests"])]
    assert done.out.split() == sorted([first.digest, index.digest, other.digest, *inside])
    report = world.run(*words, "--format", "json").json
    check_schema("keepset-v1", report)
    repository = f"{world.registry.host}/{world.image}"
    assert all(one["repositories"] == [repository] for one in report["digests"])
    file.write_text(json.dumps(docker_ps("web", index.digest[7:19])))
    done = world.run(*words)
    assert (done.code, done.out) == (5, "")
    assert f"what has an id that begins with {index.digest[7:19]} runs in web, and nothing tells" in done.err

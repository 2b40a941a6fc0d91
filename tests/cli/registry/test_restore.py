"""`restore` against real registries; what their tags serve afterwards is skopeo's word."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.git.servers import free_port
from tests.support.git.upstream import git
from tests.support.registries.direct import Direct
from tests.support.registries.registry import Layout, RealRegistry, real_registry
from tests.support.registries.tokens import TokenKeys, token_script
from tests.support.registries.wire import wire_server
from tests.support.registries.world import World
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

BOTH = ("linux/amd64", "linux/arm64")
ENVIRONMENTS = "environments:\n  staging: {}\n  prod: {from: staging}\n"
Run = Callable[..., Outcome]


def record(world: World, tag: str, text: str = "", platforms: tuple[str, ...] = (), *options: object) -> Layout:
    layout = world.push(tag, text, platforms)
    done = world.publish(tag, *options)
    assert done.code == 0, done.err
    return layout


def restore(world: World, *options: object) -> Outcome:
    return world.run("restore", "--repo", world.upstream.url, *options)


def actions(done: Outcome) -> dict[str, dict[str, Any]]:
    check_schema("restore-v1", done.json)
    assert len({(one["registry"], one["tag"]) for one in done.json["actions"]}) == len(done.json["actions"])
    return {one["tag"]: one for one in done.json["actions"]}


def served(world: World, tag: str, registry: RealRegistry | None = None) -> str:
    return (registry or world.registry).served(f"{world.image}:{tag}")


def test_tags_go_back_to_what_the_ledger_says(world: World, tmp_path: Path) -> None:
    v1, v2 = record(world, "v1"), record(world, "v2", "", BOTH)
    v3 = record(world, "v3")
    world.registry.push(v1, f"{world.image}:v2")
    world.registry.delete_tag(world.image, "v3")
    done = restore(world, "--format", "json")
    assert done.code == 0, done.err
    assert done.err == "dry run: would put back 2 tags; add `--yes` to do it\n"
    assert {tag: one["state"] for tag, one in actions(done).items()} == {"v2": "planned", "v3": "planned"}
    assert (done.json["dryRun"], done.json["checked"]) == (True, 3)
    assert served(world, "v2") == v1.digest
    done = restore(world, "--yes", "--format", "json")
    assert done.code == 0, done.err
    assert done.err == "put back 2 tags\n"
    assert actions(done)["v2"] == {
        "registry": world.registry.host, "image": world.image, "tag": "v2", "ledger": v2.digest, "was": v1.digest,
        "now": v2.digest, "state": "restored", "reason": "the tag serves another digest",
    }  # fmt: skip
    assert (actions(done)["v3"]["was"], actions(done)["v3"]["now"]) == (None, v3.digest)
    assert {tag: served(world, tag) for tag in ("v1", "v2", "v3")} == {
        "v1": v1.digest, "v2": v2.digest, "v3": v3.digest,
    }  # fmt: skip
    assert world.registry.pulls(f"{world.image}:v2", tmp_path)
    assert world.reconcile().code == 0
    again = restore(world, "--yes")
    assert (again.code, again.out, again.err) == (0, "", "nothing to restore: 3 tags checked\n")


def test_a_pattern_chooses(world: World) -> None:
    for tag in ("v1", "w1"):
        record(world, tag)
        world.registry.delete_tag(world.image, tag)
    done = restore(world, f"{world.image}:v*", "--yes", "--format", "json")
    assert (done.code, list(actions(done))) == (0, ["v1"])
    assert restore(world, "other/*").code == 3


def test_what_the_ledger_never_had_is_left_unless_told_otherwise(world: World) -> None:
    v1 = record(world, "v1")
    other = world.push("v1", "somebody pushed, and will publish")
    done = restore(world, "--yes", "--format", "json")
    assert done.code == 1
    assert done.err == "put nothing back: 1 left\n"
    action = actions(done)["v1"]
    assert (action["state"], action["was"], action["now"]) == ("left", other.digest, other.digest)
    assert action["reason"] == "the ledger never had what it serves: its publish may be on the way"
    assert served(world, "v1") == other.digest
    assert restore(world, "--overwrite").err == "dry run: would put back 1 tag; add `--yes` to do it\n"
    assert served(world, "v1") == other.digest
    assert restore(world, "--overwrite", "--yes").code == 0
    assert served(world, "v1") == v1.digest


def test_what_the_ledger_once_had_is_no_news_and_a_shallow_clone_says_that_it_cannot_tell(
    world: World, tmp_path: Path
) -> None:
    old, new = record(world, "latest", "old", BOTH), record(world, "latest", "new", BOTH)
    world.registry.push(old, f"{world.image}:latest", all_platforms=True)
    git("clone", "--quiet", "--depth=1", f"file://{world.upstream.path}", tmp_path / "shallow")
    done = world.run("restore", "--repo", tmp_path / "shallow", "--yes", "--format", "json")
    assert done.code == 1
    action = actions(done)["latest"]
    assert action["state"] == "left"
    assert "shallow" in action["reason"]
    done = restore(world, "--yes", "--format", "json")
    assert (done.code, actions(done)["latest"]["state"]) == (0, "restored"), done.err
    assert served(world, "latest") == new.digest
    assert old.digest != new.digest


def test_what_is_yanked_or_has_expired_is_not_put_back(world: World) -> None:
    record(world, "v1")
    record(world, "v2", "", (), "--ttl", "1d", "--published-at", "2026-01-01T00:00:00Z")
    record(world, "v3", "v1")  # the same image, and so yanked with it
    named = f"{world.image}:v1"
    assert world.run("yank", named, "--reason", "crashes", "--repo", world.upstream.url).code == 0
    for tag in ("v1", "v2", "v3"):
        world.registry.delete_tag(world.image, tag)
    done = restore(world, "--yes", "--format", "json")
    assert (done.code, done.err) == (0, "put nothing back: 3 withheld\n")
    assert {tag: (one["state"], one["reason"]) for tag, one in actions(done).items()} == {
        "v1": ("withheld", "it is yanked: crashes"),
        "v2": ("withheld", "it is past its TTL of 1d"),
        "v3": ("withheld", f"it has the digest of {named}, which is yanked: crashes"),
    }
    reconciled = world.reconcile("--format", "json")
    assert reconciled.code == 0
    told = {one["tag"]: (one["class"], one["kind"], one["command"]) for one in reconciled.json["findings"]}
    prune = f"ledger prune {world.image}:v2 --now 2026-01-02T00:00:00Z --yes"
    assert told == {
        "v1": ("tag-missing", "housekeeping", ""),
        "v2": ("tag-missing", "housekeeping", prune),
        "v3": ("tag-missing", "housekeeping", ""),
    }
    reasons = {one["tag"]: one["reason"] for one in reconciled.json["findings"]}
    assert reasons["v1"] == "the tag is gone; the recorded digest still pulls; it is yanked: crashes"


def test_no_command_gives_a_tag_back_what_is_yanked(world: World) -> None:
    """Whoever took the tag over a yanked version did what nobody should: but what was there stays away."""
    old, other = record(world, "v1"), world.push("v2", "other")
    assert world.run("yank", f"{world.image}:v1", "--reason", "crashes", "--repo", world.upstream.url).code == 0
    world.registry.push(other, f"{world.image}:v1")
    done = world.reconcile("--format", "json")
    (finding,) = done.json["findings"]
    assert (done.code, finding["class"], finding["kind"]) == (1, "tag-moved", "drift")
    assert finding["reason"].endswith("it is yanked: crashes")
    assert finding["command"].startswith(f"ledger publish {world.image}:v1@{other.digest}")
    assert finding["alternative"].startswith(f"ledger remove {world.image}:v1")
    assert old.digest not in finding["command"] + finding["alternative"]


def test_what_is_lost_is_not_put_back(world: World) -> None:
    gone, hollow, torn = record(world, "gone"), record(world, "hollow"), record(world, "torn", "", BOTH)
    kept = record(world, "kept")
    for tag in ("gone", "hollow", "torn"):
        world.registry.push(kept, f"{world.image}:{tag}")
    world.registry.delete_manifest(world.image, gone.digest)
    layer = hollow.read(hollow.digest)["layers"][0]["digest"]
    world.registry.delete_blob(world.image, layer)
    child = torn.images()[BOTH[1]]
    world.registry.delete_manifest(world.image, child)
    done = restore(world, "--yes", "--format", "json")
    assert (done.code, done.err) == (1, "put nothing back: 3 lost\n")
    assert {tag: (one["state"], one["reason"]) for tag, one in actions(done).items()} == {
        "gone": ("lost", "the recorded digest is not there"),
        "hollow": ("lost", f"below the recorded digest, {layer} is missing"),
        "torn": ("lost", f"below the recorded digest, {child} is missing"),
    }
    assert served(world, "torn") == kept.digest


def test_what_has_another_digest_than_it_says_is_not_known_to_be_lost(world: World) -> None:
    """A byte that a disk has turned shows nothing of what is there: whoever reads it again may get the right ones."""
    broken = record(world, "v1", f"only in {world.image}")
    data = world.registry.folder / f"docker/registry/v2/blobs/sha256/{broken.digest[7:9]}/{broken.digest[7:]}/data"
    data.write_bytes(data.read_bytes() + b" ")
    world.registry.delete_tag(world.image, "v1")
    done = restore(world, "--yes", "--format", "json")
    assert done.code == 5
    action = actions(done)["v1"]
    assert action["state"] == "unknown"
    assert "but the body hashes to" in action["reason"]
    assert world.reconcile("--deep").code == 1  # the tag is gone, whatever else is not known


def test_docker_lists_and_nested_indexes_are_put_back_byte_by_byte(world: World) -> None:
    direct, image = Direct(world.registry), world.image
    inner = direct.push_index(image, [direct.push_image(image, "a"), direct.push_image(image, "b", "arm64")])
    outer = direct.push_index(image, [inner, direct.push_image(image, "c", "s390x")], annotations={"é": "\u2028"})
    direct.tag(image, "nested", outer["digest"])
    docker = world.registry.push(world.layout("docker"), f"{image}:docker", media="docker")
    entry = {"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "digest": docker, "size": 1}
    size = len(json.dumps(entry))  # whatever it says
    listed = world.registry.put_manifest(
        image, "list", {
            "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
            "manifests": [entry | {"size": size, "platform": {"os": "linux", "architecture": "amd64"}}],
        },
    )  # fmt: skip
    wanted = {"nested": outer["digest"], "list": listed["digest"], "docker": docker}
    for tag in wanted:
        assert world.publish(tag).code == 0
        world.registry.delete_tag(image, tag)
    done = restore(world, "--yes", "--format", "json")
    assert done.code == 0, done.err
    assert {tag: served(world, tag) for tag in wanted} == wanted


def test_an_environments_tags_are_set_and_no_others(world: World) -> None:
    world.upstream.commit_as_other_writer({"ledger.yaml": (world.registry.settings() + ENVIRONMENTS).encode()})
    v1, v2 = record(world, "v1"), record(world, "v2", "", BOTH)
    for tag, environment in (("v2", "staging"), ("v1", "staging"), ("v2", "staging")):
        promoted = world.run("promote", f"{world.image}:{tag}", "--to", environment, "--repo", world.upstream.url)
        assert promoted.code == 0, promoted.err
    world.registry.delete_tag(world.image, "v1")
    assert world.reconcile("--format", "json").json["summary"] == {"tag-missing": 1, "in-sync": 4}
    done = restore(world, "--env", "staging", "--yes", "--format", "json")
    assert (done.code, done.err) == (0, "put back 1 tag of staging\n"), done.err
    assert list(actions(done)) == ["staging"]
    assert served(world, "staging") == v2.digest
    assert restore(world, "--format", "json").json["actions"][0]["tag"] == "v1"
    world.registry.push(v1, f"{world.image}:staging")
    found = world.reconcile(f"{world.image}:staging", "--format", "json").json["findings"]
    assert {one["class"] for one in found} == {"tag-moved"}
    command = found[0]["command"].removeprefix("ledger ").split()
    assert world.run(*command, "--repo", world.upstream.url).code == 0
    assert served(world, "staging") == v2.digest
    for words, code in ((["--env", "prod"], 0), (["--env", "qa"], 2), ([f"{world.image}:staging"], 2)):
        assert restore(world, *words, "--yes").code == code
    assert restore(world, "other/*", "--env", "staging").code == 3
    registries = world.upstream.content(name="ledger.yaml").decode().partition("environments:")[0]
    world.upstream.commit_as_other_writer({"ledger.yaml": registries.encode()})
    gone = restore(world, f"{world.image}:staging")
    assert gone.code == 3
    assert f"`ledger remove {world.image}:staging --reason TEXT`" in gone.err
    world.registry.push(v1, f"{world.image}:staging")
    found = world.reconcile(f"{world.image}:staging", "--format", "json").json["findings"]
    assert {one["command"] for one in found} == {f"ledger remove {world.image}:staging --reason TEXT"}


def test_a_mirror_without_the_image_says_so_and_the_others_are_restored(world: World, tmp_path: Path) -> None:
    with real_registry(tmp_path / "mirror") as mirror, real_registry(tmp_path / "empty") as empty:
        hosts = "".join(f"  - host: {one.url}\n" for one in (world.registry, mirror, empty))
        world.upstream.commit_as_other_writer({"ledger.yaml": f"registries:\n{hosts}".encode()})
        v1 = record(world, "v1")
        other = record(world, "v2")
        for tag in ("v1", "v2"):
            mirror.push(v1, f"{world.image}:{tag}")
        mirror.push(other, f"{world.image}:v1")
        here = restore(world, "--registry", world.registry.host, "--yes", "--format", "json")
        assert (here.code, here.json["checked"], here.json["actions"]) == (0, 2, [])
        assert restore(world, "--registry", mirror.host, "--format", "json").json["summary"] == {"planned": 2}
        nowhere = restore(world, "--registry", "registry.example.org", "--yes")
        assert nowhere.code == 2
        assert f"its registries are {world.registry.host}, {mirror.host}, {empty.host}" in nowhere.err
        assert served(world, "v1", mirror) == other.digest
        done = restore(world, f"{world.image}:v1", "--yes", "--format", "json")
        assert done.code == 1
        states = {one["registry"]: (one["state"], one["was"]) for one in done.json["actions"]}
        assert states == {mirror.host: ("restored", other.digest), empty.host: ("lost", None)}
        assert served(world, "v1", mirror) == v1.digest


def test_a_registry_that_takes_nothing_is_reported_and_the_rest_goes_on(world: World, tmp_path: Path) -> None:
    layouts = {tag: record(world, tag) for tag in ("v1", "v2")}
    for tag in layouts:
        world.registry.delete_tag(world.image, tag)
    with (
        real_registry(tmp_path / "closed", read_only=world.registry) as closed,
        real_registry(tmp_path / "mirror") as mirror,
    ):
        for layout in layouts.values():
            mirror.push(layout, f"{world.image}:v1")  # v2 is the last one
        hosts = f"registries:\n  - host: {closed.url}\n  - host: {mirror.url}\n"
        world.upstream.commit_as_other_writer({"ledger.yaml": hosts.encode()})
        assert restore(world).code == 0  # nobody knows before it is tried
        done = restore(world, "--yes", "--format", "json")
        assert done.code == 6
        assert {(one["registry"], one["tag"], one["state"]) for one in done.json["actions"]} == {
            (closed.host, "v1", "failed"), (closed.host, "v2", "failed"), (mirror.host, "v1", "restored"),
            (mirror.host, "v2", "restored"),
        }  # fmt: skip
        assert done.json["complete"] is False
        assert {tag: served(world, tag, mirror) for tag in layouts} == {
            tag: layout.digest for tag, layout in layouts.items()
        }
        for tag in layouts:
            assert f"{closed.host} does not take the tag {tag} of {world.image}: it answers 405" in done.err
        assert "hint: check whether it takes pushes" in done.err


@pytest.mark.parametrize("may_write", [True, False])
def test_a_token_to_push_is_asked_for_only_when_something_is_put_back(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, may_write: bool
) -> None:
    keys = TokenKeys.make(tmp_path / "keys")
    with wire_server() as tokens:
        tokens.on("/token", token_script(keys, user="user", password="secret-password"))
        realm, roots = f"{tokens.url}/token", keys.certificate
        with real_registry(tmp_path / "registry", token_realm=realm, token_roots=roots) as registry:
            monkeypatch.setenv("LEDGER_REGISTRY_USERNAME", "user")
            monkeypatch.setenv("LEDGER_REGISTRY_PASSWORD", "secret-password")
            world = World.create(registry, tmp_path, ledger)
            v1 = record(world, "v1")
            registry.delete_tag(world.image, "v1")
            tokens.on("/token", token_script(keys, user="user", password="secret-password", may_write=may_write))
            tokens.asked.clear()
            assert restore(world).code == 0
            name = world.image.replace("/", "%2F")
            assert {one.path.partition("scope=")[2] for one in tokens.asked} == {f"repository%3A{name}%3Apull"}
            done = restore(world, "--yes")
            scopes = {one.path.partition(f"scope=repository%3A{name}%3A")[2] for one in tokens.asked}
            # A registry names the actions in any order.
            assert {frozenset(asked.split("%2C")) for asked in scopes} >= {frozenset({"pull", "push"})}
            if may_write:
                assert done.code == 0, done.err
                assert served(world, "v1") == v1.digest
            else:
                assert done.code == 6
                assert f"does not let us push to {world.image}" in done.err
            assert "secret-password" not in done.out + done.err


def test_a_registry_that_does_not_answer_is_unknown(world: World) -> None:
    record(world, "v1")
    silent = f"registries:\n  - host: http://127.0.0.1:{free_port()}\n"
    world.upstream.commit_as_other_writer({"ledger.yaml": silent.encode()})
    done = restore(world, "--yes", "--format", "json")
    assert (done.code, actions(done)["v1"]["state"], done.json["complete"]) == (5, "unknown", False)


def test_a_tag_is_taken_away_from_nothing_that_only_it_holds(world: World, tmp_path: Path) -> None:
    """After a restore and a garbage collection, all that any tag served that the ledger ever had can be pulled."""
    v1, v2 = record(world, "v1"), record(world, "v2")
    world.registry.push(v2, f"{world.image}:v1")
    assert restore(world, "--yes").code == 0
    for layout, tag in ((v1, "v1"), (v2, "v2")):
        assert world.registry.chosen(f"{world.image}:{tag}", BOTH[0], tmp_path) == layout.digest
    words = ["skopeo", "list-tags", "--tls-verify=false", f"docker://{world.registry.host}/{world.image}"]
    listed = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    assert listed["Tags"] == ["v1", "v2"]


def test_what_people_and_job_summaries_get(world: World) -> None:
    v1 = record(world, "v1")
    other = world.push("v1", "another")
    header, row = restore(world).out.splitlines()
    assert header.split() == ["STATE", "REGISTRY", "TAG", "WAS", "LEDGER", "REASON"]
    assert row.split()[:5] == ["left", world.registry.host, f"{world.image}:v1", other.digest[:19], v1.digest[:19]]
    assert row.endswith("the ledger never had what it serves: its publish may be on the way")
    lines = restore(world, "--overwrite", "--format", "markdown").out.splitlines()
    assert lines == [
        "**dry run: would put back 1 tag**",
        "",
        "| state | tag | was | ledger | reason |",
        "|---|---|---|---|---|",
        f"| planned | `{world.registry.host}/{world.image}:v1` | `{other.digest[:19]}` | `{v1.digest[:19]}` | "
        "`the tag serves another digest` |",
    ]

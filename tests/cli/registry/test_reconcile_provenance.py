"""`reconcile --provenance`: what a nightly run finds of statements that were revoked, replaced, broken or are gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.registries.attesting import attach, github, refer, rule, settle
from tests.support.registries.registry import real_registry
from tests.support.registries.wire import Reply, config, served, sha256, wire_server
from tests.support.registries.wire import image as wire_image
from tests.support.registries.world import World
from tests.support.values import signing
from tests.support.values.schemas import check_schema


def recorded(world: World, *tags: str, settings: str = "") -> list[str]:
    """Push, sign and publish images; return their digests."""
    settle(world, settings or rule())
    digests = []
    for tag in tags:
        digests.append(world.push(tag).digest)
        refer(world, digests[-1], signing.bundle(github(digests[-1])))
        done = world.publish(tag)
        assert done.code == 0, done.err
    return digests


def reconciled(world: World, *options: object) -> tuple[int, list[dict[str, Any]]]:
    done = world.reconcile("--provenance", "--format", "json", *options)
    assert done.out, done.err
    check_schema("reconcile-v1", done.json)
    found: list[dict[str, Any]] = done.json["findings"]
    return done.code, found


def test_what_is_proved_is_in_sync_and_counted_once(world: World) -> None:
    recorded(world, "v1", "v2")
    done = world.reconcile("--provenance", "--format", "json")
    assert (done.code, done.json["findings"], done.json["checked"]) == (0, [], 2)
    assert done.json["summary"] == {"in-sync": 2}


def test_what_became_of_each_statement_has_a_class_of_its_own(world: World) -> None:
    broken, replaced, missing, _ = recorded(world, "broken", "replaced", "missing", "well")
    attach(world, broken, signing.envelope(github(broken), name="another"))
    refer(world, replaced, signing.bundle(github(replaced)))
    refer(world, missing)
    code, found = reconciled(world)
    assert code == 1
    assert {one["tag"]: (one["class"], one["kind"]) for one in found} == {
        tag: (f"provenance-{tag}", "drift") for tag in ("broken", "replaced", "missing")
    }
    by_tag = {one["tag"]: one for one in found}
    assert "it has no valid signature by release.pub" in by_tag["broken"]["reason"]
    assert by_tag["replaced"]["served"] not in (None, by_tag["replaced"]["ledger"])
    assert by_tag["missing"]["served"] is None
    assert by_tag["missing"]["command"] == f"ledger verify {world.image}:missing --provenance"
    assert world.reconcile("--provenance", "--fail-on", "provenance-revoked").code == 0
    assert world.reconcile("--provenance", "--fail-on", "provenance-missing").code == 1
    assert world.reconcile().code == 0


@pytest.mark.parametrize("settings", ["", rule(signer="{key: other.pub}")])
def test_a_signer_that_no_rule_trusts_any_more_is_revoked(world: World, settings: str) -> None:
    recorded(world, "v1")
    settle(world, settings, {"other.pub": signing.public_pem(name="other")})
    code, (one,) = reconciled(world)
    assert (code, one["class"], one["kind"]) == (1, "provenance-revoked", "drift")
    assert "key:release.pub" in one["reason"]


def test_what_was_never_proved_and_need_not_be_is_housekeeping(world: World) -> None:
    world.pushed("v1")
    settle(world, rule())
    code, (one,) = reconciled(world)
    assert (code, one["class"], one["kind"]) == (0, "provenance-missing", "housekeeping")
    settle(world, rule(require=True))
    code, (one,) = reconciled(world)
    assert (code, one["kind"]) == (1, "drift")


def test_every_form_says_what_is_not_proved(world: World, tmp_path: Path) -> None:
    (image,) = recorded(world, "v1")
    refer(world, image)
    metrics = tmp_path / "ledger.prom"
    text = world.reconcile("--provenance", "--metrics", metrics).out
    assert text.startswith("1 provenance-missing, 1 in-sync\n")
    assert f"    ledger verify {world.image}:v1 --provenance" in text
    markdown = world.reconcile("--provenance", "--format", "markdown").out
    assert "| provenance-missing |" in markdown
    junit = world.reconcile("--provenance", "--format", "junit").out
    assert f'name="{world.image}:v1 linux/amd64 provenance"' in junit
    assert junit.count("<testcase") == 2
    assert 'class="provenance-missing"} 1' in metrics.read_text()


def test_a_class_that_the_run_cannot_find_is_a_usage_error(world: World) -> None:
    recorded(world, "v1")
    done = world.reconcile("--fail-on", "provenance-broken")
    assert done.code == 2
    assert "finds nothing without `--provenance`" in done.err


def test_what_cannot_be_looked_at_is_unknown(world: World) -> None:
    (image,) = recorded(world, "v1")
    raw = signing.bundle(github(image))
    refer(world, image, raw)
    world.registry.delete_blob(world.image, sha256(raw))
    code, (one,) = reconciled(world)
    assert (code, one["class"], one["kind"]) == (5, "unknown", "unknown")
    assert one["reason"].startswith(f"its provenance could not be seen: what is attached to {image} at ")


def test_plain_runs_do_not_ask_for_statements(world: World) -> None:
    with wire_server() as wire:
        raw = wire_image()
        settings = f"registries:\n  - host: {wire.url}\n" + rule()
        world.upstream.commit_as_other_writer({"ledger.yaml": settings.encode(), "release.pub": signing.public_pem()})
        for path in (f"/v2/{world.image}/manifests/v1", f"/v2/{world.image}/manifests/{sha256(raw)}"):
            wire.on(path, served(raw))
        wire.on(f"/v2/{world.image}/blobs/{sha256(config())}", Reply(body=config()))
        assert world.publish(f"v1@{sha256(raw)}", "--platform", "linux/amd64", "--offline").code == 0
        assert (world.verify("v1").code, world.reconcile().code) == (0, 0)
        plain = [one.path for one in wire.asked]
        assert not [path for path in plain if "referrers" in path or ".att" in path]
        assert world.verify("v1", "--provenance").code == 1
        asked = [one.path.partition("?")[0].rpartition("/")[2] for one in wire.asked[len(plain) :]]
        of_image = sha256(raw).replace(":", "-")
        assert {sha256(raw), of_image, f"{of_image}.att"} <= set(asked)


def test_a_mirror_need_not_have_the_statements(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    (image,) = recorded(world, "v1")
    with real_registry(tmp_path_factory.mktemp("mirror")) as mirror:
        mirror.push(world.layout("v1"), f"{world.image}:v1")
        settings = f"registries:\n  - host: {world.registry.url}\n  - host: {mirror.url}\n" + rule()
        world.upstream.commit_as_other_writer({"ledger.yaml": settings.encode()})
        code, (one,) = reconciled(world)
        assert (code, one["class"], one["kind"], one["registry"]) == (
            0,
            "provenance-missing",
            "housekeeping",
            mirror.host,
        )
        assert one["reason"].endswith(f"; {world.registry.host} has a statement that holds")
        done = world.verify("v1", "--provenance", "--format", "json")
        assert (done.code, done.json["ok"]) == (0, True)
        assert [check["state"] for check in done.json["provenance"]] == ["proved", "missing"]
        refer(world, image)
        assert (reconciled(world)[0], world.verify("v1", "--provenance").code) == (1, 1)

"""`publish` and `--adopt` of images that a rule names: what has to be proved before they are recorded."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.git.upstream import git
from tests.support.registries.attesting import attach, github, refer, rule, settle
from tests.support.registries.world import World
from tests.support.values import provenance, signing
from tests.support.values.make import SOURCE, digest, source
from tests.support.values.provenance import COMMIT
from tests.support.values.sigstore import IDENTITY, ISSUER, Instance

BOTH = ("linux/amd64", "linux/arm64")
LABELS = {
    "org.opencontainers.image.source": SOURCE.rpartition("@")[0],
    "org.opencontainers.image.revision": SOURCE.rpartition("@")[2],
}
OTHER = "https://git.example.com/team/other"


def proved(world: World) -> dict[str, Any]:
    """Return the provenance of each record, by tag and platform."""
    return {
        f"{record['tag']} {record.get('platform', '')}": record.get("provenance") for record in world.upstream.records()
    }


@pytest.mark.parametrize("require", [False, True])
def test_a_statement_that_holds_is_recorded_with_its_signer(world: World, require: bool) -> None:
    settle(world, rule(require=require))
    image = world.push("v1").digest
    raw = signing.bundle(github(image))
    refer(world, image, raw)
    done = world.publish("v1")
    assert done.code == 0, done.err
    assert proved(world) == {
        "v1 linux/amd64": {
            "digest": "sha256:" + hashlib.sha256(raw).hexdigest(),
            "builder": f"{SOURCE.rpartition('@')[0]}/.github/workflows/build.yml@refs/heads/main",
            "signer": "key:release.pub",
        }
    }
    commits = world.upstream.commits()
    assert "nothing to do" in world.publish("v1").err
    assert world.upstream.commits() == commits
    assert world.verify("v1", "--provenance").code == 0


def test_a_missing_statement_is_a_note_unless_it_is_required(world: World) -> None:
    settle(world, rule())
    world.push("v1")
    done = world.publish("v1")
    assert done.code == 0
    told = f"note: {world.image}:v1 (linux/amd64) is not proved: no statement by a signer that ledger.yaml names"
    assert told in done.err
    assert proved(world) == {"v1 linux/amd64": None}
    settle(world, rule(require=True))
    world.push("v2")
    done = world.publish("v2")
    assert (done.code, done.out) == (3, "")
    assert f"error: {world.image}:v2 (linux/amd64) is not proved: no statement by a signer" in done.err
    assert "`--bundle FILE`" in done.err
    assert world.upstream.tags() == {"v1"}


@pytest.mark.parametrize("require", [False, True])
def test_a_statement_that_does_not_hold_is_an_error_and_nothing_is_written(world: World, require: bool) -> None:
    settle(world, rule(require=require))
    image = world.push("v1").digest
    broken = {
        "it has no valid signature by release.pub": signing.envelope(github(image), name="another"),
        f"it says the source {OTHER}": signing.envelope(github(image, repository=OTHER)),
        "it says commit ffff": signing.envelope(github(image, commit="f" * 40)),
        "not about this image": signing.envelope(github(digest("other"))),
        "is not a valid statement": signing.envelope(github(image))[:-9],
    }
    for reason, raw in broken.items():
        attach(world, image, raw)
        done = world.publish("v1")
        assert (done.code, done.out) == (3, ""), reason
        assert reason in done.err
        assert "hint: build and sign the image again" in done.err
    attach(world, image, *broken.values(), signing.envelope(github(image)))
    assert world.publish("v1").code == 3
    assert world.upstream.records() == []


def test_each_image_of_an_index_has_its_own_proof(world: World) -> None:
    settle(world, rule(require=True))
    layout = world.push("v1", "multi", BOTH)
    amd64, arm64 = (layout.images()[platform] for platform in BOTH)
    refer(world, amd64, signing.bundle(github(amd64)))
    done = world.publish("v1")
    assert done.code == 3
    assert f"{world.image}:v1 (linux/arm64) is not proved" in done.err
    refer(world, arm64, signing.bundle(github(arm64)))
    assert world.publish("v1").code == 0
    of_each = proved(world)
    assert of_each["v1 linux/amd64"] != of_each["v1 linux/arm64"]
    refer(world, layout.digest, signing.bundle(github(layout.digest)))
    assert "nothing to do" in world.publish("v1").err


def test_the_record_that_stays_is_what_is_proved(world: World) -> None:
    """A publish of the same digest from another commit keeps the recorded source: that is what has to be true."""
    image = world.push("v1").digest
    assert world.publish("v1").code == 0
    settle(world, rule())
    other = source("another")
    refer(world, image, signing.bundle(github(image, commit=other.rpartition("@")[2])))
    assert world.publish("v1", source=other).code == 3
    refer(world, image, signing.bundle(github(image)))
    done = world.publish("v1", source=other)
    assert done.code == 0, done.err
    (record,) = world.upstream.records()
    assert (record["sourceRef"], record["provenance"]["signer"]) == (SOURCE, "key:release.pub")


def test_a_file_has_the_statement_with_a_registry_and_without(world: World, tmp_path: Path) -> None:
    settle(world, rule(require=True))
    image = world.push("v1").digest
    file = tmp_path / "bundle.json"
    file.write_bytes(signing.bundle(github(image)))
    assert world.publish("v1", "--bundle", file).code == 0
    assert proved(world)["v1 linux/amd64"]["signer"] == "key:release.pub"
    other = digest("offline")
    file.write_bytes(signing.bundle(github(other)))
    words = (f"v2@{other}", "--platform", "linux/amd64", "--offline")
    assert world.publish(*words, "--bundle", file).code == 0
    file.write_bytes(signing.bundle(github(digest("elsewhere"))))
    assert world.publish(f"v3@{other}", "--platform", "linux/amd64", "--offline", "--bundle", file).code == 3
    done = world.publish(f"v3@{other}", "--platform", "linux/amd64", "--offline")
    assert done.code == 3
    assert f"{world.image}:v3 has no signed statement that was checked, which ledger.yaml requires" in done.err
    assert world.upstream.tags() == {"v1", "v2"}


def test_a_file_about_an_image_that_no_rule_names_is_a_usage_error(world: World, tmp_path: Path) -> None:
    settle(world, rule("other/*"))
    image = world.push("v1").digest
    file = tmp_path / "bundle.json"
    file.write_bytes(signing.bundle(github(image)))
    done = world.publish("v1", "--bundle", file)
    assert done.code == 2
    assert f"ledger.yaml does not say what has to be proved of {world.image}" in done.err
    assert world.publish("v1", "--bundle", tmp_path / "none.json").code == 2


def test_an_image_that_no_rule_names_costs_no_request_more(world: World) -> None:
    settle(world, rule("other/*"))
    image = world.push("v1").digest
    attach(world, image, b"broken")
    assert world.publish("v1").code == 0


def test_without_the_library_a_statement_is_neither_proved_nor_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pushed("v0")
    settle(world, rule())
    image = world.push("v1", labels=LABELS).digest
    refer(world, image, signing.bundle(github(image)))
    with monkeypatch.context() as patch:
        for name in [module for module in sys.modules if module.split(".")[0] == "cryptography"]:
            patch.setitem(sys.modules, name, None)
        for words in (("publish", f"{world.image}:v1", "--source", SOURCE), ("reconcile", "--adopt")):
            done = world.run(*words, "--repo", world.upstream.url)
            assert done.code == 2
            assert "the Python library `cryptography` is not installed" in done.err
            assert "hint: install it" in done.err
    assert world.upstream.tags() == {"v0"}


def test_what_cannot_be_looked_at_is_tried_again_later(world: World) -> None:
    settle(world, rule())
    image = world.push("v1").digest
    raw = signing.bundle(github(image))
    refer(world, image, raw)
    world.registry.delete_blob(world.image, "sha256:" + hashlib.sha256(raw).hexdigest())
    done = world.publish("v1")
    assert (done.code, done.out) == (5, "")
    assert "could not be looked at" in done.err


def test_adopt_records_what_is_proved_and_leaves_out_what_is_not(world: World) -> None:
    world.pushed("v0")
    settle(world, rule(require=True))
    good, bad = (world.push(tag, labels=LABELS).digest for tag in ("good", "bad"))
    world.push("none", labels=LABELS)
    refer(world, good, signing.bundle(github(good)))
    attach(world, bad, signing.envelope(github(bad), name="another"))
    done = world.reconcile("--adopt")
    assert proved(world)["good linux/amd64"]["signer"] == "key:release.pub"
    assert world.upstream.tags() == {"v0", "good"}
    assert done.code == 3
    assert f"error: {world.image}:bad (linux/amd64): the statement " in done.err
    assert f"not adopted: {world.image}:bad" not in done.err
    assert f"not adopted: {world.image}:none (linux/amd64) is not proved: " in done.err
    settle(world, rule())
    assert world.reconcile("--adopt").code == 3
    assert world.upstream.tags() == {"v0", "good", "none"}


def test_adopt_ends_with_5_where_statements_could_not_be_looked_at(world: World) -> None:
    world.pushed("v0")
    settle(world, rule())
    image, other = (world.push(tag, tag, labels=LABELS).digest for tag in ("v1", "v2"))
    raw = signing.bundle(github(image))
    refer(world, image, raw)
    refer(world, other, signing.bundle(github(other)))
    world.registry.delete_blob(world.image, "sha256:" + hashlib.sha256(raw).hexdigest())
    done = world.reconcile("--adopt", "--format", "json")
    assert done.code == 5
    assert f"error: {world.image}:v1 (linux/amd64): what is attached to " in done.err
    assert world.upstream.tags() == {"v0", "v2"}


def _of(url: str) -> dict[str, Any]:
    return provenance.buildkit(vcs={"source": url, "revision": COMMIT})


@pytest.mark.parametrize("url", ["ssh://git@git.example.com:2222/team/app.git", "git@git.example.com:team/app.git"])
def test_a_source_may_be_written_as_the_repository_is(world: World, url: str) -> None:
    settle(world, rule(source=url, require=True))
    image = world.push("v1").digest
    refer(world, image, signing.bundle(provenance.statement(_of(url), image)))
    done = world.publish("v1", source=f"{url}@{COMMIT}")
    assert done.code == 0, done.err
    assert proved(world)["v1 linux/amd64"]["signer"] == "key:release.pub"
    settle(world, rule(source="https://git.example.com/other/*"))
    other = world.push("v2", "v2").digest
    refer(world, other, signing.bundle(provenance.statement(_of(url), other)))
    done = world.publish("v2", source=f"{url}@{COMMIT}")
    assert done.code == 3
    assert "; if that source is right, correct ledger.yaml" in done.err


def test_an_identity_that_an_issuer_has_proved_may_sign(world: World) -> None:
    instance = Instance()
    signer = f"{{issuer: '{ISSUER}', identity: 'https://github.com/team/*', trustedRoot: root.json}}"
    settle(world, rule(signer=signer, require=True), {"root.json": instance.trusted_root()})
    image = world.push("v1").digest
    others = "is not proved: no statement by a signer that ledger.yaml names; 1 of other signers is there"
    for raw, reason in (
        (instance.bundle(github(image), identity="https://github.com/evil/app/x.yml@refs/heads/main"), others),
        (instance.bundle(github(image), issuer="https://issuer.evil.example"), others),
        (instance.bundle(github(image), late=timedelta(hours=1)), "cert is not valid at validation time"),
        (instance.bundle(github(image, commit="f" * 40)), "it says commit ffff"),
        (Instance().bundle(github(image)), "does not hold: sigstore: "),
    ):
        refer(world, image, raw)
        done = world.publish("v1")
        assert (done.code, done.out) == (3, "")
        assert reason in done.err
    refer(world, image, instance.bundle(github(image)))
    assert world.publish("v1").code == 0
    assert proved(world)["v1 linux/amd64"]["signer"] == f"{IDENTITY} ({ISSUER})"
    assert world.verify("v1", "--provenance").code == 0
    settle(world, rule(signer=signer.replace("team/*", "other/*")), {"root.json": instance.trusted_root()})
    done = world.verify("v1", "--provenance", "--format", "json")
    assert (done.code, done.json["provenance"][0]["state"]) == (1, "revoked")


def test_without_a_registry_a_statement_about_an_index_proves_no_image(world: World, tmp_path: Path) -> None:
    settle(world, rule())
    layout = world.push("v1", "multi", BOTH)
    file = tmp_path / "bundle.json"
    file.write_bytes(signing.bundle(github(layout.digest)))
    words = (f"v1@{digest('evil')}", "--index", layout.digest, "--platform", BOTH[0], "--offline", "--bundle", file)
    done = world.publish(*words)
    assert (done.code, done.out) == (3, "")
    assert "no registry was asked whether that has the image" in done.err
    assert world.publish("v1", "--bundle", file).code == 0
    assert world.verify("v1", "--bundle", file).code == 0
    assert world.publish(f"v2@{layout.digest}", "--offline", "--bundle", file).code == 0


def test_a_file_may_have_the_statements_about_several_images_of_a_run(world: World, tmp_path: Path) -> None:
    settle(world, rule(require=True))
    digests = [world.push(tag).digest for tag in ("a", "b")]
    file, metadata = tmp_path / "bundles.jsonl", tmp_path / "metadata.json"
    file.write_bytes(b"\n".join(signing.bundle(github(one)) for one in digests))
    metadata.write_text(
        json.dumps(
            {
                tag: {"image.name": f"{world.image}:{tag}", "containerimage.digest": one}
                for tag, one in zip("ab", digests, strict=True)
            }
        )
    )
    words = ("publish", "--metadata-file", metadata, "--source", SOURCE, "--repo", world.upstream.url)
    assert world.run(*words).code == 3
    done = world.run(*words, "--bundle", file)
    assert done.code == 0, done.err
    file.write_bytes(file.read_bytes().splitlines()[0])
    assert f"{world.image}:b (linux/amd64) is not proved" in world.run(*words, "--bundle", file).err


def test_a_statement_about_another_image_of_the_index_does_not_count_also_if_that_is_not_published(
    world: World, tmp_path: Path
) -> None:
    settle(world, rule(require=True))
    layout = world.push("v1", "multi", BOTH)
    statements = [signing.bundle(github(one)) for one in layout.images().values()]
    file = tmp_path / "bundles.jsonl"
    file.write_bytes(b"\n".join(statements))
    assert world.publish("v1", "--platform", BOTH[0], "--bundle", file).code == 0
    refer(world, layout.digest, *statements)
    world.push("v2", "multi", BOTH)
    assert world.publish("v2", "--platform", BOTH[1]).code == 0
    assert world.verify("v2", "--provenance").code == 0
    refer(world, layout.digest, *statements, signing.bundle(github(digest("another"))))
    done = world.publish("v2", "--platform", BOTH[1])
    assert done.code == 3
    assert "not about this image" in done.err
    assert "delete that statement at the registry" in done.err
    file.write_bytes(b"\n".join([*statements, signing.bundle(github(digest("another")))]))
    assert "take that statement out of the file" in world.publish("v2", "--bundle", file).err


def test_an_offline_batch_is_proved_by_a_file(world: World, tmp_path: Path) -> None:
    settle(world, rule(require=True))
    digests = {tag: digest(tag) for tag in ("a", "b")}
    batch, file = tmp_path / "batch", tmp_path / "bundles.jsonl"
    lines = [{"image": world.image, "tag": tag, "platform": BOTH[0], "digest": one} for tag, one in digests.items()]
    batch.write_text("\n".join(json.dumps(line) for line in lines))
    words = ("publish", "--source", SOURCE, "--offline", "--repo", world.upstream.url)
    file.write_bytes(b"\n".join(signing.bundle(github(one)) for one in [*digests.values(), digest("c")]))
    assert world.run(*words, "--from", batch, "--bundle", file).code == 3
    file.write_bytes(b"\n".join(signing.bundle(github(one)) for one in digests.values()))
    done = world.run(*words, "--from", batch, "--bundle", file)
    assert done.code == 0, done.err
    assert {one["signer"] for one in proved(world).values()} == {"key:release.pub"}
    done = world.run(*words, "--from", "-", "--bundle", "-")
    assert done.code == 2
    assert "`--bundle -` and `--from -` cannot be combined" in done.err


def test_an_index_whose_images_are_recorded_proves_them_only_where_a_registry_is_asked(
    world: World, tmp_path: Path
) -> None:
    settle(world, rule(require=True))
    layout = world.push("v1", "multi", BOTH)
    file = tmp_path / "bundle.json"
    file.write_bytes(signing.bundle(github(layout.digest)))
    assert world.publish("v1", "--bundle", file).code == 0
    before = world.upstream.records()
    done = world.publish(f"v1@{layout.digest}", "--offline", "--bundle", file)
    assert done.code == 3
    assert "no registry was asked whether that has the image" in done.err
    assert world.publish(f"v1@{layout.digest}", "--bundle", file).code == 0
    assert world.publish(f"v1@{layout.digest}", "--offline").code == 0
    assert world.upstream.records() == before


def test_a_corrected_source_has_to_be_proved_anew(world: World, tmp_path: Path) -> None:
    settle(world, rule())
    base = world.upstream.tip()
    image, corrected = world.push("v1").digest, source("another")
    refer(world, image, signing.bundle(github(image)))
    assert world.publish("v1").code == 0
    force = ("--force", "--reason", "wrong commit")
    done = world.publish("v1", *force, source=corrected)
    assert done.code == 3
    assert "it says commit" in done.err
    settle(world, rule(require=True))
    done = world.publish(f"v1@{image}", "--offline", *force, source=corrected)
    assert done.code == 3
    assert "has no signed statement that was checked" in done.err
    settle(world, rule())
    assert world.publish(f"v1@{image}", "--offline", *force, source=corrected).code == 0
    (record,) = world.upstream.records()
    assert (record["sourceRef"], "signer" in record["provenance"]) == (corrected, False)
    refer(world, image, signing.bundle(github(image, commit=corrected.rpartition("@")[2])))
    assert world.publish("v1", source=corrected).code == 0
    assert proved(world)["v1 linux/amd64"]["signer"] == "key:release.pub"
    git("clone", "--quiet", world.upstream.path, tmp_path / "clone")
    done = world.run("check", "--base", base, "--repo", tmp_path / "clone")
    assert (done.code, done.out) == (0, ""), done.out
    assert world.run("audit", "--repo", tmp_path / "clone").code == 0

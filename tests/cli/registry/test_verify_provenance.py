"""`verify --provenance` against a real registry: statements that hold, that do not, and that were replaced."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.registries import attesting
from tests.support.registries.attesting import attach, github, refer, rule, settle
from tests.support.registries.registry import OCI_INDEX
from tests.support.registries.world import World
from tests.support.values import provenance, signing
from tests.support.values.make import digest
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

BOTH = ("linux/amd64", "linux/arm64")


def verified(world: World, *options: object, tag: str = "v1") -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code, and what is said of the provenance of each record."""
    done = world.verify(tag, "--provenance", "--format", "json", *options)
    assert done.out, done.err
    check_schema("verify-v1", done.json)
    found: list[dict[str, Any]] = done.json["provenance"]
    assert done.json["ok"] is (done.code == 0)
    return done.code, found


def states(world: World, *options: object, tag: str = "v1") -> tuple[int, dict[str, str]]:
    code, found = verified(world, *options, tag=tag)
    return code, {one["platform"]: one["state"] for one in found}


def pushed(world: World, settings: str = "") -> str:
    """Push and record an image; return its digest."""
    (layout,) = world.pushed("v1")
    settle(world, settings or rule())
    return layout.digest


@pytest.mark.parametrize("media_type", [signing.BUNDLE, attesting.DSSE])
def test_a_statement_among_the_referrers_proves_an_image(world: World, media_type: str) -> None:
    image = pushed(world)
    write = signing.bundle if media_type == signing.BUNDLE else signing.envelope
    refer(world, image, write(github(image)), media_type=media_type)
    code, (one,) = verified(world)
    assert (code, one["state"], one["signer"]) == (0, "proved", "key:release.pub")
    assert one["registry"] == world.registry.host
    done = world.verify("v1", "--provenance")
    told = (
        f"proved    provenance of {world.image}:v1 (linux/amd64) at {world.registry.host}, signed by key:release.pub, "
    )
    assert done.out.splitlines()[-1] == told + one["digest"]


def test_a_statement_of_cosigns_tag_proves_an_image(world: World) -> None:
    image = pushed(world)
    attach(world, image, signing.envelope(github(image)))
    assert states(world) == (0, {"linux/amd64": "proved"})


def test_a_statement_about_the_index_proves_all_its_images_and_about_one_of_them_that_one(world: World) -> None:
    layout = world.push("v1", "multi", BOTH)
    assert world.publish("v1").code == 0
    settle(world, rule())
    refer(world, layout.digest, signing.bundle(github(layout.digest)))
    assert states(world) == (0, {"linux/amd64": "proved", "linux/arm64": "proved"})
    amd64 = layout.images()["linux/amd64"]
    refer(world, layout.digest, signing.bundle(github(amd64)))
    assert states(world) == (1, {"linux/amd64": "proved", "linux/arm64": "missing"})
    refer(world, amd64, signing.bundle(github(amd64)))
    refer(world, layout.digest)
    assert states(world) == (1, {"linux/amd64": "proved", "linux/arm64": "missing"})


def test_a_statement_about_an_index_proves_only_images_that_it_has(world: World) -> None:
    """Somebody who may write to the ledger puts an image of their own beside an index that was signed."""
    signed, evil = world.push("v1", "multi", BOTH), world.push("evil").digest
    words = (f"v2@{evil}", "--index", signed.digest, "--platform", BOTH[0], "--offline")
    assert world.publish(*words).code == 0
    settle(world, rule())
    refer(world, signed.digest, signing.bundle(github(signed.digest)))
    code, (one,) = verified(world, tag="v2")
    assert (code, one["state"]) == (1, "broken")
    assert one["reason"] == f"a statement is about the index {signed.digest}, which does not have the image"
    assert world.reconcile("--provenance", "--fail-on", "provenance-broken").code == 1


def test_an_image_in_an_index_in_the_index_is_one_that_it_has(world: World) -> None:
    inner = world.push("inner", "multi", BOTH[:1])
    entry = {"mediaType": OCI_INDEX, "digest": inner.digest, "size": 1}
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    outer = world.registry.put_manifest(world.image, "v1", document)["digest"]
    assert world.publish("v1").code == 0
    settle(world, rule())
    refer(world, outer, signing.bundle(github(outer)))
    assert states(world) == (0, {"linux/amd64": "proved"})


def _tampered(raw: bytes) -> bytes:
    value = json.loads(raw)
    payload = value["payload"]
    value["payload"] = ("A" if payload[0] != "A" else "B") + payload[1:]
    return json.dumps(value).encode()


_OTHER = "https://git.example.com/team/other"
BROKEN: dict[str, tuple[Callable[[str], bytes], str]] = {
    "wrong subject": (lambda image: signing.envelope(github(digest("other"))), "not about this image"),
    "wrong key": (lambda image: signing.envelope(github(image), name="another"), "no valid signature by release.pub"),
    "wrong kind of key": (lambda image: signing.envelope(github(image), "rsa"), "no valid signature by release.pub"),
    "wrong source": (lambda image: signing.envelope(github(image, repository=_OTHER)), f"the source {_OTHER}"),
    "wrong commit": (lambda image: signing.envelope(github(image, commit="f" * 40)), "it says commit ffffffff"),
    "no commit": (lambda image: signing.envelope(github(image, commit="")), "from which commit"),
    "no source": (lambda image: signing.envelope(provenance.statement({}, image)), "from which repository"),
    "payload type": (lambda image: signing.envelope(github(image), payload_type="text/plain"), "payload type is"),
    "tampered": (lambda image: _tampered(signing.envelope(github(image))), "not a valid statement"),
    "truncated": (lambda image: signing.envelope(github(image))[:-9], "not a valid statement"),
    "not a statement": (lambda image: signing.envelope(b"{}"), "not a valid statement"),
    "newer version": (lambda image: signing.envelope(github(image).replace(b"nance/v1", b"nance/v9")), "nance/v9"),
}  # fmt: skip


def test_a_statement_that_is_there_and_does_not_hold_is_a_no(world: World) -> None:
    image = pushed(world)
    for name, (write, reason) in BROKEN.items():
        attach(world, image, write(image))
        code, (one,) = verified(world)
        assert (code, one["state"]) == (1, "broken"), name
        assert reason in one["reason"], name


def test_it_is_a_no_beside_one_that_holds_too_unless_it_is_of_another_commit(world: World) -> None:
    image = pushed(world)
    for name in ("wrong key", "wrong subject", "truncated", "wrong commit"):
        attach(world, image, signing.envelope(github(image)), BROKEN[name][0](image))
        assert states(world)[1] == {"linux/amd64": "proved" if name == "wrong commit" else "broken"}, name


def test_statements_of_other_types_and_other_signers_are_not_the_ones(world: World) -> None:
    image = pushed(world)
    sbom = github(image).replace(b"https://slsa.dev/provenance/v1", b"https://spdx.dev/Document")
    others = [
        signing.envelope(sbom, name="another"),
        signing.envelope(github(image), name="x", keyid=signing.hint("p256", "x")),
    ]
    attach(world, image, *others)
    code, (one,) = verified(world)
    assert (code, one["state"]) == (1, "missing")
    assert one["reason"] == "no statement by a signer that ledger.yaml names; 1 of other signers is there"
    attach(world, image, *others, signing.envelope(github(image)))
    assert states(world) == (0, {"linux/amd64": "proved"})


def test_other_artifacts_are_not_looked_at_and_a_type_that_is_left_out_is(world: World) -> None:
    image = pushed(world)
    sbom = attesting.artifact(world, b"not JSON", "application/spdx+json", attesting.subject(image))
    untyped = attesting.artifact(world, signing.bundle(github(image)), signing.BUNDLE, attesting.subject(image))
    del untyped["artifactType"]
    attesting.list_referrers(world, image, [sbom, untyped])
    assert states(world) == (0, {"linux/amd64": "proved"})


def test_what_is_listed_and_gone_is_unknown(world: World) -> None:
    image = pushed(world)
    entry = attesting.artifact(world, signing.bundle(github(image)), signing.BUNDLE, attesting.subject(image))
    attesting.list_referrers(world, image, [entry])
    world.registry.delete_manifest(world.image, entry["digest"])
    assert states(world) == (5, {"linux/amd64": "unknown"})


def test_what_cannot_be_looked_at_is_unknown(world: World) -> None:
    image = pushed(world)
    raw = signing.bundle(github(image))
    refer(world, image, raw)
    world.registry.delete_blob(world.image, "sha256:" + hashlib.sha256(raw).hexdigest())
    code, (one,) = verified(world)
    assert (code, one["state"]) == (5, "unknown")
    assert "does not have the signed statement" in one["reason"]


def test_a_document_of_more_than_8_mebibytes_does_not_hold(world: World) -> None:
    image = pushed(world)
    attach(world, image, b" " * (8 * 2**20 + 1))
    code, (one,) = verified(world)
    assert (code, one["state"]) == (1, "broken")
    assert "it is larger than 8 MiB" in one["reason"]


def test_an_image_of_which_nothing_has_to_be_proved_is_a_usage_error(world: World) -> None:
    pushed(world, rule("other/*"))
    done = world.verify("v1", "--provenance")
    assert done.code == 2
    assert f"ledger.yaml does not say what has to be proved of {world.image}:v1" in done.err


def test_the_source_has_to_be_one_that_the_rule_allows(world: World) -> None:
    image = pushed(world, rule(source="https://git.example.com/other/*"))
    refer(world, image, signing.bundle(github(image)))
    code, (one,) = verified(world)
    assert (code, one["state"]) == (1, "broken")
    assert "which `source` in ledger.yaml does not allow" in one["reason"]


def test_one_of_several_signers_is_enough(world: World) -> None:
    (layout,) = world.pushed("v1")
    settle(
        world, rule(signer="[{key: new.pub}, {key: release.pub}]"), {"new.pub": signing.public_pem("ed25519", "new")}
    )
    for kind, name, signer in (("ed25519", "new", "key:new.pub"), ("p256", "release", "key:release.pub")):
        refer(world, layout.digest, signing.bundle(github(layout.digest), kind, name))  # type: ignore[arg-type]
        code, (one,) = verified(world)
        assert (code, one["signer"]) == (0, signer)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"release.pub": b"x"}, "release.pub in the ledger repository cannot be used: it is not a public key in PEM"),
        ({"release.pub": b"x" * (2**20 + 1)}, "release.pub in the ledger repository is larger than 1 MB"),
    ],
)
def test_a_key_that_cannot_be_used_is_a_usage_error(world: World, files: dict[str, bytes], reason: str) -> None:
    image = pushed(world)
    world.upstream.commit_as_other_writer(files)
    refer(world, image, signing.bundle(github(image)))
    done = world.verify("v1", "--provenance")
    assert (done.code, done.out) == (2, "")
    assert reason in done.err


def test_a_key_that_is_not_there_is_a_usage_error(world: World) -> None:
    image = pushed(world, rule(signer="{key: keys/none.pub}"))
    refer(world, image, signing.bundle(github(image)))
    done = world.verify("v1", "--provenance")
    assert (done.code, done.out) == (2, "")
    assert "ledger.yaml names the key keys/none.pub, and the ledger repository does not have that file" in done.err


def test_a_file_has_the_statement_instead_of_the_registry(world: World, tmp_path: Path) -> None:
    image = pushed(world)
    file = tmp_path / "bundle.json"
    file.write_bytes(signing.bundle(github(image)))

    def by_file() -> Outcome:
        return world.verify("v1", "--bundle", file, "--format", "json")

    done = by_file()
    (one,) = done.json["provenance"]
    assert (done.code, one["state"], one["registry"]) == (0, "proved", None)
    assert world.verify("v1", "--bundle", file).out.splitlines()[-1].split(", ")[0].endswith("in the given file")
    file.write_bytes(signing.bundle(github(image)) + b"\n" + signing.bundle(github(image), name="another") + b"\n")
    assert by_file().json["provenance"][0]["state"] == "proved"  # the other one names its key
    file.write_bytes(b"\n".join([signing.bundle(github(image)), signing.envelope(github(image), name="another")]))
    done = by_file()
    assert (done.code, done.json["provenance"][0]["state"]) == (1, "broken")
    assert f"the statement {file}:2 does not hold" in done.json["provenance"][0]["reason"]


def test_a_file_may_have_statements_about_other_images_too(world: World, tmp_path: Path) -> None:
    """It may be that of a whole run."""
    image = pushed(world)
    file = tmp_path / "bundles.jsonl"
    file.write_bytes(b"\n".join(signing.bundle(github(one)) for one in (image, digest("another"))))
    assert world.verify("v1", "--bundle", file).code == 0
    file.write_bytes(signing.bundle(github(digest("another"))))
    done = world.verify("v1", "--bundle", file, "--format", "json")
    assert (done.code, done.json["provenance"][0]["state"]) == (1, "missing")


def test_the_plain_verify_asks_for_nothing_more(world: World) -> None:
    image = pushed(world)
    attach(world, image, b"broken")
    done = world.verify("v1", "--format", "json")
    assert (done.code, done.json["provenance"]) == (0, [])

"""Provenance in an index of documents in memory: what is read, what is not, and what it costs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from ledger_tool.commands.attested import MOST, Attested, attested
from ledger_tool.commands.inspect import inspect
from ledger_tool.commands.listed import listed_below
from ledger_tool.commands.once import OncePerRun
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.policy.policy import Policy, ProvenanceRule, Registry, TrustedSigner
from ledger_tool.core.registry.image import Manifest
from ledger_tool.errors import InvalidStatement
from tests.support.registries.documents import IMAGE, PLATFORMS, UNKNOWN, Documents
from tests.support.values import provenance
from tests.support.values.make import digest, draft
from tests.support.values.provenance import BASE, COMMIT, buildkit

_TYPE, _SUBJECT = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_SLSA = "https://slsa.dev/provenance/v1"


@dataclass(eq=False)
class _Registry(Documents):
    """A registry with statements, which counts what is read."""

    contents: dict[str, bytes] = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)

    def blob(self, image: str, digest: str, *, limit: int, what: str = "blob") -> bytes:
        self.read[digest] += 1
        return self.contents[digest]

    def statement(self, raw: bytes, predicate_type: str = _SLSA, **more: Any) -> dict[str, Any]:
        """Hold a statement; return its layer."""
        own = digest(raw)
        self.contents[own] = raw
        noted = {"annotations": {"in-toto.io/predicate-type": predicate_type}} if predicate_type else {}
        return {"mediaType": "application/vnd.in-toto+json", "digest": own, "size": len(raw)} | noted | more

    def attestation(self, image: str, *layers: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Hold an attestation about an image; return its entry of an index."""
        config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest("{}")}
        made = self.add({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": list(layers)} | more)
        return made | {"platform": UNKNOWN, "annotations": {_TYPE: "attestation-manifest", _SUBJECT: image}}

    def seen(self, *entries: dict[str, Any]) -> list[Attested]:
        """Return what is attested of each image that an index of these entries leads to."""
        index = self.index(entries)
        manifest = self.manifest("app", index["digest"])
        assert isinstance(manifest, Manifest)
        once = OncePerRun()
        return [attested(once, self, "app", image) for image in listed_below(once, self, "app", manifest)]


@pytest.fixture
def registry() -> _Registry:
    return _Registry()


def _image(registry: _Registry, seed: int = 0) -> dict[str, Any]:
    return registry.image(seed, PLATFORMS[seed]) | {"platform": PLATFORMS[seed]}


def _says(image: dict[str, Any], **more: Any) -> bytes:
    predicate = buildkit(vcs={"source": provenance.REPOSITORY, "revision": COMMIT}, **more)
    return provenance.statement(predicate, image["digest"])


def test_what_an_index_says_of_its_own_images_counts_however_deep_it_is(registry: _Registry) -> None:
    first, second = _image(registry), _image(registry, 1)
    note = registry.attestation(first["digest"], registry.statement(_says(first)))
    inner = registry.index([first, note])
    outside = registry.attestation(first["digest"], registry.statement(b"from elsewhere"))
    one, other = registry.seen(second, inner, outside)
    (found,) = other.provenances
    assert (found.digest, found.claim.commit, found.claim.bases) == (note["digest"], COMMIT, (BASE,))
    assert (one.provenances, one.failures, other.failures) == ([], [], [])


def test_a_provenance_that_is_stored_as_an_artifact_with_a_subject_is_read_too(registry: _Registry) -> None:
    """BuildKit's `oci-artifact=true`."""
    image = _image(registry)
    kind = "application/vnd.docker.attestation.manifest.v1+json"
    subject = {"mediaType": IMAGE, "digest": image["digest"], "size": 1}
    note = registry.attestation(image["digest"], registry.statement(_says(image)), artifactType=kind, subject=subject)
    (seen,) = registry.seen(image, note)
    assert [found.digest for found in seen.provenances] == [note["digest"]]


def test_statements_of_other_kinds_are_not_read_or_passed_over(registry: _Registry) -> None:
    image = _image(registry)
    other = provenance.statement({}, image["digest"], predicateType="https://spdx.dev/Document")
    layers = [
        registry.statement(b"an SBOM, annotated", "https://spdx.dev/Document"),
        registry.statement(other, ""),
        registry.statement(b"not in-toto", mediaType="application/octet-stream"),
        registry.statement(b"no digest", digest="sha256:x"),
    ]
    (seen,) = registry.seen(image, registry.attestation(image["digest"], *layers))
    assert seen == Attested([], [])
    assert list(registry.read) == [layers[1]["digest"]]


def test_each_statement_is_read_once_in_a_run_whoever_has_it(registry: _Registry) -> None:
    image = _image(registry)
    layer = registry.statement(_says(image))
    notes = [registry.attestation(image["digest"], layer, annotations={"n": str(n)}) for n in range(2)]
    (seen,) = registry.seen(image, *notes)
    assert [found.digest for found in seen.provenances] == [note["digest"] for note in notes]
    assert registry.read == {layer["digest"]: 1}


def test_a_statement_that_says_that_it_is_too_large_is_not_asked_for(registry: _Registry) -> None:
    image = _image(registry)
    layer = registry.statement(_says(image), size=8 * 2**20 + 1)
    (seen,) = registry.seen(image, registry.attestation(image["digest"], layer))
    assert (seen.provenances, not registry.read, len(seen.failures)) == ([], True, 1)
    for odd in (None, "7", True, -1):
        (seen,) = registry.seen(image, registry.attestation(image["digest"], layer | {"size": odd}))
        assert len(seen.provenances) == 1


def test_of_hundreds_only_the_first_are_read(registry: _Registry) -> None:
    image = _image(registry)
    layers = [registry.statement(b"broken %d" % number) for number in range(300)]
    notes = [registry.attestation(image["digest"], *layers, annotations={"n": str(n)}) for n in range(20)]
    (seen,) = registry.seen(image, *notes)
    assert (len(registry.read), seen.provenances) == (MOST, [])
    assert len(seen.failures) == 1 + MOST + MOST * MOST


def test_an_attestation_that_is_no_manifest_is_a_failure(registry: _Registry) -> None:
    image = _image(registry)
    note = registry.attestation(image["digest"])
    registry.documents[note["digest"]] = json.dumps({"schemaVersion": 2}).encode(), "text/html"
    (seen,) = registry.seen(image, note | {"digest": digest("nowhere")})
    assert "does not have the attestation" in seen.failures[0].message
    (seen,) = registry.seen(image, note)
    assert len(seen.failures) == 1


@pytest.mark.parametrize(("images", "is_refused"), [((), True), (("other",), True), (("app",), False)])
def test_what_nobody_signed_need_not_be_readable_where_a_signed_statement_is_asked_for(
    registry: _Registry, images: tuple[str, ...], *, is_refused: bool
) -> None:
    image = _image(registry)
    note = registry.attestation(image["digest"], registry.statement(b"broken"))
    registry.tagged = registry.index([image, note])["digest"]
    rules = (ProvenanceRule(images, (TrustedSigner(key="a.pub"),)),) if images else ()
    policy = Policy((Registry(registry.host),), require=("provenance",), provenance=rules)
    snapshot, drafts = Snapshot("", Ledger(), policy), [draft("app", digest=None)]
    if is_refused:
        with pytest.raises(InvalidStatement, match="app:v1: an attestation is not a valid statement"):
            inspect(drafts, snapshot, registry)
    else:
        (said,) = inspect(drafts, snapshot, registry).notes
        assert said.startswith("note: app:v1: provenance is left out: an attestation is not a valid statement")

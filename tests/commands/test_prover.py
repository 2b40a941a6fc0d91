"""Whatever documents lie beside each other, an image is proved by the rule alone: compared with an oracle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.commands.attached import FoundDocument
from ledger_tool.commands.provenance import MOST_KEPT_BYTES, Prover
from ledger_tool.core.ledger.names import Digest, SourceRef
from ledger_tool.core.policy.policy import ProvenanceRule, TrustedSigner
from ledger_tool.core.provenance.proof import ProvedImage
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.image import ServedDocument
from ledger_tool.core.registry.referrers import Referrer
from ledger_tool.edges.provenance.trust import Trust
from tests.support.registries.attesting import github
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.values import signing
from tests.support.values.make import digest
from tests.support.values.profiles import example_count
from tests.support.values.provenance import COMMIT, REPOSITORY
from tests.support.values.signing import BUNDLE

_IMAGE, _SIBLING, _ELSEWHERE = digest("image"), digest("sibling"), digest("elsewhere")
_RULE = ProvenanceRule(("*",), (TrustedSigner(key="release.pub"),), (f"{REPOSITORY}*",))
_WANTED = ProvedImage(digest=_IMAGE, source_ref=SourceRef(f"{REPOSITORY}@{COMMIT}"), others=frozenset((_SIBLING,)))


@dataclass(frozen=True)
class Written:
    """What somebody attaches; the defaults are right in every part."""

    key: Literal["ours", "theirs"] = "ours"
    keyid: Literal["", "ours", "theirs"] = ""
    about: str = _IMAGE
    source: str = REPOSITORY
    commit: str = COMMIT
    kind: Literal["provenance", "sbom", "newer"] = "provenance"
    payload_type: str = signing.IN_TOTO
    is_tampered: bool = False
    is_cut: bool = False

    @property
    def raw(self) -> bytes:
        """The document."""
        payload = github(self.about, repository=self.source, commit=self.commit)
        kinds = {"sbom": b"https://spdx.dev/Document", "newer": b"https://slsa.dev/provenance/v7"}
        payload = payload.replace(
            b"https://slsa.dev/provenance/v1", kinds.get(self.kind, b"https://slsa.dev/provenance/v1")
        )
        names = {"ours": "release", "theirs": "another"}
        keyid = signing.hint("ed25519", names[self.keyid]) if self.keyid else None
        raw = signing.envelope(payload, "ed25519", names[self.key], payload_type=self.payload_type, keyid=keyid)
        if self.is_tampered:
            value = json.loads(raw)
            value["payload"], value["signatures"] = value["payload"], [{"sig": "QUFB"}]
            value["signatures"][0] |= {"keyid": keyid} if keyid else {}
            raw = json.dumps(value).encode()
        return raw[:-3] if self.is_cut else raw

    @property
    def outcome(self) -> str:
        """What it is by the rule: none, holds, commit or broken."""
        if self.is_cut:
            return "broken"
        is_ours = self.key == "ours" and not self.is_tampered
        if self.kind == "sbom":
            return "none"
        if not is_ours:
            return "none" if self.keyid == "theirs" else "broken"
        if self.payload_type != signing.IN_TOTO:
            return "broken"
        if self.about == _SIBLING:
            return "none"
        if self.about != _IMAGE or self.kind == "newer" or self.source != REPOSITORY:
            return "broken"
        return "holds" if self.commit == COMMIT else "commit"


_right = st.just(Written())
_any = st.builds(
    Written,
    key=st.sampled_from(["ours", "ours", "theirs"]),
    keyid=st.sampled_from(["", "ours", "theirs"]),
    about=st.sampled_from([_IMAGE, _IMAGE, _SIBLING, _ELSEWHERE]),
    source=st.sampled_from([REPOSITORY, REPOSITORY, "https://git.example.com/team/other", f"{REPOSITORY}/../app"]),
    commit=st.sampled_from([COMMIT, COMMIT, "f" * 40]),
    kind=st.sampled_from(["provenance", "provenance", "sbom", "newer"]),
    payload_type=st.sampled_from([signing.IN_TOTO, signing.IN_TOTO, "text/plain"]),
    is_tampered=st.booleans(),
    is_cut=st.integers(0, 7).map(lambda number: number == 0),
)


@example_count(400)
@given(st.lists(st.one_of(_right, _any), max_size=4))
def test_documents_prove_an_image_as_the_rule_says(written: list[Written]) -> None:
    documents = [FoundDocument(f"document {number}", one.raw) for number, one in enumerate(written)]
    trust = Trust({"release.pub": signing.public_pem("ed25519")}.get)
    found = Prover(trust, documents).proved(None, "myorg/app", _WANTED, _RULE)
    outcomes = {one.outcome for one in written}
    if "broken" in outcomes or outcomes & {"holds", "commit"} == {"commit"}:
        assert found.state == "broken"
    else:
        assert found.state == ("proved" if "holds" in outcomes else "missing")
    assert (found.state == "proved") == (found.signer == "key:release.pub" and not found.reason)


class Holding(FakeRegistry):
    """A registry that has one large statement for each digest."""

    def referrers(self, image: str, digest: str) -> Sequence[Referrer]:  # type: ignore[override]
        self._note("referrers", digest)
        return [Referrer(Digest(digest), BUNDLE)]

    def document(self, image: str, digest: str) -> ServedDocument | Absent:
        layer = {"mediaType": BUNDLE, "digest": digest}
        return ServedDocument(json.dumps({"layers": [layer]}).encode(), "")

    def blob(self, image: str, digest: str, *, limit: int, what: str = "blob") -> bytes:
        return b" " * (5 * 2**20)


def test_what_was_found_is_looked_for_once_and_not_kept_without_end() -> None:
    registry, prover = Holding("registry.example.com"), Prover(Trust(lambda _: None))

    def look(number: int) -> None:
        wanted = ProvedImage(digest=digest(number), source_ref=SourceRef(f"{REPOSITORY}@{COMMIT}"))
        assert prover.proved(registry, "myorg/app", wanted, _RULE).state == "broken"

    for _ in range(2):
        look(0)
    assert registry.count("referrers") == 1
    for number in range(40):
        look(number)
        assert sum(len(one.raw) for found in prover._attached.values() for one in found.documents) <= MOST_KEPT_BYTES
    assert registry.count("referrers") == 40
    look(0)
    assert registry.count("referrers") == 41

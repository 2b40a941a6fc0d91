"""What signed statements prove together: the rule, case by case."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import SourceRef
from ledger_tool.core.policy.policy import ProvenanceRule, TrustedSigner
from ledger_tool.core.provenance.envelope import parse_document
from ledger_tool.core.provenance.proof import (
    Examined,
    Proof,
    ProvedImage,
    SignatureVerdict,
    examine,
    proof,
    proof_of_record,
    slsa_statement,
)
from ledger_tool.core.provenance.repository import is_same_repository
from ledger_tool.errors import InvalidStatement
from tests.support.values import provenance, signing
from tests.support.values.make import digest
from tests.support.values.provenance import COMMIT, REPOSITORY

_IMAGE, _INDEX, _SIBLING = digest("image"), digest("index"), digest("sibling")
_KEY = TrustedSigner(key="keys/release.pub")
_RULE = ProvenanceRule(("myorg/*",), (_KEY,))
_SIGNED = SignatureVerdict("key:keys/release.pub")
_OTHER_COMMIT = "f" * 40
_WANTED = ProvedImage(
    digest=_IMAGE, index=_INDEX, source_ref=SourceRef(f"{REPOSITORY}@{COMMIT}"), others=frozenset((_SIBLING,))
)


def examined(
    payload: bytes | None = None, verdict: SignatureVerdict = _SIGNED, rule: ProvenanceRule = _RULE, **subject: Any
) -> Examined:
    payload = payload or provenance.statement(provenance.github(), subject.get("about", _IMAGE))
    document = parse_document(signing.envelope(payload))
    statement = slsa_statement(document)
    assert statement is not None
    return examine(document, statement, verdict, rule, _WANTED, "here")


def github(**source: str) -> Examined:
    return examined(provenance.statement(provenance.github(**source), _IMAGE))


def sources(*globs: str) -> ProvenanceRule:
    return ProvenanceRule(("myorg/*",), (_KEY,), globs)


@pytest.mark.parametrize("about", [_IMAGE, _INDEX])
def test_a_statement_about_the_image_or_its_index_holds(about: str) -> None:
    one = examined(about=about)
    assert (one.outcome, one.reason, one.by_index) == ("holds", "", about == _INDEX)
    found = proof([one])
    assert (found.state, found.digest, found.signer) == ("proved", one.digest, "key:keys/release.pub")
    assert found.builder == f"{REPOSITORY}/.github/workflows/build.yml@refs/heads/main"


@pytest.mark.parametrize("version", provenance.VERSIONS)
@pytest.mark.parametrize("mode", provenance.MODES)
def test_what_buildkit_writes_holds(version: Any, mode: Any) -> None:
    vcs = {"source": "git@git.example.com:team/app.git", "revision": COMMIT}
    payload = provenance.statement(provenance.buildkit(version, mode, vcs=vcs), _IMAGE, version=version)
    assert examined(payload).outcome == "holds"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            {"repository": "https://git.example.com/team/other"},
            "it says the source https://git.example.com/team/other,",
        ),
        ({"repository": "https://git.example.com/team/x/../app"}, "which may lead elsewhere"),
        ({"repository": "https://git.example.com/team/%61pp"}, "which may lead elsewhere"),
        (
            {"repository": "https://git.example.com@evil.example/team/app"},
            "it says the source https://evil.example/team",
        ),
        ({"repository": ""}, "it does not say from which repository the image was built"),
        ({"commit": ""}, "it does not say from which commit the image was built"),
        ({"commit": "4ef5a30"}, "it does not say from which commit the image was built"),
    ],
)
def test_a_statement_of_another_source_is_broken(source: dict[str, str], reason: str) -> None:
    one = github(**source)
    assert one.outcome == "broken"
    assert reason in one.reason
    assert proof([one]).state == "broken"


def test_a_modified_working_tree_is_no_commit() -> None:
    vcs = {"source": REPOSITORY, "revision": f"{COMMIT}-dirty"}
    one = examined(provenance.statement(provenance.buildkit("v1", vcs=vcs), _IMAGE))
    assert (one.outcome, one.reason) == ("broken", f"it says that the working tree of commit {COMMIT} was modified")


@pytest.mark.parametrize(
    ("glob", "outcome"),
    [
        ("https://git.example.com/team/*", "holds"),
        ("https://git.example.com/TEAM/app", "broken"),
        ("https://git.example.com/team/app.git", "holds"),
        ("http://GIT.example.com:80/*/app/", "holds"),
        ("git@git.example.com:team/*", "holds"),
        ("ssh://git@git.example.com:2222/team/*.git", "holds"),
        ("https://git.example.com:8443/team/*", "broken"),
        ("https://*.example.com/team/*", "holds"),
        ("https://*/team/*", "holds"),
        ("*", "holds"),
        ("https://git.example.com/team/ap", "broken"),
        ("https://git.example.com/other/*", "broken"),
    ],
)
def test_the_source_has_to_match_a_glob_of_the_rule(glob: str, outcome: str) -> None:
    one = examined(rule=sources("https://none.example/*", glob))
    assert one.outcome == outcome
    assert outcome == "holds" or "which `source` in ledger.yaml does not allow" in one.reason


def test_the_source_is_the_same_by_whatever_protocol() -> None:
    wanted = ProvedImage(digest=_IMAGE, source_ref=SourceRef(f"git@git.example.com:team/app.git@{COMMIT}"))
    document = parse_document(signing.envelope(provenance.statement(provenance.github(), _IMAGE)))
    statement = slsa_statement(document)
    assert statement is not None
    assert examine(document, statement, _SIGNED, _RULE, wanted, "").outcome == "holds"


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/Team/app",
        "https://git.example.com/team/APP",
        "https://\u212ait.example.com/team/app",
        "https://git.example.com/team/\u212aey",
        "https://git.example.com:8443/team/app",
        "https://git.example.com\\.evil.example/team/app",
    ],
)
def test_a_repository_that_is_only_like_the_sources_is_another(url: str) -> None:
    wanted = url.replace("\u212a", "k").replace("\\.evil.example", "")
    assert is_same_repository(url, wanted) == (url == wanted)
    assert github(repository=url).outcome == "broken"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("ssh://git@git.example.com:2222/x", "ssh://git@git.example.com:3333/x", False),
        ("ssh://git@git.example.com:22/x", "git@git.example.com:x.git", True),
        ("ssh://git@git.example.com:2222/x", "https://git.example.com/x", True),
        ("ssh://git@git.example.com:2222/x", "https://git.example.com:8443/x", False),
        ("https://git.example.com:443/x", "https://git.example.com/x", True),
        ("http://git.example.com:80/x", "https://git.example.com/x.git/", True),
        ("https://git.example.com:8443/x", "https://git.example.com:9443/x", False),
        ("git+https://git.example.com/x@refs/heads/main", "HTTPS://GIT.example.com/x", True),
        ("ssh://git@ssh.github.com:443/team/app.git", "https://github.com/team/app", True),
        ("git@ssh.dev.azure.com:v3/team/project/app", "https://dev.azure.com/team/project/_git/app", True),
        ("https://\u212ait.example.com/x", "https://kit.example.com/x", False),
    ],
)
def test_two_urls_are_of_one_repository_by_host_port_and_path(one: str, other: str, *, is_same: bool) -> None:
    assert is_same_repository(one, other) == is_same_repository(other, one) == is_same


def test_a_statement_about_something_else_is_broken_and_about_another_image_of_the_index_does_not_count() -> None:
    one = examined(about=digest("elsewhere"))
    assert (one.outcome, one.reason) == ("broken", f"it is about {digest('elsewhere')}, not about this image")
    assert one.is_stray
    assert examined(about=_SIBLING).outcome == "other"
    assert not examined(about=_SIBLING).is_stray
    assert not github(repository="https://git.example.com/team/other").is_stray
    assert proof([examined(about=_SIBLING)]).state == "missing"


def test_a_statement_of_another_signer_does_not_count_and_one_that_claims_to_be_ours_does() -> None:
    assert examined(verdict=SignatureVerdict()).outcome == "other-signer"
    found = proof([examined(verdict=SignatureVerdict())])
    assert found.state == "missing"
    assert found.reason == "no statement by a signer that ledger.yaml names; 1 of other signers is there"
    claimed = examined(verdict=SignatureVerdict(fault="its signature does not hold"))
    assert proof([claimed]).state == "broken"
    assert proof([claimed]).reason == "the statement here does not hold: its signature does not hold"


def test_a_statement_of_a_newer_version_is_broken() -> None:
    payload = provenance.statement(provenance.github(), _IMAGE).replace(b"provenance/v1", b"provenance/v2")
    assert examined(payload).outcome == "broken"


def test_of_two_statements_one_that_does_not_hold_is_never_ignored() -> None:
    good = examined()
    for bad in (
        examined(verdict=SignatureVerdict(fault="its signature does not hold")),
        examined(about=digest("elsewhere")),
        github(repository="https://git.example.com/team/other"),
        Examined(outcome="broken", place="there", reason="it is not JSON"),
    ):
        assert proof([good, bad]).state == proof([bad, good]).state == "broken"
    assert proof([good, examined(verdict=SignatureVerdict())]).state == "proved"


def test_beside_one_that_holds_another_may_be_of_another_commit_of_the_same_repository() -> None:
    other = github(commit=_OTHER_COMMIT)
    assert other.outcome == "other-commit"
    assert proof([other]).state == "broken"
    assert f"it says commit {_OTHER_COMMIT}, and the ledger {COMMIT}" in proof([other]).reason
    good = examined()
    assert proof([other, good]).digest == good.digest


def test_what_could_not_be_looked_at_is_unknown_whatever_holds_and_nothing_is_missing() -> None:
    assert proof([], ["the registry did not answer"]) == Proof(state="unknown", reason="the registry did not answer")
    assert proof([examined()], ["x"]).state == "unknown"
    assert proof([github(commit="")], ["x"]).state == "broken"
    assert proof([]).state == "missing"


@pytest.mark.parametrize("payload", [b"{}", b"", b"\xff", b'{"_type":"https://in-toto.io/Statement/v1"}'])
def test_a_payload_that_says_that_it_is_a_statement_and_is_none_is_an_error(payload: bytes) -> None:
    with pytest.raises(InvalidStatement):
        slsa_statement(parse_document(signing.envelope(payload or b"x")))


def test_other_types_of_statements_and_of_payloads_are_not_provenance() -> None:
    sbom = provenance.statement({}, _IMAGE).replace(b"https://slsa.dev/provenance/v1", b"https://spdx.dev/Document")
    assert slsa_statement(parse_document(signing.envelope(sbom))) is None
    assert slsa_statement(parse_document(signing.envelope(b"<xml/>", payload_type="text/xml"))) is None
    assert slsa_statement(parse_document(signing.envelope(sbom, payload_type="text/plain"))) is None
    with pytest.raises(InvalidStatement, match="its payload type is `text/plain` instead of"):
        slsa_statement(parse_document(signing.envelope(provenance.statement({}, _IMAGE), payload_type="text/plain")))


def test_a_record_is_compared_with_the_statement_and_the_signer_that_it_names() -> None:
    one = examined()
    found, old = proof([one]), "sha256:" + "0" * 64
    signer = "key:keys/release.pub"
    assert proof_of_record([one], [], "", "", _RULE) == found
    assert proof_of_record([one], [], old, "", _RULE) == found  # of an attestation that nobody has checked
    assert proof_of_record([one], [], str(one.digest), signer, _RULE) == found
    assert proof_of_record([one], [], old, signer, _RULE).state == "replaced"
    revoked = proof_of_record([one], [], str(one.digest), "key:keys/old.pub", _RULE)
    assert revoked.state == "revoked"
    assert revoked.reason.startswith("its signer, key:keys/old.pub, is not one that ledger.yaml names; a statement by ")
    assert proof_of_record([], [], old, "key:keys/old.pub", _RULE).state == "revoked"
    assert proof_of_record([], [], old, signer, _RULE).state == "missing"
    assert proof_of_record([], ["x"], old, "key:keys/old.pub", _RULE).state == "unknown"


def test_a_recorded_statement_that_no_signer_of_the_rule_has_signed_is_revoked_and_not_broken() -> None:
    claimed = examined(verdict=SignatureVerdict(fault="it has no valid signature by keys/new.pub"))
    recorded, others = str(claimed.digest), examined(about=digest("elsewhere"))
    assert proof_of_record([claimed], [], recorded, "key:keys/old.pub", _RULE).state == "revoked"
    assert proof_of_record([claimed], [], recorded, "key:keys/release.pub", _RULE).state == "broken"
    assert proof_of_record([claimed], [], "sha256:" + "0" * 64, "key:keys/old.pub", _RULE).state == "broken"
    for rest in ([], [examined(about=_INDEX)]):  # what was not looked at may not hold, whatever the others do
        seen = [claimed, *rest]
        assert proof_of_record(seen, [], recorded, "key:keys/old.pub", _RULE).state == "revoked"
        assert proof_of_record(seen, ["unseen"], recorded, "key:keys/old.pub", _RULE).state == "unknown"
    both = [claimed, others]
    assert proof_of_record(both, [], recorded, "key:keys/old.pub", _RULE).state == "broken"


def test_a_recorded_statement_that_the_key_of_its_signers_name_has_not_signed_is_revoked_and_not_missing() -> None:
    """The key has been replaced in its file: what is there is the statement of nobody that the rule names."""
    lost, signer = examined(verdict=SignatureVerdict()), "key:keys/release.pub"
    alone = proof_of_record([lost], [], str(lost.digest), signer, _RULE)
    assert alone.state == "revoked"
    assert alone.reason == f"the statement that was checked, {lost.digest}, is not signed by what is {signer} now"
    beside = proof_of_record([lost, new := examined(about=_INDEX)], [], str(lost.digest), signer, _RULE)
    assert (beside.state, beside.digest) == ("revoked", new.digest)
    assert proof_of_record([lost], [], digest("another"), signer, _RULE).state == "missing"


def test_a_recorded_statement_among_several_that_hold_is_the_one() -> None:
    two = [examined(), examined(about=_INDEX)]
    for one in two:
        assert proof_of_record(two, [], str(one.digest), one.signer, _RULE).digest == one.digest


_anything = st.builds(
    Examined,
    outcome=st.sampled_from(["holds", "other-commit", "broken", "other-signer", "other"]),
    place=st.sampled_from("ab"),
    digest=st.sampled_from([_IMAGE, _INDEX, None]),
    signer=st.just("key:keys/release.pub"),
    reason=st.just("why"),
)


@given(st.lists(_anything, max_size=5), st.lists(st.just("unseen"), max_size=1))
def test_nothing_is_proved_beside_what_is_broken_or_unseen(documents: list[Examined], unknown: list[str]) -> None:
    outcomes = {one.outcome for one in documents}
    found = proof(documents, unknown)
    assert (found.state == "proved") == ("holds" in outcomes and "broken" not in outcomes and not unknown)
    assert proof(reversed(documents), unknown) == found

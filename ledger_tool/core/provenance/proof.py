"""Whether signed statements prove what the ledger says of an image: the rule, as values.

A document *counts* if it is a SLSA provenance that a signer of the image's rule has signed, or that claims to be, or if
it cannot be read far enough to tell. Statements of other types, and those of other signers, do not count. An image is
proved if a document that counts holds, and every one that counts does: its signature is valid, it is about the image or
the index that serves it, from a source that the rule allows, and from the commit that the ledger has. One exception,
since a build that is reproducible gives one digest for several commits: beside a statement that holds, another may name
another commit of the same repository.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ledger_tool.core.ledger.names import Digest, SourceRef, shown
from ledger_tool.core.ledger.sourceref import split
from ledger_tool.core.policy.addresses import is_admitted
from ledger_tool.core.policy.policy import ProvenanceRule
from ledger_tool.core.provenance.claim import BuildClaim, claim_of
from ledger_tool.core.provenance.envelope import SignedDocument
from ledger_tool.core.provenance.repository import address, is_same_repository
from ledger_tool.core.provenance.statement import MEDIA_TYPE, Statement, fault_of, parse_statement
from ledger_tool.errors import InvalidStatement

ProofState = Literal["proved", "missing", "broken", "replaced", "revoked", "unknown"]
PROOF_STATES: tuple[ProofState, ...] = ("proved", "missing", "broken", "replaced", "revoked", "unknown")
_SLSA = "https://slsa.dev/provenance/"
_MOST_NAMED = 3
NOT_ADMITTED = "which `source` in ledger.yaml does not allow"


@dataclass(frozen=True, slots=True)
class SignatureVerdict:
    """Who has signed a document: a trusted `signer`, or nobody whom it claims to be by (`fault` says why).

    Both are `""` if somebody else has, or claims to have.
    """

    signer: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedImage:
    """What has to be proved: that the image, or the index that serves it (`""`: none), was built from the source.

    `others` are further images that the same statements may be about, such as those of that index.
    """

    digest: str
    source_ref: SourceRef
    index: str = ""
    others: frozenset[str] = frozenset()

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests that a statement may be about."""
        return tuple(filter(None, (self.digest, self.index)))


Outcome = Literal["holds", "other-commit", "broken", "other-signer", "other"]  # the last two do not count


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a document turned out to be, where it was found, who has signed it, and what is wrong with it.

    `by_index` says that it is about the index, and not about the image; `is_stray`, that it does not hold since it is
    about neither.
    """

    outcome: Outcome
    by_index: bool = False
    is_stray: bool = False
    place: str
    digest: Digest | None = None
    signer: str = ""
    builder: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Whether an image is proved, and by which statement; the reason says why not, in words for people."""

    state: ProofState
    digest: Digest | None = None
    signer: str = ""
    builder: str = ""
    reason: str = ""


def slsa_statement(document: SignedDocument) -> Statement | None:
    """Return the provenance that a document has, None if it is a statement of another type, or something else.

    Raises InvalidStatement if it cannot be read.
    """
    envelope = document.envelope
    if envelope is None:
        return None
    if envelope.payload_type == MEDIA_TYPE:
        statement = parse_statement(envelope.payload)
        return statement if statement.predicate_type.startswith(_SLSA) else None
    try:
        statement = parse_statement(envelope.payload)
    except InvalidStatement:
        return None
    if not statement.predicate_type.startswith(_SLSA):
        return None
    raise InvalidStatement(f"its payload type is `{shown(envelope.payload_type)}` instead of `{MEDIA_TYPE}`")


def examine(
    document: SignedDocument, statement: Statement, verdict: SignatureVerdict, rule: ProvenanceRule,
    image: ProvedImage, place: str,
) -> Examined:  # fmt: skip
    """Return what a provenance is for an image, with the verdict on its signature."""
    outcome, builder, reason = _outcome(statement, verdict, rule, image)
    return Examined(
        outcome=outcome,
        by_index=not statement.is_about(image.digest),
        is_stray=outcome == "broken" and bool(verdict.signer) and statement.about.isdisjoint(image.digests),
        place=place,
        digest=document.digest,
        signer=verdict.signer,
        builder=builder,
        reason=reason,
    )


def _outcome(
    statement: Statement, verdict: SignatureVerdict, rule: ProvenanceRule, image: ProvedImage
) -> tuple[Outcome, str, str]:
    if not verdict.signer:
        return ("broken", "", verdict.fault) if verdict.fault else ("other-signer", "", "")
    if not any(statement.is_about(digest) for digest in image.digests):
        if any(statement.is_about(digest) for digest in image.others):
            return "other", "", ""
        return "broken", "", f"it is about {_subjects(statement)}, not about this image"
    try:
        claim = claim_of(statement)
    except InvalidStatement as error:
        return "broken", "", fault_of(error)
    url, commit = split(image.source_ref)
    if reason := _wrong_source(claim, rule, url):
        return "broken", claim.builder, reason
    if claim.commit != commit.lower():
        reason = f"it says commit {claim.commit}, and the ledger {commit}" if claim.commit else _no_commit(claim)
        return "other-commit" if claim.commit else "broken", claim.builder, reason
    return "holds", claim.builder, ""


def _wrong_source(claim: BuildClaim, rule: ProvenanceRule, url: str) -> str:
    if not claim.source:
        return "it does not say from which repository the image was built"
    place, source = address(claim.source), shown(claim.source)
    if place is None:
        return f"it says the source {source}, which is not an address of a repository"
    if place.leads_elsewhere:
        return f"it says the source {source}, which may lead elsewhere"
    if rule.sources and not any(is_admitted(glob, place) for glob in rule.sources):
        return f"it says the source {source}, {NOT_ADMITTED}"
    return "" if is_same_repository(claim.source, url) else f"it says the source {source}, and the ledger {url}"


def _no_commit(claim: BuildClaim) -> str:
    if claim.modified_commit:
        return f"it says that the working tree of commit {claim.modified_commit} was modified"
    return "it does not say from which commit the image was built"


def _subjects(statement: Statement) -> str:
    digests = sorted({digest for subject in statement.subjects for digest in subject.digests})
    more = f" and {len(digests) - _MOST_NAMED} more" if len(digests) > _MOST_NAMED else ""
    return shown(", ".join(digests[:_MOST_NAMED]), 300) + more


def proof(examined: Iterable[Examined], unknown: Sequence[str] = ()) -> Proof:
    """Return what documents prove together; `unknown` says what could not be looked at, which is never absence."""
    documents = sorted(examined, key=lambda one: (one.digest or "", one.place))
    holding = [one for one in documents if one.outcome == "holds"]
    broken = [one for one in documents if one.outcome == "broken"]
    broken += [one for one in documents if one.outcome == "other-commit" and not holding]
    if broken:
        worst = broken[0]
        return Proof(
            state="broken", digest=worst.digest, signer=worst.signer, builder=worst.builder,
            reason="; ".join(f"the statement {one.place} does not hold: {one.reason}" for one in broken[:_MOST_NAMED]),
        )  # fmt: skip
    if unknown:
        return Proof(state="unknown", reason="; ".join(unknown[:_MOST_NAMED]))
    if holding:
        best = holding[0]
        return Proof(state="proved", digest=best.digest, signer=best.signer, builder=best.builder)
    others = sum(one.outcome == "other-signer" for one in documents)
    beside = f"; {others} of other signers {'is' if others == 1 else 'are'} there" if others else ""
    return Proof(state="missing", reason=f"no statement by a signer that ledger.yaml names{beside}")


def proof_of_record(
    examined: Sequence[Examined], unknown: Sequence[str], recorded: str, signer: str, rule: ProvenanceRule
) -> Proof:
    """Return what documents prove together for a record: it names a statement's digest and its signer, or `""`.

    The statement that the record names may still be there among others. If nothing is proved since the rule no longer
    trusts the record's signer, that is said: by another name, or because another key has that name now, so that the
    statement is there and is that of nobody; `unknown` is as for `proof`.
    """
    is_of_nobody = any(one.outcome == "other-signer" and one.digest == recorded for one in examined)
    is_revoked = bool(signer) and (is_of_nobody or not rule.admits(signer))
    together = proof(examined, unknown)
    if is_revoked and together.state == "broken" and recorded:
        # That no signer of the rule has signed the recorded statement is what a revocation means.
        together = proof((one for one in examined if one.signer or one.digest != recorded), unknown)
    if together.state in ("missing", "proved") and is_revoked:
        by = together.signer
        reason = f"its signer, {shown(signer)}, is not one that ledger.yaml names"
        if rule.admits(signer):
            reason = f"the statement that was checked, {recorded}, is not signed by what is {shown(signer)} now"
        other = f"; a statement by {by} holds: publish the image again to record that" if by else ""
        return replace(together, state="revoked", reason=reason + other)
    if together.state != "proved" or not (recorded and signer):
        return together
    for one in examined:
        if one.outcome == "holds" and one.digest == recorded:
            return Proof(state="proved", digest=one.digest, signer=one.signer, builder=one.builder)
    reason = f"the statement that was checked, {recorded}, is not there; another one holds"
    return replace(together, state="replaced", reason=reason)

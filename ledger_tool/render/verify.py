"""The result of a verify, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ledger_tool.commands.verify import Verified, VerifyState
from ledger_tool.core.ledger.names import escaped
from ledger_tool.core.provenance.proof import ProofState
from ledger_tool.render import json
from ledger_tool.render.view import Role, View


def as_json(verified: Verified) -> str:
    """Return the JSON object; `schema/verify-v1.schema.json` describes it."""
    value = {
        "image": verified.name.image,
        "tag": verified.name.tag,
        "ok": verified.ok,
        "checks": [
            {
                "registry": check.registry,
                "platform": check.platform,
                "expected": check.expected,
                "served": check.served,
                "match": check.match,
                "state": check.state,
                "reason": check.reason,
                "command": check.command,
                "alternative": check.alternative,
            }
            for check in verified.checks
        ],
        "provenance": [
            {
                "registry": one.registry,
                "platform": one.record.platform,
                "state": one.proof.state,
                "digest": one.proof.digest,
                "signer": one.proof.signer,
                "reason": one.reason,
            }
            for one in verified.proofs
        ],
    }
    return json.document(value)


_ROLES: Mapping[VerifyState, Role] = {"ok": "good", "mismatch": "bad", "missing": "bad", "unknown": "doubtful"}
_PROOF_ROLES: Mapping[ProofState, Role] = {
    "proved": "good",
    "missing": "bad",
    "broken": "bad",
    "replaced": "bad",
    "revoked": "bad",
    "unknown": "doubtful",
}


def as_text(verified: Verified, view: View) -> Iterator[str]:
    """Yield one line per comparison, and one per proof."""
    for check in verified.checks:
        where = check.registry or "the given digest"
        platform = f" ({check.platform})" if check.platform else ""
        reason = f": {escaped(check.reason)}" if check.reason else ""
        nothing = "not observed" if check.state == "unknown" else "nothing served"
        state = view.painted(f"{check.state:<8}", _ROLES[check.state])
        yield f"{state}  {verified.name}{platform} against {where}, {check.served or nothing}{reason}"
    for one in verified.proofs:
        where = f"at {one.registry}" if one.registry else "in the given file"
        platform = f" ({one.record.platform})" if one.record.platform else ""
        signed = [f"signed by {escaped(one.proof.signer)}"] if one.proof.signer else []
        told = ", ".join([where, *signed, *([one.proof.digest] if one.proof.digest else [])])
        reason = f": {escaped(one.reason)}" if one.reason else ""
        role = "minor" if one.elsewhere else _PROOF_ROLES[one.proof.state]
        state = view.painted(f"{one.proof.state:<8}", role)
        yield f"{state}  provenance of {verified.name}{platform} {told}{reason}"

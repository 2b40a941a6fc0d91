"""The result of a verify, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ledger_tool.commands.verify import Verified, VerifyState
from ledger_tool.core.ledger.names import escaped
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
    }
    return json.document(value)


_ROLES: Mapping[VerifyState, Role] = {"ok": "good", "mismatch": "bad", "missing": "bad", "unknown": "doubtful"}


def as_text(verified: Verified, view: View) -> Iterator[str]:
    """Yield one line per comparison."""
    for check in verified.checks:
        where = check.registry or "the given digest"
        platform = f" ({check.platform})" if check.platform else ""
        reason = f": {escaped(check.reason)}" if check.reason else ""
        nothing = "not observed" if check.state == "unknown" else "nothing served"
        state = view.painted(f"{check.state:<8}", _ROLES[check.state])
        yield f"{state}  {verified.name}{platform} against {where}, {check.served or nothing}{reason}"

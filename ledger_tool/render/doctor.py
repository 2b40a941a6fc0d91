"""What `doctor` found: a line for each check, and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ledger_tool.commands.doctor import gravest
from ledger_tool.commands.doctor_check import Check, CheckState
from ledger_tool.core.ledger.names import counted, escaped
from ledger_tool.core.ledger.secrets import redacted
from ledger_tool.render import json
from ledger_tool.render.view import Role, View

_ROLES: Mapping[CheckState, Role] = {"ok": "good", "note": "minor", "problem": "bad"}


def as_lines(checks: Iterable[Check], view: View) -> Iterator[str]:
    """Yield a line for each check as soon as it is made: ok, or what to do."""
    for check in checks:
        state = view.painted(f"{check.state:9}", _ROLES[check.state])
        yield f"{state}{check.about:13}{_clean('; '.join(filter(None, (check.says, check.hint))))}"


def as_json(checks: Sequence[Check]) -> str:
    """Return the JSON object; `schema/doctor-v1.schema.json` describes it."""
    value = {
        "ok": not gravest(checks),
        "code": gravest(checks),
        "checks": [
            {
                "about": check.about,
                "state": check.state,
                "message": _clean(check.says),
                "hint": _clean(check.hint) or None,
                "code": check.code,
            }
            for check in checks
        ],
    }
    return json.document(value)


def summary(checks: Sequence[Check]) -> str:
    """Return what came of it all, in one line."""
    problems = sum(check.state == "problem" for check in checks)
    return counted(problems, "problem") if problems else "everything that could be checked is in place"


def _clean(text: str) -> str:
    return escaped(redacted(text))

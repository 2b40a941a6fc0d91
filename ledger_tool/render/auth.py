"""The result of a login at a registry; never the credential itself."""

from __future__ import annotations

from ledger_tool.commands.auth import LoginCheck
from ledger_tool.core.ledger.names import shown


def as_text(login: LoginCheck) -> str:
    """Return one line: the registry, which credential it got and from where, and what came of it."""
    if login.credential is None:
        who = "anonymous: no credential is configured"
    else:
        user = login.credential.username
        who = f"{f'user {shown(user)}' if user else 'an identity token'}, from {login.credential.source}"
    if login.problem:
        outcome = f"refused, {login.problem}"
    elif login.accepted:
        outcome = "works"
    elif login.credential is None:
        outcome = "let in without a login"
    else:
        outcome = "not checked, since the registry lets everybody in"
    return f"{login.registry}: {who}: {outcome}"

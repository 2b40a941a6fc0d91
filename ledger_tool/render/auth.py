"""The result of a login at a registry; never the credential itself."""

from __future__ import annotations

from ledger_tool.commands.auth import LoginCheck
from ledger_tool.core.ledger.names import shown


def as_text(login: LoginCheck) -> str:
    """Return one line: the registry, which credential it got and from where, and whether it works."""
    if login.credential is None:
        who = "anonymous: no credential is configured"
    else:
        user = login.credential.username
        who = f"{f'user {shown(user)}' if user else 'an identity token'}, from {login.credential.source}"
    return f"{login.registry}: {who}: {f'refused, {login.problem}' if login.problem else 'works'}"

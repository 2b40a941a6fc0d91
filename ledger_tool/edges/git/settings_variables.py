"""The variables that hold the settings of a git command, with its logins or without them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ledger_tool.core.ledger.secrets import secrets_of_header

HEADER = re.compile(r"http\.(?:.*\.)?extraheader")
CREDENTIAL = re.compile(r"credential\..*")


def without_login(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of an access as it is for somebody who has no login for the remote; proxies keep theirs.

    Settings are left out, not overridden: in git, one for a part of a URL wins over one for all.
    """
    count = int(environment["GIT_CONFIG_COUNT"])
    chosen = [(environment[f"GIT_CONFIG_KEY_{at}"], environment[f"GIT_CONFIG_VALUE_{at}"]) for at in range(count)]
    kept = [
        (key, value)
        for key, value in chosen
        if not CREDENTIAL.fullmatch(key) and not (HEADER.fullmatch(key.lower()) and any(secrets_of_header(value)))
    ]
    # HOME may have a .netrc; of the user's own settings, everything is in the list.
    others = {name: value for name, value in environment.items() if name != "HOME" and name[:11] != "GIT_CONFIG_"}
    fixed = {name: environment[name] for name in ("GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL")}
    return {**others, **fixed, **numbered([*kept, ("credential.helper", "")])}


def numbered(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return settings as variables, which keeps them out of files and argv (git-config(1))."""
    numbered = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return numbered

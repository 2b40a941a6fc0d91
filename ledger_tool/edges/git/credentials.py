"""What the user gave to reach a git remote."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the user gave to reach a git remote: paths, or the texts themselves; empty means none."""

    deploy_key: str = field(default="", repr=False)
    known_hosts: str = ""
    token: str = field(default="", repr=False)

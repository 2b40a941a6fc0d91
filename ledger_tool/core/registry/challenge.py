"""The challenges of `WWW-Authenticate`, and which token realm may get a credential.

Sources: RFC 9110 section 11.6.1 (challenges), RFC 6750 (Bearer), distribution's token authentication specification.
A realm is a URL in a registry's answer that then gets the user's password, so it has to be as safe as the
registry itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ledger_tool.core.registry.address import is_loopback, is_plain_host, why_internal

_scheme = re.compile(
    r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)\s+(?=[A-Za-z_]+\s*=)|(?:^|,)\s*(Basic|Negotiate|NTLM)\s*(?=,|$)", re.IGNORECASE
)
_parameter = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: its scheme in lower case, and its parameters."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_challenges(header: str) -> list[Challenge]:
    """Return the challenges of a `WWW-Authenticate` header, which may contain several."""
    header = header[:8192]
    starts = list(_scheme.finditer(header))
    challenges = []
    for start, end in zip(starts, [*(start.start() for start in starts[1:]), len(header)], strict=False):
        pairs = _parameter.finditer(header[start.end() : end])
        values = {
            pair[1].lower(): re.sub(r"\\(.)", r"\1", pair[2]) if pair[2] is not None else pair[3] for pair in pairs
        }
        challenges.append(Challenge((start[1] or start[2]).lower(), values))
    return challenges


def why_unsafe(realm: str, registry: str, *, plain_http: bool) -> str:
    """Return why a token realm must not get a credential, or `""`.

    `registry` is the host (and port) that named it. A realm must be https, or http if the registry is configured for
    plain HTTP and the realm is on the same host. It may be a loopback address only if the registry is one, and never a
    link-local one, where clouds keep their own secrets.
    """
    try:
        parts = urlsplit(realm)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    del port  # parsed only to refuse a bad one
    plain = re.fullmatch(r"[!-~]+", realm) and is_plain_host(host)
    if not plain or parts.username is not None or parts.fragment:
        return "is not a plain URL"
    own = urlsplit(f"//{registry}").hostname or ""
    if parts.scheme not in ("https", "http"):
        return f"has the scheme {parts.scheme or 'none'}"
    if parts.scheme == "http" and not (plain_http and (host == own or (is_loopback(host) and is_loopback(own)))):
        return "is plain http"
    return why_internal([host], [own])

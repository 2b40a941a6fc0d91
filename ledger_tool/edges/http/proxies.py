"""Proxies from the environment and settings, checked before a request needs one: libraries fail on a bad one oddly.

A message names the variable and never its value, which may contain a password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from ledger_tool.errors import UsageError

_PROXY = re.compile(
    r"(?:(?:https?|socks(?:4a?|5h?)?)://)?(?:[^/\s]*@)?(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?",
    re.IGNORECASE,
)


def check_proxies(url: str, environ: Mapping[str, str], others: Sequence[str] = ()) -> None:
    """Raise UsageError if the proxy for a URL is malformed; `others` are proxies of git's setting `http.proxy`."""
    parts = urlsplit(url)
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        variable = next((spelled for spelled in (name, name.upper()) if environ.get(spelled)), "")
        if variable and not _is_proxy(environ[variable]) and not _is_direct(parts.hostname or "", environ):
            raise _malformed(variable)
    for proxy in others:
        if proxy and not _is_proxy(proxy):
            raise _malformed("git's `http.proxy`")


def _is_proxy(text: str) -> bool:
    match = _PROXY.fullmatch(text.strip())
    return match is not None and int(match[1] or 0) < 65536


def _is_direct(host: str, environ: Mapping[str, str]) -> bool:
    """Return whether `no_proxy` names a host."""
    names = re.split(r"[\s,]+", (environ.get("no_proxy") or environ.get("NO_PROXY", "")).lower())
    return any(name == "*" or f".{host}".endswith(f".{name.lstrip('.')}") for name in names if name.strip("."))


def _malformed(name: str) -> UsageError:
    return UsageError(f"{name} is not the address of a proxy", "set it to an address such as `http://HOST:PORT`")

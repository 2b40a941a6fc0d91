"""Proxies from the environment and settings, checked before a request needs one: libraries fail on a bad one oddly.

A message names the variable and never its value, which may contain a password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from ipaddress import IPv6Address
from urllib.parse import unquote, urlsplit

from ledger_tool.errors import UsageError

_SOCKS = {"socks", "socks4", "socks4a", "socks5", "socks5h"}


def check_proxy(proxy: str, environ: Mapping[str, str]) -> None:
    """Raise UsageError if a proxy that is about to be used is malformed, or needs a package that is not there."""
    name = set_in(proxy, environ)
    if not _is_proxy(proxy):
        raise _malformed(name)
    if proxy.partition(":")[0].lower() in _SOCKS and find_spec("socks") is None:
        hint = "install the package PySocks beside this program, or use an HTTP proxy"
        raise UsageError(f"{name} names a SOCKS proxy", hint)


def variable_for(url: str, environ: Mapping[str, str]) -> str:
    """Return the variable whose proxy git uses for a URL, or `""` if none."""
    variables = _variables(url, environ)
    return variables[0] if variables and not _is_direct(urlsplit(url).hostname or "", environ) else ""


def _variables(url: str, environ: Mapping[str, str]) -> list[str]:
    names = (f"{urlsplit(url).scheme}_proxy", "all_proxy")
    spelled = (next((name for name in (name, name.upper()) if environ.get(name)), "") for name in names)
    return [name for name in spelled if name]


def set_in(proxy: str, environ: Mapping[str, str]) -> str:
    """Return the variable that names a proxy, or what else does."""
    names = (name for name, value in environ.items() if name.lower().endswith("_proxy") and value == proxy)
    return min(names, default="the proxy of this system")


def place_of(proxy: str) -> str:
    """Return the host and port of a well-formed proxy, without a login."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy.removeprefix('//')}")
    return parts.netloc.rpartition("@")[2]


def check_proxies(url: str, environ: Mapping[str, str], others: Sequence[str] = ()) -> None:
    """Raise UsageError if the proxy for a URL is malformed; `others` are proxies of git's setting `http.proxy`."""
    if not _is_direct(urlsplit(url).hostname or "", environ):
        for variable in _variables(url, environ):
            if not _is_proxy(environ[variable]):
                raise _malformed(variable)
    for proxy in others:
        if proxy and not _is_proxy(proxy):
            raise _malformed("git's `http.proxy`")


def _is_proxy(text: str) -> bool:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text.removeprefix('//')}")
        host, port = parts.hostname or "", parts.port
        unquote(f"{parts.username}{parts.password}").encode("latin-1")  # as it is sent
        if ":" in host:
            IPv6Address(host)
        else:
            host.encode("idna")
    except (ValueError, UnicodeError):
        return False
    is_host = ":" in host or re.fullmatch(r"[\w-]+(?:\.[\w-]+)*", host)
    is_clean = re.fullmatch(r"[^\s\x00-\x20\x7f\\]+", text)
    return bool(is_host and is_clean and port != 0 and parts.scheme.lower() in {"http", "https", *_SOCKS})


def _is_direct(host: str, environ: Mapping[str, str]) -> bool:
    """Return whether `no_proxy` names a host."""
    names = re.split(r"[\s,]+", (environ.get("no_proxy") or environ.get("NO_PROXY", "")).lower())
    return any(name == "*" or f".{host}".endswith(f".{name.lstrip('.')}") for name in names if name.strip("."))


def _malformed(name: str) -> UsageError:
    return UsageError(f"{name} is not the address of a proxy", "set it to an address such as `http://HOST:PORT`")

"""Addresses of repositories and of signers, and the globs of them in `ledger.yaml`.

A repository may be reached by several protocols, and is the same by each. What a host takes for equal in a path is not
known, so its case counts. A host's name has none (RFC 3986 section 3.2.2, RFC 4343), which holds for ASCII only. Two
ports are two servers; but nobody can tell which port for ssh belongs to which page.

A glob is compared part by part: what it says of a host is never met by a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from ledger_tool.core.ledger.names import shown_address
from ledger_tool.core.ledger.sourceref import SSH_HOSTS, web_url
from ledger_tool.errors import UsageError

_PORTS = {"http": "80", "https": "443", "ssh": "22", "git": "9418"}
_url = re.compile(
    r"(?P<scheme>https?|ssh|git)://(?:(?P<user>[^/@]+)@)?(?P<host>\[[0-9a-f:.]+\]|[^/@:\[\]]+)(?::(?P<port>\d*))?/(?P<path>.+)",
    re.IGNORECASE | re.ASCII,
)
_scp = re.compile(r"[^/@:]+@(?P<host>[^/@:\[\]]+):/?(?P<path>.+)", re.ASCII)
_leads_elsewhere = re.compile(r"[%\\\s]|(?:^|/)\.{1,2}(?:/|$)|//|^/")
_odd_in_host = re.compile(r"[%\\\s?#@]")
_wild = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class RepositoryAddress:
    """Where a repository is; in a glob, `host` and `path` are globs. `port` is `""` for the protocol's own."""

    protocol: Literal["web", "ssh", "git"]
    host: str
    port: str
    path: str

    @property
    def leads_elsewhere(self) -> bool:
        """Whether a part of it may be taken for something else, as `..` is."""
        return bool(_leads_elsewhere.search(self.path) or _odd_in_host.search(self.host))


def repository_address(url: str) -> RepositoryAddress | None:
    """Return where the repository of a URL is, None if that is not an address of one at a host."""
    parts = _url.fullmatch(url) or _scp.fullmatch(url)
    if not parts:
        return None
    named = parts.groupdict()
    scheme, host, path = (named.get("scheme") or "ssh").lower(), _folded(named["host"]), named["path"]
    if scheme in ("ssh", "git") and host in SSH_HOSTS:
        return repository_address(web_url(f"ssh://{host}/{path}"))
    path, port = path.rstrip("/").removesuffix(".git"), (named.get("port") or "").lstrip("0")
    is_web = scheme.startswith("http")
    if not path or (is_web and named.get("user")):
        return None
    protocol: Literal["web", "ssh", "git"] = "web" if is_web else "git" if scheme == "git" else "ssh"
    return RepositoryAddress(protocol, host, "" if port == _PORTS[scheme] else port, path)


def is_same_place(one: RepositoryAddress, other: RepositoryAddress) -> bool:
    """Return whether two addresses are those of one repository, by whatever protocol."""
    return (one.host, one.path) == (other.host, other.path) and _is_same_port(one, other)


def may_be_same(url: str, other: str) -> bool:
    """Return whether two URLs may be of one repository, for a link or a note: many forges ignore the case of a path.

    What is not the address of a repository is only the same as itself.
    """
    one, two = repository_address(url), repository_address(other)
    if one is None or two is None:
        return url == other
    return is_same_place(replace(one, path=one.path.lower()), replace(two, path=two.path.lower()))


def is_admitted(glob: str, address: RepositoryAddress) -> bool:
    """Return whether a glob of `source`, as `parse_source_glob` returns it, admits a repository."""
    wanted = repository_address(glob)
    if wanted is None:
        return glob == "*"
    is_match = fnmatchcase(address.host, _of_host(wanted.host)) and fnmatchcase(address.path, wanted.path)
    return is_match and _is_same_port(wanted, address)


def _is_same_port(one: RepositoryAddress, other: RepositoryAddress) -> bool:
    if one.protocol == other.protocol:
        return one.port == other.port
    return not any(address.port for address in (one, other) if address.protocol == "web")


def _of_host(host: str) -> str:
    return host.replace("[", "[[]")  # an IPv6 address's


def _folded(host: str) -> str:
    return host.lower() if host.isascii() else host


def parse_source_glob(text: str) -> str:
    """Return a glob of `source`: `*`, or one of repositories' addresses. Raises UsageError if it can match nothing."""
    if text == "*":
        return text
    address = repository_address(text)
    if address is None or _leads_elsewhere.search(address.path) or "#" in text:
        raise UsageError(
            f"the pattern `{shown_address(text)}` is not an address of repositories",
            "write it with its protocol, host and path, such as `https://git.example.com/team/*`",
        )
    _check_host(text, address.host)
    return text


def parse_signer_glob(text: str) -> str:
    """Return a glob of `identity` or `issuer`. Raises UsageError for a host whose end could be anything."""
    _check_host(text, _parts(text)[1])
    return text


def _check_host(text: str, host: str) -> None:
    if host != "*" and _wild.search(host.removeprefix("[").rpartition(".")[2]):
        raise UsageError(
            f"the pattern `{shown_address(text)}` leaves open on whose host it ends",
            "write the end of the host's name, such as `https://*.example.com/team/*`",
        )


def is_signer_match(glob: str, text: str) -> bool:
    """Return whether a glob matches an identity or an issuer.

    One with an `@` only matches what has as many: in a workflow's identity, the last one stands before a ref whose name
    may have further ones.
    """
    if "@" in glob and glob.count("@") != text.count("@"):
        return False
    parts, wanted = _parts(text), _parts(glob)
    if glob == "*" or _odd_in_host.search(parts[1]):
        return glob == "*"
    return all(fnmatchcase(part, own) for part, own in zip(parts, wanted, strict=True))


def _parts(text: str) -> tuple[str, str, str]:
    """Return the scheme, the host and the rest of a URL; of another text, the rest only."""
    scheme, is_url, rest = text.partition("://")
    if not is_url:
        return "", "", text
    host, slash, path = rest.partition("/")
    return scheme, host, slash + path

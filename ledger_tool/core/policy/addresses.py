"""Addresses of repositories and of signers, and the globs of them in `ledger.yaml`.

A repository may be reached by several protocols, and is the same by each. By ssh, a path that does not begin at the
root begins at the home of whoever logs in, so that the login is a part of it. What a host takes for equal in a path is
not known, so its case counts, and so does an escape (`%20`), which must not stand for what makes another path. A host's
name has no case (RFC 3986 section 3.2.2, RFC 4343), which holds for ASCII only. Two ports are two servers; but nobody
can tell which port for ssh belongs to which page.

A glob is compared part by part: what it says of a host is never met by a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import unquote

from ledger_tool.core.ledger.names import shown_address
from ledger_tool.core.ledger.sourceref import SSH_HOSTS, web_url
from ledger_tool.errors import UsageError

_PORTS = {"http": "80", "https": "443", "ssh": "22", "git": "9418"}
_url = re.compile(
    r"(?P<scheme>https?|ssh|git)://(?:(?P<user>[^/@]+)@)?(?P<host>\[[0-9a-f:.]+\]|[^/@:\[\]]+)(?::(?P<port>\d*))?/(?P<path>.+)",
    re.IGNORECASE | re.ASCII,
)
_scp = re.compile(r"(?P<user>[^/@:]+)@(?P<host>[^/@:\[\]]+):(?P<root>/?)(?P<path>.+)", re.ASCII)
_leads_elsewhere = re.compile(r"[\\\s]|(?:^|/)\.{1,2}(?:/|$)|//|^/")
# Malformed, or of what is a part of the syntax (`%`, `/`, a backslash) or needs no escape (RFC 3986 section 2.3).
_odd_escape = re.compile(
    r"%(?![0-9a-f]{2})|%(?:25|2[d-f]|3[0-9]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9ae])", re.IGNORECASE
)
_odd_in_host = re.compile(r"[%\\\s?#@]")
_wild = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class RepositoryAddress:
    """Where a repository is; in a glob, `host`, `path` and `login` are globs. `port` is `""` for the protocol's own.

    `login` is that of ssh, and `is_in_home` says that the path begins at the home of that login.
    """

    protocol: Literal["web", "ssh", "git"]
    host: str
    port: str
    path: str
    login: str = ""
    is_in_home: bool = False

    @property
    def leads_elsewhere(self) -> bool:
        """Whether a part of it may be taken for something else, as `..` is."""
        return _is_odd(self.path) or bool(_odd_in_host.search(self.host))


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
    port = "" if port == _PORTS[scheme] else port
    if scheme != "ssh":
        return RepositoryAddress("web" if is_web else "git", host, port, path)
    is_in_home = path.startswith("~/") or named.get("root") == ""
    return RepositoryAddress("ssh", host, port, path, named.get("user") or "", is_in_home)


def _is_odd(path: str) -> bool:
    try:
        is_printable = unquote(path, errors="strict").isprintable()
    except UnicodeDecodeError:
        return True
    return not is_printable or bool(_leads_elsewhere.search(path) or _odd_escape.search(path))


def is_same_place(one: RepositoryAddress, other: RepositoryAddress) -> bool:
    """Return whether two addresses are those of one repository, by whatever protocol."""
    is_same = (one.host, one.path) == (other.host, other.path) and _is_same_port(one, other)
    return is_same and (one.login == other.login or not _is_of_login(one, other))


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
    is_home = fnmatchcase(address.login, wanted.login) or not _is_of_login(wanted, address)
    return is_match and is_home and _is_same_port(wanted, address)


def _is_same_port(one: RepositoryAddress, other: RepositoryAddress) -> bool:
    if one.protocol == other.protocol:
        return one.port == other.port
    return not any(address.port for address in (one, other) if address.protocol == "web")


def _is_of_login(one: RepositoryAddress, other: RepositoryAddress) -> bool:
    """Return whether the login counts between two addresses; a web page says nothing of who logs in to its host."""
    return one.protocol == other.protocol == "ssh" and (one.is_in_home or other.is_in_home)


def _of_host(host: str) -> str:
    return host.replace("[", "[[]")  # an IPv6 address's


def _folded(host: str) -> str:
    return host.lower() if host.isascii() else host


def parse_source_glob(text: str) -> str:
    """Return a glob of `source`: `*`, or one of repositories' addresses. Raises UsageError if it can match nothing."""
    if text == "*":
        return text
    address = repository_address(text)
    if address is None or _is_odd(address.path) or "#" in text:
        raise UsageError(
            f"the pattern `{shown_address(text)}` is not an address of repositories",
            "write it with its protocol, host and path, such as `https://git.example.com/team/*`",
        )
    _check_host(text, address.host)
    return text


def parse_signer_glob(text: str) -> str:
    """Return a glob of `identity` or `issuer`. Raises UsageError for a host whose end could be anything."""
    _check_host(text, _parts(text)[1] or _mail_host(text))
    return text


def _check_host(text: str, host: str) -> None:
    if host != "*" and _wild.search(host.removeprefix("[").rpartition(".")[2]):
        raise UsageError(
            f"the pattern `{shown_address(text)}` leaves open on whose host it ends",
            "write the end of the host's name, such as `https://*.example.com/team/*` or `*@example.com`",
        )


def _mail_host(text: str) -> str:
    """Return the host of an e-mail address, or `""`."""
    _, at, host = text.rpartition("@")
    return host if at and "/" not in text else ""


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

"""Which forge serves a git remote: its kind, the URL of its pages, and the repository's path there.

Sources: GitHub Actions, GitLab CI and Gitea Actions, "default variables"; GitHub "Using SSH over the HTTPS port";
GitLab "Use SSH keys", "alternative SSH port".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ledger_tool.core.ledger.names import HOST, shown, shown_address
from ledger_tool.edges.git.location import Address, parse_address
from ledger_tool.errors import UsageError

_KINDS = {"github": "github", "gitlab": "gitlab", "gitea": "gitea", "forgejo": "gitea"}
# Hosts that answer ssh on port 443, with the hosts of their pages and API.
_SSH_HOSTS = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}
# Hosts whose APIs are of other kinds.
_OTHERS = re.compile(
    r"bitbucket|(?:^|\.)dev\.azure\.com$|\.visualstudio\.com$|git-codecommit|gerrit|(?:^|\.)googlesource\.com$"
    r"|(?:^|\.)sourceforge\.net$|(?:^|\.)git\.sr\.ht$|gitolite|source\.developers\.google\.com$|(?:^|\.)pagure\.io$"
)
_BY_HAND = (
    "commit to a branch of a checkout (`--no-push`, `bump --commit`), push it with git, "
    "and open the request on the host's pages"
)
_LOOPBACK = r"localhost|127(?:\.[0-9]{1,3}){3}|\[?::1\]?"


@dataclass(frozen=True, slots=True)
class ForgeRepository:
    """A repository on a forge. With `is_sure`, the user or the CI named the forge; else the host's name suggests it."""

    kind: str  # github, gitlab or gitea
    base: str  # of the pages, such as `https://git.example.com`; no slash at the end
    path: str  # `owner/name`, with subgroups on GitLab
    is_sure: bool

    @property
    def host(self) -> str:
        """The host, without a port, in lower case."""
        return (urlsplit(self.base).hostname or "").lower()

    @property
    def name(self) -> str:
        """The host with its port, for messages."""
        return urlsplit(self.base).netloc


def find_repository(remote: str, kind: str, url: str, environ: Mapping[str, str]) -> ForgeRepository:
    """Return the forge of a git remote, given in any of git's forms.

    `kind` (`--forge`) and `url` (the address of the forge's pages) come from the user, or are empty. Raises UsageError
    if no forge can serve the remote, or its kind is unknown.
    """
    if kind and kind not in _KINDS:
        raise UsageError(f"the forge `{shown(kind)}` is unknown", "use `github`, `gitlab` or `gitea`")
    address = parse_address(remote)
    if isinstance(address, Path) or address.scheme == "file":
        raise UsageError(
            "a pull request needs a remote on a forge, but this one is a folder",
            "give the address of one: a ledger's with `--repo`, that of manifests with `git remote set-url origin`",
        )
    host = re.sub(r":[0-9]+$", "", address.host).lower()
    host = _SSH_HOSTS.get(host, host)
    ci = _forge_of_ci(host, environ)
    base = _checked(url, "LEDGER_FORGE_URL") if url else _checked(*ci[1:]) if ci else _base(address, host)
    is_sure = bool(kind or url or ci)
    kind = _KINDS.get(kind) or (ci[0] if ci else "") or _guess(host) or _guess(urlsplit(base).hostname or "")
    other = _OTHERS.search(host)
    if not kind and other:
        raise UsageError(
            f"pull requests on {shown(host)} are not supported: it has the API of none of GitHub, GitLab and Gitea",
            _BY_HAND,
        )
    if not kind:
        raise UsageError(
            f"the kind of forge at {shown(host)} is unknown",
            f"pass `--forge github`, `gitlab` or `gitea`, or set LEDGER_FORGE; if it is none of them, {_BY_HAND}",
        )
    return ForgeRepository(kind, base, _path(address, base, kind), is_sure)


def _base(address: Address, host: str) -> str:
    """Return the address of the pages that belongs to the remote's; plain HTTP is kept for loopback only."""
    if address.scheme == "http" and re.fullmatch(_LOOPBACK, host):
        return f"http://{address.host}"
    return f"https://{address.host if address.scheme == 'https' else host}".lower()


def _checked(url: str, variable: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not re.fullmatch(HOST, parts.netloc) or parts.query or parts.fragment:
        raise UsageError(
            f"{variable} `{shown_address(url)}` is not the address of a forge",
            "set LEDGER_FORGE_URL to an address such as `https://git.example.com`",
        )
    if parts.scheme == "http" and not re.fullmatch(_LOOPBACK, parts.hostname or ""):
        raise UsageError(
            f"{variable} `{shown_address(url)}` is plain HTTP, which would expose the token on the network",
            "set LEDGER_FORGE_URL to its address with `https://`",
        )
    return url.rstrip("/")


def _forge_of_ci(host: str, environ: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Return kind, address and variable of the forge whose CI job this is, or None if it does not serve the remote."""
    is_gitea = "true" in (environ.get("GITEA_ACTIONS"), environ.get("FORGEJO_ACTIONS"))
    for kind, variable, also in (
        ("gitlab", "CI_SERVER_URL", environ.get("CI_SERVER_SHELL_SSH_HOST", "")),
        ("gitea" if is_gitea else "github", "GITHUB_SERVER_URL", ""),
    ):
        url = environ.get(variable, "")
        if url and host in ((urlsplit(url).hostname or "").lower(), also.lower()):
            return kind, url, variable
    return None


def _guess(host: str) -> str:
    if host == "codeberg.org":
        return "gitea"
    if host.endswith(".ghe.com"):
        return "github"
    return next((kind for word, kind in _KINDS.items() if word in host), "")


def _path(address: Address, base: str, kind: str) -> str:
    """Return the repository's path. A forge below a path has that path in its https remotes, but not in ssh ones."""
    path = urlsplit(address.url).path if "://" in address.url else address.url.partition(":")[2]
    below = urlsplit(base).path
    if address.scheme != "ssh" and below and path.startswith(f"{below}/"):
        path = path[len(below) :]
    path = re.sub(r"\.git/?$", "", unquote(path).strip("/"))
    parts = path.split("/")
    if (
        len(parts) < 2
        or (len(parts) > 2 and kind != "gitlab")
        or not all(re.fullmatch(r"(?!\.+$)[\w.~-]+", part) for part in parts)
    ):
        raise UsageError(
            f"`{shown(path)}` is not the path of a repository",
            "a remote's path is `owner/name`, with subgroups on GitLab",
        )
    return path

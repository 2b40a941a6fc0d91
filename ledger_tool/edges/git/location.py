"""Where a ledger is: `--repo`, taken apart and judged before git sees any of it.

Sources: git-fetch(1) "GIT URLS" for the forms; git's transport-helper syntax `NAME::ADDRESS`, which runs a
program, is refused, as is any scheme but file, ssh, http and https.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.files.disk import local_errors, path_of
from ledger_tool.errors import UsageError

_HINT = "name a folder, or a URL such as `ssh://git@git.example.com/team/ledger.git`, `git@HOST:PATH` or `https://…`"
_url = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<user>[^/@:\s]*)(?::(?P<password>[^/@\s]*))?@)?(?P<host>[^/\s@]*)(?P<path>/.*)?"
)
_host = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_scp = re.compile(r"(?:(?P<user>[A-Za-z0-9._-]+)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^-\s].*)")


@dataclass(frozen=True, slots=True)
class Address:
    """A git remote. `url` goes to git and holds no password; `shown` is fit for messages."""

    scheme: str  # file, ssh, http or https
    url: str
    host: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """The address, fit for messages."""
        return shown(self.url, 300)

    @property
    def path(self) -> Path | None:
        """The local repository, of a file address."""
        return Path(self.url) if self.scheme == "file" else None


def parse_address(value: str, base: Path | None = None) -> Address | Path:
    """Return the remote that `--repo` names, or the path of a folder that may hold a checkout.

    `base` is what a relative path is relative to. Raises UsageError for what is neither.
    """
    if not value or value.startswith("-") or re.search(r"[\x00-\x1f\x7f]", value) or len(value) > 4096:
        raise UsageError(f"`{shown(value)}` is no repository", _HINT)
    if re.match(r"[A-Za-z0-9+.-]*::", value):
        raise UsageError(f"`{shown(value)}` would make git run a program", _HINT)
    if found := _url.fullmatch(value):
        return _from_url(found, value)
    local = (base or Path()) / path_of(value, "the repository")
    with local_errors(local, "open"):
        is_there = local.exists()
    if (found := _scp.fullmatch(value)) and "/" not in value.split(":")[0] and not is_there:
        if "@" in found["path"].partition("/")[0] or found["host"].lower() in ("http", "https", "ssh", "git", "file"):
            raise UsageError("the repository looks like a URL, but is none", _HINT)
        return Address("ssh", value, found["host"], found["user"] or "")
    return local


def file_address(path: Path) -> Address:
    """Return the address of a local repository."""
    return Address("file", os.path.abspath(path))


def _from_url(found: re.Match[str], value: str) -> Address:
    scheme, host, path = found["scheme"].lower(), found["host"], found["path"] or ""
    if scheme == "file":
        if host not in ("", "localhost") or not path:
            raise UsageError(f"`{shown(value)}` is no file URL", "write `file:///path/to/ledger.git`")
        return file_address(Path(unquote(path)))
    if scheme not in ("ssh", "http", "https"):
        raise UsageError(f"`{shown(value)}` has a scheme that is not used here", _HINT)
    if not _host.fullmatch(host) or len(path) < 2 or re.search(r"[?#]", path):
        raise UsageError(f"`{shown(value.partition('?')[0])}` is no repository's URL", _HINT)
    user, password = unquote(found["user"] or ""), unquote(found["password"] or "")
    if not re.fullmatch(r"[A-Za-z0-9._@+-]*", user) or user.startswith("-"):
        raise UsageError(f"`{shown(value)}` has a malformed user name", _HINT)
    if password and scheme == "ssh":
        raise UsageError(f"`{shown(value)}` has a password, which ssh does not take", "use `--deploy-key FILE`")
    if user and not password and scheme != "ssh" and len(user) > 32:
        user, password = "", user  # `https://TOKEN@host/…`: a token in the user's place
    name = f"{user}@" if user and scheme == "ssh" else ""
    return Address(scheme, f"{scheme}://{name}{host}{path}", host, user, password)

"""Where a ledger is: `--repo`, parsed and checked before git sees any of it, and the credentials that open it.

Source: git-fetch(1), "GIT URLS". Git's transport-helper syntax `NAME::ADDRESS`, which runs a program, is refused, and
so is every scheme except file, ssh, http and https.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from ledger_tool.core.ledger.names import LEDGER, shown, shown_address
from ledger_tool.core.ledger.secrets import LONG_USER
from ledger_tool.edges.files.disk import local_errors, path_of
from ledger_tool.errors import UsageError

_HINT = "name a folder, or a URL such as `ssh://git@git.example.com/team/ledger.git`, `git@HOST:PATH` or `https://…`"
_url = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<user>[^/@:\s]*)(?::(?P<password>[^/@\s]*))?@)?(?P<host>[^/\s@]*)(?P<path>/.*)?"
)
_host = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_loopback = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?")
_scp = re.compile(r"(?:(?P<user>[A-Za-z0-9._-]+)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^-\s].*)")


@dataclass(frozen=True, slots=True)
class Address:
    """A git remote. `url` is given to git and contains no password; `shown` is fit for messages.

    If it is not that of a ledger, it is `origin` of the repository with the manifests.
    """

    scheme: str  # file, ssh, http or https
    url: str
    host: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    is_ledgers: bool = True

    @property
    def shown(self) -> str:
        """The address, fit for messages."""
        is_long = self.scheme == "ssh" and len(self.user) > LONG_USER
        return shown_address(self.url) if is_long else shown(self.url, 300)

    @property
    def is_confidential(self) -> bool:
        """Whether a credential may be sent there: the connection is encrypted, or stays on this machine."""
        return self.scheme != "http" or bool(_loopback.fullmatch(self.host.lower()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the user gave to reach a git remote, as a path or as the text itself; empty means none."""

    deploy_key: str = field(default="", repr=False)
    known_hosts: str = ""
    token: str = field(default="", repr=False)


def parse_location(repo: str) -> Address | Path:
    """Return the remote that `--repo` names (it may be a local bare repository), or the folder of a checkout or of
    plain files.

    Raises UsageError if it is neither, or does not exist.
    """
    location = parse_address(repo)
    if isinstance(location, Address):
        return _existing(location)
    with local_errors(shown_address(repo), "open"):
        is_folder = location.is_dir()
    if not is_folder:
        raise UsageError(
            f"there is no folder {shown_address(repo)}",
            "name the ledger's folder or URL with `--repo` or LEDGER_REPO",
        )
    folder = repository_holding(location)
    return file_address(folder) if is_bare(folder) else folder


def repository_holding(folder: Path) -> Path:
    """Return the checkout or bare repository that a folder is in, as git finds it; the folder itself if there is none.

    A folder that has a ledger of its own stays what it is. Raises UsageError for a repository of another user that git
    would not trust: a ledger that nobody named must not be one that anybody could have put above.
    """
    if is_bare(folder) or (folder / ".git").exists() or os.path.lexists(folder / LEDGER):
        return folder
    start = Path(os.path.realpath(folder))
    with local_errors(folder, "open"):
        device = start.stat().st_dev
        for above in start.parents:
            if above.stat().st_dev != device:  # git stops there, too
                break
            if (above / ".git").exists():
                _check_owner(above, git_dir_of(above))
                return above
            if is_bare(above):
                _check_owner(above, above)
                return above
    return folder


def is_ours(top: Path, git_dir: Path) -> bool:
    """Return whether a checkout belongs to us, as far as git looks at it."""
    paths = (top, top / ".git", git_dir)
    return all(path.stat().st_uid == os.geteuid() for path in paths if path.exists())


def _check_owner(top: Path, git_dir: Path) -> None:
    if is_ours(top, git_dir):
        return
    from ledger_tool.edges.git.user_settings import is_trusted  # here, since it needs git

    if not is_trusted(top, git_dir):
        raise UsageError(
            f"git does not trust {shown(str(top), 300)}: it belongs to another user",
            f"if it is the ledger that you mean, name it with `--repo {shlex.quote(shown(str(top), 300))}`",
        )


def parse_remote(url: str, folder: Path) -> Address:
    """Return the address of a checkout's remote, whose path may be relative to the checkout. Raises UsageError."""
    location = parse_address(url, folder)
    return _existing(location if isinstance(location, Address) else file_address(location))


def is_bare(folder: Path) -> bool:
    """Return whether a folder is a bare repository."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def git_dir_of(folder: Path) -> Path:
    """Return the git directory of a checkout: `.git`, or the target of a file `.git` (gitrepository-layout(5))."""
    git_dir = folder / ".git"
    if git_dir.is_file():
        pointer = git_dir.read_text("utf-8", "replace").strip().removeprefix("gitdir:").strip()
        git_dir = folder / pointer
    if not git_dir.is_dir():
        is_inside = any((above / ".git").exists() for above in folder.absolute().parents)
        what = "is not the top folder of a git repository" if is_inside else "is not in a git repository"
        raise UsageError(
            f"{folder.absolute()} {what}",
            "name the ledger's folder or URL with `--repo`, or create one with `ledger init`",
        )
    return git_dir.absolute()


def parse_address(value: str, base: Path | None = None) -> Address | Path:
    """Return the remote that `--repo` names, or the path of a folder that may hold a checkout.

    A relative path is relative to `base`. Raises UsageError if the value is neither.
    """
    if not value or value.startswith("-") or re.search(r"[\x00-\x1f\x7f]", value) or len(value) > 4096:
        raise UsageError(f"`{shown_address(value, 80)}` is not a repository", _HINT)
    if re.match(r"[A-Za-z0-9+.-]*::", value):
        raise UsageError(f"`{shown_address(value, 80)}` would make git run a program", _HINT)
    if url := _url.fullmatch(value):
        return _from_url(url, value)
    local = (base or Path()) / path_of(value, "the repository")
    with local_errors(shown_address(value), "open"):
        exists = local.exists()
    if (scp := _scp.fullmatch(value)) and "/" not in value.split(":")[0] and not exists:
        if "@" in scp["path"].partition("/")[0] or scp["host"].lower() in ("http", "https", "ssh", "git", "file"):
            raise UsageError("the repository looks like a URL but is not one", _HINT)
        return Address("ssh", value, scp["host"], scp["user"] or "")
    return local


def file_address(path: Path) -> Address:
    """Return the address of a local repository."""
    return Address("file", os.path.abspath(path))


def _existing(address: Address) -> Address:
    if address.scheme == "file" and not Path(address.url).is_dir():
        raise UsageError(f"there is no repository at {address.shown}", "check the path")
    return address


def _from_url(url: re.Match[str], value: str) -> Address:
    scheme, host, path = url["scheme"].lower(), url["host"], url["path"] or ""
    if scheme == "file":
        if host not in ("", "localhost") or not path:
            raise UsageError(f"`{shown_address(value, 80)}` is not a file URL", "write `file:///path/to/ledger.git`")
        return file_address(Path(unquote(path)))
    if scheme not in ("ssh", "http", "https"):
        raise UsageError(f"`{shown_address(value, 80)}` has an unsupported scheme", _HINT)
    if not _host.fullmatch(host) or len(path) < 2 or re.search(r"[?#]", path):
        raise UsageError(f"`{shown_address(value.partition('?')[0], 80)}` is not the URL of a repository", _HINT)
    user, password = unquote(url["user"] or ""), unquote(url["password"] or "")
    if not re.fullmatch(r"[A-Za-z0-9._@+-]*", user) or user.startswith("-"):
        raise UsageError(f"`{shown_address(value, 80)}` has a malformed user name", _HINT)
    if password and scheme == "ssh":
        message = f"`{shown_address(value, 80)}` has a password, which ssh does not accept"
        raise UsageError(message, "use `--deploy-key FILE`")
    if user and not password and scheme != "ssh" and len(user) > 32:
        user, password = "", user  # `https://TOKEN@host/…`: a token in place of the user
    name = f"{user}@" if user and scheme == "ssh" else ""
    return Address(scheme, f"{scheme}://{name}{host}{path}", host, user, password)


def check_branch(name: str) -> str:
    """Return a branch name, or `""`, if git accepts it (git-check-ref-format(1)). Raises UsageError if not."""
    bad = r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|\.$|/$|^[-/.]"
    if len(name) > 250 or re.search(bad, name) or name in ("@", "HEAD"):
        raise UsageError(f"`{shown(name)}` is not a branch name", "name a branch such as `main`")
    return name

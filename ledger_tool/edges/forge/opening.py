"""Opens the forge that serves a git remote: its kind, its API's address, and the token to use."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeAlias

from ledger_tool.edges.deadline import UNLIMITED, Deadline
from ledger_tool.edges.forge.repository import ForgeRepository, find_repository
from ledger_tool.errors import Denied

if TYPE_CHECKING:
    from ledger_tool.edges.forge.api import Api, ForgeToken
    from ledger_tool.edges.forge.gitea import Gitea
    from ledger_tool.edges.forge.github import GitHub
    from ledger_tool.edges.forge.gitlab import GitLab, GitLabByPush
    from ledger_tool.edges.forge.posts import Posts
    from ledger_tool.edges.forge.request import Requests

_ANY = "LEDGER_FORGE_TOKEN"
_GITHUB = ("GH_TOKEN", "GITHUB_TOKEN")
_ENTERPRISE = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
_GITLAB = ("GITLAB_TOKEN",)
_GITEA = ("GITEA_TOKEN", "FORGEJO_TOKEN")


class NoForgeToken(Denied):
    """No variable has a token for the forge."""


Forge: TypeAlias = "Requests | GitLabByPush"
VARIABLES = (_ANY, *_GITHUB, *_ENTERPRISE, *_GITLAB, *_GITEA)


def secrets(environ: Mapping[str, str]) -> list[str]:
    """Return the values in the environment that must never be printed."""
    return [environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()]


@contextmanager
def open_forge(
    remote: str,
    *,
    kind: str = "",
    url: str = "",
    environ: Mapping[str, str],
    ca_file: str = "",
    deadline: Deadline = UNLIMITED,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Forge]:
    """Yield the forge that serves a git remote, given in any of git's forms.

    `kind` is `github`, `gitlab`, `gitea` or empty, `url` the address of the forge's pages or empty. The token is tried
    on the repository before anything is pushed; GitLab also works without a token. Raises UsageError, Denied or
    Unreachable. HTTP is imported here so that a publish without a pull request starts faster.
    """
    from ledger_tool.edges.forge.gitea import Gitea
    from ledger_tool.edges.forge.github import GitHub
    from ledger_tool.edges.forge.gitlab import GitLab, GitLabByPush

    repository = find_repository(remote, kind, url, environ)
    kinds: dict[str, type[GitHub | GitLab | Gitea]] = {"github": GitHub, "gitlab": GitLab, "gitea": Gitea}
    requests = kinds[repository.kind]
    token = _token(repository, environ, requests.permissions)
    if token is None:
        yield GitLabByPush(repository)
        return
    with _open_api(repository, requests, token, environ, ca_file, deadline, sleep) as api:
        yield requests(api, repository.path)


@contextmanager
def open_posts(
    remote: str,
    *,
    kind: str = "",
    url: str = "",
    environ: Mapping[str, str],
    ca_file: str = "",
    deadline: Deadline = UNLIMITED,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Posts]:
    """Yield the comments and issues on the forge of a git remote; as `open_forge`, but not without a token."""
    from ledger_tool.edges.forge.posts import KINDS

    repository = find_repository(remote, kind, url, environ)
    forge, posts, permissions = KINDS[repository.kind]
    token = _token(repository, environ, permissions)
    if token is None:
        raise Denied(f"a post on {repository.name} needs a token", f"set {_GITLAB[0]} or {_ANY}; {permissions}")
    with _open_api(repository, forge, token, environ, ca_file, deadline, sleep) as api:
        yield posts(api, repository.path)


@contextmanager
def _open_api(
    repository: ForgeRepository,
    forge: type[GitHub | GitLab | Gitea],
    token: ForgeToken,
    environ: Mapping[str, str],
    ca_file: str,
    deadline: Deadline,
    sleep: Callable[[float], None],
) -> Iterator[Api]:
    """Yield the API of the forge that a repository is on."""
    from ledger_tool.edges.forge.api import Api
    from ledger_tool.edges.http.client import Line, ca_of

    with closing(Line(forge.api_base(repository), ca_file=ca_of(ca_file, environ), deadline=deadline)) as line:
        yield Api(repository.name, line, token, forge.headers(token), sleep=sleep)


def _variables(repository: ForgeRepository, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that may hold a token for the forge.

    GitHub's variables are for GitHub, as in its own command line. Other hosts get them only if the user or the CI
    said that the forge is GitHub: a host that merely calls itself `github.…` does not.
    """
    if repository.kind == "github":
        if repository.host == "github.com" or repository.host.endswith(".ghe.com"):
            return (_ANY, *_GITHUB)
        return (_ANY, *_ENTERPRISE, *(_GITHUB if repository.is_sure else ()))
    if repository.kind == "gitlab":
        return (_ANY, *_GITLAB)
    in_actions = "true" in (environ.get("GITEA_ACTIONS"), environ.get("FORGEJO_ACTIONS"))
    return (_ANY, *_GITEA, *(("GITHUB_TOKEN",) if in_actions and repository.is_sure else ()))


def _token(repository: ForgeRepository, environ: Mapping[str, str], permissions: str) -> ForgeToken | None:
    """Return the token, or None if GitLab works without one. Raises Denied if it is missing or malformed."""
    from ledger_tool.edges.forge.api import ForgeToken

    names = _variables(repository, environ)
    for name in names:
        text = environ.get(name, "").strip()
        if text and not re.fullmatch(r"[!-~]{1,4096}", text):
            raise Denied(f"{name} does not contain a token", "set it to the token itself, on one line")
        if text:
            return ForgeToken(name, text, permissions)
    if repository.kind == "gitlab":
        return None
    own = names[-1] if repository.kind == "github" else names[1]
    raise NoForgeToken(f"a pull request on {repository.name} needs a token", f"set {own} or {_ANY}; {permissions}")

"""The pages of a sourceRef: its repository's, and its commit's.

Sources: the forges' own documentation of their pages. The kind of forge is derived from the host's name, as
people name their forges; if the name does not tell, there is no link, and the sourceRefs are shown as text.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ledger_tool.core.ledger.names import SourceRef

_web = re.compile(r"(?P<scheme>https?)://(?P<host>[^/]+)/(?P<path>.+)")
_ssh = re.compile(r"(?:ssh|git)://(?:[^/@]+@)?(?P<host>\[[^\]]+\]|[^/:]+)(?::\d+)?/(?P<path>.+)")
_scp = re.compile(r"[^/@]+@(?P<host>[^/:]+):/?(?P<path>.+)")
_WEB_HOSTS = {  # of hosts that only take SSH
    "ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com", "altssh.bitbucket.org": "bitbucket.org",
}  # fmt: skip
_AZURE_HOSTS = ("ssh.dev.azure.com", "vs-ssh.visualstudio.com")
SSH_HOSTS = frozenset((*_WEB_HOSTS, *_AZURE_HOSTS))  # their pages are elsewhere
_azure_ssh = re.compile(r"v3/([^/]+)/([^/]+)/([^/]+)")
# The words in the name of a host that show its forge.
_MARKS = {"github": {"github", "ghe"}, "gitlab": {"gitlab", "salsa"}, "gitea": {"gitea", "forgejo", "codeberg"}}


def split(source: SourceRef) -> tuple[str, str]:
    """Return the URL and the commit id of a sourceRef."""
    url, _, commit = source.rpartition("@")
    return url, commit


@lru_cache(maxsize=10_000)  # of as many repositories, each with many commits
def web_url(url: str) -> str:
    """Return the page of a repository from any form of its URL, or `""` for a local or odd one."""
    parts = _web.fullmatch(url) or _ssh.fullmatch(url) or _scp.fullmatch(url)
    if not parts:
        return ""
    host, path = parts["host"].lower(), parts["path"].strip("/").removesuffix(".git")
    scheme = parts.groupdict().get("scheme", "https")
    if host in _AZURE_HOSTS:
        azure = _azure_ssh.fullmatch(path)
        return "https://dev.azure.com/{}/{}/_git/{}".format(*azure.groups()) if azure else ""
    return f"{scheme}://{_WEB_HOSTS.get(host, host)}/{path}" if path else ""


def commit_page(source: SourceRef) -> str:
    """Return the URL of the forge's page of a sourceRef's commit, or `""` if the forge is unknown."""
    url, commit = split(source)
    page = web_url(url)
    special = {"gitlab": "-/commit", "bitbucket": "commits", "": ""}
    path = special.get(kind(page), "commit")
    return f"{page}/{path}/{commit}" if path else ""


@lru_cache(maxsize=10_000)
def kind(page: str) -> str:
    """Return which forge a repository's page is on: github, gitlab, gitea (Forgejo too), bitbucket, azure or `""`."""
    host = page.partition("://")[2].partition("/")[0].partition(":")[0]
    if host == "dev.azure.com" or host.endswith(".visualstudio.com"):
        return "azure" if "/_git/" in page else ""
    if host == "bitbucket.org":
        return "bitbucket"
    labels = re.split(r"[.-]", host)
    return next((name for name, marks in _MARKS.items() if not marks.isdisjoint(labels)), "")

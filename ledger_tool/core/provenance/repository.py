"""Where a build's source is from: the git repositories in a provenance, and their commits, in a sourceRef's form.

Sources: BuildKit's git contexts, `URL#REF:SUBDIR`; SPDX download locations, `git+URL@REF`; in-toto's "DigestSet", in
which a commit is `sha1`, or `gitCommit`; BuildKit writes a SHA-256 repository's commit as `sha256`, as it does the
content of what it downloads by HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ledger_tool.core.ledger.secrets import redacted
from ledger_tool.core.policy.addresses import RepositoryAddress, is_same_place, repository_address

_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_SHA256_DIGITS = 64
_DIRTY = "-dirty"  # buildx's mark of a working tree that differs from its commit (`BUILDX_GIT_CHECK_DIRTY`)
_userinfo = re.compile(r"^(https?://)[^/]*@", re.IGNORECASE)
_scheme = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_http = re.compile(r"https?://", re.IGNORECASE)


def repository_url(uri: str) -> str:
    """Return the URL of a repository without what is no part of it: a ref, a subdirectory, a query, a login.

    The login of an ssh URL, `git@`, stays.
    """
    url, _, _ = uri.strip().partition("#")
    url, _, _ = url.partition("?")
    if url.startswith("git+"):
        scheme, separator, rest = url.removeprefix("git+").partition("://")
        host, slash, path = rest.partition("/")
        url = scheme + separator + host + slash + path.partition("@")[0]
    return _userinfo.sub(r"\1", url)


def without_secrets(uri: str) -> str:
    """Return what names a builder without what may be a secret: in a URL, a login, a query and a fragment."""
    if is_url := _scheme.match(uri):
        uri = is_url[0] + re.split(r"[?#]", uri[is_url.end() :], maxsplit=1)[0]
        host, slash, path = uri[is_url.end() :].partition("/")
        uri = is_url[0] + host.rpartition("@")[2] + slash + path
    return redacted(uri)


def commit_id(revision: object) -> str:
    """Return the full commit id that a revision is, in lower case, or `""`."""
    return revision.lower() if isinstance(revision, str) and _COMMIT.fullmatch(revision) else ""


def modified_commit(revision: str) -> str:
    """Return the commit that a working tree was checked out from, if a revision says that it was modified, or `""`."""
    return commit_id(revision.removesuffix(_DIRTY)) if revision.endswith(_DIRTY) else ""


def commit_of(uri: str, digests: Mapping[str, Any]) -> str:
    """Return the commit in the digests of a source, `""` if that is no git repository, or if two of them differ."""
    named = {commit_id(digests[name]) for name in ("gitCommit", "sha1") if name in digests}
    if named:
        return named.pop() if len(named) == 1 else ""
    commit = commit_id(digests.get("sha256"))
    is_git = not _http.match(uri) or repository_url(uri).endswith(".git")
    return commit if is_git and len(commit) == _SHA256_DIGITS else ""


def is_same_repository(uri: str, other: str) -> bool:
    """Return whether two URIs are those of one repository, by whatever protocol."""
    one, another = address(uri), address(other)
    return is_same_place(one, another) if one and another else repository_url(uri) == repository_url(other)


def address(uri: str) -> RepositoryAddress | None:
    """Return where the repository of a URI is, None if that is not an address of one at a host."""
    return repository_address(repository_url(uri))

"""Where a build's source is from: the git repositories in a provenance, and their commits, in a sourceRef's form.

Sources: BuildKit's git contexts, `URL#REF:SUBDIR`; SPDX download locations, `git+URL@REF`; in-toto's "DigestSet", in
which a commit is `sha1`, or `gitCommit`. BuildKit writes a SHA-256 repository's commit as `sha256`, as it does the
content of what it downloads by HTTP; it clones every HTTP URL that ends in `.git`, and downloads any other. GitLab's
runners write a SHA-1 commit as `sha256` too ("Provenance metadata format"): its 40 digits tell it from a SHA-256.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ledger_tool.core.ledger.secrets import redacted
from ledger_tool.core.policy.addresses import RepositoryAddress, is_same_place, repository_address

_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_SHA1_DIGITS, _SHA256_DIGITS = 40, 64
_DIRTY = "-dirty"  # buildx's mark of a working tree that differs from its commit (`BUILDX_GIT_CHECK_DIRTY`)
_userinfo = re.compile(r"^(https?://)[^/]*@", re.IGNORECASE)
_scheme = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_http = re.compile(r"https?://", re.IGNORECASE)
_origin = re.compile(r"([a-z][a-z0-9+.-]*://)([^/@]*@)?([^/@]*)", re.IGNORECASE | re.ASCII)


def repository_url(uri: str) -> str:
    """Return the URL of a repository without what is no part of it: a ref, a subdirectory, a query, a login.

    The login of an ssh URL, `git@`, stays. Protocol and host are in lower case, as a sourceRef has them.
    """
    url, _, _ = uri.strip().partition("#")
    url, _, _ = url.partition("?")
    if url.startswith("git+"):
        scheme, separator, rest = url.removeprefix("git+").partition("://")
        host, slash, path = rest.partition("/")
        url = scheme + separator + host + slash + path.partition("@")[0]
    url = _userinfo.sub(r"\1", url)
    origin = _origin.match(url)
    if not origin or not url.isascii():
        return url
    return origin[1].lower() + (origin[2] or "") + origin[3].lower() + url[origin.end() :]


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
    commit = commit_id(digests.get("sha256"))
    if len(commit) == _SHA1_DIGITS:
        named.add(commit)
    if named:
        return named.pop() if len(named) == 1 else ""
    return commit if len(commit) == _SHA256_DIGITS and not _is_download(uri) else ""


def is_repository(uri: str, digests: Mapping[str, Any]) -> bool:
    """Return whether a source may be a git repository, also without a commit, and is not a file that was downloaded."""
    return not (_is_download(uri) and "sha256" in digests and not commit_of(uri, digests))


def _is_download(uri: str) -> bool:
    return bool(_http.match(uri)) and not repository_url(uri).endswith(".git")


def is_same_repository(uri: str, other: str) -> bool:
    """Return whether two URIs are those of one repository, by whatever protocol."""
    one, another = address(uri), address(other)
    return is_same_place(one, another) if one and another else repository_url(uri) == repository_url(other)


def address(uri: str) -> RepositoryAddress | None:
    """Return where the repository of a URI is, None if that is not an address of one at a host."""
    return repository_address(repository_url(uri))

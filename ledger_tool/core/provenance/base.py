"""Base images in a provenance: package URLs, as BuildKit writes them, to references by digest.

Sources: package-url specification, type `docker`; BuildKit's `util/purl` and `slsaMaterials`. A name without a registry
is Docker Hub's there, unless the qualifier `repository_url` names its registry. `ref_type` marks what is no image: a
blob, or a bundle of git objects. The images of local layouts have the type `oci`: they are build contexts, which nobody
can pull. The digest by which a build names an image is in the URL, often an index's; beside it, newer builders write
that of the image for the platform.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from ledger_tool.core.ledger.names import parse_dependency, parse_digest, shown
from ledger_tool.core.ledger.secrets import STARS, redacted
from ledger_tool.core.policy.reference import Reference, parse_reference, written
from ledger_tool.core.policy.resolve import full_name
from ledger_tool.errors import InvalidValue

# Images that read the build's recipe, or scan its result; nothing of theirs is in an image.
_FRONTENDS = tuple(
    f"docker.io/docker/{name}" for name in ("dockerfile", "dockerfile-upstream", "buildkit-syft-scanner")
)
_HUB = ("", "hub.docker.com", "docker.io", "index.docker.io", "registry-1.docker.io")
_LONGEST = 2000
_MOST_QUALIFIERS = 100
_SHOWN_QUALIFIERS = ("digest", "platform", "repository_url")
# A version has no slash, and a name no colon but that of a port: what has is the login of a registry.
_login = re.compile(r".*@(?=[^@]*/)|[^/@]*:[^/@]*@", re.DOTALL)


def is_image(uri: str) -> bool:
    """Return whether the URI of what a build used is that of an image which can be pulled."""
    scheme, _, _ = uri[:11].lower().partition("/")
    return scheme == "pkg:docker" and "ref_type" not in _qualifiers(uri)


def base(uri: str, digests: Mapping[str, Any]) -> str:
    """Return the reference of an image that a build used, with its registry, tag if any, and digest.

    The digest is that of the URL, or else the first of `digests`. Raises InvalidValue if it is malformed, has no
    digest, or two in its URL that differ.
    """
    reference = _named(uri)
    pinned = set(filter(None, (reference.digest, _qualifiers(uri).get("digest"))))
    if len(pinned) > 1:
        raise InvalidValue("digest", "it has two digests")
    resolved = (f"{algorithm}:{digests[algorithm]}" for algorithm in ("sha256", "sha512") if algorithm in digests)
    digest = parse_digest(pinned.pop() if pinned else next(resolved, ""))
    return parse_dependency(written(full_name(reference), reference.tag or "", digest))


def shown_image(uri: str) -> str:
    """Return the URL of an image for people, without what may be a secret: a login, and qualifiers of other tools."""
    known = _qualifiers(uri)
    kept = [f"{key}={redacted(unquote(known[key]))}" for key in _SHOWN_QUALIFIERS if key in known]
    prefix, _, path = uri.partition("#")[0].partition("?")[0].partition("/")
    path, masked = redacted(path), redacted(_login.sub(f"{STARS}@", unquote(path), count=1))
    named = masked if masked != unquote(path) else path
    return shown(f"{prefix}/{named}" + ("?" + "&".join(kept) if kept else ""))


def frontend_name(text: str) -> str:
    """Return the name and the tag of the image that a build's frontend is, as `is_frontend` compares them, or `""`."""
    try:
        return _tagged(parse_reference(text.partition(" ")[0]))
    except InvalidValue:
        return ""


def is_frontend(dependency: str, named: frozenset[str]) -> bool:
    """Return whether a base, as `base` returns it, is a known frontend, or one of those that the build names."""
    reference = parse_reference(dependency)
    return reference.name in _FRONTENDS or _tagged(reference) in named


def _tagged(reference: Reference) -> str:
    return written(full_name(reference), reference.tag or ("" if reference.digest else "latest"), "")


def _named(uri: str) -> Reference:
    if not _is_bounded(uri):
        raise InvalidValue("image", "it is too long, or has too many qualifiers")
    path, _, _ = uri.partition("#")[0].partition("?")
    name, _, version = path[len("pkg:docker/") :].strip("/").rpartition("@") if "@" in path else (path[11:], "", "")
    name, version = unquote(name).strip("/"), unquote(version)
    is_digest = ":" in version
    tag, digest = ("", version) if is_digest else (version, "")
    reference = parse_reference(written(name, tag, digest))
    registry = _registry(_qualifiers(uri).get("repository_url", ""))
    if not registry or registry == reference.registry:
        return reference
    if reference.registry:
        raise InvalidValue("image", "it has two registries")
    return parse_reference(written(f"{registry}/{name}", tag, digest))


def _registry(url: str) -> str:
    """Return the registry in a `repository_url`; `""` for Docker Hub, which is the one of names without any."""
    host = re.sub(r"(?i)^https?://", "", url).rstrip("/")
    if host.lower() in _HUB:
        return ""
    if "/" in host or not re.search(r"[.:]|^localhost$", host):
        raise InvalidValue("image", "its `repository_url` is not a registry")
    return host


def _qualifiers(uri: str) -> dict[str, str]:
    """Return the qualifiers of a package URL, none of one that is longer than anybody writes."""
    return dict(parse_qsl(uri.partition("#")[0].partition("?")[2])) if _is_bounded(uri) else {}


def _is_bounded(uri: str) -> bool:
    return len(uri) <= _LONGEST and uri.count("&") < _MOST_QUALIFIERS

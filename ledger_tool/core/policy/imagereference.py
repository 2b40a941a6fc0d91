"""An image reference as Docker understands it: `nginx` is `docker.io/library/nginx`, without a tag it is `latest`.

`core.policy.reference` is what people type to this program, where an image without a registry is the ledger's. This is
what stands in manifests, where it is Docker Hub's.

Source: the grammar and the normalization of distribution's `reference` package (`regexp.go`, `normalize.go`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger_tool.core.ledger.names import IMAGE, IMAGE_MAX, TAG, Image, shown
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import InvalidValue

HUB = "docker.io"
_HUB_HOSTS = (HUB, "index.docker.io", "registry-1.docker.io")
_label = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_domain = re.compile(rf"(?:{_label}(?:\.{_label})*|\[[A-Fa-f0-9:]+\])(?::[0-9]+)?")
_HINT = "write `[registry/]image[:tag][@digest]`, such as `registry.example.com/myorg/app:v1.5.0`"


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A reference, taken apart. `name` is registry and path as written; `domain` and `path` are what they mean.

    The tag is `""` where there is none; `digest` may be one that no ledger can hold, such as `sha384:…`.
    """

    name: str
    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def effective_tag(self) -> str:
        """The tag that is pulled: `latest` where neither a tag nor a digest is given."""
        return self.tag or ("" if self.digest else "latest")


def written(name: str, tag: str, digest: str) -> str:
    """Return `name[:tag][@digest]`."""
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def parse(text: str) -> ImageReference:
    """Return the parts of a reference, or raise InvalidValue."""
    rest, at, digest = text.partition("@")
    head, slash, tail = rest.rpartition("/")
    last, colon, tag = tail.partition(":")
    name = head + slash + last
    domain, path = _normal(name)
    if path.lower() != path:
        raise InvalidValue("image", f"image `{shown(text)}` has upper-case letters", _HINT)
    if re.fullmatch(r"[a-f0-9]{64}", rest):
        raise InvalidValue("image", f"image `{shown(text)}` is an image id, not a name", _HINT)
    is_well_formed = (
        len(path) <= IMAGE_MAX
        and re.fullmatch(IMAGE, path)
        and _domain.fullmatch(domain)
        and (not colon or re.fullmatch(TAG, tag))
        and (not at or re.fullmatch(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,}", digest))
    )
    if not is_well_formed:
        raise InvalidValue("image", f"image `{shown(text)}` is malformed", _HINT)
    return ImageReference(name, domain, path, tag, digest)


def _normal(name: str) -> tuple[str, str]:
    """Return the registry and the path that a name means."""
    first, slash, rest = name.partition("/")
    is_domain = slash and (first == "localhost" or "." in first or ":" in first or first.lower() != first)
    domain, path = (first, rest) if is_domain else (HUB, name)
    if domain == "index.docker.io":
        domain = HUB
    if domain == HUB and "/" not in path:
        path = f"library/{path}"
    return domain, path


def ledger_image(policy: Policy, reference: ImageReference) -> Image | None:
    """Return the image that a ledger has under this reference, or None where `ledger.yaml` says that it has none.

    A registry of `ledger.yaml` has to serve it. Where that names no registry at all, a name without one is taken
    as the ledger's own.
    """
    if not policy.registries:
        return Image(reference.name) if re.fullmatch(IMAGE, reference.name) else None
    for registry in policy.registries:
        host = registry.host.lower()
        if (HUB if host in _HUB_HOSTS else host) != reference.domain.lower():
            continue
        if (image := registry.image(reference.path)) is not None:
            return Image(image)
    return None

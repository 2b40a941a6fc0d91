"""What a person or a CI job writes for an image: `[registry/]image[:tag][@digest]`, taken apart.

A first component with a dot or a colon in it, or `localhost`, is a registry: Docker's own rule
(distribution `reference` package, `splitDockerDomain`). Which registries are known is the policy's to say.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger_tool.core.ledger.names import Digest, Tag, parse_digest, parse_image, parse_tag, shown
from ledger_tool.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class Reference:
    """The parts that were given; the registry is `""` where none was."""

    registry: str
    path: str
    tag: Tag | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        name = f"{self.registry}/{self.path}" if self.registry else self.path
        return name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse_reference(value: str) -> Reference:
    """Return the parts of `[registry/]image[:tag][@digest]`, or raise InvalidValue."""
    hint = "write `IMAGE:TAG`, or `IMAGE:TAG@DIGEST`, such as `myorg/app:v1.5.0`"
    if "://" in value:  # it may hold a password, so it is not repeated
        raise InvalidValue("image", "image has a scheme in front, such as `https://`", hint)
    rest, at, digest = value.partition("@")
    head, slash, tail = rest.rpartition("/")
    last, colon, tag = tail.partition(":")
    path = head + slash + last
    first, slash, below = path.partition("/")
    registry = ""
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, path = first, below
    if not path:
        raise InvalidValue("image", f"`{shown(value)}` names no image", hint)
    if registry.strip(".:") == "" and registry:
        raise InvalidValue("image", f"image `{shown(value)}` is malformed", hint)
    return Reference(
        registry,
        parse_image(path),
        parse_tag(tag) if colon else None,
        parse_digest(digest) if at else None,
    )


def parse_name(value: str) -> Reference:
    """Return the parts of `[registry/]image:tag`, or raise InvalidValue if the tag is missing or a digest is there."""
    reference = parse_reference(value)
    if reference.digest or not reference.tag:
        what = "has a digest" if reference.digest else "has no tag"
        raise InvalidValue("image", f"`{shown(value)}` {what}", "write `IMAGE:TAG`, such as `myorg/app:v1.5.0`")
    return reference

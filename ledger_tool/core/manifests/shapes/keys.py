"""The words of a key: what it says about its value, in whatever style it is written."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from ledger_tool.core.manifests.yamltree import YamlNode

_KEY = re.compile(r"[\w.-]{1,200}", re.ASCII)  # the search of texts finds no others
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_IMAGES = frozenset({"image", "images"})
_NAMES = _IMAGES | {"repo", "repository"}
_OF_IMAGES = frozenset({"container", "uses", "pipe", "bundle"})
OUTPUTS = frozenset({"build", "built", "dest", "destination", "id", "output", "push", "target"})
SCHEMA = (
    "$ref", "additionalProperties", "allOf", "anyOf", "default", "description", "enum", "example", "format", "items",
    "maxItems", "maxLength", "minItems", "minLength", "nullable", "oneOf", "pattern", "properties", "required", "title",
    "type",
)  # fmt: skip
_MATCHED = frozenset(
    {"allowed", "blocked", "denied", "exclude", "excluded", "exempt", "exempted", "ignore", "ignored"}
    | {"references"}  # `imageReferences`; one `imageReference` is an image
)
_OF_OTHERS = frozenset(
    {"api", "config", "crd", "format", "go", "kube", "kubernetes", "last", "max", "maximum", "min", "minimum", "schema"}
)
VARIABLES = frozenset({"env", "environment", "variables", "data", "stringData"})
ImagePart = Literal["registry", "name", "tag", "digest"]
_PARTS: dict[str, ImagePart] = {
    "registry": "registry", "repository": "name", "repo": "name", "image": "name", "tag": "tag", "version": "tag",
    "digest": "digest", "sha": "digest",
}  # fmt: skip


class KeyRole(NamedTuple):
    """What a key tells: of which image, by the words that say so, and which part; a lower `rank` is more usual."""

    image: tuple[str, ...]
    part: ImagePart
    rank: int = 0


@lru_cache(4096)
def words(key: str) -> tuple[str, ...]:
    """Return the words of a key in lower case: `operatorImage`, `operator.image` and `OPERATOR_IMAGE` have the same."""
    return tuple(word.lower() for word in _WORD.findall(key)) if _KEY.fullmatch(key) else ()


@lru_cache(4096)
def says_image(key: str) -> bool:
    """Return whether a key says that its value is an image to run, or a list of them: `sidecarImage`, `image_name`.

    One in capitals is a variable, which a script may use for anything, such as the name of what it builds.
    """
    found = words(key)
    is_run = OUTPUTS.isdisjoint(found) and _MATCHED.isdisjoint(found)
    return not _IMAGES.isdisjoint(found) and is_run and key != key.upper()


@lru_cache(4096)
def names_image(key: str) -> bool:
    """Return whether some shape may read an image, or its name, at a key of any mapping."""
    return key in _OF_IMAGES or not _NAMES.isdisjoint(words(key))


@lru_cache(4096)
def role(key: str) -> KeyRole | None:
    """Return what a key tells of an image, or None: `operatorImageTag` is the `tag` of `("operator",)`."""
    found = words(key)
    if found[-2:] == ("image", "name"):
        return KeyRole(found[:-2], "name", len(_PARTS))
    part = _PARTS.get(found[-1]) if found else None
    if not part:
        return None
    image = found[:-2] if found[-2:-1] == ("image",) else found[:-1]
    return KeyRole(image, part, list(_PARTS).index(found[-1]))


def is_partial(node: YamlNode) -> bool:
    """Return whether a mapping has only some parts of an image: only its version, or only its name."""
    parts = {found.part for key in node.named if (found := role(key)) and key != "image"}
    return bool(parts) and not ({"name", "tag"} <= parts or ("image" in node.named and "tag" in parts))


def versions_beside(node: YamlNode) -> list[str]:
    """Return the keys of a mapping that say `version`: of what, only their reader knows, but for some."""
    return [key for key in node.named if words(key)[-1:] == ("version",) and _OF_OTHERS.isdisjoint(words(key))]

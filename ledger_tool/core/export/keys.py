"""The keys of images in another tool's file: the defaults, or as given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ledger_tool.core.export.selection import ImageVersion
from ledger_tool.core.ledger.names import shown
from ledger_tool.errors import UsageError

# Grammars of the keys that may be given: names in a shell and in a template; Compose services (compose-spec).
IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
SERVICE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"


def variable(image: str) -> str:
    """Return the variable of an image for a dotenv file: `MYORG_APP_IMAGE`."""
    return value_key(image).upper() + "_IMAGE"


def value_key(image: str) -> str:
    """Return the key of an image in Helm values, valid after a dot in a template: `myorg_app`."""
    name = re.sub(r"[^A-Za-z0-9]", "_", image)
    return f"_{name}" if name[0].isdigit() else name


def service(image: str) -> str:
    """Return the Compose service of an image: the last component of its name."""
    return image.rpartition("/")[2]


def parse_keys(values: Sequence[str], grammar: str) -> dict[str, list[str]]:
    """Return the keys of `IMAGE=KEY` options by image. Raises UsageError."""
    keys: dict[str, list[str]] = {}
    for value in values:
        image, equals, key = value.partition("=")
        if not equals or not re.fullmatch(grammar, key):
            raise UsageError(
                f"`--key {shown(value)}` is malformed",
                "write `--key IMAGE=KEY`, with a key that this format accepts, such as `--key myorg/app=app`",
            )
        keys.setdefault(image, []).append(key)
    return keys


def versions_by_key(
    versions: Sequence[ImageVersion], default: Mapping[str, str], given: Mapping[str, Sequence[str]]
) -> dict[str, ImageVersion]:
    """Return the versions by key, in the order of the keys.

    An image has the keys `given` for it, or else its `default`. Raises UsageError for a key that
    two images would have, and for a key given for an unknown image.
    """
    images = {version.name.image for version in versions}
    if strange := sorted(set(given) - images):
        raise UsageError(
            f"`--key` names {shown(strange[0])}, which is not among the images to export",
            "write the image as `ledger list` shows it, without registry and tag",
        )
    keys: dict[str, ImageVersion] = {}
    for version in versions:
        image = version.name.image
        for key in given.get(image) or [default[image]]:
            other = keys.setdefault(key, version)
            if other is not version:
                raise UsageError(
                    f"{other.name.image} and {image} would both have the key `{key}`",
                    f"give one of them another, such as `--key {image}={key}2`",
                )
    return dict(sorted(keys.items()))

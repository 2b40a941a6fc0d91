"""The grammar of the globs in `ledger.yaml`: of images, of tags, and of both.

A glob that can match no name at all would be a rule that never applies, and nobody would notice. So a glob is held to
the grammar of the names (`names.IMAGE`, `names.TAG`): what is not a wildcard stands where a name can have it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from ledger_tool.core.ledger.names import HOST, shown
from ledger_tool.core.policy.policy import Registry
from ledger_tool.core.policy.resolve import same_host
from ledger_tool.errors import UsageError

_REGISTRY = re.compile(rf"localhost|(?=.*[.:]){HOST}")  # and not the first part of a path, to every client
_MOST = 256  # characters
_SET = r"\[!?[^\s\x00-\x1f\x7f!\]][^\s\x00-\x1f\x7f\]]*\]"
_ONE = rf"(?:[a-z0-9*?]|{_SET})"  # what can be a letter or a digit
_COMPONENT = rf"{_ONE}(?:(?:\.|__?|-+)?{_ONE})*"
IMAGE_GLOB = rf"{_COMPONENT}(?:/{_COMPONENT})*"
TAG_GLOB = rf"(?:[A-Za-z0-9_*?]|{_SET})(?:[A-Za-z0-9._*?-]|{_SET})*"
NAME_GLOB = rf"{IMAGE_GLOB}(?::{TAG_GLOB})?"
_IN_IMAGES = "abcdefghijklmnopqrstuvwxyz0123456789._-/"
_IN_TAGS = _IN_IMAGES.replace("/", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HINT = "write a glob of the ledger's names, such as `myorg/*`: in lower case, without registry{}"


def parse_image_glob(text: str, registries: Sequence[Registry] = ()) -> str:
    """Return a glob of images. Raises UsageError for one that can match none, by the `ledgerPrefix`es of registries."""
    _check_registry(text, registries)
    return _matching(text, IMAGE_GLOB, _IN_IMAGES, "image", _HINT.format(" and tag"))


def parse_tag_glob(text: str) -> str:
    """Return a glob of tags. Raises UsageError for one that can match none."""
    return _matching(text, TAG_GLOB, _IN_TAGS, "tag", "write a glob of tags, such as `latest` or `pr-*`")


def parse_name_glob(text: str, registries: Sequence[Registry] = ()) -> str:
    """Return a glob of images or, with a colon, of images and tags. Raises UsageError for one that can match none."""
    image, _, tag = text.rpartition(":")
    if not image or "/" in tag:  # a colon in it is that of a registry's port
        return parse_image_glob(text, registries)
    _check_registry(image, registries)
    _matching(image, IMAGE_GLOB, _IN_IMAGES, "image", _HINT.format(""))
    parse_tag_glob(tag)
    return text


def covers(glob: str, other: str) -> bool:
    """Return whether a glob matches whatever another one does, if it has no wildcards but `*`; else, False."""
    return not re.search(r"[?\[]", glob) and fnmatchcase(other, glob)


def _matching(text: str, grammar: str, characters: str, what: str, hint: str) -> str:
    sets = re.findall(_SET, text)
    if (
        len(text) > _MOST
        or not re.fullmatch(grammar, text)
        or not all(any(fnmatchcase(one, own) for one in characters) for own in sets)
    ):
        raise UsageError(f"no {what} can match the pattern `{shown(text)}`", hint)
    return text


def _check_registry(text: str, registries: Sequence[Registry]) -> None:
    """Raise UsageError if a glob begins with a registry: the ledger's names do so by a `ledgerPrefix` only."""
    host, slash, path = text.partition("/")
    if not slash or not _REGISTRY.fullmatch(host):
        return
    if any(f"{registry.ledger_prefix}/".startswith(f"{host}/") for registry in registries):
        return
    for one in registries:
        prefix = f"{one.prefix}/" if one.prefix else ""
        if same_host(one.host) == same_host(host) and path.startswith(prefix):
            path = (f"{one.ledger_prefix}/" if one.ledger_prefix else "") + path.removeprefix(prefix)
            break
    raise UsageError(
        f"no image can match the pattern `{shown(text)}`, since it begins with a registry",
        f"the ledger's names have no registry in front: write `{shown(path)}`",
    )

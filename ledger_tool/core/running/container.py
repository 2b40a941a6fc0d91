"""A container as a tool shows it: where it is, which image was asked for, and which one it has.

Two kinds of digests say which image it has. That of a reference (`repository@sha256:…`) is the digest of an index or of
an image. An image id (`sha256:…` alone) is the digest of a config, or, where an engine keeps its images in containerd,
of an image or an index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import escaped, shown
from ledger_tool.core.policy.reference import Reference, parse_in_manifest
from ledger_tool.errors import InvalidValue

# A container `runs`; it has `ended`; or it is `covered`: its workload's pods are there and say more.
State = Literal["runs", "ended", "covered"]

_LONGEST_NAME = 253  # characters of a name in Kubernetes
_PULLED = re.compile(r"[a-z][a-z0-9+.-]*://")  # `docker-pullable://`, `docker://`
_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_SHORT_ID = re.compile(r"(?:sha256:)?([0-9a-f]{12,63})")


class WorkloadPlace(NamedTuple):
    """Where a container is. Each part may be `""`; `kind` is that of the workload in Kubernetes."""

    cluster: str = ""
    namespace: str = ""
    workload: str = ""
    kind: str = ""

    def __str__(self) -> str:
        inner = "/".join(filter(None, (self.namespace, self.workload)))
        return ": ".join(filter(None, (self.cluster, inner))) or "-"


@dataclass(frozen=True, slots=True)
class ImageIdentity:
    """What is known of a container's image.

    `references` are its names, the one asked for first; `asked` is that text, to be shown, and `pinned` the digest in
    it. `digests` are those of references to what it has, `ids` are image ids, and `short_id` is the beginning of one,
    in hex digits. `is_typed` says that a person may have written the names.
    """

    references: tuple[Reference, ...] = ()
    asked: str = ""
    pinned: str = ""
    digests: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    short_id: str = ""
    is_typed: bool = False

    @property
    def has_run(self) -> frozenset[str]:
        """The digests of what it has, by whatever means they are known."""
        return self.digests | self.ids


@dataclass(frozen=True, slots=True)
class RunningContainer:
    """One container, by its name in its workload."""

    place: WorkloadPlace
    name: str
    image: ImageIdentity
    state: State = "runs"


@dataclass(slots=True)
class ListedImages:
    """What listings of images say about each id: the references to it, by tag or by digest."""

    by_id: dict[str, list[str]] = field(default_factory=dict)

    def add(self, image_id: object, *references: object) -> None:
        """Note the references to an image, each a text or a list of texts; anything else is nothing."""
        match = _ID.fullmatch(image_id) if isinstance(image_id, str) else None
        if match:
            texts = self.by_id.setdefault(f"sha256:{match[1]}", [])
            for reference in references:
                texts += [text for text in (reference if isinstance(reference, list) else [reference])
                          if isinstance(text, str)]  # fmt: skip


def word(value: object) -> str:
    """Return a name from outside as it can be shown anywhere, cut to a name's length; `""` if it is not a text."""
    return escaped(value[:_LONGEST_NAME]) if isinstance(value, str) else ""


def identity(
    asked: object, seen: Iterable[object], facts: ListedImages | None = None, *, is_typed: bool = False
) -> ImageIdentity:
    """Return what is known of an image: from the text that was asked for, and what tools say it has.

    Each of `seen` is an image id, a reference, or nothing that counts.
    """
    wanted = asked if isinstance(asked, str) else ""
    texts = tuple(text for text in seen if isinstance(text, str))
    known = _identity(wanted, texts, is_typed)
    more = [text for image_id in sorted(known.ids) for text in facts.by_id.get(image_id, ())] if facts else []
    return _identity(wanted, (*texts, *more), is_typed) if more else known


@lru_cache(1 << 14)
def _identity(asked: str, seen: tuple[str, ...], is_typed: bool) -> ImageIdentity:
    references: dict[Reference, None] = {}
    digests, ids = set[str](), set[str]()
    short = pinned = ""
    for number, text in enumerate((asked, *seen)):
        bare = _PULLED.sub("", text, count=1)
        if match := _ID.fullmatch(bare):
            ids.add(f"sha256:{match[1]}")
        elif re.fullmatch(names.DIGEST, bare):
            digests.add(bare)
        elif match := _SHORT_ID.fullmatch(bare):
            short = short or match[1]
        elif reference := parsed(bare):
            references[reference] = None
            if number and reference.digest:
                digests.add(reference.digest)
            elif not number:
                pinned = reference.digest or ""
    return ImageIdentity(
        tuple(references), shown(asked, 300), pinned, frozenset(digests), frozenset(ids), short, is_typed
    )


def parsed(text: str) -> Reference | None:
    """Return the reference that a text is, or None."""
    try:
        return parse_in_manifest(text)
    except InvalidValue:
        return None

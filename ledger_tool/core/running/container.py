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
from typing import Literal, NamedTuple, TypeGuard

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import escaped, shown
from ledger_tool.core.policy.reference import Reference, is_digest_alone, parse_in_manifest
from ledger_tool.errors import InvalidValue

# A container `runs`; it has `ended`; or it is `covered`: its workload's pods are there and say more.
State = Literal["runs", "ended", "covered"]

_LONGEST_NAME = 253  # characters of a name in Kubernetes
_PULLED = re.compile(r"[a-z][a-z0-9+.-]*://")  # `docker-pullable://`, `docker://`
_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_PINNED = re.compile(r"(?i:.*@[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]+)", re.DOTALL)
_SHORT_ID = re.compile(r"(?:sha256:)?([0-9a-f]{12,63})")


class NotUnderstood(ValueError):
    """What says what runs, and is not as any tool prints it: the text is for people."""


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
    it, else in the name that the runtime shows. `digests` are those of references to what it has, `ids` are
    image ids, and `short_id` is the beginning of one, in hex digits. `claimed` are all digests and ids in names, which
    need not be what it has. `is_untold` says that the runtime has a word for what it has, without a digest.
    `is_typed` says that a person may have written the names.
    """

    references: tuple[Reference, ...] = ()
    asked: str = ""
    pinned: str = ""
    digests: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    short_id: str = ""
    claimed: frozenset[str] = frozenset()
    is_untold: bool = False
    is_typed: bool = False

    @property
    def named_digests(self) -> frozenset[str]:
        """The digests in its names."""
        return frozenset(one.digest for one in self.references if one.digest)

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

    def digests_of(self, image_id: str) -> frozenset[str]:
        """Return the digests in the references to an id."""
        return _read(self.by_id.get(image_id, ())).digests

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
    asked: object,
    has: Iterable[object],
    facts: ListedImages | None = None,
    *,
    called: Iterable[object] = (),
    is_typed: bool = False,
) -> ImageIdentity:
    """Return what is known of an image: from the text that was asked for, and what a runtime says of it.

    Each of `has` is what the runtime says that it has: an image id or a reference; `""` and None are nothing. `called`
    are names that it shows beside that. Raises NotUnderstood if one of `has` is anything else, or a name is a digest
    with a mistake in it.
    """
    wanted = asked if isinstance(asked, str) else ""
    told = tuple(text for text in has if _is_told(text))
    names_shown = tuple(text for text in called if isinstance(text, str))
    for text in (wanted, *names_shown):
        bare = _PULLED.sub("", text, count=1)
        is_misspelt = bool(_PINNED.fullmatch(bare)) and parsed(bare) is None
        # It may be what runs, and says nothing that can be compared.
        if is_misspelt or (is_digest_alone(bare) and not is_image_id(bare)):
            raise NotUnderstood(f"`{shown(text, 200)}` has no digest, and is no id of an image")
    known = _identity(wanted, told, names_shown, is_typed)
    if facts is None:
        return known
    confirmed = [one for one in sorted(known.claimed) if not facts.digests_of(one).isdisjoint(known.digests)]
    more = [text for one in sorted({*known.ids, *confirmed}) for text in (one, *facts.by_id.get(one, ()))]
    return _identity(wanted, (*told, *more), names_shown, is_typed) if more else known


def _is_told(text: object) -> TypeGuard[str]:
    """Return whether a runtime's word for what a container has says anything. Raises NotUnderstood if nobody knows."""
    if text is None or text == "":
        return False
    if not isinstance(text, str):
        raise NotUnderstood("the id of an image is not a text")
    bare = _PULLED.sub("", text, count=1)
    if not (is_image_id(bare) or parsed(bare)):
        raise NotUnderstood(f"`{shown(text, 200)}` is no id of an image")
    return True


class _Read(NamedTuple):
    """What texts say: references, digests and ids, and the beginning of an id."""

    references: tuple[Reference, ...]
    digests: frozenset[str]
    ids: frozenset[str]
    short: str


def _read(texts: Iterable[str]) -> _Read:
    references: dict[Reference, None] = {}
    digests, ids, short = set[str](), set[str](), ""
    for text in texts:
        bare = _PULLED.sub("", text, count=1)
        if match := _ID.fullmatch(bare):
            ids.add(f"sha256:{match[1]}")
        elif re.fullmatch(names.DIGEST, bare):
            digests.add(bare)
        elif match := _SHORT_ID.fullmatch(bare):
            short = short or match[1]
        elif reference := parsed(bare):
            references[reference] = None
            if reference.digest:
                digests.add(reference.digest)
    return _Read(tuple(references), frozenset(digests), frozenset(ids), short)


@lru_cache(1 << 14)
def _identity(asked: str, has: tuple[str, ...], called: tuple[str, ...], is_typed: bool) -> ImageIdentity:
    wanted, told, named = _read([asked]), _read(has), _read(called)
    is_told = bool(told.digests or told.ids or told.short)
    # Without a word of the runtime on what it has, the name that it shows is all that is known of that.
    alone = wanted._replace(digests=wanted.digests - {one.digest or "" for one in wanted.references})
    by_name = next((one for one in (named, alone) if one.digests or one.ids or one.short), alone)
    pinned = next((one.digest for one in (*wanted.references, *named.references) if one.digest), "")
    return ImageIdentity(
        tuple(dict.fromkeys((*wanted.references, *named.references, *told.references))),
        shown(asked, 300),
        pinned or "",
        told.digests if has else by_name.digests,
        told.ids if has else by_name.ids,
        told.short if has else by_name.short,
        wanted.digests | wanted.ids | named.digests | named.ids,
        is_untold=bool(has) and not is_told,
        is_typed=is_typed,
    )


def is_image_id(text: str) -> bool:
    """Return whether a text is an image id or a digest alone, or the beginning of one."""
    return bool(_ID.fullmatch(text) or _SHORT_ID.fullmatch(text) or re.fullmatch(names.DIGEST, text))


def parsed(text: str) -> Reference | None:
    """Return the reference that a text is, or None."""
    try:
        return parse_in_manifest(text)
    except InvalidValue:
        return None

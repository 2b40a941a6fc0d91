"""What a cluster may run of the images that the registries of `ledger.yaml` serve: by which digests, from where.

A repository is written in one form here: the host in lower case, Docker Hub's under one name, without the port that
HTTP or HTTPS has anyway, and Docker Hub's official images with `library/`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.resolve import HUB, pulled_from, same_host
from ledger_tool.errors import UnknownImage, UsageError

NAMESPACE = "ledger"  # where the ConfigMap is, if nothing else is said
MAX_BYTES = 2**20  # of a ConfigMap; see `stored_size`
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123
_NAME_MAX = 63  # characters of a policy's name: Kyverno puts it into labels
_OF_IMAGES = "abcdefghijklmnopqrstuvwxyz0123456789._-/"
_GLOB_PART = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_ANY_TEXT = frozenset("*")  # stands for `*` among the parts of a glob; no image has that character

Glob = tuple[frozenset[str], ...]  # a part is the characters of images that it matches


@dataclass(frozen=True, slots=True)
class Served:
    """Repositories that are ours: those that match one regular expression (RE2), and not the other if there is one."""

    pattern: str
    but: str = ""


@dataclass(frozen=True, slots=True)
class ConfigMapName:
    """Where the digests are kept in a cluster."""

    namespace: str
    name: str

    @property
    def policy(self) -> str:
        """The name of the policy that reads it."""
        return f"{self.namespace}.{self.name}"


@dataclass(frozen=True, slots=True)
class Admission:
    """The repositories that are ours, and those that may run an image, by the key of its digest in a ConfigMap."""

    config_map: ConfigMapName
    served: Sequence[Served]
    repositories: Mapping[str, Sequence[str]]


def parse_config_map(value: str) -> ConfigMapName:
    """Return the name of `NAMESPACE/NAME`. Raises UsageError."""
    match = re.fullmatch(rf"({_LABEL})/({_LABEL})", value)
    if not match or len(value) > _NAME_MAX:
        raise UsageError(
            f"`--config-map {shown(value)}` is malformed",
            f"write `NAMESPACE/NAME`: up to {_NAME_MAX} lower-case letters, digits and hyphens, such as `ledger/prod`",
        )
    return ConfigMapName(match[1], match[2])


def default_config_map(records: Iterable[Record]) -> ConfigMapName:
    """Return the name that tells what records there are: the environment's, if they are all of one."""
    tags = {record.tag if record.is_environment else "" for record in records}
    environment = tags.pop() if len(tags) == 1 else ""
    if not environment:
        return ConfigMapName(NAMESPACE, "images")
    name = re.sub(r"[^a-z0-9]+", "-", environment.lower())[:40].strip("-")
    if name != environment:  # another environment may come to the same
        name = f"{name}-{hashlib.sha256(environment.encode()).hexdigest()[:8]}".strip("-")
    return ConfigMapName(NAMESPACE, name)


def admission(config_map: ConfigMapName, records: Iterable[Record], policy: Policy, *, by_platform: bool) -> Admission:
    """Return what may run: the images of records, by index or image, or by image alone where `by_platform`.

    Raises UnknownImage if no registry serves any of them, and UsageError if they are too many for a ConfigMap.
    """
    homes: dict[str, set[str]] = {}
    repositories: dict[str, set[str]] = {}
    for record in records:
        if record.image not in homes:
            homes[record.image] = {_repository(registry, record.image) for registry in policy.serving(record.image)}
        for digest in {record.digest} if by_platform else {record.digest, record.pull_digest}:
            repositories.setdefault(digest.replace(":", "-"), set()).update(homes[record.image])
    found = {key: sorted(names) for key, names in sorted(repositories.items()) if names}
    if not found:
        raise UnknownImage(
            "no registry of ledger.yaml serves what matches", "add it to the `images` of its registry in ledger.yaml"
        )
    _check_size(found)
    return Admission(config_map, served(policy), found)


def stored_size(repositories: Mapping[str, Sequence[str]]) -> int:
    """Return the bytes that a ConfigMap takes in a cluster.

    The API server takes 1 MiB of values, and etcd 1.5 MiB of the whole object by default. That has each key twice: the
    list of the fields that `kubectl apply --server-side` owns names it again.
    """
    return sum(2 * len(key) + 16 + len(" ".join(names)) for key, names in repositories.items())


def _check_size(repositories: Mapping[str, Sequence[str]]) -> None:
    if (size := stored_size(repositories)) > MAX_BYTES:
        raise UsageError(
            f"a ConfigMap holds {MAX_BYTES} bytes, and these {len(repositories)} digests take {size}",
            "select less: one environment, patterns of images, `--tag`, or the newest of each with `--latest`",
        )


def served(policy: Policy) -> list[Served]:
    """Return which repositories the registries of `ledger.yaml` serve: what `Policy.name_at` says, as expressions."""
    patterns: dict[str, set[str]] = {}
    for registry in policy.registries:
        host = same_host(registry.host)
        home = re.escape(f"{host}/{registry.prefix}/" if registry.prefix else f"{host}/")
        globs = [rest for glob in registry.images for rest in _rest_of(glob, registry.ledger_prefix)]
        inner = sorted(_inner(policy, registry))
        but = rf"^{home}(?:{'|'.join(map(re.escape, inner))})/" if inner else ""
        patterns.setdefault(but, set()).update(_expressions(home, globs, deep=True))
        if host == HUB and not registry.prefix:
            official = re.escape(f"{HUB}/library/")
            patterns.setdefault("", set()).update(_expressions(official, globs, deep=False))
    return [Served("^(?:" + "|".join(sorted(found)) + ")$", but) for but, found in sorted(patterns.items()) if found]


def _expressions(home: str, globs: Iterable[Glob], *, deep: bool) -> Iterator[str]:
    any_text = ".*" if deep else "[^/]*"
    names = {_expression(glob, any_text, "" if deep else "/") for glob in globs} - {""}
    for name in {any_text} if any_text in names else names:
        yield home + name


def _expression(glob: Glob, any_text: str, without: str) -> str:
    """Return a glob as a regular expression, with `any_text` for its `*`, or `""` if no image matches it."""
    parts = []
    for part in glob:
        chars = "".join(sorted(part - set(without)))
        if not chars:
            return ""
        one = re.escape(chars) if len(chars) == 1 else f"[{re.escape(chars)}]"
        parts.append(any_text if part == _ANY_TEXT else one)
    return "".join(parts)


def _rest_of(glob: str, ledger_prefix: str) -> set[Glob]:
    """Return the globs of what follows `ledger_prefix` in the names of images that match a glob."""
    parts = (part[:1] if part[:1] == "*" else part for part in _GLOB_PART.findall(glob))
    rests: set[Glob] = {
        tuple(
            _ANY_TEXT if part == "*" else frozenset(char for char in _OF_IMAGES if fnmatchcase(char, part))
            for part in parts
        )
    }
    for char in f"{ledger_prefix}/" if ledger_prefix else "":
        rests = {rest for glob_ in rests for rest in _after(glob_, char)}
    return rests


def _after(glob: Glob, char: str) -> Iterator[Glob]:
    if glob and glob[0] == _ANY_TEXT:
        yield glob
        yield from _after(glob[1:], char)
    elif glob and char in glob[0]:
        yield glob[1:]


def _inner(policy: Policy, registry: Registry) -> set[str]:
    """Return the prefixes below a registry's `ledgerPrefix` that belong to others, as the registry has them."""
    own = f"{registry.ledger_prefix}/" if registry.ledger_prefix else ""
    prefixes = {one.ledger_prefix for one in policy.registries if one.ledger_prefix != registry.ledger_prefix}
    return {prefix.removeprefix(own) for prefix in prefixes if prefix and prefix.startswith(own)}


def _repository(registry: Registry, image: str) -> str:
    host, path = pulled_from(registry, image)
    return f"{same_host(host)}/{path}"

"""Which image:tags go into another tool's file: those selected, and of each image one, chosen or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Platform, Timestamp, some_of
from ledger_tool.core.ledger.query import has_labels, is_expired, no_pull_digest, select_named
from ledger_tool.core.ledger.record import Name, Record, by_name, pull_digest
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.resolve import pulled_from
from ledger_tool.errors import RuleRefused, UnknownImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which records are asked for: any of the patterns and any of the tags' globs (all for none), every label."""

    patterns: Sequence[str] = ()
    tags: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class ImageVersion:
    """One image:tag: its records, where to pull it from, and by which digest (`""` if its records don't share one)."""

    name: Name
    records: tuple[Record, ...]
    host: str
    path: str
    digest: str

    @property
    def repository(self) -> str:
        """What a client pulls it as, without tag and digest."""
        return f"{self.host}/{self.path}" if self.host else self.path


def select(ledger: Ledger, selection: Selection) -> list[Record]:
    """Return the selected records, in key order. Raises UnknownImage for a pattern that matches none."""

    def is_wanted(_: str, tag: str, platform: str) -> bool:
        is_tag = not selection.tags or any(fnmatchcase(tag, pattern) for pattern in selection.tags)
        return is_tag and selection.platform in (None, platform)

    patterns = selection.patterns
    named = select_named(ledger, patterns, is_wanted) if patterns else ledger.select(is_wanted)
    records = [record for record in named if has_labels(record, selection.labels)]
    if not records:
        raise UnknownImage("no record matches the selection", "`ledger list` shows what there is")
    return records


def image_versions(records: Iterable[Record], policy: Policy, *, by_platform: bool) -> list[ImageVersion]:
    """Return the image:tags of records; `by_platform` takes an image's own digest in the place of its index's."""
    versions = []
    for name, group in by_name(records).items():
        digest = group[0].digest if by_platform else pull_digest(tuple(group)) or ""
        registry = next((registry for registry in policy.registries if registry.serves(name.image)), None)
        host, path = pulled_from(registry, name.image) if registry else ("", name.image)
        versions.append(ImageVersion(name, tuple(group), host, path, digest))
    return versions


def check_pullable(versions: Iterable[ImageVersion]) -> None:
    """Raise RuleRefused for an image:tag of several images without a common index."""
    for version in versions:
        if not version.digest:
            raise no_pull_digest(version.records)


def check_single(versions: Sequence[ImageVersion]) -> None:
    """Raise RuleRefused for an image with several versions: nobody said which."""
    for image, several in _by_image(versions).items():
        if len(several) > 1:
            tags = some_of([version.name.tag for version in several], 5)
            raise RuleRefused(
                f"{image} has {len(several)} tags that match, and this format has room for one: {tags}",
                f"name one, such as `{several[-1].name}`, narrow them with `--tag`, or take the newest with `--latest`",
            )


def latest_each(
    versions: Sequence[ImageVersion], policy: Policy, now: Timestamp
) -> tuple[list[ImageVersion], list[ImageVersion]]:
    """Return the newest version of each image, and those left out because they are yanked or expired.

    The newest is the one that was published last. Of several that were published in the same second, it is
    one with a tag that can't move; if these have different digests, RuleRefused is raised.
    """
    usable: list[ImageVersion] = []
    left: list[ImageVersion] = []
    for version in versions:
        is_left = any(record.yanked or is_expired(record, now) for record in version.records)
        (left if is_left else usable).append(version)
    chosen = []
    for image, several in _by_image(usable).items():
        last = max(map(_published, several))
        newest = [version for version in several if _published(version) == last]
        fixed = [version for version in newest if not policy.is_mutable(version.name.tag)] or newest
        if len({frozenset((record.digest, record.index) for record in version.records) for version in fixed}) > 1:
            tags = ", ".join(version.name.tag for version in fixed)
            raise RuleRefused(
                f"{image} has several newest tags, published in the same second: {tags}",
                "name one of them as `IMAGE:TAG`, or narrow it with `--tag`",
            )
        chosen.append(fixed[-1])
    if not chosen:
        raise UnknownImage(
            "everything that matches is yanked or expired", "`ledger list` shows why; a tag can be named as `IMAGE:TAG`"
        )
    return chosen, left


def _published(version: ImageVersion) -> str:
    return max(record.published_at for record in version.records)


def _by_image(versions: Iterable[ImageVersion]) -> dict[str, list[ImageVersion]]:
    groups: dict[str, list[ImageVersion]] = {}
    for version in versions:
        groups.setdefault(version.name.image, []).append(version)
    return groups

"""Which image:tags go into another tool's file: the selected ones, and if necessary one per image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache

from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Platform, Tag, Timestamp, some_of
from ledger_tool.core.ledger.order import newest_tags
from ledger_tool.core.ledger.query import has_labels, is_expired, no_pull_digest, select_named
from ledger_tool.core.ledger.record import Name, Record, by_name, pull_digest
from ledger_tool.core.ledger.version import rank
from ledger_tool.core.ledger.yanks import Yanks
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.resolve import pulled_from
from ledger_tool.errors import RuleRefused, UnknownImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which records to export: those that match any pattern, any tag glob (all if there are none), and all labels.

    Of an `environment`, only what it has.
    """

    patterns: Sequence[str] = ()
    tags: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: Platform | None = None
    environment: str = ""


@dataclass(frozen=True, slots=True)
class ImageVersion:
    """One image:tag: its records, where to pull it from, and by which digest (`""` if its records do not share one).

    `tag` is the one that a registry has it under: of what an environment has, the version. Where that is another image
    now (see `each_once`), it is the environment's.
    """

    name: Name
    records: tuple[Record, ...]
    host: str
    path: str
    digest: str
    tag: Tag

    @property
    def is_environment(self) -> bool:
        """Whether it is what an environment has, and no version of its own."""
        return self.records[0].is_environment

    @property
    def images(self) -> frozenset[object]:
        """What it is, by platform."""
        return frozenset((record.platform, record.digest, record.index) for record in self.records)

    @property
    def repository(self) -> str:
        """What a client pulls, without tag and digest."""
        return f"{self.host}/{self.path}" if self.host else self.path


def select(ledger: Ledger, selection: Selection) -> list[Record]:
    """Return the selected records, in key order. Raises UnknownImage for a pattern that matches none."""

    def is_wanted(_: str, tag: str, platform: str) -> bool:
        is_tag = not selection.tags or any(fnmatchcase(tag, pattern) for pattern in selection.tags)
        return is_tag and selection.environment in ("", tag) and selection.platform in (None, platform)

    patterns = selection.patterns
    named = select_named(ledger, patterns, is_wanted) if patterns else ledger.select(is_wanted)
    records = [
        record
        for record in named
        if has_labels(record, selection.labels) and (record.is_environment or not selection.environment)
    ]
    if not records and selection.environment:
        raise UnknownImage(
            f"{selection.environment} has nothing that matches",
            f"`ledger list --env {selection.environment}` shows what it has",
        )
    if not records:
        raise UnknownImage("no record matches the selection", "`ledger list` shows all records")
    return records


def image_versions(records: Iterable[Record], policy: Policy, *, by_platform: bool) -> list[ImageVersion]:
    """Return the image:tags of records; `by_platform` takes an image's own digest instead of its index's."""

    @cache
    def place(image: str) -> tuple[str, str]:
        registry = next(iter(policy.serving(image)), None)
        return pulled_from(registry, image) if registry else ("", image)

    versions = []
    for name, group in by_name(records).items():
        digest = group[0].digest if by_platform else pull_digest(tuple(group)) or ""
        host, path = place(name.image)
        tag = Tag(group[0].version or name.tag)
        versions.append(ImageVersion(name, tuple(group), host, path, digest, tag))
    return versions


def check_pullable(versions: Iterable[ImageVersion]) -> None:
    """Raise RuleRefused for an image:tag of candidates images without a common index."""
    for version in versions:
        if not version.digest:
            raise no_pull_digest(version.records)


def check_single(versions: Sequence[ImageVersion]) -> None:
    """Raise RuleRefused for an image with several versions, because none was chosen."""
    for image, candidates in _by_image(versions).items():
        if len(candidates) > 1:
            tags = some_of([version.name.tag for version in candidates], 5)
            raise RuleRefused(
                f"{image} has {len(candidates)} tags that match, and this format has room for one: {tags}",
                f"name one, such as `{candidates[-1].name}`, narrow them with `--tag`, or take the newest with "
                "`--latest`",
            )


def versions_first(found: Sequence[ImageVersion]) -> list[ImageVersion]:
    """Return the versions of each image without what environments have, except of an image that has nothing else."""
    versioned = {version.name.image for version in found if not version.is_environment}
    return [version for version in found if not version.is_environment or version.name.image not in versioned]


def each_once(found: Sequence[ImageVersion]) -> list[ImageVersion]:
    """Return the versions without what environments have of one that is among them, or of one another.

    One repository:tag is one image. So what an environment has goes under the tag of the environment where its version
    is another image now. Raises RuleRefused if two images of the ledger are one repository, with different images.
    """
    chosen = [one for one in found if not one.is_environment]
    if held := [one for one in found if one.is_environment]:
        seen = {(one.name.image, one.tag, one.images) for one in chosen}
        for version in held:
            if (key := (version.name.image, version.tag, version.images)) not in seen:
                seen.add(key)
                chosen.append(version)
    several = _several(chosen)
    tagged = [
        replace(one, tag=Tag(one.name.tag)) if one.is_environment and (one.repository, one.tag) in several else one
        for one in chosen
    ]
    if refused := _several(tagged):
        (repository, tag), (one, other, *_) = min(refused.items())
        raise RuleRefused(
            f"{one} and {other} are different images, and both are {repository}:{tag}",
            "export one of them alone, or give each image a repository of its own in ledger.yaml",
        )
    return sorted(tagged, key=lambda one: one.name)


def _several(versions: Iterable[ImageVersion]) -> dict[tuple[str, str], list[Name]]:
    """Return by repository and tag what several versions with different images have."""
    groups: dict[tuple[str, str], list[ImageVersion]] = {}
    for version in versions:
        groups.setdefault((version.repository, version.tag), []).append(version)
    return {
        place: [one.name for one in group]
        for place, group in groups.items()
        if len(group) > 1 and len({one.images for one in group}) > 1
    }


def latest_each(
    versions: Sequence[ImageVersion], policy: Policy, now: Timestamp, yanks: Yanks
) -> tuple[list[ImageVersion], list[ImageVersion]]:
    """Return the newest version of each image, and those skipped because they are yanked or expired.

    The newest is the one published last, the plain image for all variants of one version. Of several published in the
    same second, it is one with an immutable tag; if these have different digests, RuleRefused is raised.
    """
    numbered = [version for version in versions if not version.is_environment]
    if not numbered:
        raise UnknownImage(
            "only what environments have matches, and no version", "take it with `--env ENV` instead of `--latest`"
        )
    current, skipped = usable(numbered, now, yanks)
    chosen = []
    for image, candidates in _by_image(current).items():
        tags = newest_tags((version.name.tag, _published(version)) for version in candidates)
        newest = [version for version in candidates if version.name.tag in tags]
        preferred = [version for version in newest if not policy.is_mutable(version.name.tag)] or newest
        if len({frozenset((record.digest, record.index) for record in version.records) for version in preferred}) > 1:
            raise RuleRefused(
                f"{image} has several newest tags, published in the same second: "
                f"{', '.join(version.name.tag for version in preferred)}",
                "name one of them as `IMAGE:TAG`, or narrow it with `--tag`",
            )
        chosen.append(max(preferred, key=lambda version: rank(version.name.tag)))
    return chosen, skipped


def usable(
    versions: Iterable[ImageVersion], now: Timestamp, yanks: Yanks
) -> tuple[list[ImageVersion], list[ImageVersion]]:
    """Return the versions to use and those that are yanked or expired; what an environment has is to be used.

    Raises UnknownImage if there is none to use.
    """

    def is_out(record: Record) -> bool:
        return not record.is_environment and bool(yanks.of(record) or is_expired(record, now))

    found: list[ImageVersion] = []
    skipped: list[ImageVersion] = []
    for version in versions:
        (skipped if any(map(is_out, version.records)) else found).append(version)
    if not found:
        raise UnknownImage(
            "everything that matches is yanked or expired", "`ledger list` shows why; a tag can be named as `IMAGE:TAG`"
        )
    return found, skipped


def _published(version: ImageVersion) -> Timestamp:
    return max(record.published_at for record in version.records)


def _by_image(versions: Iterable[ImageVersion]) -> dict[str, list[ImageVersion]]:
    groups: dict[str, list[ImageVersion]] = {}
    for version in versions:
        groups.setdefault(version.name.image, []).append(version)
    return groups

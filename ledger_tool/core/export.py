"""Which image:tags go into another tool's file, and under which key: one for each image, chosen or refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ledger_tool.core.ledger.ledger import Ledger, parse_text
from ledger_tool.core.ledger.names import Platform, Timestamp, shown
from ledger_tool.core.ledger.query import is_expired, matches
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.resolve import pulled_from
from ledger_tool.errors import RuleRefused, UnknownImage, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which records are asked for: any of the patterns and any of the tags' globs (all for none), every label."""

    patterns: Sequence[str] = ()
    tags: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class ImageVersion:
    """One image:tag: its records, the repository to pull it from, and the digest to pull it by.

    That is `""` where its records don't agree on one.
    """

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
    """Return the records that are asked for, in key order. Raises UnknownImage for a pattern that matches none."""
    unmatched = set(selection.patterns)
    found = []
    for (image, tag, platform), text in zip(ledger.keys, ledger.texts, strict=True):
        hits = {pattern for pattern in selection.patterns if matches(pattern, image, tag)}
        unmatched -= hits
        if selection.patterns and not hits:
            continue
        if selection.tags and not any(fnmatchcase(tag, pattern) for pattern in selection.tags):
            continue
        if selection.platform is not None and platform != selection.platform:
            continue
        record = parse_text(text)
        if all(record.labels.get(key) == value for key, value in selection.labels.items()):
            found.append(record)
    if unmatched:
        what = min(unmatched)
        raise UnknownImage(f"the ledger has no record of {shown(what)}", "`ledger list` shows what it has")
    if not found:
        raise UnknownImage("no record answers to what is asked for", "`ledger list` shows what there is")
    return found


def versions(records: Iterable[Record], policy: Policy, *, by_platform: bool) -> list[ImageVersion]:
    """Return the image:tags of records; `by_platform` takes an image's own digest in the place of its index's."""
    groups: dict[Name, list[Record]] = {}
    for record in records:
        groups.setdefault(record.name, []).append(record)
    found = []
    for name, group in groups.items():
        digest = group[0].digest if by_platform else pull_digest(tuple(group)) or ""
        home = next((one for one in policy.registries if one.serves(name.image)), None)
        host, path = pulled_from(home, name.image) if home else ("", name.image)
        found.append(ImageVersion(name, tuple(group), host, path, digest))
    return found


def check_pullable(found: Iterable[ImageVersion]) -> None:
    """Raise RuleRefused for an image:tag of several images without a common index."""
    for one in found:
        if not one.digest:
            there = ", ".join(record.platform or "none given" for record in one.records)
            raise RuleRefused(
                f"{one.name} has several images and no common index digest", f"pass `--platform` with one of: {there}"
            )


def check_single(found: Sequence[ImageVersion]) -> None:
    """Raise RuleRefused for an image with several versions: nobody said which."""
    for image, several in _by_image(found).items():
        if len(several) > 1:
            tags = ", ".join(one.name.tag for one in several[:5]) + (", …" if len(several) > 5 else "")
            raise RuleRefused(
                f"{image} has {len(several)} tags that match, and this format has room for one: {tags}",
                f"name one, such as `{several[-1].name}`, narrow them with `--tag`, or take the newest with `--latest`",
            )


def latest_each(
    found: Sequence[ImageVersion], policy: Policy, now: Timestamp
) -> tuple[list[ImageVersion], list[ImageVersion]]:
    """Return the newest version of each image, and those left out since they are yanked or expired.

    The newest is the one that was published last. Of several that were published in the same second, it is
    one with a tag that can't move; if these have different digests, RuleRefused is raised.
    """
    left = [one for one in found if yanked(one) or expired(one, now)]
    names = {one.name for one in left}
    chosen = []
    for image, several in _by_image(one for one in found if one.name not in names).items():
        last = max(_published(one) for one in several)
        newest = [one for one in several if _published(one) == last]
        fixed = [one for one in newest if not policy.is_mutable(one.name.tag)] or newest
        if len({frozenset((record.digest, record.index) for record in one.records) for one in fixed}) > 1:
            tags = ", ".join(one.name.tag for one in fixed)
            raise RuleRefused(
                f"{image} has several newest tags, published in the same second: {tags}",
                "name one of them as `IMAGE:TAG`, or narrow it with `--tag`",
            )
        chosen.append(fixed[-1])
    if not chosen:
        raise UnknownImage(
            "all that matches is yanked or expired", "`ledger list` shows why; a tag can be named as `IMAGE:TAG`"
        )
    return chosen, left


def yanked(version: ImageVersion) -> str:
    """Return why a version is not to be used, or `""`."""
    return next((record.yanked.reason for record in version.records if record.yanked), "")


def expired(version: ImageVersion, now: Timestamp) -> bool:
    """Return whether any of a version's images is past its TTL."""
    return any(is_expired(record, now) for record in version.records)


def _published(version: ImageVersion) -> str:
    return max(record.published_at for record in version.records)


def _by_image(found: Iterable[ImageVersion]) -> dict[str, list[ImageVersion]]:
    groups: dict[str, list[ImageVersion]] = {}
    for one in found:
        groups.setdefault(one.name.image, []).append(one)
    return groups


def variable(image: str) -> str:
    """Return the variable of an image for a dotenv file: `MYORG_APP_IMAGE`."""
    return _identifier(image).upper() + "_IMAGE"


def value_key(image: str) -> str:
    """Return the key of an image in Helm values, one that a template takes after a dot: `myorg_app`."""
    return _identifier(image)


def service(image: str) -> str:
    """Return the Compose service of an image: the last component of its name."""
    return image.rpartition("/")[2]


def _identifier(image: str) -> str:
    found = re.sub(r"[^A-Za-z0-9]", "_", image)
    return f"_{found}" if found[0].isdigit() else found


# Grammars of the keys that a person may give: a shell's and a template's names; Compose's services (compose-spec).
IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
SERVICE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"


def parse_keys(values: Sequence[str], grammar: str) -> dict[str, list[str]]:
    """Return the keys of `IMAGE=KEY` options by image. Raises UsageError."""
    found: dict[str, list[str]] = {}
    for value in values:
        image, equals, key = value.partition("=")
        if not equals or not re.fullmatch(grammar, key):
            raise UsageError(
                f"`--key {shown(value)}` is malformed",
                "write `--key IMAGE=KEY`, with a key that this format takes, such as `--key myorg/app=app`",
            )
        found.setdefault(image, []).append(key)
    return found


def keyed(
    found: Sequence[ImageVersion], default: Mapping[str, str], given: Mapping[str, Sequence[str]]
) -> dict[str, ImageVersion]:
    """Return the versions by key, in the order of the keys.

    An image has the keys that are `given` for it, or else its `default`. Raises UsageError for a key that
    two images would have, and for a key given for an image that is not there.
    """
    images = {one.name.image for one in found}
    if strange := sorted(set(given) - images):
        raise UsageError(
            f"`--key` names {shown(strange[0])}, which is not among the images to export",
            "write the image as `ledger list` shows it, without registry and tag",
        )
    keys: dict[str, ImageVersion] = {}
    for one in found:
        for key in given.get(one.name.image) or [default[one.name.image]]:
            other = keys.setdefault(key, one)
            if other is not one:
                raise UsageError(
                    f"{other.name.image} and {one.name.image} would both have the key `{key}`",
                    f"give one of them another, such as `--key {one.name.image}={key}2`",
                )
    return dict(sorted(keys.items()))

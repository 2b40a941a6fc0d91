"""What `promote` does to a ledger: an environment gets versions, each with the images that are recorded of it.

Like every write, it is run again on every new tip, and depends only on its arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.promotion import (
    are_same_images,
    differing,
    has_same,
    held,
    lacks_source,
    of_a_tag,
    promoted,
    recorded_version,
    unfit,
    unlike_platforms,
    version_of,
)
from ledger_tool.core.ledger.names import Tag, Timestamp, format_timestamp
from ledger_tool.core.ledger.query import matches, unknown_image
from ledger_tool.core.ledger.record import Name, Record, pull_digests
from ledger_tool.core.policy.policy import Policy, check_environment
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.writes.pending import PendingRecords
from ledger_tool.errors import Contended, RuleRefused, UsageError

Records = tuple[Record, ...]

_TICK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Promotion:
    """Versions for an environment: `versions` by image, and the images that it no longer has (`dropped`).

    `meant` are the records, by image, with the images that a version must have, where only those are meant. `seen` are
    the environment's records, by image, from which the versions were worked out: none of them may have changed.
    """

    environment: Tag
    versions: Mapping[str, Tag]
    dropped: Sequence[str] = ()
    meant: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    seen: Mapping[str, Sequence[Record]] = field(default_factory=dict)


def promote(snapshot: Snapshot, promotion: Promotion, *, now: Timestamp, reason: str = "") -> Change:
    """Return the change that gives an environment its versions.

    Raises UsageError for what is not an environment, UnknownImage for a version that is not recorded, RuleRefused for
    one that the environment may not have, or not without a reason, and Contended if what it had has changed.
    """
    environment = promotion.environment
    check_environment(environment, snapshot.policy)
    pending = PendingRecords(snapshot.ledger)
    requested: list[Record] = []
    for image, seen in promotion.seen.items():
        if tuple(seen) != snapshot.ledger.find(Name(image, environment)):
            raise Contended(f"{environment} got another version of {image} meanwhile", "run it again")
    for image in (*promotion.versions, *promotion.dropped):
        name = Name(image, environment)
        if snapshot.ledger.find(name) and not held(snapshot.ledger, name):
            raise of_a_tag(name)
    for image, version in sorted(promotion.versions.items()):
        source = _fit(snapshot, Name(image, version), environment, promotion.meant.get(image, ()), now)
        records = pending.of(Name(image, environment))
        before = [records[platform] for platform in sorted(records)]
        if version_of(before) == version and not differing(before, source):
            requested += before
            continue
        records.clear()
        at = _promoted_at(before, promoted(source, environment, now))
        records.update({record.platform or "": record for record in promoted(source, environment, at)})
        requested += records.values()
    for image in promotion.dropped:
        records = pending.of(Name(image, environment))
        requested += records.values()
        records.clear()
    change = pending.change("promote", requested, reason=reason)
    if change.changed and not any(effect.new for effect in change.effects):
        change = replace(change, verb="remove")
    if not reason:
        _check_source({effect.name for effect in change.effects}, change, snapshot.policy)
    return change


def _promoted_at(before: Sequence[Record], after: Sequence[Record]) -> Timestamp:
    """Return the time of a promotion: it stays where only facts of the same images were filled in since.

    Otherwise it is another one, also within one second: so what stays there changes as well, and all is one change.
    """
    now = after[0].published_at
    if not before:
        return now
    if has_same(before, after):
        return before[0].published_at
    return format_timestamp(datetime.fromisoformat(now) + _TICK) if before[0].published_at == now else now


def named(snapshot: Snapshot, references: Iterable[Reference], environment: Tag) -> Promotion:
    """Return the promotion of image:tags; the tag of another environment stands for the version that it has.

    Raises UsageError for two versions of one image, and UnknownImage for what an environment does not have.
    """
    versions: dict[str, Tag] = {}
    meant: dict[str, Sequence[Record]] = {}
    for reference in references:
        name = snapshot.name(reference)
        version, has = Tag(name.tag), Records()
        if name.tag in snapshot.policy.environments:
            version, has = _held(snapshot, name)
        if versions.setdefault(name.image, version) != version:
            both = f"{versions[name.image]} and {version}"
            raise UsageError(f"{name.image} is given twice, as {both}", "keep one of them")
        if has:
            meant[name.image] = has
    return Promotion(environment, versions, meant=meant)


def taken(snapshot: Snapshot, source: Tag, environment: Tag, patterns: Sequence[str]) -> Promotion:
    """Return the promotion of what one environment has to another one: of all images, or those that patterns name.

    Raises UsageError for what is not an environment, and UnknownImage for a pattern without an image there.
    """
    check_environment(source, snapshot.policy)
    check_environment(environment, snapshot.policy)
    if source == environment:
        raise UsageError(f"`--from` and `--to` are both {environment}", "name two environments")
    images = images_of(snapshot, source, patterns)
    held = {image: _held(snapshot, Name(image, source)) for image in images}
    versions = {image: version for image, (version, _) in held.items()}
    return Promotion(environment, versions, meant={image: records for image, (_, records) in held.items()})


def images_of(snapshot: Snapshot, environment: Tag, patterns: Sequence[str]) -> list[str]:
    """Return the images that an environment has, of those that patterns name.

    Raises UnknownImage for a pattern that names none.
    """
    images = [image for image, tag in dict.fromkeys(snapshot.ledger.names()) if tag == environment]
    asked = [snapshot.resolver.pattern(pattern) for pattern in patterns]
    for pattern in asked:
        if not any(matches(pattern, image, environment) for image in images):
            raise unknown_image(f"{pattern} in {environment}", [(image, environment) for image in images])
    return [image for image in images if not asked or any(matches(one, image, environment) for one in asked)]


def _held(snapshot: Snapshot, name: Name) -> tuple[Tag, Records]:
    """Return the version that an environment has, and its records there.

    Raises UnknownImage, and RuleRefused for the record of an ordinary tag.
    """
    records = snapshot.ledger.find(name)
    if not records:
        raise unknown_image(str(name), snapshot.ledger.names())
    version = version_of(records)
    if not version:
        raise of_a_tag(name)
    return Tag(version), records


def _fit(snapshot: Snapshot, name: Name, environment: Tag, meant: Sequence[Record], now: Timestamp) -> Records:
    """Return the records of a version that an environment may have.

    Raises UnknownImage if it is not recorded, and RuleRefused if it is yanked or expired, or has other images than
    those that are meant.
    """
    source = recorded_version(name, snapshot.ledger, snapshot.policy)
    if not source:
        raise unknown_image(str(name), snapshot.ledger.names())
    for why in unfit(source, snapshot.ledger, now):
        raise RuleRefused(f"{name} {why}; {environment} stays as it is", "promote another version of it")
    if meant and not are_same_images(source, meant):
        was, is_now = (", ".join(sorted(pull_digests(records))) for records in (meant, source))
        what = f"was {was} when it was promoted before, and is {is_now} now"
        if was == is_now:
            platforms = unlike_platforms(meant, source)
            what = f"had other images when it was promoted before than it has now: they differ for {platforms}"
        raise RuleRefused(
            f"{name} {what}",
            f"publish that image under a tag of its own, and promote this; or keep what is recorded of {name.tag} now",
        )
    return source


def _check_source(names: Iterable[Name], change: Change, policy: Policy) -> None:
    """Raise RuleRefused for the first image whose environment takes it from another one, which does not have it."""
    for name in sorted(names):
        if change.ledger.find(name) and (why := lacks_source(name, change.ledger, policy)):
            source = policy.environments[name.tag].source
            version = version_of(change.ledger.find(name))
            raise RuleRefused(
                why,
                f"promote it there first with `ledger promote {name.image}:{version} --to {source}`, or say why not "
                "with `--reason TEXT`",
            )

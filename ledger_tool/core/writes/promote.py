"""What `promote` does to a ledger: an environment gets versions, each with the images that are recorded of it.

Like every write, it is run again on every new tip, and depends only on its arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ledger_tool.core.changes.change import Change, Snapshot, Verb
from ledger_tool.core.changes.promotion import (
    differing,
    lacks_source,
    promoted,
    recorded_version,
    unfit,
    version_of,
)
from ledger_tool.core.ledger.names import Digest, Tag, Timestamp
from ledger_tool.core.ledger.query import matches, unknown_image
from ledger_tool.core.ledger.record import Name, Record, pull_digest, pull_digests
from ledger_tool.core.policy.policy import Policy, check_environment
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.writes.pending import PendingRecords
from ledger_tool.errors import Contended, RuleRefused, UsageError


@dataclass(frozen=True, slots=True)
class Promotion:
    """Versions for an environment: `versions` by image, and the images that it no longer has (`dropped`).

    `pulled` is the digest that a version must be pulled by, by image, where only that one is meant. `seen` are the
    environment's records, by image, from which the versions were worked out: none of them may have changed.
    """

    environment: Tag
    versions: Mapping[str, Tag]
    dropped: Sequence[str] = ()
    pulled: Mapping[str, Digest] = field(default_factory=dict)
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
    for image, version in sorted(promotion.versions.items()):
        source = _fit(snapshot, Name(image, version), environment, promotion.pulled.get(image), now)
        records = pending.of(Name(image, environment))
        before = [records[platform] for platform in sorted(records)]
        if before and not version_of(before):
            raise _of_tag(Name(image, environment))
        if version_of(before) == version and not differing(before, source):
            requested += before
            continue
        is_same = version_of(before) == version and pull_digests(before) == pull_digests(source)
        at = before[0].published_at if is_same else now  # only facts were filled in since
        records.clear()
        records.update({record.platform or "": record for record in promoted(source, environment, at)})
        requested += records.values()
    for image in promotion.dropped:
        records = pending.of(Name(image, environment))
        requested += records.values()
        records.clear()
    verb: Verb = "promote" if promotion.versions or not promotion.dropped else "remove"
    change = pending.change(verb, requested, reason=reason)
    if not reason:
        _check_source({effect.name for effect in change.effects}, change, snapshot.policy)
    return change


def named(snapshot: Snapshot, references: Iterable[Reference], environment: Tag) -> Promotion:
    """Return the promotion of image:tags; the tag of another environment stands for the version that it has.

    Raises UsageError for two versions of one image, and UnknownImage for what an environment does not have.
    """
    versions: dict[str, Tag] = {}
    pulled: dict[str, Digest] = {}
    for reference in references:
        name = snapshot.name(reference)
        version, digest = Tag(name.tag), None
        if name.tag in snapshot.policy.environments:
            version, digest = _held(snapshot, name)
        if versions.setdefault(name.image, version) != version:
            both = f"{versions[name.image]} and {version}"
            raise UsageError(f"{name.image} is given twice, as {both}", "keep one of them")
        if digest:
            pulled[name.image] = digest
    return Promotion(environment, versions, pulled=pulled)


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
    return Promotion(environment, versions, pulled={image: digest for image, (_, digest) in held.items() if digest})


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


def _held(snapshot: Snapshot, name: Name) -> tuple[Tag, Digest | None]:
    """Return the version that an environment has, and what it is pulled by there. Raises UnknownImage."""
    records = snapshot.ledger.find(name)
    if not records:
        raise unknown_image(str(name), snapshot.ledger.names())
    version = version_of(records)
    if not version:
        raise _of_tag(name)
    return Tag(version), pull_digest(records)


def _of_tag(name: Name) -> RuleRefused:
    return RuleRefused(
        f"{name} is the record of a tag, and ledger.yaml declares an environment of that name",
        "rename one of them: `ledger check` names all such records",
    )


def _fit(snapshot: Snapshot, name: Name, environment: Tag, pulled: Digest | None, now: Timestamp) -> tuple[Record, ...]:
    """Return the records of a version that an environment may have.

    Raises UnknownImage if it is not recorded, and RuleRefused if it is yanked, expired, or pulled by another digest
    than the one that is meant.
    """
    source = recorded_version(name, snapshot.ledger, snapshot.policy)
    if not source:
        raise unknown_image(str(name), snapshot.ledger.names())
    for why in unfit(source, snapshot.ledger, now):
        raise RuleRefused(f"{name} {why}; {environment} stays as it is", "promote another version of it")
    if pulled and pull_digest(source) != pulled:
        raise RuleRefused(
            f"{name} was {pulled} when it was promoted before, and is {pull_digest(source)} now",
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

"""What an environment has of a version, and when it may have that: the rule of `ledger promote`.

An environment's record is its version's, under the environment's tag: the same images, source and bases, and none of
the facts that say how a tag is kept (labels, TTL, marks). The rule needs no history: it judges a ledger as a commit
leaves it. What becomes of the version later is another matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal, NamedTuple

from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Platform, Tag, Timestamp, listed_platforms, some_of
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import FIELDS, Name, Record, by_name, pull_digests, to_json
from ledger_tool.core.ledger.yanks import yanks_of
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import RuleRefused

FateWay = Literal["removed", "replaced", "yanked", "expired"]


class Fate(NamedTuple):
    """What has become of a version: `what` is what to say after its name, such as `has expired`."""

    way: FateWay
    what: str

    def __str__(self) -> str:
        return self.what


def promoted(records: Iterable[Record], environment: Tag, at: Timestamp) -> tuple[Record, ...]:
    """Return the records that an environment has of a version that is promoted to it at a time."""
    return tuple(
        replace(
            record, tag=environment, published_at=at, labels={}, ttl=None, version=record.tag, forced=None, yanked=None
        )
        for record in records
    )


def is_of_environment(tag: str, records: Iterable[Record], policy: Policy) -> bool:
    """Return whether records of a tag are an environment's: it is declared, or one of them says so by a `version`."""
    return tag in policy.environments or any(record.is_environment for record in records)


def no_longer_declared(name: Name) -> RuleRefused:
    """Return the refusal to do anything about what an environment had that `ledger.yaml` does not declare any more."""
    return RuleRefused(
        f"{name} is what an environment had that ledger.yaml no longer declares",
        f"remove it with `ledger remove {name} --reason TEXT`, or declare `{name.tag}` again",
    )


def of_a_tag(name: Name) -> RuleRefused:
    """Return the refusal to take the record of an ordinary tag, named like an environment, for what that one has."""
    return RuleRefused(
        f"{name} is the record of a tag, and ledger.yaml declares an environment of that name",
        "rename one of them: `ledger check` names all such records",
    )


def environment_effects(effects: Iterable[Effect], policy: Policy) -> dict[Name, list[Effect]]:
    """Return what happened to the records of environments, by image:tag."""
    effects = list(effects)
    tags = policy.environments
    if not any(
        effect.record.tag in tags or effect.record.is_environment or any(old.is_environment for old in effect.old)
        for effect in effects
    ):
        return {}
    groups = ((name, list(group)) for name, group in groupby(effects, key=lambda effect: effect.name))
    return {name: group for name, group in groups if is_of_environment(name.tag, _records(group), policy)}


def _records(effects: Iterable[Effect]) -> Iterator[Record]:
    for effect in effects:
        yield from effect.old
        if effect.new:
            yield effect.new


def version_of(records: Iterable[Record]) -> str:
    """Return the version that an environment's records name, `""` if there is none."""
    return next((record.version for record in records if record.version), "")


def misfits(
    name: Name, ledger: Ledger, policy: Policy, at: Timestamp | None = None, *, later: bool = False
) -> Iterator[str]:
    """Yield why an environment may not have what it has in a ledger, each a clause about `name`; nothing if it may.

    At a time, the version must not have expired; None leaves that out. `later` than the promotion, facts may have been
    added to the version: then only other images count.
    """
    records = ledger.find(name)
    if any(record.version is None for record in records):
        yield f"{name} is what an environment has, or had before, and its record has no `version`"
        return
    if records and name.tag not in policy.environments:
        yield f"{name} has a `version`, and ledger.yaml declares no environment `{name.tag}`"
        return
    versions = sorted({str(record.version) for record in records})
    if len(versions) > 1:
        yield f"{name} has records of several versions: {some_of(versions, 3)}"
        return
    if not versions:
        return
    source = recorded_version(Name(name.image, versions[0]), ledger, policy)
    if not source:
        yield f"{name} has {versions[0]}, which is not recorded"
        return
    if (odd := differing(records, source)) and not (later and are_same_images(records, source)):
        yield f"{name} has {versions[0]}, and not what is recorded of it: {some_of(odd, 5)}"
    yield from (f"{source[0].name} {why}" for why in unfit(source, ledger, at))


def recorded_version(name: Name, ledger: Ledger, policy: Policy) -> tuple[Record, ...]:
    """Return the records of a version; none of a tag that is an environment's."""
    records = ledger.find(name)
    return () if is_of_environment(name.tag, records, policy) else records


class OutlivedVersion(NamedTuple):
    """What has become of the version that an environment has."""

    name: Name
    version: str
    fate: Fate

    def __str__(self) -> str:
        return f"{self.name} {self.fate}"


def all_outlived(ledger: Ledger, at: Timestamp) -> Iterator[OutlivedVersion]:
    """Yield what has become of the versions that environments have; see `outlived`."""
    for name, records in by_name(ledger.having("version")).items():
        yield from (OutlivedVersion(name, version_of(records), fate) for fate in outlived(records, ledger, at))


def differing(records: Sequence[Record], source: Sequence[Record]) -> list[str]:
    """Return the fields in which an environment's records are not those of its version; `platform` if one has more."""
    if not records:
        return ["platform"]
    tag, at = records[0].tag, records[0].published_at
    expected = {record.key: to_json(record) for record in promoted(source, tag, at)}
    found = {record.key: to_json(record) for record in records}
    if expected.keys() != found.keys():
        return ["platform"]
    pairs = [(expected[key], found[key]) for key in found]
    return [name for name in FIELDS if any(wanted.get(name) != has.get(name) for wanted, has in pairs)]


def unfit(source: Sequence[Record], ledger: Ledger, at: Timestamp | None) -> Iterator[Fate]:
    """Yield why no environment may have a version with these records (from a time on, for one that expires)."""
    yanks = yanks_of(ledger, source[0].image)
    yield from [Fate("yanked", why) for record in source if (why := yanks.why(record))][:1]
    if at is not None and any(is_expired(record, at) for record in source):
        yield Fate("expired", "has expired")


def outlived(records: Sequence[Record], ledger: Ledger, at: Timestamp) -> Iterator[Fate]:
    """Yield what has become of the version that an environment has, in its records, until a time; nothing if it stands.

    It is said after `IMAGE:ENV`, such as `has v1.5.0, which has expired`. It breaks no rule: what was promoted stays.
    """
    if not (version := version_of(records)):
        return
    source = ledger.find(Name(records[0].image, version))
    if not source:
        yield Fate("removed", f"has {version}, which is no longer recorded")
        return
    if not are_same_images(source, records):
        what = "is another image" if pull_digests(source) != pull_digests(records) else "has other images"
        yield Fate("replaced", f"has {version}, which {what} now")
    yield from (Fate(why.way, f"has {version}, which {why}") for why in unfit(source, ledger, at))


def lacks_source(name: Name, ledger: Ledger, policy: Policy) -> str:
    """Return why a promotion needs a reason, `""` if it does not: the environment that it takes from has it."""
    settings = policy.environments.get(name.tag)
    if settings is None or not settings.source:
        return ""
    has, own = held(ledger, Name(name.image, settings.source)), ledger.find(name)
    if has_same(has, own):
        return ""
    what = f"{version_of(has)} of {name.image}" if has else f"no {name.image}"
    if has and version_of(has) == version_of(own):
        what = f"other images under {what}"
    return f"{name.tag} takes what {settings.source} has, and {settings.source} has {what}"


def held(ledger: Ledger, name: Name) -> tuple[Record, ...]:
    """Return what an environment has of an image; nothing if its name is that of an ordinary tag there."""
    records = ledger.find(name)
    return records if version_of(records) else ()


def has_same(records: Sequence[Record], others: Sequence[Record]) -> bool:
    """Return whether an environment with these records has the same as one with the others: version and images."""
    return version_of(records) == version_of(others) and are_same_images(records, others)


def are_same_images(records: Sequence[Record], others: Sequence[Record]) -> bool:
    """Return whether two have the same image for every platform, and are pulled by the same digest.

    The platform of an only image may have been filled in since. What is below an index that nobody had looked into is
    another matter: there, only the pull digest was known.
    """
    one, other = _images(records), _images(others)
    if one != other and len(one) == len(other) == 1 and None in {*one, *other}:
        return list(one.values()) == list(other.values())
    return one == other


def unlike_platforms(records: Sequence[Record], others: Sequence[Record]) -> str:
    """Return the platforms for which two have not the same image, as a message lists them."""
    one, other = _images(records), _images(others)
    unlike = [platform for platform in {*one, *other} if one.get(platform) != other.get(platform)]
    return listed_platforms(sorted(unlike, key=str))


def _images(records: Iterable[Record]) -> dict[Platform | None, tuple[str, str | None]]:
    return {record.platform: (record.digest, record.index) for record in records}

"""What was observed of image:tags, classified, each finding with the command that puts it right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ledger_tool.commands.held import NOTHING_HELD, Holds
from ledger_tool.commands.observe import DigestPlace, Looks, Observed
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Registries, RegistryPort
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.judging.withdrawal import withdrawal
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Image, Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Key, Name, Record
from ledger_tool.core.ledger.yanks import yanks_of
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.circumstances import Circumstances, InnerCopy, PruneWay, may_be_whole
from ledger_tool.core.registry.drift import ABSENT, Absent, DriftFinding, Seen, Unknown, classify
from ledger_tool.core.registry.looks import is_whole
from ledger_tool.core.registry.remedy import with_commands
from ledger_tool.core.registry.shellcommands import PullPlace
from ledger_tool.core.registry.withheld import withheld
from ledger_tool.core.writes.clock import expiry, is_doubtful
from ledger_tool.core.writes.prune import PruneCriteria, choose

Serving = Mapping[Image, Sequence[RegistryPort]]  # in the order of `ledger.yaml`
Unrecordable = Mapping[DigestPlace, str]  # why a publish of what a tag serves would be refused
NOT_KNOWN: Unrecordable = MappingProxyType({})
Inner = Mapping[tuple[RegistryPort, str], Sequence[InnerCopy]]  # by the registry to copy from, and the index


def repositories(registries: Registries, policy: Policy, image: Image) -> Sequence[RegistryPort]:
    """Return the registries that serve an image; of those that have it in one repository, the first alone."""
    by_place: dict[tuple[bool, str], RegistryPort] = {}
    for registry in registries.serving(policy, image):
        by_place.setdefault((registry.plain_http, registry.repository(image)), registry)
    return list(by_place.values())


def inner_copies(looks: Looks, observed: Sequence[Observed], serving: Serving) -> Inner:
    """Return what is below the indexes that another registry may be given, if indexes are among it.

    Whether it is an index is looked up, whatever the record says.
    """
    donors = _donors(observed, serving)
    names = {records[0].name: records[0] for (_, records), seen in observed if not is_whole(records, seen)}
    return {
        (donor, record.pull_digest): inner
        for name, record in names.items()
        for donor in donors.get(name, ())
        if (inner := _inner(looks, donor, record.image, record.pull_digest))
    }


def _inner(looks: Looks, registry: RegistryPort, image: str, digest: str) -> Sequence[InnerCopy]:
    """Return what has to be copied before an index that has indexes in it; of any other, nothing.

    What no GETs are left for, or cannot be read, counts as an image.
    """
    index = looks.contents(registry, image, digest)
    if index is None or not index.is_index:
        return ()
    nested = {one: looks.contents(registry, image, one) for one in dict.fromkeys(index.nested)}
    indexes = {one for one, contents in nested.items() if contents and contents.is_index}
    copies: list[InnerCopy] = []
    for own in dict.fromkeys(index.manifests) if indexes else ():
        inner = _inner(looks, registry, image, own) if own in indexes else ()
        copies += [*inner, InnerCopy(own, is_alone=bool(inner))]
    return copies


def unrecordable_of(looks: Looks, places: Iterable[DigestPlace], *, jobs: int) -> Unrecordable:
    """Return why what tags serve that is not recorded cannot be published, as far as GETs are left."""
    answers = in_parallel(lambda place: looks.unrecordable(*place), dict.fromkeys(places), jobs=jobs)
    return {place: why for place, why in answers if isinstance(why, str) and why}


def _donors(observed: Sequence[Observed], serving: Serving) -> Mapping[Name, Sequence[RegistryPort]]:
    """Return the registries that have all that is recorded of image:tags that several serve."""
    donors: dict[Name, list[RegistryPort]] = {}
    for (registry, records), seen in observed:
        if len(serving[records[0].image]) > 1 and is_whole(records, seen):
            donors.setdefault(records[0].name, []).append(registry)
    return donors


def classified(
    observed: Sequence[Observed],
    serving: Serving,
    snapshot: Snapshot,
    now: Timestamp,
    *,
    inner: Inner,
    held: Holds = NOTHING_HELD,
    unrecordable: Unrecordable = NOT_KNOWN,
) -> Iterator[list[DriftFinding]]:
    """Yield, for each observation, the findings of its records, in their order.

    `inner` is from `inner_copies`, and `held` what keeps digests from a prune, and `unrecordable` what tags serve
    that cannot be published.
    """
    donors, seen_at = _donors(observed, serving), {(records[0].name, port): seen for (port, records), seen in observed}
    prunes, yanks = _Prunes(snapshot, now), yanks_of(snapshot.ledger)
    for (registry, records), seen in observed:
        image, lost = records[0].image, withdrawal(records[0].name, snapshot.ledger, snapshot.policy, now)
        is_mutable = snapshot.policy.is_mutable(records[0].tag) and not records[0].version
        kept = withheld(records, yanks, now)
        findings = classify(
            records, registry.name, seen, now,
            is_mutable=is_mutable, withdrawal=lost, is_withheld=kept is not None,
        )  # fmt: skip
        if any(finding.drift != "in-sync" for finding in findings):
            name, ports = records[0].name, serving[image]
            others = {port: seen_at.get((name, port)) for port in ports if port is not registry}
            before = [others[port] for port in ports[: ports.index(registry)]]
            leads = [Unknown("it was not looked at") if one is None else one.served for one in before]
            donor = next((other for other in donors.get(name, ()) if other is not registry), None)
            circumstances = Circumstances(
                is_mutable=is_mutable,
                prune_ways=prunes.ways(records),
                donor=pull_place(donor, image, serving) if donor else None,
                inner=inner.get((donor, records[0].pull_digest), ()) if donor else (),
                may_be_elsewhere=any(one is None or may_be_whole(records, one) for one in others.values()),
                lead=next((served for served in leads if not isinstance(served, Absent)), ABSENT),
                hold=held.of(records),
                unrecordable=unrecordable.get((registry, image, str(seen.served)), ""),
                stated_now=prunes.stated_now(records),
                withdrawal=lost,
                withheld=kept,
                is_declared=name.tag in snapshot.policy.environments,
                has_served=bool(records[0].version) and _has(snapshot.ledger, image, seen.served),
            )
            findings = with_commands(findings, records, pull_place(registry, image, serving), seen, circumstances)
        yield findings


def _has(ledger: Ledger, image: Image, served: Seen) -> bool:
    """Return whether an image's records have what a tag serves."""
    return any(served in (record.digest, record.pull_digest) for record in ledger.of_image(image))


class _Prunes:
    """What a prune of a ledger does with its expired records, found out where something has expired."""

    def __init__(self, snapshot: Snapshot, now: Timestamp) -> None:
        self._snapshot = snapshot
        self._now = now
        self._ways: dict[Key, PruneWay] | None = None

    def ways(self, records: Sequence[Record]) -> Mapping[Key, PruneWay]:
        """Return which expired records a prune keeps, and whether it would remove them with `--last`."""
        if not any(is_expired(record, self._now) for record in records):
            return {}
        if self._ways is None:
            ledger, criteria = self._snapshot.ledger, PruneCriteria(now=self._now)
            kept = {spared.record.key for spared in choose(ledger, criteria).spared}
            never = {spared.record.key for spared in choose(ledger, replace(criteria, last=True)).spared}
            self._ways = dict.fromkeys(kept, "last")
            self._ways |= dict.fromkeys(kept & never, "never")
        return self._ways

    def stated_now(self, records: Sequence[Record]) -> str:
        """Return the time that a prune of them has to be given; `""` if it is sure to believe this machine's clock.

        It doubts what has expired long ago in a ledger at rest, which was written when they were published, or later:
        the time when they expired is given.
        """
        if not any(is_doubtful(record, self._now, record.published_at) for record in records):
            return ""
        return max(expiry(record) for record in records if record.ttl and is_expired(record, self._now))


def pull_place(registry: RegistryPort, image: Image, serving: Serving) -> PullPlace:
    """Return where clients pull an image from a registry."""
    return PullPlace(
        name=registry.name,
        repository=registry.repository(image),
        plain_http=registry.plain_http,
        is_first=serving[image][0] is registry,
        is_only=len(serving[image]) == 1,
    )

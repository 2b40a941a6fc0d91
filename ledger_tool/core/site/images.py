"""The images of a site: each tag as `get` and `list` tell it, what it is built on, and what is built on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ledger_tool.core.judging.diff import source_comparison
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.order import in_order
from ledger_tool.core.ledger.query import expiry, is_expired
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.ledger.yanks import Yanks
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.resolve import pulled_from
from ledger_tool.core.site.bases import BuiltOn
from ledger_tool.core.site.facts import SiteImage, TagFacts
from ledger_tool.core.site.newest import newest_version
from ledger_tool.core.site.previous import previous_versions
from ledger_tool.core.site.public import person


@dataclass(frozen=True, slots=True)
class RecordedImage:
    """An image: its tags, the newest first, and its newest version; see `SiteImage`."""

    image: str
    tags: Sequence[TagFacts]
    newest: TagFacts | None


def recorded_images(policy: Policy, built: BuiltOn, yanks: Yanks, at: Timestamp) -> Iterator[RecordedImage]:
    """Yield every image of a ledger, by name; `built` and `yanks` are the ledger's, and `at` says what has expired."""
    tags, graph = _TagMaker(policy, yanks, built, at), built.graph
    numbered = enumerate(graph.records)
    for image, group in groupby(numbered, key=lambda pair: pair[1].image):
        numbers: dict[Name, list[int]] = {}
        for number, record in group:
            if not record.is_environment:
                numbers.setdefault(record.name, []).append(number)
        records = [graph.records[number] for each in numbers.values() for number in each]
        newest_first = dict.fromkeys(record.name for record in in_order(records, "published"))
        before = previous_versions(records, policy, yanks)
        made = {name: tags.tag(numbers[name], numbers.get(_before(name, before), ())) for name in newest_first}
        yield RecordedImage(image, tuple(made.values()), newest_version(made.values(), policy))


@dataclass(frozen=True, slots=True)
class _TagMaker:
    policy: Policy
    yanks: Yanks
    built: BuiltOn
    at: Timestamp

    def tag(self, numbers: Sequence[int], before: Sequence[int]) -> TagFacts:
        """Return the facts of an image:tag with these records; `before` are those of the version before it."""
        records, previous = self._records(numbers), self._records(before)
        name, digest = records[0].name, pull_digest(records) or ""
        dependents = self.built.dependents(name, numbers)
        ends = [end for record in records if (end := expiry(record))]
        return TagFacts(
            name=name,
            records=records,
            digest=digest,
            pulls=_pulls(self.policy, name.image, digest) if digest else (),
            published_at=max(record.published_at for record in records),
            sources=tuple(dict.fromkeys(record.source_ref for record in records)),
            previous=previous[0].tag if previous else "",
            compare=source_comparison(previous, records),
            yanked=next(filter(None, (self.yanks.reason(record, as_pulled=True) for record in records)), ""),
            expires=min(ends, default=None),
            is_expired=any(is_expired(record, self.at) for record in records),
            is_mutable=self.policy.is_mutable(name.tag),
            bases=self.built.bases(numbers),
            dependents=dependents.listed,
            dependent_count=dependents.total,
            rebuild_step=self.built.rebuild_step(name),
            owners=tuple(map(person, self.policy.owners_of(*name))),
        )

    def _records(self, numbers: Sequence[int]) -> tuple[Record, ...]:
        return tuple(self.built.graph.records[number] for number in numbers)


def _before(name: Name, previous: Mapping[str, str]) -> Name:
    return Name(name.image, previous.get(name.tag, ""))


def _pulls(policy: Policy, image: str, digest: str) -> tuple[str, ...]:
    """Return the references to an image by digest at all of its registries, as `get --format ref` prints the first."""
    repositories = ["/".join(pulled_from(registry, image)) for registry in policy.serving(image)] or [image]
    return tuple(f"{repository}@{digest}" for repository in dict.fromkeys(repositories))


def expiring(images: Iterable[SiteImage]) -> list[TagFacts]:
    """Return the tags with a TTL, the first to end first."""
    tags = [tag for image in images for tag in image.tags if tag.expires]
    return sorted(tags, key=lambda tag: (tag.expires or "", tag.name))


def yanked(images: Iterable[SiteImage]) -> list[TagFacts]:
    """Return the tags that must not be used, the last marked first; those with no mark of their own come last."""
    tags = [tag for image in images for tag in image.tags if tag.yanked]

    def marked(tag: TagFacts) -> str:
        return max((record.yanked.at for record in tag.records if record.yanked), default="")

    return sorted(tags, key=marked, reverse=True)


def outdated(images: Iterable[SiteImage]) -> list[TagFacts]:
    """Return the newest versions, and those that environments have, that have to be rebuilt since a base moved on.

    Those to rebuild first come first, and of these what environments have.
    """
    found: list[tuple[int, bool, Name, TagFacts]] = []
    for image in images:
        held = {cell.version for cell in image.environments if cell.is_version}
        used = held | ({image.newest.name.tag} if image.newest else set())
        stale = (tag for tag in image.tags if tag.rebuild_step and tag.name.tag in used)
        found += [(tag.rebuild_step, tag.name.tag not in held, tag.name, tag) for tag in stale]
    return [tag for *_, tag in sorted(found, key=lambda entry: entry[:3])]

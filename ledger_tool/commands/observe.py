"""Observing registries: what each shows for an image:tag, with as few requests as the classes need.

A tag costs one HEAD, and each recorded digest that its answer does not prove one more; nothing is asked twice in a run.
A tag that serves something else is explained by GETs, which some hosts count as pulls: a run may only spend so many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import ParamSpec, TypeVar

from ledger_tool.commands.listed import is_led_to, listed_alone, listed_below, refuted_at
from ledger_tool.commands.once import OncePerRun
from ledger_tool.commands.parallel import LONGEST_LOOK, in_parallel
from ledger_tool.commands.ports import RegistryPort
from ledger_tool.commands.walk import RegistryDigest, WalkAnswer, missing_below, walk_indexes
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.registry.drift import Absent, Observation, Seen, Unknown, Unreadable
from ledger_tool.core.registry.driftreport import DriftScope
from ledger_tool.core.registry.image import Manifest
from ledger_tool.core.registry.looks import is_different, to_look_for
from ledger_tool.core.registry.refutation import Refutation
from ledger_tool.core.registry.selection import flattened, leads_to, offered_by
from ledger_tool.core.registry.served import ServedFacts, served_facts
from ledger_tool.errors import BadManifest, LedgerError, RuleRefused, UnreadableManifest

P = ParamSpec("P")
T = TypeVar("T")
Task = tuple[RegistryPort, Sequence[Record]]
Observed = tuple[Task, Observation]
TaggedPlace = tuple[RegistryPort, str, str]  # a registry, an image, a tag
TagList = tuple[RegistryPort, str]  # a registry, an image
DigestPlace = tuple[RegistryPort, str, str]  # a registry, an image, a digest
EXPLAINED = 50  # GETs
_LONGEST_DEEP_LOOK = 10 * LONGEST_LOOK  # an index of many images is hundreds of requests, one after the other
_MOST_TO_DESCRIBE = 3  # GETs: an index, an image of it, its config


@dataclass
class Allowance:
    """How many GETs are left to explain what differs."""

    left: int
    _lock: Lock = field(default_factory=Lock)

    def take(self, number: int) -> bool:
        """Take that many, or none if fewer are left; return whether they were taken."""
        with self._lock:
            is_enough = number <= self.left
            self.left -= number if is_enough else 0
        return is_enough

    def take_for(self, most: int, cost: int = 1) -> int:
        """Take for as many things as can be paid, up to `most`; return how many."""
        with self._lock:
            number = min(most, self.left // cost)
            self.left -= number * cost
        return number


class Looks:
    """The looks of one run, from `jobs` threads; `scope` is what to look at, `allowance` is for what differs."""

    def __init__(self, *, jobs: int, scope: DriftScope = "images", allowance: Allowance | None = None) -> None:
        self._jobs = jobs
        self._scope = scope
        self._allowance = allowance or Allowance(EXPLAINED)
        self._once = OncePerRun()

    def afresh(self) -> Looks:
        """Return looks that know nothing of these, and may spend the GETs that are left."""
        return Looks(jobs=self._jobs, scope=self._scope, allowance=self._allowance)

    def all(self, tasks: Iterable[Task]) -> Iterator[Observed]:
        """Yield what each registry shows for the records of one image:tag, as the answers arrive."""
        longest = _LONGEST_DEEP_LOOK if self._scope == "deep" else LONGEST_LOOK
        for task, seen in in_parallel(lambda task: self.look(*task), tasks, jobs=self._jobs, longest=longest):
            yield task, Observation(served=Unknown(seen.in_full)) if isinstance(seen, LedgerError) else seen

    def look(self, registry: RegistryPort, records: Sequence[Record], *, anew: bool = False) -> Observation:
        """Return what a registry shows for the records of one image:tag. Raises nothing: a failure is Unknown.

        A registry that contradicts itself about a tag is not believed about the rest of it, either. The tag is asked
        for again if `anew`.
        """
        image, tag = records[0].name
        try:
            served: Seen = self._once.served(registry, image, tag, anew=anew)
        except BadManifest as error:
            return Observation(served=Unknown(error.in_full))
        except LedgerError as error:
            served = Unknown(error.in_full)
        missing: Mapping[str, Sequence[str] | Unknown] = {}
        refuted: Mapping[Key, Refutation | Unknown | None] = {}
        if self._scope == "deep":
            refuted = {record.key: _tried(refuted_at, self._once, registry, record) for record in records}
            pull_digests = dict.fromkeys(record.pull_digest for record in records)
            missing = {digest: _tried(missing_below, self._once, registry, image, digest) for digest in pull_digests}
        wanted = to_look_for(records, served, quick=self._scope == "tags")
        exists = {digest: _tried(self._once.exists, registry, image, digest) for digest in wanted}
        return Observation(
            served=served, exists=exists, missing=missing, refuted=refuted, is_quick=self._scope == "tags"
        )

    def explain(self, observed: Sequence[Observed]) -> Iterator[tuple[int, Observation]]:
        """Yield, with its number, each observation of a tag that serves something else, as far as GETs are left.

        First all manifests are read, and then what the images say about themselves.
        """
        places: dict[DigestPlace, list[int]] = {}
        for number, ((registry, records), seen) in enumerate(observed):
            if is_different(records, seen.served):
                places.setdefault((registry, records[0].image, str(seen.served)), []).append(number)
        chosen = sorted(places, key=lambda place: (place[1], observed[places[place][0]][0][1][0].tag, place[0].name))
        chosen = chosen[: self._allowance.take_for(len(chosen))]
        manifests: dict[DigestPlace, Manifest] = {}
        for place, contents in in_parallel(self._contents, chosen, jobs=self._jobs):
            if isinstance(contents, Manifest):
                contents = self._with_nested(place, contents)
                manifests[place] = contents
            for number in places[place]:
                yield number, self._explained(observed[number], contents)
        manifests = {place: manifests[place] for place in chosen if place in manifests}
        recorded = {
            place: {record.digest for number in places[place] for record in observed[number][0][1]}
            for place in manifests
        }
        for place, image_facts in self._described(manifests, recorded):
            for number in places[place]:
                seen = replace(observed[number][1], contents=manifests[place], facts=image_facts)
                yield number, replace(seen, kept=self._kept(*observed[number][0], manifests[place]))

    def _kept(self, registry: RegistryPort, records: Sequence[Record], contents: Manifest) -> frozenset[Key]:
        """Return the records whose image clients still get where only configs tell, as far as GETs are left."""
        undecided = [one for one in records if leads_to(contents, one.platform, one.digest) is None]
        return frozenset(
            record.key
            for record in undecided
            if self._allowance.take(2 * len(offered_by(contents, record.platform)))
            and is_led_to(self._once, registry, record, contents.digest)
        )

    def served(self, tags: Iterable[TaggedPlace], *, anew: bool = False) -> dict[TaggedPlace, Seen]:
        """Return what tags serve, each asked for once in the run, or again if `anew`."""
        answers = in_parallel(lambda place: self._once.served(*place, anew=anew), dict.fromkeys(tags), jobs=self._jobs)
        return {
            place: Unknown(answer.in_full) if isinstance(answer, LedgerError) else answer for place, answer in answers
        }

    def lists(self, repositories: Iterable[TagList]) -> Iterator[tuple[TagList, Sequence[str] | Unknown]]:
        """Yield the tags that each of these images has at its registry, as the answers arrive."""
        for place, answer in in_parallel(lambda place: list(place[0].tags(place[1])), repositories, jobs=self._jobs):
            yield place, Unknown(answer.in_full) if isinstance(answer, LedgerError) else answer

    def untracked(self, tags: Sequence[TaggedPlace]) -> Iterator[tuple[int, str, ServedFacts | None]]:
        """Yield the number of each tag with what it serves and what that says about itself, as far as GETs are left."""
        most = self._allowance.take_for(len(tags), _MOST_TO_DESCRIBE)

        def look(number: int) -> tuple[str, ServedFacts | None]:
            registry, image, tag = tags[number]
            served = self._once.served(registry, image, tag)
            if isinstance(served, Absent):
                return "", None
            place = registry, image, served
            contents = self._contents(place)
            return served, self._facts(place, contents) if isinstance(contents, Manifest) else None

        for number, answer in in_parallel(look, range(most), jobs=self._jobs):
            if not isinstance(answer, LedgerError) and answer[0]:
                yield number, *answer

    def _contents(self, place: DigestPlace) -> Manifest | Absent | Unreadable | Unknown:
        try:
            return self._once.manifest(*place)
        except UnreadableManifest as error:
            return Unreadable(error.message)
        except BadManifest as error:  # it does not even have the digest that the tag was said to serve
            return Unknown(error.in_full)
        except LedgerError as error:
            return Unreadable(error.message, is_seen=False)

    def _with_nested(self, place: DigestPlace, index: Manifest) -> Manifest:
        """Return an index with the entries of the indexes below it, as far as GETs are left."""
        if all(entry.kind != "index" for entry in index.children):
            return index
        registry, image, digest = place

        def look(
            level: Sequence[RegistryDigest[RegistryPort]],
        ) -> Iterator[tuple[RegistryDigest[RegistryPort], WalkAnswer]]:
            for one in level:
                if one.digest == digest:
                    yield one, index
                elif self._allowance.take(1):
                    try:
                        yield one, self._once.manifest(registry, image, one.digest)
                    except LedgerError as error:
                        yield one, error

        walked = walk_indexes([RegistryDigest(registry, image, digest)], look)
        nested = {one.digest: answer for one, answer in walked if isinstance(answer, Manifest)}
        return flattened(index, nested)

    def _explained(
        self, observed: Observed, contents: Manifest | Absent | Unreadable | Unknown | LedgerError
    ) -> Observation:
        """Return an observation with what the tag serves; a tag that has moved in the meantime is looked at again."""
        task, seen = observed
        if isinstance(contents, Unknown):
            return Observation(served=contents)
        if isinstance(contents, LedgerError):
            return replace(seen, contents=Unreadable(contents.message, is_seen=False))
        if not isinstance(contents, Absent):
            return replace(seen, contents=contents)
        return replace(
            self.look(*task, anew=True), contents=Unreadable("it was gone at the second look", is_seen=False)
        )

    def _described(
        self, manifests: Mapping[DigestPlace, Manifest], recorded: Mapping[DigestPlace, Set[str]]
    ) -> Iterator[tuple[DigestPlace, ServedFacts]]:
        """Yield what each image says about itself, in its annotations alone where no GETs are left."""
        affordable = []
        for place, manifest in manifests.items():
            if served_facts(manifest, {}).is_complete or not self._allowance.take(2 if manifest.is_index else 1):
                yield place, served_facts(manifest, {})
            else:
                affordable.append(place)
        for place, answer in in_parallel(
            lambda place: self._facts(place, manifests[place], recorded[place]), affordable, jobs=self._jobs
        ):
            yield place, served_facts(manifests[place], {}) if isinstance(answer, LedgerError) else answer

    def _facts(self, place: DigestPlace, manifest: Manifest, recorded: Set[str] = frozenset()) -> ServedFacts:
        """Return what an image, or the first new one of an index, says about itself; its annotations if no more is.

        An index is only from a source if all its new images say so, as far as GETs are left to read them.
        """
        stated = served_facts(manifest, {})
        if stated.is_complete or not manifest.children:
            return stated if stated.is_complete or manifest.is_index else self._own_facts(place, manifest) or stated
        images = list(dict.fromkeys(child.digest for child in manifest.children))
        new = [digest for digest in images if digest not in recorded] or images[:1]
        first = self._facts_below(place, new[0])
        if first is None or first.source_ref is None:
            return first or stated
        for digest in new[1:]:
            other = self._facts_below(place, digest) if self._allowance.take(2) else None
            if other is None or other.source_ref != first.source_ref:
                return replace(first, source_ref=None)
        return first

    def _facts_below(self, place: DigestPlace, digest: str) -> ServedFacts | None:
        """Return what an image of an index says about itself."""
        try:
            image = self._once.manifest(place[0], place[1], digest)
        except LedgerError:
            return None
        if isinstance(image, Absent):
            return None
        return self._own_facts(place, image)

    def _own_facts(self, place: DigestPlace, image: Manifest) -> ServedFacts | None:
        try:
            config = self._once.config(place[0], place[1], image.image_config) if image.image_config else {}
        except LedgerError:
            return None
        return served_facts(image, config)

    def unrecordable(self, registry: RegistryPort, image: str, digest: str) -> str:
        """Return why a publish of what a tag serves is refused, or leaves drift; `""` if nothing speaks against it.

        With a deep look, that includes what a publish does not ask for. What no GETs are left for counts as sound.
        """
        contents = self.contents(registry, image, digest)
        if contents is None or not self._allowance.take(2 * len(contents.children) if contents.is_index else 1):
            return ""
        try:
            if contents.is_index:
                listed_below(self._once, registry, image, contents)
            else:
                listed_alone(self._once, registry, image, contents)
            missing = missing_below(self._once, registry, image, digest) if self._scope == "deep" else []
        except (RuleRefused, UnreadableManifest) as error:
            return error.message
        except LedgerError:
            return ""
        return f"{missing[0]} is missing" if missing else ""

    def contents(self, registry: RegistryPort, image: str, digest: str) -> Manifest | None:
        """Return what a digest serves, None if that cannot be read, or if no GETs are left."""
        contents = self._contents((registry, image, digest)) if self._allowance.take(1) else None
        return contents if isinstance(contents, Manifest) else None


def _tried(look: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Unknown:
    try:
        return look(*args, **kwargs)
    except LedgerError as error:
        return Unknown(error.in_full)

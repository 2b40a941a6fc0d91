"""Observing registries: what each shows for an image:tag, with as few requests as the classes need.

A tag costs one HEAD, and each recorded digest that its answer does not prove one more; nothing is asked twice in a run.
A tag that serves something else is explained by GETs, which some hosts count as pulls: a run may only spend so many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ParamSpec, TypeVar

from ledger_tool.commands.once import OncePerRun
from ledger_tool.commands.parallel import LONGEST_LOOK, in_parallel
from ledger_tool.commands.ports import RegistryPort
from ledger_tool.commands.walk import RegistryDigest, WalkAnswer, missing_below, walk_indexes
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry import drift
from ledger_tool.core.registry.drift import Absent, Observation, Seen, Unknown, Unreadable
from ledger_tool.core.registry.driftreport import DriftScope
from ledger_tool.core.registry.image import Manifest
from ledger_tool.core.registry.selection import flattened
from ledger_tool.core.registry.served import ServedFacts, served_facts
from ledger_tool.errors import BadManifest, LedgerError, UnreadableManifest

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


class Looks:
    """The looks of one run, from `jobs` threads; `scope` is what to look at, `explain` how many GETs may explain."""

    def __init__(self, *, jobs: int, scope: DriftScope = "images", explain: int = EXPLAINED) -> None:
        self._jobs = jobs
        self._scope = scope
        self._left = explain
        self._once = OncePerRun()

    def afresh(self) -> Looks:
        """Return looks that know nothing of these, and may spend the GETs that are left."""
        return Looks(jobs=self._jobs, scope=self._scope, explain=self._left)

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
        if self._scope == "deep":
            pull_digests = dict.fromkeys(record.pull_digest for record in records)
            missing = {digest: _tried(missing_below, self._once, registry, image, digest) for digest in pull_digests}
        wanted = drift.to_look_for(records, served, quick=self._scope == "tags")
        exists = {digest: _tried(self._once.exists, registry, image, digest) for digest in wanted}
        return Observation(served=served, exists=exists, missing=missing, is_quick=self._scope == "tags")

    def explain(self, observed: Sequence[Observed]) -> Iterator[tuple[int, Observation]]:
        """Yield, with its number, each observation of a tag that serves something else, as far as GETs are left.

        First all manifests are read, and then what the images say about themselves.
        """
        places: dict[DigestPlace, list[int]] = {}
        for number, ((registry, records), seen) in enumerate(observed):
            if drift.is_different(records, seen.served):
                places.setdefault((registry, records[0].image, str(seen.served)), []).append(number)
        chosen = sorted(places, key=lambda place: (place[1], observed[places[place][0]][0][1][0].tag, place[0].name))
        chosen = chosen[: self._left]
        self._left -= len(chosen)
        manifests: dict[DigestPlace, Manifest] = {}
        for place, contents in in_parallel(self._contents, chosen, jobs=self._jobs):
            if isinstance(contents, Manifest):
                contents = self._with_nested(place, contents)
                manifests[place] = contents
            for number in places[place]:
                yield number, self._explained(observed[number], contents)
        described = self._described({place: manifests[place] for place in chosen if place in manifests})
        for place, image_facts in described:
            for number in places[place]:
                seen = replace(observed[number][1], contents=manifests[place], facts=image_facts)
                yield number, seen

    def served(self, tags: Iterable[TaggedPlace], *, anew: bool = False) -> dict[TaggedPlace, Seen]:
        """Return what tags serve, each asked for once in the run; `anew` asks again, but not for what was absent."""

        def look(place: TaggedPlace) -> str | Absent:
            served = self._once.served(*place)
            return self._once.served(*place, anew=True) if anew and isinstance(served, str) else served

        answers = in_parallel(look, dict.fromkeys(tags), jobs=self._jobs)
        return {
            place: Unknown(answer.in_full) if isinstance(answer, LedgerError) else answer for place, answer in answers
        }

    def lists(self, repositories: Iterable[TagList]) -> Iterator[tuple[TagList, Sequence[str] | Unknown]]:
        """Yield the tags that each of these images has at its registry, as the answers arrive."""
        for place, answer in in_parallel(lambda place: list(place[0].tags(place[1])), repositories, jobs=self._jobs):
            yield place, Unknown(answer.in_full) if isinstance(answer, LedgerError) else answer

    def untracked(self, tags: Sequence[TaggedPlace]) -> Iterator[tuple[int, str, ServedFacts | None]]:
        """Yield the number of each tag with what it serves and what that says about itself, as far as GETs are left."""
        most = self._left // _MOST_TO_DESCRIBE
        self._left -= most * _MOST_TO_DESCRIBE

        def look(number: int) -> tuple[str, ServedFacts | None]:
            registry, image, tag = tags[number]
            served = self._once.served(registry, image, tag)
            contents = "" if isinstance(served, Absent) else self._contents((registry, image, served))
            described = self._facts(registry, image, contents) if isinstance(contents, Manifest) else None
            return "" if isinstance(served, Absent) else served, described

        for number, answer in in_parallel(look, range(min(most, len(tags))), jobs=self._jobs):
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
                elif self._left > 0:
                    self._left -= 1
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

    def _described(self, manifests: Mapping[DigestPlace, Manifest]) -> Iterator[tuple[DigestPlace, ServedFacts]]:
        """Yield what each image says about itself, in its annotations alone where no GETs are left."""
        affordable = []
        for place, manifest in manifests.items():
            cost = 2 if manifest.is_index else 1
            if served_facts(manifest, {}).is_complete or cost > self._left:
                yield place, served_facts(manifest, {})
            else:
                self._left -= cost
                affordable.append(place)
        for place, answer in in_parallel(
            lambda place: self._facts(place[0], place[1], manifests[place]), affordable, jobs=self._jobs
        ):
            yield place, served_facts(manifests[place], {}) if isinstance(answer, LedgerError) else answer

    def _facts(self, registry: RegistryPort, image: str, manifest: Manifest) -> ServedFacts:
        """Return what an image, or the first of an index, says about itself; in its annotations alone if no more is."""
        stated = served_facts(manifest, {})
        if stated.is_complete:
            return stated
        try:
            single: Manifest | Absent = manifest
            if manifest.is_index and manifest.children:
                single = self._once.manifest(registry, image, manifest.children[0].digest)
            if isinstance(single, Absent) or single.config is None:
                return stated
            annotations = {**single.annotations, **manifest.annotations}
            return served_facts(replace(single, annotations=annotations), registry.config(image, single.config))
        except LedgerError:
            return stated


def _tried(look: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Unknown:
    try:
        return look(*args, **kwargs)
    except LedgerError as error:
        return Unknown(error.in_full)

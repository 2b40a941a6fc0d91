"""Every container in exactly one class, by what is known of its image, by the ledger, and by its history.

The first that holds:

============  ======================================================================================
yanked        a record of what runs is yanked, under whatever name
expired       all records of what runs are past their TTL, and no environment has it
as-recorded   what runs is what the environment has; without one, what the ledger has
ahead         it is a record of a later version than the environment's, or the environment has none;
              without one, than the record of the tag that was asked for
behind        the same, with an earlier version
differs       the same, and which of the two is later cannot be told (`order.py`)
replaced      no record has it, and the ledger once had it
foreign       no name of it is an image that the registries of `ledger.yaml` serve
unpinned      nothing tells its digest
unknown       no record has it, and none ever had, as far as the history could be read
============  ======================================================================================

"What runs" is the digest of an index, an image or a config: whichever a tool shows, and a record with any of them has
it. If its name is one of ours, only the records of that image count: another image of ours is not what was asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.ledger.version import rank
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.policy.resolve import HUB, Resolver
from ledger_tool.core.running.container import ImageIdentity
from ledger_tool.core.running.order import build_of, order_of, unlike
from ledger_tool.core.running.records import RecordsByDigest, digests_of

RunningClass = Literal[  # the most serious first
    "unknown", "yanked", "replaced", "ahead", "behind", "differs", "expired", "unpinned", "foreign", "as-recorded"
]
RUNNING_CLASSES: tuple[RunningClass, ...] = get_args(RunningClass)


@dataclass(frozen=True, slots=True)
class Former:
    """A record that once had a digest: its key, and the commit that ended it, `""` if none has."""

    key: Key
    until: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What should run instead: a tag of the ledger, the version behind it, and its pull digest."""

    tag: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class RunningVerdict:
    """The class of what runs, and why.

    `image` is the ledger's name, or what was asked for if it is not an image of the ledger; `tag` is the one asked
    for, `version` the tag that the ledger has what runs under, and `digest` what runs. Each may be `""`.
    `is_open` says that the history may have had it, and could not be read.
    """

    category: RunningClass
    image: str
    tag: str = ""
    version: str = ""
    digest: str = ""
    expected: Expected | None = None
    reason: str = ""
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """What an image is called, the tag asked for, and whether it has a name at all.

    `ours` are the names that its repository may have in the ledger, if it is one of ours.
    """

    image: str
    tag: str
    ours: frozenset[str]
    is_named: bool

    def may_be(self, image: str) -> bool:
        """Return whether it may be an image of the ledger, by its name: what has another name may be a copy."""
        return not self.ours or image in self.ours


def named(image: ImageIdentity, resolver: Resolver) -> Named:
    """Return what an image is called: the first of its names that is one of ours counts."""
    resolve = resolver.resolve if image.is_typed else resolver.resolve_in_manifest
    for reference in image.references:
        resolved = resolve(reference)
        if resolved.ours:
            ours = frozenset((resolved.name, *names_of(reference, resolver, is_typed=image.is_typed)))
            return Named(resolved.name, reference.effective_tag, ours, is_named=True)
    if not image.references:
        return Named(image.asked, "", frozenset(), is_named=False)
    first = image.references[0]
    return Named(resolve(first).name, first.effective_tag, frozenset(), is_named=True)


def names_of(reference: Reference, resolver: Resolver, *, is_typed: bool) -> list[str]:
    """Return every name in the ledger that a reference may have, of which there are records or that is served."""
    if not (is_typed or reference.registry) and resolver.policy.registries:
        reference = replace(reference, registry=HUB)
    names = resolver.names(reference)
    return [name for name in names if resolver.has_records(name) or resolver.policy.serving(name)]


def runs_of(image: ImageIdentity) -> frozenset[str]:
    """Return the digests of what runs, as far as anything tells: that asked for only where the runtime says nothing."""
    is_told = image.has_run or image.is_untold
    return image.has_run if is_told else frozenset({image.pinned} - {""})


@dataclass(frozen=True, slots=True)
class RunningJudge:
    """Says the class of an image that runs; `environment` is its name, or `""`.

    `formers` has the records that had a digest once, the last first; None if the history was not looked at, or could
    not be: `unread` says why.
    """

    resolver: Resolver
    records: RecordsByDigest
    now: Timestamp
    environment: str = ""
    formers: Mapping[str, Sequence[Former]] | None = None
    unread: str = ""

    def verdict(self, image: ImageIdentity) -> RunningVerdict:
        """Return the class of an image, and why."""
        name = named(image, self.resolver)
        found, hit = self._recorded(image, name)
        if not found:
            return self._unrecorded(image, name)
        verdict = self._of_found(found, hit, name, image)
        elsewhere = self._yanked_elsewhere({*hit, *(record.digest for record in found)})
        if verdict.category != "yanked" and elsewhere:
            return replace(verdict, category="yanked", expected=None, reason=f"it has the digest of {elsewhere}")
        return verdict

    def _of_found(
        self, found: Sequence[Record], hit: frozenset[str], name: Named, image: ImageIdentity
    ) -> RunningVerdict:
        """Return the class of what records of one image have, or of several, if it may be a copy."""
        images = sorted({record.image for record in found}, key=lambda one: one != name.image)
        verdicts = [self._of_records([one for one in found if one.image == own], hit, name, image) for own in images]
        # A copy is what any of them is: bad if one is, and past its time only if all are.
        return min(verdicts, key=lambda one: {"yanked": 0, "expired": 2}.get(one.category, 1))

    def _recorded(self, image: ImageIdentity, name: Named) -> tuple[list[Record], frozenset[str]]:
        """Return the records of what runs, and the digests by which they have it.

        The digest that was asked for counts if nothing is known of what runs, or an image id alone that may be the
        config of what was asked for.
        """
        if found := self._having(image.has_run, name):
            return found, image.has_run
        asked = self._having({image.pinned}, name)
        if image.is_untold or image.digests or (image.ids and self._is_another(image, asked)):
            return [], frozenset()
        begins = f"sha256:{image.short_id}"
        if image.short_id and not any(one.startswith(begins) for record in asked for one in digests_of(record)):
            return [], frozenset()
        return asked, frozenset({image.pinned})

    def _is_another(self, image: ImageIdentity, asked: Sequence[Record]) -> bool:
        """Return whether an image id cannot be the config of the image that was asked for, by all that is recorded."""
        configs = [record.config for record in asked if record.digest == image.pinned]
        is_contested = len(image.named_digests) > 1
        return is_contested or any(configs) or all(one.config for one in asked) or bool(self._having(image.ids))

    def _having(self, digests: Collection[str], name: Named | None = None) -> list[Record]:
        records = [record for digest in sorted(digests) for record in self.records.having.get(digest, ())]
        return [record for record in dict.fromkeys(records) if name is None or name.may_be(record.image)]

    def _of_records(
        self, own: Sequence[Record], hit: frozenset[str], name: Named, seen: ImageIdentity
    ) -> RunningVerdict:
        """Return the class of what records of one image have; `hit` are the digests by which they do."""
        image = own[0].image
        versions = [record for record in own if not record.is_environment] or list(own)
        best = max(versions, key=lambda record: (record.tag == name.tag, rank(record.tag)))
        digest = next((one for one in (best.index, best.digest, best.config) if one in hit), best.digest)
        verdict = RunningVerdict("as-recorded", image, name.tag, best.version or best.tag, digest)
        if marked := next(filter(None, map(self.records.yanks.of, (*versions, *own))), None):
            assert marked.yanked
            return replace(verdict, category="yanked", version=marked.tag, reason=marked.yanked.reason)
        if all(is_expired(record, self.now) for record in own):
            return replace(verdict, category="expired", reason=f"{best.tag} is past its TTL of {best.ttl}")
        return self._compared(verdict, own, hit, name, seen.pinned)

    def _yanked_elsewhere(self, digests: Collection[str]) -> str:
        """Return which record of any image has one of some digests and is yanked, and why; or `""`."""
        marked = next((record for digest in sorted(digests) for record in self.records.yanked.get(digest, ())), None)
        return f"{marked.name}, which is yanked: {marked.yanked.reason}" if marked and marked.yanked else ""

    def _compared(
        self, verdict: RunningVerdict, own: Sequence[Record], hit: frozenset[str], name: Named, pinned: str
    ) -> RunningVerdict:
        """Return the class of what is recorded, and may not be what should run; `pinned` is the digest asked for."""
        tag = self.environment or (name.tag if verdict.image in name.ours else "")
        records = self.records.of_image.get(verdict.image, ())
        targets = [one for one in records if one.tag == tag and (one.is_environment or not self.environment)]
        recorded = f"recorded as {verdict.image}:{verdict.version}"
        if not targets and self.environment:
            reason = f"{self.environment} has no {verdict.image}"
            return replace(verdict, category="ahead", reason=reason)
        if not targets and (targets := [one for one in records if pinned in digests_of(one)]):
            tag = max(targets, key=lambda one: (not one.is_environment, rank(one.tag))).tag
            targets.sort(key=lambda one: one.tag != tag)
        if not targets:
            return replace(verdict, reason=recorded)
        pulled = {one.pull_digest for one in targets}
        # For a platform of which nothing was recorded there, the pull digest leads to what is recorded elsewhere.
        known = {one.platform for one in targets if one.platform}
        is_pulled = any(one.pull_digest in pulled and one.platform not in known for one in own)
        if is_pulled or any(not hit.isdisjoint(digests_of(record)) for record in targets):
            return verdict if tag in (self.environment, name.tag) else replace(verdict, reason=recorded)
        runs, should = build_of(own, records), build_of(targets, records)
        order = order_of(runs, should, self.resolver.policy)
        version = should.tag if should.is_recorded and should.tag != tag else ""
        expected = Expected(tag, version, targets[0].pull_digest)
        runs = runs._replace(tag=verdict.version)
        reason = unlike(runs, should, verdict.digest, expected.digest, tag)
        return replace(
            verdict,
            category=order,
            expected=expected,
            reason=f"{reason}; which of the two is later cannot be told" if order == "differs" else reason,
        )

    def _unrecorded(self, image: ImageIdentity, name: Named) -> RunningVerdict:
        """Return the class of what no record has."""
        runs = sorted(runs_of(image))
        shown = next(iter(sorted(image.digests)), runs[0] if runs else "")
        verdict = RunningVerdict("unknown", name.image, name.tag, "", shown)
        if elsewhere := self._yanked_elsewhere(runs):
            return replace(verdict, category="yanked", reason=f"it has the digest of {elsewhere}")
        for digest in runs:
            if forced := [record for record in self.records.replacing.get(digest, ()) if name.may_be(record.image)]:
                return _moved(verdict, forced[0], digest)
            formers = (self.formers or {}).get(digest, ())
            if former := next((one for one in formers if name.may_be(one.key.image)), None):
                ended = f"until commit {former.until[:12]}" if former.until else "at the last commit"
                reason = f"{former.key} had it {ended}"
                return replace(verdict, category="replaced", image=former.key.image, digest=digest, reason=reason)
        if name.is_named and not name.ours:
            return replace(verdict, category="foreign")
        if not runs:
            return replace(verdict, category="unpinned", reason="nothing tells which digest it has")
        if self.formers is None and self.unread:
            return replace(verdict, reason=f"no record has it; {self.unread}", is_open=True)
        return replace(verdict, reason="; ".join(self._unknown_reasons(image, name, runs)))

    def _unknown_reasons(self, image: ImageIdentity, name: Named, runs: Collection[str]) -> Iterator[str]:
        """Yield what can be said of a digest that an image of ours never had."""
        if others := self._having(runs):
            yield f"no record of {name.image} has it, and none ever had"
            yield f"it is recorded as {others[0].name}"
            return
        yield "no record has it, and none ever had"
        if image.pinned and image.pinned not in runs and self._having({image.pinned}, name):
            yield "the digest that was asked for is recorded, and this is another"
        elif not name.is_named:
            yield "nothing says which image it is"
        elif elsewhere := [one.name for one in image.references if one.digest in runs and one != image.references[0]]:
            asked = image.references[0].name
            if asked not in elsewhere:
                yield f"it was pulled as {elsewhere[0]}"


def _moved(verdict: RunningVerdict, record: Record, digest: str) -> RunningVerdict:
    """Return the verdict on a digest that a forced move has replaced."""
    assert record.forced
    return replace(
        verdict,
        category="replaced",
        image=record.image,
        expected=Expected(record.tag, "", record.pull_digest),
        digest=digest,
        reason=f"{record.name} was moved by force: {record.forced.reason}",
    )

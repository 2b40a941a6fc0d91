"""The registry check before a publish: what really exists, and what it says about itself.

A tag without a digest is resolved; a given digest is compared with what the tag serves; an index becomes a record for
each of its images. Facts that the caller did not give are filled in, from what the image says itself, or else from its
provenance; given ones are never overridden. What a registry does not show is an error here, never a record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial

from ledger_tool.commands.attested import NOTHING_ATTESTED, Attested, attested
from ledger_tool.commands.inspected import Inspected
from ledger_tool.commands.listed import listed_alone, listed_below
from ledger_tool.commands.once import OncePerRun
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Registries, RegistryPort
from ledger_tool.commands.walk import served_manifest
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Digest, Platform, SourceRef
from ledger_tool.core.ledger.record import Name, Provenance, Record, pull_digests
from ledger_tool.core.policy.resolve import addressed
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.image import Manifest
from ledger_tool.core.registry.platforms import NOTHING_STATED, stated_by
from ledger_tool.core.registry.selection import ListedImage, Wanted, listed_images
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.publish import images_of
from ledger_tool.core.writes.told import against, as_told, builds_of, told
from ledger_tool.errors import LedgerError, RuleRefused, UnreadableManifest, UsageError


@dataclass(frozen=True, slots=True)
class _Expansion:
    """The drafts of one draft, and all images that the tag's pull digest leads to; None if that was not looked at."""

    drafts: Sequence[Draft]
    all_images: Set[tuple[Platform | None, Digest | None]] | None
    notes: Sequence[str] = ()

    @property
    def images(self) -> set[tuple[Platform | None, Digest | None]]:
        return {(draft.platform, draft.digest) for draft in self.drafts}


def inspect(
    drafts: Sequence[Draft],
    snapshot: Snapshot,
    registries: Registries,
    *,
    host: str = "",
    jobs: int = 8,
    is_forced: bool = False,
) -> Inspected:
    """Check each draft's image in the first configured registry that serves it (or in `host`).

    If none serves it, the draft stays as given. `is_forced` says that recorded sources may be corrected. Raises
    RuleRefused for what the registry does not have, has under another digest, or has in a form that cannot be recorded;
    Unreachable or Denied for what cannot be observed; UsageError for an unconfigured `host`.
    """
    images, once = images_of(snapshot, drafts), OncePerRun()
    jobs_each = max(jobs // max(len(drafts), 1), 1)

    def look(number: int) -> _Expansion | None:
        draft, image = drafts[number], images[number]
        registry = chosen_registry(registries.serving(snapshot.policy, image), host or draft.reference.registry, image)
        if registry is None:
            return None
        kept = () if is_forced else snapshot.ledger.find(Name(image, draft.tag))
        recorded = {record.digest: record for record in kept}
        is_required = "provenance" in snapshot.policy.require
        has_rule = snapshot.policy.provenance_rule(image) is not None
        return _Look(draft, image, registry, once, recorded, is_required, has_rule, jobs_each).expanded()

    results = dict(in_parallel(look, range(len(drafts)), jobs=jobs))
    expansions: list[tuple[Name, _Expansion | None]] = []
    given, notes = list(drafts), dict[str, None]()
    for number, draft in enumerate(drafts):
        result, name = results[number], Name(images[number], draft.tag)
        if isinstance(result, LedgerError):
            raise result.within(draft.where)
        expansions.append((name, result))
        if result is None:
            given[number], own_notes = as_told(draft, str(name))
            notes |= dict.fromkeys(own_notes)
    by_name: dict[Name, list[_Expansion]] = {}
    for name, expansion in expansions:
        if expansion:
            by_name.setdefault(name, []).append(expansion)
    looked_at = {name for name, own in by_name.items() if _are_all(own)}
    expanded = [
        replace(one, looked_at=name in looked_at)
        for draft, (name, expansion) in zip(given, expansions, strict=True)
        for one in (expansion.drafts if expansion else [draft])
    ]
    notes |= dict.fromkeys(note for own in by_name.values() for expansion in own for note in expansion.notes)
    return Inspected(expanded, frozenset(by_name), list(notes))


def _are_all(expansions: Sequence[_Expansion]) -> bool:
    """Return whether the drafts of one image:tag are all images of its one pull digest."""
    stated = pull_digests(draft for expansion in expansions for draft in expansion.drafts)
    images = set().union(*(expansion.images for expansion in expansions))
    return len(stated) == 1 and all(one.all_images is not None and one.all_images <= images for one in expansions)


def chosen_registry(serving: Sequence[RegistryPort], host: str, image: str) -> RegistryPort | None:
    """Return the registry that a publish asks: the first, or the one that is named. Raises UsageError."""
    if not host:
        return serving[0] if serving else None
    chosen = addressed(serving, host)
    if not chosen:
        hint = "name another with `--registry`, or add it to ledger.yaml"
        raise UsageError(f"ledger.yaml does not say that {host} serves {image}", hint)
    return chosen[0]


@dataclass(frozen=True, slots=True)
class _Look:
    """One draft, its image's name in the ledger, and the registry that is asked, each thing once.

    `recorded` are the records of the image:tag, whose sources stay, by their digest. `is_required` says that the team
    requires provenance, which `jobs` threads read, and `has_rule` that it is the signed one which counts.
    """

    draft: Draft
    image: str
    registry: RegistryPort
    once: OncePerRun
    recorded: Mapping[Digest, Record]
    is_required: bool
    has_rule: bool
    jobs: int

    @property
    def name(self) -> str:
        return f"{self.image}:{self.draft.tag}"

    def expanded(self) -> _Expansion:
        draft, registry = self.draft, self.registry
        served = registry.look(self.image, draft.tag)
        if isinstance(served, Absent):
            hint = "publish after the push, and check that both name the same tag"
            raise RuleRefused(f"{registry.name} has no {self.name}", hint)
        if draft.index and draft.index != served:
            raise self._overwritten(served, draft.index)
        try:
            manifest = served_manifest(registry, self.image, draft.tag, served)
            if manifest.is_index:
                return self._of_index(manifest)
        except UnreadableManifest as error:
            raise error.within(self.name if error.digest == served else f"{self.name}, {error.digest}") from None
        if draft.digest not in (None, served):
            raise self._not_served(served)
        if draft.index:
            message = f"{self.name} serves {served} at {registry.name}, which is an image and not an index"
            raise RuleRefused(message, "publish it without an index")
        wanted = Wanted(self.name, registry.name, None, draft.platform)
        image = listed_alone(self.once, registry, self.image, manifest)
        (recorded,), notes = self._told([self._filled(wanted, image, None)], [image])
        notes = [*self._other_sources([image]), *notes]
        return _Expansion([recorded], frozenset({(recorded.platform, served)}), notes)

    def _of_index(self, index: Manifest) -> _Expansion:
        only = self.draft.digest if self.draft.digest != index.digest else None
        wanted = Wanted(self.name, self.registry.name, only, self.draft.platform)
        # An image that is named by its digest is looked at whatever it is for, to say what is wrong with it.
        platform = NOTHING_STATED if only else wanted.stated
        below = listed_below(self.once, self.registry, self.image, index, only=only, platform=platform)
        if only and not below:
            raise self._not_an_image(only) if only in index.referenced else self._not_served(index.digest)
        images, notes = wanted.images(index, below)
        notes += self._other_sources(images)
        drafts = [self._filled(wanted, image, index.digest) for image in images]
        for draft, image in zip(drafts, images, strict=True):
            if only and draft.platform:
                platform = stated_by(draft.platform)
                offered = listed_below(self.once, self.registry, self.image, index, platform=platform)
                own = replace(wanted, platform=draft.platform)
                own.check_is_what_clients_get(image.manifest.digest, index, offered)
        drafts, told_notes = self._told(drafts, images)
        notes += told_notes
        if only or self.draft.platform:
            return _Expansion(drafts, listed_images(index), notes)
        return _Expansion(drafts, frozenset((one.platform, one.digest) for one in drafts), notes)

    def _other_sources(self, images: Sequence[ListedImage]) -> list[str]:
        """Return a note for each source that images state instead of the given one."""
        given = self.draft.source_ref
        if isinstance(given, LedgerError):
            return []
        stated = dict.fromkeys(image.facts.against(given) for image in images)
        return [
            f"note: {self.name} is published as from {given}; its labels say {source}"
            for source in stated if source
        ]  # fmt: skip

    def _filled(self, wanted: Wanted, image: ListedImage, index: Digest | None) -> Draft:
        """Return the draft with the image's own facts in place of those that the caller did not give."""
        draft, known, config = self.draft, image.facts, image.manifest.config
        platform = wanted.platform_of(image)
        if draft.config not in (None, config):
            message = f"{self.name} has the config {config} at {self.registry.name}, not {draft.config}"
            raise RuleRefused(message, "leave the config out, or give the image's own")
        own_source = known.source_ref if isinstance(draft.source_ref, LedgerError) else None
        return replace(
            draft,
            digest=image.manifest.digest,
            index=index,
            platform=platform,
            config=config,
            source_ref=own_source or draft.source_ref,
            depends_on=draft.depends_on or known.depends_on,
            is_index=False,
        )

    def _told(self, drafts: Sequence[Draft], images: Sequence[ListedImage]) -> tuple[list[Draft], list[str]]:
        """Return drafts with what the provenance of their images says, and notes for a person; see `_told_of`."""
        look = partial(attested, self.once, self.registry, self.image)
        attesting = [image for image in images if image.attestations]
        answers = {image.entry.digest: answer for image, answer in in_parallel(look, attesting, jobs=self.jobs)}
        filled, notes = [], []
        for draft, image in zip(drafts, images, strict=True):
            answer = answers.get(image.entry.digest, NOTHING_ATTESTED)
            seen = Attested([], [answer]) if isinstance(answer, LedgerError) else answer
            told_draft, told_notes = self._told_of(draft, seen)
            filled.append(told_draft)
            notes += told_notes
        return filled, notes

    def _told_of(self, draft: Draft, seen: Attested) -> tuple[Draft, list[str]]:
        """Return a draft with what the provenance of its image says, and notes for a person.

        Raises what makes it unreadable if the team requires it of an image that is not recorded yet.
        """
        recorded = next(filter(None, (self.recorded.get(one) for one in (draft.digest, draft.index) if one)), None)
        is_needed = self.is_required and not self.has_rule and recorded is None and not seen.provenances
        if is_needed and seen.failures:
            raise seen.failures[0].within(self.name)
        claims = [one.claim for one in seen.provenances]
        claims += [replace(build, bases=(), unreadable=()) if claims else build for build in builds_of(draft)]
        source = recorded.source_ref if recorded else None
        filled, notes = told(draft, self.name, claims, recorded=source, is_required=self.is_required)
        if isinstance(filled.source_ref, LedgerError) and seen.failures:
            why = filled.source_ref.adding(f"provenance is left out: {seen.failures[0].message}")
            filled = replace(filled, source_ref=why)
        notes += [f"note: {self.name}: provenance is left out: {error.message}" for error in seen.failures]
        return replace(filled, provenance=_chosen(seen, source or filled.source_ref, recorded)), notes

    def _not_an_image(self, digest: str) -> RuleRefused:
        message = f"{digest} is in the index of {self.name} at {self.registry.name}, and is not an image for a platform"
        return RuleRefused(message, "publish the tag without a digest, or with that of one of its images")

    def _not_served(self, served: str) -> RuleRefused:
        given = self.draft.digest
        if given and isinstance(self.registry.look(self.image, given), Absent):
            hint = "publish after the push, with the digest that the push printed"
            return RuleRefused(f"{self.registry.name} does not have {given} of {self.image}", hint)
        return self._overwritten(served, given or "")

    def _overwritten(self, served: str, given: str) -> RuleRefused:
        return RuleRefused(
            f"{self.name} serves {served} at {self.registry.name}, not {given}: "
            "somebody has overwritten it since the push",
            "find out which of the two is right, then publish that one",
        )


def _chosen(seen: Attested, source: SourceRef | LedgerError, recorded: Record | None) -> Provenance | None:
    """Return the provenance to record: the first that does not contradict the source.

    Where all do, it is the first one, but none in place of what is recorded.
    """
    agreeing = [one for one in seen.provenances if isinstance(source, LedgerError) or not against(source, one.claim)]
    others = [] if recorded and recorded.provenance else seen.provenances
    first = next(iter(agreeing or others), None)
    return Provenance(first.digest, first.claim.builder) if first else None

"""`check --registry`: whether each digest that a ledger names exists, and is what its record says."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ledger_tool.commands.listed import is_led_to, refuted_at
from ledger_tool.commands.once import OncePerRun
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Registries
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.judging.oneness import UnprovenPull
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.drift import Absent
from ledger_tool.errors import LedgerError

_OF_IMAGE = {"platform", "digest", "index", "config"}  # the fields that a look at the image can prove wrong


@dataclass(frozen=True, slots=True)
class RegistryVerdict:
    """What the registries say: faults, what could not be observed, and which changes of pull digests they prove.

    `unserved` counts the digests of images that no registry serves.
    """

    faults: Sequence[tuple[str, CommitFault]]
    unknown: Sequence[str]
    unserved: int
    proven: Container[UnprovenPull]


def look(
    before: Ledger, after: Ledger, claims: Sequence[UnprovenPull], policy: Policy, registries: Registries, jobs: int
) -> RegistryVerdict:
    """Ask the registries of a policy about what is new in a ledger, and about claims that only they can prove."""
    once, wanted = OncePerRun(), list(new_digests(before, after))
    answers = list(wrong_records(new_records(before, after), once, policy, registries, jobs))
    answers += missing_digests(wanted, once, policy, registries, jobs)
    return RegistryVerdict(
        [("the registry", fault) for fault in answers if isinstance(fault, CommitFault)],
        sorted({reason for reason in answers if isinstance(reason, str)}),
        sum(not registries.serving(policy, record.image) for record, _ in wanted),
        proven_claims(claims, once, policy, registries, jobs),
    )


def new_digests(before: Ledger, after: Ledger) -> Iterator[tuple[Record, str]]:
    """Yield each digest, and index digest, that is new, with one record that has it."""
    seen = set()
    for effect in effects_of(compare(before, after)):
        if effect.new is None:
            continue
        is_new = effect.kind != "updated"
        for digest, is_meant in ((effect.new.digest, is_new), (effect.new.index, is_new or "index" in effect.fields())):
            if digest and is_meant and (effect.new.image, digest) not in seen:
                seen.add((effect.new.image, digest))
                yield effect.new, digest


def new_records(before: Ledger, after: Ledger) -> Iterator[Record]:
    """Yield each record that is new, or says something new about its image."""
    for effect in effects_of(compare(before, after)):
        if effect.new and (effect.kind != "updated" or not _OF_IMAGE.isdisjoint(effect.fields())):
            yield effect.new


def wrong_records(
    records: Iterable[Record], once: OncePerRun, policy: Policy, registries: Registries, jobs: int
) -> Iterator[CommitFault | str]:
    """Yield a fault for each record that a registry shows to be wrong, and a line for each that could not be checked.

    The first registry that has the pull digest is enough: it leads to the same images everywhere.
    """

    def look(record: Record) -> CommitFault | str | None:
        unknown = []
        for registry in registries.serving(policy, record.image):
            try:
                if isinstance(once.manifest(registry, record.image, record.pull_digest), Absent):
                    continue
                wrong = refuted_at(once, registry, record)
            except LedgerError as error:
                unknown.append(error.message)
            else:
                message = wrong and f"{registry.name} shows that {record.key} is wrong: {wrong.reason}"
                return CommitFault("registry", record.key, message) if message else None
        return f"{record.key}: {'; '.join(unknown)}" if unknown else None

    for record, seen in in_parallel(look, records, jobs=jobs):
        if seen is not None:
            yield f"{record.key}: {seen.message}" if isinstance(seen, LedgerError) else seen


def missing_digests(
    wanted: Iterable[tuple[Record, str]], once: OncePerRun, policy: Policy, registries: Registries, jobs: int
) -> Iterator[CommitFault | str]:
    """Yield a fault for each digest that no registry has, and a line for each that could not be checked."""

    def look(new: tuple[Record, str]) -> CommitFault | str | None:
        record, digest = new
        missing, unknown = [], []
        for registry in registries.serving(policy, record.image):
            try:
                if once.exists(registry, record.image, digest):
                    return None
                missing.append(registry.name)
            except LedgerError as error:
                unknown.append(error.message)
        if unknown:
            return f"{record.key}: {'; '.join(unknown)}"
        if not missing:
            return None
        what = digest if digest == record.digest else f"index {digest}"
        return CommitFault("registry", record.key, f"{', '.join(missing)} has no {what} of {record.key}")

    for (record, _), seen in in_parallel(look, wanted, jobs=jobs):
        if seen is not None:
            yield f"{record.key}: {seen.message}" if isinstance(seen, LedgerError) else seen


def proven_claims(
    claims: Sequence[UnprovenPull], once: OncePerRun, policy: Policy, registries: Registries, jobs: int
) -> Container[UnprovenPull]:
    """Return the changes of pull digests that a registry proves.

    There, the new pull digest leads to each image that was recorded before, with the very digest recorded, and the
    image is there. Another platform is proved by what says that the image is for it: an image that does not say for
    which platform it is may be for any. A registry that does not answer proves nothing.
    """

    def is_proven(claim: UnprovenPull) -> bool:
        return any(
            all(is_led_to(once, registry, one, claim.new, for_sure=claim.is_relabelled) for one in claim.recorded)
            for registry in registries.serving(policy, claim.name.image)
        )

    return [claim for claim, proven in in_parallel(is_proven, claims, jobs=jobs) if proven is True]

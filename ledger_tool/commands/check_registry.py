"""`check --registry`: whether each digest that a ledger names exists."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from ledger_tool.commands.inspect import listed_below
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Registries, RegistryPort
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.judging.net import UnprovenPull
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.selection import Wanted
from ledger_tool.errors import LedgerError


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


def missing_digests(
    wanted: Iterable[tuple[Record, str]], policy: Policy, registries: Registries, jobs: int
) -> Iterator[CommitFault | str]:
    """Yield a fault for each digest that no registry has, and a line for each that could not be checked."""

    def look(new: tuple[Record, str]) -> CommitFault | str | None:
        record, digest = new
        missing, unknown = [], []
        for registry in registries.serving(policy, record.image):
            try:
                if not isinstance(registry.look(record.image, digest), Absent):
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
        if isinstance(seen, LedgerError):
            yield f"{record.key}: {seen.message}"
        elif seen is not None:
            yield seen


def proven_claims(
    claims: Sequence[UnprovenPull], policy: Policy, registries: Registries, jobs: int
) -> Container[UnprovenPull]:
    """Return the changes of pull digests that a registry proves.

    There, the new pull digest leads to each image that was recorded before, with the very digest recorded, and the
    image is there. A registry that does not answer proves nothing.
    """

    def is_proven(claim: UnprovenPull) -> bool:
        return any(_leads_there(registry, claim) for registry in registries.serving(policy, claim.name.image))

    return [claim for claim, proven in in_parallel(is_proven, claims, jobs=jobs) if proven is True]


def _leads_there(registry: RegistryPort, claim: UnprovenPull) -> bool:
    """Return whether the new pull digest gives clients each recorded image, for its platform."""
    image = claim.name.image
    try:
        manifest = registry.manifest(image, claim.new)
        if isinstance(manifest, Absent):
            return False
        if not manifest.is_index:
            return all(record.digest == manifest.digest for record in claim.recorded)
        below = listed_below(registry, image, manifest)
        for record in claim.recorded:
            chosen, _ = Wanted(str(claim.name), registry.name, None, record.platform).images(manifest, below)
            if all(one.manifest.digest != record.digest for one in chosen):
                return False
        return True
    except LedgerError:
        return False

"""The core rules: what a publish does to a ledger; `edit` has the other writes.

A write takes a snapshot and returns a change, or raises. It is run again on every new tip, so it must
depend only on its arguments.

| the ledger has for this key              | publish of | outcome                                   |
|------------------------------------------|------------|-------------------------------------------|
| nothing                                  | any digest | added                                     |
| the same digest, same facts              | same       | unchanged: no commit                      |
| the same digest, other facts             | same       | updated: what is not given is kept        |
| another digest, mutable tag              | new digest | moved                                     |
| another digest, any other tag            | new digest | Conflict                                  |
| the same, with a reason to force         | new digest | moved, the record marked `forced`         |

A record without a platform stands for its whole image:tag: it conflicts with every other digest
there, the same digest with a platform fills in the platform, and a move replaces all of its records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.names import Image
from ledger_tool.core.ledger.record import Forced, Name, Record, to_json
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.pending import PendingRecords, Records
from ledger_tool.errors import Conflict, InvalidValue, LedgerError


def publish(snapshot: Snapshot, drafts: Sequence[Draft], *, force_reason: str = "") -> Change:
    """Return the change that records every draft, or raise for the first one that the rules refuse.

    Raises Conflict (the key has another digest), InvalidValue (a field that the policy requires is
    missing) or UsageError (an unknown registry); each names the draft's line.
    """
    pending = PendingRecords(snapshot.ledger)
    given: dict[Name, set[str]] = {}
    records = []
    for draft, image in zip(drafts, images_of(snapshot, drafts), strict=True):
        with _named(draft.where):
            records.append(_record(draft, image))
    # A record that fills in a platform comes first: until then the recorded one stands for every platform.
    order = sorted(range(len(records)), key=lambda at: not _fills_in(records[at], pending.of(records[at].name)))
    for number in order:
        record = records[number]
        with _named(drafts[number].where):
            platforms = given.setdefault(record.name, set())
            records[number] = _publish_one(record, pending.of(record.name), snapshot, force_reason, platforms)
            platforms.add(record.platform or "")
    return pending.change("publish", records, reason=force_reason)


def images_of(snapshot: Snapshot, drafts: Sequence[Draft]) -> list[Image]:
    """Return the image that each draft names; images of earlier drafts count as the ledger's.

    Raises UsageError for an unknown registry, naming the draft's line.
    """
    images: list[Image] = []
    new: set[str] = set()
    resolver = Resolver(snapshot.policy, lambda image: image in new or snapshot.ledger.has_image(image))
    for draft in drafts:
        with _named(draft.where):
            images.append(resolver.image(draft.reference))
        new.add(images[-1])
    return images


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Name the input's place in an error that it causes."""
    try:
        yield
    except LedgerError as error:
        if not where:
            raise
        raise error.within(where) from error


def _fills_in(record: Record, records: Records) -> bool:
    whole = records.get("")
    return whole is not None and record.platform is not None and whole.digest == record.digest


def _record(draft: Draft, image: Image) -> Record:
    if draft.digest is None:
        hint = "write `IMAGE:TAG@sha256:…` with the digest that the push printed, or name the registry in ledger.yaml"
        raise InvalidValue("digest", "`digest` is missing", hint)
    if isinstance(draft.source_ref, LedgerError):
        raise draft.source_ref
    return Record(
        image=image,
        tag=draft.tag,
        platform=draft.platform,
        digest=draft.digest,
        index=draft.index,
        config=draft.config,
        published_at=draft.published_at,
        source_ref=draft.source_ref,
        labels=draft.labels,
        depends_on=draft.depends_on,
        ttl=draft.ttl,
    )


def _publish_one(record: Record, records: Records, snapshot: Snapshot, force_reason: str, given: Set[str]) -> Record:
    """Apply one record to the records of its image:tag, in place, and return it as recorded.

    `given` are the platforms of the image:tag for which the same batch has already given a digest.
    """
    rivals, twin = _rivals_and_twin(record, records)
    if rivals:
        if "" in given or (given if record.platform is None else record.platform in given):
            raise InvalidValue(
                "digest",
                f"{record.key} is given twice, with {rivals[0].digest} and with {record.digest}",
                "keep one of them, or give each its platform",
            )
        if not (snapshot.policy.is_mutable(record.tag) or force_reason):
            raise _conflict(record, rivals, snapshot)
    if twin:
        new = _merged(twin, record)
    else:
        forced = Forced(rivals[0].digest, force_reason) if rivals and force_reason else None
        new = replace(record, ttl=record.ttl or snapshot.policy.default_ttl(record.tag), forced=forced)
        snapshot.policy.check_required(new)
    for other in (twin,) if twin else rivals:
        del records[other.platform or ""]
    records[new.platform or ""] = new
    return new


def _rivals_and_twin(record: Record, records: Records) -> tuple[tuple[Record, ...], Record | None]:
    """Return the records that have another digest for this key, and the one that has the same image.

    Without a platform, on either side, the key is the whole image:tag.
    """
    if record.platform is None:
        recorded = tuple(records.values())
        twin = next((other for other in recorded if other.digest == record.digest), None)
        return (() if twin else recorded), twin
    other = records.get(record.platform) or records.get("")
    if other is None:
        return (), None
    return ((), other) if other.digest == record.digest else ((other,), None)


def _merged(old: Record, new: Record) -> Record:
    """Return `old` with what `new` adds. Time and source of publication stay as recorded."""
    return replace(
        old,
        platform=old.platform or new.platform,
        index=new.index or old.index,
        config=new.config or old.config,
        labels={**old.labels, **new.labels},
        depends_on=new.depends_on or old.depends_on,
        ttl=new.ttl or old.ttl,
    )


def _conflict(record: Record, rivals: tuple[Record, ...], snapshot: Snapshot) -> Conflict:
    first = rivals[0]
    hint = "publish under another tag, or use `--force --reason TEXT` to move this one"
    if any(rival.index == record.digest for rival in rivals):
        hint = (
            "that digest is the index of the recorded images: publish each image's own, with `--index` and `--platform`"
        )
    elif record.platform is None and any(rival.platform for rival in rivals):
        hint = "pass `--platform` to say which of its images this is, or use `--force --reason TEXT` to replace all"
    seen_in = f" in ledger commit {snapshot.commit[:12]}" if snapshot.commit else ""
    return Conflict(
        f"conflict: {first.key} is recorded as {_with_index(first)}, from {first.source_ref}, "
        f"published {first.published_at}{seen_in}; {_with_index(record)} is refused",
        hint,
        existing=[to_json(rival) for rival in rivals],
        given=record.digest,
        ledger_commit=snapshot.commit,
    )


def _with_index(record: Record) -> str:
    """Return the digest, with that of its index: the one that a push or a pull shows."""
    return record.digest + (f" (in the index {record.index})" if record.index else "")

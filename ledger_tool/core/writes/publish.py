"""What a publish does to a ledger; `publication` has the rule for one image:tag, `edit` the other writes.

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
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.promotion import is_of_environment, no_longer_declared
from ledger_tool.core.ledger.names import Image
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.pending import PendingRecords
from ledger_tool.core.writes.publication import Publication, apply
from ledger_tool.errors import InvalidValue, LedgerError, RuleRefused


def publish(snapshot: Snapshot, drafts: Sequence[Draft], *, force_reason: str = "") -> Change:
    """Return the change that records every draft, or raise for the first one that the rules refuse.

    Raises Conflict (the image:tag has another digest), RuleRefused (it would have several to pull by, or is what an
    environment has), InvalidValue (a field that the policy requires is missing) or UsageError (an unknown registry);
    each names the draft's line.
    """
    pending = PendingRecords(snapshot.ledger)
    records = []
    by_tag: dict[Name, list[int]] = {}
    for number, (draft, image) in enumerate(zip(drafts, images_of(snapshot, drafts), strict=True)):
        name = Name(image, draft.tag)
        try:
            records.append(_record(draft, image, pending.of(name).values()))
        except LedgerError as error:
            raise _placed(error, draft.where) from None
        by_tag.setdefault(name, []).append(number)
    for name, numbers in by_tag.items():
        publication = Publication(
            [records[number] for number in numbers],
            [drafts[number].where for number in numbers],
            looked_at=all(drafts[number].looked_at for number in numbers),
        )
        _check_given_once(publication)
        recorded = pending.of(name)
        if is_of_environment(name.tag, recorded.values(), snapshot.policy):
            raise _of_environment(name, snapshot.policy).within(publication.places[0])
        after = apply(publication, recorded, snapshot, force_reason)
        recorded.clear()
        recorded.update(after)
        for number in numbers:
            records[number] = _as_recorded(records[number], after)
    return pending.change("publish", records, reason=force_reason)


def images_of(snapshot: Snapshot, drafts: Sequence[Draft]) -> list[Image]:
    """Return the image that each draft names; images of earlier drafts count as the ledger's.

    Raises UsageError for an unknown registry, naming the draft's line.
    """
    images: list[Image] = []
    new: set[str] = set()
    resolver = Resolver(snapshot.policy, lambda image: image in new or snapshot.ledger.has_image(image))
    known: dict[tuple[str, str], Image] = {}  # by registry and path, until one more image has records
    for draft in drafts:
        given = draft.reference.registry, draft.reference.path
        image = known.get(given)
        if image is None:
            try:
                image = known[given] = resolver.image(draft.reference)
            except LedgerError as error:
                raise _placed(error, draft.where) from None
            if image not in new:
                new.add(image)
                known = {given: image}
        images.append(image)
    return images


def _placed(error: LedgerError, where: str) -> LedgerError:
    """Return an error with the name of the input's place that causes it."""
    return error.within(where) if where else error


def _of_environment(name: Name, policy: Policy) -> RuleRefused:
    if name.tag not in policy.environments:
        return no_longer_declared(name)
    return RuleRefused(
        f"{name} is what the environment {name.tag} has, which only a promotion changes",
        f"publish it under a tag of its own, then run `ledger promote {name.image}:TAG --to {name.tag}`",
    )


def _check_given_once(publication: Publication) -> None:
    """Raise InvalidValue if two drafts of an image:tag give one key two digests; without a platform it is any key."""
    for number, record in enumerate(publication.images):
        for other in publication.images[:number]:
            is_one_key = record.platform == other.platform or None in (record.platform, other.platform)
            is_of_index = record.digest == other.index or other.digest == record.index
            if is_one_key and record.digest != other.digest and not is_of_index:
                message = f"{record.key} is given twice, with {other.digest} and with {record.digest}"
                hint = "keep one of them, or give each its platform"
                raise InvalidValue("digest", message, hint).within(publication.places[number])


def _as_recorded(record: Record, after: Mapping[str, Record]) -> Record:
    """Return what an image:tag has for a given image after the publish; of an index, the first of its images."""
    own = after.get(record.platform or "")
    same = (other for other in after.values() if other.digest == record.digest)
    return own or next(same, None) or next(iter(after.values()))


def _record(draft: Draft, image: Image, recorded: Iterable[Record]) -> Record:
    if draft.digest is None:
        hint = (
            "write `IMAGE:TAG@sha256:…` with the digest that the push printed, or have it looked up: name the registry "
            "in ledger.yaml, and leave `--offline` out"
        )
        raise InvalidValue("digest", "`digest` is missing", hint)
    if draft.digest == draft.index:
        message = f"{draft.digest} is given as the image and as its index, which are never the same"
        raise InvalidValue("index", message, "leave the index out, or give the digest of one of its images")
    if draft.is_index and draft.platform:
        message = f"{draft.digest} is an index, and no image for {draft.platform}"
        raise RuleRefused(message, "publish it without a platform, or give the digest of the image")
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
        depends_on=draft.depends_on or _recorded_bases(draft, recorded) or draft.bases,
        ttl=draft.ttl,
        provenance=draft.provenance,
    )


def _recorded_bases(draft: Draft, recorded: Iterable[Record]) -> tuple[str, ...]:
    """Return the base images that the ledger has of a draft's image, or of its index before anybody looked into it."""
    known = (record.depends_on for record in recorded if record.digest in (draft.digest, draft.index))
    return next(filter(None, known), ())

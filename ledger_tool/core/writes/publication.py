"""What a publish makes of the records of one image:tag, so that they always have one pull digest.

A publish states the digest that the image:tag is pulled by: that of the index, given or found, else the image's own.

| the stated pull digest is                             | outcome                                                    |
|-------------------------------------------------------|------------------------------------------------------------|
| the recorded one                                      | records are added or updated below it                      |
| another, mutable tag                                  | moved: the records that hang on another pull digest go     |
| another, and a registry that was looked at leads from | updated                                                    |
| it to every recorded image, with the digest recorded  |                                                            |
| another, in any other case                            | Conflict                                                   |
| the same, with a reason to force                      | moved, every record marked with the pull digest it replaces |

An image that stays keeps its time, its source, and the facts that are not given again. So does one that comes to
another platform, also beside the first: it is published once, and good for all its platforms or for none. Within one
pull digest, a platform that has another digest is a conflict too: by force, its record moves, marked with the digest it
replaces. Only a look at all of another pull digest's images, or a move, lets records go. Below one pull digest there
are always the same images: a record of what is not there was wrong, and goes by force.

A record without a platform stands for its whole image:tag. The same digest with a platform fills the platform in. If it
is the index itself, recorded before anybody looked into it, the records of the index's images replace it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Digest, some_of
from ledger_tool.core.ledger.record import Forced, Provenance, Record, pull_digest, pull_digests
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.writes.opposition import Records, absent_from, conflict_with, leads_from, rival_of
from ledger_tool.errors import InvalidValue, NotProved, RuleRefused


@dataclass(frozen=True, slots=True)
class Publication:
    """The images that a publish gives for one image:tag, which have one pull digest.

    `places` names the input that each image comes from, for messages; it is `""` for the command line. `looked_at` says
    that they are all the images that a registry has under that pull digest.
    """

    images: Sequence[Record]
    places: Sequence[str]
    looked_at: bool

    @property
    def pull_digest(self) -> Digest:
        """The pull digest that the publish states. Raises RuleRefused if there are several."""
        stated = sorted(pull_digests(self.images))
        if len(stated) > 1:
            message = f"{self.images[0].name} is given {some_of(stated, 3)}, and an image:tag has one digest to pull by"
            raise RuleRefused(message, "push an index of these images, then publish it once").within(self.places[-1])
        return stated[0]


def apply(publication: Publication, recorded: Records, snapshot: Snapshot, force_reason: str) -> dict[str, Record]:
    """Return the records of an image:tag after a publication.

    Raises Conflict if the rules refuse it, RuleRefused if the images have several pull digests or one is an index, and
    InvalidValue if a field is missing that the policy requires; each names the input.
    """
    stated = publication.pull_digest
    pairs = zip(publication.images, publication.places, strict=True)
    known = [*([] if publication.looked_at else recorded.values()), *publication.images]  # a look says what is an index
    placed = [(own, place) for image, place in pairs for own in _meant(image, known, recorded, place)]
    images = [image for image, _ in placed]
    given = [image for image in publication.images if image in images]  # what is said of others opposes no image
    opposed = _opposed(publication, images, given, recorded)
    replaced = pull_digest(tuple(recorded.values()))
    absent = absent_from(opposed, images) if replaced == stated else []
    if absent and not force_reason:
        raise conflict_with(publication.images[0], absent, snapshot, is_absent=True).within(placed[0][1])
    if opposed and not (snapshot.policy.is_mutable(images[0].tag) or force_reason):
        rival = rival_of(opposed[0], given, recorded)
        image, place = next((pair for pair in placed if pair[0] is rival), placed[0])
        raise conflict_with(image, opposed, snapshot).within(place)
    after = {} if publication.looked_at else _staying(given, recorded, stated)
    leaving = {platform: record for platform, record in recorded.items() if platform not in after}
    for image, place in sorted(placed, key=lambda pair: pair[0].platform or ""):  # a later one may fill a platform in
        old = _predecessor(image, {**recorded, **after}, leaving, images)
        if old and after.get(old.platform or "") == old:
            del after[old.platform or ""]
        known_as = old or _copied(image, recorded)
        new = _continued(known_as, image) if known_as else _fresh(image, place, snapshot.policy)
        if known_as and known_as.signer and not new.signer:
            _check_required(new, place, snapshot.policy)
        if opposed and replaced == stated:
            mark = _mark_below(old, image, recorded, opposed, force_reason)
            new = replace(new, forced=mark or (None if old else _lasting_mark(new, recorded.get(new.platform or ""))))
        after[new.platform or ""] = new
    _check_sound(after, stated)
    if opposed and replaced != stated:  # an older mark tells of another move
        mark = _mark(replaced or opposed[0].pull_digest, force_reason)
        return {platform: replace(record, forced=mark) for platform, record in after.items()}
    if opposed and force_reason:
        stay = {record.digest for record in after.values()}
        gone = [record for record in opposed if (record.platform or "") not in after]
        gone = [record for record in gone if record in absent or record.digest not in stay]
        return _marked_for(gone, after, recorded, Forced(stated, force_reason)) if gone else after
    after = {platform: _without_stale_mark(record, recorded, replaced) for platform, record in after.items()}
    if not recorded or not force_reason:
        return after
    corrected = _corrected(after, images, Forced(replaced or _any(recorded).pull_digest, force_reason))
    for platform, record in corrected.items():
        if record.provenance != after[platform].provenance:
            _check_required(record, placed[0][1], snapshot.policy)
    return corrected


def _meant(image: Record, known: Sequence[Record], recorded: Records, place: str) -> list[Record]:
    """Return what is said without a platform as said of each image that it is about; else, the image itself.

    It is about the images of an index, or about one image for each platform that it is recorded for. Raises RuleRefused
    if an index is given as an image for a platform.
    """
    below = [record for record in known if record.index == image.digest and record.digest != image.digest]
    if below and image.platform:
        message = f"{image.digest} is the index of {image.name}, and not an image for {image.platform}"
        hint = "publish it without a platform, or give the digest of the image"
        raise RuleRefused(message, hint).within(place)
    if below and not image.index:
        return [
            replace(image, platform=record.platform, digest=record.digest, index=record.index, config=record.config)
            for record in below
        ]
    same = [record.platform for record in recorded.values() if record.digest == image.digest]
    return [replace(image, platform=platform) for platform in same if not image.platform] or [image]


def _opposed(
    publication: Publication, images: Sequence[Record], given: Sequence[Record], recorded: Records
) -> list[Record]:
    """Return the recorded images for which the publication needs a mutable tag, or force."""
    if publication.looked_at:
        is_led_to = leads_from(publication.pull_digest, images, recorded)
        return [record for record in recorded.values() if not is_led_to(record)]
    others = [record for record in recorded.values() if record.pull_digest != publication.pull_digest]
    return others or [record for record in recorded.values() if rival_of(record, given, recorded)]


def _staying(images: Sequence[Record], recorded: Records, stated: Digest) -> dict[str, Record]:
    return {
        platform: record
        for platform, record in recorded.items()
        if record.pull_digest == stated
        and not (rival_of(record, images, recorded) or any(record.is_index_of(image) for image in images))
    }


def _predecessor(image: Record, records: Records, leaving: Records, images: Sequence[Record]) -> Record | None:
    """Return the record that an image continues: of the same digest, or of its index before anybody looked into it.

    Under another platform, that is a record which does not stay: without a look, nobody takes a platform's record away.
    """
    whole, own = records.get(""), records.get(image.platform or "")
    if own and own.digest == image.digest:
        return own
    if whole and (whole.is_index_of(image) or (image.platform and whole.digest == image.digest)):
        return whole
    stays = {other.platform for other in images if other.digest == image.digest} if image.platform else set()
    others = leaving if image.platform else records
    same = (record for record in others.values() if record.digest == image.digest and record.platform not in stays)
    return next(same, None)


def _copied(image: Record, recorded: Records) -> Record | None:
    """Return the record of an image that comes to one more platform, of several that which says not to use it."""
    same = [record for record in recorded.values() if record.digest == image.digest]
    return min(same, key=lambda record: record.yanked is None, default=None)


def _mark_below(
    old: Record | None, image: Record, recorded: Records, opposed: Sequence[Record], force_reason: str
) -> Forced | None:
    """Return the mark of an image, below the pull digest that stays, in a publish that needs force or a mutable tag.

    It names the image that this one replaces; where an image only got another platform, the image itself.
    """
    if old and (old.platform or "") in ("", image.platform or old.platform or ""):
        return old.forced
    rival = recorded.get(image.platform or "") or recorded.get("") or (None if image.platform else opposed[0])
    if old and (rival is None or rival.digest == image.digest or not force_reason):
        return _mark(old.digest, force_reason) or old.forced
    return _mark(rival.digest, force_reason) if rival else None


def _continued(old: Record, image: Record) -> Record:
    """Return a record with what is said of it now. Time and source of publication stay as recorded.

    The statement that was checked may be about the index that served the image then: another one is not proved by it.
    """
    is_same = old.digest == image.digest
    known = old.provenance if old.index in (None, image.index) else _unsigned(old.provenance)
    return replace(
        old,
        platform=image.platform or old.platform,
        digest=image.digest,
        index=image.index,
        config=image.config or (old.config if is_same else None),
        labels={**old.labels, **image.labels},
        depends_on=image.depends_on or old.depends_on,
        ttl=image.ttl or old.ttl,
        provenance=_continued_provenance(known if is_same else None, image.provenance),
    )


def _continued_provenance(old: Provenance | None, new: Provenance | None) -> Provenance | None:
    """Return what is known of an image's provenance: what is found now, but none unsigned in place of a signed one."""
    is_better = new and (new.signer or not (old and old.signer))
    return new if is_better else old


def _fresh(image: Record, place: str, policy: Policy) -> Record:
    ttl = image.ttl or policy.default_ttl(image.tag)
    record = replace(image, ttl=ttl) if ttl != image.ttl else image
    _check_required(record, place, policy)
    return record


def _check_required(record: Record, place: str, policy: Policy) -> None:
    try:
        policy.check_required(record)
    except (InvalidValue, NotProved) as error:
        raise error.within(place) from None


def _check_sound(after: Records, stated: Digest) -> None:
    """Fail, rather than write it, if the records of an image:tag cannot stand beside each other."""
    assert "" not in after or len(after) == 1, "a record without a platform is not the only one"
    assert {record.pull_digest for record in after.values()} == {stated}, "there are several pull digests"


def _marked_for(gone: Sequence[Record], after: Records, recorded: Records, of_pull: Forced) -> dict[str, Record]:
    """Return the records, marked with an image that a move below the same pull digest took without a successor.

    If it stays for another platform, or an older mark says that already, the mark is `of_pull`: it names the pull
    digest. Raises RuleRefused if an older one says that as well: then nothing would tell of this move.
    """
    stay = {record.digest for record in after.values()}
    marks = [replace(of_pull, replaces=record.digest) for record in gone if record.digest not in stay]
    for mark in (*marks, of_pull):
        marked = {platform: replace(record, forced=mark) for platform, record in after.items()}
        if any(recorded.get(platform) != record for platform, record in marked.items()):
            return marked
    message = f"{gone[0].name} was already moved for this reason, and {gone[0].key} was there after that"
    raise RuleRefused(message, "say in `--reason` what is different now")


def _any(recorded: Records) -> Record:
    return next(iter(recorded.values()))


def _corrected(after: dict[str, Record], images: Sequence[Record], mark: Forced) -> dict[str, Record]:
    """Return the records with the sourceRefs that were given, if force was needed for nothing but those.

    If one of the images is recorded as from there, or moved for this reason, the same was published before: what stayed
    then stays now.
    """
    given = {image.digest: image.source_ref for image in images}
    stated = [record for record in after.values() if record.digest in given]
    is_repeated = any(
        record.source_ref == given[record.digest] or (record.forced and _is_move(record.forced, record, mark))
        for record in stated
    )
    if is_repeated:
        return after
    proved = {image.digest for image in images if image.signer}
    return after | {
        record.platform or "": replace(
            record,
            source_ref=given[record.digest],
            forced=mark,
            provenance=record.provenance if record.digest in proved else _unsigned(record.provenance),
        )
        for record in stated
    }


def _unsigned(provenance: Provenance | None) -> Provenance | None:
    """Return a provenance as of an image whose source or index is another now: what was checked was the one before."""
    return provenance and replace(provenance, signer="")


def _without_stale_mark(record: Record, recorded: Records, replaced: Digest | None) -> Record:
    """Return a record without a mark that would tell of what a look has changed: its pull digest, or its platform."""
    if record.forced is None:
        return record
    had = {old.platform for old in recorded.values() if old.digest == record.digest}
    if had and not had & {None, record.platform}:
        record = replace(record, forced=_lasting_mark(record, recorded.get(record.platform or "")))
    is_stale = record.forced and record.forced.replaces == replaced != record.pull_digest
    return replace(record, forced=None) if is_stale else record


def _lasting_mark(record: Record, own: Record | None) -> Forced | None:
    """Return the mark of an image that comes to a platform, unless it would tell of that: by what its platform had."""
    mark = record.forced
    return None if mark and mark.replaces in {record.digest, own.digest if own else None} else mark


def _is_move(done: Forced, record: Record, mark: Forced) -> bool:
    """Return whether a record was moved for the reason of another mark: a corrected one names its own pull digest."""
    return done.reason == mark.reason and done.replaces != record.pull_digest


def _mark(replaces: Digest, force_reason: str) -> Forced | None:
    return Forced(replaces, force_reason) if force_reason else None

"""What differs between the records of one image:tag, as facts for a reviewer.

Each record that came or went is in them, and each field that differs of an image that stays, whatever the field. What
is the same step for all records is one fact; otherwise each platform has its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.ledger.record import Record, Yanked, pull_digests

ANY_DIGEST = "any digest"  # of a base image that is named without one

_RUN = re.compile(r"/actions/runs/[0-9]+(?:/attempts/[0-9]+)?\Z")  # BuildKit's builder, as GitHub's action gives it

_Field = tuple[str, str]  # what it is, and which one, such as a label's key
_Step = tuple[str, str]  # the value on each side, `""` for none


@dataclass(frozen=True, slots=True)
class ChangedFact:
    """Something that differs: `digest`, `source`, `base image`, `label`, ...; `""` means none on that side.

    `subject` says which one, such as a platform or a base image's name.
    """

    what: str
    old: str
    new: str
    subject: str = ""


def facts_of(
    effects: Sequence[Effect], old: Sequence[Record], new: Sequence[Record], start: Sequence[Record]
) -> list[ChangedFact]:
    """Return what differs, in the order of a reviewer's questions; a new version is compared with the one before it.

    `start` are the records with which source and base images are compared.
    """
    before, after = (", ".join(sorted(pull_digests(records))) for records in (old, new))
    facts = [ChangedFact("digest", before, after)] if before != after else []
    for effect in effects:
        facts += _image_facts(effect, (before, after))
    facts += _field_facts(effects, old, new, start, (before, after))
    return [*facts, *_yank_facts(effects)]


def _image_facts(effect: Effect, pulled: _Step) -> Iterator[ChangedFact]:
    """Yield which images of which platforms came or went, unless the pull digest already shows it."""
    new = effect.new
    if effect.kind == "updated" and new:
        old = effect.old[0]
        if old.digest != new.digest:
            yield ChangedFact("image", old.digest, new.digest, new.platform or "")
        if old.platform != new.platform:
            yield ChangedFact("platform", old.platform or "", new.platform or "")
        return
    own = [one for one in effect.old if new and one.platform in (None, new.platform)]
    gone = [one for one in effect.old if one not in own]
    steps = [(one.platform, (str(one.digest), "")) for one in gone]
    if new:
        steps.append((new.platform, (", ".join(one.digest for one in own), new.digest)))
    for platform, step in steps:
        if step != pulled or pulled[0] == pulled[1]:
            yield ChangedFact("image", *step, platform or "")


def _pairs(effects: Iterable[Effect]) -> Iterator[tuple[Record, Record]]:
    """Yield the two records of each image that stays."""
    for effect in effects:
        if (old := _before(effect)) and effect.new:
            yield old, effect.new


def _before(effect: Effect) -> Record | None:
    """Return the record that an image had before, maybe for another platform; None if it came."""
    if effect.kind == "updated":
        return effect.old[0]
    same = (old for old in effect.old if effect.new and old.digest == effect.new.digest)
    return next(same, effect.elsewhere)


def _field_facts(
    effects: Sequence[Effect], old: Sequence[Record], new: Sequence[Record], start: Sequence[Record], pulled: _Step
) -> Iterator[ChangedFact]:
    pairs = list(_pairs(effects))
    told = _told_of_all(old, new, start)
    own: dict[_Field, list[tuple[str, _Step]]] = defaultdict(list)
    for was, now in pairs:
        before, after = _fields(was), _fields(now)
        if (was.pull_digest, now.pull_digest) == pulled:  # which is told as the digest
            before.pop(("index", ""), None)
            after.pop(("index", ""), None)
        for field in sorted(before.keys() | after.keys()):
            step = before.get(field, ""), after.get(field, "")
            if step[0] != step[1]:
                own[field].append((now.platform or "", step))
    for field in sorted(told.keys() | own.keys(), key=_order):
        steps = {step for _, step in own[field]}
        what, subject = field
        is_of_all = len(steps) == 1 and (steps == {told.get(field)} or len(own[field]) == len(effects))
        if is_of_all:
            yield ChangedFact(what, *steps.pop(), subject)
            continue
        if field in told and not (own[field] and len(pairs) == len(effects)):
            yield ChangedFact(what, *told[field], subject)
        for platform, step in own[field]:
            yield ChangedFact(what, *step, f"{subject} ({platform})" if subject and platform else subject or platform)


_ORDER = (
    "source", "builder", "signer", "base image", "label", "TTL", "published", "index", "config", "provenance",
    "version", "forced",
)  # fmt: skip


def _order(field: _Field) -> tuple[int, str]:
    return _ORDER.index(field[0]), field[1]


_OF_SOURCE = frozenset(("source", "builder", "signer", "base image"))  # a new version is compared with the one before
_OF_TAG = frozenset(("label", "TTL", "version"))


def _told_of_all(old: Sequence[Record], new: Sequence[Record], start: Sequence[Record]) -> Mapping[_Field, _Step]:
    """Return what differs between the values of all records, whichever of them have it; some fields only so."""
    before: dict[_Field, set[str]] = {}
    after: dict[_Field, set[str]] = {}
    for side, records, told in (
        (before, start, _OF_SOURCE),
        (before, old, _OF_TAG),
        (after, new, _OF_SOURCE | _OF_TAG),
    ):
        for record in records:
            for field, value in _fields(record).items():
                if field[0] in told:
                    side.setdefault(field, set()).add(value)
    return {
        field: (", ".join(sorted(before.get(field, ()))), ", ".join(sorted(after.get(field, ()))))
        for field in before.keys() | after.keys()
        if not _are_same(field, before.get(field, set()), after.get(field, set()))
    }


def _are_same(field: _Field, before: Set[str], after: Set[str]) -> bool:
    """Return whether values are the same to a reviewer: a builder that names its run names another one every time."""
    if field[0] == "builder":
        before, after = ({_RUN.sub("", value) for value in values} for values in (before, after))
    return before == after


def _fields(record: Record) -> dict[_Field, str]:
    """Return all that a record says of its image, but for the image itself, and whether it is yanked."""
    proved, mark = record.provenance, record.forced
    bases: dict[str, list[str]] = {}
    for reference in record.depends_on:
        name, _, digest = reference.partition("@")
        bases.setdefault(name, []).append(digest or ANY_DIGEST)
    fields: dict[_Field, str | None] = {
        ("source", ""): record.source_ref,
        **{("base image", name): ", ".join(sorted(digests)) for name, digests in bases.items()},
        **{("label", key): value or '""' for key, value in record.labels.items()},
        ("TTL", ""): record.ttl,
        ("published", ""): record.published_at,
        ("index", ""): record.index,
        ("config", ""): record.config,
        ("provenance", ""): proved.digest if proved else None,
        ("builder", ""): proved.builder if proved else None,
        ("signer", ""): proved.signer if proved else None,
        ("version", ""): record.version,
        ("forced", ""): f"{mark.replaces}: {mark.reason}" if mark else None,
    }
    return {field: value for field, value in fields.items() if value}


def newly_yanked(effects: Sequence[Effect]) -> list[tuple[str, Yanked]]:
    """Return the marks of images that must not be used which a change sets, or which come with an image."""
    if not any(effect.new and effect.new.yanked for effect in effects):
        return []
    steps = ((effect.record.platform or "", *_yank_step(effect)) for effect in effects)
    return [(platform, now) for platform, was, now in steps if now and was != now]


def _yank_step(effect: Effect) -> tuple[Yanked | None, Yanked | None]:
    old = _before(effect) if effect.new else None  # the mark of an image that goes is not news
    return old.yanked if old else None, effect.new.yanked if effect.new else None


def _yank_facts(effects: Sequence[Effect]) -> Iterator[ChangedFact]:
    """Yield the marks that go, change, or are not set on all that the change concerns; those have their own line."""
    set_now = [mark for _, mark in newly_yanked(effects)]
    is_of_all = len(set_now) == len(effects) and len(set(set_now)) == 1
    for effect in effects:
        was, now = _yank_step(effect)
        if was == now or (is_of_all and was is None):
            continue
        with_time = bool(was and now and was.reason == now.reason)
        platform = effect.record.platform or ""
        yield ChangedFact("yanked", _said(was, with_time=with_time), _said(now, with_time=with_time), platform)


def _said(mark: Yanked | None, *, with_time: bool) -> str:
    return "" if mark is None else f"{mark.reason} ({mark.at})" if with_time else mark.reason

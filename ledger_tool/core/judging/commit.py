"""Whether a commit did what its message says and what the rules allow: the judge of `check` and `audit`.

It does not know how the commit was made, so it applies to a push, a merge and a hand edit alike:

- every record that changed is named in the trailers, with its digest and what it replaces, and nothing is named
  that did not change; only a commit of more image:tags than a message names may count them instead;
- a digest moves only under a mutable tag, or with a `forced` mark that says which digest it replaced;
- a record is removed or yanked only with a reason;
- while a record keeps its digest, a verb changes or removes only the facts that it may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.changes.message import MAX_BLOCKS, Message, MessageEntry
from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.record import Key
from ledger_tool.core.policy.policy import Policy

_PUBLISHED = {"platform", "index", "config", "labels", "dependsOn", "ttl"}
# What each verb may do, and which facts it may change; without a verb of ours, what any of them may.
_MAY = {
    "publish": ({"added", "moved", "updated"}, _PUBLISHED),
    "set": ({"updated"}, {"labels", "ttl"}),
    "remove": ({"removed"}, set()),
    "prune": ({"removed"}, set()),
    "yank": ({"updated"}, {"yanked"}),
    "unyank": ({"updated"}, {"yanked"}),
}
FREE = _PUBLISHED | {"yanked"}  # what may change while the digest stays
_ANY = ({"added", "moved", "updated", "removed"}, FREE)
# Which of these facts it may remove: a publish keeps what it does not mention.
_MAY_TAKE = {"publish": set(), "": {"labels", "ttl", "yanked"}}
_DOES = {"added": "adds", "moved": "moves", "updated": "changes", "removed": "removes"}


@dataclass(frozen=True, slots=True)
class CommitFault:
    """A rule that a commit breaks, with the record if it is about one."""

    rule: str
    key: Key | None
    message: str


def judge_commit(effects: Sequence[Effect], message: Message | None, policy: Policy) -> list[CommitFault]:
    """Return everything that is wrong with a commit with these effects, under this policy, and with this message.

    The message is None for a change that has none yet: then only what no message could explain is judged.
    """
    broken: list[_Broken] = []
    if message and effects and message.silent:
        broken += map(_unexplained, effects)
    elif message and message.record_count is not None:
        broken += _miscounted(effects, message)
    elif message:
        broken += _mismatched(effects, message.entries)
    for effect in effects:
        broken += _not_allowed(effect, message)
    for _, group in groupby(effects, key=lambda effect: effect.name):
        broken += _unforced(list(group), message, policy)
    return [CommitFault(*fault) for fault in broken]


_Broken = tuple[str, Key | None, str]  # the parts of a CommitFault


def _unexplained(effect: Effect) -> _Broken:
    return "unexplained", effect.key, f"its message does not say that it {_DOES[effect.kind]} {effect.key}"


def _miscounted(effects: Sequence[Effect], message: Message) -> Iterator[_Broken]:
    names = {effect.name for effect in effects}
    if len(names) <= MAX_BLOCKS:
        for effect in effects:
            yield "unexplained", effect.key, f"its message only counts records, and does not name {effect.key}"
        if not effects:
            yield "trailers", None, f"its message counts {message.record_count} records, and none changed"
        return
    if message.record_count != len(effects):
        yield "trailers", None, f"its message counts {message.record_count} records, and {len(effects)} changed"
    for entry in message.entries:
        yield "trailers", None, f"its message counts records, and also names {shown(str(entry.name), 200)}"
    sources = {effect.record.source_ref for effect in effects}
    if message.source_count is not None:
        if message.source_count != len(sources):
            yield "trailers", None, f"its message counts {message.source_count} sourceRefs, not {len(sources)}"
        return
    for effect in effects:
        if effect.record.source_ref not in message.sources:
            yield "trailers", effect.key, f"its message does not name the sourceRef of {effect.key}"
    for source in sorted(set(message.sources) - sources):
        yield "trailers", None, f"its message names {shown(source, 300)}, which no changed record comes from"


def _mismatched(effects: Sequence[Effect], entries: Sequence[MessageEntry]) -> Iterator[_Broken]:
    entries_by_key: dict[Key, list[MessageEntry]] = {}
    for entry in entries:
        entries_by_key.setdefault(entry.key, []).append(entry)
    for effect in effects:
        own_entries = entries_by_key.pop(effect.key, [])
        if not own_entries:
            yield _unexplained(effect)
        for entry in own_entries:
            yield from _wrong(effect, entry)
    for key, others in entries_by_key.items():
        name, digest = shown(str(key), 200), shown(others[0].digest)
        yield "trailers", key, f"its message names {name}, {digest}, which it did not change"
    replaced = _replaced((effect.name, effect.replaces) for effect in effects)
    claimed = _replaced((entry.name, entry.replaces) for entry in entries)
    for effect in effects:
        if (digests := replaced.pop(effect.name, None)) is not None and digests != claimed.get(effect.name, digests):
            was = ", ".join(sorted(digests)) or "nothing"
            yield "trailers", effect.key, f"its message is wrong about what {effect.name} replaces: it was {was}"


def _wrong(effect: Effect, entry: MessageEntry) -> Iterator[_Broken]:
    key, record = effect.key, effect.record
    if entry.digest != record.digest:
        yield "trailers", key, f"its message says {shown(entry.digest)} for {key}, and the record is {record.digest}"
    if entry.source_ref and entry.source_ref != record.source_ref:
        yield "trailers", key, f"its message gives a different sourceRef for {key}: {shown(entry.source_ref)}"


def _replaced(pairs: Iterable[tuple[tuple[str, str], tuple[str, ...]]]) -> dict[tuple[str, str], set[str]]:
    replaced: dict[tuple[str, str], set[str]] = {}
    for name, digests in pairs:
        replaced.setdefault(name, set()).update(digests)
    return replaced


def _not_allowed(effect: Effect, message: Message | None) -> Iterator[_Broken]:
    verb = message.verb if message else ""
    kinds, fields = _MAY.get(verb, _ANY)
    who = f"a `{verb}`" if verb else "no command"
    if effect.kind not in kinds:
        yield "trailers", effect.key, f"{who} never {_DOES[effect.kind]} a record, and this one does"
    elif odd := sorted(effect.fields() - fields):
        does = "never changes" if verb else "changes"
        yield "facts", effect.key, f"{who} {does} {' and '.join(odd)} of a record that keeps its digest"
    elif gone := sorted(effect.lost() - _MAY_TAKE.get(verb, fields)):
        does = "never removes" if verb else "removes"
        yield "facts", effect.key, f"{who} {does} {' and '.join(gone)} of a record that keeps its digest"
    if effect.new and effect.new.yanked and effect.kind != "updated":
        yield "facts", effect.key, f"{effect.key} comes with a `yanked` mark, which only `ledger yank` sets"
    if message:
        yield from _without_reason(effect, message)


def _without_reason(effect: Effect, message: Message) -> Iterator[_Broken]:
    is_marked = "yanked" in effect.fields()
    if not message.reason and (effect.kind == "removed" or is_marked):
        yield "reason", effect.key, f"it {'marks' if is_marked else 'removes'} {effect.key} without a `Reason`"
    elif is_marked and effect.new and effect.new.yanked and effect.new.yanked.reason != message.reason:
        yield "trailers", effect.key, f"the `yanked` mark of {effect.key} gives a different reason than the message"


def _unforced(effects: Sequence[Effect], message: Message | None, policy: Policy) -> Iterator[_Broken]:
    """Yield the faults of forced moves of one image:tag."""
    marks = [effect.mark for effect in effects if effect.mark]
    replaced = {digest for effect in effects for digest in effect.replaces}
    for effect in effects:
        own = effect.new.forced if effect.new else None
        # If several records replace one without a platform, any of them may have the mark.
        mine = marks if any(old.platform is None for old in effect.old) else [own] if own else []
        is_marked = policy.is_mutable(effect.name.tag) or any(mark.replaces in effect.replaces for mark in mine)
        if effect.kind == "moved" and not is_marked:
            yield (
                "immutable",
                effect.key,
                f"{effect.key} moves from {', '.join(effect.replaces)} to {effect.record.digest}, although its tag is "
                "immutable and no `forced` mark says that it replaces that digest, and why",
            )
        mark = effect.mark
        if mark and mark.replaces not in replaced:
            yield "forced", effect.key, f"{effect.key} is marked as replacing {mark.replaces}, which it did not have"
        elif mark and message and not message.silent and mark.reason != message.reason:
            yield "forced", effect.key, f"the `forced` mark of {effect.key} gives a different reason than the message"

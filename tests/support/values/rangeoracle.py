"""What a range of commits may lead to, said a second time: from the states alone, as JSON, in the contract's words.

It is weaker than the judge, but shares no code with it: whatever it objects to, no allowed change, and no chain of
allowed changes, leads from the first state to the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

Fields = dict[str, Any]
State = list[Fields]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FACTS_THAT_STAY = ("config", "dependsOn", "platform")  # no command takes these from an image that stays


def objections(
    states: Sequence[State],
    messages: Sequence[str],
    is_mutable: Callable[[str], bool],
    required: Sequence[str],
    now: str,
) -> Iterator[str]:
    """Yield what speaks against a range; a message for each of its steps. The settings are those of its base."""
    for tag in sorted({(one["image"], one["tag"]) for one in states[0]}):
        history = [[one for one in state if (one["image"], one["tag"]) == tag] for state in states]
        for objection in _of_tag(history, messages, now, mutable=is_mutable(tag[1])):
            yield f"{tag[0]}:{tag[1]}: {objection}"
    known = {(one["image"], one["tag"], one["digest"]) for one in states[0]}
    for one in states[-1]:
        is_new = all((one["image"], one["tag"], digest) not in known for digest in (one["digest"], one.get("index")))
        if is_new and any(not one.get(name) for name in required):
            yield f"{one['image']}:{one['tag']} lacks what is required"


def _of_tag(history: Sequence[State], messages: Sequence[str], now: str, *, mutable: bool) -> Iterator[str]:
    before, after = history[0], history[-1]
    if not after:
        if not any("Reason: " in message for message in messages):
            yield "it went without a reason"
        return
    if len(_pulls(after)) > 1:
        yield "it has several pull digests"
        return
    if all(_has_expired(one, now) and any(_is_without(state, one) for state in history) for one in before):
        return  # it was pruned and published again
    old_marks = [one.get("forced") for one in before]
    had = {digest for state in history[:-1] for one in state for digest in (one["digest"], one.get("index")) if digest}
    marks = [one["forced"] for one in after if one.get("forced") and one["forced"] not in old_marks]
    yield from _false_marks(marks, had, messages)
    if not mutable and _pulls(before) != _pulls(after) and not marks:
        yield "its pull digest changed, and no mark says so"
    if not mutable and not marks:
        yield from _relabelled(before, after)
    yield from _unlike_copies(before, after)
    for new in after:
        for old in _predecessors(new, before):
            has_gone = _has_expired(old, now) and any(_is_without(state, old) for state in history)
            is_kept = _is_index_of(old, new) and any(_have_the_same_facts(old, one) for one in after)
            if not has_gone and not is_kept:  # other images may come to an index, each with facts of its own
                yield from _of_image(old, new, history, messages, mutable=mutable, marks=marks)


def _false_marks(marks: Sequence[Fields], had: set[str], messages: Sequence[str]) -> Iterator[str]:
    for mark in marks:
        if mark["replaces"] not in had:
            yield f"a mark says that it replaces {mark['replaces']}, which it never had"
        if not any(f"Reason: {mark['reason']}" in message for message in messages):
            yield "a mark has a reason that no message gives"


def _unlike_copies(before: State, after: State) -> Iterator[str]:
    """Yield the images that all platforms were right about, and that one now says something else of."""
    for name in ("publishedAt", "sourceRef", "yanked"):
        for digest in {one["digest"] for one in before}:
            was, now = ([one.get(name) for one in state if one["digest"] == digest] for state in (before, after))
            if all(one == was[0] for one in was) and any(one != now[0] for one in now):
                yield f"for its platforms, {digest} has different values of {name}"


def _relabelled(before: State, after: State) -> Iterator[str]:
    for old in before:
        had, now = (
            {one.get("platform") for one in state if one["digest"] == old["digest"]} for state in (before, after)
        )
        if now and not now & {None, *had} and None not in had:
            yield f"it was for {old['platform']}, and no mark says why it is for another platform now"


def _of_image(
    old: Fields,
    new: Fields,
    history: Sequence[State],
    messages: Sequence[str],
    *,
    mutable: bool,
    marks: Sequence[Fields],
) -> Iterator[str]:
    was_an_image = any(one["digest"] == old["digest"] and one.get("platform") for state in history for one in state)
    is_index_of = _is_index_of(old, new) and not (was_an_image and old["publishedAt"] != new["publishedAt"])
    if old["digest"] != new["digest"] and not is_index_of:
        if not mutable and not marks:
            yield "a digest moved, and no mark says so"
        return
    other = any(all(one["digest"] != old["digest"] for one in state) for state in history if state)
    is_published_anew = other and (mutable or bool(marks))
    if old["publishedAt"] != new["publishedAt"] and not is_published_anew:
        yield "its publishedAt changed"
    is_corrected = new.get("forced") in marks or any(
        _is_correction(old, new, one) for state in history for one in state
    )
    if old["sourceRef"] != new["sourceRef"] and not (is_published_anew or is_corrected):
        yield "its sourceRef changed, and no mark says so"
    has_moved = mutable and any(_pulls(state) != _pulls(history[0]) for state in history if state)
    if old.get("forced") and not new.get("forced") and not (marks or has_moved or (mutable and is_published_anew)):
        yield "its mark is gone"
    if is_published_anew:
        return
    for name in () if is_index_of else _FACTS_THAT_STAY:
        if old.get(name) and not new.get(name):
            yield f"its {name} is gone"
    is_undone = any(message.startswith("unyank ") and "Reason: " in message for message in messages)
    if old.get("yanked") and not new.get("yanked") and not is_undone:
        yield "its `yanked` mark is gone"


def _is_correction(old: Fields, new: Fields, one: Fields) -> bool:
    """Return whether a state had the new source with a mark for it, which a later move without force has dropped."""
    is_same = (one["digest"], one["sourceRef"]) == (new["digest"], new["sourceRef"])
    return is_same and one.get("forced") not in (None, old.get("forced"))


def _is_index_of(old: Fields, new: Fields) -> bool:
    return not old.get("platform") and old["digest"] == new.get("index")


def _have_the_same_facts(old: Fields, new: Fields) -> bool:
    names = ("publishedAt", "sourceRef", "forced", "yanked")
    return [old.get(name) for name in names] == [new.get(name) for name in names]


def _pulls(records: State) -> set[str]:
    return {one.get("index") or one["digest"] for one in records}


def _predecessors(new: Fields, before: State) -> list[Fields]:
    """Return the records that one stands in the place of: of its platform, of all, or of the same image."""
    same = [one for one in before if one["digest"] == new["digest"]]
    own = [one for one in before if one.get("platform") == new.get("platform")]
    whole = [one for one in before if not one.get("platform")]
    return (own or whole or same)[:1] if new.get("platform") else (same[:1] or before)


def _is_without(state: State, old: Fields) -> bool:
    return all(one.get("platform") != old.get("platform") for one in state)


def _has_expired(one: Fields, now: str) -> bool:
    ttl = one.get("ttl")
    if not ttl:
        return False
    length = timedelta(**{_UNITS[ttl[-1]]: int(ttl[:-1])})
    return datetime.fromisoformat(one["publishedAt"]) + length <= datetime.fromisoformat(now)

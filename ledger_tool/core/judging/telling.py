"""Whether the message of a commit tells what the commit did, no more and no less: in its trailers, or by a count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ledger_tool.core.changes.account import Account, may_count
from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.changes.message import MAX_BLOCKS, Block, Message, MessageEntry
from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.record import Key, Name

Broken = tuple[str, Key | None, str]  # a rule, the record if it is about one, and what is wrong
_OF_FACTS = ("set", "yank", "unyank")  # verbs of commits that add, move and remove nothing
DOES = {"added": "adds", "moved": "moves", "updated": "changes", "removed": "removes"}


def unexplained(effect: Effect) -> Broken:
    """Return that a message says nothing of an effect."""
    return "unexplained", effect.key, f"its message does not say that it {DOES[effect.kind]} {effect.key}"


def untold(effects: Sequence[Effect], message: Message, accounts: Mapping[Name, Account]) -> Iterator[Broken]:
    """Yield what the blocks of a squash, all together, do not explain."""
    rest = []
    for effect in effects:
        account = accounts.get(effect.name)
        if account is None or not account.explains(effect):
            rest.append(effect)
            continue
        sources = {entry.source_ref for entry in account.naming(effect)}
        if effect.new and sources and not sources & {"", effect.new.source_ref}:
            given = shown(min(sources))
            yield "trailers", effect.key, f"its message gives a different sourceRef for {effect.key}: {given}"
    counts = [block.record_count or 0 for block in message.counting]
    named = {(entry.key, entry.source_ref) for block in message.blocks for entry in block.entries}
    # What one block counted, others may name, and another one may have undone: but no new fact undoes a publish.
    undoing = [block.record_count or 0 for block in message.counting if block.verb not in _OF_FACTS] or counts
    least = 2 * max(undoing, default=0) - sum(undoing) - len({key for key, _ in named})
    if not least <= len(rest) <= sum(counts):
        yield from map(unexplained, rest)
        return
    counted: dict[tuple[Block, ...], list[Effect]] = {}
    for effect in rest:
        counted.setdefault(tuple(block for block in message.counting if may_count(block, effect)), []).append(effect)
    for blocks, group in counted.items():
        if len(group) > sum(block.record_count or 0 for block in blocks):
            yield from map(unexplained, group)
    for effect in rest:
        source = effect.record.source_ref
        is_counted = any(block.source_count or source in block.sources for block in message.counting)
        if not is_counted and (effect.key, source) not in named:
            yield "trailers", effect.key, f"its message does not name the sourceRef of {effect.key}"


def miscounted(effects: Sequence[Effect], message: Block) -> Iterator[Broken]:
    """Yield what is wrong with a message that only counts what the commit did."""
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


def misplaced(effects: Sequence[Effect], message: Block) -> Iterator[Broken]:
    """Yield what is wrong with the environment that the message of a single write says it changes."""
    said = message.environments
    if odd := next((effect for effect in effects if said and (effect.name.tag,) != said), None):
        yield (
            "trailers",
            odd.key,
            f"its message says that it promotes to {' and to '.join(map(shown, said))}, and it changes {odd.name}",
        )
    came = (effect for effect in effects if effect.new and effect.new.version)
    if message.record_count is not None and not said and (new := next(came, None)):
        yield "trailers", new.key, f"its message counts records, and does not name the environment `{new.name.tag}`"


def mismatched(effects: Sequence[Effect], entries: Sequence[MessageEntry]) -> Iterator[Broken]:
    """Yield what the trailers of a single write say that the commit did not do, and what they leave out."""
    entries_by_key: dict[Key, list[MessageEntry]] = {}
    for entry in entries:
        entries_by_key.setdefault(entry.key, []).append(entry)
    for effect in effects:
        own_entries = entries_by_key.pop(effect.key, [])
        if not own_entries:
            yield unexplained(effect)
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


def _wrong(effect: Effect, entry: MessageEntry) -> Iterator[Broken]:
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

"""Whether a commit did what its message says and what the rules allow: the judge of `check` and `audit`.

It does not know how the commit was made, so it applies to a push, a merge and a hand edit alike:

- every record that changed is named in the trailers, with its digest and what it replaces, and nothing is named
  that did not change; only a commit of more image:tags than a message names may count them instead;
- of a squash, each block of trailers counts as far as it leads from the records before to those after
  (`changes/account.py`), and a revert is explained by the commit that it exactly undoes (`changes/revert.py`);
- a digest moves only under a mutable tag, or with a `forced` mark that says which digest it replaced;
- a record is removed or yanked only with a reason;
- what an environment has is another matter (`environment.py`);
- while a record keeps its digest, a verb changes or removes only the facts that it may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from ledger_tool.core.changes.account import Account, Accounts
from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.changes.lawful import lacking
from ledger_tool.core.changes.message import Message, MessageEntry
from ledger_tool.core.changes.promotion import environment_effects
from ledger_tool.core.changes.revert import NOTHING, Undone, restored
from ledger_tool.core.judging.telling import DOES, Broken, miscounted, mismatched, misplaced, unexplained, untold
from ledger_tool.core.ledger.record import SHARED, Key, Record, to_json
from ledger_tool.core.policy.policy import Policy

_PUBLISHED = {"platform", "index", "config", "labels", "dependsOn", "ttl", "provenance"}
# What each verb may do, and which facts it may change; without a verb of ours, what any of them may.
_MAY = {
    "publish": ({"added", "moved", "updated"}, _PUBLISHED),
    "set": ({"updated"}, {"labels", "ttl"}),
    "remove": ({"removed"}, set()),
    "prune": ({"removed"}, set()),
    "yank": ({"updated"}, {"yanked"}),
    "unyank": ({"updated"}, {"yanked"}),
    "promote": (set(), set()),
}
FREE = _PUBLISHED | {"yanked"}  # what may change while the digest stays
_ANY = ({"added", "moved", "updated", "removed"}, FREE)
LOSABLE = {"index", "labels", "ttl", "yanked"}  # what may go while the digest stays; the pull digest has its own rule
# Which of these facts it may remove: a publish keeps what it does not mention.
# An image that is pushed alone again loses its index.
_MAY_TAKE = {"publish": {"index"}, "yank": set(), "": LOSABLE}
_MARKED = {"forced", "sourceRef"}  # what a publish may change of a record that it marks: that is judged with the mark


@dataclass(frozen=True, slots=True)
class CommitFault:
    """A rule that a commit breaks, with the record if it is about one."""

    rule: str
    key: Key | None
    message: str


def judge_commit(
    effects: Sequence[Effect],
    message: Message | None,
    policy: Policy,
    undone: Undone = NOTHING,
    accounts: Accounts | None = None,
) -> list[CommitFault]:
    """Return everything that is wrong with a commit with these effects, under this policy, and with this message.

    The message is None for a change that has none yet: then only what no message could explain is judged. `undone` is
    what the commit exactly undoes of those that its message says it reverts: that may be done like what it undoes. Both
    together say what `accounts` do, if those have been read already.
    """
    done_before = restored(effects, undone)
    effects = [effect for effect in effects if effect.name not in done_before]
    accounts = accounts or Accounts(message, undone.differences)
    broken: list[Broken] = []
    if message and (message.is_squash or undone):
        broken += untold(effects, message, accounts.by_name)
    elif message and effects and message.silent:
        broken += map(unexplained, effects)
    elif message and message.block.record_count is not None:
        broken += [*miscounted(effects, message.block), *misplaced(effects, message.block)]
    elif message:
        broken += [*mismatched(effects, message.block.entries), *misplaced(effects, message.block)]
    of_environments = environment_effects(effects, policy)
    for name, group in groupby(effects, key=lambda effect: effect.name):
        account, same_name = accounts.of(name), list(group)
        if name in of_environments:  # whose rule needs the whole ledger: `judging.environment`
            continue
        for effect in same_name:
            is_unmarked = unmarks(effect, policy)
            if not effect.new and account.lets_go(effect, same_name, is_mutable=policy.is_mutable(effect.name.tag)):
                continue
            broken += _not_allowed(effect, account, same_name, is_unmarked=is_unmarked)
            if message:
                broken += _without_reason(effect, account)
        broken += _unforced(same_name, account if message and not message.silent else None, policy)
    return [CommitFault(*fault) for fault in broken]


def lacks_required(effects: Iterable[Effect], policy: Policy) -> Iterator[CommitFault]:
    """Yield a fault for each new record without a field that the policy requires, and each that lost one."""
    for record, error in lacking(effects, policy):
        yield CommitFault("required", record.key, error.message)


def _index_before(effect: Effect, same_name: Sequence[Effect]) -> Record | None:
    """Return the record of an index that gave way, in the same commit, to the image of an effect, and to others."""
    wholes = (old for other in same_name for old in other.old if old.platform is None)
    return next((old for old in wholes if effect.new and old.digest == effect.new.index), None)


def unmarks(effect: Effect, policy: Policy) -> bool:
    """Return whether an image may lose its mark, because its pull digest or its platform changes without force.

    Where the tag moves, an older move is history; elsewhere, a mark goes if it would tell of this change.
    """
    new = effect.new
    if new is None or new.forced:
        return False
    same = effect.of_same_image
    if same.kind != "updated" or not same.old[0].forced:
        return False
    has_moved = same.old[0].pull_digest != new.pull_digest and policy.is_mutable(new.tag)
    return has_moved or effect.would_tell(same.old[0].forced)


def _not_allowed(
    effect: Effect, account: Account, same_name: Sequence[Effect], *, is_unmarked: bool
) -> Iterator[Broken]:
    verbs = account.verbs
    kinds, fields, takes = _permitted(frozenset(verbs))
    if effect.mark and verbs & {"", "publish"}:
        fields |= _MARKED
    if is_unmarked and verbs & {"", "publish"}:
        fields |= {"forced"}
        takes |= {"forced"}
    same = effect.of_same_image
    never = "" if len(verbs) > 1 or "" in verbs else "never "
    if effect.kind not in kinds:
        here = "this one does" if never else "this commit does"
        yield "trailers", effect.key, f"{_subject(verbs)} {never}{DOES[effect.kind]} a record, and {here}"
    elif odd := sorted(same.fields() - fields):
        what = f"changes {' and '.join(odd)} of a record that keeps its digest"
        yield "facts", effect.key, f"{_subject(verbs)} {never}{what}"
    elif gone := sorted(same.lost() - takes):
        what = f"removes {' and '.join(gone)} of a record that keeps its digest"
        yield "facts", effect.key, f"{_subject(verbs)} {never}{what}"
    if verbs == {"unyank"} and "yanked" in effect.fields() - effect.lost():
        yield "facts", effect.key, f"an `unyank` never marks a record, and this one marks {effect.key}"
    yield from _unlike_copies(effect)
    if effect.new is None or effect.new.yanked is None or effect.kind == "updated":
        return
    index = _index_before(effect, same_name)
    before = {(old.digest, old.yanked) for old in (*effect.old, *same.old)}
    stays = (effect.new.digest, effect.new.yanked) in before or (index and index.yanked == effect.new.yanked)
    if not stays and not ("yank" in verbs and account.gives(effect.new.yanked.reason, "yank")):
        yield "facts", effect.key, f"{effect.key} comes with a `yanked` mark, which only `ledger yank` sets"


@lru_cache(maxsize=128)  # of few verbs, asked for each record
def _permitted(verbs: frozenset[str]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return what any of some verbs may do, which facts it may change, and which of those it may remove."""
    may = [_MAY.get(verb, _ANY) for verb in verbs]
    kinds, fields = (frozenset[str]().union(*sets) for sets in zip(*may, strict=True))
    return kinds, fields, frozenset[str]().union(*(_MAY_TAKE.get(verb, _MAY.get(verb, _ANY)[1]) for verb in verbs))


def _subject(verbs: Collection[str]) -> str:
    """Return what a sentence is about that holds for none of some verbs, with the article of each."""
    if "" in verbs:
        return "no command"
    named = [f"{'an' if verb.startswith('un') else 'a'} `{verb}`" for verb in sorted(verbs)]
    return f"neither {' nor '.join(named)}" if len(named) > 1 else named[0]


def _unlike_copies(effect: Effect) -> Iterator[Broken]:
    """Yield a fault for each fact that an update gives an image for one platform only, if it is recorded for several.

    What one platform forgets, a move of the other one would make the image:tag forget.
    """
    if effect.new is None or not effect.copies:
        return
    changed = {name: to_json(effect.new).get(name) for name in effect.fields().intersection(SHARED)}
    for copy in effect.copies:
        if odd := sorted(name for name, value in changed.items() if to_json(copy).get(name) != value):
            why = f"it changes {' and '.join(odd)} of {effect.key}, and not of the same image for {copy.platform}"
            yield "facts", effect.key, why


def _keeps_the_mark_of_its_index(effect: Effect, same_name: Sequence[Effect]) -> bool:
    index = _index_before(effect, same_name) if effect.kind == "added" else None
    return index is not None and effect.mark == index.forced


def _has_reason(effect: Effect, account: Account) -> bool:
    """Return whether a message gives a reason for a removal, or for a mark that comes or goes."""
    verbs = ("remove", "prune") if effect.new is None else ("yank",) if effect.new.yanked else ("unyank",)
    platforms = {"", *(record.platform or "" for record in (*effect.old, effect.record))}
    is_whole = platforms == {""}
    # A host may lose verbs: without one, what gives no reason may be a publish.
    own = ((block, entry.platform in platforms) for block, entry in account.entries)
    if not any(is_own and (block.verb in verbs or (not block.verb and block.reason)) for block, is_own in own):
        # What was published in its place went: the publish took the record along.
        platforms |= {entry.platform for block, entry in account.entries if block.verb in ("", "publish")}

    def leads(entries: Sequence[MessageEntry]) -> bool:
        return is_whole or any(entry.platform in platforms for entry in entries)

    return account.has_reason(lambda block: block.verb in ("", *verbs), leads)


def _without_reason(effect: Effect, account: Account) -> Iterator[Broken]:
    is_marked = "yanked" in effect.fields()
    if (effect.kind == "removed" or is_marked) and not _has_reason(effect, account):
        yield "reason", effect.key, f"it {'marks' if is_marked else 'removes'} {effect.key} without a `Reason`"
    elif is_marked and effect.new and effect.new.yanked and not account.gives(effect.new.yanked.reason, "yank"):
        yield "trailers", effect.key, f"the `yanked` mark of {effect.key} gives a different reason than the message"


def _move(effect: Effect) -> str:
    if effect.replaces:
        return f"moves from {', '.join(effect.replaces)} to {effect.record.digest}"
    return f"takes the place of {', '.join(str(old.key) for old in effect.old if old.key != effect.key)}"


def _unforced(effects: Sequence[Effect], account: Account | None, policy: Policy) -> Iterator[Broken]:
    """Yield the faults of forced moves of one image:tag; without an account there is no message to hold them against.

    A chain of forced moves in one squash is one: then the mark names the last digest that was replaced on the way.
    """
    if not any(effect.kind == "moved" or effect.mark for effect in effects):
        return
    effects = [effect for effect in effects if not _keeps_the_mark_of_its_index(effect, effects)]
    marks = [effect.mark for effect in effects if effect.mark]
    pulled = {old.pull_digest for effect in effects for old in effect.old}
    replaced = pulled | {old.digest for effect in effects for old in effect.old}
    for effect in effects:
        own = effect.new.forced if effect.new else None
        # If several records replace one without a platform, any of them may have the mark.
        mine = marks if any(old.platform is None for old in effect.old) else [own] if own else []
        is_marked = policy.is_mutable(effect.name.tag) or any(
            mark.replaces in pulled.union(effect.replaces) or (account and account.was_forced(effect, mark.replaces))
            for mark in mine
        )
        if effect.kind == "moved" and not is_marked:
            yield (
                "immutable",
                effect.key,
                f"{effect.key} {_move(effect)}, although its tag is immutable and no `forced` mark says that it "
                "replaces that digest, and why",
            )
        mark = effect.mark
        if (
            mark
            and mark.replaces not in replaced
            and not (account and account.replaced(effect, mark.replaces, replaced))
        ):
            yield "forced", effect.key, f"{effect.key} is marked as replacing {mark.replaces}, which it did not have"
        elif mark and account and not account.gives(mark.reason, "publish"):
            yield "forced", effect.key, f"the `forced` mark of {effect.key} gives a different reason than the message"

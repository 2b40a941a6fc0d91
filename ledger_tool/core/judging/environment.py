"""Whether a commit may change what an environment has: the rule of `ledger promote`, held against the message.

- Only `promote` changes it; `remove` takes an image out, and says why.
- What it has afterwards is recorded of its version, which is neither yanked nor expired when the commit is made.
- If it takes from another environment, that one has the version in the commit's own result; or a reason is given.

A revert has a reason: the commit that it undoes. It may not put back what the environment may no longer have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger_tool.core.changes.account import Account, Accounts
from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.changes.message import Block, Message, MessageEntry, versions_of
from ledger_tool.core.changes.promotion import (
    are_same_images,
    differing,
    environment_effects,
    has_same,
    held,
    lacks_source,
    misfits,
    recorded_version,
    unfit,
    version_of,
)
from ledger_tool.core.changes.revert import NOTHING, Undone, restored
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp, shown, some_of
from ledger_tool.core.ledger.record import Name, Record, pull_digests
from ledger_tool.core.policy.policy import Policy

Records = Sequence[Record]
RULE = "environment"
_MAY = {"promote", "remove", ""}  # a message without a verb of ours may do what any of them does


def judge_environments(
    effects: Sequence[Effect],
    after: Ledger,
    message: Message | None,
    policy: Policy,
    undone: Undone = NOTHING,
    at: Timestamp | None = None,
    base: Policy | None = None,
    accounts: Accounts | None = None,
) -> Iterator[CommitFault]:
    """Yield what is wrong with what a commit, made at a time, does to environments; `after` is the ledger it leaves.

    The message is None for a change that has none yet, which may still get a reason. With a `base`, what an environment
    takes from by that policy counts as well. `accounts` are those of the message, if they have been read already.
    """
    changed = environment_effects(effects, policy)
    if not changed:
        return
    put_back, accounts = restored(effects, undone), accounts or Accounts(message, undone.differences)
    for name, own in changed.items():
        account = accounts.of(name)
        if message and name not in put_back:
            yield from _told(name, own, account, message)
        if any(effect.new and effect.new.version and not old.version for effect in own for old in effect.old):
            yield CommitFault(RULE, own[0].key, _taken_over(name))
        for misfit in misfits(name, after, policy, at):
            yield CommitFault(RULE, own[0].key, misfit)
        if message is None or name in put_back:
            continue
        if odd := _redated(_before(own, after.find(name)), after.find(name), message):
            yield CommitFault("facts", odd.key, f"publishedAt of {odd.key} changed, although it has the same version")
        if not gives_reason(account, own, after):
            if not after.find(name):
                yield CommitFault(RULE, own[0].key, f"it takes {name.image} out of {name.tag} without a `Reason`")
            elif why := lacks_source(name, after, policy) or lacks_source(name, after, base or policy):
                yield CommitFault(RULE, own[0].key, f"{name} changes without a `Reason`: {why}")


def gives_reason(account: Account, effects: Sequence[Effect], after: Ledger) -> bool:
    """Return whether a message gives a reason for what it does to an environment's image, whose account this is.

    A squash tells of steps that nobody can see any more: of those, only the one that led to what is there counts, with
    all of the images that changed.
    """
    name = effects[0].name
    records = after.find(name)
    version, digests = version_of(records), {effect.record.digest for effect in effects if effect.new}

    def may(block: Block) -> bool:
        if records:
            own = ((name.tag,),) if block.counts else ((), (name.tag,))
            return block.verb in ("", "promote") and block.environments in own
        return block.verb in ("", "promote", "remove") and block.environments in ((), (name.tag,))

    def leads(entries: Sequence[MessageEntry]) -> bool:
        return {entry.version for entry in entries} == {version} and digests <= {entry.digest for entry in entries}

    return account.has_reason(may, leads)


def _redated(before: Records, after: Records, message: Message) -> Record | None:
    """Return a record that got another time with what it had; after a squash, it may have gone and come."""
    times = {record.published_at for record in before}
    if message.is_squash or not has_same(before, after):
        return None
    return next((record for record in after if record.published_at not in times), None)


def _before(effects: Sequence[Effect], after: Records) -> Records:
    """Return what an environment had of an image, given what happened to that and what it has."""
    came = {effect.new.key for effect in effects if effect.new}
    return [*(old for effect in effects for old in effect.old), *(one for one in after if one.key not in came)]


def _taken_over(name: Name) -> str:
    return (
        f"{name} was the record of a tag, and becomes what an environment has: remove such records, and declare the "
        "environment once that is in the ledger"
    )


def _given_up(name: Name) -> str:
    return (
        f"{name} was what an environment has, and becomes the record of a tag: remove it first, and use the tag once "
        "that is in the ledger"
    )


def _told(name: Name, effects: Sequence[Effect], account: Account, message: Message) -> Iterator[CommitFault]:
    """Yield what is wrong with what a message says that a commit does to an environment."""
    key = effects[0].key
    if not account.verbs & _MAY:
        verb = min(account.verbs)
        why = f"{name} is what an environment has, which only `ledger promote` changes, and this is a `{verb}`"
        yield CommitFault(RULE, key, why)
    elif account.verbs == {"remove"} and any(effect.new for effect in effects):
        yield CommitFault(RULE, key, f"a `remove` never changes what an environment has, and this one changes {name}")
    before, now = versions_of(effects)
    said = {(one.replaces_version, one.version) for one in message.block.entries if one.name == name}
    if said and said != {(before, now)}:
        words = " from ".join(shown(version) or "nothing" for version in reversed(min(said)))
        yield CommitFault("trailers", key, f"its message says that {name} changes to {words}, which it did not")


def _not_declared(name: Name) -> str:
    return (
        f"{name} has a `version`, and the ledger.yaml before these commits declares no environment `{name.tag}`: let "
        "that land first"
    )


def net_faults(name: Name, before: Ledger, after: Ledger, policy: Policy, *, has_reason: bool) -> Iterator[CommitFault]:
    """Yield what is wrong with what an environment has after a range of commits, seen as one change.

    Each commit was judged by itself. Here, what some did and others undid counts: an environment cannot have been given
    what its version is not afterwards (unless its tag may move), what was not to be used before, nor what another
    environment, which has the same as before, did not have; `has_reason` says that a commit with a reason led there.
    """
    records, base = after.find(name), before.find(name)
    if not records:
        return
    key, version = records[0].key, version_of(records)
    if base and bool(version_of(base)) != bool(version):
        yield CommitFault(RULE, key, _taken_over(name) if version else _given_up(name))
    if not version:
        return
    if name.tag not in policy.environments:
        yield CommitFault(RULE, key, _not_declared(name))
        return
    tag = Name(name.image, version)
    now, was = recorded_version(tag, after, policy), recorded_version(tag, before, policy)
    if not now:
        yield CommitFault(RULE, key, f"{name} has {version}, which is not recorded")
    elif odd := _unlike(records, was, now, is_mutable=policy.is_mutable(version)):
        yield CommitFault(RULE, key, f"{name} has {version}, and not what is recorded of it: {some_of(odd, 5)}")
    promoted_at = records[0].published_at
    ways = {fate.way for fate in unfit(was, before, promoted_at)} if was else set()
    for fate in unfit(now, after, promoted_at) if now else ():
        if fate.way in ways:
            yield CommitFault(RULE, key, f"{name} has {version}, which {fate}")
    settings = policy.environments.get(name.tag)
    source = Name(name.image, settings.source if settings else "")
    is_same = has_same(held(before, source), held(after, source))
    if not has_reason and is_same and (why := lacks_source(name, after, policy)):
        yield CommitFault(RULE, key, f"{name} changes without a `Reason`: {why}")


def _unlike(records: Records, was: Records, now: Records, *, is_mutable: bool) -> list[str]:
    """Return what an environment cannot have been given of a version that is recorded as it `was`, and is `now`."""
    if is_mutable:
        return []
    if was == now:
        return differing(records, now)
    if are_same_images(records, now) or (are_same_images(records, was) and not are_same_images(was, now)):
        return []
    if are_same_images(was, now) or not _may_have_grown(records, now):
        return ["digest"]
    return []


def _may_have_grown(records: Records, now: Records) -> bool:
    """Return whether what was recorded of a version may have become what is: platforms were added, or filled in."""
    images = {(record.platform, record.digest) for record in now}
    known = all(record.may_be_index or (record.platform, record.digest) in images for record in records)
    return known and pull_digests(records) == pull_digests(now)


def merge_faults(effects: Sequence[Effect], before: Ledger, after: Ledger, policy: Policy) -> Iterator[CommitFault]:
    """Yield what is wrong with what a merge commit does to environments of its first parent, whose ledger is `before`.

    It does what the commits of the other line did, one after the other, and their reasons are theirs: it is judged as a
    range that starts at the first parent.
    """
    for name in environment_effects(effects, policy):
        yield from net_faults(name, before, after, policy, has_reason=True)

"""Whether a commit may change what an environment has: the rule of `ledger promote`, held against the message.

- Only `promote` changes it; `remove` takes an image out, and says why.
- What it has afterwards is recorded of its version, which is neither yanked nor expired when the commit is made.
- If it takes from another environment, that one has the version in the commit's own result; or a reason is given.

A revert has a reason: the commit that it undoes. It may not put back what the environment may no longer have.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from ledger_tool.core.changes.account import Account, account_finder
from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.changes.message import Message, versions_of
from ledger_tool.core.changes.promotion import (
    environment_effects,
    lacks_source,
    misfits,
    recorded_version,
    version_of,
)
from ledger_tool.core.changes.revert import NOTHING, Undone, restored
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp, shown
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.policy import Policy

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
) -> Iterator[CommitFault]:
    """Yield what is wrong with what a commit, made at a time, does to environments; `after` is the ledger it leaves.

    The message is None for a change that has none yet, which may still get a reason. With a `base`, what an environment
    takes from by that policy counts as well.
    """
    changed = environment_effects(effects, policy)
    if not changed:
        return
    put_back, account_of = restored(effects, undone), account_finder(message, undone.differences)
    for name, own in changed.items():
        account = account_of(name)
        if message and name not in put_back:
            yield from _told(name, own, account, message)
        if any(effect.new and effect.new.version and not old.version for effect in own for old in effect.old):
            yield CommitFault(RULE, own[0].key, _taken_over(name))
        for misfit in misfits(name, after, policy, at):
            yield CommitFault(RULE, own[0].key, misfit)
        if message and name not in put_back and not account.has_reason():
            if not after.find(name):
                yield CommitFault(RULE, own[0].key, f"it takes {name.image} out of {name.tag} without a `Reason`")
            elif why := lacks_source(name, after, policy) or lacks_source(name, after, base or policy):
                yield CommitFault(RULE, own[0].key, f"{name} changes without a `Reason`: {why}")


def _taken_over(name: Name) -> str:
    return (
        f"{name} was the record of a tag, and becomes what an environment has: remove such records, and declare the "
        "environment once that is in the ledger"
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


def net_faults(
    name: Name, before: Ledger, after: Ledger, policy: Policy, reasoned: Container[Name]
) -> Iterator[CommitFault]:
    """Yield what is wrong with what an environment has after a range of commits, seen as one change.

    Each commit was judged by itself. Here, only what they did and then undid counts: a version, or the source of one,
    that is afterwards as it was before, or gone, cannot have been what the environment was given.
    """
    records, base = after.find(name), before.find(name)
    version = Name(name.image, version_of(records))
    if not records or not version.tag:
        return
    if base and not version_of(base):
        yield CommitFault(RULE, records[0].key, _taken_over(name))
    now, was = recorded_version(version, after, policy), recorded_version(version, before, policy)
    if not now or now == was:
        for why in misfits(name, after, policy):
            yield CommitFault(RULE, records[0].key, why)
    settings = policy.environments.get(name.tag)
    source = Name(name.image, settings.source if settings else "")
    if (
        name not in reasoned
        and before.find(source) == after.find(source)
        and (why := lacks_source(name, after, policy))
    ):
        yield CommitFault(RULE, records[0].key, f"{name} changes without a `Reason`: {why}")

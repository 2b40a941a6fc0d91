"""The commit message of a write: a subject for people, trailers for machines.

`git interpret-trailers --parse` gives the trailers back. A block is one image:tag: `Image`, then for
each of its records `Platform`, `Digest`, and for a moved one `Replaces`; `Source-Ref` once where
they share it. Above `MAX_BLOCKS` image:tags the message counts instead, and history reads that one
commit's diff. No value can hold a line break, so none can forge a trailer: `names` sees to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ledger_tool.core.changes.change import Change
from ledger_tool.core.changes.effect import Act

MAX_BLOCKS = 100


def compose(change: Change, transaction: str) -> str:
    """Return the message of a change's commit.

    `transaction` tells apart two writers who do the same thing in the same second: without it their
    commits would be one and the same, and both would believe that they made it.
    """
    acts = sorted(change.acts, key=lambda act: act.key)
    blocks = [list(group) for _, group in groupby(acts, lambda act: act.name)]
    trailers = list(_counted(acts) if len(blocks) > MAX_BLOCKS else _listed(blocks))
    trailers += change.details
    if change.reason:
        trailers.append(("Reason", change.reason))
    trailers.append(("Transaction-Id", transaction))
    lines = "\n".join(f"{name}: {value}" for name, value in trailers)
    return f"{subject(change)}\n\n{lines}\n"


def subject(change: Change) -> str:
    """Return the first line of a change's message."""
    names = {act.name for act in change.acts}
    return f"{change.verb} {names.pop()}" if len(names) == 1 else f"{change.verb} {len(names)} images"


def _listed(blocks: Sequence[list[Act]]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        yield "Image", str(block[0].name)
        sources = [act.record.source_ref for act in block]
        for at, act in enumerate(block):
            if act.record.platform:
                yield "Platform", act.record.platform
            yield "Digest", act.record.digest
            yield from (("Replaces", digest) for digest in act.replaces)
            if at + 1 == len(block) or sources[at + 1] != sources[at]:
                yield "Source-Ref", sources[at]


def _counted(acts: Sequence[Act]) -> Iterator[tuple[str, str]]:
    yield "Records", str(len(acts))
    sources = sorted({act.record.source_ref for act in acts})
    if len(sources) > MAX_BLOCKS:
        yield "Source-Refs", str(len(sources))
    else:
        yield from (("Source-Ref", source) for source in sources)

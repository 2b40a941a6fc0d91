"""The commit message of a write: a subject for people, trailers for machines.

`git interpret-trailers --parse` gives the trailers back. A block is one image:tag: `Image`, then for
each of its records `Platform`, `Digest`, and for a moved one `Replaces`; `Source-Ref` once where
they share it. Above `MAX_BLOCKS` image:tags the message counts instead, and history reads that one
commit's diff. No value can hold a line break, so none can forge a trailer: `names` sees to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ledger_tool.core.change import Change, Outcome

MAX_BLOCKS = 100


def compose(change: Change, transaction: str) -> str:
    """Return the message of a change's commit.

    `transaction` tells apart two writers who do the same thing in the same second: without it their
    commits would be one and the same, and both would believe that they made it.
    """
    effective = change.effective()
    blocks = [
        list(group) for _, group in groupby(sorted(effective, key=lambda o: o.record.key), lambda o: o.record.name)
    ]
    trailers = list(_counted(effective) if len(blocks) > MAX_BLOCKS else _listed(blocks))
    trailers += change.details
    if change.reason:
        trailers.append(("Reason", change.reason))
    trailers.append(("Transaction-Id", transaction))
    lines = "\n".join(f"{name}: {value}" for name, value in trailers)
    return f"{_subject(change.verb, blocks)}\n\n{lines}\n"


def _subject(verb: str, blocks: Sequence[list[Outcome]]) -> str:
    return f"{verb} {blocks[0][0].record.name}" if len(blocks) == 1 else f"{verb} {len(blocks)} images"


def _listed(blocks: Sequence[list[Outcome]]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        yield "Image", str(block[0].record.name)
        sources = [outcome.record.source_ref for outcome in block]
        for at, outcome in enumerate(block):
            if outcome.record.platform:
                yield "Platform", outcome.record.platform
            yield "Digest", outcome.record.digest
            yield from (("Replaces", digest) for digest in outcome.replaces)
            if at + 1 == len(block) or sources[at + 1] != sources[at]:
                yield "Source-Ref", sources[at]


def _counted(effective: Sequence[Outcome]) -> Iterator[tuple[str, str]]:
    yield "Records", str(len(effective))
    sources = sorted({outcome.record.source_ref for outcome in effective})
    if len(sources) > MAX_BLOCKS:
        yield "Source-Refs", str(len(sources))
    else:
        yield from (("Source-Ref", source) for source in sources)

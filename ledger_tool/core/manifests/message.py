"""The commit message and the branch of a bump: what moved, from what to what, and a link to the difference.

Every value in it has a grammar without spaces or line breaks (images, tags, digests, URLs of sourceRefs), so none can
forge a second line or a trailer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from ledger_tool.core.manifests.rewrite import Edit

MARK = "Ledger-Bump"
_MOST = 100
BumpedTag = tuple[str, str, str, str, str]  # image, old tag, new tag, digest, compare link


def subject(edits: Sequence[Edit], environment: str = "") -> str:
    """Return one line for people; with an environment, the edits are to what that one has."""
    moves = _moves(edits)
    images = {image for image, *_ in moves}
    tags = {tag for _, _, tag, *_ in moves}
    where = f", as in {environment}" if environment else ""
    if len(images) != 1:
        return f"bump {len(images)} images{where}"
    return f"bump {images.pop()} to {tags.pop()}{where}" if len(tags) == 1 else f"bump {images.pop()}{where}"


def compose(edits: Sequence[Edit], *, environment: str = "", branch: str = "", ledger_commit: str = "") -> str:
    """Return the message of a bump's commit. `branch` is the one of a pull request, or `""`."""
    lines = [subject(edits, environment), ""]
    moves = _moves(edits)
    for move in moves[:_MOST]:
        lines += _lines(move)
    if len(moves) > _MOST:
        lines += [f"and {len(moves) - _MOST} more", ""]
    lines.append(f"{MARK}: {branch or 'commit'}")
    if ledger_commit:
        lines.append(f"Ledger-Commit: {ledger_commit}")
    return "\n".join(lines) + "\n"


def _moves(edits: Sequence[Edit]) -> list[BumpedTag]:
    return list(dict.fromkeys((edit.image, *edit.tags, edit.digest, edit.compare) for edit in edits))


def _lines(move: BumpedTag) -> Iterator[str]:
    image, old, new, digest, compare = move
    yield f"{image} {old or 'no tag'} -> {new or 'no tag'}" if old != new else f"{image} {new}"
    yield f"  {digest}"
    if compare:
        yield f"  {compare}"
    yield ""


def branch_of(base: str, paths: Sequence[str], policies: Sequence[str]) -> str:
    """Return the branch of a pull request: the same for the same arguments, so that an open request is updated."""
    question = "\0".join([base, *sorted(paths), "", *policies])
    return f"ledger/bump-{hashlib.sha256(question.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"

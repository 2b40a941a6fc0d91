"""Whose signatures a change needs, in words: one line for each group of owners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ledger_tool.core.judging.owners import Owned

_MOST_GROUPS = 10


def grouped(owned: Iterable[Owned]) -> Mapping[tuple[str, ...], list[str]]:
    """Return what changes of each group of owners."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for one in owned:
        groups.setdefault(one.signers, []).append(one.what)
    return groups


def signature_lines(owned: Iterable[Owned], clean: Callable[[str], str], most: int = 0) -> Iterator[str]:
    """Yield a line for each group of owners; with `most`, at most so many names, and a bounded number of lines."""
    groups = list(grouped(owned).items())
    shown = groups[:_MOST_GROUPS] if most else groups
    for signers, things in shown:
        named = _listed([clean(one) for one in signers], " or ", most)
        yield f"needs the signature of {named}: {_listed([clean(one) for one in things], ', ', most)}"
    if len(groups) > len(shown):
        yield f"needs {len(groups) - len(shown)} more signatures; `ledger diff` shows them"


def _listed(names: list[str], between: str, most: int) -> str:
    more = f" and {len(names) - most} more" if 0 < most < len(names) else ""
    return between.join(names[:most] if most else names) + more

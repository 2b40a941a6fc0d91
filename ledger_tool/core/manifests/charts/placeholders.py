"""Paths with placeholders: `charts/{{ .name }}`, `${NAME}/values.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}|\$\{(.*?)\}")


def has_placeholders(path: str) -> bool:
    """Return whether a part of a path is only known when it is rendered."""
    return bool(_PLACEHOLDER.search(path))


def first_placeholder(path: str) -> int:
    """Return where the first part of a path is that is only known when it is rendered, or where the path ends."""
    found = _PLACEHOLDER.search(path)
    return found.start() if found else len(path)


def matcher(path: str, known: Mapping[str, str]) -> re.Pattern[str]:
    """Return what matches a path whose placeholders stand for any names, or for those that are `known`.

    The groups `p0`, `p1`, … have what the placeholders stand for; see `bound`.
    """
    parts, end, names = [], 0, _names(path)
    for found in _PLACEHOLDER.finditer(path):
        parts.append(re.escape(path[end : found.start()]))
        name = found[1] or found[2] or ""
        number, end = names.index(name), found.end()
        some = ".+" if name.endswith("path") else "[^/]+"  # Argo CD's `path` may have several parts
        first = f"(?P<p{number}>{some})" if f"(?P<p{number}>" not in "".join(parts) else f"(?P=p{number})"
        parts.append(re.escape(known[name]) if name in known else first)
    return re.compile("".join([*parts, re.escape(path[end:])]))


def bound(path: str, match: re.Match[str]) -> dict[str, str]:
    """Return what the placeholders of a path stand for in a match."""
    groups = match.groupdict()
    return {name: groups[f"p{number}"] for number, name in enumerate(_names(path)) if f"p{number}" in groups}


def _names(path: str) -> list[str]:
    return list(dict.fromkeys(found[1] or found[2] or "" for found in _PLACEHOLDER.finditer(path)))

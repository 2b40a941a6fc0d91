"""The images that kustomizations among the files take apart, and so must have no digest behind their tags."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from ledger_tool.core.manifests import yamltree
from ledger_tool.core.manifests.replacements import (
    TakenApart,
    in_images,
    named_files,
    names_taken_apart,
    resources,
    taken_apart,
)
from ledger_tool.core.manifests.shapes.visit import value
from ledger_tool.core.manifests.tokens import TextFault
from ledger_tool.core.manifests.yamltree import YamlNode
from ledger_tool.edges.files.chart_files import ChartFiles
from ledger_tool.edges.files.chart_loading import MAX_FILE
from ledger_tool.edges.files.used_charts import joined

_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_SAYS = re.compile(rb"replacements|transformers|\\")  # the last in a name with an escape
_MOST = 20_000  # files of one kustomization


class Kustomizations:
    """The kustomizations among the files with these paths; they are read once, when that is asked for."""

    def __init__(self, files: ChartFiles, judged: Collection[str]) -> None:
        self._files = files
        self._paths = [path for path in judged if path.rpartition("/")[2] in _NAMES]

    def rules(self, path: str) -> Sequence[TakenApart]:
        """Return what kustomizations take apart in a file."""
        return self._rules.get(path, ())

    @cached_property
    def any(self) -> bool:
        """Whether a kustomization takes anything apart."""
        return bool(self._paths and self._rules)

    @cached_property
    def _roots(self) -> dict[str, YamlNode]:
        """The kustomizations, by their paths."""
        return {path: root for path in self._paths for root in self._read(path)[:1]}

    @cached_property
    def _rules(self) -> dict[str, list[TakenApart]]:
        """What is taken apart, by file: a component, by the kustomizations that it is a part of."""
        found: dict[str, list[TakenApart]] = {}
        # Few of them say something of it, and only then the others are read too.
        saying = [path for path, raw in self._files.contents(self._paths) if raw and _SAYS.search(raw)]
        own = {path: rules for path in saying if path in self._roots and (rules := list(self._own(path)))}
        if not own:
            return found
        parts = {path: set(self._below(path)) for path in self._roots}
        for path, rules in own.items():
            is_part = value(self._roots[path], "kind") == "Component"
            above = [below for other, below in parts.items() if other == path or (is_part and path in below)]
            users = {file for below in above for file in below}
            roots = {file: self._roots.get(file) for file in users}
            apart = [rule for rule in rules if rule.delimiter]
            names = {name for file, root in roots.items() if not root for name in self._names(file, apart)}
            for file, root in roots.items():
                found.setdefault(file, []).extend(in_images(names, apart[0]) if root and apart else rules)
        return {file: list(dict.fromkeys(rules)) for file, rules in found.items()}

    def _names(self, file: str, rules: Sequence[TakenApart]) -> Iterator[str]:
        return (name for root in self._read(file) for name in names_taken_apart(root, rules))

    def _own(self, path: str) -> Iterator[TakenApart]:
        root = self._roots[path]
        folder, _, name = path.rpartition("/")
        yield from taken_apart(root, f"{folder.rpartition('/')[2]}/{name}".lstrip("/"))
        for named in named_files(root):
            if "\n" in named:
                for other in _roots(named.encode()):
                    yield from taken_apart(other, f"{folder.rpartition('/')[2]}/{name}")
                continue
            for file in self._below(joined(folder, named)):
                for other in self._read(file):
                    yield from taken_apart(other, posixpath.relpath(f"/{file}", f"/{folder}/.."))

    def _below(self, path: str) -> Iterator[str]:
        """Yield a kustomization's files, its own first, and those of the kustomizations that it names."""
        ahead = _places(path)
        seen = set(ahead)
        while ahead and len(seen) < _MOST:
            file = ahead.pop()
            yield file
            folder = file.rpartition("/")[0]
            for named in resources(self._roots[file]) if file in self._roots else ():
                others = _places(joined(folder, named))
                ahead += [one for one in others if one not in seen]
                seen.update(others)

    def _read(self, path: str) -> list[YamlNode]:
        raw = self._files.read(path)
        return _roots(raw) if raw is not None and len(raw) <= MAX_FILE else []


def _places(path: str) -> list[str]:
    """Return the files that a path may mean: itself, or the kustomization in it."""
    return [path, *(f"{path}/{name}" for name in _NAMES)]


def _roots(raw: bytes) -> list[YamlNode]:
    from ledger_tool.edges.yaml.manifest_tokens import tokens

    try:
        text = yamltree.decoded(raw)
        return [root for document in yamltree.documents(text) for root in yamltree.tree(tokens(text, document))]
    except TextFault:
        return []

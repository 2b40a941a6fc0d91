"""The images that kustomizations among the files take apart, and so must have no digest behind their tags."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from ledger_tool.core.manifests import yamltree
from ledger_tool.core.manifests.replacements import TakenApart, named_files, resources, taken_apart
from ledger_tool.core.manifests.tokens import TextFault
from ledger_tool.core.manifests.yamltree import YamlNode
from ledger_tool.edges.files.chart_files import ChartFiles
from ledger_tool.edges.files.chart_loading import MAX_FILE
from ledger_tool.edges.files.used_charts import joined

_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
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
        own = {path: rules for path, root in self._roots.items() if (rules := list(self._own(path, root)))}
        if not own:
            return found
        parts = {path: set(self._below(path)) for path in self._roots}
        for path, rules in own.items():
            for users in (below for other, below in parts.items() if other == path or path in below):
                for file in users:
                    found.setdefault(file, []).extend(rules)
        return {file: list(dict.fromkeys(rules)) for file, rules in found.items()}

    def _own(self, path: str, root: YamlNode) -> Iterator[TakenApart]:
        folder, _, name = path.rpartition("/")
        yield from taken_apart(root, f"{folder.rpartition('/')[2]}/{name}")
        for named in named_files(root):
            for other in self._read(joined(folder, named)) if "\n" not in named else ():
                yield from taken_apart(other, joined(folder.rpartition("/")[2], named))

    def _below(self, path: str) -> Iterator[str]:
        """Yield a kustomization's files, its own first, and those of the kustomizations that it names."""
        seen, ahead = {path}, [path]
        while ahead and len(seen) < _MOST:
            file = ahead.pop()
            yield file
            folder = file.rpartition("/")[0]
            for named in resources(self._roots[file]) if file in self._roots else ():
                place = joined(folder, named)
                others = [place, *(f"{place}/{name}" for name in _NAMES)]
                ahead += [one for one in others if one not in seen]
                seen.update(others)

    def _read(self, path: str) -> list[YamlNode]:
        from ledger_tool.edges.yaml.manifest_tokens import tokens

        raw = self._files.read(path)
        if raw is None or len(raw) > MAX_FILE:
            return []
        try:
            text = yamltree.decoded(raw)
            return [root for document in yamltree.documents(text) for root in yamltree.tree(tokens(text, document))]
        except TextFault:
            return []

"""Helm charts, read from their folders with what they depend on.

Dependencies are those in `charts/`, as folders or as archives, and those that `file://` names; nothing is downloaded.
"""

from __future__ import annotations

import io
import posixpath
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import chain

from ledger_tool.core.manifests import yamltree
from ledger_tool.core.manifests.charts.chart import MAX_SUBCHARTS, HelmChart
from ledger_tool.core.manifests.charts.filled import filled_places, handed_down
from ledger_tool.core.manifests.charts.metadata import ChartMetadata, Dependency, metadata_of
from ledger_tool.core.manifests.charts.paths import Path as ValuePath
from ledger_tool.core.manifests.tokens import TextFault
from ledger_tool.core.manifests.yamltree import YamlNode
from ledger_tool.edges.files.chart_files import MAX_ARCHIVE, ChartFiles, FilesByPath

MAX_FILE = 2**20  # of a template; larger ones are not read
DEFAULTS = "values.yaml"
OTHERS = ("templates", "crds")
_MAX_TEMPLATES = 2_000
_MAX_CHARTS = 200  # that one depends on
_MAX_ABOVE = 8  # folders
_OF_CHART = re.compile(r"/templates/|/(?:Chart|requirements|values)\.yaml\Z|\.tgz\Z")
_NO_TEMPLATE = "{{ not read }"  # instead of what cannot be read: nobody can follow it
_NOT_READ = b"\xff"  # instead of a file that is too large


def _nothing(folder: str) -> Iterable[Sequence[YamlNode]]:
    del folder
    return ()


def _none(folder: str) -> Iterable[tuple[str, str]]:
    del folder
    return ()


class LoadedCharts:
    """The charts in folders; each is read once, when it is asked for.

    `elsewhere` returns the roots of the values that a chart gets from outside its folder, and `umbrellas` the charts
    that depend on one with its name, with the keys that its values have there.
    """

    def __init__(self, files: ChartFiles) -> None:
        self.elsewhere: Callable[[str], Iterable[Sequence[YamlNode]]] = _nothing
        self.umbrellas: Callable[[str], Iterable[tuple[str, str]]] = _none
        self._files = files
        self._charts: dict[str, HelmChart | None] = {}
        self._roots: dict[str, YamlNode | None] = {}
        self._parents: dict[str, tuple[tuple[str, str], ...]] = {}
        self._depends: dict[str, tuple[Dependency, ...]] = {}
        self._left = _MAX_CHARTS

    def chart(self, folder: str) -> HelmChart | None:
        """Return the chart in a folder, or None if there is none."""
        if folder not in self._charts:
            self._left = _MAX_CHARTS
            self._charts[folder] = self.loaded(folder, 0)
        return self._charts[folder]

    def values(self, path: str) -> YamlNode | None:
        """Return what a file with values says, or None if it cannot be read."""
        if path not in self._roots:
            self._roots[path] = next(iter(_parsed(self._files.read(path) or b"")), None)
        return self._roots[path]

    def yaml_below(self, folder: str, depth: int = 0) -> Iterator[str]:
        """Yield the files of a chart's folder that may have values."""
        for name, is_folder in self._files.names(folder)[:_MAX_TEMPLATES]:
            path = below(folder, name)
            if is_folder:
                is_own = depth or name not in (*OTHERS, "charts")
                if is_own and depth < _MAX_ABOVE and name != ".git" and not self._files.read(f"{path}/Chart.yaml"):
                    yield from self.yaml_below(path, depth + 1)
            elif name != "Chart.yaml" and name.lower().endswith((".yaml", ".yml", ".json")):
                yield path

    def parents(self, folder: str) -> Sequence[tuple[str, str]]:
        """Return the charts that depend on the one in a folder, and the keys that its values have there."""
        if folder not in self._parents:
            self._parents[folder] = tuple(self._found_parents(folder))
        return self._parents[folder]

    def _found_parents(self, folder: str) -> Iterator[tuple[str, str]]:
        around, _, name = folder.rpartition("/")
        above, _, last = around.rpartition("/")
        if last == "charts" and self._has_chart(above):
            keys = [one.key for one in self.dependencies(above) if one.name == name]
            yield from ((above, key) for key in keys or [name])
        for beside, is_folder in self._files.names(around) if name else ():
            other = below(around, beside)
            for one in self.dependencies(other) if is_folder and other != folder else ():
                if _local(other, one) == folder:
                    yield other, one.key
        yield from self.umbrellas(folder)

    def _has_chart(self, folder: str) -> bool:
        return self._files.read(below(folder, "Chart.yaml")) is not None

    def name(self, folder: str) -> str:
        """Return what the chart in a folder calls itself."""
        return _metadata(self._files.read(below(folder, "Chart.yaml")) or b"").name

    def dependencies(self, folder: str) -> tuple[Dependency, ...]:
        """Return what the chart in a folder depends on."""
        if folder not in self._depends:
            contents = [self._files.read(below(folder, name)) for name in ("Chart.yaml", "requirements.yaml")]
            self._depends[folder] = tuple(one for raw in contents if raw for one in _metadata(raw).dependencies)
        return self._depends[folder]

    def loaded(self, folder: str, depth: int) -> HelmChart | None:
        """Return the chart in a folder, which is at a depth below another one, or None if there is none."""
        raw = self._files.read(below(folder, "Chart.yaml"))
        self._left -= raw is not None
        if raw is None or depth > MAX_SUBCHARTS or self._left < 0:
            return None
        metadata = _metadata(raw)
        listed = metadata.dependencies
        if requirements := self._files.read(below(folder, "requirements.yaml")):  # of Helm 2
            listed += _metadata(requirements).dependencies
        vendored = dict(self._vendored(below(folder, "charts"), depth))
        subcharts, absent = [], []
        for dependency in listed:
            found = vendored.get(dependency.name) or self._local(folder, dependency, depth)
            if found:
                subcharts.append((dependency.key, found))
            else:
                absent.append(dependency.key)
        known = {dependency.name for dependency in listed}
        subcharts += [(name, chart) for name, chart in vendored.items() if name not in known]
        templates = dict(self._templates(folder, "templates"))
        if not _parsed(raw):  # nobody knows its dependencies, or whether Helm takes it at all
            templates["Chart.yaml"] = _NO_TEMPLATE
        return HelmChart(
            templates=templates,
            name=metadata.name,
            app_version=metadata.app_version,
            is_library=metadata.is_library,
            subcharts=tuple(subcharts),
            absent=tuple(absent),
            values=partial(self.values, below(folder, DEFAULTS)),
            filled=cache(partial(self._filled, folder)),
        )

    def _filled(self, folder: str, depth: int = 0) -> frozenset[ValuePath] | None:
        raws = map(self._files.read, self.yaml_below(folder, 0))
        own = (_roots(_NOT_READ if raw is None else raw) for raw in raws)
        found = filled_places(chain(own, self.elsewhere(folder)))
        for parent, key in self.parents(folder) if depth < MAX_SUBCHARTS else ():
            above = self._filled(parent, depth + 1)
            if found is None or above is None:
                return None
            found |= handed_down(above, key)
        return found

    def _vendored(self, folder: str, depth: int) -> Iterator[tuple[str, HelmChart]]:
        for name, is_folder in self._files.names(folder):
            path = below(folder, name)
            if is_folder:
                chart = self.loaded(path, depth + 1)
                if chart:
                    yield name, chart
            elif name.endswith(".tgz") and (raw := self._files.read(path)):
                yield from _archived(raw, depth + 1)

    def _local(self, folder: str, dependency: Dependency, depth: int) -> HelmChart | None:
        local = _local(folder, dependency)
        return self.loaded(local, depth + 1) if local else None

    def _templates(self, folder: str, part: str) -> Iterator[tuple[str, str]]:
        for name, is_folder in self._files.names(below(folder, part))[:_MAX_TEMPLATES]:
            path = f"{part}/{name}"
            if is_folder:
                yield from self._templates(folder, path)
            elif (raw := self._files.read(below(folder, path))) is not None:
                is_text = len(raw) <= MAX_FILE
                yield path, raw.decode("utf-8", "replace") if is_text else _NO_TEMPLATE


def _local(folder: str, dependency: Dependency) -> str:
    """Return the folder that a dependency of a chart names, or `""`."""
    is_local = dependency.repository.startswith("file://")
    return posixpath.normpath(below(folder, dependency.repository[7:])) if is_local else ""


def below(folder: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return f"{folder}/{name}" if folder else name


def _metadata(raw: bytes) -> ChartMetadata:
    return metadata_of(_parsed(raw))


def _parsed(raw: bytes) -> list[YamlNode]:
    """Return the roots of a file's first document; none if it cannot be read."""
    try:
        return _roots(raw)
    except TextFault:
        return []


def _roots(raw: bytes) -> list[yamltree.YamlNode]:
    """Return the content of a file's first document. Raises TextFault."""
    from ledger_tool.edges.yaml.manifest_tokens import tokens

    text = yamltree.decoded(raw)
    (document, *_) = yamltree.documents(text)
    return yamltree.tree(tokens(text, document))


def _archived(raw: bytes, depth: int) -> Iterator[tuple[str, HelmChart]]:
    """Yield the chart in an archive, by the name of its folder; none if the archive is damaged or very large."""
    contents: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:gz") as archive:
            for member in archive:
                total += member.size  # what is passed over is unpacked too
                if total > MAX_ARCHIVE or len(contents) > _MAX_TEMPLATES:
                    return
                if member.isfile() and _OF_CHART.search(member.name) and (stream := archive.extractfile(member)):
                    contents[posixpath.normpath(member.name)] = stream.read()
    except (tarfile.TarError, OSError, EOFError):
        return
    files = FilesByPath(contents, contents.get)
    for name, _ in files.names(""):
        if chart := LoadedCharts(files).loaded(name, depth):
            yield name, chart

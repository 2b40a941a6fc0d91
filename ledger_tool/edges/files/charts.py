"""The Helm chart around a file: found in the folders above it, and read with what it depends on.

Dependencies are those in `charts/`, as folders or as archives, and those that `file://` names; nothing is downloaded.
"""

from __future__ import annotations

import io
import os
import posixpath
import re
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path
from typing import Protocol

from ledger_tool.core.manifests import yamltree
from ledger_tool.core.manifests.charts.around import ChartAround, Overlays, ValuesFile
from ledger_tool.core.manifests.charts.chart import MAX_SUBCHARTS, HelmChart
from ledger_tool.core.manifests.charts.filled import filled_places, handed_down
from ledger_tool.core.manifests.charts.metadata import ChartMetadata, Dependency, metadata_of
from ledger_tool.core.manifests.charts.paths import Path as ValuePath
from ledger_tool.core.manifests.inherited import sites_in
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.tokens import TextFault
from ledger_tool.core.manifests.yamltree import YamlNode

MAX_FILE = 2**20  # of a template; larger ones are not read
_MAX_ARCHIVE = 20 * 2**20  # unpacked
_MAX_TEMPLATES = 2_000
_MAX_CHARTS = 200  # that one depends on
_MAX_ABOVE = 8  # folders
_VALUES = ("*values*.yaml", "*values*.yml")
_OF_CHART = re.compile(r"/templates/|/(?:Chart|requirements|values)\.yaml\Z|\.tgz\Z")
_DEFAULTS = "values.yaml"
_OTHERS = ("templates", "crds")
_NOT_READ = b"\xff"  # instead of a file that is too large


class ChartFiles(Protocol):
    """Files by their paths, which have slashes."""

    def names(self, folder: str) -> list[tuple[str, bool]]:
        """Return the names in a folder, sorted, each with whether it is a folder; none if there is no such folder."""

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None if there is none, or a very large one."""

    def is_top(self, folder: str) -> bool:
        """Return whether nothing above a folder belongs to it."""


class DiskFiles:
    """Files on disk. Symbolic links are followed to files, not to folders."""

    def names(self, folder: str) -> list[tuple[str, bool]]:
        """Return what is in a folder."""
        try:
            with os.scandir(folder) as entries:
                return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        except OSError:
            return []

    def read(self, path: str) -> bytes | None:
        """Return what is in a file."""
        try:
            if not stat.S_ISREG(Path(path).stat().st_mode):
                return None
            with open(path, "rb") as stream:
                raw = stream.read(_MAX_ARCHIVE + 1)
        except OSError:
            return None
        return raw if len(raw) <= _MAX_ARCHIVE else None

    def is_top(self, folder: str) -> bool:
        """Return whether a folder is the top of a repository, or of the disk."""
        return Path(folder).parent == Path(folder) or Path(folder, ".git").exists()


class FilesByPath:
    """Files of which all paths are known: those of a commit, or of an archive."""

    def __init__(self, paths: Mapping[str, object], read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._paths = paths
        self._folders: dict[str, set[tuple[str, bool]]] = {}
        for path in paths:
            name, is_folder = path, False
            while name:
                folder, _, last = name.rpartition("/")
                self._folders.setdefault(folder, set()).add((last, is_folder))
                name, is_folder = folder, True

    def names(self, folder: str) -> list[tuple[str, bool]]:
        """Return what is in a folder."""
        return sorted(self._folders.get(folder, ()))

    def read(self, path: str) -> bytes | None:
        """Return what is in a file."""
        return self._read(path) if path in self._paths else None

    def is_top(self, folder: str) -> bool:
        """Return whether a folder is the one that contains all."""
        return not folder


class Charts:
    """The charts around files; each is read once, when it is asked for."""

    def __init__(self, files: ChartFiles, is_judged: Callable[[str], bool] = lambda _: False) -> None:
        self._files = files
        self._is_judged = is_judged
        self._overlays: dict[str, Overlays] = {}
        self._charts: dict[str, HelmChart | None] = {}
        self._tops: dict[str, bool] = {}
        self._left = _MAX_CHARTS

    def around(self, path: str) -> ChartAround | None:
        """Return the chart whose values a file may have, or None."""
        folder, _, name = path.rpartition("/")
        for _ in range(_MAX_ABOVE):
            if folder not in self._charts:
                self._left = _MAX_CHARTS
                self._charts[folder] = self.loaded(folder, 0)
            if chart := self._charts[folder]:
                below = path.removeprefix(folder).lstrip("/")
                is_values = any(fnmatchcase(part.lower(), glob) for glob in _VALUES for part in (name, below))
                is_other = below.split("/")[0] in _OTHERS or name == "Chart.yaml"
                return None if is_other else ChartAround(chart, is_values, self._over(folder, below))
            if folder not in self._tops:
                self._tops[folder] = self._files.is_top(folder)
            if self._tops[folder]:
                return None
            folder = folder.rpartition("/")[0]
        return None

    def _over(self, folder: str, below: str) -> Overlays | None:
        if below != _DEFAULTS:
            return None
        return self._overlays.setdefault(folder, Overlays(partial(self._values_files, folder, folder, (), 0)))

    def _values_files(self, chart: str, folder: str, above: tuple[str, ...], depth: int) -> Iterator[ValuesFile]:
        """Yield the files that may be laid over a chart's `values.yaml`: those in `folder`, and in charts above it."""
        for path in self._yaml_below(folder, 0):
            if above or path != _below(folder, _DEFAULTS):
                name = posixpath.relpath("/" + path.lstrip("/"), "/" + chart.lstrip("/"))
                around = partial(self.around, path)
                yield ValuesFile(name, partial(self._sites, path, around), around, above, self._is_judged(path))
        if depth < MAX_SUBCHARTS:
            for parent, key in self._parents(folder):
                yield from self._values_files(chart, parent, (key, *above), depth + 1)

    def _yaml_below(self, folder: str, depth: int) -> Iterator[str]:
        for name, is_folder in self._files.names(folder)[:_MAX_TEMPLATES]:
            path = _below(folder, name)
            if is_folder:
                is_own = depth or name not in (*_OTHERS, "charts")
                if is_own and depth < _MAX_ABOVE and name != ".git" and not self._files.read(f"{path}/Chart.yaml"):
                    yield from self._yaml_below(path, depth + 1)
            elif name != "Chart.yaml" and name.lower().endswith((".yaml", ".yml", ".json")):
                yield path

    def _sites(
        self, path: str, around: Callable[[], ChartAround | None], ours: OurImages
    ) -> Iterable[tuple[Site, str]]:
        from ledger_tool.edges.yaml.manifest_tokens import tokens

        raw = self._files.read(path)
        return sites_in(path, raw, tokens, around, ours) if raw and len(raw) <= MAX_FILE else ()

    def _parents(self, folder: str) -> Iterator[tuple[str, str]]:
        """Yield the charts that depend on the one in a folder, and the keys that its values have there."""
        around, _, name = folder.rpartition("/")
        above, _, last = around.rpartition("/")
        if last == "charts" and self._has_chart(above):
            keys = [one.key for one in self._dependencies(above) if one.name == name]
            yield from ((above, key) for key in keys or [name])
        for beside, is_folder in self._files.names(around) if name else ():
            other = _below(around, beside)
            for one in self._dependencies(other) if is_folder and other != folder else ():
                if _local(other, one) == folder:
                    yield other, one.key

    def _has_chart(self, folder: str) -> bool:
        return self._files.read(_below(folder, "Chart.yaml")) is not None

    def _dependencies(self, folder: str) -> tuple[Dependency, ...]:
        contents = [self._files.read(_below(folder, name)) for name in ("Chart.yaml", "requirements.yaml")]
        return tuple(one for raw in contents if raw for one in _metadata(raw).dependencies)

    def loaded(self, folder: str, depth: int) -> HelmChart | None:
        """Return the chart in a folder, which is at a depth below another one, or None if there is none."""
        raw = self._files.read(_below(folder, "Chart.yaml"))
        self._left -= raw is not None
        if raw is None or depth > MAX_SUBCHARTS or self._left < 0:
            return None
        metadata = _metadata(raw)
        listed = metadata.dependencies
        if requirements := self._files.read(_below(folder, "requirements.yaml")):  # of Helm 2
            listed += _metadata(requirements).dependencies
        vendored = dict(self._vendored(_below(folder, "charts"), depth))
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
        return HelmChart(
            templates=templates,
            is_library=metadata.is_library,
            subcharts=tuple(subcharts),
            absent=tuple(absent),
            values=cache(partial(self._values, folder)),
            filled=partial(self._filled, folder),
        )

    def _values(self, folder: str) -> YamlNode | None:
        return next(iter(_parsed(self._files.read(_below(folder, _DEFAULTS)) or b"")), None)

    def _filled(self, folder: str, depth: int = 0) -> frozenset[ValuePath] | None:
        raws = map(self._files.read, self._yaml_below(folder, 0))
        found = filled_places(_roots(_NOT_READ if raw is None else raw) for raw in raws)
        for parent, key in self._parents(folder) if depth < MAX_SUBCHARTS else ():
            above = self._filled(parent, depth + 1)
            if found is None or above is None:
                return None
            found |= handed_down(above, key)
        return found

    def _vendored(self, folder: str, depth: int) -> Iterator[tuple[str, HelmChart]]:
        for name, is_folder in self._files.names(folder):
            path = _below(folder, name)
            if is_folder:
                chart = self.loaded(path, depth + 1)
                if chart:
                    yield name, chart
            elif name.endswith(".tgz") and (raw := self._files.read(path)):
                yield from _archived(raw, depth + 1)

    def _local(self, folder: str, dependency: Dependency, depth: int) -> HelmChart | None:
        local = _local(folder, dependency)
        return self.loaded(local, depth + 1) if local else None

    def _templates(self, folder: str, below: str) -> Iterator[tuple[str, str]]:
        for name, is_folder in self._files.names(_below(folder, below))[:_MAX_TEMPLATES]:
            path = f"{below}/{name}"
            if is_folder:
                yield from self._templates(folder, path)
            elif (raw := self._files.read(_below(folder, path))) is not None:
                is_text = len(raw) <= MAX_FILE
                yield path, raw.decode("utf-8", "replace") if is_text else "{{ too large }"


def _local(folder: str, dependency: Dependency) -> str:
    """Return the folder that a dependency of a chart names, or `""`."""
    is_local = dependency.repository.startswith("file://")
    return posixpath.normpath(_below(folder, dependency.repository[7:])) if is_local else ""


def _below(folder: str, name: str) -> str:
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
                if total > _MAX_ARCHIVE or len(contents) > _MAX_TEMPLATES:
                    return
                if member.isfile() and _OF_CHART.search(member.name) and (stream := archive.extractfile(member)):
                    contents[posixpath.normpath(member.name)] = stream.read()
    except (tarfile.TarError, OSError, EOFError):
        return
    files = FilesByPath(contents, contents.get)
    for name, _ in files.names(""):
        if chart := Charts(files).loaded(name, depth):
            yield name, chart

"""Many manifests are written at once, each all or nothing, and reported in their order."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger_tool.core.manifests.pin import Judgement
from ledger_tool.core.manifests.rewrite import Judge, Rewritten
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.splice import WantedVersion
from ledger_tool.edges.files import manifests
from ledger_tool.edges.files.disk import replace_atomically
from ledger_tool.edges.files.manifests import FolderManifests
from ledger_tool.errors import LocalDiskError
from tests.support.values.make import digest

_OLD, _NEW = "image: myorg/app:v1\n", f"image: myorg/app:v1@{digest()}\n"


def _judgement(site: Site) -> Judgement:
    return Judgement("myorg/app", "unpinned", "", WantedVersion(site.tag, digest()))


_judge = Judge(_judgement)


def _many(folder: Path) -> tuple[FolderManifests, list[Rewritten]]:
    for at in range(40):
        (folder / f"{at:02}.yaml").write_text(_OLD)
    found = FolderManifests([str(folder)])
    return found, list(found.rewritten(_judge, lambda *_: None, write=True))


def test_what_somebody_else_changed_is_left_alone_and_the_others_are_written(tmp_path: Path) -> None:
    found, files = _many(tmp_path)
    (tmp_path / "07.yaml").write_text("image: other\n")
    (tmp_path / "08.yaml").unlink()
    problems = found.replace(files)
    assert [at for at, problem in enumerate(problems) if problem] == [7, 8]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        f"{at:02}.yaml": _NEW if at != 7 else "image: other\n" for at in range(40) if at != 8
    }


def test_a_full_disk_stops_all_writers_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, files = _many(tmp_path)

    def fail(path: Path, content: bytes, *, is_alone: bool) -> None:
        if path.name == "20.yaml":
            raise LocalDiskError("cannot write: no space left on device", "free some disk space")
        replace_atomically(path, content, is_alone=is_alone)

    monkeypatch.setattr(manifests, "replace_atomically", fail)
    with pytest.raises(LocalDiskError):
        found.replace(files)
    assert len(list(tmp_path.iterdir())) == 40
    assert {path.read_text() for path in tmp_path.iterdir()} <= {_OLD, _NEW}


def test_a_file_is_read_once_by_whatever_names_and_links_it_is_given(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / "a.yaml").write_text(_OLD)
    (folder / "b.yaml").symlink_to("a.yaml")  # within a folder, links are not followed
    (tmp_path / "link").symlink_to("real")
    named = [tmp_path / "link", folder, folder / "b.yaml", folder / "a.yaml", f"{folder}/../link"]
    found = FolderManifests([str(path) for path in named])
    assert [file.path for file in found.rewritten(_judge, lambda *_: None, write=False)] == [f"{tmp_path}/link/a.yaml"]

"""The chart around a file: which it is, and where its dependencies are."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from ledger_tool.core.manifests.charts.around import ChartAround
from ledger_tool.core.manifests.charts.chart import HelmChart
from ledger_tool.edges.files import chart_loading
from ledger_tool.edges.files.chart_files import DiskFiles, FilesByPath
from ledger_tool.edges.files.charts import Charts


def write(top: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)


def around(path: Path | str) -> HelmChart | None:
    found = around_in(Charts(DiskFiles()), str(path))
    return found.chart if found else None


def around_in(charts: Charts, path: str) -> ChartAround | None:
    return next(iter(charts.of(path).whole), None)


def archive(files: dict[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            raw = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return packed.getvalue()


def test_the_nearest_chart_above_is_the_one_and_none_beyond_the_repository(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "Chart.yaml": "name: outside",
            "repo/.git/HEAD": "",
            "repo/app/Chart.yaml": "name: app",
            "repo/app/templates/deep/a.yaml": "app",
            "repo/app/charts/sub/Chart.yaml": "name: sub",
            "repo/app/charts/sub/templates/b.yaml": "sub",
        },
    )
    repo = tmp_path / "repo"
    assert around(repo / "values.yaml") is None
    for name in ("values.yaml", "ci/prod.yaml", "a/b/c/values-x.yml"):
        chart = around(repo / "app" / name)
        assert chart
        assert chart.templates == {"templates/deep/a.yaml": "app"}
        assert [(name, sub.templates) for name, sub in chart.subcharts] == [("sub", {"templates/b.yaml": "sub"})]
    chart = around(repo / "app/charts/sub/values.yaml")
    assert chart
    assert chart.templates == {"templates/b.yaml": "sub"}
    for name in ("app/templates/values.yaml", "app/crds/a.yaml", "app/Chart.yaml"):
        assert around(repo / name) is None


def test_a_name_tells_which_files_have_values(tmp_path: Path) -> None:
    write(tmp_path, {"Chart.yaml": "name: app"})
    found = Charts(DiskFiles())
    for name, is_values in {
        "values.yaml": True,
        "values-prod.yml": True,
        "prod.values.yaml": True,
        "ci/test-values.yaml": True,
        "values/prod.yaml": True,
        "config.yaml": False,
        "files/dashboard.yaml": False,
    }.items():
        chart = around_in(found, f"{tmp_path}/{name}")
        assert chart
        assert chart.is_values is is_values, name


def test_dependencies_are_folders_archives_and_local_charts_and_others_are_absent(tmp_path: Path) -> None:
    inner = archive({"inner/Chart.yaml": "name: inner\ntype: library", "inner/templates/_i.tpl": "i"})
    packed = archive({"redis/Chart.yaml": "name: redis", "redis/templates/r.yaml": "r", "redis/charts/i.tgz": inner})
    dependencies = (
        "name: app\ndependencies:\n- {name: redis, alias: cache}\n- {name: gone, repository: 'https://x.example.com'}\n"
        "- {name: common, repository: 'file://../common'}\n- {name: folder}\n"
    )
    write(
        tmp_path,
        {
            "app/Chart.yaml": dependencies,
            "app/charts/folder/Chart.yaml": "name: folder",
            "app/charts/broken.tgz": "no archive",
            "app/requirements.yaml": "dependencies: [{name: old}]",
            "common/Chart.yaml": "name: common\ntype: library",
            "common/templates/_c.tpl": "c",
        },
    )
    (tmp_path / "app/charts/redis-1.0.0.tgz").write_bytes(packed)
    chart = around(tmp_path / "app/values.yaml")
    assert chart
    by_key = dict(chart.subcharts)
    assert set(by_key) == {"cache", "common", "folder"}
    assert chart.absent == ("gone", "old")
    assert by_key["cache"].templates == {"templates/r.yaml": "r"}
    assert [(name, sub.is_library, dict(sub.templates)) for name, sub in by_key["cache"].subcharts] == [
        ("inner", True, {"templates/_i.tpl": "i"})
    ]
    assert by_key["common"].is_library


def test_charts_that_depend_on_each_other_and_large_archives_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"c{at}" for at in range(8)]
    listed = "dependencies:\n" + "".join(f"- {{name: {name}, repository: 'file://../{name}'}}\n" for name in names)
    write(tmp_path, {f"{name}/Chart.yaml": f"name: {name}\n{listed}" for name in names})
    assert around(tmp_path / "c0/values.yaml")
    monkeypatch.setattr(chart_loading, "MAX_ARCHIVE", 10_000)
    write(tmp_path, {"big/Chart.yaml": "name: big\ndependencies: [{name: bomb}]", "big/charts/x": ""})
    (tmp_path / "big/charts/bomb.tgz").write_bytes(
        archive({"bomb/zeros": b"\0" * 100_000, "bomb/Chart.yaml": "name: b"})
    )
    chart = around(tmp_path / "big/values.yaml")
    assert chart
    assert chart.absent == ("bomb",)


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    write(tmp_path, {"Chart.yaml": "name: app", "templates/a.yaml": "a"})
    os.mkfifo(tmp_path / "templates/pipe.yaml")
    (tmp_path / "templates/loop").symlink_to(tmp_path)
    chart = around(tmp_path / "values.yaml")
    assert chart
    assert chart.templates == {"templates/a.yaml": "a"}


def test_files_known_by_their_paths_are_found_as_on_disk() -> None:
    files = {"app/Chart.yaml": b"name: app", "app/templates/x/a.yaml": b"a", "other/values.yaml": b""}
    found = Charts(FilesByPath(files, files.get))
    chart = around_in(found, "app/envs/values.yaml")
    assert chart
    assert chart.chart.templates == {"templates/x/a.yaml": "a"}
    assert around_in(found, "other/values.yaml") is None

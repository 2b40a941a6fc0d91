"""`pin` on folders of files: what is looked at, what is left alone, how it is told."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.support import ROOT
from tests.support.git.deployed import IMAGE, NEW, OLD, POD, Deployed
from tests.support.values.markdown import inline
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
PINNED = POD.replace(":v1.0.0", f":v1.0.0@{OLD}")


def test_links_are_not_followed_out_of_a_folder_but_a_named_one_is(
    deployed: Deployed, ledger: Run, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.yaml").write_text(POD)
    (outside / "b.yaml").write_text(POD)
    (deployed.folder / "pods/link.yaml").symlink_to(outside / "a.yaml")
    (deployed.folder / "pods/folder").symlink_to(outside)
    (deployed.folder / "pods/up").symlink_to("..")
    (deployed.folder / "pods/broken.yaml").symlink_to("nowhere")
    done = ledger("pin", "pods", "--format", "json")
    assert done.code == 0, done.err
    assert [edit["path"] for edit in done.json["edits"]] == ["pods/a.yaml", "pods/b.yaml"]
    assert (outside / "a.yaml").read_text() == POD
    assert ledger("pin", "pods/link.yaml").code == 0
    assert (outside / "a.yaml").read_text() == PINNED
    assert (deployed.folder / "pods/link.yaml").is_symlink()


def test_a_file_is_replaced_whole_and_keeps_its_mode(deployed: Deployed, ledger: Run) -> None:
    path = deployed.folder / "pods/a.yaml"
    path.chmod(0o640)
    before = path.stat().st_ino
    assert ledger("pin", "pods", "pods/a.yaml", "./pods").code == 0
    assert (stat.S_IMODE(path.stat().st_mode), path.read_text()) == (0o640, PINNED)
    assert path.stat().st_ino != before
    assert sorted(os.listdir(path.parent)) == ["a.yaml", "b.yaml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_keeps_its_owner(deployed: Deployed, ledger: Run) -> None:
    path = deployed.folder / "pods/a.yaml"
    os.chown(path, 1234, 2345)
    path.chmod(0o640)
    assert ledger("pin", "pods").code == 0
    after = path.stat()
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (1234, 2345, 0o640)


def test_a_check_changes_nothing_and_tells_by_its_exit_code(deployed: Deployed, ledger: Run) -> None:
    done = ledger("pin", "--check", ".")
    assert (done.code, deployed.git("status", "--porcelain")) == (1, "")
    assert ledger("pin", ".").code == 0
    again = ledger("pin", "--check", ".")
    assert (again.code, again.out) == (0, "")
    deployed.write("c.yaml", "image: redis:7\n")
    assert ledger("pin", ".").code == 0
    assert ledger("pin", "--check", ".").code == 1


def test_a_file_that_cant_be_read_is_named_and_the_others_are_done(deployed: Deployed, ledger: Run) -> None:
    deployed.write("pods/large.yaml", f"image: {IMAGE}:v1.0.0\n" + "# filler\n" * 1_300_000)
    deployed.write("pods/long.yaml", f"image: {IMAGE}:v1.0.0 # {{{{ x }}}}\n" + "a: b\n" * 450_000)
    started = time.monotonic()
    done = ledger("pin", "pods", "--format", "json")
    assert time.monotonic() - started < 20
    assert done.code == 2
    assert [(one["path"], one["message"]) for one in done.json["unread"]] == [
        ("pods/large.yaml", "not read: larger than 10 MiB"),
        ("pods/long.yaml", "not read: a document of more than 2 MiB"),
    ]
    assert deployed.read("pods/a.yaml") == PINNED
    assert ledger("pin", "--check", "pods").code == 2


def test_large_documents_without_images_cost_no_parser(deployed: Deployed, ledger: Run) -> None:
    schema = "        image:\n          description: An image\n          type: string\n" * 60_000
    deployed.write("pods/bundle.yaml", f"kind: Schema\nproperties:\n{schema}---\nimage: {IMAGE}:v1.0.0\n")
    started = time.monotonic()
    assert ledger("pin", "pods").code == 0
    assert time.monotonic() - started < 5
    assert deployed.read("pods/bundle.yaml").endswith(f"---\nimage: {IMAGE}:v1.0.0@{OLD}\n")


def test_many_files_are_written_in_order_and_reported_so(deployed: Deployed, ledger: Run) -> None:
    for at in range(220):
        deployed.write(f"many/{at:03}.yaml", POD if at % 2 else "a: 1\n")
    deployed.write("many/bad.yaml", "image: [nginx\n")
    done = ledger("pin", "many", "--format", "json")
    assert done.code == 2, done.err
    assert [edit["path"] for edit in done.json["edits"]] == [f"many/{at:03}.yaml" for at in range(1, 220, 2)]
    assert deployed.read("many/219.yaml") == PINNED


@pytest.mark.parametrize("path", ["nowhere", "/dev/null"])
def test_a_path_that_is_neither_file_nor_folder_is_a_usage_error(deployed: Deployed, ledger: Run, path: str) -> None:
    done = ledger("pin", path)
    assert done.code == 2
    assert path in done.err


def test_a_broken_ledger_changes_no_manifest(deployed: Deployed, ledger: Run) -> None:
    (deployed.ledger / "ledger.json").write_text("{}")
    assert ledger("pin", "pods").code == 4
    assert deployed.git("status", "--porcelain") == ""


def test_json_is_what_the_schema_says(deployed: Deployed, ledger: Run) -> None:
    schema = json.loads((ROOT / "schema/pin-v1.schema.json").read_text())
    validator = Draft202012Validator(schema)
    deployed.write("c.yaml", f"- image: redis\n- image: {IMAGE}:v9\n- image: {IMAGE}:v1.0.0 # ledger: nonsense\n")
    deployed.write("d.yaml", "image: [nginx\n")
    runs = [
        ledger("pin", ".", "--check", "--format", "json"),
        ledger("bump", ".", "--policy", "semver:^1", "--check", "--format", "json"),
        ledger("bump", "pods", "--policy", "semver:^1", "--commit", "--format", "json"),
        ledger("pin", ".", "--format", "json"),
    ]
    assert [done.code for done in runs] == [1, 1, 0, 2]
    for done in runs:
        validator.validate(done.json)
    (edit, _) = runs[2].json["edits"]
    assert (edit["oldTag"], edit["newTag"], edit["digest"]) == ("v1.0.0", "v1.1.0", NEW)
    assert edit["compare"].startswith("https://gitlab.example.com/team/app/-/compare/")


def test_nothing_in_a_file_acts_on_a_terminal_a_workflow_or_markdown(
    deployed: Deployed, ledger: Run, tmp_path: Path
) -> None:
    folder = deployed.folder / "evil"
    folder.mkdir()
    name = "a,b:c%|`<img>\x1b[31m\n::add-mask::x.yaml"
    (folder / name).write_text(f'- image: "$:x::stop`|<b>@team\\e[1m\\n::error::y"\n- image: {IMAGE}:v1.0.0\n')
    text = ledger("pin", "evil", "--check")
    assert len(text.out.splitlines()) == 2
    assert "\x1b" not in text.out + text.err
    github = ledger("pin", "evil", "--check", "--format", "github").out
    assert [line.split("::", 2)[1].split(" ")[0] for line in github.splitlines()] == ["error", "error"]
    assert all(line.startswith("::error file=evil/a%2Cb%3Ac%25|") for line in github.splitlines())
    markdown = ledger("pin", "evil", "--check", "--format", "markdown").out
    shown = inline(markdown)
    assert {word.type for word in shown} == {"text", "code_inline", "strong_open", "strong_close"}
    assert not [word for word in shown if word.type == "text" and set("@<:`") & set(word.content)]
    rows = [line for line in markdown.splitlines() if line.startswith("| un")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [4, 4]
    changed = ledger("pin", "evil", "--format", "markdown")
    assert len([line for line in changed.out.splitlines() if "myorg/app" in line]) == 1


def test_an_unknown_format_and_no_path_at_all_are_usage_errors(deployed: Deployed, ledger: Run) -> None:
    assert ledger("pin", "pods", "--format", "xml").code == 2
    assert ledger("pin").code == 2
    assert deployed.git("status", "--porcelain") == ""


@pytest.mark.parametrize(("glob", "left"), [("**/*.yaml", []), ("pods/**/*.yaml", ["x.yaml"]), ("**/x.yaml", ["pods"])])
def test_two_asterisks_are_any_number_of_folders(deployed: Deployed, ledger: Run, glob: str, left: list[str]) -> None:
    deployed.write("x.yaml", f"image: {IMAGE}:v1.0.0\n")
    done = ledger("pin", ".", "--check", "--exclude", glob, "--format", "json")
    assert sorted({one["path"].partition("/")[0] for one in done.json["findings"]}) == left
    assert done.code == (1 if left else 2)
    assert [("`--exclude`" in one["message"]) for one in done.json["unread"]] == [True] * (not left)


@pytest.mark.parametrize(
    ("origin", "is_edited"),
    [("https://u:p@git.example.com/fork/Fleet.git", True), ("git@host:team/other.git", False), ("", True)],
)
def test_values_for_a_chart_of_another_repository_are_not_edited(
    deployed: Deployed, ledger: Run, origin: str, *, is_edited: bool
) -> None:
    if origin:
        deployed.git("remote", "add", "origin", origin)
    deployed.write("chart/Chart.yaml", "name: app\n")
    deployed.write("chart/values.yaml", f"image: {{repository: {IMAGE}, tag: v0.9.0}}\n")
    deployed.write("chart/templates/a.yaml", 'image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"\n')
    source = "repoURL: https://git.example.com/team/fleet\n    path: chart\n    helm: {parameters: [{name: image.tag, "
    deployed.write("argo.yaml", f"kind: Application\nspec:\n  source:\n    {source}value: v1.0.0}}]}}\n")
    done = ledger("pin", "argo.yaml", "chart")
    assert (f"value: v1.0.0@{OLD}" in deployed.read("argo.yaml")) is is_edited
    assert ("its chart is in the repository fleet, and this is other" in done.out) is not is_edited

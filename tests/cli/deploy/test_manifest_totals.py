"""The closing line of `pin` and `bump`: a green run says over how much it is green."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.git.deployed import IMAGE, Deployed
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.mark.parametrize(
    "command", [("pin",), ("pin", "--check"), ("bump",), ("bump", "--policy", "newest", "--check")]
)
@pytest.mark.parametrize("name", ["main.tf", "Dockerfile.dockerignore", "README.md", "empty"])
def test_a_named_path_without_anything_to_read_is_never_green(
    deployed: Deployed, ledger: Run, command: tuple[str, ...], name: str
) -> None:
    (deployed.folder / "empty/below").mkdir(parents=True)
    deployed.write("empty/below/main.tf", "")
    if name != "empty":
        deployed.write(name, f"image: {IMAGE}:v1.0.0\n")
    done = ledger(*command, name, "--format", "json")
    assert done.code == 2
    (unread,) = done.json["unread"]
    assert (unread["path"], "YAML" in unread["message"]) == (name, True)
    assert done.json["summary"]["files"] == 0
    assert "0 references in 0 files; 1 place not read" in done.err


def test_the_other_paths_are_done(deployed: Deployed, ledger: Run) -> None:
    deployed.write("main.tf", "")
    done = ledger("pin", "main.tf", "pods")
    assert done.code == 2
    assert "2 references in 2 files: 2 changed; 1 place not read" in done.err
    assert ledger("pin", "pods", "--check", "--exclude", "*").code == 2


@pytest.mark.parametrize("command", [("pin",), ("bump", "--policy", "newest")])
def test_a_reference_beside_a_mark_that_nobody_understands_is_counted(
    deployed: Deployed, ledger: Run, command: tuple[str, ...]
) -> None:
    deployed.write(
        "one/a.yaml", f"containers:\n- image: {IMAGE}:v1.0.0 # ledger: Ignore\n- image: redis:7 # ledger: ignore\n"
    )
    checked = ledger(*command, "--check", "one", "--format", "json")
    assert checked.code == 2
    _, references, *counts = checked.json["summary"].values()
    assert references == sum(counts) == 2
    assert checked.json["summary"]["notUnderstood"] == 1
    markdown = ledger(*command, "--check", "one", "--format", "markdown").out
    assert "| `one/a.yaml:2` |" in markdown.partition("| not read |")[2]


def test_every_reference_is_counted_once(deployed: Deployed, ledger: Run) -> None:
    deployed.write(
        "pods/c.yaml",
        f"- image: redis:7\n- image: {IMAGE}:v9\n- image: {IMAGE}:v1.0.0 # ledger: ignore\n- image: $X\n",
    )
    deployed.write("pods/Dockerfile", f"FROM {IMAGE}:v1.0.0\nFROM redis:7\nFROM {IMAGE}:$V\n")
    deployed.write("pods/none.yaml", "a: 1\n")
    checked = ledger("pin", "--check", "pods", "--format", "json")
    assert checked.json["summary"] == {
        "files": 5, "references": 9, "pinned": 0, "changed": 0, "open": 5, "notInLedger": 1, "otherRegistries": 2,
        "leftAlone": 1, "notUnderstood": 0,
    }  # fmt: skip
    assert ledger("pin", "pods").err.splitlines()[-1] == (
        "9 references in 5 files: 3 changed, 2 unpinned, 1 not in the ledger, 2 of other registries, 1 left alone"
    )
    assert ledger("pin", "pods").err.splitlines()[-1] == (
        "9 references in 5 files: 3 pinned, 2 unpinned, 1 not in the ledger, 2 of other registries, 1 left alone"
    )
    assert ledger("bump", "pods", "--policy", "newest").err.splitlines()[-1] == (
        "9 references in 5 files: 3 changed, 1 not in the ledger, 2 of other registries, 3 left alone"
    )


def test_nothing_found_is_said(deployed: Deployed, ledger: Run) -> None:
    deployed.write("none/none.yaml", "a: 1\n")
    done = ledger("pin", "--check", "none")
    assert (done.code, done.out, done.err.splitlines()[-1]) == (0, "", "0 references in 1 file")


def test_many_notes_of_one_kind_and_many_places_of_an_unknown_image_are_one_line_each(
    deployed: Deployed, ledger: Run
) -> None:
    for at in range(30):
        deployed.write(f"posts/{at}.yaml", f"image: /img/{at}.png\n---\nimage: redis:7\n")
    deployed.write("one.yaml", "image: /img/x.png\n")
    done = ledger("pin", ".", "--check", "--exclude", "pods")
    assert done.err.splitlines()[0] == (
        "note: 31 values are in the place of an image reference and are something else (`-v` lists them)"
    )
    (unknown,) = done.out.splitlines()
    assert unknown.startswith("posts/0.yaml:3: unknown: the ledger does not have redis")
    assert unknown.endswith("(29 more places)")
    assert ledger("pin", "one.yaml").err.splitlines()[0] == ("note: one.yaml:1: `/img/x.png` is not an image reference")
    listed = ledger("pin", ".", "--check", "--exclude", "pods", "-v")
    assert (len(listed.out.splitlines()), listed.err.count("\nnote: ") + 1) == (30, 31)
    as_json = ledger("pin", ".", "--check", "--exclude", "pods", "--format", "json").json
    assert (len(as_json["findings"]), len(as_json["notes"])) == (30, 31)


@pytest.fixture
def flooded(deployed: Deployed) -> Deployed:
    """Return manifests with many findings of a few kinds."""
    for at in range(40):
        deployed.write(f"many/{at:02}.yaml", f"containers:\n- image: {IMAGE}:$V{at}\n- image: {IMAGE}:v1.0.0\n")
        deployed.write(f"many/{at:02}.json", f'{{"image": "{IMAGE}:v1.0.0"\n')
    deployed.write("many/z.yaml", f"containers:\n- image: redis:7\n- image: {IMAGE}:v9\n- image: redis:7\n")
    return deployed


def test_of_findings_and_warnings_that_are_alike_the_first_are_listed(flooded: Deployed, ledger: Run) -> None:
    done = ledger("pin", "--check", "many")
    lines = done.out.splitlines()
    assert [sum(word in line for line in lines) for word in ("contains a variable", "has no digest", "z.yaml")] == [
        10, 10, 2,
    ]  # fmt: skip
    assert sum(line.endswith("(30 more like this: `-v` lists them)") for line in lines) == 2
    warnings = [line for line in done.err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 10
    assert warnings[-1].endswith("(30 more like this: `-v` lists them)")
    assert done.err.splitlines()[-1].startswith("83 references in 41 files: 80 unpinned, 1 not in the ledger, 2 of")
    full = ledger("pin", "--check", "many", "-v")
    assert (len(full.out.splitlines()), full.err.count("warning: ")) == (83, 40)
    as_json = ledger("pin", "--check", "many", "--format", "json").json
    assert (len(as_json["findings"]), len(as_json["unread"])) == (83, 40)


def test_annotations_are_no_more_than_github_shows_and_the_last_says_how_many_there_are(
    flooded: Deployed, ledger: Run
) -> None:
    lines = ledger("pin", "--check", "many", "--format", "github").out.splitlines()
    assert len(lines) == 10
    assert "(and 113 more, which GitHub does not show" in lines[-1]
    written = ledger("pin", "many", "--format", "github").out.splitlines()
    levels = [line.partition(" ")[0] for line in written]
    assert [levels.count(level) for level in ("::error", "::warning", "::notice")] == [10, 3, 10]
    assert "(and 30 more" in written[-1]


def test_markdown_has_the_gravest_first_and_one_row_for_what_is_said_many_times(flooded: Deployed, ledger: Run) -> None:
    for at in range(300):
        flooded.write(f"many/other{at}.yaml", f"image: other{at}:1\n")
    flooded.write("many/zz.yaml", f"image: {IMAGE}:v1.0.0@sha256:{'0' * 64}\n")
    lines = ledger("pin", "--check", "many", "--format", "markdown").out.splitlines()
    rows = [line for line in lines if line.startswith(("| stale", "| unpinned", "| unknown"))]
    assert rows == sorted(rows, key=lambda row: ["stale", "unpinned", "unknown"].index(row.split()[1]))
    assert sum("has no digest" in row and "`many/00.yaml:3` and 39 more places" in row for row in rows) == 1
    shown = sum(int(row.partition(" and ")[2].split()[0]) + 1 if "more place" in row else 1 for row in rows)
    (omitted,) = (line for line in lines if "omitted here" in line)
    assert len(rows) == 200
    assert shown + int(omitted.split()[0]) == 384

"""`ledger init`: from nothing to a ledger that is ready to push, and never over somebody's files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def test_an_empty_folder_becomes_a_ledger_that_is_ready_to_push(ledger: Run, tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", "--initial-branch=main", tmp_path / "remote.git")
    folder = tmp_path / "new" / "ledger"
    done = ledger("init", folder)
    assert done.code == 0, done.err
    assert sorted(path.name for path in folder.iterdir()) == [
        ".git",
        ".gitattributes",
        "README.md",
        "ledger-config-v1.schema.json",
        "ledger.json",
        "ledger.yaml",
    ]
    assert git("status", "--porcelain", cwd=folder) == ""
    git("remote", "add", "origin", tmp_path / "remote.git", cwd=folder)
    git("push", "--quiet", "--set-upstream", "origin", "main", cwd=folder)
    published = ledger("publish", f"a:v1@{digest()}", "--source", SOURCE, "--repo", tmp_path / "remote.git")
    assert published.code == 0, published.err


def test_the_settings_it_writes_are_good_and_say_what_there_is(ledger: Run, tmp_path: Path) -> None:
    ledger("init", tmp_path, "--registry", "http://localhost:5000")
    settings = (tmp_path / "ledger.yaml").read_text()
    assert "host: http://localhost:5000" in settings
    done = ledger(
        "publish", f"localhost:5000/a@{digest()}", "--pr", "7", "--source", SOURCE, "--repo", tmp_path, "--offline"
    )
    assert done.code == 0, done.err
    assert done.json["records"][0]["ttl"] == "7d"


def test_an_existing_repository_gets_only_what_is_missing_and_is_told(ledger: Run, tmp_path: Path) -> None:
    git("init", "--quiet", "--initial-branch=main", tmp_path)
    (tmp_path / "README.md").write_text("ours")
    (tmp_path / "code.py").write_text("pass")
    git("add", "-A", cwd=tmp_path)
    git("commit", "--quiet", "-m", "ours", cwd=tmp_path)
    before = git("rev-parse", "HEAD", cwd=tmp_path)
    done = ledger("init", tmp_path)
    assert done.code == 0, done.err
    assert "kept README.md unchanged" in done.err
    assert "added ledger.json" in done.err
    assert "git -C" in done.err
    assert (tmp_path / "README.md").read_text() == "ours"
    assert git("rev-parse", "HEAD", cwd=tmp_path) == before
    assert git("status", "--porcelain", cwd=tmp_path).split("\n") == [
        "?? .gitattributes",
        "?? ledger-config-v1.schema.json",
        "?? ledger.json",
        "?? ledger.yaml",
    ]


def test_running_it_again_changes_nothing(ledger: Run, tmp_path: Path) -> None:
    ledger("init", tmp_path)
    before = git("rev-parse", "HEAD", cwd=tmp_path)
    done = ledger("init", tmp_path)
    assert done.code == 0
    assert "already a ledger" in done.err
    assert git("rev-parse", "HEAD", cwd=tmp_path) == before
    assert git("status", "--porcelain", cwd=tmp_path) == ""


def test_a_dangling_link_is_never_written_through(ledger: Run, tmp_path: Path) -> None:
    folder, target = tmp_path / "ledger", tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "README.md").symlink_to(target)
    assert ledger("init", folder).code == 0
    assert not target.exists()


@pytest.mark.parametrize("link", [".github", ".github/workflows"])
def test_nothing_is_written_through_a_folder_that_is_a_link(ledger: Run, tmp_path: Path, link: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "ledger"
    outside.mkdir()
    (folder / link).parent.mkdir(parents=True)
    (folder / link).symlink_to(outside)
    done = ledger("init", folder, "--ci", "github")
    assert done.code == 2
    assert f"{folder / link} is a symbolic link" in done.err
    assert not list(outside.iterdir())
    assert not (folder / "ledger.json").exists()


def test_a_ledger_cannot_be_created_in_a_bare_repository_or_over_a_file(ledger: Run, tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", tmp_path / "bare.git")
    assert ledger("init", tmp_path / "bare.git").code == 2
    (tmp_path / "file").write_text("x")
    done = ledger("init", tmp_path / "file")
    assert done.code == 2
    assert str(tmp_path / "file") in done.err


@pytest.mark.parametrize("registry", ["a b", "https://", "-x", "host\nx: y", "a/b"])
def test_a_malformed_registry_is_refused_before_anything_is_made(ledger: Run, tmp_path: Path, registry: str) -> None:
    assert ledger("init", tmp_path / "x", f"--registry={registry}").code == 2
    assert not (tmp_path / "x").exists()


CI_FILES = {
    "github": {
        ".github/workflows/ledger-check.yml", ".github/workflows/ledger-reconcile.yml",
        ".github/workflows/ledger-rebase.yml", ".github/workflows/ledger-site.yml", "examples/bump.github.yml",
        "examples/publish.github.yml",
    },
    "gitlab": {".gitlab-ci.yml", "examples/bump.gitlab-ci.yml", "examples/publish.gitlab-ci.yml"},
    "jenkins": {"Jenkinsfile", "examples/bump.Jenkinsfile", "examples/publish.Jenkinsfile"},
}  # fmt: skip


@pytest.mark.parametrize("ci", CI_FILES)
def test_the_files_of_a_ci_system_are_committed_with_the_ledger(ledger: Run, tmp_path: Path, ci: str) -> None:
    done = ledger("init", tmp_path, "--ci", ci)
    assert done.code == 0, done.err
    own = {".gitattributes", "README.md", "ledger.json", "ledger.yaml", "ledger-config-v1.schema.json"}
    assert set(git("ls-files", cwd=tmp_path).splitlines()) == own | CI_FILES[ci]
    assert git("status", "--porcelain", cwd=tmp_path) == ""
    pages = {"github": ".github/workflows/ledger-site.yml", "gitlab": ".gitlab-ci.yml"}.get(ci)
    assert (f"to publish the ledger as pages, do what the first lines of {pages} say\n" in done.err) == bool(pages)
    if pages:
        assert "LEDGER_SITE" in "".join(re.findall("^#.*\n", (tmp_path / pages).read_text(), re.MULTILINE))
    assert "pages" not in ledger("init", tmp_path, "--ci", ci).err


def test_an_existing_ledger_gets_its_missing_ci_files(ledger: Run, tmp_path: Path) -> None:
    ledger("init", tmp_path)
    ours = tmp_path / ".github/workflows/ledger-check.yml"
    ours.parent.mkdir(parents=True)
    ours.write_text("ours")
    done = ledger("init", tmp_path, "--ci", "github")
    assert done.code == 0, done.err
    assert ours.read_text() == "ours"
    assert "kept .github/workflows/ledger-check.yml unchanged" in done.err
    added = [line.removeprefix("added ") for line in done.err.splitlines() if line.startswith("added ")]
    assert set(added) == CI_FILES["github"] - {".github/workflows/ledger-check.yml"}
    assert f"add {' '.join(added)}`" in done.err


def test_an_unknown_ci_system_is_refused_before_anything_is_made(ledger: Run, tmp_path: Path) -> None:
    done = ledger("init", tmp_path / "x", "--ci", "../github")
    assert done.code == 2
    assert "github, gitlab, jenkins" in done.err
    assert not (tmp_path / "x").exists()


WHEEL = f"https://packages.example.com/ledger_tool-1.0-py3-none-any.whl#sha256={'a1' * 32}"
IMAGE = f"registry.example.com/tools/ledger@sha256:{'b2' * 32}"
URL = "ssh://git@git.example.com/team/ledger.git"


def ci_texts(folder: Path, ci: str) -> dict[str, str]:
    return {name: (folder / name).read_text() for name in CI_FILES[ci]}


@pytest.mark.parametrize("tool", [WHEEL, IMAGE, f"git+https://git.example.com/tools/ledger@{'c3' * 20}"])
@pytest.mark.parametrize("ci", CI_FILES)
def test_the_tool_the_registry_and_the_url_are_filled_in_everywhere(
    ledger: Run, tmp_path: Path, ci: str, tool: str
) -> None:
    words = ("--tool", tool, "--registry", "https://images.example.net:5000", "--url", URL)
    done = ledger("init", tmp_path, "--ci", ci, *words)
    assert done.code == 0, done.err
    assert "note:" not in done.err
    assert f"remote add origin {URL}" in done.err
    texts = ci_texts(tmp_path, ci)
    for text in texts.values():
        assert tool in text
        assert not re.search(r"@[A-Z_]+@|@\w+\.sh@", text)
        assert "registry.example.com" not in text.replace(tool, "")
    example = next(text for name, text in texts.items() if name.startswith("examples/publish"))
    assert "images.example.net:5000" in example
    assert URL in example
    assert URL in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://user:secret-password@github.com/team/ledger.git", "ssh://git@github.com/team/ledger.git"),
        ("https://gitlab.com/team/sub/ledger", "ssh://git@gitlab.com/team/sub/ledger"),
        ("ssh://git@git.example.com:2222/team/ledger.git", "ssh://git@git.example.com:2222/team/ledger.git"),
        ("git@git.example.com:team/ledger.git", "git@git.example.com:team/ledger.git"),
    ],
)
def test_a_clone_has_its_url_already(ledger: Run, tmp_path: Path, remote: str, url: str) -> None:
    """Where forges are known, an https URL says where the key of the jobs leads."""
    git("init", "--quiet", tmp_path)
    git("remote", "add", "origin", remote, cwd=tmp_path)
    done = ledger("init", tmp_path, "--ci", "gitlab", "--tool", WHEEL)
    assert done.code == 0, done.err
    text = (tmp_path / "examples/publish.gitlab-ci.yml").read_text()
    assert f'LEDGER_REPO: "{url}"' in text
    assert f"--repo {url}\n" in (tmp_path / "README.md").read_text()
    assert "secret" not in text
    assert "note:" not in done.err


@pytest.mark.parametrize(
    "remote",
    ["../ledger.git", "file:///srv/ledger.git", "git@host:a b", "ssh://git@h/$(x)", "https://git.example.com/t/l.git"],
)
def test_an_address_that_no_job_can_use_or_that_a_file_could_misread_is_left_out(
    ledger: Run, tmp_path: Path, remote: str
) -> None:
    git("init", "--quiet", tmp_path)
    git("remote", "add", "origin", remote, cwd=tmp_path)
    done = ledger("init", tmp_path, "--ci", "jenkins", "--tool", WHEEL)
    assert done.code == 0, done.err
    assert "LEDGER_REPO = ''" in (tmp_path / "examples/publish.Jenkinsfile").read_text()
    files = "examples/bump.Jenkinsfile and examples/publish.Jenkinsfile"
    assert f"the jobs of {files} stop until LEDGER_REPO is set there; `--url ssh://git@HOST/PATH` sets it" in done.err


@pytest.mark.parametrize("ci", CI_FILES)
def test_without_a_tool_the_files_have_none_and_it_is_said(ledger: Run, tmp_path: Path, ci: str) -> None:
    done = ledger("init", tmp_path, "--ci", ci)
    assert done.code == 0, done.err
    assert "the jobs of these files stop until LEDGER_TOOL is set" in done.err
    (note,) = [line for line in done.err.splitlines() if "stop until LEDGER_REPO is set" in line]
    named = set(re.findall(r"[\w.]+/\S+", note.partition(" stop ")[0]))
    texts = ci_texts(tmp_path, ci)
    assert named == {name for name in named if re.search(r"""LEDGER_REPO(: | = ).*(""|'')""", texts[name])} != set()
    assert ".github/workflows/ledger-rebase.yml" not in named  # GITHUB_REPOSITORY is enough for it
    for text in ci_texts(tmp_path, ci).values():
        assert re.search(r"""LEDGER_TOOL(: | = )("|'|\$\{\{ vars.LEDGER_TOOL \|\| ')["']""", text)


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        ("ledger-tool", "REGISTRY/IMAGE@sha256:DIGEST"),
        ("ledger-tool==0.2.0", "anybody may register"),
        ("git+https://git.example.com/tools/ledger@main", "@COMMIT"),
        ("registry.example.com/ledger:v1", "@sha256:DIGEST"),
        ("https://example.com/ledger_tool-1.0-py3-none-any.whl", "#sha256=HASH"),
    ],
)
def test_a_tool_that_may_become_another_is_refused_before_anything_is_made(
    ledger: Run, tmp_path: Path, tool: str, says: str
) -> None:
    done = ledger("init", tmp_path / "x", "--ci", "github", "--tool", tool)
    assert done.code == 2
    assert says in done.err
    assert not (tmp_path / "x").exists()


def test_a_token_in_an_address_is_neither_written_nor_repeated(ledger: Run, tmp_path: Path) -> None:
    tool = f"git+https://user:not-a-token@git.example.com/tools/ledger@{'c3' * 20}"
    for words in (("--ci", "github", "--tool", tool), ("--url", "https://user:not-a-token@git.example.com/ledger")):
        done = ledger("init", tmp_path / "x", *words)
        assert done.code == 2
        assert "not-a-token" not in done.err
        assert not (tmp_path / "x").exists()


def test_a_tool_without_a_ci_system_is_refused(ledger: Run, tmp_path: Path) -> None:
    done = ledger("init", tmp_path / "x", "--tool", WHEEL)
    assert (done.code, "--ci" in done.err) == (2, True)


def test_editors_find_the_schema_of_the_settings_beside_them(ledger: Run, tmp_path: Path) -> None:
    """As the YAML language server does: the path in the file's first line, from the folder of that file."""
    ledger("init", tmp_path, "--registry", "registry.example.com")
    settings = tmp_path / "ledger.yaml"
    line, _, rest = settings.read_text().partition("\n")
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", line)
    assert named
    schema = tmp_path / named[1]
    assert json.loads(schema.read_text())["$id"] == named[1]
    checker = [str(Path(sys.executable).with_name("check-jsonschema")), "--schemafile", str(schema), str(settings)]
    assert subprocess.run(checker, capture_output=True, check=False).returncode == 0
    settings.write_text(f"{line}\n{rest}\ntag:\n  mutable: [x]\n")
    wrong = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert (wrong.returncode, "'tag' was unexpected" in wrong.stdout) == (1, True), wrong.stdout


def test_a_schema_that_is_deleted_is_added_again_and_no_other_file_is_touched(ledger: Run, tmp_path: Path) -> None:
    ledger("init", tmp_path)
    schema = tmp_path / "ledger-config-v1.schema.json"
    text = schema.read_text()
    schema.unlink()
    done = ledger("init", tmp_path)
    assert (done.code, schema.read_text()) == (0, text)
    assert git("status", "--porcelain", cwd=tmp_path) == ""


def test_what_is_given_for_a_file_that_is_there_is_not_dropped_in_silence(ledger: Run, tmp_path: Path) -> None:
    commit = f"git+https://git.example.com/ledger@{'a' * 40}"
    given = ("--registry", "registry.example.com", "--tool", commit, "--ci", "github")
    assert ledger("init", tmp_path, *given).code == 0
    again = ledger("init", tmp_path, *given)
    assert (again.code, "not applied" in again.err) == (0, False), again.err
    other = ledger("init", tmp_path, "--registry", "other.example.com", "--tool", commit.replace("a", "b"), *given[4:])
    assert (
        "note: `--registry` is not applied, since no file that is there is changed: edit ledger.yaml and" in other.err
    )
    assert "note: `--tool` is not applied, since no file that is there is changed: edit .github" in other.err
    assert "nothing to do" not in other.err


def test_the_next_command_is_for_the_folder_where_we_are(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "next: `git remote add origin URL`, then `git push --set-upstream origin HEAD`" in ledger("init").err


def test_a_ledger_inside_of_another_repository_is_told_once(ledger: Run, tmp_path: Path) -> None:
    git("init", "--quiet", tmp_path)
    done = ledger("init", tmp_path / "sub/ledger")
    assert done.code == 0, done.err
    assert f"it is a repository of its own, inside of the one in {tmp_path}, which does not keep it" in done.err
    assert "inside of" not in ledger("init", tmp_path / "sub/ledger").err


def test_a_registry_with_a_path_names_the_prefix(ledger: Run, tmp_path: Path) -> None:
    done = ledger("init", tmp_path / "l", "--registry", "ghcr.io/org")
    assert (done.code, "`prefix` in ledger.yaml" in done.err) == (2, True)
    assert "prefix" not in ledger("init", tmp_path / "l", "--registry", "ghcr io").err


@pytest.mark.parametrize("kind", ["settings", "folder", "link", "pipe"])
def test_a_file_in_the_place_of_one_of_the_ledgers_that_is_none_is_told(ledger: Run, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "ledger.yaml"
    made: dict[str, Callable[[], object]] = {
        "settings": lambda: path.write_text("registries: x\n"), "folder": path.mkdir,
        "link": lambda: path.symlink_to("nowhere"), "pipe": lambda: os.mkfifo(path),
    }  # fmt: skip
    made[kind]()
    done = ledger("init", tmp_path)
    assert done.code == 0, done.err
    assert ("warning: ledger.yaml, line 1" if kind == "settings" else "warning: ledger.yaml is not a file") in done.err


def test_a_file_in_the_place_of_a_folder_is_told_before_anything_is_written(ledger: Run, tmp_path: Path) -> None:
    (tmp_path / ".github").write_text("")
    done = ledger("init", tmp_path, "--ci", "github")
    assert (done.code, f"{tmp_path}/.github is not a folder" in done.err) == (2, True), done.err
    assert not (tmp_path / "ledger.json").exists()

"""Files with owners: whatever a file is, and wherever it is, both judges see that it changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.gate import Gate
from tests.support.git.owned import SETTINGS
from tests.support.git.upstream import git
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]

OWNED = SETTINGS.replace("files: [", 'files: ["vendor/*", ')
MODULES = '[submodule "lib"]\n\tpath = vendor/lib\n\turl = https://git.example.com/lib\n\tignore = all\n'


@pytest.fixture
def clone(gate: Gate, tmp_path: Path) -> Path:
    """Return a checkout of a ledger in which somebody owns the files in `vendor`."""
    gate.owned.commit({"ledger.yaml": OWNED.encode()}, "own more files", "admin")
    gate.start = gate.owned.upstream.tip()
    git("clone", "-q", gate.owned.upstream.url, tmp_path / "clone")
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.com"), ("diff.ignoreSubmodules", "all")):
        git("config", key, value, cwd=tmp_path / "clone")
    return tmp_path / "clone"


def test_no_setting_hides_that_a_submodule_changes(gate: Gate, clone: Path, ledger: Run) -> None:
    """Least of all a `.gitmodules` that comes with the change."""
    (clone / ".gitmodules").write_text(MODULES)
    git("add", ".gitmodules", cwd=clone)
    git("update-index", "--add", "--cacheinfo", f"160000,{gate.start},vendor/lib", cwd=clone)
    git("commit", "-qm", "a library", cwd=clone)
    for command in ("check", "--base"), ("audit", "--since"):
        done = ledger(*command, gate.start, "--repo", clone, "--format", "json")
        said = [one["message"] for one in done.json["findings"] if one["rule"] == "owner"]
        assert [words.partition("it changes ")[2] for words in said] == [
            "vendor/lib, which admin owns, and it is not signed"
        ], done.err


def test_no_name_takes_the_place_of_a_file_of_keys_where_case_is_ignored(gate: Gate, ledger: Run) -> None:
    gate.owned.commit(dict.fromkeys(("Allowed_signers", "ALLOWED_SIGNERS.asc", "Allowed"), b""), "keys")
    done = ledger(
        "check", "--repo", gate.owned.upstream.url, "--base", gate.start, "--branch", "main", "--format", "json"
    )
    assert {one["path"] for one in done.json["findings"]} == {"Allowed_signers", "ALLOWED_SIGNERS.asc"}


def test_findings_in_a_file_of_keys_are_bounded(gate: Gate, ledger: Run) -> None:
    gate.owned.commit({"allowed_signers": b"x\n" * 3000}, "junk", "admin")
    done = ledger("check", "--repo", gate.owned.upstream.url, "--branch", "main", "--format", "json")
    findings = done.json["findings"]
    assert len(findings) == 1001
    assert "2000 more findings" in findings[-1]["message"]


PLACES = "vendor/notes", "vendor/:(glob)*", "ledger.yaml"


def edited(gate: Gate, clone: Path, path: str, *, first: str = "", last: str = "") -> None:
    """Commit a new first or last line of a file, signed by its owner."""
    (clone / path).write_text(first + (clone / path).read_text() + last)
    sign = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={gate.owned.keys['admin']}")
    git("add", ".", cwd=clone)
    git(*sign, "commit", "-qS", "-m", "edit", cwd=clone)


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("addition", ["", "# more\n"])
def test_a_merge_of_two_edits_of_one_file_decides_nothing_if_it_is_the_one_that_git_makes(
    gate: Gate, clone: Path, path: str, addition: str
) -> None:
    (clone / "vendor").mkdir()
    for name in PLACES[:2]:
        (clone / name).write_text("".join(f"# {number}\n" for number in range(9)))
    edited(gate, clone, "ledger.yaml", first="# settings\n")
    git("checkout", "-qb", "pr", cwd=clone)
    edited(gate, clone, path, first="# of the request\n")
    git("checkout", "-q", "main", cwd=clone)
    edited(gate, clone, path, last="# of the branch\n")
    git("merge", "-q", "--no-commit", "pr", cwd=clone)
    (clone / path).write_text((clone / path).read_text() + addition)
    git("commit", "-qam", "merge", cwd=clone)
    git("push", "-q", "origin", "main", cwd=clone)
    expected = f"it changes {path}, which admin owns, and it is not signed"
    assert gate.both() == ([expected] if addition else [])


def test_an_entry_behind_one_that_names_the_same_is_warned_of(gate: Gate, ledger: Run) -> None:
    first = "owners:\n  - {images: ['*'], files: [vendor/*], signers: [admin]}\n"
    settings = SETTINGS.replace("owners:\n", first).replace('"allowed', 'vendor/lib/*, "allowed')
    gate.owned.commit({"ledger.yaml": settings.encode()}, "owners", "admin")
    done = ledger("check", "--repo", gate.owned.upstream.url, "--branch", "main")
    for glob, earlier in (("payments/*", "*"), ("*", "*"), ("vendor/lib/*", "vendor/*")):
        said = f"warning: the entry of `owners` for {glob} never counts, since an earlier one names {earlier}: move it"
        assert said in done.err
    assert done.err.count("never counts") == 3

"""`ledger check --fix`: a file in another form becomes canonical, whatever else is in the checkout stays."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.pull import Pull
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
GOOD = ledger_bytes(record("base", "v1"), record("myorg/app", "v1", labels={"a": "1", "b": "é"}))
NOTE = "note: ledger.json is now in canonical form, and says the same as before; `git add` and commit it\n"


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream.create(tmp_path / "ledger.git", GOOD)


@pytest.fixture
def pull(upstream: Upstream, tmp_path: Path, ledger: Run) -> Pull:
    return Pull.open(upstream, tmp_path / "pull", ledger)


def _reformatted(raw: bytes = GOOD) -> bytes:
    data = json.loads(raw)
    data["records"].reverse()
    return json.dumps(data, sort_keys=True, indent=4).encode()


def test_a_reformatted_file_is_put_right_and_nothing_else_is_touched(pull: Pull) -> None:
    pull.path().write_bytes(_reformatted())
    pull.path().chmod(0o640)
    pull.path("notes.txt").write_text("mine\n")
    before = pull.git("rev-parse", "HEAD")
    wrong = pull.run("check", "--repo", pull.folder)
    assert wrong.code == 4
    for words in (["list"], ["get", "base:v1"]):
        done = pull.run(*words, "--repo", pull.folder)
        assert (done.code, "`ledger check --fix` writes the canonical one" in done.err) == (4, True), done
    done = pull.run("check", "--fix", "--repo", pull.folder)
    assert (done.code, done.out) == (0, "")
    assert done.err == f"{NOTE}ok: 2 records\n"
    assert pull.path().read_bytes() == GOOD
    assert stat.S_IMODE(pull.path().stat().st_mode) == 0o640
    assert pull.git("rev-parse", "HEAD") == before
    assert pull.path("notes.txt").read_text() == "mine\n"
    assert not list(pull.folder.glob(".ledger.json.*"))
    again = pull.run("check", "--fix", "--repo", pull.folder)
    assert (again.code, again.err) == (0, "ok: 2 records\n")


def test_a_plain_folder_and_a_folder_below_a_checkout_work_too(
    pull: Pull, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "ledger.json").write_bytes(_reformatted())
    assert pull.run("check", "--fix", "--repo", plain).err.startswith(NOTE)
    assert (plain / "ledger.json").read_bytes() == GOOD
    (pull.folder / "docs").mkdir()
    monkeypatch.chdir(pull.folder / "docs")
    pull.path().write_bytes(GOOD.replace(b"\n", b"\r\n"))
    assert pull.run("check", "--fix").code == 0
    assert pull.path().read_bytes() == GOOD


def _of_images(*images: str) -> bytes:
    """Return a file with a record of each image, one every seven lines, in this order."""
    head, body, tail = re.split(rb"(?<=\[\n)|(?=\n  \]\n\}\n)", ledger_bytes(record("one")))
    return head + b",\n".join(body.replace(b"one", image.encode()) for image in images) + tail


SAYS_WRONG = {
    "a malformed name": (GOOD.replace(b'"base"', b'"Base"'), "line 5"),
    "a key twice": (GOOD.replace(b'"tag": "v1"', b'"tag": "v1", "tag": "v2"', 1), "line 6"),
    "a newer version": (GOOD.replace(b'"schemaVersion": 1', b'"schemaVersion": 2'), "line 2"),
    "a conflict": (b"<<<<<<< ours\n" + GOOD, "line 1"),
    "nothing": (b"", "line 1"),
    "a record twice, in no order": (_of_images("b", "a", "c", "b"), "line 25"),
    "a fraction, in another form": (_reformatted().replace(b'"schemaVersion": 1', b'"schemaVersion": 1.0'), "line 22"),
    "several": (
        _of_images("BASE", "a").replace(b'"tag": "v1"', b'"tag": "v1", "tag": "v2"').replace(b"1,", b"1.0,", 1),
        "lines 2, 5, 6, 13",
    ),
    "many": (_of_images(*"ABCDEFGHIJKL"), "lines 5, 12, 19, 26, 33, 40, 47, 54, 61, 68 and 2 more"),
}


@pytest.mark.parametrize(("raw", "lines"), SAYS_WRONG.values(), ids=SAYS_WRONG)
def test_a_file_that_says_something_wrong_is_left_alone_and_explained(pull: Pull, raw: bytes, lines: str) -> None:
    pull.path().write_bytes(raw)
    done = pull.run("check", "--fix", "--repo", pull.folder)
    plain = pull.run("check", "--repo", pull.folder)
    assert (done.code, done.out) == (plain.code, plain.out) == (4, plain.out)
    assert f"note: ledger.json was not written: more than its form is wrong, in {lines}\n" in done.err
    assert lines.partition(",")[0].split()[1] in plain.out
    assert pull.path().read_bytes() == raw


def test_other_findings_of_a_fixed_file_are_still_found(pull: Pull) -> None:
    two = [record("a", "v1", platform=f"linux/{one}", digest=digest(one), index=digest(f"i{one}")) for one in "xy"]
    pull.path().write_bytes(_reformatted(ledger_bytes(*two)))
    done = pull.run("check", "--fix", "--repo", pull.folder, "--format", "json")
    assert (done.code, done.err.startswith(NOTE)) == (1, True)
    assert done.json["findings"]
    assert pull.path().read_bytes() == ledger_bytes(*two)


def test_it_writes_a_file_and_nothing_but_that(pull: Pull, upstream: Upstream) -> None:
    for options in (["--base", "origin/main"], ["--branch", "pr"]):
        done = pull.run("check", "--fix", *options, "--repo", pull.folder)
        assert (done.code, f"`--fix` and `{options[0]}` cannot be combined" in done.err) == (2, True)
    for place in (upstream.url, upstream.path):
        done = pull.run("check", "--fix", "--repo", place)
        assert (done.code, "has no file to write" in done.err) == (2, True), done
        assert "clone the ledger" in done.err


def test_a_link_is_not_followed(pull: Pull, tmp_path: Path) -> None:
    target = tmp_path / "target.json"
    target.write_bytes(_reformatted())
    pull.path().unlink()
    pull.path().symlink_to(target)
    assert pull.run("check", "--fix", "--repo", pull.folder).code == 4
    assert target.read_bytes() == _reformatted()


def test_the_commit_of_a_fixed_file_passes_the_review(pull: Pull) -> None:
    pull.publish("new:v1", "n")
    pull.path().write_bytes(_reformatted(pull.path().read_bytes()))
    assert pull.run("check", "--fix", "--repo", pull.folder).code == 0
    assert git("status", "--porcelain", cwd=pull.folder) == ""
    assert pull.check().code == 0

"""`site` as it is typed: a folder that shows the last commit of a ledger, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.tamper import commit, move_branch
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import digest, ledger_bytes, record
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]
Publish = Callable[..., str]
EMPTY: dict[str, object] = {"complete": True, "at": None, "checked": 0, "summary": {}, "findings": []}


@pytest.fixture
def refused(ledger: Run, upstream: Upstream) -> Run:
    """Return a function that runs `site`, which must end with a code, usually 2, and write nothing to stdout."""

    def refused(*words: object, code: int = 2) -> Outcome:
        done = ledger("site", *words, "--repo", upstream.url)
        assert (done.code, done.out) == (code, ""), done.err
        return done

    return refused


def bytes_in(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a site."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def data(folder: Path, name: str = "ledger") -> dict[str, object]:
    """Return some data of a site."""
    found: dict[str, object] = json.loads((folder / f"v1/{name}.json").read_text())
    return found


def test_a_site_is_written_and_a_second_run_writes_only_what_is_new(run: Run, publish: Publish, tmp_path: Path) -> None:
    tip = publish("myorg/app:v1", "a", "--platform", "linux/amd64")
    first = run("site", tmp_path / "site", "--format", "json")
    check_schema("site-v1", first.json)
    assert first.json["commit"] == tip
    assert first.json["written"] == first.json["files"] > 10
    assert data(tmp_path / "site")["commit"] == tip
    again = run("site", tmp_path / "site", "--format", "json").json
    assert (again["written"], again["removed"], again["files"]) == (0, 0, first.json["files"])
    before = bytes_in(tmp_path / "site")
    run("remove", "myorg/app:v1", "--reason", "over")
    publish("myorg/tool:v1", "b")
    changed = run("site", tmp_path / "site", "--format", "json").json
    assert changed["written"] > 0
    assert changed["removed"] > 0
    run("site", tmp_path / "other")
    assert bytes_in(tmp_path / "other") == bytes_in(tmp_path / "site") != before


def test_text_says_in_a_line_what_was_done(run: Run, tmp_path: Path) -> None:
    done = run("site", tmp_path / "site")
    assert done.out.count("\n") == 1
    assert str(tmp_path / "site") in done.out
    assert done.err == ""


def test_the_reports_of_other_jobs_are_shown_with_their_time(run: Run, publish: Publish, tmp_path: Path) -> None:
    publish("myorg/app:v1", "a", "--platform", "linux/amd64", "--ttl", "1d")
    finding = {
        "class": "gone", "kind": "drift", "registry": "main", "image": "myorg/away", "tag": "v9", "platform": None,
        "ledger": digest("x"), "served": None, "reason": "nobody has it", "since": None,
    }  # fmt: skip
    drift = tmp_path / "drift.json"
    drift.write_text(json.dumps(EMPTY | {"checked": 1, "summary": {"gone": 1}, "findings": [finding]}))
    running = tmp_path / "running.json"
    (tmp_path / "pods.txt").write_text(f"myorg/app@{digest('a')}\n")
    running.write_text(run("running", tmp_path / "pods.txt", "--format", "json").out)
    run("site", tmp_path / "site", "--reconcile", drift, "--running", running, "--running", running)
    assert "myorg/away" in (tmp_path / "site/drift.html").read_text()
    assert "myorg/app" in (tmp_path / "site/running.html").read_text()
    at = json.loads(running.read_text())["at"]
    assert data(tmp_path / "site")["at"] == at


@pytest.mark.parametrize("option", ["--reconcile", "--running"])
def test_what_is_not_a_report_is_refused_before_anything_is_written(refused: Run, tmp_path: Path, option: str) -> None:
    report = tmp_path / "report.json"
    report.write_text('{"complete": true}')
    done = refused(tmp_path / "site", option, report)
    command = option.removeprefix("--")
    assert done.err.startswith(f"error: {report} is not a report of `ledger {command}`: `")
    assert done.err.endswith(f"hint: write one with `ledger {command} --format json >FILE`\n")
    assert refused(tmp_path / "site", option, tmp_path / "nowhere").err.startswith("error: cannot read ")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("url", ["javascript:alert(1)", "myorg.github.io", "https://me:secret@a.example"])
def test_an_address_that_is_not_one_of_the_web_is_refused(refused: Run, tmp_path: Path, url: str) -> None:
    done = refused(tmp_path / "site", "--url", url)
    assert "is not the address of a site" in done.err
    assert "secret" not in done.err


def test_the_title_and_the_address_are_the_given_ones(run: Run, refused: Run, tmp_path: Path) -> None:
    run("site", tmp_path / "site", "--url", "https://myorg.github.io/images", "--title", "Our <images>")
    assert "<title>Our &lt;images&gt;" in (tmp_path / "site/index.html").read_text()
    assert "https://myorg.github.io/images/" in (tmp_path / "site/feed.xml").read_text()
    assert refused(tmp_path / "site", "--title", "a\nb").err.startswith("error: title contains")


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    assert refused(tmp_path).err.startswith("error: ")
    assert bytes_in(tmp_path)["mine"] == b"mine"
    assert not (tmp_path / "index.html").exists()


def test_a_checkout_shows_its_last_commit_and_says_what_is_not_committed(
    ledger: Run, upstream: Upstream, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    git("clone", "--quiet", upstream.path, checkout)
    done = ledger("site", tmp_path / "site", "--repo", checkout)
    assert (done.code, done.err) == (0, "")
    (checkout / "ledger.json").write_bytes(ledger_bytes(record()))
    done = ledger("site", tmp_path / "site", "--repo", checkout)
    tip = upstream.tip()[:12]
    assert done.err == f"note: the files here differ from commit {tip}, and the site shows the commit\n"
    assert data(tmp_path / "site")["images"] == []


def test_links_to_commits_go_to_the_page_of_the_remote(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    git("clone", "--quiet", upstream.path, checkout)
    ledger("publish", f"myorg/app:v1@{digest()}", "--source", f"https://a.example/b@{'1' * 40}", "--repo", checkout)
    git("remote", "set-url", "origin", "https://me:secret@github.com/myorg/ledger.git", cwd=checkout)
    assert ledger("site", tmp_path / "site", "--repo", checkout).code == 0
    page = (tmp_path / "site/images/myorg/app.html").read_text()
    assert f"https://github.com/myorg/ledger/commit/{upstream.tip()}" in page
    assert "<title>myorg/ledger" in (tmp_path / "site/index.html").read_text()
    assert not [name for name, content in bytes_in(tmp_path / "site").items() if b"secret" in content]


def test_a_shallow_clone_and_a_folder_outside_git_are_refused_as_by_log(
    ledger: Run, publish: Publish, upstream: Upstream, tmp_path: Path
) -> None:
    publish("myorg/app:v1", "a")
    git("clone", "--quiet", "--depth=1", upstream.url, tmp_path / "shallow")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/ledger.json").write_bytes(ledger_bytes())
    for name in ("shallow", "plain"):
        done = ledger("site", tmp_path / "site", "--repo", tmp_path / name)
        asked = ledger("log", "--repo", tmp_path / name)
        assert (done.code, done.err) == (asked.code, asked.err)
        assert done.code == 2
    assert not (tmp_path / "site").exists()


def test_an_invalid_ledger_is_refused_and_an_invalid_version_of_the_past_is_noted(
    run: Run, refused: Run, upstream: Upstream, tmp_path: Path
) -> None:
    good = upstream.content()
    move_branch(upstream, commit(upstream, "break it\n", [upstream.tip()], {"ledger.json": b"{}"}))
    assert refused(tmp_path / "site", code=4).err.startswith("error: ")
    assert not (tmp_path / "site").exists()
    move_branch(upstream, commit(upstream, "fix it\n", [upstream.tip()], {"ledger.json": good}))
    done = run("site", tmp_path / "site")
    assert "is not valid: what it did is left out" in done.err
    assert done.err == run("log").err.replace("no entries\n", "")


def test_a_ledger_without_settings_or_records_has_a_site(ledger: Run, tmp_path: Path) -> None:
    bare = Upstream.create(tmp_path / "bare.git")
    assert ledger("site", tmp_path / "site", "--repo", bare.url).code == 0
    empty = tmp_path / "empty"
    git("init", "--quiet", empty)
    asked = ledger("log", "--repo", empty)
    done = ledger("site", tmp_path / "site", "--repo", empty)
    assert (done.code, done.err) == (asked.code, asked.err)


def test_whence_agrees_about_every_digest(run: Run, publish: Publish, tmp_path: Path) -> None:
    force = ("--force", "--reason", "rebuilt")
    publish("myorg/app:v1", "a", "--platform", "linux/amd64", "--index", digest("i"))
    publish("myorg/app:v1", "b", "--platform", "linux/amd64", "--index", digest("j"), *force)
    publish("myorg/app:v2", "a", "--platform", "linux/amd64")
    publish("myorg/app:v3", "d", "--platform", "linux/amd64", "--config", digest("c"))
    run("yank", "myorg/app:v2", "--reason", "broken")
    run("site", tmp_path / "site")
    for seed in "abcdij":
        wanted = digest(seed)
        matches = run("whence", wanted).json["matches"]
        places = data(tmp_path / "site", f"digests/{wanted[7:9]}/{wanted[7:]}")["matches"]
        assert isinstance(places, list)
        found = [(one["as"], one["since"] and one["since"]["commit"]) for one in places]
        assert found == [(match["as"], match["commit"]) for match in matches]


def test_a_commit_from_the_future_decides_what_has_expired_and_a_warning_says_so(
    run: Run, publish: Publish, upstream: Upstream, tmp_path: Path
) -> None:
    publish("myorg/app:pr-1", "a", "--ttl", "7d")
    tip = upstream.git(
        "commit-tree", "-p", upstream.tip(), "-m", "later", "main^{tree}", date="2099-01-01T00:00:00+00:00"
    )
    move_branch(upstream, tip)
    done = run("site", tmp_path / "site")
    assert f"warning: commit {tip[:12]} is dated 2099-01-01T00:00:00Z, and it is 20" in done.err
    assert data(tmp_path / "site")["at"] == "2099-01-01T00:00:00Z"

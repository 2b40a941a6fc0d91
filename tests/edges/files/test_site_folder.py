"""The folder of a site: only its own files change, each at once, and what a dead run leaves the next one completes."""

from __future__ import annotations

import errno
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ledger_tool.core.site.files import SiteFile, SiteWritten
from ledger_tool.edges.files.site_folder import LIST, NEW, LocalSiteFolder
from ledger_tool.errors import Contended, LedgerError, LocalDiskError, UsageError

OLD = {"index.html": b"old start", "images/a.html": b"old a", "images/b/c.html": b"same", "v1/gone/x/y.json": b"{}"}
NEXT = {"index.html": b"new start", "images/a.html": b"new a", "images/b/c.html": b"same", "feed.xml": b"<feed/>",
        "v1/d/e.json": b"[]", ".nojekyll": b""}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def write(folder: Path, files: Mapping[str, bytes]) -> SiteWritten:
    return LocalSiteFolder(folder).write(SiteFile(*each) for each in files.items())


def content(folder: Path) -> dict[str, bytes]:
    """Return what a reader of the site gets."""
    paths = {path: path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for path, name in paths.items() if name != LIST and not name.startswith(NEW)}


def state(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Return all that stands in a folder, without following a link."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        what = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[path.relative_to(folder).as_posix()] = (status.st_ino, status.st_mode, status.st_mtime_ns, what)
    return found


def test_a_new_folder_is_made_with_files_that_all_may_read(tmp_path: Path) -> None:
    folder = tmp_path / "build" / "site"
    before = os.umask(0o077)
    try:
        assert write(folder, NEXT) == SiteWritten(6, 6, 0)
    finally:
        os.umask(before)
    assert content(folder) == NEXT
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o644}
    assert {stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")] if path.is_dir()} == {0o755}
    assert not (folder / NEW).exists()


def test_a_further_run_writes_what_has_changed_and_removes_what_is_gone(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    before = state(tmp_path)
    assert write(tmp_path, OLD) == SiteWritten(4, 0, 0)
    assert state(tmp_path) == before
    assert write(tmp_path, NEXT) == SiteWritten(6, 5, 1)
    assert content(tmp_path) == NEXT
    assert state(tmp_path)["images/b/c.html"] == before["images/b/c.html"]
    assert not (tmp_path / "v1/gone").exists()


def test_what_somebody_changed_or_removed_is_put_right(tmp_path: Path) -> None:
    write(tmp_path, NEXT)
    (tmp_path / "images/a.html").write_bytes(b"bad a")  # of the same length
    (tmp_path / "feed.xml").unlink()
    (tmp_path / "index.html").chmod(0o600)
    assert write(tmp_path, NEXT) == SiteWritten(6, 3, 0)
    assert content(tmp_path) == NEXT
    assert stat.S_IMODE((tmp_path / "index.html").stat().st_mode) == 0o644


def _file(path: Path) -> None:
    path.write_text("mine")


def _link(path: Path) -> None:
    path.symlink_to(path.parent.parent.parent / "elsewhere")


@pytest.mark.parametrize("made", [_file, _link, Path.mkdir, os.mkfifo], ids=["file", "link", "folder", "pipe"])
@pytest.mark.parametrize("place", ["thesis.txt", "images/thesis.txt", ".env", "images/a.html", "images/b", LIST, NEW])
def test_a_folder_that_has_something_else_is_refused_and_left_alone(
    tmp_path: Path, place: str, made: Callable[[Path], None]
) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "public" / "site"
    elsewhere.mkdir()
    (elsewhere / "c.html").write_text("theirs")
    write(folder, OLD)
    path = folder / place
    is_ours = (place, made) in [("images/a.html", _file), ("images/b", Path.mkdir), (NEW, Path.mkdir)]
    if path.is_dir():
        (path / "c.html").unlink()
        path.rmdir()
    path.unlink(missing_ok=True)
    made(path)
    before, there = state(folder), state(elsewhere)
    if is_ours:
        write(folder, NEXT)
        assert content(folder) == NEXT
        return
    for run in (LocalSiteFolder(folder).check, lambda: write(folder, NEXT)):
        with pytest.raises(UsageError) as caught:
            run()
        assert caught.value.exit_code == 2
        assert "ledger site" in caught.value.hint or place == LIST
    assert state(folder) == before
    assert state(elsewhere) == there


def test_the_message_names_what_is_in_the_way(tmp_path: Path) -> None:
    for name in ("thesis.tex", "photos", "a\x1b[31m", "z"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=r"`ledger site` did not write: a\\x1b\[31m, photos, thesis.tex, …$"):
        write(tmp_path, NEXT)


def test_what_people_put_beside_a_site_stays(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in (".git/config", "CNAME", "robots.txt", ".domains", ".nojekyll"):
        (tmp_path / name).write_text("mine")
    write(tmp_path, OLD)
    write(tmp_path, NEXT)
    write(tmp_path, {"index.html": b""})
    mine = {"CNAME", "robots.txt", ".domains", ".git/config"}
    assert content(tmp_path) == dict.fromkeys(mine, b"mine") | {"index.html": b""}


@pytest.mark.parametrize(
    "listed", ["../victim", "/victim", "images/../../victim", ".git/config", "CNAME", "robots.txt", "a//b", "./a", ""]
)
def test_a_list_that_no_run_can_have_written_removes_nothing(tmp_path: Path, listed: str) -> None:
    folder = tmp_path / "site"
    for path in (tmp_path / "victim", folder / ".git/config", folder / "CNAME", folder / "robots.txt"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    write(folder, {"index.html": b""})
    title = (folder / LIST).read_text().partition("\n")[0]
    for text in (f"{title}\n{listed}\n", f"something else\n{listed}\n", listed, f"{title}\nindex.html"):
        (folder / LIST).write_text(text)
        before = state(tmp_path)
        with pytest.raises(UsageError, match="is not a list that `ledger site` has written"):
            write(folder, NEXT)
        assert state(tmp_path) == before


def test_a_link_to_the_folder_is_followed_for_a_person_named_it(tmp_path: Path) -> None:
    (tmp_path / "releases").mkdir()
    (tmp_path / "current").symlink_to("releases")
    write(tmp_path / "current", NEXT)
    assert (tmp_path / "current").is_symlink()
    assert content(tmp_path / "releases") == NEXT


@pytest.mark.parametrize("path", ["../out", "/etc/motd", ".git/config", "a/../b", "a\nb", "", "CNAME/", "é.html"])
def test_no_file_outside_the_folder_can_be_asked_for(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="not a path of a site"):
        write(tmp_path / "site", {path: b""})
    assert not [*tmp_path.iterdir()]


def test_an_error_while_the_files_are_made_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    def files() -> Iterator[SiteFile]:
        yield SiteFile("index.html", b"new")
        raise RuntimeError("no such page")

    folder = tmp_path / "site"
    with pytest.raises(RuntimeError):
        LocalSiteFolder(folder).write(files())
    assert not folder.exists()
    write(folder, OLD)
    before = state(folder)
    with pytest.raises(RuntimeError):
        LocalSiteFolder(folder).write(files())
    assert state(folder) == before


def test_two_runs_are_never_mixed(tmp_path: Path) -> None:
    folder = LocalSiteFolder(tmp_path / "site")

    def files() -> Iterator[SiteFile]:
        yield SiteFile("index.html", b"first")
        for run in (folder.check, lambda: write(tmp_path / "site", NEXT)):
            with pytest.raises(Contended, match="another `ledger site` is writing"):
                run()
        yield SiteFile("feed.xml", b"first")

    assert folder.write(files()) == SiteWritten(2, 2, 0)
    assert content(tmp_path / "site") == {"index.html": b"first", "feed.xml": b"first"}


class Killed(BaseException):
    """The end of the process, as far as its files can tell."""


_CALLS = ("open", "mkdir", "rename", "unlink", "rmdir", "write", "fsync", "fchmod")


def failing(patch: pytest.MonkeyPatch, at: int, error: BaseException, *, for_good: bool) -> Callable[[], int]:
    """Make a call to the system fail, and all later ones if it is `for_good`; return how to count the calls."""
    count = 0

    def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == at or (for_good and count > at):
                raise error
            return call(*given, **named)

        return called

    for name in _CALLS:
        patch.setattr(os, name, wrapped(getattr(os, name)))
    return lambda: count


def assert_whole(folder: Path) -> None:
    """Assert that each file is as it was, or as it will be, and that the next run completes the rest."""
    for name, found in content(folder).items():
        assert found in (OLD.get(name), NEXT.get(name))
    write(folder, NEXT)
    assert content(folder) == NEXT
    before = state(folder)
    assert write(folder, NEXT) == SiteWritten(6, 0, 0)
    assert state(folder) == before
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == [LIST, ".nojekyll"]
    assert not [path for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())]


@pytest.mark.parametrize("old", [None, OLD], ids=["new", "old"])
def test_a_run_killed_at_any_moment_leaves_whole_files_and_is_completed(
    tmp_path: Path, old: dict[str, bytes] | None
) -> None:
    at, is_over = 0, False
    while not is_over:
        at += 1
        folder = tmp_path / str(at)
        if old:
            write(folder, old)
        with pytest.MonkeyPatch.context() as patch:
            calls = failing(patch, at, Killed(), for_good=True)
            try:
                write(folder, NEXT)
                is_over = True
            except Killed:
                assert calls() >= at
        if not is_over and folder.exists():
            assert_whole(folder)
    assert at > 40


def _error_of(folder: Path) -> LedgerError | None:
    try:
        write(folder, NEXT)
    except LedgerError as error:
        return error
    return None


@pytest.mark.parametrize(("code", "step"), [(errno.ENOSPC, 2), (errno.EACCES, 7)])
def test_an_error_at_any_moment_is_reported_and_leaves_whole_files(tmp_path: Path, code: int, step: int) -> None:
    reported = 0
    for at in range(1, 70, step):
        folder = tmp_path / str(at)
        write(folder, OLD)
        with pytest.MonkeyPatch.context() as patch:
            failing(patch, at, OSError(code, os.strerror(code)), for_good=False)
            error = _error_of(folder)  # None if it does without what failed
        if error:
            assert isinstance(error, LocalDiskError if code == errno.ENOSPC else UsageError)
            assert str(folder) in error.message
            reported += 1
        assert_whole(folder)
    assert reported > 40 / step


def test_a_link_that_takes_the_place_of_a_folder_meanwhile_is_not_followed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.html").write_text("theirs")
    write(folder, OLD)

    def files() -> Iterator[SiteFile]:
        (folder / "images").rename(tmp_path / "away")
        (folder / "images").symlink_to("../elsewhere")
        yield from (SiteFile(*each) for each in NEXT.items())

    before = state(elsewhere)
    with pytest.raises(UsageError):
        LocalSiteFolder(folder).write(files())
    assert state(elsewhere) == before


def test_a_process_that_is_killed_leaves_what_the_next_run_completes(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    files = {f"images/{number}.html": b"%d" % number * 1000 for number in range(300)}
    for round_ in range(4):
        wanted = {name: text + b"%d" % round_ for name, text in files.items()}
        process = os.fork()
        if not process:
            try:
                write(folder, wanted)
            finally:
                os._exit(0)
        time.sleep(0.004 * (round_ + 1))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    write(folder, files)
    assert content(folder) == files
    assert sorted(path.name for path in folder.iterdir()) == [LIST, "images"]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("mine")
    for run in (LocalSiteFolder(tmp_path / "site").check, lambda: write(tmp_path / "site" / "below", NEXT)):
        with pytest.raises(UsageError, match="not a directory"):
            run()


def test_names_as_long_as_an_image_may_have_are_written(tmp_path: Path) -> None:
    from ledger_tool.core.site import paths

    longest, deepest = "a" * 255, "/".join("a" * 128)
    files = {make(name): b"1" for make in (paths.image_page, paths.image_data) for name in (longest, deepest)}
    write(tmp_path, files)
    assert content(tmp_path) == files
    write(tmp_path, {"index.html": b""})
    assert content(tmp_path) == {"index.html": b""}
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []

"""The environment that a job happens to have: nothing of it changes what is written, or runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.git.processes import finish, start
from tests.support.git.upstream import Upstream, git
from tests.support.registries.world import World
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def _command(upstream: Upstream, tag: str = "v1") -> list[object]:
    where = ["--repo", upstream.url, "--source", SOURCE, "--published-at", "2026-11-24T10:00:00Z"]
    return ["publish", f"myorg/app:{tag}@{digest()}", *where]


def _command_at(repo: str) -> list[object]:
    return ["publish", f"myorg/app:v1@{digest()}", "--source", SOURCE, "--offline", "--repo", repo]


def _hostile(folder: Path) -> dict[str, str]:
    """Return an environment in which every known trap is set; each one that works makes the file `sprung`."""
    sprung = folder / "sprung"
    trap = folder / "trap"
    trap.write_text(f'#!/bin/sh\necho "$0 $*" >>{sprung}\nexec /usr/bin/env -u GIT_TRACE "$@" 2>/dev/null || exit 0\n')
    trap.chmod(0o755)
    hooks = folder / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "post-checkout", "pre-receive-pack"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >>{sprung}\n")
        (hooks / name).chmod(0o755)
    settings = folder / "settings"
    settings.write_text(
        f"[core]\n\thooksPath = {hooks}\n\tfsmonitor = {trap}\n\tsshCommand = {trap}\n\teditor = {trap}\n"
        f"[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {trap}\n[push]\n\tgpgSign = if-asked\n"
        f'[url "file:///nowhere/"]\n\tpushInsteadOf = file://\n\tinsteadOf = file:///\n'
        f"[alias]\n\tpush = !{trap}\n[i18n]\n\tcommitEncoding = ISO-8859-1\n[core]\n\tautocrlf = true\n"
    )
    return {
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_DIR": "/nowhere",
        "GIT_WORK_TREE": "/nowhere",
        "GIT_INDEX_FILE": "/nowhere/index",
        "GIT_OBJECT_DIRECTORY": "/nowhere/objects",
        "GIT_TRACE": "1",
        "GIT_TRACE_PACKET": str(folder / "trace"),
        "GIT_TRACE_CURL": "1",
        "GIT_SSH_COMMAND": str(trap),
        "GIT_EXTERNAL_DIFF": str(trap),
        "GIT_EDITOR": str(trap),
        "GIT_ASKPASS": str(trap),
        "SSH_ASKPASS": str(trap),
        "GIT_PROXY_COMMAND": str(trap),
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_PROTOCOL_FROM_USER": "0",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "tr_TR.UTF-8",
        "LANGUAGE": "de",
        "TZ": "Pacific/Kiritimati",
    }


def test_a_hostile_environment_changes_nothing_and_runs_nothing(upstream: Upstream, tmp_path: Path) -> None:
    plain = Upstream.create(tmp_path / "plain.git")
    assert finish(start(*_command(plain))).code == 0
    done = finish(start(*_command(upstream), environment=_hostile(tmp_path)))
    assert done.code == 0, done.err
    assert upstream.content() == plain.content()
    assert not (tmp_path / "sprung").exists(), (tmp_path / "sprung").read_text()
    assert not (tmp_path / "trace").exists()
    assert "trace" not in done.err


def test_a_hostile_umask_changes_nothing_and_leaves_nothing_open(upstream: Upstream, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        checkout = tmp_path / "checkout"
        git("clone", "--quiet", upstream.path, checkout)
        (checkout / "ledger.json").chmod(0o640)
        words = _command(upstream)
        words[words.index("--repo") + 1] = checkout
        done = finish(start(*words))
    finally:
        os.umask(before)
    assert done.code == 0, done.err
    assert (checkout / "ledger.json").stat().st_mode & 0o777 == 0o640


def test_no_home_and_no_settings_are_enough(upstream: Upstream) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "ledger_tool", *map(str, _command(upstream))],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert upstream.git("log", "-1", "--format=%an <%ae>") == "ledger <ledger@localhost>"


def test_the_users_name_is_on_the_commit(upstream: Upstream, ledger: Run) -> None:
    assert ledger(*_command(upstream)).code == 0
    assert upstream.git("log", "-1", "--format=%an <%ae> %cn") == "Test Person <person@example.com> Test Person"


def test_a_repository_of_another_owner_is_trusted_when_it_is_named(
    ledger: Run, upstream: Upstream, tmp_path: Path
) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a repository to somebody else")
    for path in [upstream.path, *upstream.path.rglob("*")]:
        os.chown(path, 12345, 12345)
    done = ledger(*_command(upstream))
    assert done.code == 0, done.err
    checkout = tmp_path / "checkout"
    git("-c", f"safe.directory={upstream.path}", "clone", "--quiet", "--no-local", upstream.url, checkout, check=False)


def test_without_git_the_message_says_so(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "env").symlink_to("/usr/bin/env")
    done = finish(start(*_command(upstream), environment={"PATH": str(tmp_path)}))
    assert done.code == 2
    assert "git is not installed" in done.err


def test_no_child_gets_a_secret_in_its_arguments_or_the_job_environment(
    upstream: Upstream, tmp_path: Path, ledger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job's environment is full of other services' secrets; git and its helpers have no business with them."""
    seen = tmp_path / "seen"
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} >>{seen}\nexec /usr/bin/git "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:/usr/bin:/bin")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "job-secret-1")
    monkeypatch.setenv("LEDGER_TOKEN", "job-secret-2")
    done = ledger(*_command(upstream))
    assert done.code == 0, done.err
    assert "refs/heads/main" in seen.read_text()
    assert "job-secret" not in seen.read_text()


@contextmanager
def _tiny_disk(path: Path, size: str) -> Iterator[None]:
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_full_disk_for_temporary_files_is_try_again_and_named(upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit_as_other_writer(
        {"ledger.json": ledger_bytes(*(record(tag=f"t{at}", digest=digest(at)) for at in range(2000)))}
    )
    with _tiny_disk(tmp_path / "disk", "128k"):
        done = finish(start(*_command(upstream), environment={"TMPDIR": str(tmp_path / "disk")}))
    assert done.code == 5, done.err
    assert "full" in done.err or "no space left" in done.err
    assert len(upstream.records()) == 2000


def test_a_full_disk_under_a_checkout_leaves_the_old_file_whole(tmp_path: Path, upstream: Upstream) -> None:
    with _tiny_disk(tmp_path / "disk", "2m"):
        checkout = tmp_path / "disk" / "checkout"
        git("clone", "--quiet", "--template=", upstream.path, checkout)
        git("remote", "remove", "origin", cwd=checkout)
        before = (checkout / "ledger.json").read_bytes()
        filler = checkout / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        words = _command(upstream)
        words[words.index("--repo") + 1] = checkout
        done = finish(start(*words))
        assert done.code == 5, done.err
        assert (checkout / "ledger.json").read_bytes() == before
        assert not list(checkout.glob(".ledger.json.*"))
        filler.unlink()
        again = finish(start(*words))
        assert again.code == 0, again.err
        assert git("status", "--porcelain", cwd=checkout) == ""


def test_a_reader_that_closes_the_pipe_early_is_not_an_error(upstream: Upstream) -> None:
    words = [sys.executable, "-m", "ledger_tool", "list", "--format", "json", "--repo", upstream.url]
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_behind_standard_output_is_try_again(upstream: Upstream) -> None:
    words = [sys.executable, "-m", "ledger_tool", *map(str, _command(upstream))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert done.returncode == 5
    assert "cannot write to standard output" in done.stderr
    assert len(upstream.records()) == 1


def test_broken_git_settings_are_reported_and_nothing_is_written(
    ledger: Run, checkout: Path, hermetic: Path, upstream: Upstream
) -> None:
    (hermetic / "gitconfig").write_text("[core\n")
    words = _command(upstream)
    words[words.index("--repo") + 1] = checkout
    done = ledger(*words)
    assert done.code == 2
    assert "git cannot read your settings" in done.err
    assert upstream.tags() == set()


def test_an_author_that_git_refuses_is_a_usage_error(
    ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", ".")
    done = ledger(*_command(upstream))
    assert done.code == 2
    assert "user.name" in done.err


@pytest.mark.parametrize("redirect", ["2>/dev/full", ">&-", "2>&-"])
def test_closed_or_full_streams_do_not_change_the_exit_code(upstream: Upstream, redirect: str) -> None:
    words = " ".join(str(word) for word in [sys.executable, "-m", "ledger_tool", *_command(upstream)])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert (
        subprocess.run(
            ["sh", "-c", f"{words} {redirect}"], env=environment, capture_output=True, check=False
        ).returncode
        == 0
    )
    assert upstream.tags() == {"v1"}


def test_a_hundred_megabytes_of_address_space_are_enough(world: World, tmp_path: Path) -> None:
    world.pushed(*(f"v{number}" for number in range(9)))
    lines = [json.dumps({"image": world.image, "tag": f"v{number}", "sourceRef": SOURCE}) for number in range(9)]
    (tmp_path / "batch").write_text("\n".join(lines))
    repo = ["--repo", world.upstream.url]
    for words in (["publish", "--from", tmp_path / "batch", "--label", "a=b", *repo], ["reconcile", "--deep", *repo]):
        command = " ".join(str(word) for word in [sys.executable, "-m", "ledger_tool", *words])
        done = subprocess.run(
            ["sh", "-c", f"ulimit -v 102400; exec {command}"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "all_proxy"])
def test_a_malformed_proxy_is_a_usage_error_that_does_not_show_it(
    ledger: Run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://user:hunter2@")
    for words in (
        ["list", "--repo", "https://git.example.com/team/ledger.git"],
        ["doctor", "registry.example.com"],
        [*_command_at("https://github.com/team/ledger.git"), "--pull-request"],
    ):
        monkeypatch.setenv("GITHUB_TOKEN", "t" * 20)
        done = ledger(*words)
        assert done.code == 2, done
        assert f"{variable} is not the address of a proxy" in done.out + done.err
        assert "hunter2" not in done.out + done.err


def test_help_on_a_full_disk_exits_with_5_and_no_traceback() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ledger_tool", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            check=False,
        )
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stderr

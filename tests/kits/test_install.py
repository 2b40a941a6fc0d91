"""LEDGER_TOOL decides to the byte what the jobs run: anything else is refused before a key is touched."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from ledger_tool import __version__
from ledger_tool.core.writes import ci
from ledger_tool.core.writes.tool import FORMS, parse_tool
from ledger_tool.edges.files.kits import shell_script
from ledger_tool.edges.forge import opening
from ledger_tool.edges.git import access
from ledger_tool.errors import UsageError
from tests.support import ROOT
from tests.support.git.upstream import git
from tests.support.stage.kits import IMAGE, WHEEL
from tests.support.stage.stage import Stage
from tests.support.stage.strangers import EVIDENCE, put_strangers

INSTALL = shell_script("install.sh")
HASH, COMMIT = "a1" * 32, "c3" * 20
NAME = "ledger_tool-1.0-py3-none-any.whl"
GOOD = [
    WHEEL,
    f"tools/{NAME}#sha256={HASH}",
    f"/opt/{NAME}#sha256={HASH}",
    f"{NAME}#sha256={HASH}",
    f"git+https://git.example.com/tools/ledger-tool@{COMMIT}",
    f"git+https://git.example.com:8443/t/l.git@{COMMIT}",
    IMAGE,
    f"registry.example.com:5000/ledger:v1@sha256:{HASH}",
]
GOOD_TOO = [
    f"https://example.com/a@b/c=d/{NAME}#sha256={HASH}", f"https://example.com:8443/{NAME}#sha256={HASH}",
    f"./{NAME}#sha256={HASH}", f"git+https://example.com/a@b@{COMMIT}", f"myorg/ledger@sha256:{HASH}",
    f"localhost:5000/a__b--c/d.e:V1_2@sha256:{HASH}", f"ledger@sha256:{HASH}", f"R.example.com/l@sha256:{HASH}",
]  # fmt: skip
BAD = [
    "", "ledger-tool", f"ledger-tool=={__version__}", "ledger-tool @ https://example.com/x", "ledger_tool",
    f"https://example.com/{NAME}", f"http://example.com/{NAME}#sha256={HASH}", f"https://example.com/{NAME}#sha256=",
    f"https://example.com/{NAME}#sha256={HASH[1:]}", f"https://example.com/{NAME}#sha256={HASH.upper()}",
    f"https://example.com/{NAME}#md5={'a' * 32}", f"https://example.com/other-1.0-py3-none-any.whl#sha256={HASH}",
    f"https://example.com/{NAME}#sha256={HASH}#sha256={HASH}", "git+https://example.com/t", "git+https://example.com/t@main",
    "git+https://example.com/t@v1.0", f"git+https://example.com/t@{COMMIT[1:]}", f"git+http://example.com/t@{COMMIT}",
    f"git+file:///t@{COMMIT}", f"git+ssh://git@example.com/t@{COMMIT}", f"git+https://example.com/t@{COMMIT}x",
    "registry.example.com/ledger", "registry.example.com/ledger:v1", f"registry.example.com/ledger@sha256:{HASH[2:]}",
    f"registry.example.com/ledger@sha512:{HASH}", "-rrequirements.txt", "$(touch pwned)", "`touch pwned`", "a b",
    f"https://user:token@example.com/{NAME}#sha256={HASH}", f"https://token@example.com/{NAME}#sha256={HASH}",
    f"git+https://user:token@example.com/t@{COMMIT}", f"git+https://token@example.com/t@{COMMIT}",
    f"https://example.com/x/{NAME}?token=1#sha256={HASH}", f"git+https://example.com@{COMMIT}",
    f"git+https://example.com/@{COMMIT}", f"https://example.com:123456/{NAME}#sha256={HASH}",
    f"a:b/{NAME}#sha256={HASH}",
    f"https:///{NAME}#sha256={HASH}", f"-/{NAME}#sha256={HASH}", f"MyOrg/ledger@sha256:{HASH}", f"a//b@sha256:{HASH}",
    f"a.example.com/@sha256:{HASH}", f"l:@sha256:{HASH}", f"l:v1:v2@sha256:{HASH}", f"l@sha256:{HASH}@sha256:{HASH}",
    f"https://example.com/l@sha256:{HASH}", f"l___m@sha256:{HASH}", f"l=m@sha256:{HASH}", f"[::1]:5000/l@sha256:{HASH}",
    f"{WHEEL}'; touch pwned; '", f"{WHEEL}\n", f"git+https://example.com/t@{COMMIT};touch pwned", '"', "\\", "${{ x }}",
]  # fmt: skip


def run(tool: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    given = {"LEDGER_TOOL": tool, "WORKSPACE_TMP": str(folder / "a folder")}
    return subprocess.run(
        ["sh", "-c", INSTALL], cwd=folder, env={**environment, **given}, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip


def test_what_is_fixed_to_the_byte_is_installed(stage: Stage) -> None:
    (stage.work / "tools").mkdir()
    for name in (NAME, f"tools/{NAME}"):
        (stage.work / name).touch()
    for tool in GOOD:
        assert parse_tool(tool).spec == tool
        done = run(tool, stage.work, stage.environment)
        if tool.startswith("git+"):  # from a host that nobody can reach here
            assert "fatal" in done.stderr
            continue
        if tool.startswith("/"):
            assert "names a wheel that is not there" in done.stderr
            continue
        assert done.returncode == 0, done.stderr
        shown = subprocess.run(
            [stage.work / "a folder/ledger-tool/bin/ledger", "--version"], cwd=stage.work, capture_output=True,
            env={**stage.environment, "LEDGER_DEPLOY_KEY": "-----"}, text=True, check=True,
        )  # fmt: skip
        assert shown.stdout == f"ledger {__version__}\n"


@pytest.mark.parametrize("tool", BAD)
def test_anything_else_is_refused_by_init(tool: str) -> None:
    with pytest.raises(UsageError):
        parse_tool(tool)


def test_the_jobs_refuse_what_init_refuses_and_nothing_else(tmp_path: Path) -> None:
    """A person may have set LEDGER_TOOL by hand. One shell asks about all of them, each in a process of its own."""
    script = shell_script("tool.sh")
    assert all(f"{kind}='{form}'\n" in script for kind, form in FORMS.items())
    asking = 'n=0; for LEDGER_TOOL; do n=$((n + 1)); (eval "$SCRIPT") >$n 2>&1; echo $? >>$n; done'
    subprocess.run(
        ["sh", "-c", asking, "sh", *GOOD, *GOOD_TOO, *BAD], cwd=tmp_path, env=os.environ | {"SCRIPT": script}
    )
    said = [(tmp_path / str(at)).read_text().splitlines() for at in range(1, len(GOOD + GOOD_TOO + BAD) + 1)]
    for tool in GOOD_TOO:
        assert parse_tool(tool).spec == tool
    assert [lines for lines in said[: len(GOOD + GOOD_TOO)] if lines != ["0"]] == []
    for tool, lines in zip(BAD, said[len(GOOD + GOOD_TOO) :], strict=True):
        assert len(lines) == 2, (tool, lines)
        assert lines[1] == "2", tool
        assert re.match(r"error: LEDGER_TOOL is ", lines[0])
        assert all(form in lines[0] for form in (".whl#sha256=HASH", "git+https://HOST/PATH@COMMIT", "@sha256:DIGEST"))
        assert "token" not in lines[0]


def test_a_job_that_is_refused_installs_nothing(tmp_path: Path) -> None:
    assert run("ledger-tool", tmp_path, {"PATH": os.environ["PATH"]}).returncode == 2
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the program as it is here, in one commit."""
    folder = tmp_path_factory.mktemp("copy")
    git("init", "--quiet", folder)
    files = git("ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
    git(f"--git-dir={folder}/.git", "add", "--", *[name for name in files if os.path.lexists(ROOT / name)], cwd=ROOT)
    git("commit", "--quiet", "-m", "copy", cwd=folder)
    return folder


def real(folder: Path) -> dict[str, str]:
    """Return the environment of a job that installs for real."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "PIP_", "SSL_", "HOME"))}
    config = folder / "gitconfig"
    config.touch()
    # Pip would compile every module of every package, and few of them are started.
    return kept | {"GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1", "PIP_COMPILE": "0"}


def among_strangers(folder: Path) -> dict[str, str]:
    """Return the environment of a job that installs for real, in a folder with other modules of every name."""
    put_strangers(folder, folder / EVIDENCE)
    return real(folder) | {"PYTHONPATH": "."}


def version(folder: Path) -> str:
    """Return what the installed program says, started where somebody else's modules are."""
    done = subprocess.run(
        [folder / "a folder/ledger-tool/bin/ledger", "--version"], cwd=folder, capture_output=True, text=True,
        env=among_strangers(folder), check=True,
    )  # fmt: skip
    assert not (folder / EVIDENCE).exists()
    return done.stdout


def test_a_commit_is_fetched_and_runs_with_locked_dependencies(copy: Path, tmp_path: Path) -> None:
    """A branch that is named like the commit changes nothing."""
    commit = git("rev-parse", "HEAD", cwd=copy)
    environment = among_strangers(tmp_path)
    url = "https://git.example.com/tools/ledger-tool"
    git("config", "--file", environment["GIT_CONFIG_GLOBAL"], f"url.{copy}.insteadOf", url)
    git("checkout", "--quiet", "--orphan", "other", cwd=copy)
    git("commit", "--quiet", "--allow-empty", "-m", "evil", cwd=copy)
    git("update-ref", f"refs/heads/{commit}", "HEAD", cwd=copy)
    done = run(f"git+{url}@{commit}", tmp_path, environment)
    assert done.returncode == 0, done.stderr
    assert version(tmp_path) == f"ledger {__version__}\n"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").write_text(  # it stops before it needs pip, which takes longest
        f'#!/bin/sh\ncase $* in *"-m venv "*) set -- "$@" --without-pip ;; esac\nexec {sys.executable} "$@"\n'
    )
    (tmp_path / "bin/python3").chmod(0o755)
    missing = run(f"git+{url}@{COMMIT}", tmp_path, environment | {"PATH": f"{tmp_path}/bin:{environment['PATH']}"})
    assert missing.returncode != 0
    assert COMMIT in missing.stderr.splitlines()[-1]


def test_in_the_image_itself_no_variable_brings_modules_along(stage: Stage) -> None:
    (stage.root / "programs/ledger").write_text("#!/bin/sh\nenv\n")
    environment = {**stage.environment, "CI_JOB_IMAGE": IMAGE, "PYTHONPATH": ".", "PYTHONHOME": "."}
    assert run(IMAGE, stage.work, environment).returncode == 0
    done = subprocess.run(
        [stage.work / "a folder/ledger-tool/bin/ledger"], env=environment, capture_output=True, text=True, check=True
    )
    assert "PYTHONPATH" not in done.stdout
    assert "PYTHONHOME" not in done.stdout


def test_an_image_gets_every_variable_that_the_program_reads_and_the_files_that_they_name(tmp_path: Path) -> None:
    """No variable of the caller's that has nothing to do with it, and no file twice, which docker refuses."""
    templates = [text for one in ci.SYSTEMS for text in (one.variable, one.url, one.commit, *one.run, *one.actor)]
    read = {name for text in templates for name in re.findall(r"[A-Z][A-Z0-9_]+", text)}
    read |= {*opening.VARIABLES, *access.PASSED, "REQUESTS_CA_BUNDLE", "http_proxy", "HTTP_PROXY", "GITEA_ACTIONS"}
    sources = [path.read_text() for path in (ROOT / "ledger_tool").rglob("*.py")]
    read |= {name for text in sources for name in re.findall(r"\bLEDGER_[A-Z_]+", text)}
    read -= {"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "GNUPGHOME", "SSH_AUTH_SOCK", "LEDGER_TOOL", "LEDGER_"}
    (tmp_path / "docker").write_text('#!/bin/sh\nfor word; do echo "$word"; done\n')
    (tmp_path / "docker").chmod(0o755)
    bundle, key = tmp_path / "a ca.pem", tmp_path / "a key"
    bundle.touch()
    key.touch()
    files = {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle, "GIT_SSL_CAINFO": bundle, "LEDGER_DEPLOY_KEY": key}
    given = dict.fromkeys(sorted(read), "x") | {name: str(path) for name, path in files.items()}
    given |= {"OTHER": "x", "PYTHONPATH": ".", "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    environment = given | {"LEDGER_KNOWN_HOSTS": "host ssh-ed25519 AAAA\nOTHER=x"}
    assert run(IMAGE, tmp_path, environment).returncode == 0
    done = subprocess.run(
        [tmp_path / "a folder/ledger-tool/bin/ledger", "log"], cwd=tmp_path, env=environment, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    words = done.stdout.splitlines()
    assert {word[6:] for word in words if re.fullmatch("--env=[^=]+", word)} >= read
    assert not {"--env=OTHER", "--env=PYTHONPATH", "--env=PATH"} & set(words)
    mounted = [word for word in words if word.startswith("--volume=") and word.endswith(":ro")]
    assert len(mounted) == len(set(mounted)) == 4
    assert {f"--volume={path}:{path}:ro" for path in (bundle, key)} <= set(mounted)
    assert words[-2:] == [IMAGE, "log"]


@pytest.fixture
def copying(tmp_path: Path) -> str:
    """Return a PATH on which `python3 -m venv` copies an environment that it has made once, which is much faster."""
    made, folder = tmp_path / "made", tmp_path / "copying"
    subprocess.run([sys.executable, "-I", "-m", "venv", made], check=True)
    folder.mkdir()
    (folder / "python3").write_text(
        "#!/bin/sh\n"
        f'case "$1 $2 $3" in "-I -m venv") exec cp -a {shlex.quote(str(made))}/. "$4" ;; esac\n'
        f'exec {sys.executable} "$@"\n'
    )
    (folder / "python3").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_wheel_is_installed_by_its_hash_and_brings_its_lock(dist: Path, tmp_path: Path, copying: str) -> None:
    (wheel,) = dist.glob("ledger_tool-*.whl")
    (tmp_path / "dist").mkdir()
    shutil.copy(wheel, tmp_path / "dist")
    hash_ = sha256(wheel.read_bytes()).hexdigest()
    environment = among_strangers(tmp_path) | {"PATH": copying}
    done = run(f"dist/{wheel.name}#sha256={hash_}", tmp_path, environment)
    assert done.returncode == 0, done.stderr
    assert version(tmp_path) == f"ledger {__version__}\n"
    other = run(f"dist/{wheel.name}#sha256={HASH}", tmp_path, environment)
    assert other.returncode != 0
    assert "HASH" in other.stderr.upper()
    assert not (tmp_path / "a folder/ledger-tool/bin/ledger").exists()

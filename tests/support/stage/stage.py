"""A machine in a folder, on which the examples of the docs run as they are shown.

It has a home with a deploy key, a `ledger` in PATH, and an `ssh` of its own that stands for a git host: whatever
the host's name, it serves `team/ledger.git` to whoever brings the right key and trusts the host. Git speaks its
real protocol through it. A real registry answers as `registry.example.com`, over TLS and behind a password, by way
of a proxy. `docker` builds nothing, but pushes for real (`tests.support.stage.docker`); `curl` downloads the
program under test (`tests.support.stage.curl`). `pip` and `python3 -I -m venv` only pretend: what they install
is the program under test. Python itself is the real one, and looks for modules where it was told to.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT
from tests.support.git.upstream import Upstream, git
from tests.support.registries.registry import RealRegistry, real_registry
from tests.support.registries.tunnel import certificate_for, tunnel
from tests.support.stage import forkserver
from tests.support.stage.docker import REGISTRY

HOSTS = ("git.example.com", "github.com", "gitlab.com", "bitbucket.org")

_SSH = """\
#!/bin/bash
# Stands for ssh and the git host behind it.
set -u
key= hosts=
while [ $# -gt 0 ]; do
  case $1 in
    -i) key=$2; shift 2 ;;
    -o) case $2 in UserKnownHostsFile=*) hosts=${{2#*=}} ;; esac; shift 2 ;;
    -F | -p) shift 2 ;;
    -*) shift ;;
    *) break ;;
  esac
done
host=${{1#*@}} command=$2
if [ -n "$hosts" ] && ! grep -q -F "$host" "$hosts"; then
  echo 'Host key verification failed.' >&2
  exit 255
fi
if [ -n "$key" ] && ! cmp -s "$key" {home}/.ssh/ledger_deploy_key; then
  echo "git@$host: Permission denied (publickey)." >&2
  exit 255
fi
eval "set -- $command"
exec env -i PATH="$PATH" HOME=/nonexistent GIT_PROTOCOL="${{GIT_PROTOCOL-}}" "$1" {served}/"${{2#/}}"
"""

# What a step installs for itself, in an environment of its own, is the program under test.
# That Python starts, and takes no module from where it is started, is tried once for each such place.
_PYTHON3 = """\
#!/bin/bash
once() {{
  local start="|${{PWD}} ${{PYTHONPATH-}} ${{PYTHONHOME-}} $*|"
  [[ -e {tried} && $(<{tried}) == *"$start"* ]] || {{ {python} "$@" >/dev/null && echo "$start" >>{tried}; }}
}}
if [[ $* == *"sys.version_info <"* ]]; then once "$@"; exit; fi
[[ $* == *"-m venv "* ]] || exec {python} "$@"
once "${{@:1:$#-1}}" --help || exit
home=${{@: -1}} ledger=$(command -v ledger) pip=$(command -v pip)
mkdir -p "$home/bin" "$home/packages"
cat >"$home/bin/python" <<END
#!/bin/bash
$(declare -f once)
case \\$* in
  "-I -m pip"*) shift 3 && exec '$pip' "\\$@" ;;
  "-I -m ledger_tool"*) shift 3 && exec '$ledger' "\\$@" ;;
  *'get_path("purelib")'*) once "\\$@" && echo '$home/packages' ;;
  *) exec {python} "\\$@" ;;
esac
END
chmod +x "$home/bin/python"
"""

# The users `ci`, of the examples, with the password `secret`, and `user`, of the tests; as bcrypt.
_HTPASSWD = """\
ci:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a
user:$2y$05$abcdefghijklmnopqrstuu8jXihDn6YyI16dkpSl33R.slyuyqYCi
"""
_LOGIN = {"auths": {REGISTRY: {"auth": base64.b64encode(b"ci:secret").decode()}}}


# The repository that the git host begins with, kept by the first stage of this process for the others to copy.
_STARTED: list[Path] = []


def _keep(repository: Path) -> None:
    folder = tempfile.mkdtemp(prefix="stage-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _STARTED.append(shutil.copytree(repository, Path(folder, "start.git")))


@dataclass(frozen=True)
class Stage:
    """A folder with everything in it, and the environment in which its shell starts."""

    root: Path
    environment: Mapping[str, str]
    registry: RealRegistry

    @classmethod
    @contextmanager
    def set_up(cls, root: Path, *, empty: bool = False, forking: bool = True) -> Iterator[Stage]:
        """Build one; `empty` leaves the git host's repository without a commit, and `LEDGER_*` unset.

        With `forking`, `ledger` and `docker` are loaded once for all their starts (`tests.support.stage.forkserver`),
        and `docker` stores an image where a push leaves it.
        """
        for name in ("bin", "home/.ssh", "home/.docker", "work", "tmp", "served/team", "transcript", "registry"):
            (root / name).mkdir(parents=True)
        certificate = certificate_for(root / "registry", REGISTRY)
        with (
            real_registry(root / "registry", htpasswd=_HTPASSWD, certificate=certificate) as registry,
            tunnel(int(registry.host.rpartition(":")[2]), REGISTRY) as port,
        ):
            made = cls(root, _environment(root, empty=empty, proxy=f"http://127.0.0.1:{port}"), registry)
            made._fill(empty=empty, forking=forking)
            yield made

    def _fill(self, *, empty: bool, forking: bool) -> None:
        root = self.root
        shutil.copytree(ROOT / "sample-ledger", root / "work/sample-ledger")
        (root / "home/.gitconfig").write_text(
            "[user]\n\tname = Ada Example\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
        )
        key = root / "home/.ssh/ledger_deploy_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ledger", "-f", key], check=True)
        host_key = key.with_suffix(".pub").read_text().split()[1]
        key.with_name("ledger_known_hosts").write_text("".join(f"{host} ssh-ed25519 {host_key}\n" for host in HOSTS))
        (root / "home/.docker/config.json").write_text(json.dumps(_LOGIN))
        if forking:
            (root / "home/.docker/registry").symlink_to(self.registry.folder)
        for name in ("app", "worker", "tool"):
            (root / "work" / name).mkdir()
            (root / "work" / name / "Dockerfile").write_text("FROM scratch\n")
        self._program("ssh", _SSH.format(home=root / "home", served=root / "served"))
        script = forkserver.script if forking else forkserver.real_script
        self._program("ledger", script("ledger_tool", "-I"))
        self._program("docker", script("tests.support.stage.docker", "-P", str(ROOT)))
        self._program("curl", forkserver.real_script("tests.support.stage.curl", "-P", str(ROOT)))
        for name in ("pip", "pipx"):
            self._program(name, "#!/bin/sh\n")
        self._program("python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        self._program("python3", _PYTHON3.format(python=sys.executable, tried=root / "tried"))
        if not empty and _STARTED:
            shutil.copytree(_STARTED[0], self.upstream.path)
            return
        git("init", "--quiet", "--bare", "--initial-branch=main", self.upstream.path)
        if not empty:
            self.run(
                ["ledger init start --registry registry.example.com", f"git -C start push {self.upstream.path} main"]
            )
            shutil.rmtree(root / "work/start")
            _keep(self.upstream.path)

    @property
    def upstream(self) -> Upstream:
        """The repository of the git host."""
        return Upstream(self.root / "served/team/ledger.git")

    @property
    def work(self) -> Path:
        """The folder in which the shell starts."""
        return self.root / "work"

    def run(self, commands: Sequence[str], more: Mapping[str, str] | None = None) -> list[str]:
        """Run commands in one shell, one after the other; return what each wrote, to stdout and stderr alike."""
        folder = self.root / "transcript"
        lines = ["status=0"]
        for at, command in enumerate(commands):
            (folder / f"{at}.sh").write_text(f"(exit $status)\n{command}\n")
            lines.append(f". {folder}/{at}.sh >{folder}/{at}.out 2>&1; status=$?")
            (folder / f"{at}.out").unlink(missing_ok=True)
        subprocess.run(
            ["bash", "--norc", "-c", "\n".join(lines)],
            cwd=self.work,
            env={**self.environment, **(more or {})},
            stdin=subprocess.DEVNULL,
            timeout=240,
            check=False,
        )
        return [(folder / f"{at}.out").read_text("utf-8") for at in range(len(commands))]

    def _program(self, name: str, text: str) -> None:
        path = self.root / "bin" / name
        path.write_text(text)
        path.chmod(0o755)


def _environment(root: Path, *, empty: bool, proxy: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("COVERAGE_PROCESS_START",) if name in os.environ}
    ours = {
        "PATH": f"{root / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(root / "home"),
        "TMPDIR": str(root / "tmp"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "COLUMNS": "80",
        "https_proxy": proxy,
        "SSL_CERT_FILE": str(root / "registry/ca.pem"),
    }
    if not empty:
        ours |= {
            "LEDGER_REPO": "ssh://git@git.example.com/team/ledger.git",
            "LEDGER_DEPLOY_KEY": "~/.ssh/ledger_deploy_key",
            "LEDGER_KNOWN_HOSTS": "~/.ssh/ledger_known_hosts",
        }
    return kept | ours

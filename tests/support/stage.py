"""A machine in a folder, on which the examples of the docs run as they are shown.

It has a home with a deploy key, a `ledger` in PATH, and an `ssh` of its own that stands for a git host: whatever
the host's name, it serves `team/ledger.git` to whoever brings the right key and trusts the host. Git speaks its
real protocol through it. `docker` and `pip` only pretend, so that the CI examples can run to their end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.make import digest
from tests.support.upstream import Upstream, git

ROOT = Path(__file__).resolve().parents[2]
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

_DOCKER = """\
#!/bin/bash
# Stands for docker: `buildx bake` writes the metadata of two pushed images, all else does nothing.
set -eu
[ "$1" = login ] && cat >/dev/null
[ "$1 $2" = "image inspect" ] && echo "${{@: -1}}@{app}" | sed 's/:[^:@]*@/@/'
while [ $# -gt 0 ]; do
  if [ "$1" = --metadata-file ]; then cp {root}/metadata.json "$2"; fi
  shift
done
"""

_METADATA = """\
{{
  "app": {{
    "containerimage.digest": "{app}",
    "image.name": "registry.example.com/myorg/app:v1.5.0"
  }},
  "worker": {{
    "containerimage.digest": "{worker}",
    "image.name": "registry.example.com/myorg/worker:v1.5.0"
  }}
}}
"""


@dataclass(frozen=True)
class Stage:
    """A folder with everything in it, and the environment in which its shell starts."""

    root: Path
    environment: Mapping[str, str]

    @classmethod
    def set_up(cls, root: Path, *, empty: bool = False) -> Stage:
        """Build one; `empty` leaves the git host's repository without a commit, and `LEDGER_*` unset."""
        for name in ("bin", "home/.ssh", "work", "tmp", "served/team", "transcript"):
            (root / name).mkdir(parents=True)
        shutil.copytree(ROOT / "sample-ledger", root / "work/sample-ledger")
        (root / "home/.gitconfig").write_text(
            "[user]\n\tname = Ada Example\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
        )
        key = root / "home/.ssh/ledger_deploy_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ledger", "-f", key], check=True)
        host_key = key.with_suffix(".pub").read_text().split()[1]
        key.with_name("ledger_known_hosts").write_text("".join(f"{host} ssh-ed25519 {host_key}\n" for host in HOSTS))
        (root / "metadata.json").write_text(_METADATA.format(app=digest("app"), worker=digest("worker")))
        made = cls(root, _environment(root, empty=empty))
        made._program("ledger", f'#!/bin/sh\nexec {sys.executable} -m ledger_tool "$@"\n')
        made._program("ssh", _SSH.format(home=root / "home", served=root / "served"))
        made._program("docker", _DOCKER.format(app=digest("app"), root=root))
        for name in ("pip", "pipx"):
            made._program(name, "#!/bin/sh\n")
        git("init", "--quiet", "--bare", "--initial-branch=main", made.upstream.path)
        if not empty:
            made.run(
                ["ledger init start --registry registry.example.com", f"git -C start push {made.upstream.path} main"]
            )
            shutil.rmtree(root / "work/start")
        return made

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


def _environment(root: Path, *, empty: bool) -> dict[str, str]:
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
    }
    if not empty:
        ours |= {
            "LEDGER_REPO": "ssh://git@git.example.com/team/ledger.git",
            "LEDGER_DEPLOY_KEY": "~/.ssh/ledger_deploy_key",
            "LEDGER_KNOWN_HOSTS": "~/.ssh/ledger_known_hosts",
        }
    return kept | ours

"""The merge driver's registration in a clone, and git's own line merge for files that are not ledgers.

Source: gitattributes(5), "Defining a custom merge driver".
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import ledger_tool
from ledger_tool.core.ledger.names import LEDGER
from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.git.location import git_dir_of, repository_holding
from ledger_tool.edges.git.repository import local_failure
from ledger_tool.edges.git.workspace import Workspace
from ledger_tool.errors import UsageError

DRIVER = "ledger"


def command() -> str:
    """Return the driver's command line for git: this Python and this program, whatever is on the PATH when git merges.

    Git treats every failure as a conflict, even a missing Python: the file would silently contain only our side. So if
    the driver left no conflict in the file, git merges it by line, and it stays a conflict.
    """
    # Git starts it in the clone, whose files are not modules of this program.
    flag = "-I" if sys.flags.isolated else "-P"
    driver = shlex.join([sys.executable, flag, *_program(), "merge-driver"]).replace("%", "%%")
    by_line = "git merge-file -q --marker-size=%L %A %O %B"
    return f"{driver} %O %A %B %L || {{ grep -q '^<<<<<<<' %A || {by_line}; exit 1; }}"


def _program() -> list[str]:
    """Return how Python starts this program: the installed package, or the zipapp that runs."""
    holder = Path(ledger_tool.__file__).absolute().parents[1]
    return ["-m", "ledger_tool"] if holder.is_dir() else [str(holder)]


def install(folder: Path) -> bool:
    """Register the driver in a clone. Return whether the clone's own attributes file had to name it.

    That is needed if `.gitattributes` does not. Raises UsageError for a folder that is not a clone.
    """
    folder = repository_holding(folder).absolute()
    git_dir = git_dir_of(folder)
    with Workspace(git_dir, top=folder) as workspace:
        repository = workspace.repository(git_dir)
        # The command first: git refuses every merge if a driver has a name and no command.
        repository.must("config", "--local", f"merge.{DRIVER}.driver", command())
        repository.must("config", "--local", f"merge.{DRIVER}.name", "merge of ledger.json by record")
        named = repository.in_work_tree(folder, "check-attr", "-z", "merge", "--", LEDGER)
        if not named.ok:
            raise local_failure(named, "check-attr", folder)
        if named.text.split("\0")[2:3] == [DRIVER]:
            return False
        common = Path(repository.must("rev-parse", "--path-format=absolute", "--git-common-dir"))
        attributes = common / "info" / "attributes"
        with local_errors(attributes, "write"):
            attributes.parent.mkdir(exist_ok=True)
            with open(attributes, "ab+") as file:
                file.seek(0)
                start = "" if file.read()[-1:] in (b"", b"\n") else "\n"
                file.write(f"{start}{LEDGER} merge={DRIVER}\n".encode())
        return True


def merge_lines(base: str, ours: str, theirs: str, size: int) -> None:
    """Merge three files line by line into `ours`, with conflict markers. Raises UsageError if git cannot."""
    with Workspace(None) as workspace:
        paths = [str(Path(path).absolute()) for path in (ours, base, theirs)]
        labels = [word for label in ("ours", "base", "theirs") for word in ("-L", label)]
        repository = workspace.repository(workspace.folder)
        done = repository.git("merge-file", "-q", f"--marker-size={size}", *labels, "--", *paths)
        if not 0 <= done.code < 128:
            raise UsageError(f"git cannot merge the files: {done.stderr.strip()[:300]}", "resolve the conflict by hand")

"""A commit in a person's own repository that has the edits of some files in it, and nothing else of theirs.

The commit is made of what the last commit has, with the edits; so is the index entry of each file, of what is
staged. Neither is made of the file in the work tree: what a person has changed there, staged or not, stays theirs
and stays as it was. No hook runs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests.rewrite import Edit, Rewritten
from ledger_tool.edges.git.access import prepare, user_settings
from ledger_tool.edges.git.credentials import Credentials
from ledger_tool.edges.git.objects import Deadline, Repository, local_failure
from ledger_tool.edges.git.run import git_dir_of, private_folder
from ledger_tool.edges.git.trees import TreeFile, files_of, index_info, index_of, store, write_tree
from ledger_tool.errors import Contended, UsageError

_TRIES = 30  # for the lock of the index, each a tenth of a second
_AT_WORK = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")

Rewrite = Callable[[str, bytes], Rewritten]


def top_of(paths: Sequence[str]) -> Path:
    """Return the top folder of the git repository that holds all the paths. Raises UsageError where there is none."""
    tops = {_top(Path(os.path.realpath(path))) for path in paths}
    if len(tops) > 1:
        raise UsageError("the paths are in several git repositories", "run it once for each")
    return tops.pop()


def _top(place: Path) -> Path:
    for folder in (place, *place.parents):
        if (folder / ".git").exists():
            return folder
    raise UsageError(
        f"{shown(str(place), 300)} is in no git repository", "run `git init` there, or leave `--commit` out"
    )


class WorkTree:
    """The repository of the edited files; see `commands.bump.Committer`. Use `open_work_tree`."""

    def __init__(self, top: Path, repository: Repository, folder: Path) -> None:
        self._top = top
        self._repository = repository
        self._folder = folder
        self._head = ""
        self._committed: dict[str, TreeFile] = {}
        self._staged: dict[str, TreeFile] = {}

    def prepare(self, paths: Sequence[str], rewrite: Rewrite) -> list[Edit]:
        """Make ready what the last commit and the index have of some files, rewritten; return the commit's edits."""
        self._check_idle()
        self._head = self._repository.git("rev-parse", "--quiet", "--verify", "HEAD^{commit}").text.strip()
        if not self._head:
            raise UsageError(f"{self._top} has no commit yet", "make one first, or leave `--commit` out")
        committed, staged = files_of(self._repository, self._head), index_of(self._repository)
        names = {self._name(path): path for path in paths}
        for name, path in names.items():
            if name not in committed or not committed[name].is_plain:
                raise UsageError(
                    f"{shown(path, 300)} is not in the last commit", "commit it first, or leave `--commit` out"
                )
            if name in staged and staged[name].stage:
                raise UsageError(f"{shown(path, 300)} has a merge conflict", "resolve it first")
        edits, self._committed = self._edited({name: committed[name] for name in names}, rewrite, names)
        differing = {name: staged[name] for name in names if name in staged and staged[name].oid != committed[name].oid}
        _, edited = self._edited(differing, rewrite, names)
        same = {name: file for name, file in self._committed.items() if name in staged and name not in differing}
        self._staged = same | edited
        return edits

    def commit(self, message: str) -> str:
        """Commit what was prepared, and nothing else; return the commit's id."""
        tree = write_tree(self._repository, self._head, self._committed, self._folder)
        commit = self._repository.commit_tree(tree, self._head, message)
        done = self._repository.git("update-ref", "-m", "ledger bump", "HEAD", commit, self._head)
        if not done.ok:
            raise Contended(
                f"somebody else committed in {self._top} meanwhile; the files are edited, and not committed",
                "commit them, or run it again",
            )
        self._update_index()
        return commit

    def _edited(
        self, files: dict[str, TreeFile], rewrite: Rewrite, names: dict[str, str]
    ) -> tuple[list[Edit], dict[str, TreeFile]]:
        """Return the edits of files' stored contents, and the files with them."""
        contents = self._repository.blobs([file.oid for file in files.values()]) if files else []
        done = {name: rewrite(names[name], raw) for name, raw in zip(files, contents, strict=True)}
        changed = {name: one.content for name, one in done.items() if one.content is not None}
        oids = store(self._repository, list(changed.values()), self._folder) if changed else []
        edits = [edit for name in changed for edit in done[name].edits]
        return edits, {name: replace(files[name], oid=oid) for name, oid in zip(changed, oids, strict=True)}

    def _name(self, path: str) -> str:
        return Path(os.path.realpath(path)).relative_to(self._top).as_posix()

    def _check_idle(self) -> None:
        for name in _AT_WORK:
            if (self._repository.git_dir / name).exists():
                raise UsageError(
                    f"a merge or a rebase is not finished in {self._top}", "finish it first, or leave `--commit` out"
                )

    def _update_index(self) -> None:
        if not self._staged:
            return
        for _ in range(_TRIES):
            done = self._repository.git("update-index", "-z", "--index-info", stdin=index_info(self._staged))
            if done.ok:
                # Says nothing new, but lets `git diff-index` see that the files are what the index has.
                work_tree = f"--work-tree={self._top}"
                self._repository.git("-C", str(self._top), work_tree, "update-index", "-q", "--refresh")
                return
            if "index.lock" not in done.stderr:
                raise local_failure(done, "update-index", self._top)
            time.sleep(0.1)
        raise Contended(
            f"the commit is made, but another git command is at work in {self._top}: its `index.lock` is there",
            "run `git restore --staged` for the files when it is done",
        )


@contextmanager
def open_work_tree(paths: Sequence[str], *, timeout: float) -> Iterator[WorkTree]:
    """Yield the repository that holds the paths. Raises UsageError where there is none, or several."""
    top = top_of(paths)
    git_dir = git_dir_of(top)
    with ExitStack() as stack:
        folder = private_folder(stack)
        access = prepare(None, Credentials(), user_settings(git_dir), folder, stack)
        yield WorkTree(top, Repository(git_dir, access, Deadline(timeout)), folder)

"""A commit in a person's own repository that contains our edits of some files, and none of that person's changes.

The commit is the last commit plus the edits; each file's index entry is what is staged plus the edits. Neither is
built from the file in the work tree: whatever a person has changed there, staged or not, stays as it was. No hook
runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests.rewrite import Edit, Rewritten
from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.git.entries import Entry
from ledger_tool.edges.git.location import git_dir_of
from ledger_tool.edges.git.repository import Repository
from ledger_tool.edges.git.trees import files_of, index_of, store, update_index, write_tree
from ledger_tool.edges.git.workspace import Workspace
from ledger_tool.errors import Contended, UsageError

_UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")

Rewrite = Callable[[str, bytes], Rewritten]


def top_of(paths: Sequence[str]) -> Path:
    """Return the top folder of the git repository that contains all the paths. Raises UsageError if there is none."""
    tops = {_top(Path(os.path.realpath(path))) for path in paths}
    if len(tops) > 1:
        raise UsageError("the paths are in several git repositories", "run it once for each repository")
    return tops.pop()


def _top(path: Path) -> Path:
    for folder in (path, *path.parents):
        if (folder / ".git").exists():
            return folder
    raise UsageError(
        f"{shown(str(path), 300)} is not in a git repository", "run `git init` there, or leave `--commit` out"
    )


class WorkTree:
    """The repository of the edited files; see `commands.bump.Committer`. Use `open_work_tree`."""

    def __init__(self, top: Path, repository: Repository, folder: Path) -> None:
        self._top = top
        self._repository = repository
        self._folder = folder
        self._head = ""
        self._committed: dict[str, Entry] = {}
        self._staged: dict[str, Entry] = {}

    def prepare(self, paths: Sequence[str], rewrite: Rewrite) -> list[Edit]:
        """Prepare the rewritten versions of some files in the last commit and the index; return the commit's edits."""
        if any((self._repository.git_dir / name).exists() for name in _UNFINISHED):
            message = f"a merge or rebase is in progress in {self._top}"
            raise UsageError(message, "finish it first, or leave `--commit` out")
        self._head = self._repository.commit_of("HEAD")
        if not self._head:
            raise UsageError(f"{self._top} has no commit yet", "commit something first, or leave `--commit` out")
        committed, staged = files_of(self._repository, self._head), index_of(self._repository)
        names = {Path(os.path.realpath(path)).relative_to(self._top).as_posix(): path for path in paths}
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
        """Commit what was prepared and nothing else; return the commit's id."""
        tree = write_tree(self._repository, self._head, self._committed.values(), self._folder)
        commit = self._repository.commit_tree(tree, self._head, message)
        done = self._repository.git("update-ref", "-m", "ledger bump", "HEAD", commit, self._head)
        if not done.ok:
            raise Contended(
                f"somebody else committed in {self._top} in the meantime; the files are edited but not committed",
                "commit them, or run it again",
            )
        if self._staged:
            try:
                update_index(self._repository, self._top, self._staged.values())
            except Contended as error:
                hint = "run `git restore --staged` on the files when the other git command has ended"
                raise Contended(f"the commit is made, but {error.message}", hint) from None
            # Changes nothing, but lets `git diff-index` see that the files match the index.
            self._repository.in_work_tree(self._top, "update-index", "-q", "--refresh")
        return commit

    def _edited(
        self, files: dict[str, Entry], rewrite: Rewrite, names: dict[str, str]
    ) -> tuple[list[Edit], dict[str, Entry]]:
        """Return the edits of the files' stored contents, and the edited files."""
        contents = self._repository.blobs([file.oid for file in files.values()])
        rewritten = {name: rewrite(names[name], raw) for name, raw in zip(files, contents, strict=True)}
        changed = {name: result.content for name, result in rewritten.items() if result.content is not None}
        oids = store(self._repository, list(changed.values()), self._folder) if changed else []
        edits = [edit for name in changed for edit in rewritten[name].edits]
        return edits, {name: replace(files[name], oid=oid) for name, oid in zip(changed, oids, strict=True)}


@contextmanager
def open_work_tree(paths: Sequence[str], *, deadline: Deadline) -> Iterator[WorkTree]:
    """Yield the repository that contains the paths. Raises UsageError if there is none, or several."""
    top = top_of(paths)
    git_dir = git_dir_of(top)
    with Workspace(git_dir, deadline, top=top) as workspace:
        yield WorkTree(top, workspace.repository(git_dir), workspace.folder)

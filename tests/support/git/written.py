"""Commits that are written into a repository with no process of git: by dulwich, as by some other program."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

_WHO = b"Other Writer <other@example.com>"
_FILE = 0o100644


def tip(repository: Path, branch: str) -> str:
    """Return the commit id of a branch, or `""` if there is no such branch."""
    with Repo(str(repository)) as repo:
        return (repo.refs.read_ref(_ref(branch)) or b"").decode()


def tree_with(repository: Path, parent: str, files: Mapping[str, bytes]) -> str:
    """Store a tree: that of a commit (`""`: an empty one) with these files at its top; return the tree's id."""
    with Repo(str(repository)) as repo:
        return _tree_with(repo, parent, files).decode()


def commit(repository: Path, branch: str, files: Mapping[str, bytes], message: str, date: str = "") -> str:
    """Commit files on a branch, which keeps all its others; return the commit's id.

    `date` is when it is committed, a time as ISO 8601 has it, or `""` for now.
    """
    with Repo(str(repository)) as repo:
        parent = repo.refs.read_ref(_ref(branch))
        made = Commit()
        made.tree = _tree_with(repo, (parent or b"").decode(), files)
        made.parents = [ObjectID(parent)] if parent else []
        made.author = made.committer = _WHO
        made.author_time = int(time.time())
        made.commit_time = int(datetime.fromisoformat(date).timestamp()) if date else made.author_time
        made.author_timezone = made.commit_timezone = 0
        made.message = os.fsencode(message.removesuffix("\n") + "\n")
        repo.object_store.add_object(made)
        repo.refs[_ref(branch)] = made.id
        return made.id.decode()


def _ref(branch: str) -> Ref:
    return Ref(f"refs/heads/{branch}".encode())


def _tree_with(repo: Repo, parent: str, files: Mapping[str, bytes]) -> ObjectID:
    tree = Tree()
    if parent:
        start = repo[parent.encode()]
        assert isinstance(start, Commit)
        found = repo[start.tree]
        assert isinstance(found, Tree)
        tree = found
    for name, content in files.items():
        blob = Blob.from_string(content)
        repo.object_store.add_object(blob)
        tree[os.fsencode(name)] = (_FILE, blob.id)
    repo.object_store.add_object(tree)
    return tree.id

"""The branch of `bump`'s pull request: one commit on the tip of its base, made and pushed without a work tree.

The manifests are read as the remote's base has them, whatever is checked out here. The push is a compare-and-swap
on what the branch was when we looked; a branch whose tip is not a commit of ours is left alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests import message as bumpmessage
from ledger_tool.core.manifests.rewrite import Judge, Note, Rewritten
from ledger_tool.edges.files.manifests import MAX_FILE, is_excluded, is_named_so, rewritten
from ledger_tool.edges.git.bump_commit import top_of
from ledger_tool.edges.git.location import Address, Credentials, git_dir_of, parse_remote
from ledger_tool.edges.git.offer import Bounds, Messages, offer_once
from ledger_tool.edges.git.remote import RemoteRef, check_branch, refs_of
from ledger_tool.edges.git.repository import Entry, Repository
from ledger_tool.edges.git.server_words import fetch_error
from ledger_tool.edges.git.trees import files_of, store, write_tree
from ledger_tool.edges.git.workspace import Workspace
from ledger_tool.errors import UsageError

_BATCH = 200  # files whose contents are read at once


class TreeManifests:
    """Manifests of a commit; see `commands.rewrite.Manifests`. They are replaced by a push, all at once."""

    def __init__(
        self, repository: Repository, files: Mapping[str, Entry], paths: Sequence[str], exclude: Sequence[str]
    ) -> None:
        self._repository = repository
        chosen = {path: file for path, file in files.items() if file.is_plain and _is_meant(path, paths, exclude)}
        for named in paths:
            if named != "." and not any(path == named or path.startswith(f"{named}/") for path in files):
                raise UsageError(f"the base has no {shown(named, 300)}", "name files or folders that are there")
        self._large = [path for path, file in chosen.items() if file.size > MAX_FILE]
        self._files = {path: file for path, file in chosen.items() if file.size <= MAX_FILE}

    def rewritten(self, judge: Judge, progress: Callable[[int, int], None], *, write: bool) -> Iterator[Rewritten]:
        """Yield what a judge makes of each file, in their order; what can't be read becomes a note."""
        for path in self._large:
            reason = f"not looked at: larger than {MAX_FILE // 2**20} MiB"
            yield Rewritten(path, notes=[Note(path, 1, reason, is_fault=True)])
        paths = list(self._files)
        for start in range(0, len(paths), _BATCH):
            batch = paths[start : start + _BATCH]
            contents = self._repository.blobs([self._files[path].oid for path in batch])
            for number, (path, raw) in enumerate(zip(batch, contents, strict=True), start + 1):
                yield rewritten(path, raw, judge, write=write)
                progress(number, len(paths))

    def rewrite(self, path: str, raw: bytes, judge: Judge) -> Rewritten:
        """Return what a judge makes of another content of one of the files."""
        return rewritten(path, raw, judge)

    def replace(self, done: Rewritten) -> str:
        """Return why a file can't be replaced here."""
        return f"{done.path} is a commit's, and no file"

    def file(self, path: str) -> Entry:
        """Return the entry of a file."""
        return self._files[path]


def _is_meant(path: str, named: Sequence[str], exclude: Sequence[str]) -> bool:
    for name in named:
        below = path if name == "." else path.removeprefix(f"{name}/") if path.startswith(f"{name}/") else ""
        if path == name or (below and is_named_so(path) and not is_excluded(below, exclude)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Tips:
    """What the remote has: the base's name and commit, and the commit of the request's branch, or `""`."""

    base: str
    base_commit: str
    branch_commit: str


class RequestBranch:
    """See `commands.bump.BaseBranch`. Use `open_base`. `ref` is the branch at the remote."""

    def __init__(self, ref: RemoteRef, tips: Tips, manifests: TreeManifests, folder: Path, bounds: Bounds) -> None:
        self._ref = ref
        self._tips = tips
        self._folder = folder
        self._bounds = bounds
        self.manifests = manifests

    @property
    def base(self) -> str:
        """The base's name."""
        return self._tips.base

    @property
    def branch(self) -> str:
        """The name of the request's branch."""
        return self._ref.branch

    def push(self, changed: Sequence[Rewritten], message: str, options: Sequence[str]) -> str:
        """Make the branch one commit on the base, with these files changed; return the commit's id."""
        repository, tips = self._ref.repository, self._tips
        contents = [file.content for file in changed if file.content is not None]
        oids = store(repository, contents, self._folder)
        files = [replace(self.manifests.file(file.path), oid=oid) for file, oid in zip(changed, oids, strict=True)]
        tree = write_tree(repository, tips.base_commit, files, self._folder)
        if tips.branch_commit and self._is_there(tree, message):
            return tips.branch_commit
        commit = repository.commit_tree(tree, tips.base_commit, message)
        offer_once(replace(self._ref, push_options=options), commit, tips.branch_commit, self._bounds)
        return commit

    def _is_there(self, tree: str, message: str) -> bool:
        """Return whether the branch is what we would push. Raises UsageError where it holds the work of others."""
        raw = self._ref.repository.must("cat-file", "commit", self._tips.branch_commit)
        head, _, text = raw.partition("\n\n")
        if f"{bumpmessage.MARK}: {self.branch}" not in text.split("\n"):
            raise UsageError(
                f"the branch {self.branch} has a commit that `ledger bump` did not make, and is left as it is",
                "merge its pull request, or delete the branch, and run it again",
            )
        wanted = {f"tree {tree}", f"parent {self._tips.base_commit}"}
        return wanted <= set(head.split("\n")) and text.strip() == message.strip()


@contextmanager
def open_base(
    paths: Sequence[str],
    *,
    base: str,
    policies: Sequence[str],
    exclude: Sequence[str],
    token: str,
    timeout: float,
    messages: Messages,
) -> Iterator[tuple[RequestBranch, str]]:
    """Yield the request's branch in the repository that holds the paths, and the URL of its `origin`.

    `base` is a branch of it, or `""` for its default one; `token` is for HTTPS, or `""` for git's own helpers.
    """
    top = top_of(paths)
    git_dir = git_dir_of(top)
    with Workspace(git_dir, timeout=timeout) as workspace:
        url = dict(workspace.settings).get("remote.origin.url", "")
        if not url:
            raise UsageError(f"{top} has no remote `origin` to propose to", "add it with `git remote add origin URL`")
        if base:
            check_branch(base)
        named = [Path(os.path.realpath(path)).relative_to(top).as_posix() for path in paths]
        address = parse_remote(url, top)
        workspace.credentials = Credentials(token=token if _is_safe(address) else "")
        repository = workspace.repository(git_dir, address)
        tips = _tips(repository, address, base, lambda name: bumpmessage.branch_of(name, named, policies))
        ref = RemoteRef(
            repository,
            address,
            bumpmessage.branch_of(tips.base, named, policies),
            landed="the edits are",
            refusal_hint="let it push branches named `ledger/*`",
        )
        manifests = TreeManifests(repository, files_of(repository, tips.base_commit), named, exclude)
        yield RequestBranch(ref, tips, manifests, workspace.folder, Bounds(workspace.deadline, messages)), url


def _is_safe(address: Address) -> bool:
    """Return whether a token may go there: encrypted, or no further than this machine."""
    return address.scheme == "https" or bool(
        re.fullmatch(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?", address.host)
    )


def _tips(repository: Repository, address: Address, base: str, branch_of: Callable[[str], str]) -> Tips:
    """Look at the remote and fetch what it has there; no ref of the repository moves."""
    commits = refs_of(repository, address, "HEAD", "refs/heads/*")
    base = base or commits["HEAD"]
    base_commit = commits.get(f"refs/heads/{base}", "")
    if not base_commit:
        what = f"has no branch `{shown(base)}`" if base else "has no default branch"
        raise UsageError(f"{address.shown} {what}", "name a branch that is there with `--base`")
    ref = f"refs/heads/{branch_of(base)}"
    branch_commit = commits.get(ref, "")
    done = repository.fetch(address.url, f"refs/heads/{base}", *([ref] if branch_commit else []))
    if not done.ok:
        raise fetch_error(done, address.shown, base)
    return Tips(base, base_commit, branch_commit)

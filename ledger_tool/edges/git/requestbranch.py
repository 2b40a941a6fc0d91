"""The branch of a pull request: one commit on the tip of its base, made and pushed without a work tree.

The manifests are read as the remote's base has them, whatever is checked out here. The push is a compare-and-swap
on what the branch was when we looked; a branch whose tip is not a commit of ours is left alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests import message as bumpmessage
from ledger_tool.core.manifests.rewrite import Judge, Note, Rewritten
from ledger_tool.edges.files.manifests import MAX_FILE, is_excluded, is_named_so, rewritten
from ledger_tool.edges.git.access import prepare, user_settings
from ledger_tool.edges.git.credentials import Credentials
from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.objects import Deadline, Repository
from ledger_tool.edges.git.remote import check_branch, refs_of
from ledger_tool.edges.git.run import git_dir_of, parse_remote, private_folder
from ledger_tool.edges.git.server_words import Push, access_error, fetch_error, read_push
from ledger_tool.edges.git.trees import TreeFile, files_of, store, write_tree
from ledger_tool.edges.git.worktree import top_of
from ledger_tool.errors import Contended, Denied, PushRefused, Unreachable, UsageError

_BATCH = 200  # files whose contents are read at once


class TreeManifests:
    """Manifests of a commit; see `commands.rewrite.Manifests`. They are replaced by a push, all at once."""

    def __init__(
        self, repository: Repository, files: Mapping[str, TreeFile], paths: Sequence[str], exclude: Sequence[str]
    ) -> None:
        self._repository = repository
        chosen = {path: file for path, file in files.items() if file.is_plain and _is_meant(path, paths, exclude)}
        for one in paths:
            if one != "." and not any(path == one or path.startswith(f"{one}/") for path in files):
                raise UsageError(f"the base has no {shown(one, 300)}", "name files or folders that are there")
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
            for at, (path, raw) in enumerate(zip(batch, contents, strict=True), start + 1):
                yield rewritten(path, raw, judge, write=write)
                progress(at, len(paths))

    def rewrite(self, path: str, raw: bytes, judge: Judge) -> Rewritten:
        """Return what a judge makes of another content of one of the files."""
        return rewritten(path, raw, judge)

    def replace(self, done: Rewritten) -> str:
        """Return why a file can't be replaced here."""
        return f"{done.path} is a commit's, and no file"

    def file(self, path: str) -> TreeFile:
        """Return the entry of a file."""
        return self._files[path]


def _is_meant(path: str, named: Sequence[str], exclude: Sequence[str]) -> bool:
    for one in named:
        below = path if one == "." else path.removeprefix(f"{one}/") if path.startswith(f"{one}/") else ""
        if path == one or (below and is_named_so(path) and not is_excluded(below, exclude)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Tips:
    """What the remote has: the base's name and commit, and the commit of the request's branch, or `""`."""

    base: str
    at: str
    branch_at: str


class RequestBranch:
    """See `commands.bump.BaseBranch`. Use `open_base`."""

    def __init__(
        self, repository: Repository, address: Address, branch: str, tips: Tips, manifests: TreeManifests, folder: Path
    ) -> None:
        self._repository = repository
        self._address = address
        self._tips = tips
        self._folder = folder
        self.branch = branch
        self.manifests = manifests

    @property
    def base(self) -> str:
        """The base's name."""
        return self._tips.base

    def push(self, changed: Sequence[Rewritten], message: str, options: Sequence[str]) -> str:
        """Make the branch one commit on the base, with these files changed; return the commit's id."""
        contents = [one.content for one in changed if one.content is not None]
        oids = store(self._repository, contents, self._folder)
        files = {
            one.path: replace(self.manifests.file(one.path), oid=oid) for one, oid in zip(changed, oids, strict=True)
        }
        tree = write_tree(self._repository, self._tips.at, files, self._folder)
        if self._tips.branch_at and self._is_there(tree, message):
            return self._tips.branch_at
        commit = self._repository.commit_tree(tree, self._tips.at, message)
        self._push(commit, options)
        return commit

    def _is_there(self, tree: str, message: str) -> bool:
        """Return whether the branch is what we would push. Raises UsageError where it holds the work of others."""
        raw = self._repository.must("cat-file", "commit", self._tips.branch_at)
        head, _, said = raw.partition("\n\n")
        if f"{bumpmessage.MARK}: {self.branch}" not in said.split("\n"):
            raise UsageError(
                f"the branch {self.branch} has a commit that `ledger bump` did not make, and is left as it is",
                "merge its pull request, or delete the branch, and run it again",
            )
        facts = head.split("\n")
        return f"tree {tree}" in facts and f"parent {self._tips.at}" in facts and said.strip() == message.strip()

    def _push(self, commit: str, options: Sequence[str]) -> None:
        ref = f"refs/heads/{self.branch}"
        seen = self._tips.branch_at
        done = self._repository.push(self._address.url, commit, ref, seen, options=options, least=10.0)
        verdict = read_push(done)
        if verdict.push is Push.LANDED:
            return
        # Look at what is there, not at the words: the answer alone may have been lost.
        seen = refs_of(self._repository, self._address, ref).get(ref, "")
        if seen == commit:
            return
        where = f"{self._address.shown} ({self.branch})"
        if seen != self._tips.branch_at:
            raise Contended(f"somebody else moved {where} meanwhile; nothing was written", "run it again")
        if verdict.push is Push.DENIED:
            raise access_error(done.stderr, where) or Denied(
                f"{where} denied the push: {verdict.words}", "check the rights of the key or token"
            )
        if verdict.push is Push.REJECTED:
            raise PushRefused(f"{where} refused the push: {verdict.words}", "let it push branches named `ledger/*`")
        raise Unreachable(f"the push to {where} failed and nothing was written: {verdict.words}", "run it again")


@contextmanager
def open_base(
    paths: Sequence[str], *, base: str, policies: Sequence[str], exclude: Sequence[str], token: str, timeout: float
) -> Iterator[tuple[RequestBranch, str]]:
    """Yield the request's branch in the repository that holds the paths, and the URL of its `origin`.

    `base` is a branch of it, or `""` for its default one; `token` is for HTTPS, or `""` for git's own helpers.
    """
    top = top_of(paths)
    git_dir = git_dir_of(top)
    settings = user_settings(git_dir)
    url = dict(settings).get("remote.origin.url", "")
    if not url:
        raise UsageError(f"{top} has no remote `origin` to propose to", "add it with `git remote add origin URL`")
    if base:
        check_branch(base)
    named = [Path(os.path.realpath(path)).relative_to(top).as_posix() for path in paths]
    address = parse_remote(url, top)
    with ExitStack() as stack:
        folder = private_folder(stack)
        access = prepare(address, Credentials(token=token if _is_safe(address) else ""), settings, folder, stack)
        repository = Repository(git_dir, access, Deadline(timeout))
        tips = _tips(repository, address, base, lambda name: bumpmessage.branch_of(name, named, policies))
        branch = bumpmessage.branch_of(tips.base, named, policies)
        manifests = TreeManifests(repository, files_of(repository, tips.at), named, exclude)
        yield RequestBranch(repository, address, branch, tips, manifests, folder), url


def _is_safe(address: Address) -> bool:
    """Return whether a token may go there: encrypted, or no further than this machine."""
    return address.scheme == "https" or bool(
        re.fullmatch(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?", address.host)
    )


def _tips(repository: Repository, address: Address, base: str, branch_of: Callable[[str], str]) -> Tips:
    """Look at the remote and fetch what it has there; no ref of the repository moves."""
    listing = refs_of(repository, address, "HEAD", "refs/heads/*")
    base = base or listing.get("HEAD", "")
    at = listing.get(f"refs/heads/{base}", "")
    if not at:
        what = f"has no branch `{shown(base)}`" if base else "has no default branch"
        raise UsageError(f"{address.shown} {what}", "name a branch that is there with `--base`")
    ref = f"refs/heads/{branch_of(base)}"
    branch_at = listing.get(ref, "")
    done = repository.fetch(address.url, f"refs/heads/{base}", *([ref] if branch_at else []))
    if not done.ok:
        raise fetch_error(done, address.shown, base)
    return Tips(base, at, branch_at)

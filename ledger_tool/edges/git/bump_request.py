"""The branch of `bump`'s pull request: one commit on the tip of its base, made and pushed without a work tree.

The manifests are read from the remote's base, whatever is checked out locally. The push is a compare-and-swap on the
branch's last known tip; a branch whose tip is not a commit of ours is left alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests.environment import ENV_FILE, NOTHING_SET, Environment, parse_environment
from ledger_tool.core.manifests.marks import Style
from ledger_tool.core.manifests.message import MARK, branch_of
from ledger_tool.core.manifests.rewrite import Judge, Rewritten, not_read
from ledger_tool.core.manifests.unread import MAX_FILE, MOST_SEEN
from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.files.chart_files import FilesByPath
from ledger_tool.edges.files.charts import Charts
from ledger_tool.edges.files.kustomizations import Kustomizations
from ledger_tool.edges.files.manifests import is_excluded, is_manifest_name, nothing_read, rewritten
from ledger_tool.edges.git.bump_commit import top_of
from ledger_tool.edges.git.entries import Entry
from ledger_tool.edges.git.location import Credentials, check_branch, git_dir_of, parse_remote
from ledger_tool.edges.git.offer import Bounds, Messages, offer_once
from ledger_tool.edges.git.remote import RemoteRef
from ledger_tool.edges.git.remote_refs import refs_of
from ledger_tool.edges.git.repository import Repository
from ledger_tool.edges.git.server_words import fetch_error
from ledger_tool.edges.git.trees import files_of, store, write_tree
from ledger_tool.edges.git.user_settings import value_of
from ledger_tool.edges.git.workspace import Workspace
from ledger_tool.errors import LedgerError, UsageError

_BATCH = 200  # files whose contents are read at once


class TreeManifests:
    """Manifests of a commit; see `commands.rewrite.Manifests`."""

    def __init__(
        self,
        repository: Repository,
        files: Mapping[str, Entry],
        paths: Sequence[str],
        exclude: Sequence[str],
        style: Style = "",
        origin: str = "",
    ) -> None:
        for named in paths:
            if named != "." and not any(path == named or path.startswith(f"{named}/") for path in files):
                raise UsageError(f"the base has no {shown(named, 300)}", "name files or folders that it has")
        self.idle = list(dict.fromkeys(exclude))  # the globs that leave nothing out
        chosen = {
            path: file for path, file in files.items() if file.is_plain and _is_chosen(path, paths, exclude, self.idle)
        }
        self.files = {path: file for path, file in chosen.items() if file.size <= MAX_FILE}
        self._others = [
            nothing_read(name, exclude)
            for name in paths
            if not any(_is_chosen(path, [name], exclude, []) for path in chosen)
        ]
        self._large = {path: file for path, file in chosen.items() if path not in self.files}
        self._repository = repository
        self._style = style
        self._all = {path: file for path, file in files.items() if file.is_plain and file.size <= MAX_FILE}
        by_path = FilesByPath(self._all, self._read, self._read_all, origin)
        self._kustomizations = Kustomizations(by_path, self.files)
        self._charts = Charts(by_path, self.files, self._kustomizations.rules)

    def _read(self, path: str) -> bytes:
        (content,) = self._repository.blobs([self._all[path].oid])
        return content

    def _read_all(self, paths: Sequence[str]) -> Iterable[bytes]:
        return self._repository.blobs([self._all[path].oid for path in paths])

    def _environment(self, path: str) -> Environment:
        """Return the variables of the `.env` file beside a file."""
        file = "".join(path.rpartition("/")[:2]) + ENV_FILE
        return parse_environment(self._read(file)) if file in self._all else NOTHING_SET

    def rewritten(self, judge: Judge, progress: Callable[[int, int], None], *, write: bool) -> Iterator[Rewritten]:
        for path, file in self._large.items():
            (raw,) = self._repository.blobs([file.oid])
            yield rewritten(path, raw[:MOST_SEEN], judge, write=write)
        yield from map(not_read, self._others)
        paths = list(self.files)
        for start in range(0, len(paths), _BATCH):
            batch = paths[start : start + _BATCH]
            contents = self._repository.blobs([self.files[path].oid for path in batch])
            for number, (path, raw) in enumerate(zip(batch, contents, strict=True), start + 1):
                charts, environment = partial(self._charts.of, path), partial(self._environment, path)
                rules = partial(self._kustomizations.rules, path) if self._kustomizations.any else None
                ready = replace(judge, style=self._style, charts=charts, environment=environment, taken_apart=rules)
                yield rewritten(path, raw, ready, write=write)
                progress(number, len(paths))


def _is_chosen(path: str, named: Sequence[str], exclude: Sequence[str], idle: list[str]) -> bool:
    for name in named:
        below = path if name == "." else path.removeprefix(f"{name}/") if path.startswith(f"{name}/") else ""
        if is_manifest_name(path) and (path == name or (below and not is_excluded(below, exclude, idle))):
            return True
    return False


@dataclass(frozen=True, slots=True)
class RequestBranch:
    """See `commands.bump.BaseBranch`. Use `open_base`.

    `base_commit` is the base's commit on the remote; `ref` is the request's branch there, and `expected` its commit, or
    `""`. `folder` is private and temporary.
    """

    base: str
    base_commit: str
    ref: RemoteRef
    expected: str
    manifests: TreeManifests
    folder: Path
    bounds: Bounds

    @property
    def branch(self) -> str:
        return self.ref.branch

    @property
    def is_there(self) -> bool:
        return bool(self.expected)

    def push(self, changed: Sequence[Rewritten], message: str, options: Sequence[str]) -> str:
        repository = self.ref.repository
        contents = [file.content for file in changed if file.content is not None]
        oids = store(repository, contents, self.folder)
        files = [replace(self.manifests.files[file.path], oid=oid) for file, oid in zip(changed, oids, strict=True)]
        tree = write_tree(repository, self.base_commit, files, self.folder)
        if self.expected and self._is_pushed(tree, message):
            return self.expected
        commit = repository.commit_tree(tree, self.base_commit, message)
        with _about_origin():
            offer_once(replace(self.ref, push_options=options), commit, self.expected, self.bounds)
        return commit

    def _is_pushed(self, tree: str, message: str) -> bool:
        """Return whether the branch is what we would push. Raises UsageError if it contains the work of others."""
        header, _, text = self.ref.repository.must("cat-file", "commit", self.expected).partition("\n\n")
        if f"{MARK}: {self.branch}" not in text.split("\n"):
            raise UsageError(
                f"the branch {self.branch} has a commit that `ledger bump` did not make, and was left alone",
                "merge its pull request, or delete the branch, then run it again",
            )
        expected = {f"tree {tree}", f"parent {self.base_commit}"}
        return expected <= set(header.split("\n")) and text.strip() == message.strip()


@contextmanager
def _about_origin() -> Iterator[None]:
    """Let errors say that they are not about the ledger's remote."""
    try:
        yield
    except LedgerError as error:
        error.is_about_ledger = False
        raise


@contextmanager
def open_base(
    paths: Sequence[str],
    *,
    base: str,
    policies: Sequence[str],
    exclude: Sequence[str],
    style: Style,
    token: str,
    deadline: Deadline,
    messages: Messages,
) -> Iterator[tuple[RequestBranch, str]]:
    """Yield the request's branch in the repository that contains the paths, and the URL of its `origin`.

    `base` is one of its branches, or `""` for its default branch; `token` is for HTTPS, or `""` for git's own helpers.
    The remote's commits of both branches are fetched; no ref of the repository moves.
    """
    top = top_of(paths)
    git_dir = git_dir_of(top)
    check_branch(base)
    with Workspace(git_dir, deadline, top=top) as workspace:
        url = value_of(workspace.settings, "remote.origin.url")
        if not url:
            raise UsageError(f"{top} has no remote `origin` to propose to", "add it with `git remote add origin URL`")
        address = replace(parse_remote(url, top), is_ledgers=False)
        workspace.credentials = Credentials(token=token if address.is_confidential else "")
        repository = workspace.reader(git_dir, address)
        with _about_origin():
            commits = refs_of(repository, address, "HEAD", "refs/heads/*")
        base = base or commits["HEAD"]
        base_commit = commits.get(f"refs/heads/{base}", "")
        if not base_commit:
            what = f"has no branch `{shown(base)}`" if base else "has no default branch"
            raise UsageError(f"{address.shown} {what}", "name one of its branches with `--base`")
        named = [Path(os.path.realpath(path)).relative_to(top).as_posix() for path in paths]
        branch, hint = branch_of(base, named, policies), "let it push branches named `ledger/*`"
        ref = RemoteRef(repository, address, branch, landed="the edits are", refusal_hint=hint)
        expected = commits.get(ref.name, "")
        with _about_origin():
            done = repository.fetch(address.url, f"refs/heads/{base}", *([ref.name] if expected else []))
            if not done.ok:
                raise fetch_error(done, address, "")
        manifests = TreeManifests(repository, files_of(repository, base_commit), named, exclude, style, address.shown)
        bounds = Bounds(workspace.deadline, messages)
        yield RequestBranch(base, base_commit, ref, expected, manifests, workspace.folder, bounds), url

"""The files that commits change, and the attributes that git gives a file at a commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger_tool.core.judging.files import ATTRIBUTES, ChangedFile
from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.files.temporary import private_folder
from ledger_tool.edges.git.repository import COMPARED, Repository, paths_of

_ABSENT = "000000"


def changed_files(repository: Repository, old: str, new: str) -> list[ChangedFile]:
    """Return every file, in every folder, that differs between two commits; symbolic links and submodules included."""
    fields = paths_of(repository.succeed("diff-tree", "-r", *COMPARED, "-z", old, new, "--").stdout)
    files = []
    for facts, path in zip(fields[::2], fields[1::2], strict=True):
        before, after = facts.lstrip(":").split(" ")[:2]
        files.append(ChangedFile(path, *("" if mode == _ABSENT else mode for mode in (before, after))))
    return files


def attributes_file(repository: Repository, commit: str) -> bytes:
    """Return the `.gitattributes` at the top of a commit; empty where git would not read it, such as a link."""
    entries = [entry for entry in repository.entries(commit) if entry.path == ATTRIBUTES]
    return repository.blobs([entries[0].oid])[0] if entries and entries[0].is_plain else b""


def attributes_of(repository: Repository, content: bytes, paths: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the attributes that a `.gitattributes` gives to some files, by git's own reading.

    It is read in an empty repository: the clone's own `info/attributes` would hide what changes for everybody else.
    """
    with private_folder() as folder, local_errors("the folder for temporary files", "use"):
        git_dir, top = folder / "git", folder / "top"
        top.mkdir()
        (top / ATTRIBUTES).write_bytes(content)
        # Within a push, objects are elsewhere.
        own = {name: value for name, value in repository.environment.items() if "_OBJECT_DIRECTOR" not in name}
        options = ("-c", "core.attributesFile=")
        empty = replace(repository, git_dir=git_dir, environment=own, options=options, _trees={})
        empty.succeed("init", "--quiet", "--bare", "--template=")
        done = empty.in_work_tree(top, "check-attr", "-z", "-a", "--", *paths)
        fields = done.text.split("\0")
    attributes: dict[str, dict[str, str]] = {path: {} for path in paths}
    for path, attribute, value in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        attributes[path][attribute] = value
    return attributes


def merged_text(repository: Repository, ours: bytes, base: bytes, theirs: bytes) -> bytes | None:
    """Return git's merge of two texts with a common base; None if they conflict, or one of them is not text."""
    with private_folder() as folder, local_errors("the folder for temporary files", "use"):
        paths = [folder / name for name in ("ours", "base", "theirs")]
        for path, content in zip(paths, (ours, base, theirs), strict=True):
            path.write_bytes(content)
        done = repository.git("merge-file", "-p", "-q", "--", *map(str, paths))
    return done.stdout if done.ok else None

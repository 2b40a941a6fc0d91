"""The files that commits change, and the attributes that git gives a file at a commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger_tool.core.judging.files import ATTRIBUTES, ChangedFile
from ledger_tool.core.policy.policy import MAX_SETTINGS_READ
from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.files.temporary import private_folder
from ledger_tool.edges.git.entries import Entry
from ledger_tool.edges.git.repository import COMPARED, Repository, paths_of

_ABSENT = "000000"
_MOST_MERGED = 100  # files of one merge; each costs a process


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


def merged_as_text(repository: Repository, commits: tuple[str, str, str, str], paths: Sequence[str]) -> set[str]:
    """Return which files of the last of four commits are git's merge of the text that the three others have.

    These are ours, the base, and theirs. Each has the file, as a plain one and with the same permissions.
    """
    if not paths or len(paths) > _MOST_MERGED:
        return set()
    found: dict[str, list[Entry]] = {path: [] for path in paths}
    for commit in commits:
        for entry in repository.listed(commit, paths=paths):
            found.get(entry.path, []).append(entry)
    usable = {
        path: [entry.oid for entry in entries]
        for path, entries in found.items()
        if len(entries) == len(commits) and len({entry.mode for entry in entries}) == 1 and entries[0].is_plain
        if all(entry.size <= MAX_SETTINGS_READ for entry in entries)
    }
    every = list(dict.fromkeys(oid for oids in usable.values() for oid in oids))
    contents = dict(zip(every, repository.blobs(every), strict=True))
    return {path for path, oids in usable.items() if _is_merge_of_text(repository, [contents[oid] for oid in oids])}


def _is_merge_of_text(repository: Repository, contents: Sequence[bytes]) -> bool:
    """Return whether the last content is git's merge of ours, the base, and theirs, without a conflict."""
    with private_folder() as folder, local_errors("the folder for temporary files", "use"):
        paths = [folder / name for name in ("ours", "base", "theirs")]
        for path, content in zip(paths, contents, strict=False):
            path.write_bytes(content)
        done = repository.git("merge-file", "-p", "-q", "--", *map(str, paths))
    return done.ok and done.stdout == contents[-1]

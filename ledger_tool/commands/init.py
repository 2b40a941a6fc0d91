"""`init`: a folder that is a ledger, ready to push."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger_tool.core.writes.init import job_url, new_ledger_files
from ledger_tool.core.writes.tool import Tool


class Workplace(Protocol):
    """The folder that becomes a ledger."""

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return which of the named files do not exist yet."""

    def lacking(self, names: Sequence[str], text: str) -> list[str]:
        """Return which of the named files exist and do not have a text in them."""

    def around(self) -> str:
        """Return the folder of the repository that a new one would be inside of, or `""`."""

    def prepare(self) -> bool:
        """Create the folder and its git repository if missing; return whether it is new: no commit, nothing staged."""

    def write(self, files: Mapping[str, str]) -> None:
        """Write new files; one that exists is never touched."""

    def why_invalid(self) -> str:
        """Return why the existing `ledger.json` or `ledger.yaml` is not valid, or `""`."""

    def remote(self) -> str | None:
        """Return the URL of the remote, without a login; `""` if no other machine can use it, None without a remote."""

    def commit_all(self, names: Sequence[str], message: str) -> str:
        """Make the first commit, of exactly these files; return its id."""


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """The files added and those kept; the first commit's id, the ledger's URL, and why a kept file is invalid, each or
    `""`; what added files of the CI system leave empty, without which their jobs stop, with the option that fills it in
    and these files; which kept files an option that was given would have filled in, by the option; the folder of the
    repository that a new one is inside of; and the added file with the job that publishes pages, or `""`.
    """

    added: Sequence[str]
    kept: Sequence[str]
    commit: str
    has_remote: bool
    url: str
    invalid: str
    unset: Mapping[str, tuple[str, Sequence[str]]]
    unused: Mapping[str, Sequence[str]]
    around: str = ""
    pages: str = ""


def init(
    workplace: Workplace,
    *,
    schema: str,
    registry: str = "",
    url: str = "",
    kit: Mapping[str, str] | None = None,
    tool: Tool | None = None,
) -> Scaffolded:
    """Add the missing files of a ledger, with those of a CI system in `kit`, by path; they run `tool`, and name the
    ledger by `url` or by its remote. `schema` is the text of the schema of `ledger.yaml`. A repository without commits
    gets its first one; in any other, committing is up to the user.
    """

    def files_with(registry: str, url: str, tool: Tool | None) -> dict[str, str]:
        return new_ledger_files(registry, kit, url=url, tool=tool, schema=schema)

    around = workplace.around()
    is_new = workplace.prepare()
    remote = workplace.remote()
    given, url = job_url(url), url or remote or ""
    for_jobs = job_url(url)
    files = files_with(registry, for_jobs, tool)
    added = workplace.missing(list(files))
    workplace.write({name: files[name] for name in added})
    kept = [name for name in files if name not in added]
    commit = workplace.commit_all(list(files), "start the ledger\n") if is_new and not kept else ""
    texts = {name: kit[name] for name in added if kit and name in kit}
    unset = {} if tool else {"LEDGER_TOOL": ("--tool SPEC", [name for name in texts if "@TOOL@" in texts[name]])}
    if not for_jobs:  # some can do without, in the ledger's own repository
        lacking = [name for name in texts if "@LEDGER_REPO@" in texts[name] and "LEDGER_REPO:-ssh" not in texts[name]]
        unset["LEDGER_REPO"] = ("--url ssh://git@HOST/PATH", lacking)
    options = {
        "--registry": (registry, files_with("", for_jobs, tool)),
        "--url": (given, files_with(registry, "", tool)),
        "--tool": (tool.spec if tool else "", files_with(registry, for_jobs, None)),
    }
    unused = {
        name: workplace.lacking([path for path in kept if files[path] != without[path]], text)
        for name, (text, without) in options.items()
        if text
    }
    return Scaffolded(
        added, kept, commit, remote is not None, url, workplace.why_invalid(),
        {name: (option, names) for name, (option, names) in unset.items() if names},
        {name: paths for name, paths in unused.items() if paths},
        around, next((name for name, text in texts.items() if "LEDGER_SITE" in text), ""),
    )  # fmt: skip

"""The user's git settings: all of them, with where they come from, and those that a run passes on to git."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.git.location import is_ours
from ledger_tool.edges.git.process import Completed, Running, run, start
from ledger_tool.errors import UsageError

_CONFIG_SOURCES = re.compile(r"GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)")
# What a checkout of somebody else may say: where its remote is, and how to read its objects.
_OF_ANYBODY = re.compile(
    r"remote\..*\.(?:url|promisor|partialclonefilter)|branch\..*\.(?:remote|merge)"
    r"|extensions\..*|core\.repositoryformatversion"
)


class Setting(NamedTuple):
    """One git setting; `scope` is `system`, `global`, `local`, `worktree` or `command` (git-config(1))."""

    key: str
    value: str
    scope: str

    @property
    def is_local(self) -> bool:
        """Whether it comes from a repository."""
        return self.scope in ("local", "worktree")


Settings = Sequence[Setting]


def ask_settings(git_dir: Path | None) -> Running:
    """Start to ask git for all of the user's effective settings, and those of a checkout if `git_dir` names one."""
    return start(
        [f"--git-dir={git_dir or os.devnull}", "config", "--list", "--show-scope", "-z"], environment=_sources()
    )


def settings_in(done: Completed) -> Settings:
    """Return the settings, in git's order, that `ask_settings` got. Raises UsageError if git cannot read them."""
    if not done.ok:
        raise UsageError(f"git cannot read your settings: {shown(' '.join(done.stderr.split()), 300)}", "fix that file")
    words = done.text.split("\0")
    settings = []
    for scope, entry in zip(words[::2], words[1::2], strict=False):
        key, newline, value = entry.partition("\n")
        settings.append(Setting(key, value if newline else "true", scope))  # a key alone is a boolean
    return settings


def user_settings(git_dir: Path | None) -> Settings:
    """Return what `settings_in` returns for what `ask_settings` gets."""
    return settings_in(ask_settings(git_dir).ended())


def value_of(settings: Settings, key: str) -> str:
    """Return the value of a setting, or `""` if it is not set."""
    return next((setting.value for setting in reversed(settings) if setting.key == key), "")


def without_programs(settings: Settings) -> Settings:
    """Return the settings without those of a repository that may run a program or lead a credential elsewhere."""
    return [setting for setting in settings if not setting.is_local or _OF_ANYBODY.fullmatch(setting.key)]


def is_trusted(folder: Path, git_dir: Path) -> bool:
    """Return whether git would use a checkout's own settings: it is ours, or listed in `safe.directory`."""
    return is_ours(folder, git_dir) or run(["-C", str(folder), "rev-parse", "--git-dir"], environment=_sources()).ok


def config_file(settings: Iterable[tuple[str, str]]) -> bytes:
    """Return these settings as a git config file."""
    return "".join(_config_lines(key, value) for key, value in settings).encode("utf-8", "surrogateescape")


def _config_lines(key: str, value: str) -> str:
    section, _, rest = key.partition(".")
    subsection, dot, name = rest.rpartition(".")
    header = f'{section} "{_quoted(subsection)}"' if dot else section
    written = _quoted(value).replace("\n", "\\n").replace("\t", "\\t").replace("\b", "\\b")
    return f'[{header}]\n\t{name} = "{written}"\n'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _sources() -> Mapping[str, str]:
    """Return what git needs to find the user's settings."""
    names = ("PATH", "HOME", "XDG_CONFIG_HOME", "SUDO_UID")
    named = {name: value for name, value in os.environ.items() if name in names or _CONFIG_SOURCES.fullmatch(name)}
    return named | {"LC_ALL": "C"}

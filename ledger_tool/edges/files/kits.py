"""The files that connect a ledger repository to a CI system; they come with this program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

_KITS = files("ledger_tool") / "kits"


def kit(ci: str) -> dict[str, str]:
    """Return the text of each file by its path in a ledger repository; `ci` is one of `core.writes.init.CI_SYSTEMS`.

    The blanks that `core.writes.init` fills in are left.
    """
    return {path: _with_scripts(text) for path, text in sorted(_texts(_KITS / ci))}


def _texts(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _texts(each, f"{above}{each.name}/")
        else:
            yield f"{above}{each.name}", each.read_text("utf-8")


def shell_script(name: str) -> str:
    """Return a script of the folder `shell`, such as `install.sh`, with those in it that it names."""
    return _with_scripts((_KITS / "shell" / name).read_text("utf-8"))


def _with_scripts(text: str) -> str:
    """Return a text with the script of the folder `shell` that each line such as `@install.sh@` names, indented."""

    def script(line: re.Match[str]) -> str:
        lines = shell_script(line[2]).splitlines()
        return "\n".join(f"{line[1]}{one}" if one else "" for one in lines)

    return re.sub(r"^( *)@([a-z]+\.sh)@$", script, text, flags=re.MULTILINE)
